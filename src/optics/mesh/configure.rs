//! argmax over (θ, φ) of |⟨e_m, chip x⟩|²: settings for a chip that shows its output powers alone.
//!
//! The field at an output is A + B e^{iθ} + C e^{iφ} + D e^{i(θ+φ)} in the phases of one cell,
//! whatever its splitters, static phases and losses, so that nine powers, at the present phases
//! and a step to either side, give its power at all θ, φ: the best pair is found without a search
//! on the chip.
//!
//! **The triangle configures itself** ([`configure`]; Miller 2013, Photon. Res. 1, 1). Its m-th
//! chain gathers the light x_m = U† e of one output. Cell by cell it is shown the part of x_m that
//! enters on the first guides, less what earlier chains gather there: by the triangle's form that
//! light meets no later cell, and the cell needs only pass as much of it on as it can. A cell that
//! cannot pass all leaves the rest to the others, as [`super::correct`] does. First a ray is sent
//! down each chain, which finds the cross states of cells with unknown static phases.
//!
//! **Any mesh is tuned** ([`tune`]): the sum of P_m(x_m) over all outputs, N at most, rises with
//! every cell that is set, from settings that need only be near.
//!
//! Limits: powers do not show the output phases γ ([`set_output_phases`] needs a reference).
//! Crosstalk moves the neighbours of a probed cell, by less the smaller the step, and a coarse
//! drive rounds the step: a triangle configures itself as well as its chip lets it, and small
//! steps of tuning take crosstalk into account. A part of a chain that its target leaves dark keeps
//! its cells in the cross state.

use std::f64::consts::FRAC_PI_2;

use super::cell::wrap;
use super::dense::{C, dot, require_unitary};
use super::fit::Fit;
use super::{Mesh, Settings, Topology};
use crate::error::{Error, Result};

/// Settings and what they cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Configured {
    pub settings: Settings,
    /// Inputs that were shown to the chip, each with all output powers read once.
    pub measurements: usize,
}

/// The chip, its settings, and the count of what it was shown.
struct Bench<'a> {
    measure: &'a mut dyn FnMut(&[C], &Settings) -> Vec<f64>,
    measurements: usize,
    settings: Settings,
    /// Of the probes, in radians.
    step: f64,
}

impl Bench<'_> {
    fn power(&mut self, input: &[C], output: usize) -> f64 {
        self.measurements += 1;
        (self.measure)(input, &self.settings)[output]
    }

    /// Power at `output` for `input`, as a function of the phases of `cell`; nine measurements.
    fn fit(&mut self, cell: usize, input: &[C], output: usize) -> Fit {
        let kept = (self.settings.theta[cell], self.settings.phi[cell]);
        let mut powers = [[0.0; 3]; 3];
        for (i, row) in powers.iter_mut().enumerate() {
            for (j, power) in row.iter_mut().enumerate() {
                self.settings.theta[cell] = kept.0 + self.step * (i as f64 - 1.0);
                self.settings.phi[cell] = kept.1 + self.step * (j as f64 - 1.0);
                *power = self.power(input, output);
            }
        }
        (self.settings.theta[cell], self.settings.phi[cell]) = kept;
        Fit::new(powers, self.step)
    }

    /// Sets `cell` where `fit` is largest.
    fn climb(&mut self, cell: usize, fit: &Fit) {
        if let Some((theta, phi)) = fit.best() {
            self.settings.theta[cell] = wrap(self.settings.theta[cell] + theta);
            self.settings.phi[cell] = wrap(self.settings.phi[cell] + phi);
        }
    }
}

/// The inputs that U sends to one output each: row m is U† e_m `[n, n]`.
fn inputs(unitary: &[C]) -> Vec<C> {
    unitary.iter().map(C::conj).collect()
}

