//! A few numbers that stand for many parameters: what coordinate searches and evolution strategies
//! can move. θ = θ0 + B z, B fixed: superpixels, Zernike polynomials, or every phase of a mesh.

use super::recipe::{Basis, Reduced};
use crate::error::{Error, Result};
use crate::program::SlotId;

/// Numbers at most: beyond them a search that learns nothing of their gradient does not end.
pub const MOST: usize = 300;

/// Whether a search moves a parameter: a digital layer keeps its start.
pub fn moves(name: &str) -> bool {
    name.starts_with("optic.")
}

/// The window of a parameter that is a plane.
fn window(dims: &[usize]) -> Option<[usize; 2]> {
    match *dims {
        [ny, nx] if ny > 1 => Some([ny, nx]),
        _ => None,
    }
}

/// Numbers that stand for a parameter of these dimensions.
pub fn numbers(reduced: &Reduced, dims: &[usize]) -> usize {
    match (window(dims), reduced.basis) {
        (Some(window), Basis::Superpixels) => {
            window.iter().map(|&n| n.min(reduced.across)).product()
        }
        (Some(_), Basis::Zernike) => reduced.count,
        (None, _) => dims.iter().product(),
    }
}

/// One parameter and its share of the numbers.
#[derive(Debug, Clone)]
struct Part {
    slot: SlotId,
    start: Vec<f64>,
    /// Images of the numbers `[numbers, len]`.
    images: Vec<Vec<f64>>,
}

/// The map from numbers to parameters.
#[derive(Debug, Clone)]
pub struct Space {
    parts: Vec<Part>,
}

/// Zernike polynomials by Noll's order over the disc around a window (Noll 1976, JOSA 66, 207), each
/// of rms 1.
fn zernike(j: usize, [ny, nx]: [usize; 2]) -> Vec<f64> {
    let mut n = 0;
    while (n + 1) * (n + 2) / 2 < j {
        n += 1;
    }
    let place = j - n * (n + 1) / 2 - 1;
    let m = if n.is_multiple_of(2) { 2 * place.div_ceil(2) } else { 2 * (place / 2) + 1 };
    let factorial = |k: usize| (1..=k).map(|i| i as f64).product::<f64>();
    let radial = |r: f64| {
        (0..=(n - m) / 2)
            .map(|s| {
                let sign = if s.is_multiple_of(2) { 1.0 } else { -1.0 };
                let below = factorial(s)
                    * factorial(usize::midpoint(n, m) - s)
                    * factorial((n - m) / 2 - s);
                sign * factorial(n - s) / below * r.powi((n - 2 * s) as i32)
            })
            .sum::<f64>()
    };
    // The disc goes through the corners, so that no sample lies outside.
    let at = |p: usize| {
        let of = |k: usize, n: usize| (2.0 * k as f64 + 1.0) / n as f64 - 1.0;
        [of(p / nx, ny), of(p % nx, nx)].map(|u| u / 2f64.sqrt())
    };
    let value = |p: usize| {
        let [y, x] = at(p);
        let (r, angle) = (y.hypot(x), y.atan2(x));
        let around = if m == 0 {
            1.0
        } else if j.is_multiple_of(2) {
            (m as f64 * angle).cos()
        } else {
            (m as f64 * angle).sin()
        };
        radial(r) * around
    };
    let all: Vec<f64> = (0..ny * nx).map(value).collect();
    let rms = (all.iter().map(|v| v * v).sum::<f64>() / all.len() as f64).sqrt();
    all.iter().map(|v| v / rms.max(1e-12)).collect()
}

/// Blocks of a window, k of them across.
fn superpixels(k: usize, [ny, nx]: [usize; 2]) -> Vec<Vec<f64>> {
    let k = [k.min(ny), k.min(nx)];
    let block = |p: usize| {
        let [y, x] = [(p / nx) * k[0] / ny, (p % nx) * k[1] / nx];
        y * k[1] + x
    };
    (0..k[0] * k[1])
        .map(|b| (0..ny * nx).map(|p| f64::from(u8::from(block(p) == b))).collect())
        .collect()
}

impl Space {
    /// Of parameters with their dimensions and where they stand.
    pub fn new(reduced: &Reduced, params: Vec<(SlotId, Vec<usize>, Vec<f64>)>) -> Result<Self> {
        let mut parts = Vec::new();
        for (slot, dims, start) in params {
            let len = start.len();
            let images = match (window(&dims), reduced.basis) {
                (Some(window), Basis::Superpixels) => superpixels(reduced.across, window),
                (Some(window), Basis::Zernike) => {
                    // From tilt on: a piston does nothing.
                    (2..2 + reduced.count).map(|j| zernike(j, window)).collect()
                }
                // Phases of a mesh, attenuators, a digital layer: each for itself.
                (None, _) => (0..len)
                    .map(|k| (0..len).map(|i| f64::from(u8::from(i == k))).collect())
                    .collect(),
            };
            parts.push(Part { slot, start, images });
        }
        let space = Self { parts };
        let n = space.numbers();
        if n > MOST || n == 0 {
            let rule = format!("{n} numbers; searches without a gradient move 1 to {MOST}");
            return Err(Error::invalid("train.reduced", rule)
                .help("use fewer superpixels across (train.reduced.across) or fewer Zernike polynomials (train.reduced.count)"));
        }
        Ok(space)
    }

    pub fn numbers(&self) -> usize {
        self.parts.iter().map(|p| p.images.len()).sum()
    }

    /// The parameters at z.
    pub fn at(&self, z: &[f64]) -> Vec<(SlotId, Vec<f64>)> {
        let mut from = 0;
        let one = |part: &Part| {
            let mut theta = part.start.clone();
            for (image, &z) in part.images.iter().zip(&z[from..]) {
                if z != 0.0 {
                    theta.iter_mut().zip(image).for_each(|(t, b)| *t += z * b);
                }
            }
            from += part.images.len();
            (part.slot, theta)
        };
        self.parts.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tilts, defocus and astigmatism by their formulas, up to their length.
    #[test]
    fn zernikes_are_nolls() {
        let n = [8, 8];
        let along = |j: usize, f: &dyn Fn(f64, f64) -> f64| {
            let own = zernike(j, n);
            let at = |k: usize| ((2.0 * k as f64 + 1.0) / 8.0 - 1.0) / 2f64.sqrt();
            let other: Vec<f64> = (0..64).map(|p| f(at(p / 8), at(p % 8))).collect();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            dot(&own, &other) / (dot(&own, &own) * dot(&other, &other)).sqrt()
        };
        assert!((along(2, &|_, x| x) - 1.0).abs() < 1e-12);
        assert!((along(3, &|y, _| y) - 1.0).abs() < 1e-12);
        assert!((along(4, &|y, x| 2.0 * (y * y + x * x) - 1.0) - 1.0).abs() < 1e-12);
        assert!((along(5, &|y, x| 2.0 * x * y) - 1.0).abs() < 1e-12);
        assert!((along(6, &|y, x| x * x - y * y) - 1.0).abs() < 1e-12);
    }

    /// Every sample lies in one superpixel.
    #[test]
    fn superpixels_tile_the_window() {
        let all = superpixels(3, [7, 5]);
        assert_eq!(all.len(), 9);
        assert!((0..35).all(|p| all.iter().map(|b| b[p]).sum::<f64>() == 1.0));
    }
}
