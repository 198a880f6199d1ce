//! Chips in files: settings as P.json ([`read()`], [`write()`]), kinds of chip as H.toml
//! ([`hardware`]).
//!
//! ```text
//! {"n", "topology", "mzi": [{"column", "row", "theta", "phi"}, ...], "gamma": [...]}
//! {"rows", "columns", "gain", "right": {..}, "attenuation": [...], "left": {..}}
//! ```
//! The first is one mesh, `mzi` in order of passage: by column, then by row, the upper guide of a
//! cell. `"symmetric": true` and `"three_splitters": true` stand behind the topology where they
//! hold. The second is an SVD layer, W = gain · left · diag(attenuation) · right. Neither holds a
//! matrix: the phases and the 2 x 2 of [`super::cell`] alone decide it. Numbers are written with
//! the digits that read back to the same bits.

pub mod hardware;
mod parse;
mod place;
mod read;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;

use super::svd::SvdLayer;
use super::{Mesh, Settings};
use crate::error::{Error, Result};
use crate::files::atomic;

pub use parse::parse;
pub use text::text;

/// What a P.json holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    Mesh(Mesh, Settings),
    Svd(Box<SvdLayer>),
}

impl Document {
    /// The matrix of the ideal chip, its rows and columns.
    pub fn matrix(&self) -> Result<([usize; 2], Vec<super::C>)> {
        Ok(match self {
            Self::Mesh(mesh, settings) => ([mesh.n, mesh.n], mesh.matrix(settings)?),
            Self::Svd(layer) => ([layer.rows, layer.columns], layer.matrix()?),
        })
    }

    /// The meshes in order of passage.
    pub fn meshes(&self) -> Vec<(&Mesh, &Settings)> {
        match self {
            Self::Mesh(mesh, settings) => vec![(mesh, settings)],
            Self::Svd(layer) => {
                [&layer.right, &layer.left].into_iter().map(|(m, s)| (m, s)).collect()
            }
        }
    }
}

/// Reads a P.json; every error names its place.
pub fn read(path: &Path) -> Result<Document> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, "read", e))?;
    parse(&path.display().to_string(), &text)
}

/// Writes a P.json, whole or not at all.
pub fn write(path: &Path, document: &Document) -> Result<()> {
    let text = text(document)?;
    atomic::write(path, |out| out.write_all(text.as_bytes()))
}
