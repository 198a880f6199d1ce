//! Digital work before a chip or behind a stack, on one edge accelerator of int8 products:
//!
//! E = macs·k(b)·2 W/(operations a second) + E_memory(reads), t = macs·k(b)·2/(operations a second)
//!
//! Above 8 bits a number is two int8 and a MAC k = 4 products. None of its MACs are the light's.

use super::budget::memory;
use super::digital::INT8_PRODUCTS;
use super::draw::Draw;

/// Of an inference.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Work {
    /// Real multiply-accumulates.
    pub macs: f64,
    /// Numbers that come from memory for it: weights, and data that nothing else reads.
    pub reads: f64,
}

impl Work {
    pub fn is_none(self) -> bool {
        self.macs + self.reads == 0.0
    }

    fn operations(self, bits: f64) -> f64 {
        let products = if bits <= 8.0 { 1.0 } else { INT8_PRODUCTS };
        2.0 * products * self.macs
    }

    /// J.
    pub fn energy(self, d: &Draw, bits: f64) -> f64 {
        let each = d.get("edge_tpu.power") / d.get("edge_tpu.rate8");
        self.operations(bits) * each + memory(d, self.reads, bits)
    }

    pub fn seconds(self, d: &Draw, bits: f64) -> f64 {
        self.operations(bits) / d.get("edge_tpu.rate8")
    }

    /// `rate`, or what it keeps up with where that is less; both an inference a second.
    pub fn within(self, d: &Draw, bits: f64, rate: f64) -> f64 {
        if self.macs > 0.0 { rate.min(self.seconds(d, bits).recip()) } else { rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::library::Library;

    /// 2 W at 4 TOPS are 1 pJ and 0.5 ps a MAC; above 8 bits four times that, and wider numbers read.
    #[test]
    fn work_is_paid_by_its_bits() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        let work = Work { macs: 1000.0, reads: 64.0 };
        for (bits, products) in [(4.0, 1.0), (8.0, 1.0), (9.0, 4.0), (16.0, 4.0)] {
            let expected = 1000.0 * products * 1e-12 + bits * 20e-12;
            assert!((work.energy(&d, bits) / expected - 1.0).abs() < 1e-12, "{bits}");
            assert!((work.seconds(&d, bits) / (products * 0.5e-9) - 1.0).abs() < 1e-12, "{bits}");
        }
        assert!((work.within(&d, 8.0, 1e10) / 2e9 - 1.0).abs() < 1e-12);
        assert_eq!((work.within(&d, 8.0, 1e9), Work::default().within(&d, 8.0, 1e9)), (1e9, 1e9));
    }
}
