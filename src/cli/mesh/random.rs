//! `mesh random N --out U.npy`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::super::{Common, print, print_json};
use crate::error::Result;
use crate::files::npy;
use crate::optics::mesh::haar::haar;

#[derive(Debug, Args)]
pub struct Random {
    /// Modes.
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    n: u16,
    /// Where the matrix goes, complex128.
    #[arg(long, value_name = "U.npy")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Answer<'a> {
    file: &'a std::path::Path,
    n: usize,
    seed: u64,
}

impl Random {
    pub fn run(&self, common: &Common) -> Result<()> {
        let (n, seed) = (usize::from(self.n), common.seed.unwrap_or(0));
        npy::write_complex128(&self.out, &[n, n], &haar(n, seed)?)?;
        if common.json {
            return print_json(&Answer { file: &self.out, n, seed });
        }
        print(&format!("{}: a Haar-random unitary of {n} modes, seed {seed}", self.out.display()))
    }
}
