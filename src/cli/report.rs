//! `lightloom report RUN...`: the page of one run, or of several side by side.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Common, eval, print};
use crate::error::{Error, Result};
use crate::report::html::{self, REPORT, Run};
use crate::train::run::CHECKPOINT;

#[derive(Debug, Args)]
pub struct Report {
    /// Folders of `lightloom train` runs; several are compared. What `compare`, `energy` and `bench`
    /// left there with --out is part of the page.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// The page; report.html in the folder of the run, or here for several.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Report {
    pub fn run(&self, common: &Common) -> Result<()> {
        let mut runs = Vec::new();
        for folder in &self.runs {
            runs.push(Run::read(folder)?);
        }
        let (page, beside) = if let [run] = &runs[..] {
            let (mut session, _) = eval::open(&run.folder.join(CHECKPOINT), common)?;
            (html::of_run(run, &mut session)?, run.folder.join(REPORT))
        } else {
            if !common.set.is_empty() || common.seed.is_some() {
                return Err(Error::invalid("--set", "changes the experiment of one run alone")
                    .help("give one run, or leave --set and --seed out"));
            }
            (html::of_runs(&runs)?, Path::new(REPORT).to_owned())
        };
        let out = self.out.clone().unwrap_or(beside);
        html::write(&page, &out)?;
        if common.json {
            return super::print_json(&serde_json::json!({ "report": out, "bytes": page.len() }));
        }
        print(&out.display().to_string())
    }
}
