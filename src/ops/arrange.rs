//! How planes, hybrids and spectra lie in the memory of a CPU.
//!
//! Plainly: a plane as `[y, x]`, a hybrid as `[kx, y]`, a spectrum as `[kx, ky]`, so that columns
//! are contiguous. In lanes ([`crate::math::lanes`]): L rows, or L positions of transformed rows,
//! side by side in blocks of L real and L imaginary parts.

use num_complex::Complex;

use super::Op;
use crate::math::lanes::{Isa, LinePlan, PlanePlan};
use crate::program::{Data, Layout, Node, Program, Shape, plan};

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

    /// Where each natural element of one copy lies, counted in elements; none where that is where
    /// it is.
    pub fn places(&self, shape: &Shape) -> Option<Vec<u32>> {
        let [rows, columns] = match shape.layout {
            Layout::Natural => return None,
            _ => [shape.dims[0], shape.dims[1]],
        };
        let spectrum = shape.layout == Layout::Spectrum;
        let place: Box<dyn Fn(usize, usize) -> usize> = match self.plan_of(shape) {
            None if shape.layout == Layout::Blocked => return None,
            None => Box::new(move |y, x| x * rows + y),
            Some(plan) => {
                let lanes = plan.rows().isa().lanes();
                match shape.layout {
                    Layout::Natural | Layout::Blocked => {
                        Box::new(move |y, x| ((y / lanes) * columns + x) * lanes + y % lanes)
                    }
                    Layout::Hybrid | Layout::Spectrum => {
                        let x_at = positions(plan.rows());
                        let y_at = if spectrum {
                            positions(plan.columns())
                        } else {
                            (0..rows).map(|y| plan.columns().place(y)).collect()
                        };
                        let block = if spectrum { rows * lanes } else { plan.column_len() / 2 };
                        Box::new(move |y, x| {
                            let p = x_at[x];
                            (p / lanes) * block + y_at[y] * lanes + p % lanes
                        })
                    }
                }
            }
        };
        let natural = (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x)));
        Some(natural.map(|(y, x)| place(y, x) as u32).collect())
    }

    /// Natural data of any number of copies in the order of memory; what lies between is zero.
    pub fn arranged(&self, shape: &Shape, data: &Data) -> Data {
        let Some(places) = self.places(shape) else { return data.clone() };
        let (len, width) = (self.len(shape), self.width(shape));
        let copies = data.len() / places.len().max(1);
        let place = |n: usize| (n / places.len(), places[n % places.len()] as usize);
        match data {
            Data::Real(v) => {
                let mut out = vec![0.0; copies * len];
                for (n, &x) in v.iter().enumerate() {
                    let (copy, at) = place(n);
                    out[copy * len + at] = x;
                }
                Data::Real(out)
            }
            Data::Complex(v) => {
                let mut out = vec![0.0; 2 * copies * len];
                for (n, z) in v.iter().enumerate() {
                    let (copy, at) = place(n);
                    let at = 2 * copy * len + real_part(at, width);
                    out[at] = z.re;
                    out[at + width] = z.im;
                }
                Data::Complex(out.chunks_exact(2).map(|z| Complex::new(z[0], z[1])).collect())
            }
            Data::Index(_) => data.clone(),
        }
    }

    /// The way back of [`Self::arranged`].
    pub fn natural(&self, shape: &Shape, data: &Data) -> Data {
        let Some(places) = self.places(shape) else { return data.clone() };
        let (len, width) = (self.len(shape), self.width(shape));
        let starts = (0..data.len() / len.max(1)).map(|copy| copy * len);
        let all = starts.flat_map(|start| places.iter().map(move |&p| (start, p as usize)));
        match data {
            Data::Real(v) => Data::Real(all.map(|(start, p)| v[start + p]).collect()),
            Data::Complex(v) => {
                let part = |at: usize| if at % 2 == 0 { v[at / 2].re } else { v[at / 2].im };
                let one = |(start, p)| {
                    let at = 2 * start + real_part(p, width);
                    Complex::new(part(at), part(at + width))
                };
                Data::Complex(all.map(one).collect())
            }
            Data::Index(_) => data.clone(),
        }
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
