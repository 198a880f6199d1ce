//! A run of samples: labels, and images stored as the file has them, 8 bits or f32.

use std::sync::Arc;

#[derive(Debug)]
pub(super) enum Pixels {
    Bytes(Packed),
    Floats(Vec<f32>),
}

/// Images of bytes, of which only those that are not zero are kept: four fifths of a digit's are.
#[derive(Debug)]
pub(super) struct Packed {
    /// A bit a pixel, lowest first: whether it is not zero.
    marks: Vec<u8>,
    values: Vec<u8>,
    /// Where in `values` each image starts.
    starts: Vec<usize>,
}

impl Packed {
    fn new(bytes: &[u8], size: usize) -> Self {
        let mut packed = Self { marks: Vec::new(), values: Vec::new(), starts: Vec::new() };
        packed.values.reserve_exact(bytes.iter().filter(|&&b| b != 0).count());
        packed.marks.reserve_exact(bytes.len().div_ceil(size.max(1)) * size.div_ceil(8));
        for image in bytes.chunks(size.max(1)) {
            packed.starts.push(packed.values.len());
            packed.values.extend(image.iter().filter(|&&b| b != 0));
            packed.marks.extend(image.chunks(8).map(|pixels| {
                pixels.iter().enumerate().fold(0, |bits, (i, &b)| bits | u8::from(b != 0) << i)
            }));
        }
        packed
    }

    /// The images, of `size` pixels, in this order.
    fn in_order(&self, order: &[usize], size: usize) -> Self {
        let bits = size.div_ceil(8);
        let mut packed = Self { marks: Vec::new(), values: Vec::new(), starts: Vec::new() };
        packed.values.reserve_exact(self.values.len());
        packed.marks.reserve_exact(self.marks.len());
        for &i in order {
            let end = self.starts.get(i + 1).copied().unwrap_or(self.values.len());
            packed.starts.push(packed.values.len());
            packed.values.extend_from_slice(&self.values[self.starts[i]..end]);
            packed.marks.extend_from_slice(&self.marks[i * bits..][..bits]);
        }
        packed
    }

    /// Writes image `i`, 0..255 read as 0..1.
    fn write(&self, i: usize, out: &mut [f64]) {
        let marks = &self.marks[i * out.len().div_ceil(8)..];
        let mut values = self.values[self.starts[i]..].iter();
        for (p, out) in out.iter_mut().enumerate() {
            let set = marks[p / 8] >> (p % 8) & 1 == 1;
            *out = if set { values.next().map_or(0.0, |&v| f64::from(v) / 255.0) } else { 0.0 };
        }
    }
}

impl Pixels {
    /// Images of `size` values 0..255 each.
    pub fn bytes(bytes: &[u8], size: usize) -> Self {
        Self::Bytes(Packed::new(bytes, size))
    }
}

/// Samples as a file gives them.
#[derive(Debug)]
pub(super) struct Part {
    /// `[sample, y, x]`.
    pub pixels: Pixels,
    pub labels: Vec<u16>,
}

impl Part {
    /// The samples, of `size` values, with every class spread evenly ([`spread`]).
    pub fn spread(self, size: usize) -> Self {
        let order = spread(&self.labels);
        let pixels = match self.pixels {
            Pixels::Bytes(packed) => Pixels::Bytes(packed.in_order(&order, size)),
            Pixels::Floats(v) => {
                let images = order.iter().flat_map(|&i| &v[i * size..][..size]);
                Pixels::Floats(images.copied().collect())
            }
        };
        Self { pixels, labels: order.into_iter().map(|i| self.labels[i]).collect() }
    }
}

/// Part of a data set; training and validation share one block of images.
#[derive(Debug, Clone)]
pub struct Split {
    labels: Vec<u16>,
    pixels: Arc<Pixels>,
    /// Sample of `pixels` that is sample 0 here.
    first: usize,
    /// Values of one image.
    size: usize,
}

impl Split {
    pub(super) fn new(labels: Vec<u16>, pixels: Arc<Pixels>, first: usize, size: usize) -> Self {
        Self { labels, pixels, first, size }
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    pub fn label(&self, i: usize) -> usize {
        usize::from(self.labels[i])
    }

    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    #[cfg(test)]
    pub(super) fn shares_images_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pixels, &other.pixels)
    }

    /// Writes sample `i`, values 0..1, to `out` `[y, x]`.
    pub fn write_image(&self, i: usize, out: &mut [f64]) {
        assert!(i < self.len(), "sample {i} of {}", self.len());
        assert_eq!(out.len(), self.size);
        let i = self.first + i;
        match &*self.pixels {
            Pixels::Bytes(packed) => packed.write(i, out),
            Pixels::Floats(v) => {
                let image = &v[i * self.size..][..self.size];
                out.iter_mut().zip(image).for_each(|(o, &v)| *o = f64::from(v));
            }
        }
    }
}

/// Order in which every class is spread evenly: the k-th of n samples of a class stands at
/// (k + 1/2) / n.
pub(super) fn spread(labels: &[u16]) -> Vec<usize> {
    let totals = totals(labels);
    let mut seen = vec![0; totals.len()];
    let mut order: Vec<(f64, usize)> = labels
        .iter()
        .enumerate()
        .map(|(i, &label)| {
            let class = usize::from(label);
            seen[class] += 1;
            ((f64::from(seen[class]) - 0.5) / f64::from(totals[class]), i)
        })
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, i)| i).collect()
}

/// Whether samples lie in runs of a class each, and some class has none from `first` on. That a rare
/// class is missing there by chance is no reason to lay samples otherwise.
pub(super) fn is_sorted(labels: &[u16], first: usize) -> bool {
    let (all, mut here) = (totals(labels), vec![false; totals(labels).len()]);
    labels[first..].iter().for_each(|&label| here[usize::from(label)] = true);
    let changes = labels.windows(2).filter(|pair| pair[0] != pair[1]).count();
    4 * changes < labels.len() && all.iter().zip(here).any(|(&count, here)| count > 0 && !here)
}

/// True for the 6th, 12th, ... sample of each class: the test set of files that name none.
pub(super) fn every_sixth(labels: &[u16]) -> Vec<bool> {
    let mut seen = vec![0; totals(labels).len()];
    let mut sixth = |&label: &u16| {
        let count: &mut u32 = &mut seen[usize::from(label)];
        *count += 1;
        count.is_multiple_of(6)
    };
    labels.iter().map(&mut sixth).collect()
}

fn totals(labels: &[u16]) -> Vec<u32> {
    let classes = labels.iter().max().map_or(0, |&m| usize::from(m) + 1);
    let mut totals = vec![0; classes];
    for &label in labels {
        totals[usize::from(label)] += 1;
    }
    totals
}
