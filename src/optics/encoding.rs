//! How a sample of the data becomes light: v in 0..1 to amplitude, phase or both.

use std::sync::Arc;

use num_complex::Complex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::Grid;
use crate::math::sparse::Sparse;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    #[serde(default)]
    pub encoding: Modulation,
    /// Part of the window's width that the image fills, 0..1; dark outside.
    #[serde(default = "default_aperture")]
    pub aperture: f64,
    #[serde(default)]
    pub resample: Resample,
    /// How a sample becomes the light of a chip's guides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<Front>,
    /// Each sample is brought to this power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
    /// Phase at v = 1 in radians, for `phase` and `both`.
    #[serde(default = "default_phase_range")]
    pub phase_range: f64,
    /// What the training set said where the front end learns from it.
    #[serde(skip)]
    #[schemars(skip)]
    pub learnt: Option<Arc<Learnt>>,
}

/// E_k = Σ_p images[p, k] v_p + offset_k: a front end made of the training set.
#[derive(Debug, Clone, PartialEq)]
pub struct Learnt {
    /// `[values, modes]`.
    pub images: Vec<f64>,
    /// `[modes]`.
    pub offset: Vec<f64>,
}

/// From a sample to one number a guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Front {
    /// The k x k lowest Fourier coefficients of an image, complex, k² guides; frequency 0 first,
    /// then from left to right and top to bottom (Williamson 2020, IEEE JSTQE 26, 7700412).
    Fourier,
    /// The means of k x k blocks of an image, k² guides.
    Pool,
    /// The values of a vector on the first guides; the others are dark.
    Vector,
    /// The complex numbers of a sample on the first guides; the others are dark.
    Complex,
    /// The scores of a sample on the principal components of the training set, largest first.
    Pca,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Modulation {
    /// E = v.
    #[default]
    Amplitude,
    /// E = exp(i v `phase_range`) inside the aperture.
    Phase,
    /// E = v exp(i v `phase_range`).
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    #[default]
    Nearest,
    Bilinear,
}

pub fn default_aperture() -> f64 {
    0.7
}

fn default_phase_range() -> f64 {
    std::f64::consts::PI
}

impl Front {
    /// The real map `[modes]` of an image `[height, width]`, of pooling and of vectors.
    pub fn real(self, modes: usize, [height, width]: [usize; 2]) -> Sparse {
        let mut rows = vec![Vec::new(); modes];
        if self == Self::Vector {
            let values = rows.iter_mut().enumerate().take(height * width);
            values.for_each(|(i, row)| row.push((i, 1.0)));
        } else {
            let k = side(modes);
            let area = ((height as f64 / k as f64) * (width as f64 / k as f64)).recip();
            // Shares of a pixel where blocks do not end on one.
            let share = |i: usize, block: usize, n: usize| {
                let [low, high] = [block, block + 1].map(|b| b as f64 * n as f64 / k as f64);
                (high.min(i as f64 + 1.0) - low.max(i as f64)).max(0.0)
            };
            for (b, row) in rows.iter_mut().enumerate() {
                for p in 0..height * width {
                    let weight =
                        share(p / width, b / k, height) * share(p % width, b % k, width) * area;
                    if weight > 0.0 {
                        row.push((p, weight));
                    }
                }
            }
        }
        Sparse::from_rows(height * width, &rows)
    }

    /// 1 and i on the guide of each pair of `values` `[values, modes]`.
    pub fn pairs(modes: usize, values: usize) -> Vec<Complex<f64>> {
        let mut map = vec![Complex::ZERO; values * modes];
        for v in 0..values {
            map[v * modes + v / 2] = if v % 2 == 0 { Complex::ONE } else { Complex::I };
        }
        map
    }

    /// exp(-2πi (f_y y / height + f_x x / width)) / √(height width), `[pixels, modes]`.
    pub fn fourier(modes: usize, [height, width]: [usize; 2]) -> Vec<Complex<f64>> {
        let k = side(modes) as i64;
        // 0, then -k/2 .. k - k/2 without it: the lowest, most of them once each.
        let all = (0..k * k).map(|m| [m / k - k / 2, m % k - k / 2]);
        let mut frequencies: Vec<[i64; 2]> = all.filter(|f| *f != [0, 0]).collect();
        frequencies.insert(0, [0, 0]);
        let scale = ((height * width) as f64).sqrt().recip();
        let at = |p: usize, [fy, fx]: [i64; 2]| {
            let turns = fy as f64 * (p / width) as f64 / height as f64
                + fx as f64 * (p % width) as f64 / width as f64;
            Complex::cis(-std::f64::consts::TAU * turns.fract()).scale(scale)
        };
        let pixels = 0..height * width;
        pixels.flat_map(|p| frequencies.iter().map(move |&f| at(p, f))).collect()
    }
}

