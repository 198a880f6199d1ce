//! P = |U x|² of one mesh, and ∂P by its splitters and phases: what enters each cell times what each
//! output takes from behind it, ∂y = G ∂T x. With G summed over the outputs by their misfit, the same
//! walk is the adjoint.

use super::chip::Shown;
use super::fit::Model;
use super::{Estimate, Group, Scaled};
use crate::error::Result;
use crate::optics::mesh::cell::Pair;
use crate::optics::mesh::effective::{Effective, effective};
use crate::optics::mesh::{C, Faults, Imperfections, Mesh, Settings};

/// One number; of cells by their place in the order of passage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Splitter(usize, usize),
    Theta(usize),
    Phi(usize),
    /// dB.
    Loss,
    Crosstalk,
    CrosstalkAlong,
}

/// The numbers of `groups`, and the estimates that they become.
pub(super) fn numbers(
    mesh: &Mesh,
    spec: &Imperfections,
    truth: &Faults,
    groups: &[Group],
) -> (Vec<Number>, Scaled) {
    let (mut all, mut estimates) = (Vec::new(), Vec::new());
    let mut add = |group, number, place: &str, quantity: &str, unit, truth| {
        all.push(number);
        let (place, quantity) = (place.to_owned(), quantity.to_owned());
        estimates.push(Estimate { group, place, quantity, unit, value: 0.0, half: 0.0, truth });
    };
    for k in 0..mesh.layout.cells.len() {
        let (column, a, b) = mesh.layout.cells[k].at();
        let place = format!("cell {k} (column {column}, guides {a} {b})");
        if groups.contains(&Group::Splitters) {
            for (which, name) in ["splitter before θ", "splitter after θ"].into_iter().enumerate()
            {
                let (number, truth) = (Number::Splitter(k, which), truth.splitters[k][which]);
                add(Group::Splitters, number, &place, name, "rad", truth);
            }
        }
        if groups.contains(&Group::Phases) {
            let (theta, phi) = (truth.phases.theta[k], truth.phases.phi[k]);
            add(Group::Phases, Number::Theta(k), &place, "θ offset", "rad", theta);
            add(Group::Phases, Number::Phi(k), &place, "φ offset", "rad", phi);
        }
    }
    if groups.contains(&Group::Loss) {
        add(Group::Loss, Number::Loss, "a cell", "loss", "dB", spec.loss_db);
    }
    if groups.contains(&Group::Crosstalk) {
        let number = Number::Crosstalk;
        add(Group::Crosstalk, number, "the chip", "heat across", "1", truth.crosstalk);
        let number = Number::CrosstalkAlong;
        add(Group::Crosstalk, number, "the chip", "heat along", "1", truth.crosstalk_along);
    }
    let scale = vec![1.0; all.len()];
    (all, Scaled { estimates, scale })
}

/// A mesh as the twin has it, and what its device showed.
pub struct Twin {
    mesh: Mesh,
    ideal: Faults,
    bypass_loss: bool,
    pub numbers: Vec<Number>,
    shown: Shown,
    /// `[settings, inputs, modes]`.
    seen: Vec<f64>,
    weights: Vec<f64>,
}

/// Light through a chip: what enters each cell `[cells][2][inputs]`, and the outputs
/// `[modes][inputs]`.
struct Passage {
    entering: Vec<[Vec<C>; 2]>,
    leaving: Vec<Vec<C>>,
}

/// Of the splitters, in radians, in f64.
const FINE_STEP: f64 = 1e-6;
/// Of the numbers of the whole chip.
const STEP: f64 = 1e-5;

impl Twin {
    pub fn new(
        mesh: Mesh,
        ideal: Faults,
        bypass_loss: bool,
        numbers: Vec<Number>,
        shown: Shown,
        seen: Vec<f64>,
    ) -> Self {
        Self { mesh, ideal, bypass_loss, numbers, shown, seen, weights: Vec::new() }
    }

