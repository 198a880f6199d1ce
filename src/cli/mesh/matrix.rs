//! `mesh matrix P.json --out U.npy`: what the phases do, ideally or on a chip with errors.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::super::{Common, print, print_json};
use super::inputs::{self, ChipArgs};
use super::{error_text, name_of, title};
use crate::error::{Error, Result};
use crate::files::npy;
use crate::optics::mesh::dense::{max_distance, mean_loss_db, rms_distance};
use crate::optics::mesh::file::{self, Document};
use crate::render::{check_png, matrix as picture};

#[derive(Debug, Args)]
pub struct Matrix {
    /// Phases of a mesh or of an SVD layer.
    #[arg(value_name = "P.json")]
    settings: PathBuf,
    /// Where the matrix goes, complex128.
    #[arg(long, value_name = "U.npy", required_unless_present = "png")]
    out: Option<PathBuf>,
    #[command(flatten)]
    chip: ChipArgs,
    /// A picture of its sizes and phases.
    #[arg(long, value_name = "U.png")]
    png: Option<PathBuf>,
    /// The matrix that was asked for: how far it is, and in the picture beside it.
    #[arg(long, value_name = "W.npy")]
    wanted: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    png: Option<&'a Path>,
    rows: usize,
    columns: usize,
    topology: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// ‖U - V‖_F/√columns from the ideal matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    rms_from_ideal: Option<f64>,
    /// Mean loss of the chip against the ideal one.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_db: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rms_from_wanted: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_from_wanted: Option<f64>,
}

impl Matrix {
    pub fn run(&self, common: &Common) -> Result<()> {
        if let Some(png) = &self.png {
            check_png("--png", png)?;
        }
        let document = file::read(&self.settings)?;
        let kind = self.chip.kind(common)?;
        let (shape, ideal) = document.matrix()?;
        let [rows, columns] = shape;
        let matrix = match &kind {
            Some(kind) => inputs::faulty(&document, &kind.faults(&document)?)?,
            None => ideal.clone(),
        };
        let wanted = self.wanted.as_ref().map(|path| wanted(path, shape)).transpose()?;
        if let Some(out) = &self.out {
            npy::write_complex128(out, &shape, &matrix)?;
        }
        let mesh = document.meshes()[0].0;
        let what = match &document {
            Document::Mesh(mesh, _) => title(mesh),
            Document::Svd(_) => format!("{rows} x {columns} SVD layer"),
        };
        let which =
            kind.as_ref().map_or_else(String::new, |k| format!(", chip of seed {}", k.seed));
        let heading = format!("{what}{which}");
        if let Some(png) = &self.png {
            let shown = picture::Matrix { title: &heading, shape, entries: &matrix };
            match &wanted {
                Some(wanted) => picture::beside(&shown, wanted, png)?,
                None => picture::draw(&shown, png)?,
            }
        }
        let chip = kind.as_ref().map(|_| {
            let loss_db = mean_loss_db(columns, &matrix) - mean_loss_db(columns, &ideal);
            (rms_distance(columns, &ideal, &matrix), loss_db)
        });
        let away =
            wanted.as_ref().map(|w| (rms_distance(columns, w, &matrix), max_distance(w, &matrix)));
        if common.json {
            return print_json(&Answer {
                file: self.out.as_deref(),
                png: self.png.as_deref(),
                rows,
                columns,
                topology: name_of(mesh.topology),
                seed: kind.as_ref().map(|k| k.seed),
                rms_from_ideal: chip.map(|c| c.0),
                loss_db: chip.map(|c| c.1),
                rms_from_wanted: away.map(|a| a.0),
                max_from_wanted: away.map(|a| a.1),
            });
        }
        let mut text = heading;
        if let Some((rms, loss_db)) = chip {
            text += &format!(
                "\nrms distance from the ideal matrix {}, mean loss {loss_db:.3} dB",
                error_text(rms)
            );
        }
        if let Some((rms, max)) = away {
            text += &format!(
                "\nrms distance from the matrix asked for {}, max|W - V| = {max:.1e}",
                error_text(rms)
            );
        }
        for path in [&self.out, &self.png].into_iter().flatten() {
            text += &format!("\n{}", path.display());
        }
        print(&text)
    }
}

fn wanted(path: &Path, shape: [usize; 2]) -> Result<Vec<crate::optics::mesh::C>> {
    let (own, matrix) = inputs::matrix(path)?;
    if own == shape {
        return Ok(matrix);
    }
    let what = format!(
        "a {} x {} matrix, and the mesh does a {} x {} one",
        own[0], own[1], shape[0], shape[1]
    );
    Err(Error::format(path, what).help("give the matrix that these phases were made for"))
}
