//! A few numbers that stand for many parameters: what coordinate searches and evolution strategies
//! can move. θ = θ0 + B z, B fixed: superpixels, Zernike polynomials, or every phase of a mesh.

use super::recipe::{Basis, Reduced};
use crate::error::{Error, Result};
use crate::optics::zernike::zernike;
use crate::program::SlotId;

/// Numbers at most: beyond them a search that learns nothing of their gradient does not end.
pub const MOST: usize = 300;

/// Whether a search moves a parameter: a digital layer has its gradient ([`super::head`]).
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

/// A parameter that is moved.
#[derive(Debug, Clone)]
pub struct Moved {
    pub slot: SlotId,
    pub dims: Vec<usize>,
    /// Where it stands at z = 0.
    pub start: Vec<f64>,
    /// Which it never leaves.
    pub bounds: Option<[f64; 2]>,
}

/// One parameter and its share of the numbers.
#[derive(Debug, Clone)]
struct Part {
    slot: SlotId,
    start: Vec<f64>,
    bounds: Option<[f64; 2]>,
    /// Beyond which a number moves nothing more `[numbers]`, where it moves samples of its own.
    ends: Vec<Option<[f64; 2]>>,
    /// Images of the numbers `[numbers, len]`.
    images: Vec<Vec<f64>>,
}

/// The map from numbers to parameters.
#[derive(Debug, Clone)]
pub struct Space {
    parts: Vec<Part>,
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

/// From where on no sample of an indicator moves within bounds.
fn ends(image: &[f64], start: &[f64], [low, high]: [f64; 2]) -> Option<[f64; 2]> {
    if image.iter().any(|&b| b != 0.0 && b != 1.0) {
        return None;
    }
    let own = image.iter().zip(start).filter(|(b, _)| **b == 1.0).map(|(_, start)| *start);
    let least = own.clone().fold(f64::INFINITY, f64::min);
    let most = own.fold(f64::NEG_INFINITY, f64::max);
    (most <= high && least >= low).then_some([low - most, high - least])
}

impl Space {
    pub fn new(reduced: &Reduced, params: Vec<Moved>) -> Result<Self> {
        let mut parts = Vec::new();
        for Moved { slot, dims, start, bounds } in params {
            let len = start.len();
            let images = match (window(&dims), reduced.basis) {
                (Some(window), Basis::Superpixels) => superpixels(reduced.across, window),
                (Some(window), Basis::Zernike) => {
                    // From tilt on: a piston does nothing.
                    (2..2 + reduced.count).map(|j| zernike(j, window)).collect()
                }
                // Phases of a mesh, attenuators: each for itself.
                (None, _) => (0..len)
                    .map(|k| (0..len).map(|i| f64::from(u8::from(i == k))).collect())
                    .collect(),
            };
            let ends = images.iter().map(|image| ends(image, &start, bounds?)).collect();
            parts.push(Part { slot, start, bounds, ends, images });
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

    fn ends(&self) -> impl Iterator<Item = &Option<[f64; 2]>> {
        self.parts.iter().flat_map(|part| &part.ends)
    }

    /// Whether more of number `k` moves nothing.
    pub fn is_at_top(&self, k: usize, z: f64) -> bool {
        self.ends().nth(k).is_some_and(|ends| ends.is_some_and(|[_, high]| z >= high))
    }

    /// Brings numbers back that are farther than their parameters can go.
    pub fn project(&self, z: &mut [f64]) {
        for (z, ends) in z.iter_mut().zip(self.ends()) {
            if let Some([low, high]) = ends {
                *z = z.clamp(*low, *high);
            }
        }
    }

    /// The parameters at z, none beyond its bounds.
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
            if let Some([low, high]) = part.bounds {
                for t in &mut theta {
                    *t = t.clamp(low, high);
                }
            }
            (part.slot, theta)
        };
        self.parts.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No parameter leaves its bounds, and no number goes on where nothing moves.
    #[test]
    fn numbers_end_where_parameters_do() {
        let (dims, bounds) = (vec![2, 2], Some([0.0, 1.0]));
        let start = vec![1.0, 0.5, 1.0, 0.25];
        let reduced = Reduced { across: 1, ..Reduced::default() };
        let moved = Moved { slot: SlotId(0), dims, start, bounds };
        let space = Space::new(&reduced, vec![moved]).unwrap();
        let mut z = [5.0];
        assert_eq!(space.at(&z)[0].1, [1.0; 4]);
        space.project(&mut z);
        assert_eq!(z, [0.75]);
        assert!(space.is_at_top(0, z[0]) && !space.is_at_top(0, 0.5));
        z = [-5.0];
        space.project(&mut z);
        assert_eq!((z, space.at(&z)[0].1.as_slice()), ([-1.0], &[0.0; 4][..]));
    }

    /// Every sample lies in one superpixel.
    #[test]
    fn superpixels_tile_the_window() {
        let all = superpixels(3, [7, 5]);
        assert_eq!(all.len(), 9);
        assert!((0..35).all(|p| all.iter().map(|b| b[p]).sum::<f64>() == 1.0));
    }
}
