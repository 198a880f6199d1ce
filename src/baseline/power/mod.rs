//! Joules of this machine where it tells them; what is not told is not guessed.
//!
//! - `rapl`: Linux powercap, the packages of the CPU;
//! - `nvml`: NVIDIA's management library, where it is installed;
//! - `hwmon`: Linux hwmon of a graphics card, AMD's and Intel's.
//!
//! A source counts joules, or tells the power of the moment, which is then read every few
//! milliseconds. Both are of the whole package or board, idle power with it.

mod hwmon;
mod nvml;
mod rapl;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const DRM: &str = "/sys/class/drm";
const POWERCAP: &str = "/sys/class/powercap";
/// Between two looks at a power.
const LOOK: Duration = Duration::from_millis(5);

/// What a source tells.
enum Told {
    /// J since some time, of each counter, and where it starts again from 0.
    Joules(Vec<[f64; 2]>),
    /// W.
    Watts(f64),
}

trait Source: Send + Sync {
    fn read(&self) -> Option<Told>;
}

/// A source of this machine.
pub struct Meter {
    source: Box<dyn Source>,
    name: String,
    /// Seconds of work below which it tells little.
    pub least: f64,
}

impl Meter {
    /// That of the CPU, or why there is none.
    pub fn of_cpu() -> Result<Self, String> {
        let packages = rapl::Packages::below(Path::new(POWERCAP))
            .map_err(|why| format!("no energy of the CPU is measured: {why}"))?;
        Ok(Self::new(packages, "RAPL, whole packages", 0.3))
    }

    /// That of the graphics card at a PCI address, as `0000:01:00.0`, or why there is none.
    pub fn of_gpu(pci: &str) -> Result<Self, String> {
        if pci.is_empty() {
            return Err("no energy of the GPU is measured: its driver tells no PCI address".into());
        }
        let library = match nvml::Card::at(pci) {
            Ok(card) => return Ok(Self::new(card, "NVML, whole board", 0.5)),
            Err(why) => why,
        };
        Self::of_card(Path::new(DRM), pci)
            .map_err(|why| format!("no energy of the GPU is measured: {library}; {why}"))
    }

    fn of_card(folder: &Path, pci: &str) -> Result<Self, String> {
        let card = hwmon::Card::at(folder, pci)?;
        // A driver's power is a mean of up to a second.
        let name = format!("hwmon {}, whole board", card.file());
        Ok(Self::new(card, &name, 2.0))
    }

    fn new(source: impl Source + 'static, name: &str, least: f64) -> Self {
        Self { source: Box::new(source), name: name.to_owned(), least }
    }

    /// `RAPL, whole packages`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does some work; beside its result joules and seconds, none where the source fell silent.
    pub fn measure<T>(&self, work: impl FnOnce() -> T) -> (T, Option<[f64; 2]>) {
        let first = self.source.read();
        let at = Instant::now();
        match first {
            None => (work(), None),
            Some(Told::Joules(before)) => {
                let out = work();
                let seconds = at.elapsed().as_secs_f64();
                let Some(Told::Joules(after)) = self.source.read() else { return (out, None) };
                (out, Some([spent(&before, &after), seconds]))
            }
            Some(Told::Watts(first)) => {
                let ended = AtomicBool::new(false);
                std::thread::scope(|scope| {
                    let watch = scope.spawn(|| self.watch(first, &ended));
                    let stop = Stop(&ended);
                    let out = work();
                    let seconds = at.elapsed().as_secs_f64();
                    drop(stop);
                    let watts = watch.join().ok().flatten();
                    (out, watts.map(|watts| [watts * seconds, seconds]))
                })
            }
        }
    }

    /// Likewise of work that takes about `each` seconds and is done as often as the source needs: joules
    /// and seconds of one time.
    pub fn measure_each<T>(
        &self,
        each: f64,
        work: impl FnOnce(usize) -> T,
    ) -> (T, Option<[f64; 2]>) {
        let repeats = (self.least / each).ceil().max(1.0) as usize;
        let (out, spent) = self.measure(|| work(repeats));
        (out, spent.map(|all| all.map(|v| v / repeats as f64)))
    }

    /// Mean power until the end, and once behind it.
    fn watch(&self, first: f64, ended: &AtomicBool) -> Option<f64> {
        let (mut sum, mut count) = (first, 1.0);
        loop {
            let last = ended.load(Ordering::Acquire);
            if !last {
                std::thread::sleep(LOOK);
            }
            let Some(Told::Watts(watts)) = self.source.read() else { return None };
            sum += watts;
            count += 1.0;
            if last {
                return Some(sum / count);
            }
        }
    }
}

/// Ends the watch, if the work panics too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn spent(before: &[[f64; 2]], after: &[[f64; 2]]) -> f64 {
    let one = |(&[a, range], &[b, _]): (&[f64; 2], &[f64; 2])| {
        if b >= a { b - a } else { b + range - a }
    };
    before.iter().zip(after).map(one).sum()
}

