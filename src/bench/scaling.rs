//! How time grows along three axes through one centre: samples across, batch, depth.
//!
//! Each axis is swept up and down again, so that a machine that slows in between does not bend it,
//! and what takes long is run once each way; a quick look goes up alone.

use serde::Serialize;

use super::clock::{Effort, Sampled};
use super::point::{Device, Refused, bare};
use super::sheets::spread;
use super::stack;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::Experiment;

/// Samples across, batch, masks.
pub const CENTRE: [usize; 3] = [256, 32, 5];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Along {
    Size,
    Batch,
    Depth,
}

impl Along {
    pub const ALL: [Self; 3] = [Self::Size, Self::Batch, Self::Depth];

    /// What the work should be proportional to at `value`.
    pub fn work(self, value: usize) -> f64 {
        let n = value as f64;
        match self {
            Self::Size => n * n * n.log2(),
            Self::Batch => n,
            // P masks lie between P + 1 propagations.
            Self::Depth => n + 1.0,
        }
    }

    pub fn law(self) -> &'static str {
        match self {
            Self::Size => "N² log N",
            Self::Batch => "batch",
            Self::Depth => "depth + 1",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "N",
            Self::Batch => "batch",
            Self::Depth => "depth",
        }
    }

    /// The values along the axis; `quick` keeps to those that take little.
    fn values(self, quick: bool) -> Vec<usize> {
        let powers = |from: u32, to: u32| (from..=to).map(|p| 1 << p).collect();
        match self {
            Self::Size => powers(6, if quick { 8 } else { 11 }),
            Self::Batch if quick => vec![1, 8, 32],
            Self::Batch => powers(0, 8),
            Self::Depth if quick => vec![1, 2, 5],
            Self::Depth => vec![1, 2, 3, 5, 8, 12, 16, 20],
        }
    }

    /// Samples across, batch, masks.
    fn at(self, value: usize) -> [usize; 3] {
        let mut at = CENTRE;
        at[self as usize] = value;
        at
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub value: usize,
    /// Seconds of one batch.
    pub train: Sampled,
    pub infer: Sampled,
}

#[derive(Debug, Clone, Serialize)]
pub struct Axis {
    pub along: Along,
    pub law: &'static str,
    pub rows: Vec<Row>,
    /// Time grows as the law to this power, by least squares of the logarithms: 1 is the law. None of
    /// fewer than two rows.
    pub train_exponent: Option<f64>,
    pub infer_exponent: Option<f64>,
    pub refused: Vec<Refused>,
}

/// The standard stack at a point, with a user's overrides.
fn at([size, batch, depth]: [usize; 3], overrides: &[String]) -> Result<Experiment> {
    let experiment = stack::standard(size, depth, batch, overrides)?;
    let swept = [
        ("optic.samples", experiment.optic.grid().samples == [size; 2]),
        ("optic.element", experiment.optic.element.len() == 2 * depth + 1),
        ("train.batch", experiment.train.as_ref().is_none_or(|recipe| recipe.batch == batch)),
    ];
    match swept.into_iter().find(|(_, is_ours)| !is_ours) {
        None => Ok(experiment),
        Some((key, _)) => Err(Error::invalid(key, "what --cost-table sweeps cannot be set")
            .help("leave it out, or measure an experiment of your own")),
    }
}

/// Refuses what would end the sweeps, before anything is measured.
pub fn check(data: &Dataset, quick: bool, overrides: &[String]) -> Result<()> {
    for along in Along::ALL {
        for value in along.values(quick) {
            let point = along.at(value);
            at(point, overrides)?;
            let (batch, there) = (point[1], data.train.len());
            if batch > there {
                let rule =
                    format!("--cost-table takes batches of {batch}, and {there} samples train");
                return Err(Error::invalid("data", rule).help("let more samples train"));
            }
        }
    }
    Ok(())
}

/// Measures one axis; `told` hears of each point before it is measured, and then its times, with the
/// axis as far as it is known.
pub fn axis(
    device: &Device,
    data: &Dataset,
    along: Along,
    (quick, overrides): (bool, &[String]),
    told: &mut dyn FnMut(&str, Option<Axis>) -> Result<()>,
) -> Result<()> {
    let effort = Effort {
        seconds: if quick { 0.1 } else { 1.0 },
        rounds: if quick { [1, 5] } else { [1, 15] },
    };
    sweep(along, quick, told, &mut |point| {
        bare(device, &at(point, overrides)?, data, point[1], effort)
    })
}

