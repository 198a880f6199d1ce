//! Sizes in pixels: how far apart guides and columns are, and what of a cell there is room for.

use super::Chip;
use crate::optics::mesh::Mesh;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Couplers, shifters, values.
    Values,
    /// Couplers and shifters.
    Couplers,
    /// A dot a cell.
    Dots,
}

pub struct Scale {
    pub detail: Detail,
    /// Between guides.
    pub pitch: f64,
    /// Of a column of cells.
    pub column: f64,
    /// Of the output phases.
    pub gamma: f64,
    /// Of the attenuators of an SVD layer.
    pub attenuators: f64,
    /// Widths of a guide without light and with all of it.
    pub thin: f64,
    pub thick: f64,
    /// What enters: the power that is drawn at full strength.
    pub whole: f64,
    /// All meshes together.
    pub inner: f64,
    pub high: f64,
    /// Guides above the first mode.
    above: usize,
}

/// Largest mesh whose couplers are drawn.
const COUPLERS: usize = 64;

impl Scale {
    pub fn new(chip: &Chip) -> Self {
        let meshes = || chip.blocks.iter().map(|b| b.mesh);
        let modes = meshes().map(|m| m.n).max().unwrap_or(1);
        let above = meshes().map(|m| m.layout.first).max().unwrap_or(0);
        let below = meshes().map(|m| m.layout.guides - m.layout.first).max().unwrap_or(1);
        let (guides, depth) = (above + below, meshes().map(|m| m.layout.depth).sum::<usize>());
        let [g, d] = [guides, depth.max(1)].map(|n| n as f64);
        let fine = modes <= COUPLERS;
        let (pitch, column) = if fine {
            ((1000.0 / g).clamp(15.0, 104.0), (2000.0 / d).clamp(26.0, 300.0))
        } else {
            ((1500.0 / g).clamp(2.0, 14.0), (2000.0 / d).clamp(2.0, 18.0))
        };
        // Bends stay gentle, and cells no longer than they need be.
        let pitch: f64 = if fine { pitch.min(0.8 * column).max(14.0) } else { pitch }.floor();
        let column = column.min(4.0 * pitch).floor();
        let detail = match (fine, column) {
            (false, _) => Detail::Dots,
            (true, w) if w >= 160.0 => Detail::Values,
            _ => Detail::Couplers,
        };
        let entering = chip
            .blocks
            .first()
            .and_then(|b| b.light.map(|l| l.guides[..b.mesh.layout.guides].iter().sum::<f64>()));
        let mut scale = Self {
            detail,
            pitch,
            column,
            gamma: if detail == Detail::Dots { 3.0 * pitch.max(3.0) } else { 0.4 * column + 8.0 },
            attenuators: (1.6 * pitch).clamp(30.0, 110.0),
            thin: (0.03 * pitch).clamp(0.9, 2.5),
            thick: (0.2 * pitch).clamp(1.2, 9.0),
            whole: entering.filter(|p| *p > 0.0).unwrap_or(1.0),
            inner: 0.0,
            high: (g - 1.0) * pitch,
            above,
        };
        for mesh in meshes() {
            let layout = &mesh.layout;
            let routes: f64 = (0..=layout.depth).map(|c| scale.route(mesh, c)).sum();
            scale.inner += routes + layout.depth as f64 * scale.column + scale.gamma;
        }
        if chip.attenuation.is_some() {
            scale.inner += scale.attenuators;
        }
        scale
    }

    /// Height of a place across a mesh.
    pub fn y(&self, mesh: &Mesh, place: f64) -> f64 {
        self.mode(place - mesh.layout.first as f64)
    }

    /// Height of a mode.
    pub fn mode(&self, k: f64) -> f64 {
        super::TOP as f64 + (self.above as f64 + k) * self.pitch
    }

    /// Room in which guides change places before a column.
    pub fn route(&self, mesh: &Mesh, column: usize) -> f64 {
        let n = mesh.layout.guides;
        let place = |c: usize, g: usize| mesh.layout.place[c * n + g];
        let farthest = (0..n)
            .map(|g| {
                let before = if column == 0 { g as u32 } else { place(column - 1, g) };
                before.abs_diff(place(column, g))
            })
            .max()
            .unwrap_or(0);
        if farthest == 0 {
            return 0.0;
        }
        (f64::from(farthest).sqrt() * 1.5 * self.pitch).clamp(6.0, 420.0).floor()
    }
}
