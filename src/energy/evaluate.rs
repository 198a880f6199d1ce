//! Asks every machine at every number of bits, at the typical figures and at all draws.

use super::answer::{
    Against, Answer, Asked, AtBits, Equal, Noises, OfBaseline, OfBaselines, OfDelay, OfLatency,
    OfMachine, OfMacs, OfTerm, Price, Priced, Question, Range, Rival, Sensor, Trained, Wall,
};
use super::break_even::{FACTORS, break_even};
use super::budget::{Budget, Input, Latency};
use super::chip::Chip;
use super::digital::{Baseline, baselines};
use super::draw::Draw;
use super::figure::Confidence;
use super::frame::Terahertz;
use super::library::Library;
use super::machine::{Kind, Machine};
use super::published::comparisons;
use super::stack::Band;
use super::training::{Cost, Plan, Tally, cost};

const CONVENTIONS: [&str; 7] = [
    "an output of b bits has an SNR of 6.02 b + 1.76 dB: its light, its receiver's noise and its converter are those of b bits",
    "shot noise as 2q·SNR (noise bandwidth = symbol rate); a matched integrator needs half",
    "a MAC is real: complex by complex counts 4, real by complex 2",
    "above 8 bits a MAC of an A100, H100 or B200 is one of f16, whose significand holds 11, and above that three of bf16 or four of int8, whichever take less; one of an edge NPU is four of int8; the arithmetic floor is an int4 MAC, times 4 in int8 and 16 in int16, as the bits of its products go",
    "digital work before a chip or behind a stack is that of one edge accelerator (int8, four products a MAC above 8 bits), its weights and pixels from memory, and light waits for it",
    "optics: light launched, phases held, modulators and panels driven; wall plug: everything, without power supplies and cooling on either side",
    "ranges: 5 to 95 % of draws from triangular distributions over low, typical and high (of logarithms); digital chips at their dense peak and TDP, their best case",
];

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
                ahead: FACTORS.map(ahead),
            }
        };
        self.typical.digital.iter().enumerate().map(of).collect()
    }
}

