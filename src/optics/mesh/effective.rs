//! y = diag(e^{iγ'} a) · Π columns · x: what a chip with faults does.

use super::cell::Pair;
use super::dense::C;
use super::{Faults, Layout, Mesh, Settings};
use crate::error::Result;

/// The matrices of a chip, ready to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    pub n: usize,
    pub layout: Layout,
    /// 2 x 2 of each cell with all losses before it `[cells]`, in order of passage.
    pub cells: Vec<Pair>,
    /// Amplitude of each guide that passes a column without a cell, 1 where it has one
    /// `[depth, guides]`.
    pub bypass: Vec<f64>,
    /// Factors of the outputs `[n]`.
    pub output: Vec<C>,
}

/// A mesh with its phases driven to `settings`, as its faults make it.
pub fn effective(mesh: &Mesh, settings: &Settings, faults: &Faults) -> Result<Effective> {
    mesh.check(settings)?;
    faults.check(mesh)?;
    let realised = faults.realise(mesh, settings);
    let cells = (0..mesh.layout.cells.len())
        .map(|k| faults.build(mesh, k).matrix(realised.theta[k], realised.phi[k]))
        .collect();
    let output =
        (0..mesh.n).map(|k| faults.output_amplitude(mesh, k) * C::cis(realised.gamma[k])).collect();
    let (n, layout) = (mesh.n, mesh.layout.clone());
    Ok(Effective { n, layout, cells, bypass: faults.bypass(mesh), output })
}

impl Effective {
    /// Light through the chip, in place: `fields` `[guides, batch]` at the inputs; on return the
    /// rows of the n modes carry the outputs, those of other guides what is dumped.
    pub fn apply(&self, fields: &mut [C]) {
        let batch = fields.len() / self.layout.guides;
        for column in 0..self.layout.depth {
            let bypass = &self.bypass[column * self.layout.guides..];
            for (row, &amplitude) in fields.chunks_exact_mut(batch).zip(bypass) {
                if amplitude != 1.0 {
                    for x in row.iter_mut() {
                        *x *= amplitude;
                    }
                }
            }
            for k in self.layout.column(column) {
                let (_, a, b) = self.layout.cells[k].at();
                let (upper, lower) = fields.split_at_mut(b * batch);
                turn(&mut upper[a * batch..(a + 1) * batch], &mut lower[..batch], &self.cells[k]);
            }
        }
        let modes = &mut fields[self.layout.first * batch..];
        for (row, factor) in modes.chunks_exact_mut(batch).zip(&self.output) {
            for x in row.iter_mut() {
                *x *= factor;
            }
        }
    }

    /// `[n, n]`, row-major: y = U x.
    pub fn matrix(&self) -> Vec<C> {
        let n = self.n;
        let mut fields = vec![C::ZERO; self.layout.guides * n];
        fields[self.layout.first * n..].iter_mut().step_by(n + 1).take(n).for_each(|d| *d = C::ONE);
        self.apply(&mut fields);
        fields[self.layout.first * n..][..n * n].to_vec()
    }

    /// Powers at all guides `[guides]` for one input `[n]`.
    pub fn powers(&self, input: &[C]) -> Vec<f64> {
        let mut fields = vec![C::ZERO; self.layout.guides];
        fields[self.layout.first..][..self.n].copy_from_slice(input);
        self.apply(&mut fields);
        fields.iter().map(C::norm_sqr).collect()
    }
}

