//! Meshes in lanes against plain arithmetic in f64, on every instruction set of this machine.

use num_complex::Complex;

use super::{CELL, MeshPlan};
use crate::math::aligned::Aligned;
use crate::math::lanes::Isa;
use crate::math::random::{Site, uniform};

type C = Complex<f64>;

/// Where cells stand: neighbours every other column, or bits of a butterfly.
struct Table {
    guides: usize,
    starts: Vec<usize>,
    pairs: Vec<[u32; 2]>,
    passing: Option<Vec<f64>>,
}

impl Table {
    fn neighbours(guides: usize, depth: usize, lossy: bool) -> Self {
        let (mut starts, mut pairs, mut passing) = (vec![0], Vec::new(), vec![0.9; depth * guides]);
        for c in 0..depth {
            for a in (c % 2..guides - 1).step_by(2) {
                passing[c * guides + a..][..2].fill(1.0);
                pairs.push([a as u32, a as u32 + 1]);
            }
            starts.push(pairs.len());
        }
        Self { guides, starts, pairs, passing: lossy.then_some(passing) }
    }

    fn butterfly(guides: usize) -> Self {
        let (mut starts, mut pairs) = (vec![0], Vec::new());
        for c in 0..guides.ilog2() {
            let upper = (0..guides as u32).filter(|g| g & (1 << c) == 0);
            pairs.extend(upper.map(|g| [g, g | 1 << c]));
            starts.push(pairs.len());
        }
        Self { guides, starts, pairs, passing: None }
    }

    fn depth(&self) -> usize {
        self.starts.len() - 1
    }

    fn pass(&self, c: usize, x: &mut [C], power: i32) {
        if let Some(passing) = &self.passing {
            let by = &passing[c * self.guides..][..self.guides];
            x.iter_mut().zip(by).for_each(|(x, a)| *x *= a.powi(power));
        }
    }
}

fn reals(salt: u32, n: usize) -> Vec<f32> {
    (0..n as u32).map(|i| 2.0 * uniform(3, salt, Site::Test, i) as f32 - 1.0).collect()
}

fn complexes(reals: &[f32]) -> Vec<C> {
    reals.chunks_exact(2).map(|z| C::new(z[0].into(), z[1].into())).collect()
}

fn turn(x: &mut [C], [a, b]: [u32; 2], t: [C; 4]) {
    let (a, b) = (a as usize, b as usize);
    (x[a], x[b]) = (t[0] * x[a] + t[1] * x[b], t[2] * x[a] + t[3] * x[b]);
}

fn cell(cells: &[C], k: usize, adjoint: bool) -> [C; 4] {
    let t: [C; 4] = std::array::from_fn(|e| cells[4 * k + e]);
    if adjoint { [t[0], t[2], t[1], t[3]].map(|z| z.conj()) } else { t }
}

/// Relative to the largest: a depth of roundings.
#[track_caller]
fn same(what: &str, isa: Isa, found: &[C], wanted: &[C]) {
    assert_eq!(found.len(), wanted.len());
    let size = wanted.iter().map(|z| z.norm()).fold(0.0, f64::max);
    let off = found.iter().zip(wanted).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
    assert!(off < 2e-5 * size && size > 0.1, "{what} on {}: {off:e} of {size:e}", isa.name());
    assert!(off > 0.0, "{what}: f32 cannot be exact, nothing was computed");
}

#[test]
fn passages_follow_plain_arithmetic() {
    let tables = [
        Table::neighbours(2, 1, false),
        Table::neighbours(7, 5, true),
        Table::neighbours(37, 19, false),
        Table::neighbours(64, 9, true),
        Table::butterfly(16),
    ];
    for isa in Isa::available() {
        for table in &tables {
            check(isa, table);
        }
    }
}

