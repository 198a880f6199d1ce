//! How planes, hybrids and spectra lie in the memory of a CPU.
//!
//! Plainly: a plane as `[y, x]`, a hybrid as `[kx, y]`, a spectrum as `[kx, ky]`, so that columns
//! are contiguous. In lanes ([`crate::math::lanes`]): L rows, or L positions of transformed rows,
//! side by side in blocks of L real and L imaginary parts.

use super::Op;
use crate::math::lanes::{Isa, LinePlan, PlanePlan};
use crate::program::{Layout, Node, Program, Shape, plan};

/// Reals that every copy of a slot in lanes is padded to: a cache line of f32.
const ALIGNMENT: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    field: [usize; 2],
    padded: [usize; 2],
}

/// The lane plans of a program's windows; none where everything lies plainly.
#[derive(Default)]
pub struct Arrangement {
    lanes: Vec<(Window, PlanePlan)>,
}

impl Arrangement {
    /// In lanes wherever every window of the program has a plan.
    pub fn lanes(program: &Program, isa: Isa) -> Self {
        let mut lanes: Vec<(Window, PlanePlan)> = Vec::new();
        for node in program.routines.iter().flat_map(|r| &r.sections).flat_map(|s| &s.nodes) {
            let (field, padded) = match &node.op {
                Op::RowsIn(op) => (op.field, op.padded),
                Op::RowsOut(op) => (op.field, op.padded),
                Op::Columns(op) => (op.field, op.padded),
                Op::ColumnsGrad(op) => (op.field, op.padded),
                Op::Hop(op) => (op.field, op.padded),
                _ => continue,
            };
            let window = Window { field, padded };
            if lanes.iter().all(|(known, _)| *known != window) {
                let Some(plan) = PlanePlan::new(field, padded, isa) else {
                    return Self::default();
                };
                lanes.push((window, plan));
            }
        }
        Self { lanes }
    }

    /// The plan of a window, if it lies in lanes.
    pub fn plan(&self, field: [usize; 2], padded: [usize; 2]) -> Option<&PlanePlan> {
        self.lanes.iter().find(|(w, _)| *w == Window { field, padded }).map(|(_, plan)| plan)
    }

    /// The plan that a slot of this shape lies by.
    fn plan_of(&self, shape: &Shape) -> Option<&PlanePlan> {
        let of = |w: &Window| match shape.layout {
            Layout::Natural => false,
            Layout::Blocked => shape.dims == w.field,
            Layout::Hybrid => shape.dims == [w.field[0], w.padded[1]],
            Layout::Spectrum => shape.dims == w.padded,
        };
        self.lanes.iter().find(|(w, _)| of(w)).map(|(_, plan)| plan)
    }

    /// Reals that lie side by side: L in lanes, 1 where complex numbers are pairs.
    pub fn width(&self, shape: &Shape) -> usize {
        self.plan_of(shape).map_or(1, |plan| plan.rows().isa().lanes())
    }

    /// Elements of one copy in memory.
    pub fn len(&self, shape: &Shape) -> usize {
        let Some(plan) = self.plan_of(shape) else { return shape.len() };
        let lanes = plan.rows().isa().lanes();
        let len = match shape.layout {
            Layout::Natural | Layout::Blocked => plan.row_blocks() * shape.dims[1] * lanes,
            Layout::Hybrid => plan.hybrid_len() / 2,
            Layout::Spectrum => plan.column_blocks() * shape.dims[0] * lanes,
        };
        len.next_multiple_of(ALIGNMENT)
    }

    /// Where element (y, x) of a copy lies, counted in elements; none where it is where it is.
    fn place(&self, shape: &Shape) -> Option<Box<dyn Fn(usize, usize) -> usize>> {
        if shape.layout == Layout::Natural {
            return None;
        }
        let [rows, columns] = [shape.dims[0], shape.dims[1]];
        let Some(plan) = self.plan_of(shape) else {
            let plain: Box<dyn Fn(usize, usize) -> usize> = Box::new(move |y, x| x * rows + y);
            return (shape.layout != Layout::Blocked).then_some(plain);
        };
        let lanes = plan.rows().isa().lanes();
        if shape.layout == Layout::Blocked {
            return Some(Box::new(move |y, x| ((y / lanes) * columns + x) * lanes + y % lanes));
        }
        let x_at = positions(plan.rows());
        let (y_at, block) = if shape.layout == Layout::Spectrum {
            (positions(plan.columns()), rows * lanes)
        } else {
            ((0..rows).map(|y| plan.columns().place(y)).collect(), plan.column_len() / 2)
        };
        Some(Box::new(move |y, x| {
            let p = x_at[x];
            (p / lanes) * block + y_at[y] * lanes + p % lanes
        }))
    }

    /// Calls `f` with the number of each natural element of all copies and where it lies.
    pub fn each(&self, shape: &Shape, copies: usize, mut f: impl FnMut(usize, usize)) {
        let (natural, len) = (shape.len(), self.len(shape));
        let Some(place) = self.place(shape) else {
            for copy in 0..copies {
                (0..natural).for_each(|n| f(copy * natural + n, copy * len + n));
            }
            return;
        };
        let [rows, columns] = [shape.dims[0], shape.dims[1]];
        for copy in 0..copies {
            let mut n = copy * natural;
            for y in 0..rows {
                for x in 0..columns {
                    f(n, copy * len + place(y, x));
                    n += 1;
                }
            }
        }
    }

    /// Where each natural element of one copy lies, for tables of indices.
    pub fn places(&self, shape: &Shape) -> Vec<u32> {
        let mut places = vec![0; shape.len()];
        self.each(shape, 1, |n, at| places[n] = at as u32);
        places
    }
}

impl plan::Memory for Arrangement {
    fn len(&self, shape: &Shape) -> usize {
        Self::len(self, shape)
    }

    fn in_place(&self, node: &Node) -> bool {
        match &node.op {
            Op::Columns(op) => self.plan(op.field, op.padded).is_some(),
            Op::Hop(op) => op.chain.to_hybrid && self.plan(op.field, op.padded).is_some(),
            _ => false,
        }
    }
}

/// Where the real part of element k lies among the reals.
pub fn real_part(k: usize, width: usize) -> usize {
    (k / width) * 2 * width + k % width
}

/// Position of each frequency of a transformed line.
fn positions(plan: &LinePlan) -> Vec<usize> {
    let mut at = vec![0; plan.length()];
    for (position, &k) in plan.order().iter().enumerate() {
        at[k as usize] = position;
    }
    at
}
