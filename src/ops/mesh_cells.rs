//! T = g (A + t B + p C + t p D), t = exp(iθ), p = exp(iφ): the 2 x 2 of every cell of a mesh.
//!
//! θ, φ `[cells]` real; A, B, C, D row-major in `build` `[1 or cells, 16]`, for a cell with all its
//! splitters and losses; g = exp(-iθ/2) where θ drives both arms, else 1; T `[cells, 4]`. Each sample
//! may have phases of its own, and cells then.
//! Adjoint: dθ = Re<G, ∂T/∂θ>, dφ = Re<G, ∂T/∂φ>, G the gradient of T.

use num_complex::Complex;

use super::case::{Case, CaseBuilder, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Io, Word, each};
use super::{Op, Primitive, expect};
use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

/// Entries of a 2 x 2.
const ENTRIES: usize = 4;
/// Complex constants of a cell.
const BUILD: usize = 4 * ENTRIES;
/// Cells that a thread takes at a time.
const CHUNK: usize = 512;

#[derive(Debug, Clone)]
pub struct MeshCells {
    /// θ drives both arms.
    pub symmetric: bool,
}

#[derive(Debug, Clone)]
pub struct MeshCellsAdjoint {
    pub symmetric: bool,
}

/// T⁻¹ of every cell, `[cells, 4]`.
#[derive(Debug, Clone)]
pub struct MeshInverse;

/// Cells side by side.
const LANES: usize = 16;

/// Complex numbers of [`LANES`] cells.
#[derive(Clone, Copy)]
struct Lanes<T> {
    re: [T; LANES],
    im: [T; LANES],
}

impl<T: Scalar> Lanes<T> {
    #[inline(always)]
    fn of(f: impl Fn(usize) -> Complex<T>) -> Self {
        let mut z = Self { re: [T::zero(); LANES], im: [T::zero(); LANES] };
        for l in 0..LANES {
            let value = f(l);
            (z.re[l], z.im[l]) = (value.re, value.im);
        }
        z
    }

    #[inline(always)]
    fn times(&self, o: &Self) -> Self {
        let mut z = *self;
        for l in 0..LANES {
            z.re[l] = self.re[l] * o.re[l] - self.im[l] * o.im[l];
            z.im[l] = self.re[l] * o.im[l] + self.im[l] * o.re[l];
        }
        z
    }

    #[inline(always)]
    fn plus(&self, o: &Self) -> Self {
        let mut z = *self;
        for l in 0..LANES {
            z.re[l] += o.re[l];
            z.im[l] += o.im[l];
        }
        z
    }
}

/// t, p, t p and g of [`LANES`] cells.
#[inline(always)]
fn phasors<T: Scalar>(symmetric: bool, theta: &[T; LANES], phi: &[T; LANES]) -> [Lanes<T>; 4] {
    let of = {
        #[inline(always)]
        |angle: &[T; LANES], by: T| {
            Lanes::of(
                #[inline(always)]
                |l| (by * angle[l]).cis(),
            )
        }
    };
    let (t, p) = (of(theta, T::one()), of(phi, T::one()));
    let tp = t.times(&p);
    // g by a product of nothing where θ drives one arm.
    let g = of(theta, if symmetric { T::of(-0.5) } else { T::zero() });
    [t, p, tp, g]
}

/// The reals of [`LANES`] cells from `k` on, the last cells' padded with zeros.
#[inline(always)]
fn lanes<T: Scalar>(values: &[T], k: usize) -> [T; LANES] {
    let mut lanes = [T::zero(); LANES];
    let here = (values.len() - k).min(LANES);
    lanes[..here].copy_from_slice(&values[k..k + here]);
    lanes
}

/// Constant `n` of [`LANES`] cells from `k` on; one set serves all where there is one.
#[inline(always)]
fn constants<T: Scalar>(all: &[Complex<T>], k: usize, n: usize) -> Lanes<T> {
    if all.len() == BUILD {
        let one = all[n];
        return Lanes { re: [one.re; LANES], im: [one.im; LANES] };
    }
    let last = all.len() / BUILD - 1;
    Lanes::of(
        #[inline(always)]
        |l| all[(k + l).min(last) * BUILD + n],
    )
}

