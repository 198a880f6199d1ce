//! `lightloom schema`: what editors need to check and complete experiment files.

use crate::error::Result;
use crate::experiment::Experiment;

pub fn run() -> Result<()> {
    super::print_json(&schemars::schema_for!(Experiment))
}