    fn faults(&self, at: &[f64]) -> Faults {
        let mut faults = self.ideal.clone();
        for (number, &value) in self.numbers.iter().zip(at) {
            match *number {
                Number::Splitter(k, which) => faults.splitters[k][which] = value,
                Number::Theta(k) => faults.phases.theta[k] = value,
                Number::Phi(k) => faults.phases.phi[k] = value,
                Number::Loss => {
                    faults.loss_db.fill(value);
                    faults.bypass_loss_db = if self.bypass_loss { value } else { 0.0 };
                }
                Number::Crosstalk => faults.crosstalk = value,
                Number::CrosstalkAlong => faults.crosstalk_along = value,
            }
        }
        faults
    }

    fn inputs(&self) -> usize {
        self.shown.inputs.len() / self.mesh.n
    }

    fn forth(&self, chip: &Effective) -> Passage {
        let (layout, inputs) = (&chip.layout, self.inputs());
        let mut rows = vec![vec![C::ZERO; inputs]; layout.guides];
        for (i, input) in self.shown.inputs.chunks_exact(self.mesh.n).enumerate() {
            for (k, &x) in input.iter().enumerate() {
                rows[layout.first + k][i] = x;
            }
        }
        let mut entering = Vec::with_capacity(layout.cells.len());
        for column in 0..layout.depth {
            bypass(chip, column, &mut rows);
            for k in layout.column(column) {
                let (_, a, b) = layout.cells[k].at();
                entering.push([rows[a].clone(), rows[b].clone()]);
                let t = &chip.cells[k];
                let (front, behind) = rows.split_at_mut(b);
                for (upper, lower) in front[a].iter_mut().zip(&mut behind[0]) {
                    let (x, y) = (*upper, *lower);
                    (*upper, *lower) = (t[0] * x + t[1] * y, t[2] * x + t[3] * y);
                }
            }
        }
        let mut leaving = rows.split_off(layout.first);
        leaving.truncate(self.mesh.n);
        for (row, factor) in leaving.iter_mut().zip(&chip.output) {
            for x in row {
                *x *= factor;
            }
        }
        Passage { entering, leaving }
    }

    /// What `seeds` `[modes][width]` of the outputs take from behind each cell `[cells][2][width]`.
    fn back(chip: &Effective, seeds: Vec<Vec<C>>) -> Vec<[Vec<C>; 2]> {
        let layout = &chip.layout;
        let width = seeds[0].len();
        let mut rows = vec![vec![C::ZERO; width]; layout.guides];
        for (k, (seed, factor)) in seeds.into_iter().zip(&chip.output).enumerate() {
            rows[layout.first + k] = seed.into_iter().map(|g| g * factor).collect();
        }
        let mut behind = vec![[Vec::new(), Vec::new()]; layout.cells.len()];
        for column in (0..layout.depth).rev() {
            for k in layout.column(column) {
                let (_, a, b) = layout.cells[k].at();
                let t = &chip.cells[k];
                behind[k] = [rows[a].clone(), rows[b].clone()];
                let (front, after) = rows.split_at_mut(b);
                for (upper, lower) in front[a].iter_mut().zip(&mut after[0]) {
                    let (x, y) = (*upper, *lower);
                    (*upper, *lower) = (x * t[0] + y * t[2], x * t[1] + y * t[3]);
                }
            }
            bypass(chip, column, &mut rows);
        }
        behind
    }

    /// The cell that a number is of, and ∂T by it.
    fn slope_of(
        &self,
        number: Number,
        faults: &Faults,
        phases: &Settings,
    ) -> Option<(usize, Pair)> {
        let of = |k: usize| faults.build(&self.mesh, k).derivatives(phases.theta[k], phases.phi[k]);
        match number {
            Number::Theta(k) => Some((k, of(k).0)),
            Number::Phi(k) => Some((k, of(k).1)),
            Number::Splitter(k, which) => {
                let at = |step: f64| {
                    let mut build = faults.build(&self.mesh, k);
                    build.splitters[which] += step;
                    build.matrix(phases.theta[k], phases.phi[k])
                };
                let (up, down) = (at(FINE_STEP), at(-FINE_STEP));
                Some((k, std::array::from_fn(|e| (up[e] - down[e]) / (2.0 * FINE_STEP))))
            }
            Number::Loss | Number::Crosstalk | Number::CrosstalkAlong => None,
        }
    }

