//! Linux hwmon of a graphics card, below `/sys/class/drm/card*/device/hwmon`: joules in µJ where
//! the driver counts them (i915, xe), else power in µW (amdgpu; the mean before the moment).
//! Files: the kernel's Documentation/hwmon/sysfs-interface.

use std::path::{Path, PathBuf};

use super::{Source, Told, number};

const FILES: [&str; 3] = ["energy1_input", "power1_average", "power1_input"];

pub struct Card {
    path: PathBuf,
    file: &'static str,
}

impl Card {
    /// That of a PCI address in a `/sys/class/drm`, or why there is none.
    pub fn at(folder: &Path, pci: &str) -> Result<Self, String> {
        let is_it = |card: &PathBuf| {
            let events = std::fs::read_to_string(card.join("uevent")).unwrap_or_default();
            let mut slots = events.lines().filter_map(|l| l.strip_prefix("PCI_SLOT_NAME="));
            slots.any(|slot| slot.eq_ignore_ascii_case(pci))
        };
        let device = below(folder).into_iter().map(|card| card.join("device")).find(is_it);
        let missing = |why: &str| format!("{} {why} {pci}", folder.display());
        let device = device.ok_or_else(|| missing("has no card at"))?;
        let sensors = below(&device.join("hwmon"));
        let found = FILES.iter().find_map(|&file| {
            let mut paths = sensors.iter().map(|folder| folder.join(file));
            Some(Self { path: paths.find(|p| number(p).is_some())?, file })
        });
        found.ok_or_else(|| missing("tells no power of the card at"))
    }

    /// What is read.
    pub fn file(&self) -> &'static str {
        self.file
    }
}

impl Source for Card {
    fn read(&self) -> Option<Told> {
        let value = 1e-6 * number(&self.path)?;
        // 64 bits of µJ do not come to their end.
        let counts = self.file == FILES[0];
        Some(if counts { Told::Joules(vec![[value, f64::INFINITY]]) } else { Told::Watts(value) })
    }
}

/// What a folder holds, in the order of the names; nothing where it is not there.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    all.sort();
    all
}
