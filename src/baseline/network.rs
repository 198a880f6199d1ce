//! Digital networks that do the same task: y = W x + b, or with one hidden layer of ReLU, trained on
//! the CPU by softmax cross-entropy and Adam (Kingma 2015, arXiv 1412.6980).
//!
//! A network's MACs are its weights: one each an inference. Sets of a few hundred samples have as good a
//! chance as large ones: steps, not passes, are what a training has at least, of batches that are a
//! hundredth of the set. No set takes longer than the largest one does by its passes.

use rayon::ThreadPool;

use super::matmul::{Matrix, matmul};
use crate::data::{Dataset, Split};
use crate::math::random::{Site, bits, permutation, uniform};

/// Hidden units that are tried; none is a linear network.
pub const HIDDEN: [usize; 9] = [0, 4, 8, 16, 32, 64, 128, 256, 512];

#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// `784-10`, `784-32-10`.
    pub name: String,
    pub macs: usize,
    /// On the validation set, by which the smallest that is good enough is chosen.
    pub validation: f64,
    /// On the test set.
    pub test: f64,
}

/// Passes over the training set, and steps, of which both are made at least.
pub const EPOCHS: usize = 10;
const STEPS: usize = 3000;
/// Samples of a batch.
const BATCH: [usize; 2] = [16, 128];
/// Of Adam at 784 inputs; fewer move a score by less, as √inputs.
const RATE: f32 = 1e-3;
const MOST_RATE: f32 = 1e-2;
const BETA: [f32; 2] = [0.9, 0.999];
const EPS: f32 = 1e-8;

/// Images `[sample, pixel]` and their labels.
struct Samples {
    pixels: Vec<f32>,
    labels: Vec<usize>,
    size: usize,
}

impl Samples {
    fn of(split: &Split, size: usize) -> Self {
        let mut image = vec![0.0; size];
        let mut pixels = Vec::with_capacity(split.len() * size);
        for i in 0..split.len() {
            split.write_image(i, &mut image);
            pixels.extend(image.iter().map(|&v| v as f32));
        }
        let labels = (0..split.len()).map(|i| split.label(i)).collect();
        Self { pixels, labels, size }
    }
}

/// One layer with its gradient and Adam's moments; weights `[inputs, outputs]`, then biases.
struct Layer {
    inputs: usize,
    outputs: usize,
    values: Vec<f32>,
    gradient: Vec<f32>,
    moments: [Vec<f32>; 2],
}

impl Layer {
    /// Uniform in ±√(6/inputs) (He 2015, arXiv 1502.01852), biases 0.
    fn new(inputs: usize, outputs: usize, seed: u64, which: u32) -> Self {
        let weights = inputs * outputs;
        let bound = (6.0 / inputs as f64).sqrt();
        let draw = |i: usize| (2.0 * uniform(seed, which, Site::MaskInit, i as u32) - 1.0) * bound;
        let mut values: Vec<f32> = (0..weights).map(|i| draw(i) as f32).collect();
        values.resize(weights + outputs, 0.0);
        let zero = vec![0.0; values.len()];
        Self { inputs, outputs, gradient: zero.clone(), moments: [zero.clone(), zero], values }
    }

    fn weights(&self) -> Matrix<'_> {
        let weights = &self.values[..self.inputs * self.outputs];
        Matrix::new(self.inputs, self.outputs, weights)
    }

    /// y `[batch, outputs]` = x W + b.
    fn forward(&self, x: Matrix, y: &mut Vec<f32>, pool: &ThreadPool) {
        let bias = &self.values[self.inputs * self.outputs..];
        y.clear();
        (0..x.rows).for_each(|_| y.extend_from_slice(bias));
        matmul(x, self.weights(), y, true, pool);
    }

    /// The gradient of weights and biases from that of y.
    fn backward(&mut self, x: Matrix, dy: &[f32], pool: &ThreadPool) {
        let (weights, bias) = self.gradient.split_at_mut(self.inputs * self.outputs);
        matmul(x.transposed(), Matrix::new(x.rows, self.outputs, dy), weights, false, pool);
        bias.fill(0.0);
        for row in dy.chunks(self.outputs) {
            bias.iter_mut().zip(row).for_each(|(b, d)| *b += d);
        }
    }

    fn update(&mut self, step: i32, rate: f32) {
        let scale = rate * (1.0 - BETA[1].powi(step)).sqrt() / (1.0 - BETA[0].powi(step));
        let [mean, square] = &mut self.moments;
        let all = self.values.iter_mut().zip(&self.gradient).zip(mean).zip(square);
        for (((v, &g), m), s) in all {
            *m += (1.0 - BETA[0]) * (g - *m);
            *s += (1.0 - BETA[1]) * (g * g - *s);
            *v -= scale * *m / (s.sqrt() + EPS);
        }
    }
}

