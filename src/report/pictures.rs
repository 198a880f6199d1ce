//! The pictures of a run.

use std::path::Path;

use crate::error::Result;
use crate::train::{Session, run::Outcome};

pub fn of_run(_: &mut Session, _: &Outcome, _: &Path) -> Result<()> {
    Ok(())
}
