//! Time and energy of a training run on hardware, from counts of what it does.

use serde::{Deserialize, Serialize};

use super::budget::Input;
use super::draw::Draw;
use super::machine::Machine;

/// What a run asks for, all steps together.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Counts {
    /// Samples that went through the machine once, forward or back.
    pub shots: f64,
    /// Times that all weights were loaded.
    pub reconfigurations: f64,
    /// Complex fields measured or sent in, four shots each, which count among `shots`.
    pub fields: f64,
    /// Real multiply-accumulates on the computer beside it.
    pub digital_macs: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    pub seconds: f64,
    pub joules: f64,
    /// Of the joules those of the computer.
    pub computer: f64,
}

/// A method that could train a machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    pub method: String,
    pub counts: Counts,
    /// Why the method does not suit it; nothing is counted then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A method on a machine, as `lightloom compare` trained and counted it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tally {
    /// Whose counts these are.
    pub system: String,
    pub method: String,
    /// Whose training ended, and of which the figures are.
    pub devices: usize,
    /// The others, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
    /// Test accuracy on the device, a mean over devices: with the noise of its experiment, not with
    /// that of the light which is paid for here.
    #[serde(rename = "accuracy_in_compare")]
    pub accuracy: f64,
    /// 95 % by Student's t; none of one device.
    #[serde(rename = "interval_in_compare")]
    pub interval: Option<[f64; 2]>,
    pub steps: u64,
    /// Of one device.
    #[serde(flatten)]
    pub counts: Counts,
    /// Why the method does not suit it; nothing was counted then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Devices on which a method's training failed where it did not on others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    pub devices: usize,
    /// On the first of them.
    pub why: String,
}

/// Which devices a row is not of, and why; where none is left the row itself says so.
pub fn missing(row: [&str; 2], devices: usize, failed: Option<&Failed>) -> Option<String> {
    let failed = failed.filter(|_| devices > 0)?;
    let ([system, method], all) = (row, devices + failed.devices);
    let (of, why) = (failed.devices, &failed.why);
    Some(format!("{system}, {method}: {of} of {all} devices failed: {why}."))
}

/// Why a method has no figures, for its row of a table: that it failed on every device is told as it
/// is, and does not mean that it does not suit the machine.
pub fn without_figures(why: &str, failed: Option<&Failed>) -> String {
    if failed.is_some() { why.to_owned() } else { format!("does not suit: {why}") }
}

/// `91.0 % ± 1.2, 3 devices`, or `53.4 %, 1 of 2 devices` where others failed: a mean over devices and
/// half its interval.
pub fn over_devices(
    accuracy: f64,
    interval: Option<[f64; 2]>,
    devices: usize,
    failed: Option<&Failed>,
) -> String {
    let mean = interval.map_or_else(
        || format!("{:.1} %", 100.0 * accuracy),
        |[low, high]| format!("{:.1} % ± {:.1}", 100.0 * accuracy, 50.0 * (high - low)),
    );
    match failed {
        Some(f) => format!("{mean}, {devices} of {} devices", devices + f.devices),
        None if interval.is_some() => format!("{mean}, {devices} devices"),
        None => format!("{mean}, one device"),
    }
}

/// What counts cost on a machine, its computer being `this CPU`; none where its weights are fixed
/// and the method loads more than once. Loading waits for the shots and the shots for it; phases,
/// panels and control run while loads and, of a method that sends light at all, the computer are
/// waited for.
pub fn cost(machine: &Machine, d: &Draw, bits: f64, counts: &Counts) -> Option<Cost> {
    let (budget, latency) =
        (machine.budget(d, bits, Input::Memory), machine.latency(d, bits, Input::Memory));
    let switch = match latency.reconfiguration {
        Some(seconds) => seconds,
        None if counts.reconfigurations > 1.0 => return None,
        None => 0.0,
    };
    let mac_rate = d.get("cpu.cores") * d.get("cpu.core_rate") / 2.0;
    let digital = counts.digital_macs / mac_rate;
    let computer = digital * d.get("cpu.cores") * d.get("cpu.core_power");
    let loading = counts.reconfigurations * switch;
    let standing = loading + if counts.shots > 0.0 { digital } else { 0.0 };
    Some(Cost {
        seconds: counts.shots / budget.rate + loading + digital,
        joules: counts.shots * budget.wall()
            + counts.reconfigurations * latency.reload
            + machine.standing(d) * standing
            + computer,
        computer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::library::Library;

    /// On heaters the time is the loading's, not the light's; printed masks cannot learn.
    #[test]
    fn loading_rules_the_time() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        let svd = Machine::named("svd").expect("it is there");
        let c = Counts { shots: 6400.0, reconfigurations: 300.0, fields: 0.0, digital_macs: 2e5 };
        let cost_ = cost(&svd, &d, 8.0, &c).expect("heaters switch");
        // 300 loads of 4 µs, 6400 shots of 1 ns, 200,000 MACs at 50 G/s.
        let expected = 300.0 * 4e-6 + 6400.0 * 1e-9 + 2e5 / 50e9;
        assert!((cost_.seconds / expected - 1.0).abs() < 1e-9, "{cost_:?}");
        // 8192 heaters at 0.59 x 20 mW and 1 W of control wait for loads and the computer.
        let waiting = (8192.0 * 0.59 * 20e-3 + 1.0) * (300.0 * 4e-6 + 2e5 / 50e9);
        let rest = 6400.0 * svd.budget(&d, 8.0, Input::Memory).wall()
            + 300.0 * svd.latency(&d, 8.0, Input::Memory).reload
            + cost_.computer;
        assert!((cost_.joules / (waiting + rest) - 1.0).abs() < 1e-9, "{cost_:?}");
        // What a computer trains alone needs the machine for its load.
        let alone = Counts { shots: 0.0, reconfigurations: 1.0, ..c };
        let alone = cost(&svd, &d, 8.0, &alone).expect("heaters switch");
        let load = (8192.0 * 0.59 * 20e-3 + 1.0) * 4e-6 + 8192.0 * 10e-12;
        assert!(((alone.joules - alone.computer) / load - 1.0).abs() < 1e-9, "{alone:?}");
        let thz = Machine::named("thz").expect("it is there");
        assert_eq!(cost(&thz, &d, 8.0, &c), None);
        // An input panel and five masks of 5 W each, and 5 W of control, for ten frames of 180 Hz: once.
        let slm = Machine::named("slm").expect("it is there");
        let loads = Counts { reconfigurations: 10.0, ..Counts::default() };
        let joules = cost(&slm, &d, 8.0, &loads).expect("panels switch").joules;
        assert!((joules / (35.0 * 10.0 / 180.0) - 1.0).abs() < 1e-9, "{joules}");
        assert!(cost(&thz, &d, 8.0, &Counts { reconfigurations: 1.0, ..c }).is_some());
    }

    #[test]
    fn devices_that_failed_are_counted() {
        let failed = Failed { devices: 1, why: "no rise".into() };
        assert_eq!(over_devices(0.534, None, 1, Some(&failed)), "53.4 %, 1 of 2 devices");
        let interval = Some([0.52, 0.56]);
        assert_eq!(over_devices(0.54, interval, 2, Some(&failed)), "54.0 % ± 2.0, 2 of 3 devices");
        assert_eq!(over_devices(0.54, interval, 2, None), "54.0 % ± 2.0, 2 devices");
    }
}
