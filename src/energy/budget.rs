//! What one inference takes, part by part, and how long: the form of every machine's answer.

use super::draw::{Basis, Draw};

/// Where the data come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Numbers in a memory, which converters and modulators put on the light.
    Memory,
    /// The scene itself: light that carries its data already.
    Scene,
}

/// J per inference.
#[derive(Debug, Clone)]
pub struct Term {
    pub name: &'static str,
    /// Of light that is launched, phases that are held, modulators that are driven.
    pub optics: f64,
    /// At the plug, the optics and its losses included. Power supplies and cooling are left out,
    /// as they are of the digital baselines.
    pub wall: f64,
    pub basis: Basis,
}

#[derive(Debug, Clone)]
pub struct Budget {
    pub terms: Vec<Term>,
    /// Real multiply-accumulates that an inference stands for.
    pub macs: f64,
    /// Inferences a second.
    pub rate: f64,
}

impl Budget {
    pub fn new(macs: f64, rate: f64) -> Self {
        Self { terms: Vec::new(), macs, rate }
    }

    /// A part of the optics at its own price and at the plug's.
    pub fn light(&mut self, d: &Draw, name: &'static str, of: impl FnOnce(&Draw) -> [f64; 2]) {
        let ([optics, wall], basis) = d.trace(of);
        self.terms.push(Term { name, optics, wall, basis });
    }

    /// A part of the optics that is electric.
    pub fn driven(&mut self, d: &Draw, name: &'static str, of: impl FnOnce(&Draw) -> f64) {
        let (wall, basis) = d.trace(of);
        self.terms.push(Term { name, optics: wall, wall, basis });
    }

    /// Electronics around the optics.
    pub fn electronics(&mut self, d: &Draw, name: &'static str, of: impl FnOnce(&Draw) -> f64) {
        let (wall, basis) = d.trace(of);
        self.terms.push(Term { name, optics: 0.0, wall, basis });
    }

    pub fn wall(&self) -> f64 {
        self.terms.iter().map(|t| t.wall).sum()
    }

    pub fn optics(&self) -> f64 {
        self.terms.iter().map(|t| t.optics).sum()
    }
}

/// A part of the time from data to answer.
#[derive(Debug, Clone)]
pub struct Delay {
    pub name: &'static str,
    pub seconds: f64,
    pub basis: Basis,
}

#[derive(Debug, Clone)]
pub struct Latency {
    /// One after the other.
    pub delays: Vec<Delay>,
    /// Inferences a second, one behind the other.
    pub rate: f64,
    /// Seconds to load other weights; none where they are printed.
    pub reconfiguration: Option<f64>,
    /// J to load other weights, beside what runs all the while.
    pub reload: f64,
}

impl Latency {
    pub fn new(rate: f64, reconfiguration: Option<f64>, reload: f64) -> Self {
        Self { delays: Vec::new(), rate, reconfiguration, reload }
    }

    pub fn delay(&mut self, d: &Draw, name: &'static str, of: impl FnOnce(&Draw) -> f64) {
        let (seconds, basis) = d.trace(of);
        self.delays.push(Delay { name, seconds, basis });
    }

    pub fn single_shot(&self) -> f64 {
        self.delays.iter().map(|d| d.seconds).sum()
    }
}

/// ADC of `bits` at so many samples a second.
pub fn adc(d: &Draw, bits: f64, rate: f64) -> f64 {
    if rate < 1e9 {
        let (merit, temperature) = (d.get("adc.slow"), d.get("host.temperature"));
        return super::laws::slow_converter_energy(merit, bits, temperature);
    }
    super::laws::converter_energy(d.get("adc.b4"), d.get("adc.b8"), bits)
}

pub fn dac(d: &Draw, bits: f64) -> f64 {
    super::laws::converter_energy(d.get("dac.b4"), d.get("dac.b8"), bits)
}

/// So many numbers of `bits` through the memory.
pub fn memory(d: &Draw, numbers: f64, bits: f64) -> f64 {
    numbers * bits / 64.0 * d.get("memory.sram")
}
