//! `report.html`: one page that opens from disk, of one run or of several side by side.
//!
//! Templates, styles and scripts lie under `assets/report` and are compiled in; a page asks for
//! nothing but itself, and says so to the browser.

mod chart;
mod compare;
mod data;
mod embed;
mod live;
mod machine;
mod methods;
mod page;
mod ranges;
mod roofline;
mod run;
mod score;
mod sections;
mod tables;
mod template;

use std::path::Path;

use crate::error::Result;
use crate::files::atomic;
use crate::train::Session;

pub use embed::base64;
pub use run::{Run, SUMMARY};

/// What `train` leaves in the folder of a run.
pub const REPORT: &str = "report.html";

/// The page of a run; the session has its trained parameters.
pub fn of_run(run: &Run, session: &mut Session) -> Result<String> {
    page::page(run, session)
}

/// A page that compares runs.
pub fn of_runs(runs: &[Run]) -> Result<String> {
    compare::page(runs)
}

pub fn write(page: &str, path: &Path) -> Result<()> {
    atomic::write(path, |out| out.write_all(page.as_bytes()))
}
