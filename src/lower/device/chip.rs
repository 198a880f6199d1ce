//! The real chip in a program: its phases, its cells and what reads powers in them.

use num_complex::Complex;

use super::{Chance, Device, walk};
use crate::error::Result;
use crate::lower::mesh::Phases;
use crate::math::random::OF_PROGRAMS;
use crate::math::sparse::Sparse;
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::draw::{Draw, Noise};
use crate::ops::quantise::Quantise;
use crate::ops::sparse_sum::SparseSum;
use crate::optics::mesh::faults::{Drive, Faults};
use crate::optics::mesh::{Imperfections, Mesh, crosstalk};
use crate::program::{Builder, Data, Shape, SlotId};

/// What draws at each of the three kinds of phases of a mesh.
#[derive(Debug, Clone, Copy)]
enum MeshDraws {
    Fixed,
    Shot,
    Drift,
}

/// Sites of meshes, by their numbers, come after those of elements.
const MESHES: u32 = OF_PROGRAMS + (1 << 15);

/// The phases of a mesh as the light meets them.
#[derive(Debug, Clone, Copy)]
pub struct SeenPhases {
    /// Each sample's own where exposures add noise.
    pub phases: Phases,
    /// For which the light takes gradients: what errors, drift and noise are added to.
    pub target: Phases,
}

impl Device {
    /// What is drawn at θ, φ or γ, by `part`, of mesh `number`.
    fn draw_mesh(
        &self,
        (number, part): (u64, usize),
        what: MeshDraws,
        std: f64,
        dims: &[usize],
    ) -> Draw {
        let site = MESHES + 9 * number as u32 + 3 * what as u32 + part as u32;
        Draw { noise: Noise::Normal(std), seed: self.seed(), site, dims: dims.to_vec() }
    }

    /// Where the drift of a mesh's θ, φ or γ is kept.
    fn drifted_mesh(&self, (number, part): (u64, usize)) -> String {
        format!("device.{:?}.mesh.{number}.drift.{part}", self.chance)
    }

    /// Begins the walks of the phases of an element's meshes, where they have any.
    pub fn wander_meshes(&self, b: &mut Builder, element: usize, meshes: &[Phases]) {
        for (number, phases) in meshes_of(element).into_iter().zip(meshes) {
            for part in 0..3 {
                let Some(slot) = phases.of(part) else { continue };
                let dims = b.slot(slot).shape.dims.clone();
                self.wander_phases(b, (number, part), &dims);
            }
        }
    }

    fn wander_phases(&self, b: &mut Builder, at: (u64, usize), dims: &[usize]) {
        if self.drawn().is_some() && self.hardware.mesh.drift_std > 0.0 {
            walk(b, &self.drifted_mesh(at), dims);
        }
    }

    /// Emits a step of the random walk of the phases of an element's meshes.
    pub(super) fn drift_meshes(&self, b: &mut Builder, element: usize) -> Result<()> {
        let spec = &self.hardware.mesh;
        let std = spec.drift_std * spec.step_s.sqrt();
        for number in meshes_of(element) {
            for at in [0, 1, 2].map(|part| (number, part)) {
                let draw = |dims: &[usize]| self.draw_mesh(at, MeshDraws::Drift, std, dims);
                self.step(b, &self.drifted_mesh(at), draw)?;
            }
        }
        Ok(())
    }

    /// The faults of mesh `mesh` of the chip: without random ones where every step draws others.
    pub fn faults(&self, mesh: &Mesh, number: u64) -> Result<Faults> {
        // What an exposure adds is drawn in the program.
        let spec = Imperfections { shot_std: 0.0, ..self.hardware.mesh.clone() };
        match self.chance {
            // Meshes of one chip are drawn apart.
            Chance::Drawn(seed) => spec.draw(mesh, seed.wrapping_mul(1 << 16).wrapping_add(number)),
            Chance::Redrawn(_) => spec.times(0.0).draw(mesh, 0),
        }
    }

    /// Emits the phases that the light sees when a mesh is told `told`, as [`Faults::realise`] has
    /// them, with the drift so far and what an exposure adds.
    pub fn phases(
        &self,
        b: &mut Builder,
        (mesh, number): (&Mesh, u64),
        faults: &Faults,
        told: Phases,
    ) -> Result<SeenPhases> {
        let driven = told.map(|_, slot| driven(b, faults.drive, slot))?;
        let mut heated = driven;
        if faults.crosstalk != 0.0 || faults.crosstalk_along != 0.0 {
            let maps = crosstalk::maps(mesh, faults);
            heated = driven.map(|to, own| self.heated(b, (number, to), own, driven, &maps[to]))?;
        }
        let phases = heated.map(|part, slot| self.erring(b, (number, part), faults, slot))?;
        Ok(SeenPhases { phases, target: heated })
    }

    /// θ, φ or γ (`to`) with what neighbouring shifters' heat adds to it.
    fn heated(
        &self,
        b: &mut Builder,
        (number, to): (u64, usize),
        own: SlotId,
        driven: Phases,
        maps: &[Option<Sparse>; 3],
    ) -> Result<SlotId> {
        let dims = b.slot(own).shape.dims.clone();
        let mut at = own;
        for (from, map) in maps.iter().enumerate() {
            let Some((map, x)) = map.clone().zip(driven.of(from)) else { continue };
            let name = format!("device.{:?}.mesh.{number}.heat.{to}.{from}", self.chance);
            let heat = SparseSum::new(name, map, &dims).emit(b, x)?;
            at = b.emit(Op::Add(Add), &[at, heat])?;
        }
        Ok(at)
    }

