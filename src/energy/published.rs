//! Totals of others beside what these figures predict; nothing is fitted to them.

use serde::Serialize;

use super::budget::{Input, dac};
use super::chip::{Block, Chip, Detection, Phases};
use super::draw::Draw;
use super::figure::Confidence;
use super::laws::{converter_energy, shot_energy, snr};
use crate::optics::mesh::Topology;

#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub what: &'static str,
    /// Key of the published figure.
    pub figure: &'static str,
    pub published: f64,
    pub predicted: f64,
    /// `J` or `s`.
    pub unit: &'static str,
    /// What the prediction is of.
    pub of: &'static str,
    /// How well the published figure is known.
    pub confidence: Confidence,
}

pub fn comparisons(d: &Draw) -> Vec<Comparison> {
    let mesh = Block::Mesh(Topology::Clements);
    let unitary = Chip::layer(64, mesh, Phases::Thermo);
    let svd = Chip::layer(64, Block::Svd(Topology::Clements), Phases::Thermo);
    let modes = svd.modes_within(Chip::wall(d, d.get("silicon.mzi_loss"))).max(2);
    let svd = svd.of_size(modes).budget(d, 8.0, Input::Memory);
    let deep = Chip {
        blocks: [mesh, Block::Activation].repeat(3),
        detection: Detection::Direct,
        ..Chip::layer(6, mesh, Phases::Thermo)
    };
    // On the chip alone: light in to light detected, no converters.
    let on_chip = deep.latency(d, 8.0, Input::Memory).delays;
    let on_chip = on_chip.iter().filter(|p| !["DAC", "ADC"].contains(&p.name));
    let large = 12_288.0;
    let converters = dac(d, 8.0)
        + d.get("silicon.modulator")
        + d.get("receiver.energy")
        + converter_energy(d.get("adc.b4"), d.get("adc.b8"), 8.0);
    let light = shot_energy(snr(8.0), d.get("silicon.responsivity")) / d.get("silicon.wall_plug");
    let of = |what, figure, predicted, unit, of| Comparison {
        what,
        figure,
        published: d.get(figure),
        predicted,
        unit,
        of,
        confidence: d.library.figures()[d.library.position(figure)].confidence,
    };
    vec![
        of(
            "Optical Transformers, a MAC",
            "published.optical_transformers",
            (converters + light) / large,
            "J",
            "converters and shot-limited light of 8 bits, shared by 12,288 terms; no loss, nothing held",
        ),
        of(
            "a commercial accelerator, a MAC",
            "published.commercial",
            svd.wall() / svd.macs,
            "J",
            "the largest SVD mesh within its loss wall, heaters, 8 bits, all at the plug",
        ),
        of(
            "PACE, one 64 x 64 product",
            "published.pace",
            unitary.latency(d, 8.0, Input::Memory).single_shot(),
            "s",
            "a 64-mode mesh from DAC to ADC",
        ),
        of(
            "three layers of six neurons, light alone",
            "published.forward_only",
            on_chip.map(|p| p.seconds).sum(),
            "s",
            "three meshes of 6 modes with activations, no converters",
        ),
    ]
}