struct Network {
    layers: Vec<Layer>,
}

impl Network {
    fn new(sizes: &[usize], seed: u64) -> Self {
        let layer = |(i, pair): (usize, &[usize])| Layer::new(pair[0], pair[1], seed, i as u32);
        Self { layers: sizes.windows(2).enumerate().map(layer).collect() }
    }

    /// Outputs of each layer, ReLU between them.
    fn forward(&self, x: Matrix, out: &mut [Vec<f32>], pool: &ThreadPool) {
        for (i, layer) in self.layers.iter().enumerate() {
            let (before, here) = out.split_at_mut(i);
            let input = match before.last() {
                None => x,
                Some(hidden) => Matrix::new(x.rows, layer.inputs, hidden),
            };
            layer.forward(input, &mut here[0], pool);
            if i + 1 < self.layers.len() {
                here[0].iter_mut().for_each(|v| *v = v.max(0.0));
            }
        }
    }

    /// One step of Adam; returns the mean loss.
    fn step(
        &mut self,
        x: Matrix,
        labels: &[usize],
        step: i32,
        rate: f32,
        pool: &ThreadPool,
    ) -> f32 {
        let mut out = vec![Vec::new(); self.layers.len()];
        self.forward(x, &mut out, pool);
        let last = self.layers.len() - 1;
        let (loss, mut slope) = cross_entropy(&out[last], labels);
        for i in (0..=last).rev() {
            let (inputs, outputs) = (self.layers[i].inputs, self.layers[i].outputs);
            let input = if i == 0 { x } else { Matrix::new(x.rows, inputs, &out[i - 1]) };
            self.layers[i].backward(input, &slope, pool);
            if i > 0 {
                let mut below = vec![0.0; x.rows * inputs];
                let weights = self.layers[i].weights().transposed();
                matmul(Matrix::new(x.rows, outputs, &slope), weights, &mut below, false, pool);
                // Where the ReLU was closed nothing comes back.
                below
                    .iter_mut()
                    .zip(&out[i - 1])
                    .filter(|(_, h)| **h <= 0.0)
                    .for_each(|(d, _)| *d = 0.0);
                slope = below;
            }
        }
        self.layers.iter_mut().for_each(|l| l.update(step, rate));
        loss
    }

    fn accuracy(&self, samples: &Samples, pool: &ThreadPool) -> f64 {
        let mut out = vec![Vec::new(); self.layers.len()];
        let outputs = self.layers[self.layers.len() - 1].outputs;
        let mut hits = 0;
        let chunks = samples.pixels.chunks(1000 * samples.size);
        for (pixels, labels) in chunks.zip(samples.labels.chunks(1000)) {
            self.forward(Matrix::new(labels.len(), samples.size, pixels), &mut out, pool);
            let scores = out[out.len() - 1].chunks(outputs);
            let best = |row: &[f32]| (0..outputs).max_by(|&a, &b| row[a].total_cmp(&row[b]));
            hits += scores.zip(labels).filter(|(row, label)| best(row) == Some(**label)).count();
        }
        hits as f64 / samples.labels.len().max(1) as f64
    }
}

/// Mean of -log softmax, and its gradient with respect to the scores `[batch, classes]`.
fn cross_entropy(scores: &[f32], labels: &[usize]) -> (f32, Vec<f32>) {
    let classes = scores.len() / labels.len();
    let mut slope = scores.to_vec();
    let mut loss = 0.0;
    let each = (labels.len() as f32).recip();
    for (row, &label) in slope.chunks_mut(classes).zip(labels) {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for v in row.iter_mut() {
            *v = (*v - most).exp();
        }
        let sum: f32 = row.iter().sum();
        loss -= (row[label] / sum).ln() * each;
        for v in row.iter_mut() {
            *v *= each / sum;
        }
        row[label] -= each;
    }
    (loss, slope)
}

/// A data set as networks take it.
pub struct Task {
    train: Samples,
    val: Samples,
    test: Samples,
    classes: usize,
    /// Height and width.
    image: [usize; 2],
    /// Pixels by which training images are moved at most, as they are for the optics.
    shift: usize,
}