impl Primitive for MeshCells {
    const NAME: &'static str = "mesh_cells";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Real, Kind::Complex])?;
        let cells = inputs[0].shape.len();
        let built = inputs[2].shape.len();
        let alike = inputs[1].shape.len() == cells && inputs[1].domain == inputs[0].domain;
        if !alike || ![BUILD, BUILD * cells].contains(&built) {
            let what = format!("{cells} theta, {} phi, {built} constants", inputs[1].shape.len());
            return Err(Error::Shape { op: Self::NAME, what });
        }
        Ok(Shape::complex(&[cells, ENTRIES]))
    }

    fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
        let g = walk.incoming(node)?;
        let [theta, phi, build] = [node.inputs[0], node.inputs[1], node.inputs[2]];
        let like = walk.builder().slot(theta).clone();
        let grads = ["theta", "phi"].map(|name| {
            walk.builder().temp(format!("grad.{name}"), like.shape.clone(), like.domain)
        });
        let op = MeshCellsAdjoint { symmetric: self.symmetric };
        walk.builder().emit_all(Op::MeshCellsAdjoint(op), &[g, theta, phi, build], &grads)?;
        walk.contribute(theta, grads[0])?;
        walk.contribute(phi, grads[1])
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (symmetric, isa) = (self.symmetric, compile.isa);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (theta, phi) = (io.inputs[0].real(), io.inputs[1].real());
            let build = io.inputs[2].complex();
            let chunks = io.outputs[0].complex().chunks_mut(CHUNK * ENTRIES).enumerate();
            each(io.parallel, chunks, |(c, cells)| {
                isa.run(
                    #[inline(always)]
                    || {
                        for (n, cells) in cells.chunks_mut(LANES * ENTRIES).enumerate() {
                            let k = c * CHUNK + n * LANES;
                            let [t, p, tp, g] =
                                phasors(symmetric, &lanes(theta, k), &lanes(phi, k));
                            for e in 0..ENTRIES {
                                let [a, b, c, d] = [0, 4, 8, 12].map(
                                    #[inline(always)]
                                    |n| constants(build, k, n + e),
                                );
                                let of_t = a.plus(&t.times(&b));
                                let sum = of_t.plus(&p.times(&c)).plus(&tp.times(&d));
                                let entry = if symmetric { g.times(&sum) } else { sum };
                                for (l, cell) in cells.chunks_exact_mut(ENTRIES).enumerate() {
                                    cell[e] = Complex::new(entry.re[l], entry.im[l]);
                                }
                            }
                        }
                    },
                );
            });
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs[0], inputs[2], self.symmetric, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(160 * n, 10 * n)
    }
}

fn kernel(theta: &Slot, build: &Slot, symmetric: bool, entry: &'static str) -> GpuKernel {
    let one = build.shape.len() == BUILD;
    GpuKernel::pointwise(MeshCells::NAME, theta.shape.len())
        .entry(entry)
        .word("symmetric", Word::U32(u32::from(symmetric)))
        .word("one", Word::U32(u32::from(one)))
}

impl Primitive for MeshCellsAdjoint {
    const NAME: &'static str = "mesh_cells_adjoint";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex, Kind::Real, Kind::Real, Kind::Complex])?;
        Ok(inputs[1].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
        let (symmetric, isa) = (self.symmetric, compile.isa);
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let (grad, build) = (io.inputs[0].complex(), io.inputs[3].complex());
            let (theta, phi) = (io.inputs[1].real(), io.inputs[2].real());
            let [theta_grad, phi_grad] = io.outputs else {
                unreachable!("the adjoint gives two outputs")
            };
            let chunks = theta_grad.real().chunks_mut(CHUNK).zip(phi_grad.real().chunks_mut(CHUNK));
            let half = T::of(0.5);
            each(io.parallel, chunks.enumerate(), |(c, (theta_grad, phi_grad))| {
                isa.run(
                    #[inline(always)]
                    || {
                        for (n, theta_grad) in theta_grad.chunks_mut(LANES).enumerate() {
                            let k = c * CHUNK + n * LANES;
                            let [t, p, tp, g] =
                                phasors(symmetric, &lanes(theta, k), &lanes(phi, k));
                            // <G, i z> = Im(conj(z) G) of what turns with t, with p and with g.
                            let mut turning = [[T::zero(); LANES]; 3];
                            let last = theta.len() - 1;
                            for e in 0..ENTRIES {
                                let up = Lanes::of(
                                    #[inline(always)]
                                    |l| grad[(k + l).min(last) * ENTRIES + e],
                                );
                                let [a, b, c, d] = [0, 4, 8, 12].map(
                                    #[inline(always)]
                                    |n| constants(build, k, n + e),
                                );
                                let both = tp.times(&d);
                                let with_t = g.times(&t.times(&b).plus(&both));
                                let with_p = g.times(&p.times(&c).plus(&both));
                                let whole = g.times(&a.plus(&p.times(&c))).plus(&with_t);
                                for (sums, z) in turning.iter_mut().zip([&with_t, &with_p, &whole])
                                {
                                    for (l, sum) in sums.iter_mut().enumerate() {
                                        *sum += z.re[l] * up.im[l] - z.im[l] * up.re[l];
                                    }
                                }
                            }
                            let common = if symmetric { half } else { T::zero() };
                            for (l, to) in theta_grad.iter_mut().enumerate() {
                                *to = turning[0][l] - common * turning[2][l];
                            }
                            let phi_grad = &mut phi_grad[n * LANES..][..theta_grad.len()];
                            phi_grad.copy_from_slice(&turning[1][..theta_grad.len()]);
                        }
                    },
                );
            });
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        kernel(inputs[1], inputs[3], self.symmetric, Self::NAME)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[1].shape.len();
        Cost::new(240 * n, 12 * n)
    }
}

