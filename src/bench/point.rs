//! One size and one batch on one device: training step, inference, one propagation, each beside
//! its rivals and a control.

use std::sync::Arc;
use std::time::Instant;

use num_complex::Complex;
use serde::Serialize;

use super::clock::{Effort, Sampled, interleave};
use super::peaks::{self, Peaks};
use super::rival::Propagator;
use super::roofline::{self, Kernel, Limit, Parts};
use super::stack::{self, INFER, PROPAGATE, Stack};
use super::work::{self, Passes};
use crate::backend::gpu::{self, Wanted};
use crate::backend::{Backend, Choice, Executor, Precision, cpu};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::lower::Machine;
use crate::lower::fuse::{fuse, halve};
use crate::methods::names;
use crate::program::{Data, Program, SlotId};
use crate::train::batch::{Feeder, Order};

/// What measures: the device and its limits.
pub struct Device {
    pub choice: Choice,
    pub pool: Arc<rayon::ThreadPool>,
    pub peaks: Option<Peaks>,
    /// Why there are no peaks.
    pub without_peaks: Option<String>,
    /// The adapters that will do, where the device is a GPU.
    wanted: Option<Wanted>,
}

impl Device {
    /// Measures the device's peaks.
    pub fn new(choice: Choice) -> Result<Self> {
        let pool = cpu::pool(choice.threads)?;
        let wanted = match choice.backend {
            Backend::Gpu => Some(Wanted::Any),
            Backend::Auto if choice.precision == Precision::F32 && gpu::has_hardware() => {
                Some(Wanted::Hardware)
            }
            Backend::Auto | Backend::Cpu => None,
        };
        let (peaks, without_peaks) = match wanted.map(peaks::of_gpu) {
            None => (Some(peaks::of_cpu(&pool)), None),
            Some(Ok(peaks)) => (Some(peaks), None),
            Some(Err(why)) => (None, Some(why.to_string())),
        };
        Ok(Self { choice, pool, peaks, without_peaks, wanted })
    }

    /// Measures the peaks once more and keeps the best.
    pub fn measure_again(&mut self) -> Result<()> {
        let Some(peaks) = &mut self.peaks else { return Ok(()) };
        peaks.join(match self.wanted {
            Some(wanted) => peaks::of_gpu(wanted)?,
            None => peaks::of_cpu(&self.pool),
        });
        Ok(())
    }

    /// Bytes of a real number.
    pub fn real(&self) -> usize {
        if self.choice.precision == Precision::F64 { 8 } else { 4 }
    }

    pub fn wanted(&self) -> Option<Wanted> {
        self.wanted
    }

    /// The programs that compute the same, the one that people get first.
    fn programs(&self, unfused: Program) -> Vec<(&'static str, Program)> {
        let fused = self.choice.fuses().then(|| fuse(&unfused));
        let halved = fused.as_ref().filter(|_| self.choice.is_gpu()).and_then(halve);
        let fused = fused.map(|program| ("fused", program));
        let halved = halved.map(|program| ("fields saved in f16", program));
        fused.into_iter().chain(halved).chain([("unfused", unfused)]).collect()
    }
}

/// A program on the device, ready to run.
struct Contender {
    name: &'static str,
    executor: Box<dyn Executor>,
}

/// Something that the device would not run, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Refused {
    pub what: String,
    pub why: String,
}

/// Compiles what the device takes, `most` programs or all, and lets each routine run once; what it
/// refuses is told.
fn compile(
    device: &Device,
    unfused: Program,
    most: usize,
) -> Result<(Vec<Contender>, Vec<Refused>)> {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for (name, program) in device.programs(unfused) {
        if taken.len() == most {
            break;
        }
        let routines: Vec<_> = program.routines.iter().map(|r| (r.name, r.batch)).collect();
        let compiled = device.choice.compile(Arc::new(program)).and_then(|mut executor| {
            for (routine, batch) in routines {
                executor.run(routine, batch)?;
            }
            Ok(executor)
        });
        match compiled {
            Ok(executor) => taken.push(Contender { name, executor }),
            Err(Error::Device { what, .. }) => {
                refused.push(Refused { what: name.into(), why: what });
            }
            Err(other) => return Err(other),
        }
    }
    Ok((taken, refused))
}

/// Whoever does the same work beside the first contender.
#[derive(Debug, Clone, Serialize)]
pub struct Rival {
    pub name: String,
    pub seconds: Sampled,
    /// Its time over ours, round by round.
    pub ratio: Sampled,
}

