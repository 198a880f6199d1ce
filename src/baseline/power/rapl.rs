//! Linux powercap: counters of whole packages of the CPU, in µJ. In most virtual machines there is
//! nothing to read.

use std::path::{Path, PathBuf};

use super::{Source, Told, number};

pub struct Packages {
    counters: Vec<Counter>,
}

struct Counter {
    path: PathBuf,
    /// Where it starts again from 0, in µJ.
    range: f64,
}

impl Packages {
    /// Those of a `/sys/class/powercap`, or why there are none.
    pub fn below(folder: &Path) -> Result<Self, String> {
        let missing = |why: &str| format!("{} {why}", folder.display());
        let entries = std::fs::read_dir(folder).map_err(|_| missing("is not there"))?;
        let mut counters = Vec::new();
        let mut closed = false;
        for entry in entries.flatten() {
            let name = std::fs::read_to_string(entry.path().join("name")).unwrap_or_default();
            // Packages, not their cores or memory, which they hold.
            if !name.trim().starts_with("package-") {
                continue;
            }
            let path = entry.path().join("energy_uj");
            match (number(&path), number(&entry.path().join("max_energy_range_uj"))) {
                (Some(_), Some(range)) => counters.push(Counter { path, range }),
                _ => closed = true,
            }
        }
        counters.sort_by(|a, b| a.path.cmp(&b.path));
        match (counters.is_empty(), closed) {
            (false, _) => Ok(Self { counters }),
            (true, true) => Err(missing("may be read by root only")),
            (true, false) => Err(missing("has no package")),
        }
    }
}

impl Source for Packages {
    fn read(&self) -> Option<Told> {
        let one = |c: &Counter| Some([1e-6 * number(&c.path)?, 1e-6 * c.range]);
        self.counters.iter().map(one).collect::<Option<_>>().map(Told::Joules)
    }
}
