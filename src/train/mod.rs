//! The host loop: batches, steps, evaluation, metrics, checkpoints.

pub mod batch;
pub mod calibrate;
pub mod cell;
pub mod checkpoint;
pub mod chips;
pub mod compare;
mod digest;
pub mod evaluate;
pub mod fields;
pub mod metrics;
pub mod readings;
pub mod run;
pub mod serve;
pub mod session;
pub mod watch;

pub use metrics::Evaluation;
pub use session::Session;