/// Rows `[batch]` of two guides through a cell.
pub(super) fn turn(upper: &mut [C], lower: &mut [C], t: &Pair) {
    for (x, y) in upper.iter_mut().zip(lower) {
        (*x, *y) = (t[0] * *x + t[1] * *y, t[2] * *x + t[3] * *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::decompose::decompose;
    use crate::optics::mesh::dense::{identity, max_distance, multiply, unitary_defect};
    use crate::optics::mesh::haar::haar;
    use crate::optics::mesh::{Imperfections, Topology};

    fn random_settings(mesh: &Mesh, seed: u64) -> Settings {
        // Static errors of a whole turn are as random as settings can be.
        let spec =
            Imperfections { theta_std: 3.0, phi_std: 3.0, gamma_std: 3.0, ..Default::default() };
        spec.draw(mesh, seed).expect("valid").phases
    }

    /// Independent of the column walk: full N x N matrices of single cells, multiplied.
    #[test]
    fn the_walk_over_columns_is_the_product_of_the_cells() {
        for topology in [Topology::Clements, Topology::Reck, Topology::Butterfly] {
            let mesh = Mesh::new(8, topology).expect("a size");
            let settings = random_settings(&mesh, 1);
            let mut product = identity(8);
            for (k, cell) in mesh.layout.cells.iter().enumerate() {
                let (_, a, b) = cell.at();
                let t = mesh.ideal_cell().matrix(settings.theta[k], settings.phi[k]);
                let mut full = identity(8);
                for (i, (r, c)) in [(a, a), (a, b), (b, a), (b, b)].into_iter().enumerate() {
                    full[r * 8 + c] = t[i];
                }
                product = multiply(8, 8, 8, &full, &product);
            }
            for (row, &g) in product.chunks_exact_mut(8).zip(&settings.gamma) {
                for x in row.iter_mut() {
                    *x *= C::cis(g);
                }
            }
            let got = mesh.matrix(&settings).expect("its settings");
            assert!(max_distance(&got, &product) < 1e-14, "{topology:?}");
        }
    }

    /// PEERS.md M2: unitary with splitter errors of 0.1, and M7: the adjoint brings the light back.
    #[test]
    fn a_lossless_chip_is_unitary() {
        let spec = Imperfections {
            splitter_angle: 0.1,
            theta_std: 0.3,
            crosstalk: 0.02,
            phase_bits: Some(5),
            ..Default::default()
        };
        for (n, topology) in
            [(7, Topology::Clements), (8, Topology::Reck), (8, Topology::Butterfly)]
        {
            for three in [false, true] {
                let mesh = Mesh::new(n, topology).expect("a size").with_three_splitters(three);
                let faults = spec.draw(&mesh, 3).expect("valid");
                let chip = effective(&mesh, &random_settings(&mesh, 2), &faults).expect("fits");
                assert!(unitary_defect(n, &chip.matrix()) < 1e-14, "{topology:?} {n}");
            }
        }
    }

    /// PEERS.md M5: with lossy bypasses every input loses depth · α dB, to rounding; with loss in
    /// the interferometers alone some inputs lose less.
    #[test]
    fn loss_is_depth_times_alpha_for_every_input() {
        let alpha = 0.3;
        for topology in Topology::ALL {
            let mesh = Mesh::new(8, topology).expect("a size");
            let settings = random_settings(&mesh, 5);
            let spec = Imperfections { loss_db: alpha, ..Default::default() };
            let uneven = Imperfections { bypass_loss: false, ..spec.clone() };
            let chip = |s: &Imperfections| {
                effective(&mesh, &settings, &s.draw(&mesh, 1).expect("valid")).expect("fits")
            };
            let inputs = haar(8, 6).expect("a size");
            let mut most = 0.0f64;
            for input in inputs.chunks_exact(8).chain(identity(8).chunks_exact(8)) {
                let db = |c: &Effective| -10.0 * c.powers(input).iter().sum::<f64>().log10();
                let expected = alpha * mesh.layout.depth as f64;
                assert!((db(&chip(&spec)) - expected).abs() < 1e-12, "{topology:?}");
                most = most.max(expected - db(&chip(&uneven)));
            }
            // A butterfly has a cell on every guide of every column.
            assert_eq!(most > 0.1, topology != Topology::Butterfly, "{topology:?}: {most}");
        }
    }

    /// Straight through (all cells bar) guide 1 of four crosses once before the second column and
    /// once before the output.
    #[test]
    fn crossings_cost_their_loss() {
        let mesh = Mesh::new(4, Topology::Butterfly).expect("a power of two");
        let mut settings = mesh.zero_settings();
        settings.theta.fill(std::f64::consts::PI);
        let spec = Imperfections { crossing_loss_db: 0.1, ..Default::default() };
        let chip = effective(&mesh, &settings, &spec.draw(&mesh, 1).expect("valid")).expect("fits");
        let db: Vec<f64> =
            (0..4).map(|k| -10.0 * chip.matrix()[5 * k].norm_sqr().log10()).collect();
        for (got, expected) in db.iter().zip([0.0, 0.2, 0.2, 0.0]) {
            assert!((got - expected).abs() < 1e-12, "{db:?}");
        }
    }

    /// The mirror image of a diamond takes power away: its N x N block then loses it, and the
    /// guides that are dumped carry it.
    #[test]
    fn a_diamond_dumps_power() {
        let mesh = Mesh::new(5, Topology::Diamond).expect("a size");
        let chip =
            effective(&mesh, &random_settings(&mesh, 7), &Faults::none(&mesh)).expect("fits");
        let input = &haar(5, 8).expect("a size")[..5];
        let powers = chip.powers(input);
        assert_eq!(powers.len(), 8);
        assert!((powers.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        assert!(powers[..3].iter().sum::<f64>() > 0.01, "{powers:?}");
        assert!(unitary_defect(5, &chip.matrix()) > 0.01);
    }

    #[test]
    fn faults_and_settings_of_another_mesh_are_refused() {
        let (four, five) = (
            Mesh::new(4, Topology::Clements).expect("a size"),
            Mesh::new(5, Topology::Clements).expect("a size"),
        );
        assert!(effective(&four, &five.zero_settings(), &Faults::none(&four)).is_err());
        assert!(effective(&four, &four.zero_settings(), &Faults::none(&five)).is_err());
        assert!(decompose(&four, &haar(5, 1).expect("a size")).is_err());
    }
}