fn check(isa: Isa, table: &Table) {
    let (guides, count) = (table.guides, table.pairs.len());
    let plan = MeshPlan::new(isa, guides, &table.starts, &table.pairs, table.passing.as_deref());
    // One lane stays dark.
    let vectors = plan.lanes() - 1;
    // Cells of about size one, so that light neither vanishes nor grows.
    let scaled =
        |salt: u32| reals(salt, CELL * count).iter().map(|x| 0.8 * x).collect::<Vec<f32>>();
    let (cells, inverse, arms) = (scaled(1), scaled(2), reals(3, CELL * count));
    let [exact, exact_inverse, exact_arms] = [&cells, &inverse, &arms].map(|v| complexes(v));
    let light = reals(4, 2 * vectors * guides);
    let gradient = reals(5, 2 * vectors * guides);
    let load = |values: &[f32]| -> Aligned<f32> {
        let mut state = Aligned::zeros(plan.state_len());
        plan.load(bytemuck::cast_slice(values), &mut state);
        state
    };
    let store = |state: &[f32]| -> Vec<C> {
        let mut out = vec![Complex::<f32>::default(); vectors * guides];
        plan.store(state, &mut out);
        complexes(bytemuck::cast_slice(&out))
    };
    for adjoint in [false, true] {
        let mut state = load(&light);
        plan.through(&mut state, &cells, adjoint);
        let mut measured = load(&light);
        let mut readings = [vec![0.0; vectors * count], vec![0.0; vectors * count]];
        let [phi, theta] = &mut readings;
        plan.powers(&mut measured, [&cells, &arms], [phi, theta], (adjoint, adjoint));
        let mut wanted = complexes(&light);
        let mut powers = [vec![0.0; vectors * count], vec![0.0; vectors * count]];
        for (v, x) in wanted.chunks_exact_mut(guides).enumerate() {
            for step in 0..table.depth() {
                let c = if adjoint { table.depth() - 1 - step } else { step };
                for k in table.starts[c]..table.starts[c + 1] {
                    let [a, b] = table.pairs[k];
                    let mut inside = [x[a as usize], x[b as usize]];
                    turn(&mut inside, [0, 1], cell(&exact_arms, k, false));
                    let [upper, lower] = inside.map(|z| z.norm_sqr());
                    let before = x[a as usize];
                    turn(x, [a, b], cell(&exact, k, adjoint));
                    let at_phi = if adjoint { x[a as usize] } else { before };
                    powers[0][v * count + k] = at_phi.norm_sqr();
                    powers[1][v * count + k] = if adjoint { 0.5 * (upper - lower) } else { upper };
                }
                table.pass(c, x, 1);
            }
        }
        same("through", isa, &store(&state), &wanted);
        same("measured", isa, &store(&measured), &wanted);
        for (found, wanted) in readings.iter().zip(&powers) {
            let found: Vec<C> = found.iter().map(|&x| C::from(f64::from(x))).collect();
            let wanted: Vec<C> = wanted.iter().map(|&x| C::from(x)).collect();
            same("powers", isa, &found, &wanted);
        }
    }
    for unitary in [true, false] {
        let (mut x, mut g) = (load(&light), load(&gradient));
        let mut sums = vec![0.25; CELL * count];
        let given = (!unitary).then_some(&inverse[..]);
        plan.back([&mut x, &mut g], &cells, given, &mut sums);
        let (mut light, mut gradient) = (complexes(&light), complexes(&gradient));
        let mut wanted = vec![C::new(0.25, 0.25); 4 * count];
        let vectors = light.chunks_exact_mut(guides).zip(gradient.chunks_exact_mut(guides));
        for (x, g) in vectors {
            for c in (0..table.depth()).rev() {
                table.pass(c, x, -1);
                table.pass(c, g, 1);
                for k in table.starts[c]..table.starts[c + 1] {
                    let [a, b] = table.pairs[k].map(|g| g as usize);
                    let adjoint = cell(&exact, k, true);
                    let undo = if unitary { adjoint } else { cell(&exact_inverse, k, false) };
                    turn(x, table.pairs[k], undo);
                    for (e, (to, from)) in [(a, a), (a, b), (b, a), (b, b)].into_iter().enumerate()
                    {
                        wanted[4 * k + e] += x[from].conj() * g[to];
                    }
                    turn(g, table.pairs[k], adjoint);
                }
            }
        }
        same("light before", isa, &store(&x), &light);
        same("gradient before", isa, &store(&g), &gradient);
        same("sums", isa, &complexes(&sums), &wanted);
    }
}
