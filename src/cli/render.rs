//! `lightloom render`.
use super::Common;
use crate::error::Result;
use clap::Args;
#[derive(Debug, Args)]
pub struct Render {}
impl Render {
    pub fn run(&self, _: &Common) -> Result<()> {
        Ok(())
    }
}
