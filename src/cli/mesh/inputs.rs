//! What the mesh commands read: matrices, chips, and errors in the words of the command line.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Common;
use crate::error::{Error, Result};
use crate::files::npy::{self, Values};
use crate::optics::mesh::dense::{UNITARY_TOLERANCE, unitary_defect};
use crate::optics::mesh::effective::effective;
use crate::optics::mesh::file::Document;
use crate::optics::mesh::file::hardware::{self, Hardware};
use crate::optics::mesh::svd::nearest_unitary;
use crate::optics::mesh::{C, Faults, MAX_MODES, Mesh};

/// A matrix and its rows and columns.
pub type Shaped = ([usize; 2], Vec<C>);

/// Complex values of a .npy of any shape.
fn complex(path: &Path) -> Result<(Vec<usize>, Vec<C>)> {
    let array = npy::read_array(path)?;
    let values = match array.data {
        Values::Complex(values) => values,
        Values::Real(values) => values.into_iter().map(C::from).collect(),
    };
    Ok((array.shape, values))
}

/// A matrix `[rows, columns]` from a .npy, complex or real.
pub fn matrix(path: &Path) -> Result<Shaped> {
    let (shape, values) = complex(path)?;
    match *shape {
        [rows, columns]
            if (1..=MAX_MODES).contains(&rows) && (1..=MAX_MODES).contains(&columns) =>
        {
            Ok(([rows, columns], values))
        }
        [_, _] => Err(Error::format(
            path,
            format!("a matrix of shape {shape:?}, and each side must be in 1..{MAX_MODES}"),
        )
        .help("split a larger matrix into blocks")),
        _ => Err(Error::format(path, format!("shape {shape:?} where [rows, columns] is needed"))
            .help("save one matrix: a[0] of a stack, np.diag(a) of a vector, for example")),
    }
}

/// A unitary from a .npy; `svd` says whether the command has this way out too. With `nearest` the
/// polar factor is taken, and how far it is comes back.
pub fn unitary(path: &Path, nearest: bool, svd: bool) -> Result<(usize, Vec<C>, Option<f64>)> {
    let ([rows, columns], u) = matrix(path)?;
    let svd = if svd { ", or --svd for a mesh on either side of attenuators" } else { "" };
    if rows != columns {
        let what = format!("a {rows} x {columns} matrix is not unitary: it is not square");
        let help = if svd.is_empty() {
            "give a square one; `mesh decompose --svd` takes any".to_owned()
        } else {
            "use --svd, which takes any matrix".to_owned()
        };
        return Err(Error::format(path, what).help(help));
    }
    let defect = unitary_defect(rows, &u);
    if defect <= UNITARY_TOLERANCE && !nearest {
        return Ok((rows, u, None));
    }
    if nearest {
        let near = nearest_unitary(rows, &u)?;
        let away = crate::optics::mesh::dense::max_distance(&near, &u);
        return Ok((rows, near, Some(away)));
    }
    let rounded =
        if defect < 1e-5 { ": saved as complex64? Save complex128, or use" } else { ": use" };
    let what = format!(
        "the matrix is not unitary: max|U U^H - 1| is {defect:.1e}, and at most {UNITARY_TOLERANCE:.0e} is allowed"
    );
    Err(Error::format(path, what).help(format!(
        "it cannot be light alone{rounded} --nearest for the unitary that is nearest{svd}"
    )))
}

/// An input `[n]` of a chip: the number of a mode, or a .npy of amplitudes.
pub fn input(text: &str, n: usize) -> Result<(String, Vec<C>)> {
    if let Ok(mode) = text.parse::<usize>() {
        if mode >= n {
            let rule = format!("{mode} is not among the {n} inputs, 0 to {}", n - 1);
            return Err(Error::invalid("--input", rule).help("use a smaller number"));
        }
        let mut one = vec![C::ZERO; n];
        one[mode] = C::ONE;
        return Ok((format!("light enters at input {mode}"), one));
    }
    let path = Path::new(text);
    let (shape, values) = complex(path)?;
    if values.len() != n {
        let what = format!("an array of shape {shape:?} for a chip of {n} inputs");
        return Err(Error::format(path, what).help("save one complex amplitude an input"));
    }
    Ok((format!("light enters as {}", path.display()), values))
}

/// Errors of the optics in the words of the command line.
pub fn as_flag(error: Error) -> Error {
    let mut error = error.renamed(|key| match key {
        "mesh.n" | "mesh.topology" => "--topology".into(),
        "mesh.symmetric" => "--symmetric".into(),
        "time_s" => "--time-s".into(),
        other => other.into(),
    });
    if let Error::Invalid(inner) = &mut error {
        inner.help = inner.help.take().map(|h| {
            ["clements", "reck"].iter().fold(h, |h, name| {
                h.replace(&format!("topology = \"{name}\""), &format!("--topology {name}"))
            })
        });
        inner.help = inner.help.take().map(|h| h.replace("or \"reck\"", "or --topology reck"));
    }
    error
}

#[derive(Debug, Args)]
pub struct ChipArgs {
    /// A kind of chip with errors; --seed says which one of them, --set changes a key.
    #[arg(long, value_name = "H.toml")]
    pub hardware: Option<PathBuf>,
    /// Seconds of drift since the chip was set.
    #[arg(long, value_name = "T", default_value_t = 0.0, requires = "hardware")]
    pub time_s: f64,
}

/// One kind of chip and which one of it.
pub struct Kind {
    pub hardware: Hardware,
    pub seed: u64,
    pub time_s: f64,
}

pub fn kind(path: &Path, time_s: f64, common: &Common) -> Result<Kind> {
    let hardware = hardware::read(path, &common.set)?;
    let seed = common.seed.or(hardware.seed).unwrap_or(0);
    Ok(Kind { hardware, seed, time_s })
}

impl ChipArgs {
    pub fn kind(&self, common: &Common) -> Result<Option<Kind>> {
        let Some(path) = &self.hardware else {
            if !common.set.is_empty() {
                return Err(Error::invalid("--set", "there is no file whose keys it could change")
                    .help("give --hardware H.toml"));
            }
            return Ok(None);
        };
        kind(path, self.time_s, common).map(Some)
    }
}

impl Kind {
    /// The faults of one mesh; the two of an SVD layer are the chips 2 seed and 2 seed + 1.
    pub fn faults(&self, document: &Document) -> Result<Vec<Faults>> {
        let draw = |mesh: &Mesh, seed: u64| {
            self.hardware.spec.draw_at(mesh, seed, self.time_s).map_err(as_flag)
        };
        match document {
            Document::Mesh(mesh, _) => Ok(vec![draw(mesh, self.seed)?]),
            Document::Svd(layer) => {
                let first = self.seed.wrapping_mul(2);
                let right = draw(&layer.right.0, first)?;
                Ok(vec![right, draw(&layer.left.0, first.wrapping_add(1))?])
            }
        }
    }
}

/// The matrix of a chip with faults, one a mesh.
pub fn faulty(document: &Document, faults: &[Faults]) -> Result<Vec<C>> {
    let parts: Vec<Vec<C>> = document
        .meshes()
        .into_iter()
        .zip(faults)
        .map(|((mesh, settings), faults)| Ok(effective(mesh, settings, faults)?.matrix()))
        .collect::<Result<_>>()?;
    Ok(match (document, &parts[..]) {
        (Document::Svd(layer), [right, left]) => layer.joined(left, right),
        _ => parts.into_iter().next().unwrap_or_default(),
    })
}
