//! `mesh decompose U.npy --out P.json`: phases for a unitary, or for any matrix as an SVD layer.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::super::{Common, print, print_json};
use super::{Design, describe, inputs, name_of};
use crate::error::Result;
use crate::optics::mesh::Topology;
use crate::optics::mesh::decompose::decompose;
use crate::optics::mesh::dense::max_distance;
use crate::optics::mesh::file::{self, Document};
use crate::optics::mesh::svd::SvdLayer;

#[derive(Debug, Args)]
pub struct Decompose {
    /// A matrix, complex or real.
    #[arg(value_name = "U.npy")]
    matrix: PathBuf,
    /// Where the phases go.
    #[arg(long, value_name = "P.json")]
    out: PathBuf,
    #[command(flatten)]
    design: Design,
    /// Any matrix, as a mesh, a row of attenuators and a second mesh.
    #[arg(long, conflicts_with = "nearest")]
    svd: bool,
    /// Take the unitary that is nearest to the matrix.
    #[arg(long)]
    nearest: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    file: &'a Path,
    /// Of a mesh; an SVD layer has rows and columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<usize>,
    rows: usize,
    columns: usize,
    topology: String,
    cells: usize,
    depth: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    gain: Option<f64>,
    /// max|U - V| of the rebuilt matrix.
    max_error: f64,
    /// max|U - W| of the matrix that was given, where the nearest was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest_moved: Option<f64>,
}

impl Decompose {
    pub fn run(&self, common: &Common) -> Result<()> {
        let usual = Topology::Clements;
        let (wanted, moved, document) = if self.svd {
            let (shape, w) = inputs::matrix(&self.matrix)?;
            let design = |n| self.design.mesh(n, usual);
            let layer = SvdLayer::of(shape[0], shape[1], &w, design).map_err(inputs::as_flag)?;
            (w, None, Document::Svd(Box::new(layer)))
        } else {
            let (n, u, moved) = inputs::unitary(&self.matrix, self.nearest, true)?;
            let mesh = self.design.mesh(n, usual)?;
            let settings = decompose(&mesh, &u).map_err(inputs::as_flag)?;
            (u, moved, Document::Mesh(mesh, settings))
        };
        let ([rows, columns], rebuilt) = document.matrix()?;
        let max_error = max_distance(&wanted, &rebuilt);
        file::write(&self.out, &document)?;
        let meshes: Vec<_> = document.meshes().into_iter().map(|(mesh, _)| mesh).collect();
        let gain = if let Document::Svd(layer) = &document { Some(layer.gain) } else { None };
        if common.json {
            return print_json(&Answer {
                file: &self.out,
                n: gain.is_none().then_some(rows),
                rows,
                columns,
                topology: name_of(meshes[0].topology),
                cells: meshes.iter().map(|m| m.layout.cells.len()).sum(),
                depth: meshes.iter().map(|m| m.layout.depth).sum(),
                gain,
                max_error,
                nearest_moved: moved,
            });
        }
        let mut text = format!("{}: ", self.out.display());
        match gain {
            None => text += &describe(meshes[0]),
            Some(gain) => {
                text += &format!(
                    "{rows} x {columns} SVD layer, gain {gain:.6}\n  right: {}\n  left: {}",
                    describe(meshes[0]),
                    describe(meshes[1])
                );
            }
        }
        if let Some(moved) = moved {
            text += &format!("\nthe nearest unitary: max|U - W| = {moved:.1e} of the matrix given");
        }
        print(&format!("{text}\nmax|U - V| = {max_error:.1e} of the rebuilt matrix"))
    }
}
