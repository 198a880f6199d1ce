//! Everything about some machines at some bits, as it lies in the JSON.

use serde::{Deserialize, Serialize};

use super::break_even::BreakEven;
use super::chip::Reach;
use super::figure::{Confidence, Figure};
use super::machine::{Kind, Machine};
use super::published::Comparison;
use super::rank::Useful;
use super::training::{Cost, Plan, Tally};

/// A number at the typical figures, and 5, 50 and 95 % of the draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    pub typical: f64,
    pub p5: f64,
    pub p50: f64,
    pub p95: f64,
}

impl Range {
    pub fn of(typical: f64, mut draws: Vec<f64>) -> Self {
        draws.sort_by(f64::total_cmp);
        let at = |q: f64| match draws.len() {
            0 => typical,
            n => draws[((n - 1) as f64 * q).round() as usize],
        };
        Self { typical, p5: at(0.05), p50: at(0.5), p95: at(0.95) }
    }
}

/// A digital network for a machine's task.
#[derive(Debug, Clone, Serialize)]
pub struct Rival {
    /// `784-10`.
    pub network: String,
    pub macs: f64,
    /// Of the test set, where it was trained here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Likewise of the light at the same bits, or what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_good_as: Option<f64>,
    /// Whether its validation accuracy is that of the light at the same bits, or what was asked for, or
    /// more: by this it was chosen. Where it is not, none that was tried is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_as_good: Option<bool>,
    pub source: String,
    /// That its MACs are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<String>,
}

impl Rival {
    pub fn misses(&self) -> bool {
        self.is_as_good == Some(false)
    }
}

/// How often a trained machine is right, its inputs, light, receivers and converters being those of
/// the bits that the joules are of.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Accuracy {
    pub accuracy: f64,
    /// 95 % Wilson interval.
    pub interval: [f64; 2],
    pub n: usize,
    /// Of the validation set, by which networks are compared with it.
    pub validation: f64,
    /// Share of the detectors' noise at their mean light that is the light's own.
    pub shot_share: f64,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    pub machines: Vec<Asked>,
    pub bits: Vec<f64>,
    pub seed: u64,
    pub draws: u32,
}

#[derive(Debug, Clone)]
pub struct Asked {
    pub machine: Machine,
    /// Networks for its task, whatever its accuracy.
    pub rivals: Vec<Rival>,
    /// Of a trained machine, the network as good as it, one each of the question's bits.
    pub equals: Vec<Rival>,
    /// Its training run by some methods, where there is one.
    pub training: Vec<Plan>,
    /// Training runs that were counted.
    pub ledger: Vec<Tally>,
    /// Of a trained machine, one each of the question's bits.
    pub accuracy: Vec<Accuracy>,
    /// Of a trained machine without noise and rounding, which no joules buy.
    pub noiseless: Option<f64>,
    /// What its accuracy is of.
    pub note: &'static str,
    /// What a stack computes above its detectors' noise, one each of the question's bits, or none.
    pub useful: Vec<Useful>,
    /// What that is of, or why there is none.
    pub rank_note: String,
}

impl Asked {
    /// A machine of which no more is known.
    pub fn of(machine: Machine) -> Self {
        Self {
            machine,
            rivals: Vec::new(),
            equals: Vec::new(),
            training: Vec::new(),
            ledger: Vec::new(),
            accuracy: Vec::new(),
            noiseless: None,
            note: "",
            useful: Vec::new(),
            rank_note: String::new(),
        }
    }

    /// The machine with the MACs that it is useful for at one of the question's bits: those of an
    /// untrained one are not what it will be used for.
    pub fn machine_at(&self, which: usize) -> Machine {
        let mut machine = self.machine.clone();
        if let (Kind::Stack(stack), Some(useful)) = (&mut machine.kind, self.useful.get(which))
            && self.noiseless.is_some()
        {
            stack.useful = Some(useful.macs);
        }
        machine
    }
}

