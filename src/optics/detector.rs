//! Where the light is read: one region per class, or a pair of regions per class.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::element::Outline;
use super::grid::Grid;
use crate::math::sparse::Sparse;
use crate::units::Metres;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// `grid`: rows as even as possible; `ring`: on a circle.
    #[serde(default)]
    pub layout: Layout,
    #[serde(default)]
    pub shape: Outline,
    /// Side or diameter of a region; a chip's regions are its guides, and have neither size nor place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Metres>,
    /// Part of the window's width over which the regions are spread, 0..1.
    #[serde(default = "default_spread")]
    pub spread: f64,
    /// Two regions per class, read as (I₊ - I₋) / (I₊ + I₋) (Li 2019, Adv. Photon. 1, 046001).
    #[serde(default)]
    pub differential: bool,
    /// Regions along (y, x) of a grid; chosen when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<[usize; 2]>,
    /// A digital layer behind the detectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
}

/// z = W r + b on the shares r of the light on so many detectors (Mengu 2019, IEEE JSTQE 26,
/// 3700114); W starts at random, uniform within ±1/√readings, b at 0.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Detectors that it sees; 100 is a grid of 10 x 10.
    pub readings: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    #[default]
    Grid,
    Ring,
}

pub fn default_spread() -> f64 {
    0.8
}

/// A region's centre and full size (y, x) in metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    pub outline: Outline,
    pub centre: [f64; 2],
    pub size: [f64; 2],
}

impl Detector {
    /// Detectors that are read for `classes` classes.
    pub fn count(&self, classes: usize) -> usize {
        match &self.head {
            Some(head) => head.readings,
            None if self.differential => 2 * classes,
            None => classes,
        }
    }

    /// Regions for `classes` classes: with differential detection the positive ones first,
    /// then the negative ones, both in class order.
    pub fn regions(&self, grid: &Grid, classes: usize) -> Vec<Region> {
        let count = self.count(classes);
        let extent = grid.extent().map(|e| e * self.spread);
        // What is missing is refused before anyone asks.
        let size = self.size.map_or(0.0, |size| size.0);
        let at = |centre: [f64; 2]| Region { outline: self.shape, centre, size: [size; 2] };
        match self.layout {
            Layout::Ring => (0..count)
                .map(|k| {
                    let angle = std::f64::consts::TAU * k as f64 / count as f64;
                    at([-angle.cos() * extent[0] / 2.0, angle.sin() * extent[1] / 2.0])
                })
                .collect(),
            Layout::Grid => {
                let rows = self.rows(count);
                let mut regions = Vec::with_capacity(count);
                let mut placed = 0;
                for j in 0..rows {
                    // Rows as even as possible, the longer ones first: 10 in 3 rows is 4, 3, 3.
                    let here = (count - placed).div_ceil(rows - j);
                    for i in 0..here {
                        let along = |k: usize, n: usize, width: f64| {
                            ((k as f64 + 0.5) / n as f64 - 0.5) * width
                        };
                        regions.push(at([along(j, rows, extent[0]), along(i, here, extent[1])]));
                    }
                    placed += here;
                }
                regions
            }
        }
    }

    /// Rows of a grid of `count` regions: as given, or the largest that leaves rows no shorter
    /// than the grid is tall.
    fn rows(&self, count: usize) -> usize {
        self.grid
            .map_or_else(|| ((count as f64).sqrt() as usize).max(1), |[rows, _]| rows)
            .min(count.max(1))
    }

    /// The map from the powers of a chip's guides to those that are read: the first of them.
    pub fn ports(&self, modes: usize, classes: usize) -> Sparse {
        let count = self.count(classes);
        Sparse::from_rows(modes, &(0..count).map(|k| vec![(k, 1.0)]).collect::<Vec<_>>())
    }

    /// The map from intensity `[y, x]` to the power in each region (unit: intensity x samples).
    pub fn weights(&self, grid: &Grid, classes: usize) -> Sparse {
        let rows: Vec<Vec<(usize, f64)>> = self
            .regions(grid, classes)
            .iter()
            .map(|r| {
                let cover = r.outline.cover(grid, r.centre, r.size);
                cover.into_iter().enumerate().filter(|(_, w)| *w > 0.0).collect()
            })
            .collect();
        Sparse::from_rows(grid.len(), &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector(layout: Layout, differential: bool, grid: Option<[usize; 2]>) -> Detector {
        let (shape, size) = (Outline::Square, Some(Metres(2.56e-3)));
        Detector { layout, shape, size, spread: 0.8, differential, grid, head: None }
    }

    /// Twenty squares of a tenth of the window, in 4 rows of 5: inside, apart, each of its full area.
    #[test]
    fn regions_lie_apart_and_hold_their_area() {
        let grid = Grid { samples: [64, 64], pitch: [0.4e-3; 2] };
        for (d, count) in [
            (detector(Layout::Grid, true, Some([4, 5])), 20),
            (detector(Layout::Grid, false, None), 10),
            (detector(Layout::Ring, false, None), 10),
        ] {
            let regions = d.regions(&grid, 10);
            assert_eq!(regions.len(), count);
            let weights = d.weights(&grid, 10);
            let mut seen = vec![0.0; grid.len()];
            for r in 0..count {
                let row = weights.start[r] as usize..weights.start[r + 1] as usize;
                let area: f64 = weights.weight[row.clone()].iter().sum();
                assert!((area - 6.4 * 6.4).abs() < 1e-9, "region {r} has {area} samples");
                row.for_each(|k| seen[weights.index[k] as usize] += weights.weight[k]);
            }
            assert!(seen.iter().all(|&s| s <= 1.0 + 1e-9), "{:?} counts light twice", d.layout);
        }
        let rows: Vec<f64> = detector(Layout::Grid, true, Some([4, 5]))
            .regions(&grid, 10)
            .iter()
            .map(|r| r.centre[0])
            .collect();
        assert!(rows[0] == rows[4] && rows[4] < rows[5], "five regions a row, top row first");
    }
}
