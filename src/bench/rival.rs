//! The rival: padded propagation as one writes it by hand with rustfft. Pad to M x M, transform
//! all M rows, transpose, transform all M columns, x H, and back: 4 M lines of which half are
//! zeros or thrown away. H is made once, workspaces are kept, transposes go by tiles; fields run
//! in parallel, or the lines of each where there are fewer fields than threads.

use std::sync::{Arc, Mutex, PoisonError};

use num_complex::Complex;
use rayon::prelude::*;
use rustfft::{Fft, FftPlanner};

type C = Complex<f32>;
const ZERO: C = C::new(0.0, 0.0);
/// Side of a tile of a transpose: two tiles fit the first cache.
const TILE: usize = 32;

/// Transforms along one axis, forward and back.
struct Axis {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

impl Axis {
    fn new(length: usize, planner: &mut FftPlanner<f32>) -> Self {
        Self {
            forward: planner.plan_fft_forward(length),
            inverse: planner.plan_fft_inverse(length),
        }
    }

    fn scratch(&self) -> usize {
        self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len())
    }
}

/// Two planes, and scratch for a thread each.
struct Workspace {
    plane: Vec<C>,
    turned: Vec<C>,
    scratch: Vec<Vec<C>>,
}

pub struct Propagator {
    /// `[y, x]`.
    field: [usize; 2],
    padded: [usize; 2],
    rows: Axis,
    columns: Axis,
    /// `[kx, ky]`: as the columns lie after the transpose. Holds the 1 / (My Mx).
    transfer: Vec<C>,
    workspaces: Vec<Mutex<Workspace>>,
}

impl Propagator {
    /// `transfer`: H `[ky, kx]` in natural order.
    pub fn new(
        field: [usize; 2],
        padded: [usize; 2],
        transfer: &[Complex<f64>],
        threads: usize,
    ) -> Self {
        let [my, mx] = padded;
        let mut planner = FftPlanner::new();
        let (rows, columns) = (Axis::new(mx, &mut planner), Axis::new(my, &mut planner));
        let scale = ((my * mx) as f64).recip();
        let single = |kx: usize, ky: usize| {
            let h = transfer[ky * mx + kx] * scale;
            C::new(h.re as f32, h.im as f32)
        };
        let transfer = (0..mx).flat_map(|kx| (0..my).map(move |ky| single(kx, ky))).collect();
        let scratch = rows.scratch().max(columns.scratch());
        let workspace = || {
            Mutex::new(Workspace {
                plane: vec![ZERO; my * mx],
                turned: vec![ZERO; my * mx],
                scratch: vec![vec![ZERO; scratch]; threads],
            })
        };
        let workspaces = (0..threads).map(|_| workspace()).collect();
        Self { field, padded, rows, columns, transfer, workspaces }
    }

    /// input, output: `[sample, y, x]`.
    pub fn run(&self, pool: &rayon::ThreadPool, input: &[C], output: &mut [C]) {
        let plane = self.field[0] * self.field[1];
        let beside = output.len() / plane >= pool.current_num_threads();
        let one = |(from, to): (&[C], &mut [C])| {
            let thread = rayon::current_thread_index().unwrap_or(0);
            let workspace = &self.workspaces[if beside { thread } else { 0 }];
            let mut workspace = workspace.lock().unwrap_or_else(PoisonError::into_inner);
            self.propagate(from, to, &mut workspace, !beside);
        };
        pool.install(|| {
            if beside {
                input.par_chunks(plane).zip(output.par_chunks_mut(plane)).for_each(one);
            } else {
                input.chunks(plane).zip(output.chunks_mut(plane)).for_each(one);
            }
        });
    }

    fn propagate(&self, from: &[C], to: &mut [C], workspace: &mut Workspace, parallel: bool) {
        let ([ny, nx], [my, mx]) = (self.field, self.padded);
        let Workspace { plane, turned, scratch } = workspace;
        each(plane, mx, parallel, |y, row| {
            let kept = if y < ny { &from[y * nx..][..nx] } else { &[] };
            row[..kept.len()].copy_from_slice(kept);
            row[kept.len()..].fill(ZERO);
        });
        lines(&*self.rows.forward, plane, scratch, parallel);
        transpose(plane, turned, [my, mx], parallel);
        lines(&*self.columns.forward, turned, scratch, parallel);
        each(turned, my, parallel, |x, line| {
            line.iter_mut().zip(&self.transfer[x * my..]).for_each(|(v, h)| *v *= h);
        });
        lines(&*self.columns.inverse, turned, scratch, parallel);
        transpose(turned, plane, [mx, my], parallel);
        lines(&*self.rows.inverse, plane, scratch, parallel);
        each(to, nx, parallel, |y, out| out.copy_from_slice(&plane[y * mx..][..nx]));
    }
}

/// Does `one` to every part of `length`, with its number.
fn each(plane: &mut [C], length: usize, parallel: bool, one: impl Fn(usize, &mut [C]) + Sync) {
    if parallel {
        plane.par_chunks_mut(length).enumerate().for_each(|(n, part)| one(n, part));
    } else {
        plane.chunks_mut(length).enumerate().for_each(|(n, part)| one(n, part));
    }
}

/// Transforms every line of a plane.
fn lines(fft: &dyn Fft<f32>, plane: &mut [C], scratch: &mut [Vec<C>], parallel: bool) {
    if !parallel {
        fft.process_with_scratch(plane, &mut scratch[0]);
        return;
    }
    let length = fft.len();
    let each = (plane.len() / length).div_ceil(scratch.len()) * length;
    let parts = plane.par_chunks_mut(each).zip(scratch.par_iter_mut());
    parts.for_each(|(part, scratch)| fft.process_with_scratch(part, scratch));
}

/// to[x, y] = from[y, x] by tiles; `shape` is that of `from`.
fn transpose(from: &[C], to: &mut [C], shape: [usize; 2], parallel: bool) {
    let [rows, columns] = shape;
    each(to, TILE * rows, parallel, |b, band| {
        let first = b * TILE;
        for y in (0..rows).step_by(TILE) {
            for (x, line) in band.chunks_mut(rows).enumerate() {
                for (i, out) in line[y..rows.min(y + TILE)].iter_mut().enumerate() {
                    *out = from[(y + i) * columns + first + x];
                }
            }
        }
    });
}
