//! Columns of interferometers on many vectors at once, one vector a lane.
//!
//! A state is `[guide]` elements; a cell is four complex numbers, its 2 x 2 row-major, on two
//! guides; guides that pass a column without a cell may lose light there.

#![allow(unsafe_code, reason = "walks over cells whose guides are checked when the plan is made")]

use self::walk::{Back, Powers, Through, Walk};
use super::isa::Isa;
use super::line::is_aligned;

mod walk;

/// Reals of a cell.
pub const CELL: usize = 8;

/// Columns that light passes before it goes on to the next guides, where cells join neighbours: the
/// guides at work fit the first cache, however many there are.
const BLOCK: usize = 8;

/// What light meets.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A cell, and its neighbour in the column where `both`.
    Cells {
        first: u32,
        both: bool,
    },
    Passing {
        guide: u32,
        by: f32,
    },
}

/// Where the cells of a mesh stand, for one instruction set.
#[derive(Debug, Clone)]
pub struct MeshPlan {
    isa: Isa,
    guides: usize,
    /// In an order in which nothing comes before what its light has passed.
    steps: Vec<Step>,
    pairs: Vec<[u32; 2]>,
}

impl MeshPlan {
    /// `starts[c]..starts[c + 1]` are the cells of column c; `passing` gives the amplitude of every
    /// guide in every column, `[depth, guides]`, where any loses light.
    ///
    /// # Panics
    /// When a cell's guides are one, or not among the guides.
    pub fn new(
        isa: Isa,
        guides: usize,
        starts: &[usize],
        pairs: &[[u32; 2]],
        passing: Option<&[f64]>,
    ) -> Self {
        let inside = |&[a, b]: &[u32; 2]| a != b && (a.max(b) as usize) < guides;
        assert!(pairs.iter().all(inside), "a cell outside of {guides} guides");
        assert!(starts.last() == Some(&pairs.len()), "columns have {} cells", pairs.len());
        let mut steps = Vec::new();
        let joins_neighbours = pairs.iter().all(|[a, b]| a.abs_diff(*b) == 1);
        for (c, ends) in starts.windows(2).enumerate() {
            // Light of a cell has passed cells of the column before whose first guides are at most
            // three further down, so that it comes later by this.
            let key = |guide: u32| {
                if joins_neighbours {
                    (c / BLOCK, guide as usize + 4 * (c % BLOCK))
                } else {
                    (c, 0)
                }
            };
            let top = |k: usize| pairs[k][0].min(pairs[k][1]);
            let mut k = ends[0];
            while k < ends[1] {
                let adjoining = !joins_neighbours || (k + 1 < ends[1] && top(k + 1) == top(k) + 2);
                let both = k + 1 < ends[1] && adjoining;
                steps.push((key(top(k)), Step::Cells { first: k as u32, both }));
                k += 1 + usize::from(both);
            }
            let all = passing.map_or(&[][..], |p| &p[c * guides..][..guides]).iter().enumerate();
            let lossy = all.filter(|(_, a)| **a != 1.0);
            steps.extend(
                lossy.map(|(g, &a)| {
                    (key(g as u32), Step::Passing { guide: g as u32, by: a as f32 })
                }),
            );
        }
        steps.sort_by_key(|(key, _)| *key);
        let steps = steps.into_iter().map(|(_, step)| step).collect();
        Self { isa, guides, steps, pairs: pairs.to_vec() }
    }

    /// Vectors that go side by side.
    pub fn lanes(&self) -> usize {
        self.isa.lanes()
    }

    /// Reals of a state.
    pub fn state_len(&self) -> usize {
        2 * self.guides * self.lanes()
    }

    fn walk(&self, x: &mut [f32], cells: &[f32]) -> Walk {
        assert!(is_aligned(x, self.lanes()) && x.len() >= self.state_len(), "no state");
        assert!(cells.len() == CELL * self.pairs.len(), "{} reals of cells", cells.len());
        let (x, null) = (x.as_mut_ptr(), std::ptr::null_mut());
        let (cells, inverse) = (cells.as_ptr(), cells.as_ptr());
        let (arms, readings) = (cells, [null; 2]);
        let (vectors, both_arms) = (0, false);
        Walk {
            plan: self,
            x,
            cells,
            inverse,
            g: null,
            sums: null,
            arms,
            readings,
            vectors,
            both_arms,
        }
    }

