//! Runs a split through the machine and counts.

use std::sync::Arc;

use num_complex::Complex;
use serde::Serialize;

use super::batch::Feeder;
use super::metrics::{Evaluation, Sample, Tally};
use super::session::{EVAL, EVAL_BATCH, EvalSlots, SHOW, Session};
use crate::data::Split;
use crate::error::{Error, Result};
use crate::lower::machine::{SHOT, tensor_name};
use crate::optics::element::Element;
use crate::optics::sampling::{self, StepReport};
use crate::program::{Data, Kind, SlotId};

/// Exposures of evaluations count from here, those of training from 0.
const EVALUATION: u32 = 1 << 31;

/// One sample seen at every plane.
pub struct Shown {
    pub label: usize,
    pub answer: usize,
    pub scores: Vec<f64>,
    pub regions: Vec<f64>,
    /// Name, z and field `[y, x]` of each plane in order.
    pub planes: Vec<(String, f64, Vec<Complex<f64>>)>,
    /// The field before each step of free space, `[y, x]`.
    pub before_steps: Vec<Vec<Complex<f64>>>,
}

/// Where the trained geometry of a step of free space stands.
#[derive(Debug, Clone, Serialize)]
pub struct Geometry {
    pub element: usize,
    pub z_m: f64,
    /// Pitch over the file's.
    pub pitch_factor: f64,
    /// `[y, x]`.
    pub offset_m: [f64; 2],
}

impl Session {
    /// Every trained geometry, as it is told: where the device's planes truly stand is not known.
    pub fn geometry(&mut self) -> Result<Vec<Geometry>> {
        let optic = self.experiment.optic.clone();
        let mut all = Vec::new();
        for (i, element) in optic.element.iter().enumerate() {
            let Element::FreeSpace(step) = element else { continue };
            let name = tensor_name(i, "geometry");
            let Some(slot) = self.executor.program().find(&name) else { continue };
            let moved = self.executor.read(slot)?;
            let (moved, transfer) = (moved.reals(), optic.transfer(step));
            all.push(Geometry {
                element: i,
                z_m: transfer.z + optic.wavelength.0 * moved[0],
                pitch_factor: 1.0 + moved[1],
                offset_m: [0, 1].map(|a| transfer.offset[a] + transfer.pitch[a] * moved[2 + a]),
            });
        }
        Ok(all)
    }

    /// The reals of a slot by name, if the program has it.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<f64>>> {
        let Some(slot) = self.executor.program().find(name) else { return Ok(None) };
        Ok(Some(self.executor.read(slot)?.reals().to_vec()))
    }

    fn values(&self) -> usize {
        self.data.image[0] * self.data.image[1]
    }

    /// Evaluates samples `range` of a split on the device.
    pub fn evaluate(&mut self, split: &Split, range: std::ops::Range<usize>) -> Result<Evaluation> {
        self.evaluate_on(self.eval, split, range)
    }

    /// On the twin, which is the device where nothing is wrong with that.
    pub fn evaluate_twin(
        &mut self,
        split: &Split,
        range: std::ops::Range<usize>,
    ) -> Result<Evaluation> {
        self.evaluate_on(self.twin.unwrap_or(self.eval), split, range)
    }

    /// Noise is that of exposures of its own, the same whenever the machine is looked at: training
    /// goes on as if nobody had looked.
    fn evaluate_on(
        &mut self,
        eval: EvalSlots,
        split: &Split,
        range: std::ops::Range<usize>,
    ) -> Result<Evaluation> {
        self.aside(|session| {
            if let Some(slot) = session.executor.program().find(SHOT) {
                session.executor.write(slot, &Data::Index(vec![EVALUATION]))?;
            }
            session.evaluate_all(eval, split, range)
        })
    }

    /// Does what counts exposures and draws, and puts the counters back.
    pub fn aside<T>(&mut self, look: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let kept = self.executor.program().kept();
        let counters: Vec<SlotId> =
            kept.filter(|(_, s)| s.shape.kind == Kind::Index).map(|(id, _)| id).collect();
        let mut before = Vec::with_capacity(counters.len());
        for &slot in &counters {
            before.push(self.executor.read(slot)?);
        }
        let seen = look(self);
        for (&slot, count) in counters.iter().zip(&before) {
            self.executor.write(slot, count)?;
        }
        seen
    }

    fn evaluate_all(
        &mut self,
        eval: EvalSlots,
        split: &Split,
        range: std::ops::Range<usize>,
    ) -> Result<Evaluation> {
        let classes = self.data.classes.len();
        let mut tally = Tally::new(classes);
        let mut feeder = Feeder::new(self.values(), EVAL_BATCH);
        for start in range.clone().step_by(EVAL_BATCH) {
            let count = EVAL_BATCH.min(range.end - start);
            let executor = &mut *self.executor;
            feeder.feed(executor, &self.machine, split, start..start + count)?;
            executor.run(eval.routine, count)?;
            let [scores, regions, entering, loss] =
                [eval.scores, eval.regions, eval.entering, eval.loss]
                    .map(|slot| executor.read(slot));
            let (scores, regions, entering, loss) = (scores?, regions?, entering?, loss?);
            let per_sample = regions.len() / EVAL_BATCH;
            for s in 0..count {
                let sample = Sample {
                    sample: start + s,
                    label: split.label(start + s),
                    scores: &scores.reals()[s * classes..][..classes],
                    regions: &regions.reals()[s * per_sample..][..per_sample],
                    entering: entering.reals()[s],
                    loss: loss.reals()[s],
                };
                if !sample.loss.is_finite() {
                    return Err(Error::NotFinite {
                        step: 0,
                        op: "eval".into(),
                        slot: format!("the loss of sample {}", start + s),
                        help: Some(
                            "no light on the detector, or a checkpoint that holds no numbers"
                                .into(),
                        ),
                    });
                }
                tally.add(&sample);
            }
        }
        Ok(tally.finish())
    }

    /// The light of one sample at every plane.
    pub fn show(&mut self, split: &Split, sample: usize) -> Result<Shown> {
        let mut feeder = Feeder::new(self.values(), 1);
        feeder.feed(&mut *self.executor, &self.machine, split, std::iter::once(sample))?;
        self.executor.run(EVAL, 1)?;
        let first = |data: Data, n: usize| data.reals()[..n].to_vec();
        let scores = first(self.executor.read(self.eval.scores)?, self.data.classes.len());
        let regions = self.executor.read(self.eval.regions)?;
        let regions = first(regions.clone(), regions.len() / EVAL_BATCH);
        self.executor.run(SHOW, 1)?;
        let program = Arc::clone(&self.program);
        let mut field = |slot| -> Result<Vec<Complex<f64>>> {
            let n = program.slot(slot).shape.len();
            Ok(self.executor.read(slot)?.complexes()[..n].to_vec())
        };
        let mut planes = Vec::new();
        for plane in &self.planes {
            planes.push((plane.name.clone(), plane.z, field(plane.field)?));
        }
        let before_steps =
            self.before_steps.iter().map(|&slot| field(slot)).collect::<Result<Vec<_>>>()?;
        let label = split.label(sample);
        Ok(Shown {
            label,
            answer: super::metrics::answer(&scores),
            scores,
            regions,
            planes,
            before_steps,
        })
    }

    /// What sampling costs the light of one sample at each step of free space.
    pub fn sampling(&mut self, split: &Split, sample: usize) -> Result<Vec<StepReport>> {
        let before_steps = self.show(split, sample)?.before_steps;
        Ok(sampling::report(&self.machine.optic, &before_steps))
    }
}
