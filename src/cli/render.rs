//! `lightloom render CHECKPOINT|FIELD.npy --out DIR`: pictures of a checkpoint or of a field.

use std::path::PathBuf;

use clap::Args;

use super::{Common, eval, make_folder, print};
use crate::error::{Error, Result};
use crate::files::npy;
use crate::render::field::{self, Plane};
use crate::report::pictures;
use crate::units::Metres;

#[derive(Debug, Args)]
pub struct Render {
    /// A checkpoint.safetensors, or a .npy field as `simulate` writes it.
    source: PathBuf,
    /// Folder for the pictures; beside the source when absent.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Which test sample to follow through a checkpoint's optic.
    #[arg(long, default_value_t = 0)]
    sample: usize,
    /// Pitch of a .npy field, as "8 um".
    #[arg(long, default_value = "1 um", value_parser = Metres::parse)]
    pitch: Metres,
}

impl Render {
    pub fn run(&self, common: &Common) -> Result<()> {
        let beside = || self.source.with_file_name("images");
        let out = self.out.clone().unwrap_or_else(beside);
        if self.source.extension().is_some_and(|e| e == "npy") {
            let (samples, values) = npy::read_field(&self.source)?;
            make_folder(&out)?;
            let name = self
                .source
                .file_stem()
                .map(|s| s.to_string_lossy().into_owned())
                .unwrap_or_default();
            let plane = Plane { samples, pitch: [self.pitch.0; 2], title: &name };
            let path = out.join(format!("{name}.png"));
            field::complex(&plane, &values, &path)?;
            return print(&path.display().to_string());
        }
        let (mut session, data) = eval::open(&self.source, common)?;
        if self.sample >= data.test.len() {
            let rule = format!("{} is not among the {} test samples", self.sample, data.test.len());
            return Err(Error::invalid("--sample", rule).help("use a smaller number"));
        }
        make_folder(&out)?;
        pictures::of_light(&mut session, self.sample, &out)?;
        print(&out.display().to_string())
    }
}
