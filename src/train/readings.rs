//! What every detector region gets, sample by sample, before anything is made of it.

use super::batch::Feeder;
use super::session::{EVAL, EVAL_BATCH, Session};
use crate::data::Split;
use crate::error::Result;

/// Powers of regions.
#[derive(Debug, Clone)]
pub struct Readings {
    pub labels: Vec<usize>,
    /// `[sample, region]`.
    pub regions: Vec<f64>,
    /// Regions of a sample.
    pub per_sample: usize,
    /// Power on the first plane `[sample]`.
    pub entering: Vec<f64>,
}

impl Session {
    /// Samples `range` of a split, their values rounded to so many bits.
    pub fn readings(
        &mut self,
        split: &Split,
        range: std::ops::Range<usize>,
        bits: f64,
    ) -> Result<Readings> {
        let values = self.data.image[0] * self.data.image[1];
        let mut feeder = Feeder::new(values, EVAL_BATCH);
        let levels = 2f64.powf(bits) - 1.0;
        let round = |image: &mut [f64]| {
            for v in image.iter_mut() {
                *v = (*v * levels).round() / levels;
            }
        };
        let mut all = Readings {
            labels: range.clone().map(|i| split.label(i)).collect(),
            regions: Vec::new(),
            per_sample: 0,
            entering: Vec::new(),
        };
        for start in range.clone().step_by(EVAL_BATCH) {
            let count = EVAL_BATCH.min(range.end - start);
            let executor = &mut *self.executor;
            let samples = start..start + count;
            feeder.feed_changed(executor, &self.machine, split, samples, &round)?;
            executor.run(EVAL, count)?;
            let regions = executor.read(self.eval.regions)?;
            all.per_sample = regions.len() / EVAL_BATCH;
            all.regions.extend(&regions.reals()[..count * all.per_sample]);
            all.entering.extend(&executor.read(self.eval.entering)?.reals()[..count]);
        }
        Ok(all)
    }
}