fn number(path: &Path) -> Option<f64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, format!("{text}\n")).expect("a file");
    }

    fn zone(folder: &Path, zone: &str, values: [&str; 3]) {
        for (name, value) in ["name", "energy_uj", "max_energy_range_uj"].iter().zip(values) {
            write(&folder.join(zone).join(name), value);
        }
    }

    /// Packages are added up, their parts are not counted twice, and a counter that started again
    /// still counts up.
    #[test]
    fn packages_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        zone(folder.path(), "intel-rapl:0", ["package-0", "1000000", "9000000"]);
        zone(folder.path(), "intel-rapl:0:0", ["core", "500000", "9000000"]);
        zone(folder.path(), "intel-rapl:1", ["package-1", "8000000", "9000000"]);
        let packages = rapl::Packages::below(folder.path()).expect("two packages");
        let (out, spent) = Meter::new(packages, "made up", 0.3).measure(|| {
            zone(folder.path(), "intel-rapl:0", ["package-0", "3500000", "9000000"]);
            zone(folder.path(), "intel-rapl:1", ["package-1", "500000", "9000000"]);
            7
        });
        let [joules, seconds] = spent.expect("numbers");
        assert!((joules - 4.0).abs() < 1e-9, "2.5 and 1.5 J: {joules}");
        assert!(out == 7 && seconds > 0.0);
    }

    #[test]
    fn absent_packages_are_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let why = |folder: &Path| rapl::Packages::below(folder).err().expect("none");
        assert!(why(folder.path()).contains("has no package"));
        assert!(why(&folder.path().join("gone")).contains("is not there"));
        zone(folder.path(), "intel-rapl:0", ["package-0", "closed", "9000000"]);
        assert!(why(folder.path()).contains("root only"));
    }

    /// Tells 14 J more every time it is asked.
    #[derive(Clone, Default)]
    struct Steps(Arc<AtomicU64>);

    impl Source for Steps {
        fn read(&self) -> Option<Told> {
            let asked = self.0.fetch_add(1, Ordering::Relaxed);
            Some(Told::Joules(vec![[14.0 * asked as f64, f64::INFINITY]]))
        }
    }

    /// Short work is done as often as the source needs, between two readings, and one time of it has its
    /// part; a product is metered so.
    #[test]
    fn short_work_is_repeated() {
        let steps = Steps::default();
        let meter = Meter::new(steps.clone(), "made up", 0.2);
        let (times, spent) = meter.measure_each(0.06, |times| times);
        assert_eq!((times, spent.map(|[joules, _]| joules)), (4, Some(3.5)));
        let pool = crate::backend::cpu::pool(Some(1)).expect("a thread");
        let got = crate::baseline::matmul::measure(64, &pool, Some(&meter));
        assert!(got.rate > 0.0 && got.watts.is_some_and(|w| w > 0.0), "{got:?}");
        assert_eq!(steps.0.load(Ordering::Relaxed), 4);
    }

    const PCI: &str = "0000:03:00.0";

    /// A made-up /sys/class/drm with another card before that of [`PCI`]; the folder of its sensors.
    fn cards(folder: &Path) -> PathBuf {
        write(&folder.join("card0/device/uevent"), "DRIVER=ast\nPCI_SLOT_NAME=0000:02:00.0");
        write(&folder.join("card0/device/hwmon/hwmon1/power1_average"), "7000000");
        write(&folder.join("card1/device/uevent"), &format!("DRIVER=amdgpu\nPCI_SLOT_NAME={PCI}"));
        write(&folder.join("card1-DP-1/status"), "connected");
        let sensors = folder.join("card1/device/hwmon/hwmon4");
        write(&sensors.join("name"), "amdgpu");
        sensors
    }

    /// 90 W, then 30 W: the mean of many looks lies between, and the other card's 7 W is not in it.
    /// Older cards tell a mean, newer ones the moment; the mean is preferred.
    #[test]
    fn power_is_looked_at_while_the_work_lasts() {
        for file in ["power1_average", "power1_input"] {
            let folder = tempfile::tempdir().expect("a folder");
            let sensors = cards(folder.path());
            if file == "power1_average" {
                write(&sensors.join("power1_input"), "1000000");
            }
            write(&sensors.join(file), "90000000");
            let meter = Meter::of_card(folder.path(), PCI).expect("a card");
            assert_eq!(meter.name(), format!("hwmon {file}, whole board"));
            let half = Duration::from_millis(60);
            let ((), spent) = meter.measure(|| {
                std::thread::sleep(half);
                // A reader must never see half a file.
                let next = sensors.join("next");
                write(&next, "30000000");
                std::fs::rename(&next, sensors.join(file)).expect("a move");
                std::thread::sleep(half);
            });
            let [joules, seconds] = spent.expect("numbers");
            let watts = joules / seconds;
            assert!(seconds >= 0.12 && (31.0..89.0).contains(&watts), "{watts} W");
        }
    }

    /// A counter of a card is taken before its power.
    #[test]
    fn cards_that_count_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let sensors = cards(folder.path());
        write(&sensors.join("power1_average"), "90000000");
        write(&sensors.join("energy1_input"), "2000000");
        let meter = Meter::of_card(folder.path(), PCI).expect("a card");
        let ((), spent) = meter.measure(|| write(&sensors.join("energy1_input"), "5500000"));
        assert!((spent.expect("numbers")[0] - 3.5).abs() < 1e-9);
    }

    /// A sensor that falls silent, a card without sensors, an address without a card.
    #[test]
    fn absent_cards_are_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let sensors = cards(folder.path());
        let why = |pci: &str| Meter::of_card(folder.path(), pci).err().expect("none");
        assert!(why("0000:09:00.0").contains("no card at 0000:09:00.0"));
        assert!(why(PCI).contains("tells no power"), "{}", why(PCI));
        write(&sensors.join("power1_input"), "90000000");
        let meter = Meter::of_card(folder.path(), PCI).expect("a card");
        let file = sensors.join("power1_input");
        let ((), spent) = meter.measure(|| std::fs::remove_file(&file).expect("it was there"));
        assert_eq!(spent, None);
        assert!(Meter::of_gpu("").err().expect("none").contains("no PCI address"));
    }

    /// No card has this address, whether the library is installed or not; nothing breaks.
    #[test]
    fn the_library_may_be_absent() {
        let why = Meter::of_gpu("ffff:ff:1f.7").err().expect("none");
        assert!(why.contains("NVML") && why.contains("/sys/class/drm"), "{why}");
    }
}
