//! Times of finished work. Contenders take turns in every round, so that whatever else the
//! machine does falls on all of them alike; a ratio is taken inside each round, then its median.

use serde::Serialize;

use crate::error::Result;

/// A sample is repeated work of at least so many seconds: far above the clock's own grain.
const SHORTEST_SAMPLE: f64 = 2e-3;
/// A sample repeats its work at most so often.
const MOST_REPEATS: usize = 1000;

/// Seconds, or ratios of seconds, with all that was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Sampled {
    pub median: f64,
    /// First and third quartile.
    pub quartiles: [f64; 2],
    pub n: usize,
    pub samples: Vec<f64>,
}

impl Sampled {
    pub fn of(samples: Vec<f64>) -> Self {
        let mut sorted = samples.clone();
        sorted.sort_by(f64::total_cmp);
        Self {
            median: quantile(&sorted, 0.5),
            quartiles: [quantile(&sorted, 0.25), quantile(&sorted, 0.75)],
            n: samples.len(),
            samples,
        }
    }

    /// This over other, round by round.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        Self::of(self.samples.iter().zip(&other.samples).map(|(a, b)| a / b).collect())
    }
}

/// Of sorted values, by linear interpolation; NaN of none.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = q * last as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (at - at.floor()) * (sorted[high] - sorted[low])
}

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Aim for one comparison, all contenders together.
    pub seconds: f64,
    /// At least and at most.
    pub rounds: [usize; 2],
}

impl Effort {
    pub fn rounds_of(self, seconds_each: f64) -> usize {
        ((self.seconds / seconds_each) as usize).clamp(self.rounds[0], self.rounds[1])
    }
}

/// Times `contenders` contenders; `run(c, n)` does the work of contender c n times, finishes it,
/// and returns the seconds that this took.
///
/// The first run of each, which compiles and fills caches, does not count; the second sets how
/// often the work is repeated. Where that is once, the second runs are the first round.
pub fn interleave(
    contenders: usize,
    effort: Effort,
    run: &mut dyn FnMut(usize, usize) -> Result<f64>,
) -> Result<Vec<Sampled>> {
    let mut repeats = Vec::with_capacity(contenders);
    let mut seen = vec![Vec::new(); contenders];
    let mut round = 0.0;
    for seen in &mut seen {
        let c = repeats.len();
        run(c, 1)?;
        let once = run(c, 1)?.max(1e-9);
        let n = ((SHORTEST_SAMPLE / once).ceil() as usize).clamp(1, MOST_REPEATS);
        repeats.push(n);
        round += once * n as f64;
        seen.push(once);
    }
    if repeats.iter().any(|&n| n > 1) {
        seen.iter_mut().for_each(Vec::clear);
    }
    for r in seen[0].len()..effort.rounds_of(round) {
        for turn in 0..contenders {
            // Each goes first as often as any other.
            let c = (r + turn) % contenders;
            seen[c].push(run(c, repeats[c])? / repeats[c] as f64);
        }
    }
    Ok(seen.into_iter().map(Sampled::of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_of_a_few_values() {
        let s = Sampled::of(vec![4.0, 1.0, 3.0, 2.0, 5.0]);
        assert_eq!((s.median, s.quartiles, s.n), (3.0, [2.0, 4.0], 5));
        assert_eq!(s.samples[0], 4.0, "raw samples stay in their order");
        assert!(Sampled::of(Vec::new()).median.is_nan());
    }

    /// A slowness that comes and goes falls on both contenders and leaves their ratio.
    #[test]
    fn ratios_are_of_one_round() {
        let mut calls = 0.0;
        let effort = Effort { seconds: 1.0, rounds: [9, 9] };
        let mut run = |c: usize, n: usize| {
            calls += 1.0;
            let slow = if calls > 12.0 { 2.0 } else { 1.0 };
            Ok(slow * n as f64 * if c == 0 { 0.1 } else { 0.3 })
        };
        let times = interleave(2, effort, &mut run).unwrap();
        let ratio = times[1].over(&times[0]);
        assert_eq!(ratio.n, 9);
        assert!((ratio.median - 3.0).abs() < 1e-12, "{ratio:?}");
        assert_eq!(calls, 2.0 + 2.0 * 9.0, "one run each does not count");
    }
}