    /// ∂P by a number of the whole chip, by differences.
    fn whole(&mut self, at: &[f64], k: usize) -> Result<Vec<f64>> {
        let mut moved = at.to_vec();
        moved[k] += STEP;
        let up = self.readings(&moved)?;
        moved[k] -= 2.0 * STEP;
        let down = self.readings(&moved)?;
        Ok(up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * STEP)).collect())
    }

    fn is_whole(number: Number) -> bool {
        matches!(number, Number::Loss | Number::Crosstalk | Number::CrosstalkAlong)
    }
}

fn bypass(chip: &Effective, column: usize, rows: &mut [Vec<C>]) {
    let amplitudes = &chip.bypass[column * chip.layout.guides..];
    for (row, &amplitude) in rows.iter_mut().zip(amplitudes) {
        if amplitude != 1.0 {
            for x in row {
                *x *= amplitude;
            }
        }
    }
}

impl Model for Twin {
    fn readings(&mut self, at: &[f64]) -> Result<Vec<f64>> {
        let faults = self.faults(at);
        let mut all = Vec::with_capacity(self.seen.len());
        for settings in &self.shown.settings {
            let chip = effective(&self.mesh, settings, &faults)?;
            let leaving = self.forth(&chip).leaving;
            for i in 0..self.inputs() {
                all.extend(leaving.iter().map(|row| row[i].norm_sqr()));
            }
        }
        Ok(all)
    }

    fn weigh(&mut self, weights: &[f64]) -> Result<()> {
        self.weights = weights.to_vec();
        Ok(())
    }

    fn misfit(&mut self, at: &[f64]) -> Result<(f64, Vec<f64>)> {
        let (faults, n, inputs) = (self.faults(at), self.mesh.n, self.inputs());
        let (mut chi2, mut gradient) = (0.0, vec![0.0; at.len()]);
        let mut pulls = Vec::with_capacity(self.seen.len());
        for (s, settings) in self.shown.settings.iter().enumerate() {
            let chip = effective(&self.mesh, settings, &faults)?;
            let phases = faults.realise(&self.mesh, settings);
            let Passage { entering, leaving } = self.forth(&chip);
            let mut seeds = vec![vec![C::ZERO; inputs]; n];
            for i in 0..inputs {
                for m in 0..n {
                    let p = (s * inputs + i) * n + m;
                    let miss = leaving[m][i].norm_sqr() - self.seen[p];
                    let pull = self.weights[p] * miss;
                    chi2 += pull * miss;
                    pulls.push(pull);
                    seeds[m][i] = 2.0 * pull * leaving[m][i].conj();
                }
            }
            let behind = Self::back(&chip, seeds);
            for (number, sum) in self.numbers.iter().zip(&mut gradient) {
                let Some((k, t)) = self.slope_of(*number, &faults, &phases) else { continue };
                let ([x, y], [g, h]) = (&entering[k], &behind[k]);
                for i in 0..inputs {
                    let up = g[i] * (t[0] * x[i] + t[1] * y[i]);
                    *sum += (up + h[i] * (t[2] * x[i] + t[3] * y[i])).re;
                }
            }
        }
        for (k, sum) in gradient.iter_mut().enumerate() {
            if Self::is_whole(self.numbers[k]) {
                let slope = self.whole(at, k)?;
                *sum = slope.iter().zip(&pulls).map(|(s, p)| s * p).sum();
            }
        }
        Ok((chi2, gradient))
    }

