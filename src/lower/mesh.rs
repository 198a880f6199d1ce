//! A mesh of interferometers in a program: its cells made once from its phases, then the light
//! through its columns, or, for a batch larger than its matrix is worth, through its matrix.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use num_complex::Complex;

use super::device::{Device, SeenPhases};
use crate::error::Result;
use crate::math::random::{Site, uniform};
use crate::ops::Op;
use crate::ops::apply::Apply;
use crate::ops::attenuate::Attenuate;
use crate::ops::mesh::Columns;
use crate::ops::mesh_cells::{MeshCells, even_build};
use crate::ops::modulate::Modulate;
use crate::ops::phasor::Phasor;
use crate::ops::place::Place;
use crate::optics::element::MeshInit;
use crate::optics::mesh::decompose::decompose;
use crate::optics::mesh::faults::Faults;
use crate::optics::mesh::haar::haar;
use crate::optics::mesh::{Mesh, Settings};
use crate::program::{Builder, Data, Domain, Shape, SlotId};

/// Whether the columns are run on the basis instead, and a batch through the matrix: a training step
/// takes some 88 flops a cell and vector, or 24 a matrix element and sample and 88 a cell on the N
/// vectors of the basis.
fn through_matrix(mesh: &Mesh, batch: usize) -> bool {
    let (cells, n) = (mesh.layout.cells.len(), mesh.n);
    88 * cells * batch > 24 * n * n * batch + 88 * cells * n
}

/// The phases of a mesh as real slots.
#[derive(Debug, Clone, Copy)]
pub struct Phases {
    /// θ and φ `[cells]`; one mode has no cell.
    pub cells: Option<[SlotId; 2]>,
    /// `[1, modes]`.
    pub gamma: SlotId,
}

impl Phases {
    /// `f` of θ, φ and γ, which are 0, 1 and 2.
    pub fn map(self, mut f: impl FnMut(usize, SlotId) -> Result<SlotId>) -> Result<Self> {
        let cells = match self.cells {
            Some([theta, phi]) => Some([f(0, theta)?, f(1, phi)?]),
            None => None,
        };
        Ok(Self { cells, gamma: f(2, self.gamma)? })
    }

    /// θ, φ or γ by these numbers.
    pub fn of(self, part: usize) -> Option<SlotId> {
        match part {
            2 => Some(self.gamma),
            _ => self.cells.map(|cells| cells[part]),
        }
    }

    pub fn slots(self) -> impl Iterator<Item = SlotId> {
        self.cells.into_iter().flatten().chain([self.gamma])
    }

    pub fn slots_mut(&mut self) -> impl Iterator<Item = &mut SlotId> {
        self.cells.iter_mut().flatten().chain([&mut self.gamma])
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
    let mut of_cells = |quantity, values: &[f64]| make(quantity, values, &[cells]);
    let theta_and_phi =
        (cells > 0).then(|| [of_cells("theta", &start.theta), of_cells("phi", &start.phi)]);
    Phases { cells: theta_and_phi, gamma: make("gamma", &start.gamma, &[1, start.gamma.len()]) }
}

/// A mesh as the light met it on its way.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Names its constants; `device` those of the device's own.
    pub name: String,
    pub device: String,
    pub mesh: Mesh,
    /// None where nothing is wrong.
    pub faults: Option<Faults>,
    pub told: Phases,
    pub seen: SeenPhases,
    /// Its columns and their cells `[cells, 4]`, each sample's own with noise; one mode has none.
    pub cells: Option<(Arc<Columns>, SlotId)>,
    /// Amplitudes `[1, modes]` that crossings behind the last column leave.
    pub output: Option<SlotId>,
    /// Light before and behind it `[1, modes]`.
    pub entering: SlotId,
    pub leaving: SlotId,
}

