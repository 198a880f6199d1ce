//! Whether a program fits the memory of this machine, asked before any of it is taken.

use super::layout::is_wide;
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::ops::arrange::Arrangement;
use crate::program::plan::Plan;
use crate::program::{Domain, Kind, Layout, Program, Role};

/// Bytes that a program takes on `threads` threads.
fn needed<T: Scalar>(program: &Program, arrangement: &Arrangement, threads: usize) -> u64 {
    let bytes = |kind: Kind, len: usize| {
        let one = match kind {
            Kind::Real => size_of::<T>(),
            Kind::Complex | Kind::Half => 2 * size_of::<T>(),
            Kind::Index => size_of::<u32>(),
        };
        (len * one) as u64
    };
    let held = program.slots.iter().zip(program.copies()).map(|(slot, copies)| match slot.role {
        Role::Temp => 0,
        Role::Formula(_) if slot.shape.layout == Layout::Spectrum => 0,
        _ => copies as u64 * bytes(slot.shape.kind, arrangement.len(&slot.shape)),
    });
    let mut total: u64 = held.sum();
    let (mut once, mut work) = (0, 0);
    for routine in &program.routines {
        let plan = Plan::of(program, routine, arrangement);
        let of = |domain: Domain| -> u64 {
            let slabs = plan.slabs.iter().filter(|s| s.domain == domain);
            slabs.map(|s| bytes(s.kind, s.len)).sum()
        };
        total += routine.leaves.count as u64 * of(Domain::Leaf);
        once = once.max(of(Domain::Once));
        let copies = if is_wide(routine) { routine.leaves.size } else { 1 };
        work = work.max(copies as u64 * of(Domain::Sample));
    }
    total + once + threads as u64 * work
}

/// Bytes that programs may still take, where the system tells it: of the machine, or of the container
/// that this process is in, whichever is less.
fn available() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    of_machine(&read("/proc/meminfo").unwrap_or_default()).into_iter().chain(of_groups(read)).min()
}

/// Of `/proc/meminfo`.
fn of_machine(text: &str) -> Option<u64> {
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Likewise of the control groups that this process is in, version 2 and 1, and of those above them.
/// What the kernel may drop, pages of files and its own caches, is free.
fn of_groups(read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let own = read("/proc/self/cgroup").unwrap_or_default();
    let groups = own.lines().filter_map(|line| {
        // `0::/a/b`, or of version 1 `5:memory:/a/b`.
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        match controllers {
            "" => Some(("/sys/fs/cgroup", path, ["memory.max", "memory.current", ""])),
            _ if controllers.split(',').any(|c| c == "memory") => {
                let names = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_"];
                Some(("/sys/fs/cgroup/memory", path, names))
            }
            _ => None,
        }
    });
    let free = |folder: &str, [limit, used, all]: [&str; 3]| {
        let text = |name| read(&format!("{folder}/{name}"));
        // `max` is no number, and no limit.
        let number = |name| text(name)?.trim().parse::<u64>().ok();
        let stat = text("memory.stat").unwrap_or_default();
        let dropped = |line: &str| {
            let (name, bytes) = line.strip_prefix(all)?.split_once(' ')?;
            let may_go = ["active_file", "inactive_file", "slab_reclaimable"].contains(&name);
            may_go.then(|| bytes.trim().parse::<u64>().ok())?
        };
        let dropped: u64 = stat.lines().filter_map(dropped).sum();
        Some(number(limit)?.saturating_sub(number(used)?.saturating_sub(dropped)))
    };
    let above = |(root, path, names): (&str, &str, [&'static str; 3])| {
        // Inside a container the path may be the host's, and the container's own group the root.
        let each = std::path::Path::new(path).ancestors().filter_map(std::path::Path::to_str);
        let free = each.filter_map(|p| free(&format!("{root}/{}", p.trim_matches('/')), names));
        free.min()
    };
    groups.filter_map(above).min()
}

/// The bytes that it takes.
///
/// # Errors
/// With both numbers, when it does not fit.
pub fn check<T: Scalar>(
    program: &Program,
    arrangement: &Arrangement,
    threads: usize,
) -> Result<u64> {
    let needed = needed::<T>(program, arrangement, threads);
    match available() {
        Some(available) if needed > available => {
            let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
            Err(Error::device(format!(
                "the program takes {:.1} GiB on {threads} threads, and {:.1} GiB of memory are free",
                gib(needed),
                gib(available)
            ))
            .help("use fewer optic.samples, a smaller train.batch, or fewer --threads"))
        }
        _ => Ok(needed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_tells_what_is_free() {
        let text = "MemTotal:       2000 kB\nMemAvailable:   1000 kB\n";
        assert_eq!((of_machine(text), of_machine("")), (Some(1000 << 10), None));
    }

    /// The tightest group on the way up decides; `max` is no limit, and what may be dropped is free.
    #[test]
    fn a_container_may_have_less() {
        let free = |files: &[(&str, &str)]| {
            of_groups(|path| {
                // Some have the slash of the root twice.
                let path = path.replace("//", "/");
                files.iter().find(|(at, _)| *at == path).map(|(_, text)| (*text).to_owned())
            })
        };
        let own = ("/proc/self/cgroup", "0::/a/b\n");
        let (current, limit) = (
            ("/sys/fs/cgroup/a/memory.current", "300\n"),
            ("/sys/fs/cgroup/a/memory.max", "1000\n"),
        );
        let unlimited = [
            ("/sys/fs/cgroup/a/b/memory.current", "9\n"),
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
        ];
        assert_eq!(free(&[]), None);
        assert_eq!(free(&[own, unlimited[0], unlimited[1]]), None);
        assert_eq!(free(&[own, unlimited[0], unlimited[1], current, limit]), Some(700));
        let stat = (
            "/sys/fs/cgroup/a/memory.stat",
            "anon 100\ninactive_file 150\nactive_file 20\nslab_reclaimable 30\n",
        );
        assert_eq!(free(&[own, current, limit, stat]), Some(900));
        let root = [("/sys/fs/cgroup/memory.current", "600"), ("/sys/fs/cgroup/memory.max", "500")];
        assert_eq!(free(&[own, current, limit, root[0], root[1]]), Some(0));
        let old = [
            ("/proc/self/cgroup", "7:cpu:/x\n5:memory,hugetlb:/x\n"),
            ("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "64"),
            ("/sys/fs/cgroup/memory/x/memory.usage_in_bytes", "14"),
            ("/sys/fs/cgroup/memory/x/memory.stat", "inactive_file 1\ntotal_inactive_file 10\n"),
        ];
        assert_eq!(free(&old), Some(60));
    }
}
