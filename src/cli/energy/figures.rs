//! `--set` of figures and of experiments, told apart by their first key.

use crate::energy::library::Library;
use crate::error::{Error, Result};

/// Sets figures; returns what is for the experiments.
pub fn set(library: &mut Library, all: &[String], experiments: bool) -> Result<Vec<String>> {
    let (figures, rest): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|text| {
        let key = text.split('=').next().unwrap_or("").trim();
        library.has_table(key) || !experiments
    });
    for text in figures {
        let key = text.split('=').next().unwrap_or("").trim().to_owned();
        let block = key.split('.').next().unwrap_or("");
        if !experiments && ["seed", "data", "optic", "hardware", "train"].contains(&block) {
            return Err(Error::invalid("--set", format!("{key} is a key of an experiment"))
                .help("name an experiment, as `lightloom energy mnist`"));
        }
        library.set(&text)?;
    }
    Ok(rest)
}
