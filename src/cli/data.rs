//! `lightloom data`: known data sets, where they are looked for, whether their sums agree.

use clap::Args;

use super::Common;
use crate::data::{self, Where};
use crate::error::Result;

#[derive(Debug, Args)]
pub struct DataCommand {}

impl DataCommand {
    #[allow(clippy::unused_self, reason = "every sub-command runs alike")]
    pub fn run(&self, common: &Common) -> Result<()> {
        let found = data::survey();
        if common.json {
            return super::print_json(&found);
        }
        for set in found {
            let place = match &set.place {
                Where::Folder(path) => path.display().to_string(),
                Where::BuiltIn => "built in".into(),
                Where::Missing => format!("not found; {}", set.get),
            };
            let sums = match (set.verified, &set.problem) {
                (_, Some(problem)) => format!("\n  {problem}"),
                (Some(true), None) => ", sha256 agrees".into(),
                _ => String::new(),
            };
            let [height, width] = set.image;
            super::print(&format!(
                "{}: {}\n  {} classes, {height} x {width}, {} / {} / {} for training, validation, test\n  {}\n  {place}{sums}\n  looked for in: {}",
                set.name,
                set.title,
                set.classes.len(),
                set.train,
                set.val,
                set.test,
                set.licence,
                data::locations(set.name)
                    .iter()
                    .map(|p| p.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))?;
        }
        Ok(())
    }
}