impl Task {
    pub fn new(data: &Dataset) -> Self {
        let size = data.image[0] * data.image[1];
        let of = |split| Samples::of(split, size);
        let (train, val, test) = (of(&data.train), of(&data.val), of(&data.test));
        let (classes, image, shift) = (data.classes.len(), data.image, data.shift);
        Self { train, val, test, classes, image, shift }
    }

    /// Moves an image by as many pixels in y and in x as `draw` says; what comes in is 0.
    fn moved(&self, image: &[f32], out: &mut [f32], draw: u64) {
        if self.shift == 0 {
            out.copy_from_slice(image);
            return;
        }
        let places = 2 * self.shift as u64 + 1;
        let [dy, dx] = [draw >> 32, draw & 0xFFFF_FFFF]
            .map(|half| ((half * places) >> 32) as isize - self.shift as isize);
        let [ny, nx] = self.image;
        for (p, out) in out.iter_mut().enumerate() {
            let from = (p / nx).checked_add_signed(-dy).zip((p % nx).checked_add_signed(-dx));
            let from = from.filter(|&(y, x)| y < ny && x < nx);
            *out = from.map_or(0.0, |(y, x)| image[y * nx + x]);
        }
    }

    /// Weights of a network with so many hidden units.
    fn macs(&self, hidden: usize) -> usize {
        let (size, classes) = (self.train.size, self.classes);
        if hidden == 0 { size * classes } else { hidden * (size + classes) }
    }

    /// Trains one network with `hidden` units, none for a linear one, for so many passes at least.
    pub fn train(&self, hidden: usize, epochs: usize, seed: u64, pool: &ThreadPool) -> Trained {
        let size = self.train.size;
        let sizes: Vec<usize> =
            [size, hidden, self.classes].into_iter().filter(|&n| n > 0).collect();
        let mut network = Network::new(&sizes, seed);
        let count = self.train.labels.len();
        let batch = (count / 100).clamp(BATCH[0], BATCH[1]).min(count);
        let per_epoch = count / batch;
        let epochs = epochs.max(STEPS.div_ceil(per_epoch));
        let steps = epochs * per_epoch;
        let most = (RATE * (784.0 / size as f32).sqrt()).min(MOST_RATE);
        let mut step = 0;
        let mut pixels = vec![0.0; batch * size];
        for epoch in 0..epochs {
            let order = permutation(count, seed, epoch as u32, Site::Shuffle);
            for chosen in order.chunks_exact(batch) {
                for (row, &i) in pixels.chunks_mut(size).zip(chosen) {
                    let image = &self.train.pixels[i as usize * size..][..size];
                    self.moved(image, row, bits(seed, epoch as u32, Site::Move, i));
                }
                let labels: Vec<usize> =
                    chosen.iter().map(|&i| self.train.labels[i as usize]).collect();
                // Down to nothing at the last step, by a cosine.
                let turn = std::f32::consts::PI * step as f32 / steps as f32;
                let rate = most * 0.5 * (1.0 + turn.cos());
                step += 1;
                network.step(Matrix::new(batch, size, &pixels), &labels, step, rate, pool);
            }
        }
        let names: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        Trained {
            name: names.join("-"),
            macs: self.macs(hidden),
            validation: network.accuracy(&self.val, pool),
            test: network.accuracy(&self.test, pool),
        }
    }

