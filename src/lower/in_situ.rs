//! The gradient of a mesh in a program as the chip measures it: three passes of light with the powers
//! beside its shifters, in place of the adjoint of its cells ([`crate::optics::mesh::in_situ`]).
//!
//! What a chip cannot do is left to the caller: dL/dRe + i dL/dIm of the outputs, and of what lies
//! between two meshes.

use std::f64::consts::FRAC_1_SQRT_2;
use std::sync::Arc;

use num_complex::Complex;

use super::mesh::{Phases, columns, off_guides, onto_guides};
use crate::error::Result;
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::intensity::Intensity;
use crate::ops::mesh_cells::{MeshCells, even_build};
use crate::ops::mesh_powers::MeshPowers;
use crate::ops::modulate::Modulate;
use crate::ops::phasor::Phasor;
use crate::ops::sample_sum::SampleSum;
use crate::optics::mesh::Mesh;
use crate::program::{Builder, Data, Shape, SlotId};

/// What the three passes give.
#[derive(Debug, Clone)]
pub struct Measured {
    /// One sum a leaf of the gradient of each of [`Phases::slots`], in their order.
    pub leaves: Vec<SlotId>,
    /// dL/dRe + i dL/dIm of the light that entered.
    pub back: SlotId,
}

/// Constants of what takes the light before a cell to its arms beside θ, B diag(p, 1), and of what
/// takes the light behind it there, B†.
fn arm_builds() -> [Vec<Complex<f64>>; 2] {
    let (none, one, i) = (Complex::ZERO, Complex::ONE, Complex::I);
    let [zero, splitter] = [[none; 4], [one, -i, -i, one]];
    let forward = [[none, i, none, one], zero, [one, none, i, none], zero];
    [forward, [splitter, zero, zero, zero]]
        .map(|parts| parts.concat().into_iter().map(|z| z * FRAC_1_SQRT_2).collect())
}

/// Emits the measurement for the light `x` that enters and the gradient `g` of what leaves, both
/// `[1, modes]`; `name` as the mesh was emitted with.
pub fn measure(
    b: &mut Builder,
    name: &str,
    mesh: &Mesh,
    phases: Phases,
    [x, g]: [SlotId; 2],
) -> Result<Measured> {
    let turn = b.emit(Op::Phasor(Phasor), &[phases.gamma])?;
    let sent = b.emit(Op::Modulate(Modulate { conj: true, phase: None }), &[g, turn])?;
    // x - i g, on so many guides.
    let superpose = |b: &mut Builder, x: SlotId, g: SlotId, guides: usize| {
        let shape = Shape::complex(&[1, guides]);
        let quarter = b.constant(&format!("quarter.{guides}"), shape, || {
            Data::Complex(vec![-Complex::I; guides])
        });
        let turned = b.emit(Op::Modulate(Modulate { conj: false, phase: None }), &[g, quarter])?;
        b.emit(Op::Add(Add), &[x, turned])
    };
    let mut leaves = Vec::new();
    let (mut back, mut lights) = (sent, [x, x]);
    if let Some(angles) = phases.cells {
        let columns = Arc::new(columns(name, mesh, None));
        let table = |b: &mut Builder, what: &str, build: Vec<Complex<f64>>, symmetric| {
            let shape = Shape::complex(&[1, 16]);
            let build = b.constant(&format!("mesh.{what}"), shape, || Data::Complex(build));
            b.emit(Op::MeshCells(MeshCells { symmetric }), &[angles[0], angles[1], build])
        };
        let cells = table(b, "build", even_build(), mesh.symmetric)?;
        let [before, behind] = arm_builds();
        let before = table(b, "arms", before, false)?;
        let behind = table(b, "arms.behind", behind, false)?;
        let op = |reversed: bool| MeshPowers {
            columns: Arc::clone(&columns),
            reversed,
            both_arms: mesh.symmetric,
        };
        // A diamond is measured on all its guides.
        let (x, sent) = (onto_guides(b, mesh, x)?, onto_guides(b, mesh, sent)?);
        let returned = columns.emit_adjoint(b, sent, cells)?;
        back = off_guides(b, mesh, returned)?;
        let both = superpose(b, x, returned, mesh.layout.guides)?;
        let p_f = op(false).emit(b, x, cells, before)?;
        let p_b = op(true).emit(b, sent, cells, behind)?;
        let p_s = op(false).emit(b, both, cells, before)?;
        // φ comes first in the powers, θ in the phases.
        for (n, slot) in [(1, angles[0]), (0, angles[1])] {
            leaves.push(shots(b, slot, [p_s[n], p_f[n], p_b[n]])?);
        }
        for (light, entering) in lights.iter_mut().zip([both, x]) {
            let leaving = columns.emit(b, entering, cells)?;
            *light = off_guides(b, mesh, leaving)?;
        }
    } else {
        lights[0] = superpose(b, x, sent, mesh.n)?;
    }
    let [p_s, p_f] = [0, 1].map(|n| b.emit(Op::Intensity(Intensity), &[lights[n]]));
    let p_b = b.emit(Op::Intensity(Intensity), &[sent])?;
    leaves.push(shots(b, phases.gamma, [p_s?, p_f?, p_b])?);
    Ok(Measured { leaves, back })
}

/// One sum a leaf of the gradient of `slot`, ½ (p_s - p_f - p_b), from the powers in this order.
fn shots(b: &mut Builder, slot: SlotId, powers: [SlotId; 3]) -> Result<SlotId> {
    let (name, shape) = (format!("shots.{}", b.slot(slot).name), b.slot(slot).shape.clone());
    let sum = b.leaf(name, shape);
    for (power, weight) in powers.into_iter().zip([0.5, -0.5, -0.5]) {
        b.emit_into(Op::SampleSum(SampleSum { weight }), &[power], &[sum])?;
    }
    Ok(sum)
}
