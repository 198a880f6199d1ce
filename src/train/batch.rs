//! Which samples a step sees, and their values in the inputs.

use crate::backend::Executor;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::lower::Machine;
use crate::math::random::{Site, permutation};
use crate::program::Data;

/// Samples of every step of an epoch: a permutation keyed by (seed, epoch), in whole batches.
pub struct Order {
    seed: u64,
    samples: usize,
    batch: usize,
    epoch: Option<u32>,
    shuffled: Vec<u32>,
}

impl Order {
    pub fn new(seed: u64, samples: usize, batch: usize) -> Self {
        Self { seed, samples, batch, epoch: None, shuffled: Vec::new() }
    }

    /// Steps of an epoch; what does not fill a batch is left for another epoch's order.
    pub fn steps(&self) -> u64 {
        (self.samples / self.batch) as u64
    }

    /// Samples of step `step` of the run.
    pub fn at(&mut self, step: u64) -> &[u32] {
        let epoch = (step / self.steps()) as u32;
        if self.epoch != Some(epoch) {
            self.shuffled = permutation(self.samples, self.seed, epoch, Site::Shuffle);
            self.epoch = Some(epoch);
        }
        let within = (step % self.steps()) as usize;
        &self.shuffled[within * self.batch..][..self.batch]
    }
}

/// Writes samples into the inputs of a machine, reusing its memory.
pub struct Feeder {
    image: Data,
    label: Data,
    size: usize,
}

impl Feeder {
    /// `size`: values of one image; `most`: samples of the largest batch.
    pub fn new(size: usize, most: usize) -> Self {
        let image = Data::Real(Vec::with_capacity(size * most));
        Self { image, label: Data::Index(Vec::with_capacity(most)), size }
    }

    pub fn feed(
        &mut self,
        executor: &mut dyn Executor,
        machine: &Machine,
        split: &Split,
        samples: impl Iterator<Item = usize>,
    ) -> Result<()> {
        let (Some(image), Some(label)) = (machine.image, machine.label) else {
            return Err(Error::invalid("data", "missing, and a batch needs it"));
        };
        let (Data::Real(images), Data::Index(labels)) = (&mut self.image, &mut self.label) else {
            unreachable!("a feeder holds reals and labels")
        };
        images.clear();
        labels.clear();
        for i in samples {
            let at = images.len();
            images.resize(at + self.size, 0.0);
            split.write_image(i, &mut images[at..]);
            labels.push(split.label(i) as u32);
        }
        executor.write(image, &self.image)?;
        executor.write(label, &self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    #[test]
    fn an_epoch_sees_each_sample_at_most_once() {
        let mut order = Order::new(3, 103, 10);
        assert_eq!(order.steps(), 10);
        let mut seen = vec![0; 103];
        for step in 10..20 {
            order.at(step).iter().for_each(|&i| seen[i as usize] += 1);
        }
        assert_eq!(seen.iter().sum::<i32>(), 100);
        assert!(seen.iter().all(|&n| n <= 1));
        let again = Order::new(3, 103, 10).at(15).to_vec();
        assert_eq!(order.at(15), again);
    }
}
