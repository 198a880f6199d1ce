//! Everything about some machines at some bits, as it lies in the JSON.

use serde::Serialize;

use super::break_even::{BreakEven, break_even};
use super::budget::{Budget, Input, Latency};
use super::chip::Chip;
use super::digital::{Baseline, baselines};
use super::draw::Draw;
use super::figure::{Confidence, Figure};
use super::library::Library;
use super::machine::{Kind, Machine};
use super::published::{Comparison, comparisons};
use super::stack::{Band, Terahertz};
use super::training::{Cost, Counts, METHODS, Setup, cost, counts};

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

/// A digital network that does a machine's task as well as it.
#[derive(Debug, Clone, Serialize)]
pub struct Rival {
    /// `784-10`.
    pub network: String,
    pub macs: f64,
    /// Of the test set, where it was trained here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    pub source: String,
}

/// How often a trained machine is right, its inputs, light, receivers and converters being those of
/// the bits that the joules are of.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Accuracy {
    pub accuracy: f64,
    /// 95 % Wilson interval.
    pub interval: [f64; 2],
    pub n: usize,
    /// The same machine without noise and rounding.
    pub noiseless: f64,
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
    pub rivals: Vec<Rival>,
    /// The training run, where there is one.
    pub training: Option<Setup>,
    /// Of a trained machine, one each of the question's bits.
    pub accuracy: Vec<Accuracy>,
}

#[derive(Debug, Serialize)]
pub struct Answer {
    pub seed: u64,
    pub draws: u32,
    pub conventions: Vec<&'static str>,
    pub machines: Vec<OfMachine>,
    pub baselines: Vec<OfBaselines>,
    pub published: Vec<Comparison>,
    /// All of them, used or not.
    pub figures: Vec<Figure>,
    /// Notes on what was measured and what could not be.
    pub measured: Vec<String>,
}

const CONVENTIONS: [&str; 5] = [
    "an output of b bits has an SNR of 6.02 b + 1.76 dB: its light, its receiver's noise and its converter are those of b bits",
    "shot noise as 2q·SNR (noise bandwidth = symbol rate); a matched integrator needs half",
    "a MAC is real: complex by complex counts 4, real by complex 2",
    "optics: light launched, phases held, modulators and panels driven; wall plug: everything, without power supplies and cooling on either side",
    "ranges: 5 to 95 % of draws from triangular distributions over low, typical and high (of logarithms); digital chips at their dense peak and TDP, their best case",
];

#[derive(Debug, Serialize)]
pub struct OfMachine {
    pub name: String,
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_wall: Option<Vec<Wall>>,
    /// Largest N x N product that the masks of a stack have weights for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<usize>,
    pub results: Vec<AtBits>,
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
    /// Networks of equal accuracy digitally.
    pub equal: Vec<Equal>,
    pub sensor: Sensor,
    pub break_even: Vec<BreakEven>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub training: Vec<Trained>,
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
    pub against: Vec<Against>,
}

/// The input is light already.
#[derive(Debug, Serialize)]
pub struct Sensor {
    /// J of an optical inference.
    pub wall: Range,
    /// J to read every input electronically, which the digital machine has to.
    pub readout: Range,
    /// The same MACs, or the first network of equal accuracy.
    pub work: String,
    pub against: Vec<Against>,
}

#[derive(Debug, Serialize)]
pub struct Trained {
    pub method: &'static str,
    pub counts: Counts,
    /// None where the weights are printed and the method loads them more than once.
    pub cost: Option<Cost>,
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

/// A machine under one draw.
struct Sample {
    memory: Budget,
    scene: Budget,
    latency: Latency,
    readout: f64,
    digital: Vec<Baseline>,
}

impl Sample {
    fn of(machine: &Machine, d: &Draw, bits: f64) -> Self {
        Self {
            memory: machine.budget(d, bits, Input::Memory),
            scene: machine.budget(d, bits, Input::Scene),
            latency: machine.latency(d, bits, Input::Memory),
            readout: machine.readout(d, bits),
            digital: baselines(d, bits),
        }
    }
}

/// Samples: the typical one, and the draws.
struct Samples {
    typical: Sample,
    draws: Vec<Sample>,
}

impl Samples {
    fn range(&self, of: impl Fn(&Sample) -> f64) -> Range {
        Range::of(of(&self.typical), self.draws.iter().map(&of).collect())
    }

