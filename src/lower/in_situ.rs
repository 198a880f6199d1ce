//! The gradient of a mesh in a program as the chip measures it: light sent through it with the powers
//! beside its shifters, in place of the adjoint of its cells ([`crate::optics::mesh::in_situ`]).
//!
//! What a chip cannot do is left to the caller: dL/dRe + i dL/dIm of the outputs, and of what lies
//! between two meshes. Phases are those at the shifters, behind crosstalk and quantisers.

use std::sync::Arc;

use num_complex::Complex;

use super::device::arms;
use super::mesh::{Passed, off_guides, onto_guides};
use crate::error::Result;
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::attenuate::Attenuate;
use crate::ops::gain::Gain;
use crate::ops::intensity::Intensity;
use crate::ops::mesh::Columns;
use crate::ops::mesh_cells::MeshCells;
use crate::ops::mesh_powers::MeshPowers;
use crate::ops::modulate::Modulate;
use crate::ops::phasor::Phasor;
use crate::ops::sample_sum::SampleSum;
use crate::optics::mesh::Faults;
use crate::program::{Builder, Data, Shape, SlotId};

/// Which powers make a gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shots {
    /// Of the light, of what is sent back, and of both together.
    Three,
    /// Of the output sent back with so much of the error, of either sign.
    Echo(f64),
}

/// What they give.
#[derive(Debug, Clone)]
pub struct Measured {
    /// One sum a leaf of the gradient of each of [`super::mesh::Phases::slots`], in their order.
    pub leaves: Vec<SlotId>,
    /// dL/dRe + i dL/dIm of the light that entered.
    pub back: SlotId,
}

/// x + i s g.
pub fn turned_sum(b: &mut Builder, x: SlotId, g: SlotId, s: f64) -> Result<SlotId> {
    let turned = turned(b, g, s)?;
    b.emit(Op::Add(Add), &[x, turned])
}

/// i s g.
fn turned(b: &mut Builder, g: SlotId, s: f64) -> Result<SlotId> {
    let shape = Shape::complex(&b.slot(g).shape.dims);
    let count = shape.len();
    let t = b.constant(&format!("quarter.{s}.{:?}", shape.dims), shape, || {
        Data::Complex(vec![Complex::new(0.0, s); count])
    });
    b.emit(Op::Modulate(Modulate { conj: false, phase: None }), &[g, t])
}

/// A mesh with what its powers are read by.
struct Chip<'a> {
    passed: &'a Passed,
    /// exp(iγ).
    turn: SlotId,
    tables: Option<Tables>,
}

struct Tables {
    columns: Arc<Columns>,
    cells: SlotId,
    /// To the arms beside θ, of light and of what is sent back.
    arms: [SlotId; 2],
    /// Power at φ over that before the cell, whose losses come first, of light and of what is sent back.
    losses: Option<[SlotId; 2]>,
}

impl Tables {
    fn new(b: &mut Builder, passed: &Passed) -> Result<Option<Self>> {
        let Some((columns, cells)) = passed.cells.clone() else { return Ok(None) };
        let Some([theta, phi]) = passed.seen.phases.cells else { return Ok(None) };
        let (mesh, none) = (&passed.mesh, Faults::none(&passed.mesh));
        let faults = passed.faults.as_ref().unwrap_or(&none);
        let mut slots = Vec::new();
        for (what, build) in ["arms", "arms.behind"].into_iter().zip(arms(mesh, faults)) {
            let name = format!("{}.{what}{}", passed.name, passed.device);
            let shape = Shape::complex(&[build.len() / 16, 16]);
            let build = b.constant(&name, shape, || Data::Complex(build));
            slots
                .push(b.emit(Op::MeshCells(MeshCells { symmetric: false }), &[theta, phi, build])?);
        }
        let inputs: Vec<f64> =
            (0..mesh.layout.cells.len()).map(|k| faults.build(mesh, k).input[0].powi(2)).collect();
        let losses = inputs.iter().any(|&a| a != 1.0).then(|| {
            [1, -1].map(|power| {
                let name = format!("{}.losses.{power}{}", passed.name, passed.device);
                let share = inputs.iter().map(|a| a.powi(power)).collect();
                b.constant(&name, Shape::real(&[1, inputs.len()]), || Data::Real(share))
            })
        });
        Ok(Some(Self { columns, cells, arms: [slots[0], slots[1]], losses }))
    }
}

impl<'a> Chip<'a> {
    fn new(b: &mut Builder, passed: &'a Passed) -> Result<Self> {
        let turn = b.emit(Op::Phasor(Phasor), &[passed.seen.phases.gamma])?;
        Ok(Self { passed, turn, tables: Tables::new(b, passed)? })
    }

    /// The conjugate of light that is sent into the outputs, on the guides behind the last column.
    fn sent_in(&self, b: &mut Builder, light: SlotId) -> Result<SlotId> {
        let light = match self.passed.output {
            Some(a) => b.emit(Op::Attenuate(Attenuate), &[light, a])?,
            None => light,
        };
        let op = Op::Modulate(Modulate { conj: true, phase: None });
        let light = b.emit(op, &[light, self.turn])?;
        onto_guides(b, &self.passed.mesh, light)
    }

    /// What comes back of it, on the guides before the first column.
    fn returned(&self, b: &mut Builder, sent: SlotId) -> Result<SlotId> {
        match &self.tables {
            Some(t) => t.columns.emit_adjoint(b, sent, t.cells),
            None => Ok(sent),
        }
    }

    /// On all guides behind the last column, of light before the first.
    fn through(&self, b: &mut Builder, light: SlotId) -> Result<SlotId> {
        match &self.tables {
            Some(t) => t.columns.emit(b, light, t.cells),
            None => Ok(light),
        }
    }