/// One routine, measured.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub routine: &'static str,
    /// `fused`; where the device does not take that `fields saved in f16`, else `unfused`.
    pub program: &'static str,
    /// Of one batch, the data loader included.
    pub seconds: Sampled,
    pub images_per_s: f64,
    pub flops: f64,
    pub gflop_s: f64,
    /// Between kernels and memory, without what all samples share; and of the fused schedule.
    pub bytes: f64,
    pub minimum_bytes: f64,
    pub gb_s: f64,
    pub roofline_share: Option<f64>,
    pub limited_by: Option<Limit>,
    /// Parts of the time by what limits them.
    pub parts: Option<Parts>,
    /// At least one a node.
    pub launches: usize,
    pub passes: Passes,
    /// Sum over the nodes, and what of the step's time lies outside them: on a GPU the host and
    /// the gaps, on the CPU threads that wait for each other.
    pub node_seconds: f64,
    pub outside_seconds: f64,
    /// Host seconds of the data loader for one batch.
    pub feed_seconds: f64,
    pub rivals: Vec<Rival>,
    /// The first contender once more: its ratio must be 1 within its spread.
    pub control: Rival,
    pub kernels: Vec<Kernel>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// `[y, x]`.
    pub samples: [usize; 2],
    pub padded: [usize; 2],
    pub batch: usize,
    pub masks: usize,
    pub lines: Vec<Line>,
    pub refused: Vec<Refused>,
}

impl Point {
    /// Holds every line against the peaks; `launch` is what the cheapest launch of the run took.
    pub fn judge(&mut self, peaks: &Peaks, launch: f64, real: usize) {
        for line in self.lines.iter_mut().filter(|l| !l.kernels.is_empty()) {
            line.kernels.iter_mut().for_each(|k| k.judge(peaks, launch, real));
            let least: f64 = line.kernels.iter().map(|k| k.least).sum();
            let parts = Parts::of(&line.kernels, line.outside_seconds);
            line.roofline_share = Some(least / (line.node_seconds + line.outside_seconds));
            line.limited_by = Some(parts.limit());
            line.parts = Some(parts);
        }
    }
}

/// Feeds a stack as training does.
struct Loader<'a> {
    data: &'a Dataset,
    machine: &'a Machine,
    order: Order,
    feeder: Feeder,
    step: u64,
}

/// Refuses a batch that the data cannot fill.
pub fn check_batch(data: &Dataset, batch: usize) -> Result<()> {
    if batch <= data.train.len() {
        return Ok(());
    }
    let rule = format!("{batch} is more than the {} training samples", data.train.len());
    Err(Error::invalid("--batch", rule).help("use a smaller batch"))
}

impl<'a> Loader<'a> {
    fn new(data: &'a Dataset, machine: &'a Machine, seed: u64, batch: usize) -> Result<Self> {
        check_batch(data, batch)?;
        Ok(Self {
            data,
            machine,
            order: Order::new(seed, data.train.len(), batch),
            feeder: Feeder::new(data.image[0] * data.image[1], batch),
            step: 0,
        })
    }

    fn feed(&mut self, executor: &mut dyn Executor) -> Result<()> {
        let samples = self.order.at(self.step).iter().map(|&i| i as usize);
        self.step += 1;
        self.feeder.feed(executor, self.machine, &self.data.train, samples)
    }
}

/// Where a program counts its steps: read to wait for a run, set back before its schedule ends.
fn step_slot(program: &Program) -> Result<SlotId> {
    let missing = || Error::Shape { op: "bench", what: "the method counts no steps".into() };
    program.find(names::STEP).ok_or_else(missing)
}

/// Seconds of `repeats` fed and finished runs.
fn fed(
    executor: &mut dyn Executor,
    loader: &mut Loader<'_>,
    routine: &str,
    batch: usize,
    repeats: usize,
) -> Result<f64> {
    let step = step_slot(executor.program())?;
    executor.write(step, &Data::Index(vec![0]))?;
    executor.read(step)?;
    let started = Instant::now();
    for _ in 0..repeats {
        loader.feed(executor)?;
        executor.run(routine, batch)?;
    }
    executor.read(step)?;
    Ok(started.elapsed().as_secs_f64())
}

/// Why a training step is more than one run of its routine, where it is.
fn more_than_a_run(experiment: &Experiment, stack: &Stack) -> Option<String> {
    let way_out = "see the images_per_s of `lightloom train`";
    if experiment.hardware.as_ref().is_some_and(|hardware| hardware.lab.is_some()) {
        return Some(format!("a step waits for the device of hardware.lab: {way_out}"));
    }
    let recipe = experiment.train.as_ref().filter(|_| stack.is_search)?;
    Some(format!("a step of {} is many runs: {way_out}", recipe.method.name()))
}

