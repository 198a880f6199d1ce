//! Diffractive stacks in free space, one image a frame: what they are, and what they compute. What a
//! frame takes is in [`super::frame`].
//!
//! What a linear stack with intensity detectors computes is one real quadratic form x^T Re(Q) x a
//! detector, of a rank near the modes that fit the detector's size: 2·inputs·rank real MACs each, or
//! the inputs·(inputs + 1)/2 of a symmetric form, and not layers x N² "connections". Of a trained
//! stack the rank is the one that its detectors can tell from noise ([`super::rank`]).

use super::draw::Draw;
use super::rank::real_macs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    Terahertz,
    Visible,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masks {
    /// Fixed for good.
    Printed,
    /// Liquid crystal, which holds by power and can learn.
    Panels,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    pub band: Band,
    pub masks: Masks,
    pub layers: usize,
    /// Samples of one mask; the figure of the band where none.
    pub pixels: Option<f64>,
    /// In metres; likewise.
    pub wavelength: Option<f64>,
    /// Numbers of one image.
    pub inputs: usize,
    /// Regions that are read.
    pub regions: usize,
    /// Modes that fit one region: about the rank of its quadratic form.
    pub rank: usize,
    /// Real MACs at the rank that its detectors can tell from noise, where it was trained.
    pub useful: Option<f64>,
    /// From source to detector in metres.
    pub length: f64,
    /// Planes between layers where a camera reads every sample, and a panel puts what it read on a
    /// fresh wave of a source of its own.
    pub cameras: usize,
    /// Weights of a digital layer behind the detectors, a MAC each.
    pub head: f64,
}

impl Stack {
    /// The same as a matrix of n x n: each output one complex row, rank 1. None where the masks
    /// have fewer phases than it has weights.
    pub fn of_size(&self, d: &Draw, n: usize) -> Option<Self> {
        let weights = (n * n) as f64;
        (weights <= self.weights(d)).then(|| Self {
            inputs: n,
            regions: n,
            rank: 1,
            useful: None,
            cameras: 0,
            head: 0.0,
            ..self.clone()
        })
    }

    /// Phases of all masks: the most complex weights that they can hold.
    pub fn weights(&self, d: &Draw) -> f64 {
        self.layers as f64 * self.pixels(d)
    }

    pub(super) fn pixels(&self, d: &Draw) -> f64 {
        self.pixels.unwrap_or_else(|| match self.band {
            Band::Terahertz => d.get("thz.mask_pixels"),
            Band::Visible => d.get("slm.panel_pixels"),
        })
    }

    pub(super) fn wavelength(&self, d: &Draw) -> f64 {
        self.wavelength.unwrap_or_else(|| match self.band {
            Band::Terahertz => d.get("thz.wavelength"),
            Band::Visible => d.get("slm.wavelength"),
        })
    }

    /// Real MACs that an image stands for: of the modes that fit, where its rank was not computed.
    pub fn macs(&self) -> f64 {
        let last = || self.regions as f64 * real_macs(self.last_inputs(), self.rank as f64);
        self.useful.unwrap_or_else(last) + self.camera_macs()
    }

    /// Of all layers before a camera, each sample of which reads one product of the inputs and
    /// squares it; or by transforms, where that is less: there and back over a window of twice the
    /// width, (P/2) log2 P complex products each, and P + N more.
    fn camera_macs(&self) -> f64 {
        let n = self.pixels.unwrap_or(0.0);
        let (dense, p) = (|inputs: f64| 2.0 * n * (inputs + 1.0), 4.0 * n);
        let fast = 4.0 * (p * p.max(1.0).log2() + p + n) + 2.0 * n;
        let of = |k: usize| dense(if k == 0 { self.inputs as f64 } else { n }).min(fast);
        (0..self.cameras).map(of).sum()
    }

    /// Numbers that the wave to the detectors carries.
    fn last_inputs(&self) -> f64 {
        if self.cameras == 0 { self.inputs as f64 } else { self.pixels.unwrap_or(0.0) }
    }

    /// Complex MACs of real inputs that the detectors read, of the modes that fit.
    pub fn complex_macs(&self) -> f64 {
        (self.regions * self.rank) as f64 * self.last_inputs()
    }

    /// What papers count: every sample of each mask to every one of the next plane.
    pub fn connections(&self, d: &Draw) -> f64 {
        self.layers as f64 * self.pixels(d).powi(2)
    }
}

#[cfg(test)]
impl Stack {
    /// The machine of Lin 2018.
    pub(super) fn lin() -> Self {
        Self {
            band: Band::Terahertz,
            masks: Masks::Printed,
            layers: 5,
            pixels: None,
            wavelength: None,
            inputs: 784,
            regions: 10,
            rank: 126,
            useful: None,
            length: 0.18,
            cameras: 0,
            head: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::library::Library;

    /// Useful MACs stay far below the 8e9 connections that the paper's layers have.
    #[test]
    fn useful_macs_are_those_of_the_rank() {
        assert_eq!(Stack::lin().macs(), 10.0 * 2.0 * 126.0 * 785.0);
        let full = Stack { rank: 784, ..Stack::lin() };
        assert_eq!(full.macs(), 10.0 * 784.0 * 785.0 / 2.0);
        assert!(full.macs() < 8e9 / 1000.0);
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        assert_eq!((Stack::lin().complex_macs(), Stack::lin().connections(&d)), (987_840.0, 8e9));
        // What was computed goes before what is bounded, of this stack and of no other size.
        let counted = Stack { useful: Some(1e5), ..Stack::lin() };
        assert_eq!(counted.macs(), 1e5);
        assert_eq!(counted.of_size(&d, 50), Stack::lin().of_size(&d, 50));
    }

    /// 1024 samples of 784 inputs: 1.6 million MACs at once, 213,000 by transforms of 4096.
    #[test]
    fn layers_before_cameras_are_counted_by_transforms() {
        let n = 1024.0;
        let fast = 4.0 * (4096.0 * 12.0 + 4096.0 + n) + 2.0 * n;
        let with = |cameras| Stack { pixels: Some(n), cameras, rank: 3, ..Stack::lin() };
        assert_eq!(with(0).macs(), 10.0 * 6.0 * 785.0);
        assert_eq!(with(2).macs(), 2.0 * fast + 10.0 * 6.0 * 1025.0);
        // Few inputs are multiplied at once.
        let few = Stack { inputs: 4, ..with(1) };
        assert_eq!(few.macs(), 2.0 * n * 5.0 + 10.0 * 6.0 * 1025.0);
    }
}
