//! The experiment file: an optical machine, a task and a way to train, in TOML.

pub mod check;
pub mod device;
pub mod load;
pub mod preset;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::DataSource;
use crate::methods::recipe::Recipe;
use crate::optics::element::Element;
use crate::optics::{Hardware, Optic, Source};

pub use load::{Loaded, load};

/// An experiment; a scene is one without `data` and `train`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    #[serde(default)]
    pub seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSource>,
    pub optic: Optic,
    /// What is wrong with the real machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware: Option<Hardware>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Recipe>,
}

impl Experiment {
    /// Makes relative paths start from `folder`.
    fn resolve_paths(&mut self, folder: &Path) {
        let resolve = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        };
        if let Some(path) = self.data.as_mut().and_then(|d| d.path.as_mut()) {
            resolve(path);
        }
        if let Source::File(file) = &mut self.optic.source {
            resolve(&mut file.path);
        }
        if let Some(path) = self.hardware.as_mut().and_then(|h| h.mask.lookup.as_mut()) {
            resolve(path);
        }
        for element in &mut self.optic.element {
            match element {
                Element::PhaseMask(mask) => mask.file.iter_mut().for_each(resolve),
                Element::AmplitudeMask(mask) => mask.file.iter_mut().for_each(resolve),
                _ => {}
            }
        }
    }
}