/// What of `light` enters on the first `support` guides and is orthogonal there to all of
/// `earlier`, as a unit vector `[n]`; None where nothing is left.
fn isolated(light: &[C], earlier: &[&[C]], support: usize) -> Option<Vec<C>> {
    const NOTHING: f64 = 1e-9;
    let reduce = |vector: &[C], basis: &[Vec<C>]| -> Option<Vec<C>> {
        let mut v = vector[..support].to_vec();
        for _ in 0..2 {
            for other in basis {
                let share = dot(other, &v);
                v.iter_mut().zip(other).for_each(|(y, x)| *y -= share * x);
            }
        }
        let size = v.iter().map(C::norm_sqr).sum::<f64>().sqrt();
        (size > NOTHING).then(|| v.iter().map(|x| x / size).collect())
    };
    let mut basis: Vec<Vec<C>> = Vec::new();
    for other in earlier {
        basis.extend(reduce(other, &basis));
    }
    let mut out = reduce(light, &basis)?;
    out.resize(light.len(), C::ZERO);
    Some(out)
}

/// Settings of a triangle for `unitary` `[n, n]`, up to its output phases; 18 measurements a cell.
///
/// `measure` gets an input `[n]` of unit power and settings, and gives the powers of the n outputs.
pub fn configure(
    mesh: &Mesh,
    unitary: &[C],
    measure: &mut dyn FnMut(&[C], &Settings) -> Vec<f64>,
) -> Result<Configured> {
    if mesh.topology != Topology::Reck {
        return Err(Error::invalid(
            "mesh.topology",
            format!(
                "{:?} does not configure itself: only in a triangle can light be brought to one cell after the other",
                mesh.topology
            ),
        )
        .help("use topology = \"reck\", or tune from the settings of the ideal mesh"));
    }
    require_unitary(mesh.n, unitary)?;
    let n = mesh.n;
    let light = inputs(unitary);
    let row = |m: usize| &light[(n - 1 - m) * n..(n - m) * n];
    let mut settings = mesh.zero_settings();
    let cross = mesh.ideal_cell().program(&[C::ZERO, C::ONE, C::ONE, C::ZERO]);
    settings.theta.fill(cross.theta);
    settings.phi.fill(cross.phi);
    let mut bench = Bench { measure, measurements: 0, settings, step: FRAC_PI_2 };
    for chain in 0..n.saturating_sub(1) {
        let output = n - 1 - chain;
        let earlier: Vec<&[C]> = (0..chain).map(row).collect();
        let cells: Vec<usize> = (0..output)
            .map(|j| mesh.layout.find(j + 2 * chain, j).expect("the triangle has this cell"))
            .collect();
        // A ray on the first guide of this chain, then x_m guide by guide.
        let ray = (0..=chain).find_map(|k| {
            let mut one = vec![C::ZERO; n];
            one[k] = C::ONE;
            isolated(&one, &earlier, chain + 1)
        });
        for &cell in &cells {
            if let Some(input) = &ray {
                let fit = bench.fit(cell, input, output);
                bench.climb(cell, &fit);
            }
        }
        for (j, &cell) in cells.iter().enumerate() {
            if let Some(input) = isolated(row(chain), &earlier, j + chain + 2) {
                let fit = bench.fit(cell, &input, output);
                bench.climb(cell, &fit);
            }
        }
    }
    Ok(Configured { settings: bench.settings, measurements: bench.measurements })
}