#[derive(Debug, Serialize)]
pub struct Answer {
    pub seed: u64,
    pub draws: u32,
    pub conventions: Vec<&'static str>,
    pub machines: Vec<OfMachine>,
    pub baselines: Vec<OfBaselines>,
    pub published: Vec<Comparison>,
    /// Those that the predictions beside them rest on.
    pub published_figures: Vec<String>,
    /// All of them, used or not.
    pub figures: Vec<Figure>,
    /// Notes on what was measured and what could not be.
    pub measured: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct OfMachine {
    pub name: String,
    pub what: String,
    /// What its accuracy is of.
    pub note: &'static str,
    /// Without noise and rounding: it belongs to none of the joules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noiseless_accuracy: Option<f64>,
    /// Of a stack: whose rank its useful MACs are of, or why only the modes that fit are known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rank_note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_wall: Option<Vec<Wall>>,
    /// Of a chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Largest N x N product that the masks of a stack have weights for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<usize>,
    pub results: Vec<AtBits>,
    /// All that any number here rests on.
    pub figures: Vec<String>,
}

/// How large a chip light can pass.
#[derive(Debug, Serialize)]
pub struct Wall {
    pub mzi_loss_db: f64,
    pub columns: f64,
    pub modes: usize,
}

#[derive(Debug, Serialize)]
pub struct AtBits {
    pub bits: f64,
    /// Real MACs of an inference.
    pub macs: f64,
    /// Of a stack, whose layers are far larger than what they compute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub useful: Option<OfMacs>,
    /// J of an inference.
    pub wall: Range,
    pub optics: Range,
    pub wall_per_mac: Range,
    pub optics_per_mac: Range,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
    /// Of the least known figure that it rests on.
    pub confidence: Confidence,
    pub terms: Vec<OfTerm>,
    /// dB from laser to detectors, of a chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_db: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terahertz: Option<Noises>,
    pub latency: OfLatency,
    /// The same MACs digitally.
    pub digital: Vec<Against>,
    /// Networks for the task digitally: of equal accuracy where this one is known.
    pub equal: Vec<Equal>,
    pub sensor: Sensor,
    pub break_even: Vec<BreakEven>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub training: Vec<Trained>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ledger: Vec<Priced>,
}

/// What a diffractive stack computes (METHODS C4), in complex MACs of real inputs.
#[derive(Debug, Serialize, Deserialize)]
pub struct OfMacs {
    /// At the rank that its detectors can tell from noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numerical: Option<Useful>,
    /// Modes that fit a region, by its size and the steepest light; the light of further ones falls
    /// off, if not at once: good detectors tell some of them from noise.
    pub geometric_rank: usize,
    pub geometric_complex_macs: f64,
    /// layers x N², which is no work that anyone wants done.
    pub connections: f64,
}

/// Light that one terahertz detector needs a frame, in J, by each noise alone.
#[derive(Debug, Serialize)]
pub struct Noises {
    pub receiver: f64,
    pub thermal: f64,
    pub shot: f64,
}

#[derive(Debug, Serialize)]
pub struct OfTerm {
    pub name: &'static str,
    pub optics: f64,
    pub wall: Range,
    /// Of the whole at the typical figures.
    pub share: f64,
    pub confidence: Confidence,
    pub figures: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct OfLatency {
    /// s from data to answer.
    pub single_shot: Range,
    /// Inferences a second, one behind the other.
    pub rate: Range,
    /// s to load other weights; none where they are printed.
    pub reconfiguration: Option<Range>,
    pub delays: Vec<OfDelay>,
}

#[derive(Debug, Serialize)]
pub struct OfDelay {
    pub name: &'static str,
    pub seconds: f64,
    pub confidence: Confidence,
    pub figures: Vec<String>,
}

/// One baseline beside the machine.
#[derive(Debug, Serialize)]
pub struct Against {
    pub baseline: &'static str,
    pub arithmetic: &'static str,
    /// J of the work.
    pub joules: Range,
    /// s at the peak rate: it takes no less.
    pub seconds: Option<f64>,
    /// Digital over optical energy at the plug: above 1 light wins.
    pub advantage: Range,
    /// Share of the draws in which light is 1, 10 and 100 times ahead.
    pub ahead: [f64; 3],
}

#[derive(Debug, Serialize)]
pub struct Equal {
    #[serde(flatten)]
    pub rival: Rival,
    /// None where the network misses the accuracy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<Against>,
}

/// The input is light already.
#[derive(Debug, Serialize)]
pub struct Sensor {
    /// J of an optical inference.
    pub wall: Range,
    /// J to read every input electronically, which the digital machine has to.
    pub readout: Range,
    /// The same MACs, or the first network of equal accuracy, where one was found.
    pub work: String,
    pub against: Vec<Against>,
}

#[derive(Debug, Serialize)]
pub struct Trained {
    #[serde(flatten)]
    pub plan: Plan,
    /// None where the weights are printed and the method loads them more than once, and where the
    /// method does not suit.
    pub cost: Option<Cost>,
}

/// A training run that was counted, as it would be on this machine.
#[derive(Debug, Serialize)]
pub struct Priced {
    #[serde(flatten)]
    pub tally: Tally,
    /// None where the weights are printed and the method loads them more than once, and where the
    /// method does not suit.
    #[serde(flatten)]
    pub cost: Option<Price>,
}

#[derive(Debug, Serialize)]
pub struct Price {
    /// s.
    pub seconds: Range,
    /// J.
    pub joules: Range,
    /// Share of the joules that the computer beside it takes.
    pub computer: Range,
}

#[derive(Debug, Serialize)]
pub struct OfBaselines {
    pub bits: f64,
    pub baselines: Vec<OfBaseline>,
}

#[derive(Debug, Serialize)]
pub struct OfBaseline {
    pub name: &'static str,
    pub arithmetic: &'static str,
    pub joules_per_mac: Range,
    pub macs_per_s: Option<f64>,
    pub confidence: Confidence,
    pub figures: Vec<String>,
}
