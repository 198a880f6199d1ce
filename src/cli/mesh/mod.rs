//! `lightloom mesh`: unitaries, settings of meshes, chips with errors, their pictures.

mod decompose;
mod draw;
mod errors;
mod inputs;
mod matrix;
mod program;
mod random;

use clap::{Args, Subcommand, ValueEnum};

use super::Common;
use crate::error::Result;
use crate::optics::mesh::{Mesh, Topology};

/// The convention, exactly; `optics::mesh` says the same.
const CONVENTION: &str = "\
The convention, exactly. Time exp(-i w t), angles in radians, indices from 0, matrices row-major:
y = U x with

  U = diag(e^{i gamma}) T_K ... T_2 T_1

A cell of the list \"mzi\", in order of passage, acts on the guides a < b, a = row, as

  T(theta, phi) = i e^{i theta/2} [ e^{i phi} sin(theta/2)    cos(theta/2) ]
                                  [ e^{i phi} cos(theta/2)   -sin(theta/2) ]

                = B diag(e^{i theta}, 1) B diag(e^{i phi}, 1),   B = [1 i; i 1] / sqrt(2)

theta is internal, on the upper arm; phi is external, on guide a, before it. theta = pi is straight
through, theta = 0 crosses. These phases and this matrix alone decide U.

  b = a + 1; in a butterfly b = a + 2^column
  a diamond of n modes has 2n - 2 guides; mode k is guide n - 2 + k, the others begin dark and
  end unread
  \"symmetric\": true        theta drives both arms by half: T without its factor e^{i theta/2}
  \"three_splitters\": true  a third coupler before phi: T(theta, phi) B
  an SVD layer             W = gain * left * diag(attenuation) * right, min(rows, columns) of them

P.json:
  {\"n\": 2, \"topology\": \"clements\",
   \"mzi\": [{\"column\": 0, \"row\": 0, \"theta\": 1.5, \"phi\": 0.2}], \"gamma\": [0.1, 0.3]}

H.toml, all absent by default, alone or under [hardware] or [hardware.mesh]:
  splitter_angle = 0.02      std of a coupler's angle from pi/4, rad  (or splitter_amplitude)
  extinction_db = 30         of a cell in the cross state
  theta_std = 0.05           static phase errors, rad  (phi_std, gamma_std alike)
  loss_db = 0.1              of a cell  (loss_std_db: its spread)
  bypass_loss = true         whether guides that pass a column lose it too
  crossing_loss_db = 0.02    of a butterfly's crossings
  crosstalk = 0.01           part of a phase that reaches neighbours  (crosstalk_along: the others)
  phase_bits = 8             steps of 2 pi / 2^bits  (or voltage_bits)
  drift_std = 1e-3           random walk, rad per square root of a second

Examples:
  lightloom mesh random 8 --seed 1 --out U.npy
  lightloom mesh decompose U.npy --out P.json
  lightloom mesh matrix P.json --out V.npy --hardware H.toml --seed 3 --png V.png --wanted U.npy
  lightloom mesh program U.npy --hardware H.toml --seed 3 --out chip3.json
  lightloom mesh draw P.json --input 0 --out chip.png
  lightloom mesh errors --modes 8 --hardware H.toml --chips 100 --within 0.05";

#[derive(Debug, Args)]
#[command(after_long_help = CONVENTION)]
pub struct MeshArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a random unitary, uniform by Haar's measure.
    Random(random::Random),
    /// Find the phases of a mesh for a matrix.
    Decompose(decompose::Decompose),
    /// Write the matrix of a mesh, as designed or as a chip with errors.
    Matrix(matrix::Matrix),
    /// Find the phases for one chip with errors.
    Program(program::Program),
    /// Draw a mesh as a chip, with the light of an input.
    Draw(draw::Draw),
    /// Draw many chips and say how far they are from a matrix.
    Errors(errors::Errors),
}

impl MeshArgs {
    pub fn run(&self, common: &Common) -> Result<()> {
        match &self.command {
            Command::Random(c) => c.run(common),
            Command::Decompose(c) => c.run(common),
            Command::Matrix(c) => c.run(common),
            Command::Program(c) => c.run(common),
            Command::Draw(c) => c.run(common),
            Command::Errors(c) => c.run(common),
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TopologyArg {
    /// The rectangle: least depth, all paths equally long.
    Clements,
    /// The triangle: can be configured by light alone.
    Reck,
    /// The triangle and its mirror image, whose further guides carry power away.
    Diamond,
    /// The graph of the fast Fourier transform: few cells, not every unitary.
    Butterfly,
}

/// How a mesh is built.
#[derive(Debug, Args)]
struct Design {
    #[arg(long, value_enum)]
    topology: Option<TopologyArg>,
    /// Drive both arms of a cell by half of theta.
    #[arg(long)]
    symmetric: bool,
    /// A third coupler a cell, which brings every splitting ratio within reach.
    #[arg(long)]
    three_splitters: bool,
}

impl Design {
    fn mesh(&self, n: usize, usual: Topology) -> Result<Mesh> {
        let topology = match self.topology {
            None => usual,
            Some(TopologyArg::Clements) => Topology::Clements,
            Some(TopologyArg::Reck) => Topology::Reck,
            Some(TopologyArg::Diamond) => Topology::Diamond,
            Some(TopologyArg::Butterfly) => Topology::Butterfly,
        };
        let mesh = Mesh::new(n, topology).map_err(inputs::as_flag)?;
        Ok(mesh.with_symmetric(self.symmetric).with_three_splitters(self.three_splitters))
    }
}

/// An rms error: six decimals, or its size where those would be zeros.
fn error_text(rms: f64) -> String {
    if rms >= 1e-4 { format!("{rms:.6}") } else { format!("{rms:.1e}") }
}

fn name_of(topology: Topology) -> String {
    format!("{topology:?}").to_lowercase()
}

/// `Clements mesh, 8 modes`, as a title.
fn title(mesh: &Mesh) -> String {
    let text = describe(mesh);
    let rest = text.split_once(',').map_or("", |(_, rest)| rest);
    format!("{:?} mesh,{rest}", mesh.topology)
}

/// `clements, 8 modes, 28 cells, depth 8`.
fn describe(mesh: &Mesh) -> String {
    let mut text = format!(
        "{}, {} mode{}, {} cell{}, depth {}",
        name_of(mesh.topology),
        mesh.n,
        if mesh.n == 1 { "" } else { "s" },
        mesh.layout.cells.len(),
        if mesh.layout.cells.len() == 1 { "" } else { "s" },
        mesh.layout.depth
    );
    for (on, what) in
        [(mesh.symmetric, ", both arms driven"), (mesh.three_splitters, ", three splitters")]
    {
        if on {
            text += what;
        }
    }
    text
}
