//! `mesh program U.npy --hardware H.toml --seed S --out P.json`: phases for one chip with errors.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::super::{Common, print, print_json};
use super::{Design, describe, error_text, inputs, name_of};
use crate::error::Result;
use crate::optics::mesh::Topology;
use crate::optics::mesh::calibrate::{Distance, Method, calibrate, distance};
use crate::optics::mesh::file::{self, Document};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodArg {
    /// Cell by cell for the faults that were drawn.
    Correct,
    /// By output powers alone, as of a chip whose faults nobody knows: a triangle configures itself,
    /// any other mesh is tuned.
    SelfConfigure,
    /// The phases of the ideal mesh.
    Plain,
}

#[derive(Debug, Args)]
pub struct Program {
    /// A unitary matrix.
    #[arg(value_name = "U.npy")]
    matrix: PathBuf,
    /// The kind of chip; --seed says which one of them, --set changes a key.
    #[arg(long, value_name = "H.toml")]
    hardware: PathBuf,
    /// Where the phases go.
    #[arg(long, value_name = "P.json")]
    out: PathBuf,
    #[arg(long, value_enum, default_value = "correct")]
    method: MethodArg,
    /// A triangle for self-configure, else a rectangle, when no topology is given.
    #[command(flatten)]
    design: Design,
    /// Rounds over all cells when a mesh other than a triangle is tuned.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    sweeps: u32,
    /// Take the unitary that is nearest to the matrix.
    #[arg(long)]
    nearest: bool,
}

#[derive(Serialize)]
struct Side {
    rms_error: f64,
    /// The same when the mean loss is made up for.
    rms_error_at_equal_power: f64,
    loss_db: f64,
}

#[derive(Serialize)]
struct Answer<'a> {
    file: &'a Path,
    n: usize,
    topology: String,
    cells: usize,
    depth: usize,
    method: String,
    seed: u64,
    before: Side,
    after: Side,
    /// Cells out of reach; null where nobody knows.
    missed: Option<usize>,
    measurements: usize,
    reference_exposures: usize,
}

impl From<Distance> for Side {
    fn from(d: Distance) -> Self {
        Self {
            rms_error: d.rms,
            rms_error_at_equal_power: d.rms_at_equal_power,
            loss_db: d.loss_db,
        }
    }
}

impl Program {
    pub fn run(&self, common: &Common) -> Result<()> {
        let (n, u, _) = inputs::unitary(&self.matrix, self.nearest, false)?;
        let kind = inputs::kind(&self.hardware, 0.0, common)?;
        let (method, usual) = match self.method {
            MethodArg::Correct => (Method::Correct, Topology::Clements),
            MethodArg::Plain => (Method::Plain, Topology::Clements),
            MethodArg::SelfConfigure => {
                (Method::SelfConfigure { sweeps: self.sweeps as usize }, Topology::Reck)
            }
        };
        let mesh = self.design.mesh(n, usual)?;
        let faults = kind.hardware.spec.draw(&mesh, kind.seed)?;
        let plain = calibrate(&mesh, &u, &faults, Method::Plain).map_err(inputs::as_flag)?;
        let found = match method {
            Method::Plain => plain.clone(),
            _ => calibrate(&mesh, &u, &faults, method).map_err(inputs::as_flag)?,
        };
        let before = distance(&mesh, &u, &plain.settings, &faults)?;
        let after = distance(&mesh, &u, &found.settings, &faults)?;
        let line = describe(&mesh);
        let cells = mesh.layout.cells.len();
        let answer = Answer {
            file: &self.out,
            n,
            topology: name_of(mesh.topology),
            cells,
            depth: mesh.layout.depth,
            method: self
                .method
                .to_possible_value()
                .map_or_else(String::new, |v| v.get_name().into()),
            seed: kind.seed,
            before: before.into(),
            after: after.into(),
            missed: found.missed,
            measurements: found.measurements,
            reference_exposures: found.exposures,
        };
        file::write(&self.out, &Document::Mesh(mesh, found.settings))?;
        if common.json {
            return print_json(&answer);
        }
        let mut text = format!("{}: {line}, chip of seed {}", self.out.display(), kind.seed);
        text += &format!(
            "\nrms error {} with the phases of the ideal mesh, {} with these ({})",
            error_text(before.rms),
            error_text(after.rms),
            answer.method
        );
        if before.loss_db.max(after.loss_db) > 1e-6 {
            text += &format!(
                "\nat equal power {} and {}; mean loss {:.3} dB",
                error_text(before.rms_at_equal_power),
                error_text(after.rms_at_equal_power),
                after.loss_db
            );
        }
        if let Some(missed) = answer.missed {
            text += &format!("\n{missed} of {cells} cells out of reach");
        }
        if answer.measurements > 0 {
            text += &format!(
                "\n{} measurements of the output powers, {} exposures against a reference for gamma",
                answer.measurements, answer.reference_exposures
            );
        }
        print(&text)
    }
}