    /// The light that leaves, of light on the guides before the first column.
    fn leaving(&self, b: &mut Builder, light: SlotId) -> Result<SlotId> {
        let light = self.through(b, light)?;
        let light = off_guides(b, &self.passed.mesh, light)?;
        let op = Op::Modulate(Modulate { conj: false, phase: None });
        let light = b.emit(op, &[light, self.turn])?;
        match self.passed.output {
            Some(a) => b.emit(Op::Attenuate(Attenuate), &[light, a]),
            None => Ok(light),
        }
    }

    /// Powers at θ and φ, as far as there are cells, and at γ, of light on all guides at one end and at
    /// the outputs.
    fn powers(
        &self,
        b: &mut Builder,
        light: SlotId,
        outputs: SlotId,
        back: bool,
    ) -> Result<Vec<SlotId>> {
        let mut all = Vec::new();
        if let Some(t) = &self.tables {
            let op = MeshPowers {
                columns: Arc::clone(&t.columns),
                reversed: back,
                both_arms: self.passed.mesh.symmetric,
            };
            let [mut phi, theta] = op.emit(b, light, t.cells, t.arms[usize::from(back)])?;
            if let Some(losses) = t.losses {
                phi = b.emit(Op::Gain(Gain), &[phi, losses[usize::from(back)]])?;
            }
            all = vec![theta, phi];
        }
        all.push(b.emit(Op::Intensity(Intensity), &[outputs])?);
        Ok(all)
    }

    /// One sum a leaf for each kind of phase, of powers with weights.
    fn sums(&self, b: &mut Builder, shots: &[(Vec<SlotId>, f64)]) -> Result<Vec<SlotId>> {
        let mut leaves = Vec::new();
        for (n, slot) in self.passed.told.slots().enumerate() {
            let (name, shape) =
                (format!("shots.{}", b.slot(slot).name), b.slot(slot).shape.clone());
            let sum = b.leaf(name, shape);
            for (powers, weight) in shots {
                let op = Op::SampleSum(SampleSum { weight: *weight });
                b.emit_into(op, &[powers[n]], &[sum])?;
            }
            leaves.push(sum);
        }
        Ok(leaves)
    }

    /// ½ (p_s - p_f - p_b).
    fn three(&self, b: &mut Builder, g: SlotId) -> Result<Measured> {
        let passed = self.passed;
        // A diamond is measured on all its guides.
        let light = onto_guides(b, &passed.mesh, passed.entering)?;
        let sent = self.sent_in(b, g)?;
        let returned = self.returned(b, sent)?;
        let both = turned_sum(b, light, returned, -1.0)?;
        let of_both = self.leaving(b, both)?;
        let shots = [
            (self.powers(b, both, of_both, false)?, 0.5),
            (self.powers(b, light, passed.leaving, false)?, -0.5),
            (self.powers(b, sent, g, true)?, -0.5),
        ];
        let back = off_guides(b, &passed.mesh, returned)?;
        Ok(Measured { leaves: self.sums(b, &shots)?, back })
    }

    /// (p₊ - p₋) / 4ε.
    fn echo(&self, b: &mut Builder, g: SlotId, epsilon: f64) -> Result<Measured> {
        let passed = self.passed;
        let dumped = self.dumped(b)?;
        let (mut shots, mut returned) = (Vec::new(), Vec::new());
        for sign in [1.0, -1.0] {
            let driven = turned_sum(b, passed.leaving, g, -sign * epsilon)?;
            let mut sent = self.sent_in(b, driven)?;
            if let Some(dumped) = dumped {
                sent = b.emit(Op::Add(Add), &[sent, dumped])?;
            }
            shots.push((self.powers(b, sent, driven, true)?, sign / (4.0 * epsilon)));
            let came = self.returned(b, sent)?;
            returned.push(off_guides(b, &passed.mesh, came)?);
        }
        // The two differ by -2iε times what g alone would bring back.
        let less = turned(b, returned[1], -0.5 / epsilon)?;
        let back = turned_sum(b, less, returned[0], 0.5 / epsilon)?;
        Ok(Measured { leaves: self.sums(b, &shots)?, back })
    }

    /// The light on guides that are no modes, of which a diamond has some: it goes back as it came.
    fn dumped(&self, b: &mut Builder) -> Result<Option<SlotId>> {
        let layout = &self.passed.mesh.layout;
        let modes = layout.first..layout.first + self.passed.mesh.n;
        if modes.len() == layout.guides {
            return Ok(None);
        }
        let light = onto_guides(b, &self.passed.mesh, self.passed.entering)?;
        let light = self.through(b, light)?;
        let name = format!("{}.dumped", self.passed.name);
        let kept = b.constant(&name, Shape::real(&[1, layout.guides]), || {
            let dumps = |g: usize| f64::from(u8::from(!modes.contains(&g)));
            Data::Real((0..layout.guides).map(dumps).collect())
        });
        b.emit(Op::Attenuate(Attenuate), &[light, kept]).map(Some)
    }
}

/// Emits the measurement for the gradient `g` `[1, modes]` of the light that left a mesh.
pub fn measure(b: &mut Builder, passed: &Passed, shots: Shots, g: SlotId) -> Result<Measured> {
    let chip = Chip::new(b, passed)?;
    match shots {
        Shots::Three => chip.three(b, g),
        Shots::Echo(epsilon) => chip.echo(b, g, epsilon),
    }
}

/// Emits what comes back of `g` `[1, modes]` alone.
pub fn send_back(b: &mut Builder, passed: &Passed, g: SlotId) -> Result<SlotId> {
    let chip = Chip::new(b, passed)?;
    let sent = chip.sent_in(b, g)?;
    let returned = chip.returned(b, sent)?;
    off_guides(b, &passed.mesh, returned)
}