    fn slopes(&mut self, at: &[f64]) -> Result<Vec<Vec<f64>>> {
        let (faults, n, inputs) = (self.faults(at), self.mesh.n, self.inputs());
        let mut columns = vec![vec![0.0; self.seen.len()]; at.len()];
        for (s, settings) in self.shown.settings.iter().enumerate() {
            let chip = effective(&self.mesh, settings, &faults)?;
            let phases = faults.realise(&self.mesh, settings);
            let Passage { entering, leaving } = self.forth(&chip);
            let unit = |m: usize| {
                let mut row = vec![C::ZERO; n];
                row[m] = C::ONE;
                row
            };
            let behind = Self::back(&chip, (0..n).map(unit).collect());
            for (number, column) in self.numbers.iter().zip(&mut columns) {
                let Some((k, t)) = self.slope_of(*number, &faults, &phases) else { continue };
                let ([x, y], [g, h]) = (&entering[k], &behind[k]);
                for i in 0..inputs {
                    let (up, down) = (t[0] * x[i] + t[1] * y[i], t[2] * x[i] + t[3] * y[i]);
                    for m in 0..n {
                        let moved = g[m] * up + h[m] * down;
                        column[(s * inputs + i) * n + m] = 2.0 * (leaving[m][i].conj() * moved).re;
                    }
                }
            }
        }
        for (k, column) in columns.iter_mut().enumerate() {
            if Self::is_whole(self.numbers[k]) {
                *column = self.whole(at, k)?;
            }
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::Topology;

    /// Slopes against differences of the readings, and the adjoint against the slopes, on a diamond,
    /// some of whose guides are dumped, with loss. Differences of 1e-5 leave 1e-10 of powers of 1.
    #[test]
    fn derivatives_are_exact() {
        let mesh = Mesh::new(4, Topology::Diamond).expect("a size");
        let spec = Imperfections {
            splitter_angle: 0.05,
            theta_std: 0.3,
            phi_std: 0.3,
            loss_db: 0.2,
            ..Default::default()
        };
        let truth = spec.draw(&mesh, 2).expect("valid");
        let shown = Shown::random(&mesh, &truth, (3, 5), 4.0, 1);
        let (all, scaled) = numbers(&mesh, &spec, &truth, &super::super::CHIP);
        let at: Vec<f64> = scaled.estimates.iter().map(|e| 0.9 * e.truth).collect();
        let seen = vec![0.5; 3 * 5 * 4];
        let mut twin =
            Twin::new(mesh.clone(), Faults::none(&mesh), true, all.clone(), shown, seen.clone());
        let weights: Vec<f64> = (0..seen.len()).map(|k| 1.0 + (k % 3) as f64).collect();
        twin.weigh(&weights).expect("weights");
        let slopes = twin.slopes(&at).expect("slopes");
        let now = twin.readings(&at).expect("powers");
        let (chi2, gradient) = twin.misfit(&at).expect("a misfit");
        let own: f64 =
            now.iter().zip(&seen).zip(&weights).map(|((a, b), w)| w * (a - b).powi(2)).sum();
        assert!((chi2 / own - 1.0).abs() < 1e-12);
        for k in 0..all.len() {
            let differences = twin.whole(&at, k).expect("powers");
            for (a, b) in slopes[k].iter().zip(&differences) {
                assert!((a - b).abs() < 1e-7, "{:?}: {a} {b}", all[k]);
            }
            let terms = slopes[k].iter().zip(&now).zip(&seen).zip(&weights);
            let pull: f64 = terms.map(|(((s, a), b), w)| s * w * (a - b)).sum();
            assert!((pull - gradient[k]).abs() < 1e-7, "{:?}: {pull} {}", all[k], gradient[k]);
        }
        let shows = slopes.iter().filter(|s| s.iter().any(|x| x.abs() > 1e-6)).count();
        assert!(4 * shows > 3 * all.len(), "{shows} of {}", all.len());
    }
}
