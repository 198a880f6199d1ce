//! A mesh of interferometers in a program: its cells made once from its phases, then the light
//! through its columns, or, for a batch larger than its matrix is worth, through its matrix.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use num_complex::Complex;

use crate::error::{Error, Result};
use crate::math::random::{Site, uniform};
use crate::ops::Op;
use crate::ops::apply::Apply;
use crate::ops::mesh::Columns;
use crate::ops::mesh_cells::{MeshCells, even_build};
use crate::ops::modulate::Modulate;
use crate::ops::phasor::Phasor;
use crate::optics::element::MeshInit;
use crate::optics::mesh::decompose::decompose;
use crate::optics::mesh::haar::haar;
use crate::optics::mesh::{Mesh, Settings};
use crate::program::{Builder, Data, Shape, SlotId};

/// Whether the columns are run on the basis instead, and a batch through the matrix: a training step
/// takes some 88 flops a cell and vector, or 24 a matrix element and sample and 88 a cell on the N
/// vectors of the basis.
fn through_matrix(mesh: &Mesh, batch: usize) -> bool {
    let (cells, n) = (mesh.layout.cells.len(), mesh.n);
    88 * cells * batch > 24 * n * n * batch + 88 * cells * n
}

/// The phases of a mesh as slots, real: `[cells]`, `[cells]`, `[1, modes]`.
#[derive(Debug, Clone, Copy)]
pub struct Phases {
    pub theta: SlotId,
    pub phi: SlotId,
    pub gamma: SlotId,
}

impl Phases {
    pub fn slots(self) -> [SlotId; 3] {
        [self.theta, self.phi, self.gamma]
    }
}

/// The phases of a mesh before training.
pub fn start(mesh: &Mesh, init: MeshInit, seed: u64) -> Result<Settings> {
    let mut settings = mesh.zero_settings();
    match init {
        MeshInit::Identity => {
            settings.theta.fill(PI);
            settings.phi.fill(PI);
        }
        MeshInit::Haar if mesh.topology.is_universal(mesh.n) => {
            settings = decompose(mesh, &haar(mesh.n, seed)?)?;
        }
        MeshInit::Haar => {
            let draw = |k: usize, part: u32| uniform(seed, part, Site::MaskInit, k as u32);
            for k in 0..settings.theta.len() {
                // Power splits evenly on average.
                settings.theta[k] = 2.0 * draw(k, 0).sqrt().asin();
                settings.phi[k] = TAU * draw(k, 1);
            }
        }
    }
    Ok(settings)
}

/// The phases of a mesh as parameters, or as constants; `name` before those of their own.
pub fn phases(b: &mut Builder, name: &str, start: &Settings, trainable: bool) -> Phases {
    let mut make = |quantity: &str, values: &[f64], dims: &[usize]| {
        let (shape, data) = (Shape::real(dims), Data::Real(values.to_vec()));
        let name = format!("{name}.{quantity}");
        if trainable { b.param(&name, shape, data) } else { b.constant(&name, shape, || data) }
    };
    let cells = start.theta.len();
    Phases {
        theta: make("theta", &start.theta, &[cells]),
        phi: make("phi", &start.phi, &[cells]),
        gamma: make("gamma", &start.gamma, &[1, start.gamma.len()]),
    }
}

/// Emits the passage of `x` `[1, modes]`.
pub fn emit(b: &mut Builder, name: &str, mesh: &Mesh, phases: Phases, x: SlotId) -> Result<SlotId> {
    let n = mesh.n;
    if mesh.layout.guides != n {
        return Err(Error::invalid(
            "optic.element.topology",
            "a diamond has guides that are no modes",
        )
        .help("use clements or reck; a diamond is known to `lightloom mesh` alone"));
    }
    let mut y = x;
    // One mode has no cell.
    if !mesh.layout.cells.is_empty() {
        let columns = Arc::new(columns(name, mesh));
        let shape = Shape::complex(&[1, 16]);
        let build = b.constant("mesh.build", shape, || Data::Complex(even_build()));
        let op = Op::MeshCells(MeshCells { symmetric: mesh.symmetric });
        let cells = b.emit(op, &[phases.theta, phases.phi, build])?;
        y = if through_matrix(mesh, b.batch()) {
            let basis = b.constant(&format!("basis.{n}"), Shape::complex(&[n, n]), || {
                let one = |k: usize| Complex::from(f64::from(u8::from(k.is_multiple_of(n + 1))));
                Data::Complex((0..n * n).map(one).collect())
            });
            let images = columns.emit(b, basis, cells)?;
            b.emit(Op::Apply(Apply), &[x, images])?
        } else {
            columns.emit(b, x, cells)?
        };
    }
    let t = b.emit(Op::Phasor(Phasor), &[phases.gamma])?;
    b.emit(Op::Modulate(Modulate { conj: false, phase: Some(phases.gamma) }), &[y, t])
}

fn columns(name: &str, mesh: &Mesh) -> Columns {
    Columns {
        name: name.to_owned(),
        guides: mesh.layout.guides,
        starts: mesh.layout.column_start.clone(),
        pairs: mesh.layout.cells.iter().map(|c| [c.a, c.b]).collect(),
        passing: None,
        unitary: true,
    }
}