/// Up the axis, and down again where there is time; `time` measures one training step and one
/// inference.
fn sweep(
    along: Along,
    quick: bool,
    told: &mut dyn FnMut(&str, Option<Axis>) -> Result<()>,
    time: &mut dyn FnMut([usize; 3]) -> Result<[Sampled; 2]>,
) -> Result<()> {
    let values = along.values(quick);
    let mut seen = vec![[Vec::new(), Vec::new()]; values.len()];
    let mut refused = Vec::new();
    let down = if quick { 0 } else { values.len() };
    for i in (0..values.len()).chain((0..down).rev()) {
        let what = format!("{} = {}", along.name(), values[i]);
        if refused.iter().any(|r: &Refused| r.what == what) {
            continue;
        }
        told(&what, None)?;
        let said = match time(along.at(values[i])) {
            Ok(times) => {
                let [train, infer] = times.each_ref().map(spread);
                for (all, new) in seen[i].iter_mut().zip(times) {
                    all.extend(new.samples);
                }
                format!("  training step {train}, inference {infer}")
            }
            Err(Error::Device { what: why, .. }) => {
                let said = format!("  {why}");
                refused.push(Refused { what, why });
                said
            }
            Err(other) => return Err(other),
        };
        told(&said, Some(Axis::of(along, &values, &seen, &refused)))?;
    }
    Ok(())
}

impl Axis {
    /// `seen`: seconds of training and of inference at each of the values, where they are known.
    fn of(along: Along, values: &[usize], seen: &[[Vec<f64>; 2]], refused: &[Refused]) -> Self {
        let rows: Vec<Row> = values
            .iter()
            .zip(seen)
            .filter(|(_, [train, _])| !train.is_empty())
            .map(|(&value, [train, infer])| Row {
                value,
                train: Sampled::of(train.clone()),
                infer: Sampled::of(infer.clone()),
            })
            .collect();
        let exponent = |time: fn(&Row) -> f64| {
            slope(rows.iter().map(|r| (along.work(r.value).ln(), time(r).ln())))
        };
        Self {
            train_exponent: exponent(|r| r.train.median),
            infer_exponent: exponent(|r| r.infer.median),
            along,
            law: along.law(),
            rows,
            refused: refused.to_vec(),
        }
    }
}

/// Of the line through the points, by least squares; none through fewer than two.
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> Option<f64> {
    let n = points.clone().count() as f64;
    let (sx, sy) = points.clone().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (mx, my) = (sx / n, sy / n);
    let moments = points
        .fold((0.0, 0.0), |(xy, xx), (x, y)| (xy + (x - mx) * (y - my), xx + (x - mx) * (x - mx)));
    (moments.1 > 0.0).then(|| moments.0 / moments.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times that follow a law to a power give that power.
    #[test]
    fn exponents_are_found() {
        for power in [0.8, 1.0, 1.2] {
            let times = (6..12).map(|p| 1 << p).map(|n| {
                let work = Along::Size.work(n);
                (work.ln(), (3e-9 * work.powf(power)).ln())
            });
            assert!((slope(times).expect("six points") - power).abs() < 1e-9);
        }
        assert_eq!(slope([(1.0, 2.0)].into_iter()), None);
        assert_eq!(slope([].into_iter()), None);
    }

    /// What a user sets reaches the stack that is measured, and what is swept cannot be set.
    #[test]
    fn overrides_reach_the_stack() {
        let with = |set: &str| at([32, 4, 2], &[set.to_owned()]);
        assert_eq!(with("seed=7").expect("a stack").seed, 7);
        let pitch = with("optic.pitch=0.5 mm").expect("a stack").optic.grid().pitch;
        assert!(pitch.iter().all(|p| (p - 0.5e-3).abs() < 1e-12), "{pitch:?}");
        for swept in [
            "optic.samples=64",
            "optic.element=[{ kind = \"phase_mask\" }, { kind = \"free_space\", z = \"1 mm\" }]",
            "train.batch=5",
        ] {
            let said = with(swept).expect_err("swept").to_string();
            assert!(said.contains("--cost-table"), "{said}");
        }
    }

    /// Each point is told with its times as soon as it has them, and lies in the axis so far; what a
    /// device refuses is not asked of it again on the way down.
    #[test]
    fn points_are_told_one_by_one() {
        let mut told = Vec::new();
        let mut hear = |said: &str, axis: Option<Axis>| {
            told.push((said.to_owned(), axis));
            Ok(())
        };
        sweep(Along::Depth, false, &mut hear, &mut |[_, _, depth]| match depth {
            20 => Err(Error::device("too deep")),
            _ => Ok([0.25, 0.125].map(|s| Sampled::of(vec![s * depth as f64]))),
        })
        .expect("it runs");
        let said = |k: usize| {
            let (said, axis) = &told[k];
            (&said[..], axis.as_ref().map(|a| [a.rows.len(), a.refused.len()]))
        };
        assert_eq!(said(0), ("depth = 1", None));
        let times = "  training step 250 ms (250 to 250), inference 125 ms (125 to 125)";
        assert_eq!(said(1), (times, Some([1, 0])));
        assert_eq!([said(14), said(15)], [("depth = 20", None), ("  too deep", Some([7, 1]))]);
        assert_eq!((said(16), told.len()), (("depth = 16", None), 2 * (8 + 7)));
        let last = told.last().and_then(|(_, axis)| axis.as_ref()).expect("an axis");
        assert_eq!((last.rows.len(), last.rows[6].train.n, last.refused.len()), (7, 2, 1));
    }

    #[test]
    fn axes_cross_at_the_centre() {
        for along in Along::ALL {
            let here = CENTRE[along as usize];
            assert!(along.values(false).contains(&here), "{along:?}");
            assert_eq!(along.at(here), CENTRE);
        }
    }
}
