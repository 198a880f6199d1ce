//! U = diag(e^{iγ}) · T_K · … · T_1: a mesh of Mach-Zehnder interferometers on N guides.
//!
//! Time exp(-iωt). A cell on the guides a < b, with even splitters B = [[1, i], [i, 1]]/√2, is
//!
//! ```text
//! T(θ, φ) = B · diag(e^{iθ}, 1) · B · diag(e^{iφ}, 1)
//!         = i e^{iθ/2} [[e^{iφ} sin(θ/2),  cos(θ/2)],
//!                       [e^{iφ} cos(θ/2), -sin(θ/2)]]
//! ```
//! θ internal, on the upper arm; φ external, on the upper guide, before. θ = π is the bar state,
//! θ = 0 the cross state. The phases and this matrix alone decide U; y = U x, row-major.
//!
//! | file | what it holds |
//! |---|---|
//! | [`topology`] | where the cells stand: Clements, Reck, diamond, butterfly |
//! | [`cell`] | the 2 x 2 of one cell with its errors, its derivatives, its inverse |
//! | [`decompose`], `butterfly` | settings of a unitary |
//! | [`fourier`] | settings of a butterfly that is the Fourier transform |
//! | [`single`] | settings in single precision |
//! | [`svd`] | any matrix as two meshes and a row of attenuators |
//! | [`haar`] | random unitaries |
//! | [`imperfections`], [`faults`] | what is wrong with a kind of chip, and with one chip |
//! | [`crosstalk`] | heat that reaches neighbouring shifters |
//! | [`effective`], [`light`] | what a faulty chip does, and where its light is |
//! | [`in_situ`] | gradients of the phases from powers beside the shifters |
//! | [`correct`] | settings for a chip whose faults are known |
//! | [`configure`] | settings for a chip that shows output powers alone |
//! | [`calibrate`] | these ways side by side |
//! | [`laws`], [`monte_carlo`] | the error to expect, and that of many chips |
//! | [`mod@file`] | settings and kinds of chip in files |
//!
//! Numbers and index tables: nothing here knows how a mesh is computed in training.

mod butterfly;
pub mod calibrate;
pub mod cell;
pub mod configure;
pub mod correct;
pub mod crosstalk;
pub mod decompose;
pub mod dense;
pub mod effective;
pub mod faults;
pub mod file;
mod fit;
pub mod fourier;
pub mod haar;
pub mod imperfections;
pub mod in_situ;
pub mod laws;
pub mod light;
pub mod monte_carlo;
pub mod single;
pub mod svd;
pub mod topology;

pub use cell::Build;
pub use dense::C;
pub use effective::Effective;
pub use faults::Faults;
pub use imperfections::Imperfections;
pub use topology::{Cell, Layout, MAX_MODES, Topology};

use crate::error::{Error, Result};

/// A mesh as it is designed.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    /// Modes.
    pub n: usize,
    pub topology: Topology,
    /// θ is split over both arms, e^{+iθ/2} above and e^{-iθ/2} below.
    pub symmetric: bool,
    /// Cells with a third splitter before φ.
    pub three_splitters: bool,
    pub layout: Layout,
}

/// The phases of a mesh in radians.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Internal `[cells]`, in order of passage.
    pub theta: Vec<f64>,
    /// External `[cells]`.
    pub phi: Vec<f64>,
    /// At the outputs `[n]`.
    pub gamma: Vec<f64>,
}

impl Mesh {
    /// A mesh of plain cells with one driven arm.
    pub fn new(n: usize, topology: Topology) -> Result<Self> {
        let layout = topology.layout(n)?;
        Ok(Self { n, topology, symmetric: false, three_splitters: false, layout })
    }

    pub fn with_symmetric(self, symmetric: bool) -> Self {
        Self { symmetric, ..self }
    }

    pub fn with_three_splitters(self, three_splitters: bool) -> Self {
        Self { three_splitters, ..self }
    }

    /// A cell as it is designed: no errors, no loss.
    pub fn ideal_cell(&self) -> Build {
        Build { symmetric: self.symmetric, three: self.three_splitters, ..Build::default() }
    }

    /// All phases zero: every plain cell in the cross state.
    pub fn zero_settings(&self) -> Settings {
        let cells = self.layout.cells.len();
        Settings { theta: vec![0.0; cells], phi: vec![0.0; cells], gamma: vec![0.0; self.n] }
    }

    /// Refuses settings of another mesh.
    pub fn check(&self, settings: &Settings) -> Result<()> {
        let cells = self.layout.cells.len();
        let got = [settings.theta.len(), settings.phi.len(), settings.gamma.len()];
        if got == [cells, cells, self.n] {
            return Ok(());
        }
        Err(Error::invalid(
            "mesh",
            format!(
                "{} theta, {} phi and {} gamma are given, and {:?} with {} modes has {cells}, {cells} and {}",
                got[0], got[1], got[2], self.topology, self.n, self.n
            ),
        )
        .help("give one theta and one phi a cell and one gamma a mode"))
    }

    /// U `[n, n]` of the ideal mesh. For a diamond the block of its N modes, which is unitary
    /// only where nothing is dumped.
    pub fn matrix(&self, settings: &Settings) -> Result<Vec<C>> {
        Ok(effective::effective(self, settings, &Faults::none(self))?.matrix())
    }
}
