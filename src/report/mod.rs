//! What people get to see of a run.

pub mod compare;
pub mod energy;
pub mod html;
pub mod pictures;
pub mod program;
