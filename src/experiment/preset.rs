//! Experiments and scenes that are compiled in, so that an installed binary works anywhere.

use std::path::Path;

use include_dir::{Dir, include_dir};

use super::load::{Loaded, from_text, load};
use crate::error::{Error, Result};

static EXPERIMENTS: Dir = include_dir!("$CARGO_MANIFEST_DIR/assets/experiments");
static SCENES: Dir = include_dir!("$CARGO_MANIFEST_DIR/assets/scenes");

/// Names of the presets, and their texts.
pub fn all() -> Vec<(&'static str, &'static str)> {
    let files = EXPERIMENTS.files().chain(SCENES.files());
    let files = files.filter(|f| f.path().extension().is_some_and(|e| e == "toml"));
    let preset =
        |f: &'static include_dir::File| Some((f.path().file_stem()?.to_str()?, f.contents_utf8()?));
    files.filter_map(preset).collect()
}

/// A file on disk, or else the preset of that name, with or without folder and `.toml`.
pub fn open(path: &Path, overrides: &[String]) -> Result<Loaded> {
    if path.exists() {
        return load(path, overrides);
    }
    let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    let shipped = |p: &Path| {
        let parent = p.parent().unwrap_or(Path::new(""));
        parent.as_os_str().is_empty()
            || parent.ends_with("experiments")
            || parent.ends_with("scenes")
    };
    match all().into_iter().find(|(n, _)| *n == name) {
        Some((name, text)) if shipped(path) => {
            from_text(&format!("{name}.toml (built in)"), text, Path::new(""), overrides)
        }
        _ => {
            let names: Vec<_> = all().into_iter().map(|(n, _)| n).collect();
            let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
            let rule = format!("{}: cannot read: {missing}", path.display());
            Err(Error::invalid("", rule).help(format!(
                "give a file, or one of the built-in experiments and scenes: {}",
                names.join(", ")
            )))
        }
    }
}