pub fn answer(library: &Library, question: &Question, measured: Vec<String>) -> Answer {
    let d = Draw::typical(library);
    let (published, basis) = d.trace(comparisons);
    let machines = question.machines.iter().map(|asked| of_machine(library, question, asked));
    let of_bits =
        |&bits: &f64| OfBaselines { bits, baselines: of_baselines(library, question, bits) };
    Answer {
        seed: question.seed,
        draws: question.draws,
        conventions: CONVENTIONS.to_vec(),
        machines: machines.collect(),
        baselines: question.bits.iter().map(of_bits).collect(),
        published,
        published_figures: basis.keys(library),
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
    let (mut machine, basis) = Draw::typical(library).trace(|d| numbers_of(library, q, asked, d));
    machine.figures = basis.keys(library);
    let rivals = asked.rivals.iter().chain(&asked.equals);
    machine.figures.extend(rivals.flat_map(|r| r.figures.clone()));
    machine
}

/// All but the figures that they rest on.
fn numbers_of(library: &Library, q: &Question, asked: &Asked, d: &Draw) -> OfMachine {
    let loss_wall = match &asked.machine.kind {
        Kind::Chip(chip) => {
            let loss = library.figure_of("silicon.mzi_loss").map_or([0.0; 3], |f| f.range);
            let wall = |&mzi_loss_db: &f64| {
                let columns = Chip::wall(d, mzi_loss_db);
                Wall { mzi_loss_db, columns, modes: chip.modes_within(columns) }
            };
            Some(loss.iter().map(wall).collect())
        }
        Kind::Stack(_) => None,
    };
    OfMachine {
        name: asked.machine.name.clone(),
        what: asked.machine.what.clone(),
        note: asked.note,
        noiseless_accuracy: asked.noiseless,
        rank_note: asked.rank_note.clone(),
        loss_wall,
        reach: match &asked.machine.kind {
            Kind::Chip(chip) => Some(chip.reach(d)),
            Kind::Stack(_) => None,
        },
        largest: asked.machine.largest(d),
        results: (0..q.bits.len()).map(|i| at_bits(library, q, asked, i, d)).collect(),
        figures: Vec::new(),
    }
}

fn at_bits(library: &Library, q: &Question, asked: &Asked, which: usize, d: &Draw) -> AtBits {
    let (machine, bits) = (&asked.machine_at(which), q.bits[which]);
    let draws = (0..q.draws).map(|n| Sample::of(machine, &Draw::random(library, q.seed, n), bits));
    let all = Samples { typical: Sample::of(machine, d, bits), draws: draws.collect() };
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
            let t = Terahertz::of(d, bits, budget.rate, wavelength);
            Some(Noises { receiver: t.receiver, thermal: t.thermal, shot: t.shot })
        }
        _ => None,
    };
    let optical = |s: &Sample| s.memory.wall();
    let digital = |macs: f64| move |_: &Sample, b: &Baseline| macs * b.joules_per_mac;
    let rivals: Vec<&Rival> = asked.rivals.iter().chain(asked.equals.get(which)).collect();
    let equal = rivals.iter().map(|&rival| Equal {
        rival: rival.clone(),
        against: if rival.misses() {
            Vec::new()
        } else {
            all.against(rival.macs, digital(rival.macs), optical)
        },
    });
    let (work, work_macs) = match rivals.iter().find(|r| !r.misses()) {
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
        useful: match &machine.kind {
            Kind::Chip(_) => None,
            Kind::Stack(stack) => Some(OfMacs {
                numerical: asked.useful.get(which).cloned(),
                geometric_rank: stack.rank,
                geometric_complex_macs: stack.complex_macs(),
                connections: stack.connections(d),
            }),
        },
        wall: all.range(optical),
        optics: all.range(|s| s.memory.optics()),
        wall_per_mac: all.range(|s| s.memory.wall() / s.memory.macs),
        optics_per_mac: all.range(|s| s.memory.optics() / s.memory.macs),
        accuracy: asked.accuracy.get(which).copied(),
        confidence: terms.iter().map(|t| t.confidence).max().unwrap_or(Confidence::Derived),
        terms,
        loss_db: match &machine.kind {
            Kind::Chip(chip) => Some(-10.0 * chip.transmission(d).log10()),
            Kind::Stack(_) => None,
        },
        terahertz,
        latency: of_latency(library, &all),
        digital: all.against(budget.macs, digital(budget.macs), optical),
        equal: equal.collect(),
        sensor,
        break_even: break_even(machine, library, bits, q.seed, q.draws),
        training: asked.training.iter().map(|p| trained(machine, d, bits, p)).collect(),
        ledger: asked.ledger.iter().map(|t| priced(library, q, (machine, d), bits, t)).collect(),
    }
}

fn trained(machine: &Machine, d: &Draw, bits: f64, plan: &Plan) -> Trained {
    let cost = cost(machine, d, bits, &plan.counts).filter(|_| plan.refused.is_none());
    Trained { plan: plan.clone(), cost }
}

fn priced(
    library: &Library,
    q: &Question,
    (machine, typical): (&Machine, &Draw),
    bits: f64,
    t: &Tally,
) -> Priced {
    let of = |d: &Draw| cost(machine, d, bits, &t.counts).filter(|_| t.refused.is_none());
    let all: Vec<Cost> =
        (0..q.draws).filter_map(|n| of(&Draw::random(library, q.seed, n))).collect();
    let price = |typical: Cost| {
        let range = |f: fn(&Cost) -> f64| Range::of(f(&typical), all.iter().map(f).collect());
        Price {
            seconds: range(|c| c.seconds),
            joules: range(|c| c.joules),
            computer: range(|c| c.computer / c.joules),
        }
    };
    Priced { tally: t.clone(), cost: of(typical).map(price) }
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