    /// What is not driven of phases: static errors, drift, and what an exposure adds.
    fn erring(
        &self,
        b: &mut Builder,
        (number, part): (u64, usize),
        faults: &Faults,
        phases: SlotId,
    ) -> Result<SlotId> {
        let dims = b.slot(phases).shape.dims.clone();
        let mut at = phases;
        let fixed = [&faults.phases.theta, &faults.phases.phi, &faults.phases.gamma][part];
        let name = format!("device.{:?}.mesh.{number}.phase.{part}", self.chance);
        if fixed.iter().any(|&x| x != 0.0) {
            let data = fixed.clone();
            let error = b.constant(&name, Shape::real(&dims), || Data::Real(data));
            at = b.emit(Op::Add(Add), &[at, error])?;
        }
        let spec = &self.hardware.mesh;
        self.wander_phases(b, (number, part), &dims);
        if let Some(walk) = b.find(&self.drifted_mesh((number, part))) {
            at = b.emit(Op::Add(Add), &[at, walk])?;
        }
        let fresh = [spec.theta_std, spec.phi_std, spec.gamma_std][part];
        let redrawn = if self.drawn().is_none() { fresh } else { 0.0 };
        // A chip is drawn for a step; an exposure is one sample.
        for (what, std, own) in
            [(MeshDraws::Fixed, redrawn, false), (MeshDraws::Shot, spec.shot_std, true)]
        {
            if std > 0.0 {
                let mut draw = self.draw_mesh((number, part), what, std, &dims);
                if own {
                    draw.site = self.exposed(draw.site);
                }
                let noise = draw.emit(b, self.shot, own)?;
                at = b.emit(Op::Add(Add), &[noise, at])?;
            }
        }
        Ok(at)
    }
}

/// The numbers of an element's meshes: the two of an SVD layer are drawn apart.
pub fn meshes_of(element: usize) -> [u64; 2] {
    [2 * element as u64, 2 * element as u64 + 1]
}

/// Emits the phases that are driven in steps of phase, or of voltage, to 2π / 2^14.
fn driven(b: &mut Builder, drive: Drive, told: SlotId) -> Result<SlotId> {
    const BINS: usize = 1 << 14;
    match drive {
        Drive::Continuous => return Ok(told),
        Drive::Phase { bits } => {
            return b.emit(Op::Quantise(Quantise::turn(1 << bits)), &[told]);
        }
        Drive::Voltage { .. } => {}
    }
    let op = Quantise::turn(BINS);
    let table = b.constant(&format!("mesh.drive.{drive:?}"), Shape::real(&[BINS]), || {
        Data::Real((0..BINS).map(|k| drive.quantise(op.step * k as f64)).collect())
    });
    b.emit(Op::Quantise(op), &[told, table])
}

/// The constants of every cell ([`crate::ops::mesh_cells`]) `[cells, 16]`.
pub fn builds(mesh: &Mesh, faults: &Faults) -> Vec<Complex<f64>> {
    let pi = std::f64::consts::PI;
    let mut all = Vec::with_capacity(16 * mesh.layout.cells.len());
    for k in 0..mesh.layout.cells.len() {
        let mut build = faults.build(mesh, k);
        // What drives both arms alike is the op's own factor.
        build.symmetric = false;
        // T = A + tB + pC + tpD at t, p = ±1.
        let at = [(0.0, 0.0), (pi, 0.0), (0.0, pi), (pi, pi)]
            .map(|(theta, phi)| build.matrix(theta, phi));
        for signs in
            [[1.0; 4], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]]
        {
            let entry = |k: usize| -> Complex<f64> {
                at.iter().zip(signs).map(|(t, sign)| t[k] * sign).sum()
            };
            all.extend((0..4).map(|k| entry(k) / 4.0));
        }
    }
    all
}

/// What takes the light before a cell to its arms beside θ, and light that is sent back from behind it
/// to there: the constants of such cells `[cells, 16]`, in the convention of [`crate::ops::mesh_powers`].
pub fn arms(mesh: &Mesh, faults: &Faults) -> [Vec<Complex<f64>>; 2] {
    let (one, none) = (Complex::ONE, Complex::ZERO);
    let mut all = [Vec::new(), Vec::new()];
    for k in 0..mesh.layout.cells.len() {
        let build = faults.build(mesh, k);
        // Columns of the matrix at p = ±1, and of what is the same at any t.
        let at = [0.0, std::f64::consts::PI]
            .map(|phi| [[one, none], [none, one]].map(|x| build.arms(phi, x)[1]));
        for sign in [1.0, -1.0] {
            let entry = |r: usize, c: usize| (at[0][c][r] + at[1][c][r] * sign) * 0.5;
            all[0].extend([entry(0, 0), entry(0, 1), entry(1, 0), entry(1, 1)]);
            all[0].extend([none; 4]);
        }
        let back = [[one, none], [none, one]].map(|x| build.arms_back(0.0, x)[1]);
        all[1].extend([back[0][0], back[1][0], back[0][1], back[1][1]].map(|z| z.conj()));
        all[1].extend([none; 12]);
    }
    all
}
