//! All that a run measured, as it lies in `bench.json`: raw samples are kept.

use serde::Serialize;

use super::host::Host;
use super::peaks::Peaks;
use super::point::Point;
use super::scaling::Axis;

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub host: Host,
    /// What was measured: the standard stack or an experiment's name.
    pub subject: String,
    pub peaks: Option<Peaks>,
    /// Why there are no peaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_peaks: Option<String>,
    pub points: Vec<Point>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scaling: Vec<Axis>,
    /// Of the whole run.
    pub seconds: f64,
}
