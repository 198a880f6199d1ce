//! All that a run measured, as it lies in `bench.json`: raw samples are kept.

use serde::Serialize;

use super::digital::Digital;
use super::host::Host;
use super::peaks::Peaks;
use super::point::Point;
use super::roofline;
use super::scaling::Axis;

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub host: Host,
    /// What was measured: the standard stack or an experiment's name.
    pub subject: String,
    /// What of the experiment was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<&'static str>,
    pub peaks: Option<Peaks>,
    /// Why there are no peaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_peaks: Option<String>,
    pub points: Vec<Point>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scaling: Vec<Axis>,
    /// The second half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digital: Option<Digital>,
    /// Of the whole run.
    pub seconds: f64,
}

impl Report {
    /// Holds every line against the peaks; `real` is the size of a real number in bytes.
    pub fn judge(&mut self, real: usize) {
        let Some(peaks) = &self.peaks else { return };
        // One launch of the whole run that has next to nothing to do stands for all.
        let lines = self.points.iter().flat_map(|p| &p.lines);
        let launch = roofline::cheapest(lines.flat_map(|l| &l.kernels));
        self.points.iter_mut().for_each(|p| p.judge(peaks, launch, real));
    }
}