/// Training step and inference of an experiment, and one of its propagations.
pub fn measure(
    device: &Device,
    experiment: &Experiment,
    data: &Dataset,
    batch: usize,
    effort: Effort,
) -> Result<Point> {
    let optic = &experiment.optic;
    let stack = stack::stack(experiment, data, batch)?;
    let unfit = more_than_a_run(experiment, &stack);
    let minimum = fuse(&stack.program);
    let mut point = Point {
        samples: optic.grid().samples,
        padded: optic.padded(),
        batch,
        masks: stack.machine.trainable.len(),
        lines: Vec::new(),
        refused: Vec::new(),
    };
    let (mut contenders, refused) = compile(device, stack.program, usize::MAX)?;
    point.refused.extend(refused);
    let mut loader = Loader::new(data, &stack.machine, experiment.seed, batch)?;
    let mut routines = vec![INFER];
    match unfit {
        Some(why) => point.refused.push(Refused { what: names::TRAIN.into(), why }),
        None => routines.insert(0, names::TRAIN),
    }
    if !contenders.is_empty() {
        for routine in routines {
            let order = turns(contenders.len());
            let times = interleave(order.len(), effort, &mut |turn, repeats| {
                let executor = &mut *contenders[order[turn]].executor;
                fed(executor, &mut loader, routine, batch, repeats)
            })?;
            let feeds = (0..9).map(|_| {
                let started = Instant::now();
                loader.feed(&mut *contenders[0].executor)?;
                Ok(started.elapsed().as_secs_f64())
            });
            let feed = Sampled::of(feeds.collect::<Result<_>>()?).median;
            let names: Vec<_> = contenders.iter().map(|c| c.name.to_owned()).collect();
            let measured = Measured { routine, batch, times, names, feed, effort };
            point.lines.push(line(device, &mut contenders[0], &minimum, measured)?);
        }
    }
    drop(contenders);
    if optic.modes.is_some() {
        // Light of a chip does not propagate freely.
        return Ok(point);
    }
    match propagation(device, experiment, batch, effort) {
        Ok((line, refused)) => {
            point.lines.extend(line);
            point.refused.extend(refused);
        }
        Err(Error::Device { what, .. }) => {
            point.refused.push(Refused { what: PROPAGATE.into(), why: what });
        }
        Err(other) => return Err(other),
    }
    Ok(point)
}

/// Times of one training step and one inference of what people get, nothing beside them.
pub fn bare(
    device: &Device,
    experiment: &Experiment,
    data: &Dataset,
    batch: usize,
    effort: Effort,
) -> Result<[Sampled; 2]> {
    let stack = stack::stack(experiment, data, batch)?;
    if let Some(why) = more_than_a_run(experiment, &stack) {
        return Err(Error::device(why));
    }
    let mut loader = Loader::new(data, &stack.machine, experiment.seed, batch)?;
    let (mut contenders, refused) = compile(device, stack.program, 1)?;
    let Some(ours) = contenders.first_mut() else {
        return Err(Error::device(
            refused.into_iter().map(|r| r.why).collect::<Vec<_>>().join("; "),
        ));
    };
    let mut time = |routine| {
        let run = &mut |_, repeats| fed(&mut *ours.executor, &mut loader, routine, batch, repeats);
        Ok(interleave(1, effort, run)?.swap_remove(0))
    };
    Ok([time(names::TRAIN)?, time(INFER)?])
}

/// The first contender, itself again, then the others.
fn turns(contenders: usize) -> Vec<usize> {
    [0].into_iter().chain(0..contenders).collect()
}

/// What the clock said of a routine: ours, ours again, then the rivals.
struct Measured {
    routine: &'static str,
    batch: usize,
    times: Vec<Sampled>,
    /// Of ours and the rivals.
    names: Vec<String>,
    feed: f64,
    effort: Effort,
}

