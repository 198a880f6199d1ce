//! Rows out, what lies between two steps of free space, rows in: one pass over the rows.
//!
//! `E = C_x F_x^H X` (or a field), then each link in turn, then `X' = F_x P_x E` (or nothing).
//! X, X': hybrid `[ny, mx]`; E and the links' operands: planes `[ny, nx]`. Unnormalised.
//! Inputs: X or the field, then what each link reads, in order. Outputs: X' if there is one, then
//! what each link writes, in order. Made by `lower::fuse` from the ops that it replaces, after the
//! adjoint was taken: it has none of its own.

use std::ops::Range;

use num_complex::Complex;

use super::case::{Case, CaseBuilder, build};
use super::grad_sum::GradSum;
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, LinePass, View};
use super::lane_kernels;
use super::rows_in::{self, fft_flops, line_pass};
use super::{Op, Primitive, rows_out};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::{Domain, Kind, Layout, Shape, Slot, SlotId};

/// What is done to the field of a sample, element by element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// E <- t E, or conj(t) E; reads t, complex.
    Modulate { conj: bool },
    /// E <- a E; reads a, real.
    Attenuate,
    /// Writes E, complex.
    Store(Saved),
    /// Writes |E|², real.
    StoreIntensity,
    /// Adds to a leaf's sum, real: Im(conj(y) E) or Re(conj(x) E); reads y or x, complex.
    Grad(GradSum, Saved),
}

/// How a field is kept that only mask gradients read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Saved {
    Whole,
    /// Two f16 on a GPU: half the bytes, each number off by up to 2^-11 of itself, and by up to
    /// 2^-25 below 2^-14.
    Half,
}

impl Saved {
    pub fn kind(self) -> Kind {
        match self {
            Self::Whole => Kind::Complex,
            Self::Half => Kind::Half,
        }
    }
}

impl Link {
    /// Kind of the operand that it reads, if it reads one.
    pub fn reads(self) -> Option<Kind> {
        match self {
            Self::Modulate { .. } => Some(Kind::Complex),
            Self::Grad(_, saved) => Some(saved.kind()),
            Self::Attenuate => Some(Kind::Real),
            Self::Store(_) | Self::StoreIntensity => None,
        }
    }

    /// Kind and domain of what it writes, if it writes anything.
    pub fn writes(self) -> Option<(Kind, Domain)> {
        match self {
            Self::Modulate { .. } | Self::Attenuate => None,
            Self::Store(saved) => Some((saved.kind(), Domain::Sample)),
            Self::StoreIntensity => Some((Kind::Real, Domain::Sample)),
            Self::Grad(..) => Some((Kind::Real, Domain::Leaf)),
        }
    }
}

/// The parameters of a [`Hop`], which a generated kernel depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Chain {
    /// Begins with rows out, else with a field.
    pub from_hybrid: bool,
    pub links: Vec<Link>,
    /// Ends with rows in.
    pub to_hybrid: bool,
}

/// Some rows of a plane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rows(Vec<Range<usize>>);

impl Rows {
    pub fn all(height: usize) -> Self {
        Self::marked(&vec![true; height])
    }

    /// Those that are true.
    pub fn marked(rows: &[bool]) -> Self {
        let mut start = 0;
        let runs = rows.chunk_by(|a, b| a == b).map(|run| {
            start += run.len();
            (run[0], start - run.len()..start)
        });
        Self(runs.filter_map(|(marked, range)| marked.then_some(range)).collect())
    }

    /// Ascending and apart.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.0
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(ExactSizeIterator::len).sum()
    }

    /// All others of so many.
    pub fn others(&self, height: usize) -> Self {
        let mut others = vec![true; height];
        for range in &self.0 {
            others[range.clone()].fill(false);
        }
        Self::marked(&others)
    }

    /// Whether some of these lie in a range.
    pub fn meet(&self, range: &Range<usize>) -> bool {
        self.0.iter().any(|own| own.start < range.end && range.start < own.end)
    }
}

#[derive(Debug, Clone)]
pub struct Hop {
    /// `[y, x]`.
    pub field: [usize; 2],
    pub padded: [usize; 2],
    pub chain: Chain,
    /// Rows that may not be zero of a field that comes in, and rows of what is written that are read:
    /// a backend may leave out the others, and what is written there then means nothing.
    pub rows: Rows,
}

impl Hop {
    /// Shape and domain of every output, in order.
    pub fn outputs(&self) -> Vec<(Shape, Domain)> {
        let hybrid = Shape::complex(&[self.field[0], self.padded[1]]).layout(Layout::Hybrid);
        let first = self.chain.to_hybrid.then_some((hybrid, Domain::Sample));
        let plane = |(kind, domain)| {
            let shape = Shape { kind, layout: Layout::Blocked, dims: self.field.to_vec() };
            (shape, domain)
        };
        first
            .into_iter()
            .chain(self.chain.links.iter().filter_map(|l| l.writes()).map(plane))
            .collect()
    }
}