/// k where modes = k².
fn side(modes: usize) -> usize {
    modes.isqrt()
}

impl Encoding {
    /// Side of the image on the grid in samples (y, x).
    pub fn window(&self, grid: &Grid) -> [usize; 2] {
        grid.samples.map(|n| ((self.aperture * n as f64).round() as usize).clamp(1, n))
    }

    /// Guides of a chip that the numbers of a sample light, the first; the others are dark.
    pub fn lit(&self, modes: usize, values: usize) -> usize {
        match self.front.unwrap_or(Front::Vector) {
            Front::Vector => values.min(modes),
            Front::Complex => (values / 2).min(modes),
            Front::Fourier | Front::Pool | Front::Pca => modes,
        }
    }

    /// 1 inside the centred window and 0 outside, `[y, x]`.
    pub fn inside(&self, grid: &Grid) -> Vec<f64> {
        let place = self.placement(grid, [1, 1]);
        (0..grid.len()).map(|p| f64::from(u8::from(place.start[p + 1] > place.start[p]))).collect()
    }

    /// The linear map from an image `[height, width]` to v `[y, x]`, image row 0 at the top.
    pub fn placement(&self, grid: &Grid, image: [usize; 2]) -> Sparse {
        let window = self.window(grid);
        let [ny, nx] = grid.samples;
        let corner = [(ny - window[0]) / 2, (nx - window[1]) / 2];
        let taps = |a: usize, i: usize| -> Vec<(usize, f64)> {
            // Centre of the sample in image pixels, pixel centres at k + 1/2.
            let p = (i as f64 + 0.5) * image[a] as f64 / window[a] as f64;
            match self.resample {
                Resample::Nearest => vec![((p as usize).min(image[a] - 1), 1.0)],
                Resample::Bilinear => {
                    let q = (p - 0.5).clamp(0.0, image[a] as f64 - 1.0);
                    let low = q.floor() as usize;
                    let share = q - low as f64;
                    let mut taps = vec![(low, 1.0 - share)];
                    if share > 0.0 {
                        taps.push((low + 1, share));
                    }
                    taps
                }
            }
        };
        let mut rows = vec![Vec::new(); grid.len()];
        for j in 0..window[0] {
            for i in 0..window[1] {
                let row = &mut rows[(corner[0] + j) * nx + corner[1] + i];
                for (v, wv) in taps(0, j) {
                    for (u, wu) in taps(1, i) {
                        row.push((v * image[1] + u, wv * wu));
                    }
                }
            }
        }
        Sparse::from_rows(image[0] * image[1], &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(resample: Resample) -> Encoding {
        let (front, power, encoding) = (None, None, Modulation::Amplitude);
        Encoding { encoding, aperture: 0.7, resample, front, power, phase_range: 1.0, learnt: None }
    }

    /// Every sample of the window takes weights that sum to 1, the others none; nearest agrees with
    /// the formula of `numpy.floor((i + 0.5) * 28 / 45)`, written out.
    #[test]
    fn images_fill_their_window() {
        let grid = Grid { samples: [64, 64], pitch: [1.0; 2] };
        for resample in [Resample::Nearest, Resample::Bilinear] {
            let map = encoding(resample).placement(&grid, [28, 28]);
            assert_eq!(map.rows(), 64 * 64);
            for p in 0..64 * 64 {
                let (j, i) = (p / 64, p % 64);
                let row = map.start[p] as usize..map.start[p + 1] as usize;
                // 0.7 x 64 is 45 samples, from (64 - 45) / 2 = 9.
                let inside = (9..54).contains(&j) && (9..54).contains(&i);
                let sum: f64 = map.weight[row.clone()].iter().sum();
                assert!((sum - f64::from(u8::from(inside))).abs() < 1e-12, "({j}, {i}): {sum}");
                if inside && resample == Resample::Nearest {
                    let source = |k: usize| (2 * (k - 9) + 1) * 28 / 90;
                    assert_eq!(map.index[row.start] as usize, source(j) * 28 + source(i));
                }
            }
        }
    }

    #[test]
    fn transposing_twice_changes_nothing() {
        let grid = Grid { samples: [12, 10], pitch: [1.0; 2] };
        let map = encoding(Resample::Bilinear).placement(&grid, [5, 4]);
        assert_eq!(map.transposed().transposed(), map);
        assert_eq!((map.transposed().rows(), map.transposed().columns), (20, 120));
    }
}
