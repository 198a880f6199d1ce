//! Time against the roofline: a node needs at least max(flops / peak, bytes / bandwidth).
//!
//! Where even that lies under what the cheapest launch took, the launch limits it, and neither
//! memory nor arithmetic does.

use serde::Serialize;

use super::clock::Sampled;
use super::peaks::Peaks;
use super::work::Work;
use crate::backend::NodeTime;
use crate::error::{Error, Result};

/// What limits a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    Memory,
    Compute,
    Overhead,
}

/// One node, timed.
#[derive(Debug, Clone, Serialize)]
pub struct Kernel {
    #[serde(flatten)]
    pub work: Work,
    pub seconds: Sampled,
    pub launches: usize,
    pub gflop_s: f64,
    pub gb_s: f64,
    /// Least seconds by the peaks of this run, over the seconds it took.
    pub roofline_share: Option<f64>,
    pub limited_by: Option<Limit>,
    /// The memory whose bandwidth it was held against.
    pub level: Option<String>,
    /// Least seconds by the peaks.
    #[serde(skip)]
    pub least: f64,
}

/// Joins the work of a routine with what several profiles of it took.
pub fn kernels(work: Vec<Work>, profiles: &[Vec<NodeTime>]) -> Result<Vec<Kernel>> {
    for profile in profiles {
        let agree = profile.iter().map(|t| t.op).eq(work.iter().map(|w| w.op));
        if !agree {
            let (timed, known) = (profile.len(), work.len());
            let what = format!("{timed} nodes were timed, the routine has {known}, or others");
            return Err(Error::Shape { op: "profile", what });
        }
    }
    let join = |(n, work): (usize, Work)| {
        let seconds = Sampled::of(profiles.iter().map(|p| p[n].seconds).collect());
        let took = seconds.median;
        let rate = |amount: f64| if took > 0.0 { amount / took * 1e-9 } else { 0.0 };
        Kernel {
            gflop_s: rate(work.flops),
            gb_s: rate(work.bytes),
            roofline_share: None,
            limited_by: None,
            level: None,
            least: 0.0,
            launches: profiles.first().map_or(0, |p| p[n].launches),
            work,
            seconds,
        }
    };
    Ok(work.into_iter().enumerate().map(join).collect())
}

/// Seconds of the cheapest launch: what a launch costs that has nothing to do.
pub fn cheapest<'a>(kernels: impl Iterator<Item = &'a Kernel>) -> f64 {
    let each = kernels.map(|k| k.seconds.median / k.launches.max(1) as f64);
    each.fold(f64::INFINITY, f64::min)
}

impl Kernel {
    /// Holds it against the peaks; `launch` is what a launch costs.
    pub fn judge(&mut self, peaks: &Peaks, launch: f64, real: usize) {
        let (level, bandwidth) = peaks.bandwidth(self.work.working_set);
        let compute = self.work.flops / flop_rate(peaks, real);
        let memory = self.work.bytes / (bandwidth * 1e9);
        self.least = compute.max(memory);
        self.level = Some(level.to_owned());
        let took = self.seconds.median;
        self.roofline_share = (took > 0.0).then(|| self.least / took);
        self.limited_by = Some(if self.least < launch * self.launches as f64 {
            Limit::Overhead
        } else if memory >= compute {
            Limit::Memory
        } else {
            Limit::Compute
        });
    }
}

/// Operations a second: half as many lanes hold numbers of twice the size.
fn flop_rate(peaks: &Peaks, real: usize) -> f64 {
    peaks.flops() * 1e9 * 4.0 / real as f64
}

/// Where the time of a whole step went, as parts of it.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Parts {
    pub memory: f64,
    pub compute: f64,
    /// Launches, and what the host did while the device waited.
    pub overhead: f64,
}

impl Parts {
    /// Of judged kernels; `outside`: seconds of the step outside them.
    pub fn of(kernels: &[Kernel], outside: f64) -> Self {
        let by = |limit| {
            let limited = kernels.iter().filter(|k| k.limited_by == Some(limit));
            limited.map(|k| k.seconds.median).sum::<f64>()
        };
        let overhead = by(Limit::Overhead) + outside;
        let (memory, compute) = (by(Limit::Memory), by(Limit::Compute));
        let all = (memory + compute + overhead).max(f64::MIN_POSITIVE);
        Self { memory: memory / all, compute: compute / all, overhead: overhead / all }
    }

    /// The largest.
    pub fn limit(self) -> Limit {
        if self.overhead > self.memory.max(self.compute) {
            Limit::Overhead
        } else if self.memory >= self.compute {
            Limit::Memory
        } else {
            Limit::Compute
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::peaks::{Level, Rate};
    use super::*;

    fn rate(best: f64) -> Rate {
        Rate { best, tries: vec![best] }
    }

    /// 100 GFLOP/s, 10 GB/s; a node each of much memory, much arithmetic, and next to nothing.
    #[test]
    fn each_limit_is_found() {
        let (name, all) = ("memory".to_owned(), rate(10.0));
        let copy = vec![Level { name, holds: None, one_thread: None, all }];
        let (copy_by_size, fma) = (Vec::new(), rate(100.0));
        let peaks = Peaks { copy, copy_by_size, fma_one_thread: None, fma, fma_and_sums: None };
        let node = |flops: f64, bytes: f64| Work {
            section: "samples",
            op: "add",
            kind: "add",
            output: String::new(),
            flops,
            bytes,
            working_set: bytes,
        };
        let work = vec![node(1e6, 1e8), node(1e10, 1e8), node(1.0, 4.0)];
        let time = |seconds| NodeTime { op: "add", seconds, launches: 1 };
        let profile = vec![time(0.02), time(0.2), time(1e-5)];
        let mut found = kernels(work.clone(), &[profile.clone(), profile]).unwrap();
        let launch = cheapest(found.iter());
        assert_eq!(launch, 1e-5);
        for k in &mut found {
            k.judge(&peaks, launch, 4);
        }
        let limits: Vec<_> = found.iter().map(|k| k.limited_by.unwrap()).collect();
        assert_eq!(limits, [Limit::Memory, Limit::Compute, Limit::Overhead]);
        assert!((found[0].roofline_share.unwrap() - 0.5).abs() < 1e-9);
        assert!((found[1].roofline_share.unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(Parts::of(&found, 0.01).limit(), Limit::Compute);
        assert_eq!(Parts::of(&found, 1.0).limit(), Limit::Overhead);
        assert!(kernels(work, &[vec![time(1.0)]]).is_err(), "a node is missing");
    }
}