/// Emits the passage of `x` `[1, modes]`; `real`: the device, and which of its meshes this is.
pub fn emit(
    b: &mut Builder,
    name: &str,
    mesh: &Mesh,
    told: Phases,
    x: SlotId,
    real: Option<(&Device, u64)>,
) -> Result<Passed> {
    let faults = real.map(|(device, number)| device.faults(mesh, number)).transpose()?;
    let seen = match real.zip(faults.as_ref()) {
        Some(((device, number), faults)) => device.phases(b, (mesh, number), faults, told)?,
        None => SeenPhases { phases: told, target: told },
    };
    let device = real.map_or_else(String::new, |(d, number)| format!(".{:?}.{number}", d.chance));
    let (mut y, mut made) = (x, None);
    if let Some([theta, phi]) = seen.phases.cells {
        let build = if let Some(((device, number), faults)) = real.zip(faults.as_ref()) {
            device.cells(b, (mesh, number), faults)?
        } else {
            let shape = Shape::complex(&[1, 16]);
            b.constant("mesh.build", shape, || Data::Complex(even_build()))
        };
        let mut columns = columns(name, mesh, faults.as_ref());
        columns.unitary &= real.is_none_or(|(d, _)| d.hardware.mesh.loss_std_db == 0.0);
        let columns = Arc::new(columns);
        let op = Op::MeshCells(MeshCells { symmetric: mesh.symmetric });
        let cells = b.emit(op, &[theta, phi, build])?;
        y = through(b, mesh, &columns, x, cells)?;
        made = Some((columns, cells));
    }
    let t = b.emit(Op::Phasor(Phasor), &[seen.phases.gamma])?;
    y = b.emit(Op::Modulate(Modulate { conj: false, phase: Some(seen.target.gamma) }), &[y, t])?;
    let left = |k: usize| faults.as_ref().map_or(1.0, |faults| faults.output_amplitude(mesh, k));
    let left: Vec<f64> = (0..mesh.n).map(left).collect();
    let mut output = None;
    if left.iter().any(|&a| a != 1.0) {
        let shape = Shape::real(&[1, mesh.n]);
        let a = b.constant(&format!("mesh.output{device}"), shape, || Data::Real(left));
        y = b.emit(Op::Attenuate(Attenuate), &[y, a])?;
        output = Some(a);
    }
    let (name, mesh) = (name.to_owned(), mesh.clone());
    Ok(Passed {
        name,
        device,
        mesh,
        faults,
        told,
        seen,
        cells: made,
        output,
        entering: x,
        leaving: y,
    })
}

/// Light of the modes through the columns, or through their matrix.
fn through(
    b: &mut Builder,
    mesh: &Mesh,
    columns: &Arc<Columns>,
    x: SlotId,
    cells: SlotId,
) -> Result<SlotId> {
    // Cells of each sample's own make no matrix that a batch could share.
    if b.slot(cells).domain == Domain::Sample || !through_matrix(mesh, b.batch()) {
        return through_guides(b, columns, mesh, x, cells);
    }
    let n = mesh.n;
    let basis = b.constant(&format!("basis.{n}"), Shape::complex(&[n, n]), || {
        let one = |k: usize| Complex::from(f64::from(u8::from(k.is_multiple_of(n + 1))));
        Data::Complex((0..n * n).map(one).collect())
    });
    let images = through_guides(b, columns, mesh, basis, cells)?;
    b.emit(Op::Apply(Apply), &[x, images])
}

/// Light of the modes `[.., modes]` through the columns.
pub(super) fn through_guides(
    b: &mut Builder,
    columns: &Arc<Columns>,
    mesh: &Mesh,
    x: SlotId,
    cells: SlotId,
) -> Result<SlotId> {
    let x = onto_guides(b, mesh, x)?;
    let y = columns.emit(b, x, cells)?;
    off_guides(b, mesh, y)
}

/// The modes on the guides of a mesh, the others dark: only a diamond has others.
pub(super) fn onto_guides(b: &mut Builder, mesh: &Mesh, x: SlotId) -> Result<SlotId> {
    let (guides, first) = (mesh.layout.guides, mesh.layout.first);
    place(b, x, Place { entering: mesh.n, leaving: guides, from: 0, to: first, count: mesh.n })
}

/// What the guides of the modes carry, the others dumped.
pub(super) fn off_guides(b: &mut Builder, mesh: &Mesh, y: SlotId) -> Result<SlotId> {
    let (guides, first) = (mesh.layout.guides, mesh.layout.first);
    place(b, y, Place { entering: guides, leaving: mesh.n, from: first, to: 0, count: mesh.n })
}

/// The first guides of a row as those of another, of which more are dark.
pub(super) fn resized(
    b: &mut Builder,
    x: SlotId,
    [entering, leaving]: [usize; 2],
) -> Result<SlotId> {
    place(b, x, Place { entering, leaving, from: 0, to: 0, count: entering.min(leaving) })
}

fn place(b: &mut Builder, x: SlotId, op: Place) -> Result<SlotId> {
    if op.entering == op.leaving {
        return Ok(x);
    }
    b.emit(Op::Place(op), &[x])
}

pub(super) fn columns(name: &str, mesh: &Mesh, faults: Option<&Faults>) -> Columns {
    let passing = faults.map(|f| f.bypass(mesh)).filter(|all| all.iter().any(|&a| a != 1.0));
    let cells = 0..mesh.layout.cells.len();
    let lossless =
        |f: &Faults| passing.is_none() && cells.clone().all(|k| f.build(mesh, k).input == [1.0; 2]);
    Columns {
        // Constants of a device's own go by another name.
        name: passing.as_ref().map_or_else(|| name.to_owned(), |_| format!("{name}.lossy")),
        guides: mesh.layout.guides,
        starts: mesh.layout.column_start.clone(),
        pairs: mesh.layout.cells.iter().map(|c| [c.a, c.b]).collect(),
        unitary: faults.is_none_or(lossless),
        passing,
    }
}