impl Primitive for Hop {
    const NAME: &'static str = "hop";

    /// Of the first output; [`Hop::outputs`] has them all.
    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        let mut kinds = vec![Kind::Complex];
        kinds.extend(self.chain.links.iter().filter_map(|l| l.reads()));
        super::expect(Self::NAME, inputs, &kinds)?;
        let [ny, nx] = self.field;
        let start = if self.chain.from_hybrid { self.padded[1] } else { nx };
        let lengths = std::iter::once(ny * start).chain(std::iter::repeat(ny * nx));
        for (input, wanted) in inputs.iter().zip(lengths) {
            if input.shape.len() != wanted {
                let what = format!("{} is {:?}, not {wanted} long", input.name, input.shape.dims);
                return Err(Error::Shape { op: Self::NAME, what });
            }
        }
        let first = self.outputs().into_iter().next().map(|(shape, _)| shape);
        first.ok_or(Error::Shape { op: Self::NAME, what: "writes nothing".into() })
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let ([ny, nx], chain) = (self.field, self.chain.clone());
        if let Some(plan) = compile.arrangement.plan(self.field, self.padded) {
            return lane_kernels::rows(plan, nx, &chain, &self.rows, true);
        }
        let out = rows_out::Kernel::new(self.field, self.padded, compile);
        let into = rows_in::Kernel::new(self.field, self.padded, compile);
        let plane = ny * nx;
        let scratch = plane + out.scratch().max(into.scratch());
        let run = move |io: &mut Io<'_, T>| {
            let (field, rest) = io.scratch.split_at_mut(plane);
            if chain.from_hybrid {
                out.run(io.inputs[0].complex(), field, rest, io.parallel);
            } else {
                field.copy_from_slice(io.inputs[0].complex());
            }
            let mut operands = io.inputs[1..].iter();
            let (hybrid, outputs) = io.outputs.split_at_mut(usize::from(chain.to_hybrid));
            let mut outputs = outputs.iter_mut();
            for link in &chain.links {
                let operand = link.reads().and_then(|_| operands.next());
                let output = link.writes().and_then(|_| outputs.next());
                apply(*link, field, operand.copied(), output);
            }
            if let [hybrid] = hybrid {
                into.run(field, hybrid.complex(), rest, io.parallel);
            }
        };
        CpuKernel::new(run).scratch(scratch)
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        line_pass(LinePass::Hop(self.chain.clone(), self.rows.clone()), self.field, self.padded)
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        let ([all, nx], mx) = (self.field, self.padded[1]);
        let ny = self.rows.count();
        let chain = &self.chain;
        let ends = [chain.from_hybrid, chain.to_hybrid];
        let transforms = ends.into_iter().filter(|&end| end).count();
        // A hybrid is written whole.
        let hybrids =
            if chain.to_hybrid { all } else { 0 } + if chain.from_hybrid { ny } else { 0 };
        let mut reals = 2 * hybrids * mx;
        reals += if chain.from_hybrid { 0 } else { 2 * ny * nx };
        let mut flops = transforms * fft_flops(ny, mx);
        for link in &chain.links {
            let size = |kind| if kind == Kind::Complex { 2 } else { 1 };
            // Masks are what all samples share, and not counted; a saved field is the sample's.
            if matches!(link, Link::Grad(..)) {
                reals += ny * nx * link.reads().map_or(0, size);
            }
            // A sum is read and written.
            reals += ny
                * nx
                * link.writes().map_or(0, |(k, d)| size(k) + usize::from(d == Domain::Leaf));
            flops += ny
                * nx
                * match link {
                    Link::Modulate { .. } => 6,
                    Link::Attenuate => 2,
                    Link::Store(_) => 0,
                    Link::StoreIntensity => 3,
                    Link::Grad(..) => 4,
                };
        }
        Cost::new(flops, reals)
    }
}

/// One link over a whole plane in natural order.
fn apply<T: Scalar>(
    link: Link,
    field: &mut [Complex<T>],
    operand: Option<View<'_, T>>,
    output: Option<&mut super::kernel::ViewMut<'_, T>>,
) {
    match (link, operand, output) {
        (Link::Modulate { conj }, Some(t), _) => {
            for (e, t) in field.iter_mut().zip(t.complex()) {
                *e = *e * if conj { t.conj() } else { *t };
            }
        }
        (Link::Attenuate, Some(a), _) => {
            field.iter_mut().zip(a.real()).for_each(|(e, &a)| *e = *e * a);
        }
        (Link::Store(_), _, Some(out)) => out.complex().copy_from_slice(field),
        (Link::StoreIntensity, _, Some(out)) => {
            out.real().iter_mut().zip(field).for_each(|(i, e)| *i = e.norm_sqr());
        }
        (Link::Grad(kind, _), Some(y), Some(sums)) => kind.add(sums.real(), y.complex(), field, 1),
        _ => unreachable!("a link has the operands that it asks for"),
    }
}

