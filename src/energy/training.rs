//! Time and energy of a training run on hardware, from counts of what it does.

use serde::Serialize;

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
    pub devices: usize,
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

/// `91.0 % ± 1.2, 3 devices`: a mean over devices and half its interval.
pub fn over_devices(accuracy: f64, interval: Option<[f64; 2]>, devices: usize) -> String {
    let mean = format!("{:.1} %", 100.0 * accuracy);
    match interval {
        Some([low, high]) => format!("{mean} ± {:.1}, {devices} devices", 50.0 * (high - low)),
        None => format!("{mean}, one device"),
    }
}

/// What counts cost on a machine, its computer being `this CPU`; none where its weights are fixed
/// and the method loads more than once. Loading waits for the shots and the shots for it.
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
    Some(Cost {
        seconds: counts.shots / budget.rate + counts.reconfigurations * switch + digital,
        joules: counts.shots * budget.wall() + counts.reconfigurations * latency.reload + computer,
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
        let thz = Machine::named("thz").expect("it is there");
        assert_eq!(cost(&thz, &d, 8.0, &c), None);
        assert!(cost(&thz, &d, 8.0, &Counts { reconfigurations: 1.0, ..c }).is_some());
    }
}