    /// Vectors `[vector][guide]` into lanes; lanes without one are dark.
    pub fn load(&self, from: &[num_complex::Complex<f32>], state: &mut [f32]) {
        let (lanes, guides) = (self.lanes(), self.guides);
        let vectors = from.len() / guides;
        for (g, element) in state.chunks_exact_mut(2 * lanes).take(guides).enumerate() {
            let (re, im) = element.split_at_mut(lanes);
            for l in 0..lanes {
                (re[l], im[l]) = if l < vectors {
                    let z = from[l * guides + g];
                    (z.re, z.im)
                } else {
                    (0.0, 0.0)
                };
            }
        }
    }

    /// The inverse of [`Self::load`].
    pub fn store(&self, state: &[f32], to: &mut [num_complex::Complex<f32>]) {
        let (lanes, guides) = (self.lanes(), self.guides);
        let vectors = to.len() / guides;
        for (g, element) in state.chunks_exact(2 * lanes).take(guides).enumerate() {
            let (re, im) = element.split_at(lanes);
            for l in 0..vectors {
                to[l * guides + g] = num_complex::Complex::new(re[l], im[l]);
            }
        }
    }

    /// x <- M x, or M^H x.
    pub fn through(&self, x: &mut [f32], cells: &[f32], adjoint: bool) {
        let walk = self.walk(x, cells);
        let entry = if adjoint {
            self.isa.entry::<Through<true>>()
        } else {
            self.isa.entry::<Through<false>>()
        };
        self.run(entry, &walk);
    }

    /// From y and its gradient g: x with y = M x, M^H g, and sums += dL/dT of every cell.
    /// `inverse` holds those of the cells, none where they are unitary.
    pub fn back(
        &self,
        [x, g]: [&mut [f32]; 2],
        cells: &[f32],
        inverse: Option<&[f32]>,
        sums: &mut [f32],
    ) {
        assert!(is_aligned(g, self.lanes()) && g.len() >= self.state_len(), "no state");
        assert!(sums.len() == cells.len(), "{} reals of sums", sums.len());
        let own = self.walk(x, cells);
        let walk = Walk { g: g.as_mut_ptr(), sums: sums.as_mut_ptr(), ..own };
        match inverse {
            None => self.run(self.isa.entry::<Back<true>>(), &walk),
            Some(inverse) => {
                assert!(inverse.len() == cells.len(), "{} reals of inverses", inverse.len());
                let walk = Walk { inverse: inverse.as_ptr(), ..walk };
                self.run(self.isa.entry::<Back<false>>(), &walk);
            }
        }
    }

    /// x <- M x, or M^H x where `reversed`, with the powers at φ and at θ of each cell
    /// `[vector][cell]`; `arms` holds what takes the light before a cell, or behind it, to its arms
    /// beside θ. Where both arms are driven, half the difference of their powers.
    pub fn powers(
        &self,
        x: &mut [f32],
        [cells, arms]: [&[f32]; 2],
        readings: [&mut [f32]; 2],
        (reversed, both_arms): (bool, bool),
    ) {
        let own = self.walk(x, cells);
        let vectors = readings[0].len() / self.pairs.len();
        assert!(arms.len() == cells.len() && vectors <= self.lanes());
        assert!(readings.iter().all(|r| r.len() == vectors * self.pairs.len()));
        let readings = readings.map(<[f32]>::as_mut_ptr);
        let walk = Walk { arms: arms.as_ptr(), readings, vectors, both_arms, ..own };
        let entry = if reversed {
            self.isa.entry::<Powers<true>>()
        } else {
            self.isa.entry::<Powers<false>>()
        };
        self.run(entry, &walk);
    }

    fn run(&self, entry: unsafe fn(&Walk), walk: &Walk) {
        assert!(self.isa.is_available(), "{} does not run here", self.isa.name());
        // SAFETY: the instruction set is there and the callers have checked the contract.
        unsafe { entry(walk) }
    }
}

#[cfg(test)]
mod tests;
