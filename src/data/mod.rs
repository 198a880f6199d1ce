//! Data sets: images or vectors with class labels, in a training, a validation and a test split.
//!
//! The last 5,000 training samples are the validation set (of fewer than 60,000 the last
//! twelfth, at least one): selection and curves use it, and the test set is read once, at the
//! end. Values are 0..1, of complex numbers the modulus. Sets without an order of their own (tables, folders
//! of PNG), and those that are sorted by class, so that the validation set would lack one, have their
//! classes spread evenly over the training samples.

mod arrays;
mod folder;
mod idx;
mod known;
mod labels;
mod pngs;
pub mod principal;
mod split;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use known::{Found, Where, locations, survey};
use split::Part;
pub use split::Split;

use crate::error::{Error, Result};
use crate::math::random::{self, Site};

/// Which data set: one known by name, or files of the user's own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// `mnist`, `fashion-mnist`, or a folder of that name where data sets are looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A folder (IDX files, or one folder of PNG per class), a `.npz` or a `.csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Uses the first so many training samples only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_limit: Option<usize>,
    /// Training images are moved by up to so many pixels in y and in x, anew each time they are
    /// seen; what comes in is black.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shift: usize,
    /// How the columns of a `.csv` make complex numbers, two by two; arrays of complex numbers are read
    /// as what they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complex: Option<Pairs>,
    /// Control: training labels are permuted, so nothing can be learnt.
    #[serde(default)]
    pub shuffle_labels: bool,
}

/// What two neighbouring columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pairs {
    /// Amplitude 0..1, then phase in radians.
    Polar,
    /// Real part, then imaginary part.
    Cartesian,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde calls it with")]
fn is_zero(shift: &usize) -> bool {
    *shift == 0
}

#[derive(Debug)]
pub struct Dataset {
    pub name: String,
    /// Name of each label.
    pub classes: Vec<String>,
    /// Height and width; vectors are `[1, n]`.
    pub image: [usize; 2],
    /// Values come in pairs, real and imaginary part.
    pub complex: bool,
    pub train: Split,
    pub val: Split,
    pub test: Split,
    /// See [`DataSource::shift`].
    pub shift: usize,
}

/// A set as its files give it, before the validation set is taken off.
#[derive(Debug)]
struct Source {
    name: String,
    classes: Vec<String>,
    image: [usize; 2],
    complex: bool,
    train: Part,
    test: Part,
}

/// Reads the set that `source` asks for. `seed` decides the permutation of `shuffle_labels`.
pub fn load(source: &DataSource, seed: u64) -> Result<Dataset> {
    let files = match (&source.name, &source.path) {
        (Some(name), None) => known::load(name)?,
        (None, Some(path)) => load_path(path, source.complex)?,
        (Some(_), Some(_)) => {
            return Err(Error::invalid("data.name", "`name` and `path` are both given")
                .help("keep one of them"));
        }
        (None, None) => {
            return Err(Error::invalid("data.name", "neither `name` nor `path` is given")
                .help("name = \"mnist\", or path = \"a folder, a .npz or a .csv\""));
        }
    };
    if source.complex.is_some() && !files.complex {
        let rule = "says how the columns of a table make complex numbers, and this set is none";
        return Err(Error::invalid("data.complex", rule)
            .help("leave it out, or give a .csv; save complex arrays as complex64 or complex128"));
    }
    assemble(files, source, seed)
}

fn load_path(path: &Path, pairs: Option<Pairs>) -> Result<Source> {
    let there = std::fs::metadata(path).map_err(|e| Error::file(path, "read", e))?;
    if there.is_dir() {
        return folder::load(path);
    }
    match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("npz") => arrays::load_npz(path),
        Some("csv") => table::load(path, pairs),
        _ => Err(Error::format(path, "not a kind of data set that is read").help(
            "give a .npz, a .csv, or the folder that holds IDX files, x_train.npy and its \
             fellows, or one folder of PNG per class",
        )),
    }
}

fn validation_size(samples: usize) -> usize {
    (samples / 12).clamp(1, 5000)
}

fn assemble(files: Source, source: &DataSource, seed: u64) -> Result<Dataset> {
    let Source { name, classes, image, complex, train: mut part, test } = files;
    let key = if source.name.is_some() { "data.name" } else { "data.path" };
    if part.labels.len() < 2 || test.labels.is_empty() {
        let (train, test) = (part.labels.len(), test.labels.len());
        return Err(Error::invalid(
            key,
            format!(
                "{name} has {train} training and {test} test samples; at least 2 and 1 are needed"
            ),
        ));
    }
    let first_val = part.labels.len() - validation_size(part.labels.len());
    let used = match source.train_limit {
        None => first_val,
        Some(limit) if (1..=first_val).contains(&limit) => limit,
        Some(limit) => {
            return Err(Error::invalid(
                "data.train_limit",
                format!(
                    "{limit}, where {name} has 1 to {first_val} training samples beside its {} of validation",
                    part.labels.len() - first_val
                ),
            )
            .help("leave the key out to train on all of them"));
        }
    };
    if source.shift > 0 && source.shift >= image[0].min(image[1]) {
        let rule = format!(
            "{} would move the whole of an image of {} x {} out of sight",
            source.shift, image[0], image[1]
        );
        return Err(Error::invalid("data.shift", rule)
            .help("use 1 or 2 for digits, and leave it out for vectors"));
    }
    if source.shift > 0 && complex {
        return Err(Error::invalid(
            "data.shift",
            "moves images, and this set is of complex numbers",
        )
        .help("leave it out"));
    }
    let size = image[0] * image[1];
    if split::is_sorted(&part.labels, first_val) {
        part = part.spread(size);
    }
    let pixels = Arc::new(part.pixels);
    let mut labels = part.labels[..used].to_vec();
    if source.shuffle_labels {
        let order = random::permutation(used, seed, 0, Site::ShuffleLabels);
        labels = order.iter().map(|&i| labels[i as usize]).collect();
    }
    Ok(Dataset {
        name,
        classes,
        image,
        complex,
        train: Split::new(labels, Arc::clone(&pixels), 0, size),
        val: Split::new(part.labels[first_val..].to_vec(), pixels, first_val, size),
        test: Split::new(test.labels, Arc::new(test.pixels), 0, size),
        shift: source.shift,
    })
}

/// Why `value` cannot be a pixel, and what to do.
fn outside(value: f64) -> Option<(String, &'static str)> {
    if (0.0..=1.0).contains(&value) {
        return None;
    }
    let help = if value.is_finite() {
        "scale each feature to 0..1, (x - min) / (max - min), or 8-bit values by 1/255"
    } else {
        "fill or drop the values that are missing"
    };
    Some((format!("{value} is outside 0..1"), help))
}

/// Why a complex number cannot be the light of a guide, and what to do.
fn outside_disc(re: f64, im: f64) -> Option<(String, &'static str)> {
    // Moduli of 1 that were rounded to f32 stay in.
    if re.hypot(im) <= 1.0 + 1e-6 {
        return None;
    }
    let help = if re.is_finite() && im.is_finite() {
        "divide all values by the largest modulus"
    } else {
        "fill or drop the values that are missing"
    };
    Some((format!("the modulus of {re} + {im} i is outside 0..1"), help))
}
