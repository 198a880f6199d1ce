//! Joules of this machine where it tells them: Linux powercap (RAPL), read from
//! /sys/class/powercap. Elsewhere, and in most virtual machines, there is nothing to read; what is
//! not told is not guessed here.

use std::path::{Path, PathBuf};
use std::time::Instant;

const POWERCAP: &str = "/sys/class/powercap";

/// Counters of whole packages.
#[derive(Debug)]
pub struct Meter {
    counters: Vec<Counter>,
}

#[derive(Debug)]
struct Counter {
    path: PathBuf,
    /// Where it starts again from 0, in µJ.
    range: f64,
}

/// Energy and time since the meter was read.
#[derive(Debug)]
pub struct Reading {
    microjoules: Vec<f64>,
    at: Instant,
}

impl Meter {
    /// The meter of this machine, or why there is none.
    pub fn open() -> Result<Self, String> {
        Self::below(Path::new(POWERCAP))
    }

    fn below(folder: &Path) -> Result<Self, String> {
        let missing = |why: &str| format!("no energy is measured: {} {why}", folder.display());
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

    pub fn read(&self) -> Option<Reading> {
        let all = self.counters.iter().map(|c| number(&c.path)).collect::<Option<Vec<_>>>()?;
        Some(Reading { microjoules: all, at: Instant::now() })
    }

    /// Joules and seconds since a reading.
    pub fn since(&self, before: &Reading) -> Option<[f64; 2]> {
        let now = self.read()?;
        let spent = |((c, a), b): ((&Counter, &f64), &f64)| {
            if b >= a { b - a } else { b + c.range - a }
        };
        let pairs = self.counters.iter().zip(&before.microjoules).zip(&now.microjoules);
        let joules = pairs.map(spent).sum::<f64>() * 1e-6;
        Some([joules, (now.at - before.at).as_secs_f64()])
    }
}

fn number(path: &Path) -> Option<f64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, zone: &str, values: [&str; 3]) {
        let zone = folder.join(zone);
        std::fs::create_dir_all(&zone).expect("a folder");
        for (name, value) in ["name", "energy_uj", "max_energy_range_uj"].iter().zip(values) {
            std::fs::write(zone.join(name), format!("{value}\n")).expect("a file");
        }
    }

    /// Packages are added up, their parts are not counted twice, and a counter that started again
    /// still counts up.
    #[test]
    fn packages_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "intel-rapl:0", ["package-0", "1000000", "9000000"]);
        write(folder.path(), "intel-rapl:0:0", ["core", "500000", "9000000"]);
        write(folder.path(), "intel-rapl:1", ["package-1", "8000000", "9000000"]);
        let meter = Meter::below(folder.path()).expect("two packages");
        let before = meter.read().expect("numbers");
        write(folder.path(), "intel-rapl:0", ["package-0", "3500000", "9000000"]);
        write(folder.path(), "intel-rapl:1", ["package-1", "500000", "9000000"]);
        let [joules, seconds] = meter.since(&before).expect("numbers");
        assert!((joules - 4.0).abs() < 1e-9, "2.5 and 1.5 J: {joules}");
        assert!(seconds >= 0.0);
    }

    #[test]
    fn what_is_absent_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Meter::below(folder.path()).expect_err("empty").contains("has no package"));
        let gone = folder.path().join("gone");
        assert!(Meter::below(&gone).expect_err("gone").contains("is not there"));
        write(folder.path(), "intel-rapl:0", ["package-0", "closed", "9000000"]);
        assert!(Meter::below(folder.path()).expect_err("closed").contains("root only"));
    }
}