/// Emits a hop and its outputs.
fn emit(
    c: &mut CaseBuilder,
    field: [usize; 2],
    padded: [usize; 2],
    chain: Chain,
    inputs: &[SlotId],
) -> Result<Vec<SlotId>> {
    let hop = Hop { field, padded, chain, rows: Rows::all(field[0]) };
    let outputs = hop.outputs().into_iter();
    let outputs: Vec<_> = outputs.map(|(s, d)| c.b.temp("hop.out".into(), s, d)).collect();
    c.b.emit_all(Op::Hop(hop), inputs, &outputs)?;
    Ok(outputs)
}

/// What a hop writes, with every way in and out; a hybrid field is in an order of the backend's
/// own, so it comes from a hop and is compared behind one.
fn case(name: &str, from_hybrid: bool, links: &[Link], to_hybrid: bool) -> Vec<Case> {
    let windows = [([5, 7], [12, 14]), ([33, 20], [70, 40]), ([16, 24], [16, 24])];
    let one = |(field, padded): ([usize; 2], [usize; 2])| {
        build(format!("hop {name} {field:?} in {padded:?}"), 64.0, |c| {
            let complex = Shape::complex(&field).layout(Layout::Blocked);
            let real = Shape::real(&field).layout(Layout::Blocked);
            let mut start = c.sample(complex.clone());
            if from_hybrid {
                let into = Chain { from_hybrid: false, links: Vec::new(), to_hybrid: true };
                start = emit(c, field, padded, into, &[start])?[0];
            }
            let mut inputs = vec![start];
            for link in links {
                match link {
                    Link::Modulate { .. } => inputs.push(c.constant(complex.clone())),
                    Link::Attenuate => inputs.push(c.constant(real.clone())),
                    Link::Grad(..) => inputs.push(c.sample(complex.clone())),
                    Link::Store(_) | Link::StoreIntensity => {}
                }
            }
            let chain = Chain { from_hybrid, links: links.to_vec(), to_hybrid };
            let outputs = emit(c, field, padded, chain, &inputs)?;
            for (n, &output) in outputs.iter().enumerate() {
                if to_hybrid && n == 0 {
                    let links = vec![Link::Store(Saved::Whole)];
                    let out = Chain { from_hybrid: true, links, to_hybrid: false };
                    let back = emit(c, field, padded, out, &[output])?;
                    c.compare(back[0]);
                } else if c.b.slot(output).domain == Domain::Leaf {
                    c.compare_leaf(output)?;
                } else {
                    c.compare(output);
                }
            }
            Ok(())
        })
    };
    windows.map(one).into()
}

/// A field kept in f16 and the phase gradient that reads it.
fn halved([field, padded]: [[usize; 2]; 2]) -> Case {
    // Rounding to f16 is off by up to 2^-11 of a number: a depth of 2^11 allows 1.25 times that.
    build(format!("hop, saved in f16 {field:?} in {padded:?}"), f64::from(1 << 11), |c| {
        let complex = Shape::complex(&field).layout(Layout::Blocked);
        let [x, g] = [0, 1].map(|_| c.sample(complex.clone()));
        let chain = |links| Chain { from_hybrid: false, links, to_hybrid: false };
        let kept = emit(c, field, padded, chain(vec![Link::Store(Saved::Half)]), &[x])?[0];
        let grad = chain(vec![Link::Grad(GradSum::Phase, Saved::Half)]);
        let sum = emit(c, field, padded, grad, &[g, kept])?[0];
        c.compare_leaf(sum)
    })
}

pub fn cases() -> Vec<Case> {
    let (modulate, store) = (Link::Modulate { conj: false }, Link::Store(Saved::Whole));
    let back = [Link::Grad(GradSum::Phase, Saved::Whole), Link::Modulate { conj: true }];
    [
        case("mask", true, &[modulate], true),
        case("mask, store", true, &[modulate, store], true),
        case("adjoint", true, &back, true),
        case("adjoint, last", true, &back[..1], false),
        case("in", false, &[], true),
        case("in behind a mask", false, &[modulate, Link::Attenuate], true),
        case("out", true, &[store, Link::StoreIntensity], false),
        case(
            "amplitude",
            true,
            &[Link::Grad(GradSum::Amplitude, Saved::Whole), Link::Attenuate],
            true,
        ),
    ]
    .into_iter()
    .flatten()
    .chain([[[5, 7], [12, 14]], [[16, 24], [32, 48]]].map(halved))
    .collect()
}
