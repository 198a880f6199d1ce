//! Planes: propagations, their adjoints, and what happens to a row block.

use rustfft::FftPlanner;

use super::{C64, dirty, error, get, lengths, numbers, put};
use crate::math::aligned::Aligned;
use crate::math::lanes::{Isa, PlanePlan, Shared, Source, Trip};

const WINDOWS: [([usize; 2], [usize; 2]); 17] = [
    ([1, 1], [1, 1]),
    ([1, 1], [2, 2]),
    ([5, 7], [12, 14]),
    ([33, 20], [70, 40]),
    ([16, 24], [16, 24]),
    ([16, 24], [32, 48]),
    ([20, 30], [30, 40]),
    ([101, 3], [210, 9]),
    ([3, 101], [9, 210]),
    ([17, 64], [45, 128]),
    ([128, 40], [256, 81]),
    ([100, 100], [256, 256]),
    ([200, 200], [400, 400]),
    ([50, 256], [105, 512]),
    ([256, 50], [512, 189]),
    ([9, 600], [25, 1500]),
    ([1100, 3], [2400, 6]),
];

struct Model {
    field: [usize; 2],
    padded: [usize; 2],
    planner: FftPlanner<f64>,
}

impl Model {
    fn transform(&mut self, window: &mut [C64], inverse: bool) {
        let [my, mx] = self.padded;
        let plan = |planner: &mut FftPlanner<f64>, n| {
            if inverse { planner.plan_fft_inverse(n) } else { planner.plan_fft_forward(n) }
        };
        let (along_x, along_y) = (plan(&mut self.planner, mx), plan(&mut self.planner, my));
        along_x.process(window);
        for x in 0..mx {
            let mut column: Vec<C64> = (0..my).map(|y| window[y * mx + x]).collect();
            along_y.process(&mut column);
            (0..my).for_each(|y| window[y * mx + x] = column[y]);
        }
    }

    fn pad(&self, x: &[C64]) -> Vec<C64> {
        let ([ny, nx], [my, mx]) = (self.field, self.padded);
        let mut window = vec![C64::default(); my * mx];
        (0..ny).for_each(|y| window[y * mx..][..nx].copy_from_slice(&x[y * nx..][..nx]));
        window
    }

    fn propagate(&mut self, x: &[C64], h: &[C64], conj: bool) -> Vec<C64> {
        let ([ny, nx], mx) = (self.field, self.padded[1]);
        let mut window = self.pad(x);
        self.transform(&mut window, false);
        window.iter_mut().zip(h).for_each(|(v, h)| *v *= if conj { h.conj() } else { *h });
        self.transform(&mut window, true);
        (0..ny * nx).map(|i| window[i / nx * mx + i % nx]).collect()
    }
}

/// H in natural order as the lanes want it, and back.
fn spectrum(plan: &PlanePlan, h: &[C64]) -> Aligned<f32> {
    let lanes = plan.rows().isa().lanes();
    let (ky, kx) = (plan.columns().order(), plan.row_order());
    let mut all = Aligned::zeros(plan.spectrum_len([false; 2]) * plan.column_blocks());
    for (x, k) in kx.iter().enumerate() {
        for (y, l) in ky.iter().enumerate() {
            let place = x / lanes * ky.len() + y;
            put(&mut all, lanes, place, x % lanes, h[*l as usize * kx.len() + *k as usize]);
        }
    }
    all
}

fn natural_spectrum(plan: &PlanePlan, given: &[f32]) -> Vec<C64> {
    let lanes = plan.rows().isa().lanes();
    let (ky, kx) = (plan.columns().order(), plan.row_order());
    let mut all = vec![C64::default(); ky.len() * kx.len()];
    for (x, k) in kx.iter().enumerate() {
        for (y, l) in ky.iter().enumerate() {
            let v = get(given, lanes, x / lanes * ky.len() + y, x % lanes);
            all[*l as usize * kx.len() + *k as usize] = v;
        }
    }
    all
}

