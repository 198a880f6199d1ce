//! Measures what a device does and what limits it: times, rates, shares of the roofline.
//!
//! - [`clock`]: contenders take turns, ratios are taken round by round.
//! - [`peaks`]: the device's own copy bandwidth and arithmetic rate, measured in the same run.
//! - [`stack`]: the programs that are measured; [`rival`]: the same propagation by plain rustfft.
//! - [`work`]: what a program must do and move; [`roofline`]: time against that work.
//! - [`point`]: one size and batch; [`scaling`]: how time grows along three axes.
//! - [`digital`]: products of matrices on CPU and GPU, beside light that does the same.
//! - [`host`], [`report`], [`sheets`]: on what machine, all of it as data, and as tables.
//!
//! Nothing here prints; `cli::bench` does.

mod chains;
pub mod clock;
pub mod digital;
mod digital_sheets;
pub mod host;
pub mod peaks;
pub mod point;
pub mod report;
pub mod rival;
pub mod roofline;
pub mod scaling;
pub mod sheets;
pub mod stack;
pub mod work;