    /// Networks of rising size up to the first whose validation accuracy reaches `accuracy`; all of
    /// them where none does.
    pub fn smallest(
        &self,
        accuracy: f64,
        epochs: usize,
        seed: u64,
        pool: &ThreadPool,
        told: &mut dyn FnMut(&Trained),
    ) -> Vec<Trained> {
        let mut all = Vec::new();
        let mut order = HIDDEN;
        order.sort_by_key(|&hidden| self.macs(hidden));
        for hidden in order {
            let one = self.train(hidden, epochs, seed, pool);
            told(&one);
            let enough = one.validation >= accuracy;
            all.push(one);
            if enough {
                break;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu;

    /// Gradients of every weight against central differences in a network of two layers. In f32 a
    /// step of 1e-3 leaves rounding of 1e-4 of slopes of about 0.1, and seldom meets a kink of ReLU.
    #[test]
    fn gradients_are_those_of_the_loss() {
        let pool = cpu::pool(Some(1)).expect("threads");
        let (sizes, labels) = ([6, 5, 3], [0, 2, 1, 1]);
        let x = super::super::matmul::noise(4 * 6, 9);
        let loss = |network: &Network| {
            let mut out = vec![Vec::new(); 2];
            network.forward(Matrix::new(4, 6, &x), &mut out, &pool);
            cross_entropy(&out[1], &labels).0
        };
        let mut network = Network::new(&sizes, 3);
        network.step(Matrix::new(4, 6, &x), &labels, 1, 0.0, &pool);
        let mut seen = 0;
        for layer in 0..2 {
            for i in 0..network.layers[layer].values.len() {
                let slope = network.layers[layer].gradient[i];
                let mut at = |shift: f32| {
                    network.layers[layer].values[i] += shift;
                    let loss = loss(&network);
                    network.layers[layer].values[i] -= shift;
                    loss
                };
                let h = 1e-3;
                let difference = (at(h) - at(-h)) / (2.0 * h);
                assert!((difference - slope).abs() < 1e-3, "{layer} {i}: {difference} {slope}");
                seen += usize::from(slope.abs() > 2e-2);
            }
        }
        assert!(seen > 10, "only {seen} slopes are larger than the tolerance");
    }

    /// Points on either side of a circle: no line parts them, a hidden layer does.
    #[test]
    fn a_hidden_layer_learns_what_a_line_cannot() {
        let pool = cpu::pool(Some(1)).expect("threads");
        let samples = |count: usize, seed| {
            let draw = |i: usize| 2.0 * uniform(seed, 0, Site::Test, i as u32) as f32 - 1.0;
            let pixels: Vec<f32> = (0..2 * count).map(draw).collect();
            let inside = |p: &[f32]| usize::from(p[0] * p[0] + p[1] * p[1] < 0.6);
            let labels = pixels.chunks(2).map(inside).collect();
            Samples { pixels, labels, size: 2 }
        };
        let (train, val, test) = (samples(2048, 1), samples(500, 2), samples(500, 3));
        let task = Task { train, val, test, classes: 2, image: [1, 2], shift: 0 };
        let line = task.train(0, 400, 1, &pool);
        let hidden = task.train(32, 400, 1, &pool);
        assert_eq!((line.macs, hidden.macs), (4, 128));
        assert_eq!((&line.name[..], &hidden.name[..]), ("2-2", "2-32-2"));
        assert!(line.test < 0.75, "{line:?}");
        assert!(hidden.test > 0.9, "{hidden:?}");
        assert_eq!(task.train(32, 3, 7, &pool), task.train(32, 3, 7, &pool), "it repeats");
    }

    /// Nine clouds of 150 samples in all, as apart as vowels: ten passes leave chance, 1/9; steps do not.
    #[test]
    fn a_small_set_is_learnt() {
        let pool = cpu::pool(Some(1)).expect("threads");
        let samples = |count: usize, seed| {
            let at = |i: usize| (0.3 + 0.2 * (i % 9 / 3) as f32, 0.3 + 0.2 * (i % 3) as f32);
            let off =
                |i: usize, k: u32| 0.1 * (uniform(seed, k, Site::Test, i as u32) as f32 - 0.5);
            let pixels = (0..count).flat_map(|i| [at(i).0 + off(i, 0), at(i).1 + off(i, 1)]);
            Samples {
                pixels: pixels.collect(),
                labels: (0..count).map(|i| i % 9).collect(),
                size: 2,
            }
        };
        let (train, val, test) = (samples(150, 1), samples(90, 2), samples(90, 3));
        let task = Task { train, val, test, classes: 9, image: [1, 2], shift: 0 };
        let one = task.train(32, EPOCHS, 1, &pool);
        assert!(one.test > 0.8 && one.validation > 0.8, "{one:?}");
    }

    /// Moved by one pixel at most, each of nine ways about as often: 9,000 draws leave 3 std = 10 %.
    #[test]
    fn images_are_moved_all_ways() {
        let image: Vec<f32> = (0..12).map(|p| f32::from(u8::from(p == 5))).collect();
        let none = || Samples { pixels: Vec::new(), labels: Vec::new(), size: 12 };
        let (train, val, test) = (none(), none(), none());
        let task = Task { train, val, test, classes: 2, image: [3, 4], shift: 1 };
        let mut seen = [0; 12];
        for i in 0..9000 {
            let mut out = vec![9.0; 12];
            task.moved(&image, &mut out, bits(1, 0, Site::Move, i));
            assert_eq!(out.iter().sum::<f32>(), 1.0);
            seen[out.iter().position(|&v| v == 1.0).expect("it is somewhere")] += 1;
        }
        for (p, &count) in seen.iter().enumerate() {
            let near = p % 4 < 3;
            assert_eq!(count > 0, near, "{p}");
            assert!(!near || (900..1100).contains(&count), "{p}: {count}");
        }
    }
}