fn complex(values: &[f32]) -> Vec<C64> {
    values.chunks(2).map(|c| C64::new(c[0] as f64, c[1] as f64)).collect()
}

#[allow(unsafe_code, reason = "row blocks on one thread")]
fn exchange(
    plan: &PlanePlan,
    line: &mut [f32],
    done: Option<(usize, &Shared<'_>)>,
    next: Option<(usize, Source<'_>)>,
) {
    // SAFETY: one thread.
    unsafe { plan.exchange(line, done, next) }
}

fn rows_in(plan: &PlanePlan, field: &[f32]) -> Aligned<f32> {
    let mut hybrid = dirty(plan.hybrid_len());
    let shared = Shared::new(&mut hybrid);
    for b in 0..plan.row_blocks() {
        let mut line = dirty(plan.line_len());
        plan.load_natural(field, b, &mut line);
        plan.samples_to_blocks(&mut line);
        exchange(plan, &mut line, Some((b, &shared)), None);
    }
    hybrid
}

fn rows_out(plan: &PlanePlan, hybrid: &[f32], count: usize) -> Aligned<f32> {
    let mut field = dirty(count);
    let shared = Shared::new(&mut field);
    for b in 0..plan.row_blocks() {
        let mut line = dirty(plan.line_len());
        exchange(plan, &mut line, None, Some((b, Source::Lent(hybrid))));
        plan.blocks_to_samples(&mut line);
        // SAFETY: one thread.
        #[allow(unsafe_code, reason = "row blocks on one thread")]
        unsafe {
            plan.store_natural(&line, b, &shared);
        }
    }
    field
}

fn propagate(
    plan: &PlanePlan,
    field: &[f32],
    h: &[f32],
    conj: bool,
) -> (Aligned<f32>, Aligned<f32>) {
    let mut hybrid = rows_in(plan, field);
    let mut other = dirty(plan.hybrid_len());
    let blocks = h.chunks(plan.spectrum_len([false; 2]));
    let columns = hybrid.chunks_mut(plan.column_len()).zip(other.chunks_mut(plan.column_len()));
    for (h, (column, to)) in blocks.zip(columns) {
        plan.columns_to(column, to, |_| h, [conj, false], &mut dirty(plan.scratch_len()));
        plan.columns_in_place(column, |_| h, [conj, false], &mut dirty(plan.scratch_len()));
    }
    let count = field.len();
    (rows_out(plan, &hybrid, count), rows_out(plan, &other, count))
}

#[test]
fn propagations_agree_with_rustfft() {
    for isa in Isa::available() {
        for (field, padded) in WINDOWS {
            let plan = PlanePlan::new(field, padded, isa).unwrap();
            let mut model = Model { field, padded, planner: FftPlanner::new() };
            let x = numbers(1, 2 * field[0] * field[1]);
            let h = complex(&numbers(2, 2 * padded[0] * padded[1]));
            let lanes_h = spectrum(&plan, &h);
            for conj in [false, true] {
                let wanted = model.propagate(&complex(&x), &h, conj);
                let (inside, between) = propagate(&plan, &x, &lanes_h, conj);
                for given in [inside, between] {
                    let off = error(&complex(&given), &wanted);
                    assert!(off < 1e-6, "{isa:?} {field:?} in {padded:?} conj={conj}: {off:e}");
                }
                // The sabotage: the other conjugate must not pass.
                let (wrong, _) = propagate(&plan, &x, &lanes_h, !conj);
                assert!(error(&complex(&wrong), &wanted) > 1e-3, "{field:?} in {padded:?}");
            }
        }
    }
}

#[test]
fn conj_is_the_adjoint() {
    let dot = |a: &[C64], b: &[C64]| a.iter().zip(b).map(|(a, b)| a.conj() * b).sum::<C64>();
    for isa in Isa::available() {
        for (field, padded) in WINDOWS {
            let plan = PlanePlan::new(field, padded, isa).unwrap();
            let (x, g) = (numbers(1, 2 * field[0] * field[1]), numbers(4, 2 * field[0] * field[1]));
            let h = spectrum(&plan, &complex(&numbers(2, 2 * padded[0] * padded[1])));
            let (y, _) = propagate(&plan, &x, &h, false);
            let (z, _) = propagate(&plan, &g, &h, true);
            let (x, y, z, g) = (complex(&x), complex(&y), complex(&z), complex(&g));
            let (left, right) = (dot(&g, &y), dot(&z, &x));
            let scale = dot(&g, &g).norm().sqrt() * dot(&y, &y).norm().sqrt();
            assert!((left - right).norm() < 1e-6 * scale, "{isa:?} {field:?}: {left} {right}");
        }
    }
}

#[test]
fn gradients_of_h_agree_with_rustfft() {
    for isa in Isa::available() {
        for (field, padded) in WINDOWS {
            let plan = PlanePlan::new(field, padded, isa).unwrap();
            let mut model = Model { field, padded, planner: FftPlanner::new() };
            let (x, g) = (numbers(1, 2 * field[0] * field[1]), numbers(4, 2 * field[0] * field[1]));
            let start = complex(&numbers(5, 2 * padded[0] * padded[1]));
            let mut sums = spectrum(&plan, &start);
            let (hx, hg) = (rows_in(&plan, &x), rows_in(&plan, &g));
            let scratch = &mut dirty(plan.scratch_len());
            for (b, sums) in sums.chunks_mut(plan.spectrum_len([false; 2])).enumerate() {
                let column = |all| -> &[f32] { &<[f32]>::as_ref(all)[b * plan.column_len()..] };
                plan.columns_grad(column(&hx), column(&hg), sums, scratch);
            }
            let (mut fx, mut fg) = (model.pad(&complex(&x)), model.pad(&complex(&g)));
            model.transform(&mut fx, false);
            model.transform(&mut fg, false);
            let wanted: Vec<C64> = (0..fx.len()).map(|i| start[i] + fx[i].conj() * fg[i]).collect();
            let off = error(&natural_spectrum(&plan, &sums), &wanted);
            assert!(off < 1e-6, "{isa:?} {field:?} in {padded:?}: {off:e}");
        }
    }
}

#[test]
fn blocked_planes_come_back_and_point_operations_agree() {
    for isa in Isa::available() {
        let lanes = isa.lanes();
        for (field, padded) in WINDOWS {
            let plan = PlanePlan::new(field, padded, isa).unwrap();
            let (nx, length) = (field[1], plan.blocked_len());
            let [e, t, y] = [6, 7, 8].map(|seed| numbers(seed, length * plan.row_blocks()));
            let a = numbers(9, nx * lanes);
            let rows = plan.rows();
            let b = plan.row_blocks() - 1;
            let part = |all: &[f32]| -> Vec<C64> {
                let at = |i: usize| get(&all[b * length..], lanes, i / lanes, i % lanes);
                (0..nx * lanes).map(at).collect()
            };
            let reals = |all: &[f32]| -> Vec<C64> {
                all.iter().map(|x| C64::new(*x as f64, 0.0)).collect()
            };
            let (ec, tc, yc) = (part(&e), part(&t), part(&y));
            let load = || {
                let mut line = dirty(plan.line_len());
                plan.load_blocked(&e, b, &mut line);
                line
            };
            let stored = |line: &[f32]| {
                let mut plane = dirty(length * plan.row_blocks());
                // SAFETY: one thread.
                #[allow(unsafe_code, reason = "row blocks on one thread")]
                unsafe {
                    plan.store_blocked(line, b, &Shared::new(&mut plane));
                }
                part(&plane)
            };
            let close = |given: &[C64], wanted: &[C64], what: &str| {
                let off = error(given, wanted);
                assert!(off < 1e-6, "{isa:?} {field:?} {what}: {off:e}");
            };
            close(&stored(&load()), &ec, "copy");
            let start = numbers(10, nx * lanes);
            let sum = |f: fn(C64) -> f64| -> Vec<C64> {
                let terms = yc.iter().zip(&ec).map(|(y, e)| f(y.conj() * e));
                terms.zip(&reals(&start)).map(|(t, s)| t + s).collect()
            };
            let (t, y) = (&t[b * length..], &y[b * length..]);
            for conj in [false, true] {
                let turned: Vec<C64> =
                    ec.iter().zip(&tc).map(|(e, t)| e * if conj { t.conj() } else { *t }).collect();
                let mut line = load();
                Trip::Modulate { t, keep: None, conj }.run(rows, &mut line, nx);
                close(&stored(&line), &turned, "modulate");
                let (mut line, mut store) = (load(), dirty(e.len()));
                let keep = Some(&mut store[b * length..]);
                Trip::Modulate { t, keep, conj }.run(rows, &mut line, nx);
                close(&stored(&line), &turned, "modulate and keep");
                close(&part(&store), &turned, "modulate and keep, kept");
                let (mut line, mut sums) = (load(), start.clone());
                let grad = Trip::PhaseGrad { y, sums: &mut sums, t: Some(t), conj };
                grad.run(rows, &mut line, nx);
                close(&stored(&line), &turned, "phase gradient and modulate");
                close(&reals(&sums), &sum(|c| c.im), "phase gradient and modulate, sums");
            }
            let (mut line, mut sums) = (load(), start.clone());
            let grad = Trip::PhaseGrad { y, sums: &mut sums, t: None, conj: false };
            grad.run(rows, &mut line, nx);
            close(&stored(&line), &ec, "phase gradient leaves the field");
            close(&reals(&sums), &sum(|c| c.im), "phase gradient");
            let (mut line, mut sums) = (load(), start.clone());
            Trip::AmplitudeGrad { y, sums: &mut sums }.run(rows, &mut line, nx);
            close(&stored(&line), &ec, "amplitude gradient leaves the field");
            close(&reals(&sums), &sum(|c| c.re), "amplitude gradient");
            let (mut line, mut out) = (load(), dirty(nx * lanes));
            Trip::Intensity { out: &mut out }.run(rows, &mut line, nx);
            let wanted: Vec<C64> = ec.iter().map(|e| e.norm_sqr().into()).collect();
            close(&reals(&out), &wanted, "intensity");
            let mut line = load();
            Trip::Attenuate { a: &a }.run(rows, &mut line, nx);
            let wanted: Vec<C64> = ec.iter().zip(a.iter()).map(|(e, a)| e * *a as f64).collect();
            close(&stored(&line), &wanted, "attenuate");
        }
    }
}

/// Rows out, a trip and rows in are the same to the bit whether the samples in between go through
/// memory or not; for the even first radices that these lengths bring up.
#[test]
fn rows_that_meet_are_rows_out_and_in() {
    for isa in Isa::available() {
        let mut met = std::collections::BTreeSet::new();
        for n in (2..=130).chain([150, 200, 252, 256, 294, 384, 512]) {
            let [field, padded] = [[n, n], [2 * n, 2 * n]];
            let Some(plan) = PlanePlan::new(field, padded, isa).filter(PlanePlan::meets) else {
                continue;
            };
            met.insert(plan.rows().radices()[0]);
            let (lanes, length, b) = (isa.lanes(), plan.blocked_len(), plan.row_blocks() - 1);
            let hybrid = numbers(11, plan.hybrid_len());
            let [t, y] = [12, 13].map(|seed| numbers(seed, length));
            let (kept, sums) = (dirty(length), numbers(14, n * lanes));
            for (kind, conj) in [(0, false), (0, true), (1, false), (1, true), (2, true)] {
                for in_place in [false, true] {
                    let [apart, met] = [false, true].map(|meet| {
                        let (mut kept, mut sums) = (kept.clone(), sums.clone());
                        let mut to = if in_place { hybrid.clone() } else { dirty(hybrid.len()) };
                        let mut line = dirty(plan.line_len());
                        let trip = match kind {
                            0 => Trip::Modulate { t: &t, keep: None, conj },
                            1 => Trip::Modulate { t: &t, keep: Some(&mut kept), conj },
                            _ => Trip::PhaseGrad { y: &y, sums: &mut sums, t: Some(&t), conj },
                        };
                        assert!(trip.meets());
                        let shared = Shared::new(&mut to);
                        let from =
                            if in_place { Source::Shared(&shared) } else { Source::Lent(&hybrid) };
                        exchange(&plan, &mut line, None, Some((b, from)));
                        if meet {
                            plan.meet(&mut line, trip);
                        } else {
                            plan.blocks_to_samples(&mut line);
                            trip.run(plan.rows(), &mut line, n);
                            plan.samples_to_blocks(&mut line);
                        }
                        exchange(&plan, &mut line, Some((b, &shared)), None);
                        [to, kept, sums].map(|all| all.iter().map(|x| x.to_bits()).collect())
                    });
                    let [apart, met]: [[Vec<u32>; 3]; 2] = [apart, met];
                    assert!(apart == met, "{isa:?} {n}: trip {kind}, conj={conj}, {in_place}");
                }
            }
        }
        assert!(met.len() > 2, "{isa:?} meets in {met:?} alone");
    }
}

/// Row blocks that follow each other through a line, and columns at once, are the same to the bit as
/// each by itself.
#[test]
fn what_overlaps_is_the_same_by_itself() {
    for isa in Isa::available() {
        for (field, padded) in WINDOWS {
            let plan = PlanePlan::new(field, padded, isa).unwrap();
            let from = numbers(11, plan.hybrid_len());
            let h = numbers(12, plan.spectrum_len([false; 2]) * plan.column_blocks());
            let bits = |all: &[f32]| -> Vec<u32> { all.iter().map(|x| x.to_bits()).collect() };
            let rows = |in_place: bool, overlap: bool| {
                // Gaps are as they were.
                let mut to = from.clone();
                let shared = Shared::new(&mut to);
                let source = if in_place { Source::Shared(&shared) } else { Source::Lent(&from) };
                let (mut line, mut waits) = (dirty(plan.line_len()), None);
                for b in 0..plan.row_blocks() {
                    if !overlap {
                        exchange(&plan, &mut line, waits.take(), None);
                        line.fill(f32::NAN);
                    }
                    exchange(&plan, &mut line, waits, Some((b, source)));
                    plan.blocks_to_samples(&mut line);
                    plan.samples_to_blocks(&mut line);
                    waits = Some((b, &shared));
                }
                exchange(&plan, &mut line, waits, None);
                assert!(to.iter().all(|x| x.is_finite()));
                bits(&to)
            };
            let apart = rows(false, false);
            for (in_place, overlap) in [(false, true), (true, false), (true, true)] {
                assert!(rows(in_place, overlap) == apart, "{isa:?} {field:?} in {padded:?}: rows");
            }
            let scratch = &mut dirty(plan.scratch_len());
            let (mut inside, mut between) = (from.clone(), from.clone());
            let at = |b| &h[b * plan.spectrum_len([false; 2])..];
            plan.columns_in_place(&mut inside, at, [true, false], scratch);
            plan.columns_to(&from, &mut between, at, [true, false], scratch);
            let mut apart = from.clone();
            let columns = apart.chunks_mut(plan.column_len());
            for (b, column) in columns.enumerate() {
                plan.columns_in_place(column, |_| at(b), [true, false], scratch);
            }
            for at_once in [inside, between] {
                let same = bits(&at_once) == bits(&apart);
                assert!(same, "{isa:?} {field:?} in {padded:?}: columns");
            }
        }
    }
}

/// With half of a transfer function that is even along y columns are the same to the bit as with all.
#[test]
fn half_of_an_even_transfer_function_is_enough() {
    for isa in Isa::available() {
        for n in lengths().filter(|n| *n > 1) {
            let (field, padded) = ([n / 2, 1], [n, 1]);
            let plan = PlanePlan::new(field, padded, isa).unwrap();
            let size = 2 * isa.lanes();
            let mut h = numbers(12, plan.spectrum_len([false; 2]));
            let at = plan.columns().positions();
            for k in 0..n {
                let (to, from) = (at[k] * size, at[k.min(n - k)] * size);
                h.copy_within(from..from + size, to);
            }
            let half = &h[..plan.spectrum_len([true, false])];
            for conj in [false, true] {
                let columns = |h: &[f32], even: bool| -> Vec<u32> {
                    let mut column = numbers(13, plan.column_len());
                    let scratch = &mut dirty(plan.scratch_len());
                    plan.columns_in_place(&mut column, |_| h, [conj, even], scratch);
                    column.iter().map(|x| x.to_bits()).collect()
                };
                assert!(columns(half, true) == columns(&h, false), "{isa:?} {n} conj={conj}");
            }
            let saves = plan.columns().radices()[0] > 2;
            assert!(!saves || half.len() < h.len(), "{isa:?} {n}");
        }
    }
}

/// A row block is transformed from where it lies to the same bits, where the line has no gaps and
/// nothing behind the samples is read, and elsewhere.
#[test]
fn blocked_rows_are_transformed_from_where_they_lie() {
    for isa in Isa::available() {
        for (field, padded) in WINDOWS {
            let plan = PlanePlan::new(field, padded, isa).unwrap();
            let plane = numbers(11, plan.blocked_len() * plan.row_blocks());
            let b = plan.row_blocks() - 1;
            let [mut wanted, mut line] = [0; 2].map(|_| dirty(plan.line_len()));
            plan.load_blocked(&plane, b, &mut wanted);
            plan.samples_to_blocks(&mut wanted);
            plan.blocked_to_blocks(&plane, b, &mut line);
            let rows = plan.rows();
            for n in 0..rows.length() {
                let at = rows.place(n) * rows.element();
                let of = |line: &Aligned<f32>| line[at..][..rows.element()].to_vec();
                assert_eq!(of(&line), of(&wanted), "{isa:?} {field:?} in {padded:?} at {n}");
            }
        }
    }
}

/// What is not aligned to a register is refused before a pass runs, in every profile.
#[test]
fn lines_are_aligned() {
    type Run<'a> = &'a dyn Fn(&mut [f32]);
    for isa in Isa::available() {
        let plan = PlanePlan::new([5, 7], [12, 14], isa).unwrap();
        let length = plan.line_len().max(plan.scratch_len()).max(plan.hybrid_len());
        let h = numbers(1, plan.spectrum_len([false; 2]));
        let runs: [Run<'_>; 5] = [
            &|line| plan.rows().forward(line),
            &|line| plan.load_natural(&numbers(2, 70), 0, line),
            &|hybrid| {
                let next = Some((0, Source::Lent(hybrid)));
                exchange(&plan, &mut dirty(length), None, next);
            },
            &|columns| {
                let column = &mut columns[..plan.column_len()];
                plan.columns_in_place(column, |_| &h, [false; 2], &mut dirty(length));
            },
            &|a| Trip::Attenuate { a }.run(plan.rows(), &mut dirty(length), 7),
        ];
        for (n, run) in runs.iter().enumerate() {
            let mut all = dirty(length + 1);
            run(&mut all);
            let run = std::panic::AssertUnwindSafe(|| run(&mut all[1..]));
            let refused = std::panic::catch_unwind(run).is_err();
            assert!(refused == (isa.lanes() > 1), "{isa:?} {n}");
        }
    }
}
