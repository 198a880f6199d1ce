//! One number for each figure: the typical ones, or drawn from their ranges.

use std::cell::RefCell;

use super::figure::Confidence;
use super::library::Library;
use crate::math::random::{Site, uniform};

pub struct Draw<'a> {
    pub library: &'a Library,
    values: Vec<f64>,
    /// Figures that were asked for since the last [`Draw::trace`] began, if anyone wants to know.
    asked: RefCell<Option<Vec<usize>>>,
}

/// Figures that a number rests on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Basis(pub Vec<usize>);

impl Basis {
    /// That of the least known of them.
    pub fn confidence(&self, library: &Library) -> Confidence {
        let known = self.0.iter().map(|&i| library.figures()[i].confidence);
        known.max().unwrap_or(Confidence::Derived)
    }

    pub fn keys(&self, library: &Library) -> Vec<String> {
        self.0.iter().map(|&i| library.figures()[i].key.clone()).collect()
    }
}

impl<'a> Draw<'a> {
    pub fn typical(library: &'a Library) -> Self {
        let values = library.figures().iter().map(super::figure::Figure::typical).collect();
        Self { library, values, asked: RefCell::new(None) }
    }

    /// Draw number `n`. A figure's number depends on the seed, n and its key alone: another file
    /// or another figure beside it changes nothing.
    pub fn random(library: &'a Library, seed: u64, n: u32) -> Self {
        let draw =
            |f: &super::figure::Figure| f.quantile(uniform(seed, n, Site::Figure, address(&f.key)));
        let values = library.figures().iter().map(draw).collect();
        Self { library, values, asked: RefCell::new(None) }
    }

    pub fn get(&self, key: &str) -> f64 {
        let i = self.library.position(key);
        if let Some(asked) = &mut *self.asked.borrow_mut()
            && !asked.contains(&i)
        {
            asked.push(i);
        }
        self.values[i]
    }

    /// A number, and what it rests on; so do numbers that are made of it.
    pub fn trace<T>(&self, of: impl FnOnce(&Self) -> T) -> (T, Basis) {
        let before = self.asked.replace(Some(Vec::new()));
        let value = of(self);
        let own = self.asked.replace(before).unwrap_or_default();
        if let Some(all) = &mut *self.asked.borrow_mut() {
            for &i in &own {
                if !all.contains(&i) {
                    all.push(i);
                }
            }
        }
        (value, Basis(own))
    }
}

/// FNV-1a of a key (Fowler, Noll, Vo).
fn address(key: &str) -> u32 {
    key.bytes().fold(0x811C_9DC5, |h: u32, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every draw lies in its range; the same address gives the same number.
    #[test]
    fn draws_stay_in_their_ranges() {
        let library = Library::built_in().expect("they are right");
        let mut moved = 0;
        for n in 0..50 {
            let (a, b) = (Draw::random(&library, 7, n), Draw::random(&library, 7, n));
            let other = Draw::random(&library, 8, n);
            for f in library.figures() {
                let [low, typical, high] = f.range;
                let v = a.get(&f.key);
                // The logarithm and back costs a few ulp.
                let slack = 1e-12 * high;
                assert!(v >= low - slack && v <= high + slack, "{}: {v}", f.key);
                assert_eq!(v, b.get(&f.key));
                moved += usize::from(v != typical && v != other.get(&f.key));
            }
        }
        assert!(moved > 1000, "{moved}");
    }

    #[test]
    fn keys_have_addresses_of_their_own() {
        let library = Library::built_in().expect("they are right");
        let all: std::collections::HashSet<_> =
            library.figures().iter().map(|f| address(&f.key)).collect();
        assert_eq!(all.len(), library.figures().len());
    }

    #[test]
    fn a_trace_says_what_was_asked() {
        let library = Library::built_in().expect("they are right");
        let draw = Draw::typical(&library);
        let (sum, basis) = draw.trace(|d| d.get("dac.b4") + d.get("adc.b4") + d.get("dac.b4"));
        assert!((sum - 3.9e-12).abs() < 1e-18);
        assert_eq!(basis.keys(&library), ["dac.b4", "adc.b4"]);
        assert_eq!(basis.confidence(&library), Confidence::Secondary);
        let (inner, outer) = draw.trace(|d| {
            d.get("dac.b8");
            d.trace(|d| d.get("adc.b8")).1
        });
        assert_eq!(inner.keys(&library), ["adc.b8"]);
        assert_eq!(outer.keys(&library), ["dac.b8", "adc.b8"]);
    }
}
