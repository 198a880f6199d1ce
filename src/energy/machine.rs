//! Machines by name, and one way to ask all of them.

use super::budget::{Budget, Input, Latency, adc};
use super::chip::{Block, Chip, Phases};
use super::draw::Draw;
use super::stack::{Band, Masks, Stack};
use crate::error::{Error, Result};
use crate::optics::mesh::Topology;

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Chip(Chip),
    Stack(Stack),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    pub name: String,
    pub what: String,
    pub kind: Kind,
}

/// Machines that need no experiment, the first three without being asked for.
pub const NAMES: [&str; 6] = ["thz", "slm", "svd", "printed", "pcm", "butterfly"];

impl Machine {
    /// One of [`NAMES`]; a chip with its modes, `svd:16`, 64 where none are given.
    pub fn named(given: &str) -> Result<Self> {
        let (name, size) = match given.split_once(':') {
            Some((name, size)) => (name, Some(size)),
            None => (given, None),
        };
        let modes = match size {
            None => 64,
            Some(text) => {
                let right = |n: &usize| (2..=1024).contains(n);
                text.parse().ok().filter(right).ok_or_else(|| {
                    Error::invalid(
                        "--machine",
                        format!("{given} has no number of modes from 2 to 1024"),
                    )
                    .help("write for example svd:16")
                })?
            }
        };
        // Five masks, 784 pixels; gaps of Lin 2018, and of 0.2 m in the visible.
        let stack = |band, masks, regions, rank, length| {
            let (layers, inputs, pixels, wavelength) = (5, 784, None, None);
            Kind::Stack(Stack {
                band,
                masks,
                layers,
                pixels,
                wavelength,
                inputs,
                regions,
                rank,
                useful: None,
                length,
                cameras: 0,
                head: 0.0,
            })
        };
        let svd = |phases| Kind::Chip(Chip::layer(modes, Block::Svd(Topology::Clements), phases));
        let (what, kind) = match name {
            "thz" => (
                "THz D2NN: 5 printed masks of Lin 2018, 0.4 THz, one digit of 28 x 28".to_owned(),
                // (2 x 6.4 x 0.8 + 1)² modes fit a square of 6.4 wavelengths that sees the last mask
                // under sin θ = 0.8.
                stack(Band::Terahertz, Masks::Printed, 10, 127, 0.18),
            ),
            "slm" => (
                "visible SLM stack: 5 liquid-crystal panels, camera, one digit of 28 x 28"
                    .to_owned(),
                stack(Band::Visible, Masks::Panels, 20, 100, 1.2),
            ),
            "printed" => (
                "visible stack of 5 printed masks, camera, one digit of 28 x 28".to_owned(),
                stack(Band::Visible, Masks::Printed, 20, 100, 1.2),
            ),
            "svd" => (
                format!(
                    "{modes}-mode silicon SVD mesh, heaters, one real {modes} x {modes} product"
                ),
                svd(Phases::Thermo),
            ),
            "pcm" => (
                format!(
                    "{modes}-mode silicon SVD mesh, phase-change cells, one real {modes} x {modes} product"
                ),
                svd(Phases::Pcm),
            ),
            "butterfly" => (
                format!("{modes}-mode silicon butterfly, heaters, N log2 N real MACs"),
                Kind::Chip(Chip::layer(modes, Block::Mesh(Topology::Butterfly), Phases::Thermo)),
            ),
            _ => {
                let rule = format!("no machine is called {name}");
                return Err(Error::invalid("--machine", rule)
                    .help(format!("use {}, or give an experiment", NAMES.join(", "))));
            }
        };
        if name == "butterfly" && !modes.is_power_of_two() {
            return Err(Error::invalid("--machine", format!("a butterfly of {modes} modes"))
                .help("use a power of two, as butterfly:64"));
        }
        if size.is_some() && matches!(kind, Kind::Stack(_)) {
            return Err(Error::invalid("--machine", format!("{name} has no modes"))
                .help(format!("leave out the number: {name}")));
        }
        Ok(Self { name: given.to_owned(), what, kind })
    }

    pub fn budget(&self, d: &Draw, bits: f64, input: Input) -> Budget {
        match &self.kind {
            Kind::Chip(chip) => chip.budget(d, bits, input),
            Kind::Stack(stack) => stack.budget(d, bits, input),
        }
    }

    pub fn latency(&self, d: &Draw, bits: f64, input: Input) -> Latency {
        match &self.kind {
            Kind::Chip(chip) => chip.latency(d, bits, input),
            Kind::Stack(stack) => stack.latency(d, bits, input),
        }
    }

    /// W while no light is sent, data coming from a memory: phases held, panels, control; sources,
    /// modulators, receivers and converters rest.
    pub fn standing(&self, d: &Draw) -> f64 {
        match &self.kind {
            Kind::Chip(chip) => chip.standing(d),
            Kind::Stack(stack) => stack.standing(d),
        }
    }

    /// J at the plug and real MACs of an n x n matrix on such a machine, where its masks hold one, or
    /// light passes its columns within the link budget.
    pub fn of_size(&self, d: &Draw, bits: f64, n: usize) -> Option<[f64; 2]> {
        let budget = match &self.kind {
            Kind::Chip(chip) => {
                let chip = chip.of_size(n);
                if !chip.passes(d) {
                    return None;
                }
                chip.budget(d, bits, Input::Memory)
            }
            Kind::Stack(stack) => stack.of_size(d, n)?.budget(d, bits, Input::Memory),
        };
        Some([budget.wall(), budget.macs])
    }

    /// Largest n x n matrix that its masks have phases for; a chip's end is its loss.
    pub fn largest(&self, d: &Draw) -> Option<usize> {
        match &self.kind {
            Kind::Chip(_) => None,
            Kind::Stack(stack) => Some(stack.weights(d).sqrt() as usize),
        }
    }

    /// J to read every input electronically, as a digital machine must where light brings them.
    pub fn readout(&self, d: &Draw, bits: f64) -> f64 {
        match &self.kind {
            Kind::Chip(chip) => {
                let each = d.get("receiver.energy") + adc(d, bits, d.get("silicon.symbol_rate"));
                chip.inputs as f64 * each
            }
            Kind::Stack(stack) => {
                let each = match stack.band {
                    Band::Terahertz => {
                        let rate = d.get("thz.receiver_rate");
                        d.get("thz.receiver_power") / rate + adc(d, bits, rate)
                    }
                    Band::Visible => d.get("slm.camera_pixel"),
                };
                stack.inputs as f64 * each
            }
        }
    }
}