/// Raises Σ_m P_m(U† e_m) cell by cell from `start`, `sweeps` times over the mesh, by probes
/// `step` radians apart; 9 n measurements a cell and n more, a sweep.
///
/// Gives the best settings that were seen after a sweep, and ends when one gains less than 1e-13.
pub fn tune(
    mesh: &Mesh,
    unitary: &[C],
    start: &Settings,
    sweeps: usize,
    step: f64,
    measure: &mut dyn FnMut(&[C], &Settings) -> Vec<f64>,
) -> Result<Configured> {
    if mesh.symmetric {
        return Err(Error::invalid(
            "mesh.symmetric",
            "a cell that drives both arms turns by half of θ, and nine powers do not show how its light meets other light",
        )
        .help("tune a mesh with one driven arm"));
    }
    mesh.check(start)?;
    require_unitary(mesh.n, unitary)?;
    if !(1e-3..=FRAC_PI_2).contains(&step) {
        return Err(Error::invalid("step", format!("a probe of {step} rad is not in 0.001..π/2"))
            .help("use π/2 against noise, 0.1 to 0.5 against crosstalk"));
    }
    let light = inputs(unitary);
    let mut bench = Bench { measure, measurements: 0, settings: start.clone(), step };
    let total = |bench: &mut Bench| -> f64 {
        light.chunks_exact(mesh.n).enumerate().map(|(m, input)| bench.power(input, m)).sum()
    };
    let mut best = (total(&mut bench), start.clone());
    for _ in 0..sweeps {
        for cell in 0..mesh.layout.cells.len() {
            let mut sum = Fit::default();
            for (m, input) in light.chunks_exact(mesh.n).enumerate() {
                let fit = bench.fit(cell, input, m);
                sum.add(&fit);
            }
            bench.climb(cell, &sum);
        }
        let now = total(&mut bench);
        let gained = now - best.0;
        if gained > 0.0 {
            best = (now, bench.settings.clone());
        }
        if gained < 1e-13 {
            break;
        }
    }
    Ok(Configured { settings: best.1, measurements: bench.measurements })
}