impl Primitive for MeshInverse {
    const NAME: &'static str = "mesh_inverse";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Complex])?;
        Ok(inputs[0].shape.clone())
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(move |io: &mut Io<'_, T>| {
            let cells = io.inputs[0].complex().chunks_exact(ENTRIES);
            for (to, t) in io.outputs[0].complex().chunks_exact_mut(ENTRIES).zip(cells) {
                let over = (t[0] * t[3] - t[1] * t[2]).inv();
                to.copy_from_slice(&[t[3] * over, -t[1] * over, -t[2] * over, t[0] * over]);
            }
        })
    }

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, inputs[0].shape.len() / ENTRIES)
    }

    fn cost(&self, inputs: &[&Slot]) -> Cost {
        let n = inputs[0].shape.len();
        Cost::new(20 * n, 4 * n)
    }
}

/// Constants of a cell whose splitters are even: T = B diag(t, 1) B diag(p, 1).
pub fn even_build() -> Vec<Complex<f64>> {
    let (zero, half, i) = (Complex::ZERO, Complex::new(0.5, 0.0), Complex::new(0.0, 0.5));
    let a = [zero, i, zero, half];
    let b = [zero, i, zero, -half];
    let c = [-half, zero, i, zero];
    let d = [half, zero, i, zero];
    [a, b, c, d].concat()
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (symmetric, one, own) in
        [(false, true, false), (false, false, true), (true, true, true), (true, false, false)]
    {
        let name = format!("symmetric={symmetric} one={one} own={own}");
        let phases = |c: &mut CaseBuilder| {
            let shape = Shape::real(&[7]);
            [0, 1].map(|_| if own { c.sample(shape.clone()) } else { c.constant(shape.clone()) })
        };
        all.push(build(format!("mesh_cells {name}"), 16.0, |c| {
            let [theta, phi] = phases(c);
            let built = c.constant(Shape::complex(&[if one { 1 } else { 7 }, BUILD]));
            let cells = c.b.emit(Op::MeshCells(MeshCells { symmetric }), &[theta, phi, built])?;
            c.compare(cells);
            if own {
                // Of so many random matrices some have no inverse to speak of: those of meshes are
                // compared with the meshes.
                return Ok(());
            }
            let inverse = c.b.emit(Op::MeshInverse(MeshInverse), &[cells])?;
            c.compare(inverse);
            Ok(())
        }));
        all.push(build(format!("mesh_cells_adjoint {name}"), 64.0, |c| {
            let [theta, phi] = phases(c);
            let built = c.constant(Shape::complex(&[if one { 1 } else { 7 }, BUILD]));
            let shape = Shape::complex(&[7, ENTRIES]);
            let g = if own { c.sample(shape) } else { c.constant(shape) };
            let domain = c.b.slot(theta).domain;
            let grads = [0, 1].map(|_| c.b.temp("grad".into(), Shape::real(&[7]), domain));
            let op = Op::MeshCellsAdjoint(MeshCellsAdjoint { symmetric });
            c.b.emit_all(op, &[g, theta, phi, built], &grads)?;
            for g in grads {
                c.compare(g);
            }
            Ok(())
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::{Precision, cpu};
    use crate::ops::case::{BATCH, ROUTINE};

    /// Two chunks of cells of a sample's own and more leaves than threads: a kernel that shared out its
    /// chunks here would wait for them, and its thread be given a second leaf.
    #[test]
    fn own_cells_keep_to_their_thread() {
        let case = build("own cells", 1.0, |c| {
            let [theta, phi] = [0, 1].map(|_| c.sample(Shape::real(&[CHUNK + 1])));
            let built = c.constant(Shape::complex(&[1, BUILD]));
            let cells = Op::MeshCells(MeshCells { symmetric: false });
            let cells = c.b.emit(cells, &[theta, phi, built])?;
            c.compare(cells);
            let domain = c.b.slot(theta).domain;
            let grads = [0, 1].map(|_| c.b.temp("grad".into(), Shape::real(&[CHUNK + 1]), domain));
            let adjoint = Op::MeshCellsAdjoint(MeshCellsAdjoint { symmetric: false });
            c.b.emit_all(adjoint, &[cells, theta, phi, built], &grads)?;
            for g in grads {
                c.compare(g);
            }
            Ok(())
        });
        let program = Arc::new(case.program);
        let run = |threads: usize, times: usize| {
            let executor = cpu::compile(program.clone(), Precision::F32, Some(threads));
            let mut executor = executor.expect("threads");
            for (slot, data) in &case.inputs {
                executor.write(*slot, data).expect("inputs");
            }
            for _ in 0..times {
                executor.run(ROUTINE, BATCH).expect("a run");
            }
            let read = |&slot: &_| executor.read(slot).expect("an output");
            case.compare.iter().map(read).collect::<Vec<_>>()
        };
        assert!(run(4, 100) == run(1, 1), "the same bits on any number of threads");
    }
}