fn line(device: &Device, ours: &mut Contender, minimum: &Program, m: Measured) -> Result<Line> {
    let Measured { routine, batch, mut times, names, feed, effort } = m;
    let (program_name, ours) = (ours.name, &mut *ours.executor);
    let real = device.real();
    let missing = || Error::Shape { op: "bench", what: format!("no routine {routine}") };
    let program = ours.program();
    let known = program.routine(routine).ok_or_else(missing)?;
    let micro = ours.micro_batch(routine);
    let (work, passes) = (work::of(program, known, batch, micro, real), work::passes(known));
    let least = minimum.routine(routine).ok_or_else(missing)?;
    let minimum_bytes = work::of(minimum, least, batch, None, real).iter().map(|w| w.bytes).sum();
    let nodes = work.len();
    let (flops, bytes) = work.iter().fold((0.0, 0.0), |(f, b), w| (f + w.flops, b + w.bytes));

    let seconds = times.remove(0);
    let quick = Effort { seconds: effort.seconds / 3.0, rounds: [2, 9] };
    let wall = seconds.median;
    let mut outside = Vec::new();
    let profiles = (0..quick.rounds_of(wall)).map(|_| {
        let started = Instant::now();
        let nodes = ours.profile(routine, batch)?;
        // A GPU's profile waits for its clocks: there the step itself is the measure.
        let whole = if device.wanted.is_some() { wall } else { started.elapsed().as_secs_f64() };
        outside.push((whole - nodes.iter().map(|n| n.seconds).sum::<f64>()).max(0.0));
        Ok(nodes)
    });
    // A device that cannot time its nodes still has its step timed.
    let kernels = match profiles.collect::<Result<Vec<_>>>() {
        Ok(profiles) => roofline::kernels(work, &profiles)?,
        Err(Error::Device { .. }) => Vec::new(),
        Err(other) => return Err(other),
    };
    let mut beside = times.into_iter().zip(&names).map(|(t, name)| Rival {
        name: name.clone(),
        ratio: t.over(&seconds),
        seconds: t,
    });
    let Some(mut control) = beside.next() else { return Err(missing()) };
    control.name += " again";
    Ok(Line {
        routine,
        program: program_name,
        images_per_s: batch as f64 / wall,
        flops,
        gflop_s: flops / wall * 1e-9,
        bytes,
        minimum_bytes,
        gb_s: bytes / wall * 1e-9,
        roofline_share: None,
        limited_by: None,
        parts: None,
        launches: kernels.iter().map(|k| k.launches).sum::<usize>().max(nodes),
        passes,
        node_seconds: kernels.iter().map(|k| k.seconds.median).sum(),
        outside_seconds: Sampled::of(outside).median,
        feed_seconds: feed,
        rivals: beside.collect(),
        control,
        kernels,
        seconds,
    })
}

/// Host memory that the input of a propagation may take, in f64.
const MOST_INPUT: usize = 1 << 30;

/// One propagation of a batch beside the unfused program and rustfft by hand.
fn propagation(
    device: &Device,
    experiment: &Experiment,
    batch: usize,
    effort: Effort,
) -> Result<(Option<Line>, Vec<Refused>)> {
    let optic = &experiment.optic;
    let (field, padded) = (optic.grid().samples, optic.padded());
    let len = batch * field[0] * field[1];
    if 16 * len > MOST_INPUT {
        let gib = (16 * len) as f64 / f64::from(1 << 30);
        return Err(Error::device(format!("its input would take {gib:.1} GiB on the host")));
    }
    let propagation = stack::propagation(optic, batch)?;
    let minimum = fuse(&propagation.program);
    let input = stack::noise(len, experiment.seed);
    let single = |z: &Complex<f64>| Complex::new(z.re as f32, z.im as f32);
    let from: Vec<Complex<f32>> = input.iter().map(single).collect();
    let mut to = vec![Complex::new(0.0, 0.0); len];
    let (mut contenders, refused) = compile(device, propagation.program, usize::MAX)?;
    if contenders.is_empty() {
        return Ok((None, refused));
    }
    let input = Data::Complex(input);
    for c in &mut contenders {
        c.executor.write(propagation.field, &input)?;
    }
    let threads = device.pool.current_num_threads();
    let h = optic.transfer(&propagation.step).table();
    let rival = Propagator::new(field, padded, &h, threads);
    let order = turns(contenders.len());
    let times = interleave(order.len() + 1, effort, &mut |turn, repeats| {
        let Some(&c) = order.get(turn) else {
            let started = Instant::now();
            (0..repeats).for_each(|_| rival.run(&device.pool, &from, &mut to));
            return Ok(started.elapsed().as_secs_f64());
        };
        let executor = &mut *contenders[c].executor;
        executor.read(propagation.tick)?;
        let started = Instant::now();
        for _ in 0..repeats {
            executor.run(PROPAGATE, batch)?;
        }
        executor.read(propagation.tick)?;
        Ok(started.elapsed().as_secs_f64())
    })?;
    let mut names: Vec<_> = contenders.iter().map(|c| c.name.to_owned()).collect();
    names.push("rustfft by hand, f32, CPU".into());
    let measured = Measured { routine: PROPAGATE, batch, times, names, feed: 0.0, effort };
    let line = line(device, &mut contenders[0], &minimum, measured)?;
    Ok((Some(line), refused))
}