/// Turns γ so that the chip has the output phases of `unitary`. `field` gives the n complex
/// outputs for an input, against a reference; by four exposures each, as many are counted.
pub fn set_output_phases(
    mesh: &Mesh,
    unitary: &[C],
    settings: &Settings,
    field: &mut dyn FnMut(&[C], &Settings) -> Vec<C>,
) -> Result<Configured> {
    mesh.check(settings)?;
    require_unitary(mesh.n, unitary)?;
    let mut out = settings.clone();
    for (m, input) in inputs(unitary).chunks_exact(mesh.n).enumerate() {
        out.gamma[m] = wrap(out.gamma[m] - field(input, settings)[m].arg());
    }
    Ok(Configured { settings: out, measurements: 4 * mesh.n })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::correct::correct;
    use crate::optics::mesh::decompose::decompose;
    use crate::optics::mesh::dense::{max_distance, rms_distance_of_rows};
    use crate::optics::mesh::effective::effective;
    use crate::optics::mesh::haar::haar;
    use crate::optics::mesh::{Faults, Imperfections};

    fn powers(mesh: &Mesh, faults: &Faults, input: &[C], settings: &Settings) -> Vec<f64> {
        effective(mesh, settings, faults).expect("fits").powers(input)
    }

    /// Static phases of any size, uneven losses aside, are nothing to a triangle that looks: the
    /// rows come out to rounding (1e-8 in a phase is 1e-16 in a power, and ratios of powers keep
    /// their digits), and with a reference the whole matrix does.
    #[test]
    fn a_triangle_configures_itself() {
        let n = 7;
        for three in [false, true] {
            for symmetric in [false, true] {
                let mesh = Mesh::new(n, Topology::Reck)
                    .expect("a size")
                    .with_three_splitters(three)
                    .with_symmetric(symmetric);
                let u = haar(n, 5).expect("a size");
                let spec = Imperfections {
                    theta_std: 2.0,
                    phi_std: 2.0,
                    gamma_std: 2.0,
                    ..Default::default()
                };
                let faults = spec.draw(&mesh, 1).expect("valid");
                let mut measure = |x: &[C], s: &Settings| powers(&mesh, &faults, x, s);
                let got = configure(&mesh, &u, &mut measure).expect("a triangle");
                assert_eq!(got.measurements, 18 * n * (n - 1) / 2);
                let chip = |s: &Settings| effective(&mesh, s, &faults).expect("fits").matrix();
                let error = rms_distance_of_rows(n, &u, &chip(&got.settings));
                assert!(error < 1e-11, "{three} {symmetric}: {error:.1e}");
                let mut moved = got.settings.clone();
                moved.theta[3] += 1e-3;
                assert!(rms_distance_of_rows(n, &u, &chip(&moved)) > 1e-5);
                let mut field = |x: &[C], s: &Settings| {
                    let mut fields = x.to_vec();
                    effective(&mesh, s, &faults).expect("fits").apply(&mut fields);
                    fields
                };
                let whole = set_output_phases(&mesh, &u, &got.settings, &mut field).expect("fits");
                let error = max_distance(&u, &chip(&whole.settings));
                assert!(error < 1e-10, "{error:.1e}");
            }
        }
    }

    /// With splitter errors looking is as good as knowing: over 20 chips the rms error is near
    /// that of the local correction, far below that of plain settings.
    #[test]
    fn looking_is_as_good_as_knowing() {
        let n = 8;
        let mesh = Mesh::new(n, Topology::Reck).expect("a size");
        let (mut plain, mut known, mut seen) = (0.0, 0.0, 0.0);
        for seed in 0..20 {
            let u = haar(n, 100 + seed).expect("a size");
            let spec = Imperfections { splitter_angle: 0.05, ..Default::default() };
            let faults = spec.draw(&mesh, seed).expect("valid");
            let error = |s: &Settings| {
                let got = effective(&mesh, s, &faults).expect("fits").matrix();
                rms_distance_of_rows(n, &u, &got).powi(2)
            };
            let ideal = decompose(&mesh, &u).expect("a unitary");
            let mut measure = |x: &[C], s: &Settings| powers(&mesh, &faults, x, s);
            plain += error(&ideal);
            known += error(&correct(&mesh, &ideal, &faults).expect("fits").settings);
            seen += error(&configure(&mesh, &u, &mut measure).expect("a triangle").settings);
        }
        let [plain, known, seen] = [plain, known, seen].map(|x: f64| (x / 20.0).sqrt());
        println!("plain {plain:.4}, known {known:.4}, seen {seen:.4}");
        assert!(seen < 1.1 * known && known < 0.3 * plain);
    }

    /// Tuning a rectangle by powers alone, splitter errors and crosstalk unknown.
    #[test]
    fn a_rectangle_is_tuned() {
        let n = 5;
        let mesh = Mesh::new(n, Topology::Clements).expect("a size");
        let u = haar(n, 7).expect("a size");
        let spec = Imperfections { splitter_angle: 0.03, crosstalk: 0.01, ..Default::default() };
        let faults = spec.draw(&mesh, 2).expect("valid");
        let error = |s: &Settings| {
            let got = effective(&mesh, s, &faults).expect("fits").matrix();
            rms_distance_of_rows(n, &u, &got)
        };
        let ideal = decompose(&mesh, &u).expect("a unitary");
        let mut measure = |x: &[C], s: &Settings| powers(&mesh, &faults, x, s);
        let tuned = tune(&mesh, &u, &ideal, 20, 0.3, &mut measure).expect("one driven arm");
        let (before, after) = (error(&ideal), error(&tuned.settings));
        println!("{before:.4} -> {after:.2e} after {} measurements", tuned.measurements);
        assert!(after < 0.2 * before, "{before} {after}");
    }

    #[test]
    fn what_cannot_be_configured_is_refused() {
        let u = haar(4, 1).expect("a size");
        let mut dark = |_: &[C], _: &Settings| vec![0.0; 4];
        let rectangle = Mesh::new(4, Topology::Clements).expect("a size");
        assert!(configure(&rectangle, &u, &mut dark).is_err());
        let symmetric = rectangle.with_symmetric(true);
        let start = symmetric.zero_settings();
        assert!(tune(&symmetric, &u, &start, 1, 0.5, &mut dark).is_err());
        // A chip that shows nothing leaves the settings where they were.
        let triangle = Mesh::new(4, Topology::Reck).expect("a size");
        let got = configure(&triangle, &u, &mut dark).expect("a triangle");
        assert!(got.settings.theta.iter().all(|&t| t == 0.0));
    }
}