    /// Every baseline against the machine, each with `digital(sample, baseline)` and
    /// `optical(sample)` in J.
    fn against(
        &self,
        macs: f64,
        digital: impl Fn(&Sample, &Baseline) -> f64,
        optical: impl Fn(&Sample) -> f64,
    ) -> Vec<Against> {
        let of = |(i, b): (usize, &Baseline)| {
            let joules = |s: &Sample| digital(s, &s.digital[i]);
            let advantage = |s: &Sample| joules(s) / optical(s);
            let ahead = |f: f64| {
                let hits = self.draws.iter().filter(|s| advantage(s) >= f).count();
                hits as f64 / self.draws.len().max(1) as f64
            };
            Against {
                baseline: b.name,
                arithmetic: b.arithmetic,
                joules: self.range(joules),
                seconds: b.rate.map(|rate| macs / rate),
                advantage: self.range(advantage),
                ahead: super::break_even::FACTORS.map(ahead),
            }
        };
        self.typical.digital.iter().enumerate().map(of).collect()
    }
}

pub fn answer(library: &Library, question: &Question, measured: Vec<String>) -> Answer {
    let d = Draw::typical(library);
    let machines = question.machines.iter().map(|asked| of_machine(library, question, asked));
    let of_bits =
        |&bits: &f64| OfBaselines { bits, baselines: of_baselines(library, question, bits) };
    Answer {
        seed: question.seed,
        draws: question.draws,
        conventions: CONVENTIONS.to_vec(),
        machines: machines.collect(),
        baselines: question.bits.iter().map(of_bits).collect(),
        published: comparisons(&d),
        figures: library.figures().to_vec(),
        measured,
    }
}

fn of_baselines(library: &Library, q: &Question, bits: f64) -> Vec<OfBaseline> {
    let draws: Vec<Vec<Baseline>> =
        (0..q.draws).map(|n| baselines(&Draw::random(library, q.seed, n), bits)).collect();
    let typical = baselines(&Draw::typical(library), bits);
    let of = |(i, b): (usize, &Baseline)| OfBaseline {
        name: b.name,
        arithmetic: b.arithmetic,
        joules_per_mac: Range::of(
            b.joules_per_mac,
            draws.iter().map(|d| d[i].joules_per_mac).collect(),
        ),
        macs_per_s: b.rate,
        confidence: b.basis.confidence(library),
        figures: b.basis.keys(library),
    };
    typical.iter().enumerate().map(of).collect()
}

fn of_machine(library: &Library, q: &Question, asked: &Asked) -> OfMachine {
    let d = Draw::typical(library);
    let loss_wall = match &asked.machine.kind {
        Kind::Chip(chip) => {
            let loss = library.figure_of("silicon.mzi_loss").map_or([0.0; 3], |f| f.range);
            let wall = |&mzi_loss_db: &f64| {
                let columns = Chip::wall(&d, mzi_loss_db);
                Wall { mzi_loss_db, columns, modes: chip.modes_within(columns) }
            };
            Some(loss.iter().map(wall).collect())
        }
        Kind::Stack(_) => None,
    };
    OfMachine {
        name: asked.machine.name.clone(),
        what: asked.machine.what.clone(),
        loss_wall,
        largest: asked.machine.largest(&d),
        results: (0..q.bits.len()).map(|i| at_bits(library, q, asked, i)).collect(),
    }
}

fn at_bits(library: &Library, q: &Question, asked: &Asked, which: usize) -> AtBits {
    let (machine, bits) = (&asked.machine, q.bits[which]);
    let d = Draw::typical(library);
    let draws = (0..q.draws).map(|n| Sample::of(machine, &Draw::random(library, q.seed, n), bits));
    let all = Samples { typical: Sample::of(machine, &d, bits), draws: draws.collect() };
    let budget = &all.typical.memory;
    let whole = budget.wall();
    let terms = budget.terms.iter().enumerate().map(|(i, t)| OfTerm {
        name: t.name,
        optics: t.optics,
        wall: all.range(|s| s.memory.terms[i].wall),
        share: t.wall / whole,
        confidence: t.basis.confidence(library),
        figures: t.basis.keys(library),
    });
    let terms: Vec<OfTerm> = terms.collect();
    let terahertz = match &machine.kind {
        Kind::Stack(stack) if stack.band == Band::Terahertz => {
            let wavelength = stack.wavelength.unwrap_or_else(|| d.get("thz.wavelength"));
            let t = Terahertz::of(&d, bits, budget.rate, wavelength);
            Some(Noises { receiver: t.receiver, thermal: t.thermal, shot: t.shot })
        }
        _ => None,
    };
    let optical = |s: &Sample| s.memory.wall();
    let digital = |macs: f64| move |_: &Sample, b: &Baseline| macs * b.joules_per_mac;
    let equal = asked.rivals.iter().map(|rival| Equal {
        rival: rival.clone(),
        against: all.against(rival.macs, digital(rival.macs), optical),
    });
    let (work, work_macs) = match asked.rivals.first() {
        Some(r) => (r.network.clone(), r.macs),
        None => ("the same MACs".into(), budget.macs),
    };
    let sensor = Sensor {
        wall: all.range(|s| s.scene.wall()),
        readout: all.range(|s| s.readout),
        work,
        against: all.against(
            work_macs,
            |s, b| s.readout + work_macs * b.joules_per_mac,
            |s| s.scene.wall(),
        ),
    };
    AtBits {
        bits,
        macs: budget.macs,
        wall: all.range(optical),
        optics: all.range(|s| s.memory.optics()),
        wall_per_mac: all.range(|s| s.memory.wall() / s.memory.macs),
        optics_per_mac: all.range(|s| s.memory.optics() / s.memory.macs),
        accuracy: asked.accuracy.get(which).copied(),
        confidence: terms.iter().map(|t| t.confidence).max().unwrap_or(Confidence::Derived),
        terms,
        loss_db: match &machine.kind {
            Kind::Chip(chip) => Some(-10.0 * chip.transmission(&d).log10()),
            Kind::Stack(_) => None,
        },
        terahertz,
        latency: of_latency(library, &all),
        digital: all.against(budget.macs, digital(budget.macs), optical),
        equal: equal.collect(),
        sensor,
        break_even: break_even(machine, library, bits, q.seed, q.draws),
        training: asked.training.map_or_else(Vec::new, |setup| {
            let of = |method: &&'static str| {
                let counts = counts(method, &setup);
                Trained { method, counts, cost: cost(machine, &d, bits, &counts) }
            };
            METHODS.iter().map(of).collect()
        }),
    }
}

fn of_latency(library: &Library, all: &Samples) -> OfLatency {
    let latency = &all.typical.latency;
    let delays = latency.delays.iter().map(|d| OfDelay {
        name: d.name,
        seconds: d.seconds,
        confidence: d.basis.confidence(library),
        figures: d.basis.keys(library),
    });
    let switch = |s: &Sample| s.latency.reconfiguration.unwrap_or(f64::NAN);
    OfLatency {
        single_shot: all.range(|s| s.latency.single_shot()),
        rate: all.range(|s| s.latency.rate),
        reconfiguration: latency.reconfiguration.map(|_| all.range(switch)),
        delays: delays.collect(),
    }
}
