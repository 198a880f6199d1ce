//! The machine that measured: what a number needs beside it to be of use to others.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::backend::gpu;
use crate::math::lanes::Isa;

#[derive(Debug, Clone, Serialize)]
pub struct Host {
    pub cpu: String,
    pub cores: usize,
    /// Vector instructions of this CPU.
    pub isa: &'static str,
    pub os: String,
    /// The device that ran, as its executor says.
    pub device: String,
    /// Of a GPU.
    pub driver: Option<String>,
    pub threads: usize,
    /// UTC.
    pub date: String,
    pub version: &'static str,
    pub command: String,
}

impl Host {
    pub fn of(device: String, threads: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let adapter = if device.starts_with("GPU") { gpu::adapters() } else { Vec::new() };
        let driver = adapter.into_iter().find(|a| device.contains(&a.name)).map(|a| a.driver);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Self {
            cpu: cpu_name().unwrap_or_else(|| std::env::consts::ARCH.into()),
            cores,
            isa: Isa::best().name(),
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device,
            driver,
            threads,
            date: date(since),
            version: env!("CARGO_PKG_VERSION"),
            command: std::env::args().collect::<Vec<_>>().join(" "),
        }
    }
}

/// Where the system tells it.
fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// A data cache: its bytes, and how many of the machine's threads share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    pub bytes: usize,
    pub shared_by: usize,
}

impl Cache {
    /// Bytes of each of `threads` threads in use: at worst they share one.
    pub fn of_a_thread(self, threads: usize) -> usize {
        self.bytes / self.shared_by.min(threads).max(1)
    }
}

/// The data cache of a level, the usual one where the system does not tell.
pub fn cache(level: usize) -> Cache {
    let usual = if level == 2 {
        Cache { bytes: 512 << 10, shared_by: 1 }
    } else {
        Cache { bytes: 16 << 20, shared_by: usize::MAX }
    };
    let told = |index: usize| {
        let folder = format!("/sys/devices/system/cpu/cpu0/cache/index{index}");
        let read = |name| std::fs::read_to_string(Path::new(&folder).join(name)).ok();
        (read("level")?.trim().parse() == Ok(level)).then_some(())?;
        let size = read("size")?;
        let kib: usize = size.trim().strip_suffix('K')?.parse().ok()?;
        let sharers = read("shared_cpu_list").and_then(|list| cpus(&list));
        Some(Cache { bytes: kib << 10, shared_by: sharers.unwrap_or(usual.shared_by) })
    };
    (0..5).find_map(told).unwrap_or(usual)
}

/// How many CPUs a list such as `0-3,8-11` names.
fn cpus(list: &str) -> Option<usize> {
    let count = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let [first, last]: [usize; 2] = [first.parse().ok()?, last.parse().ok()?];
        Some((last + 1).saturating_sub(first))
    };
    list.trim().split(',').map(count).sum()
}

/// `2026-11-24 21:48 UTC` of seconds since 1970: days to a date of the civil calendar.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |y: u64| (y.is_multiple_of(4) && !y.is_multiple_of(100)) || y.is_multiple_of(400);
    let (mut year, mut day) = (1970, days);
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02} {:02}:{:02} UTC", day + 1, rest / 3600, rest % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::{Cache, cpus};

    #[test]
    fn caches_are_shared() {
        assert_eq!(["0", "0-1\n", "0-3,8-11"].map(cpus), [Some(1), Some(2), Some(8)]);
        assert_eq!(["", "all"].map(cpus), [None; 2]);
        // One of several of a machine: not all threads share it.
        let cache = Cache { bytes: 32 << 20, shared_by: 8 };
        assert_eq!([1, 4, 64].map(|t| cache.of_a_thread(t) >> 20), [32, 8, 4]);
    }

    #[test]
    fn dates() {
        assert_eq!(super::date(0), "1970-01-01 00:00 UTC");
        assert_eq!(super::date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(super::date(1_767_225_599), "2025-12-31 23:59 UTC");
        assert_eq!(super::date(1_795_556_880), "2026-11-24 21:48 UTC");
    }
}
