//! Which samples a step sees, and their values in the inputs.

use crate::backend::Executor;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::lower::Machine;
use crate::math::random::{Site, bits, permutation};
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

/// Moves the images of a training step about.
pub struct Moves {
    /// Pixels, at most; 0 moves nothing.
    pub most: usize,
    pub seed: u64,
    /// Height and width.
    pub image: [usize; 2],
}

impl Moves {
    /// Moves image `index` of step `step`.
    fn apply(&self, step: u64, index: usize, image: &mut [f64]) {
        if self.most == 0 {
            return;
        }
        let draw = bits(self.seed, step as u32, Site::Move, index as u32);
        let places = 2 * self.most as u64 + 1;
        let by = [draw >> 32, draw & 0xFFFF_FFFF].map(|half| {
            // Multiply-shift: the bias is below places / 2^32.
            ((half * places) >> 32) as isize - self.most as isize
        });
        moved(image, self.image, by);
    }
}

/// Moves an image `[ny, nx]` by `[y, x]` pixels; what comes in is 0.
fn moved(image: &mut [f64], [ny, nx]: [usize; 2], [dy, dx]: [isize; 2]) {
    let old = image.to_vec();
    for y in 0..ny {
        for x in 0..nx {
            let from = y.checked_add_signed(-dy).zip(x.checked_add_signed(-dx));
            image[y * nx + x] =
                from.filter(|&(y, x)| y < ny && x < nx).map_or(0.0, |(y, x)| old[y * nx + x]);
        }
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
        self.write(executor, machine, split, samples, |_, _| {})
    }

    /// With a change to every image.
    pub fn feed_changed(
        &mut self,
        executor: &mut dyn Executor,
        machine: &Machine,
        split: &Split,
        samples: impl Iterator<Item = usize>,
        change: &dyn Fn(&mut [f64]),
    ) -> Result<()> {
        self.write(executor, machine, split, samples, |_, image| change(image))
    }

    /// The samples of training step `step`, moved about.
    pub fn feed_moved(
        &mut self,
        executor: &mut dyn Executor,
        machine: &Machine,
        split: &Split,
        samples: impl Iterator<Item = usize>,
        (moves, step): (&Moves, u64),
    ) -> Result<()> {
        self.write(executor, machine, split, samples, |index, image| {
            moves.apply(step, index, image);
        })
    }

    fn write(
        &mut self,
        executor: &mut dyn Executor,
        machine: &Machine,
        split: &Split,
        samples: impl Iterator<Item = usize>,
        change: impl Fn(usize, &mut [f64]),
    ) -> Result<()> {
        let (Some(image), Some(label)) = (machine.image, machine.label) else {
            return Err(Error::invalid("data", "missing, and a batch needs it"));
        };
        let (Data::Real(images), Data::Index(labels)) = (&mut self.image, &mut self.label) else {
            unreachable!("a feeder holds reals and labels")
        };
        images.clear();
        labels.clear();
        for (index, i) in samples.enumerate() {
            let at = images.len();
            images.resize(at + self.size, 0.0);
            split.write_image(i, &mut images[at..]);
            change(index, &mut images[at..]);
            labels.push(split.label(i) as u32);
        }
        executor.write(image, &self.image)?;
        executor.write(label, &self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::{Moves, Order, moved};

    #[test]
    fn images_move_and_what_comes_in_is_black() {
        let mut image: Vec<f64> = (1..=6).map(f64::from).collect();
        moved(&mut image, [2, 3], [1, -1]);
        assert_eq!(image, [0.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
    }

    /// Every move of the square is drawn about as often: 25 of them, 5,000 draws, 200 each, whose
    /// standard deviation is 14.
    #[test]
    fn moves_are_even() {
        let moves = Moves { most: 2, seed: 3, image: [5, 5] };
        let mut seen = [0; 25];
        for index in 0..5000 {
            let mut image = vec![0.0; 25];
            image[12] = 1.0;
            moves.apply(7, index, &mut image);
            seen[image.iter().position(|&v| v > 0.0).expect("the bright pixel stays inside")] += 1;
        }
        assert!(seen.iter().all(|n| (130..270).contains(n)), "{seen:?}");
    }

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
