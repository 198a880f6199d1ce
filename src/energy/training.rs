//! Time and energy of a training run on hardware, from counts of what it did.

use serde::Serialize;

use super::budget::Input;
use super::draw::Draw;
use super::machine::Machine;

/// What a run did, all steps together.
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

/// A training run, as every method needs to know it.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub steps: f64,
    pub batch: f64,
    pub parameters: f64,
    /// Real MACs of one simulated sample, forward.
    pub simulation: f64,
}

/// How often each method asks a device, by its algorithm (METHODS A).
pub const METHODS: [&str; 5] = [
    "in silico, then loaded",
    "physics-aware (PAT)",
    "in-situ adjoint, 3 shots",
    "SPSA",
    "finite differences",
];

/// Counts of one of [`METHODS`].
pub fn counts(method: &str, s: &Setup) -> Counts {
    let samples = s.steps * s.batch;
    // Forward and adjoint cost about as much each.
    let (forward, adjoint) = (samples * s.simulation, 2.0 * samples * s.simulation);
    let none = Counts::default();
    match method {
        "physics-aware (PAT)" => {
            let (shots, reconfigurations) = (samples, s.steps);
            Counts { shots, reconfigurations, digital_macs: forward + adjoint, ..none }
        }
        // Forward, back, and both together; the update is one load.
        "in-situ adjoint, 3 shots" => {
            Counts { shots: 3.0 * samples, reconfigurations: s.steps, ..none }
        }
        // +Δ, -Δ, update.
        "SPSA" => Counts {
            shots: 2.0 * samples,
            reconfigurations: 3.0 * s.steps,
            digital_macs: 2.0 * s.steps * s.parameters,
            ..none
        },
        "finite differences" => {
            let runs = s.parameters + 1.0;
            Counts { shots: runs * samples, reconfigurations: runs * s.steps, ..none }
        }
        _ => Counts { reconfigurations: 1.0, digital_macs: forward + adjoint, ..none },
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

    const SETUP: Setup = Setup { steps: 100.0, batch: 32.0, parameters: 1000.0, simulation: 1e6 };

    /// METHODS C5: SPSA loads three times a step, the adjoint once; finite differences P + 1.
    #[test]
    fn methods_are_counted() {
        let of = |m| counts(m, &SETUP);
        assert_eq!(of("SPSA").reconfigurations, 300.0);
        assert_eq!(of("SPSA").shots, 6400.0);
        assert_eq!(of("in-situ adjoint, 3 shots").reconfigurations, 100.0);
        assert_eq!(of("finite differences").shots, 1001.0 * 3200.0);
        assert_eq!(of("in silico, then loaded").shots, 0.0);
    }

    /// On heaters the time is the loading's, not the light's; printed masks cannot learn.
    #[test]
    fn loading_rules_the_time() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        let svd = Machine::named("svd").expect("it is there");
        let c = counts("SPSA", &SETUP);
        let cost_ = cost(&svd, &d, 8.0, &c).expect("heaters switch");
        // 300 loads of 4 µs, 6400 shots of 1 ns, 200,000 MACs at 50 G/s.
        let expected = 300.0 * 4e-6 + 6400.0 * 1e-9 + 2e5 / 50e9;
        assert!((cost_.seconds / expected - 1.0).abs() < 1e-9, "{cost_:?}");
        let thz = Machine::named("thz").expect("it is there");
        assert_eq!(cost(&thz, &d, 8.0, &c), None);
        assert!(cost(&thz, &d, 8.0, &counts(METHODS[0], &SETUP)).is_some());
    }
}
