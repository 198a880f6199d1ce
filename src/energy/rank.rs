//! How many products of its inputs a linear stack computes that its detectors can tell from noise
//! (METHODS C4).
//!
//! Region c reads I_c = Σ_p w_p |E_p|² = x^H Q_c x of the inputs x, Q_c = A_c^H A_c, where A_c
//! `[samples of the region, inputs]` holds the fields √w_p E_p that each input alone makes there. An
//! eigenvector u of Q_c with eigenvalue λ is one complex product u^H x: inputs complex MACs.
//!
//! It counts at b bits where its light exceeds the noise that the accuracy at those bits is read with
//! ([`Noise`]). Taken is an input of the data's mean power P = <|x|²> that lies wholly along u; it
//! gives the region λP, or p = λP/μ in units of μ, the mean light of a region over the data, which is
//! what the joules pay for. So u counts where p > √((shot·p + 1 - shot)/SNR): with less light for the
//! same joules no answer changes by more than the noise. A real image lies along no single u, and a
//! real x tells fewer of them apart: still a bound from above. No rank exceeds the samples of its region, nor
//! the inputs.

use num_complex::Complex;
use serde::{Deserialize, Serialize};

use super::detected::Noise;
use crate::math::symmetric::Tridiagonal;

/// Fields √w E in one region `[samples, inputs]` for each input alone at 1.
pub type Response = Vec<Complex<f64>>;

/// The quadratic forms of a stack's regions, and what light its data give them.
#[derive(Debug, Clone)]
pub struct Forms {
    /// Inputs that give light anywhere in the regions.
    pub inputs: usize,
    /// Each eigenvalue of Q_c twice.
    regions: Vec<Tridiagonal>,
    /// P/μ.
    gain: f64,
}

/// What one inference computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Useful {
    pub inputs: usize,
    /// Of each region's form.
    pub ranks: Vec<usize>,
    pub mean_rank: f64,
    /// Σ inputs·rank, of complex weights on real inputs.
    pub complex_macs: f64,
    /// The same as real ones, and the squares; of a form no more than its symmetric matrix has.
    pub macs: f64,
}

impl Forms {
    /// `responses` of all regions over `inputs` inputs; `images` of the data. None where no light
    /// arrives.
    pub fn new(inputs: usize, responses: &[Response], images: &[Vec<f64>]) -> Option<Self> {
        let lit =
            |i: &usize| responses.iter().any(|r| r.iter().skip(*i).step_by(inputs).any(is_lit));
        let power = mean(images.iter().map(|x| x.iter().map(|v| v * v).sum()));
        let light = mean(images.iter().flat_map(|x| responses.iter().map(|r| reading(r, x))));
        let regions = responses.iter().map(|r| form(r, inputs)).collect();
        let lit = (0..inputs).filter(lit).count();
        (light > 0.0).then(|| Self { inputs: lit, regions, gain: power / light })
    }

    pub fn useful(&self, noise: Noise) -> Useful {
        // p² = (shot·p + 1 - shot)/SNR.
        let half = noise.shot / noise.snr / 2.0;
        let least = half + (half * half + (1.0 - noise.shot) / noise.snr).sqrt();
        let rank = |t: &Tridiagonal| t.above(least / self.gain).div_ceil(2).min(self.inputs);
        let ranks: Vec<usize> = self.regions.iter().map(rank).collect();
        let inputs = self.inputs as f64;
        let whole: f64 = ranks.iter().map(|&r| r as f64).sum();
        Useful {
            inputs: self.inputs,
            mean_rank: whole / ranks.len().max(1) as f64,
            complex_macs: inputs * whole,
            macs: ranks.iter().map(|&r| real_macs(inputs, r as f64)).sum(),
            ranks,
        }
    }
}

/// Real MACs of x^T Re(Q) x: `rank` complex products of real inputs and their squares, or the
/// symmetric matrix itself.
pub fn real_macs(inputs: f64, rank: f64) -> f64 {
    (2.0 * rank * (inputs + 1.0)).min(inputs * (inputs + 1.0) / 2.0)
}

fn is_lit(z: &Complex<f64>) -> bool {
    z.norm_sqr() > 0.0
}

fn mean(of: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = of.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
    sum / f64::max(n, 1.0)
}

/// x^H Q x.
fn reading(response: &Response, x: &[f64]) -> f64 {
    let bright: Vec<(usize, f64)> =
        x.iter().copied().enumerate().filter(|(_, v)| *v != 0.0).collect();
    let field =
        |row: &[Complex<f64>]| bright.iter().map(|&(i, v)| row[i] * v).sum::<Complex<f64>>();
    response.chunks_exact(x.len()).map(|row| field(row).norm_sqr()).sum()
}

/// The Gram matrix of the smaller side as a real one, [[Re, -Im], [Im, Re]]: the eigenvalues of Q
/// but for zeros, each twice.
fn form(response: &Response, inputs: usize) -> Tridiagonal {
    let samples = response.len() / inputs;
    let rows = samples <= inputs;
    let vectors: Vec<Vec<Complex<f64>>> = if rows {
        response.chunks_exact(inputs).map(<[_]>::to_vec).collect()
    } else {
        let column = |i: usize| response.iter().skip(i).step_by(inputs).copied().collect();
        (0..inputs).map(column).collect()
    };
    let n = vectors.len();
    let mut gram = vec![0.0; 4 * n * n];
    for (i, a) in vectors.iter().enumerate() {
        for (j, b) in vectors.iter().enumerate().take(i + 1) {
            let g: Complex<f64> = a.iter().zip(b).map(|(a, b)| a * b.conj()).sum();
            for (i, j, g) in [(i, j, g), (j, i, g.conj())] {
                gram[i * 2 * n + j] = g.re;
                gram[(i + n) * 2 * n + j + n] = g.re;
                gram[i * 2 * n + j + n] = -g.im;
                gram[(i + n) * 2 * n + j] = g.im;
            }
        }
    }
    Tridiagonal::of(2 * n, gram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::laws::snr;
    use crate::math::random::{Site, uniform};

    fn noise(bits: f64, shot: f64) -> Noise {
        Noise { snr: snr(bits), shot }
    }

    fn image(inputs: usize, n: u32) -> Vec<f64> {
        (0..inputs as u32).map(|i| uniform(5, n, Site::Test, i)).collect()
    }

    /// Regions that see one Fourier coefficient each, on whatever samples, are of rank 1 at any bits.
    #[test]
    fn a_fourier_coefficient_is_of_rank_one() {
        let inputs = 12;
        let region = |c: usize| -> Response {
            let sample = |p: usize| {
                (0..inputs).map(move |i| {
                    let turns = (c * i) as f64 / inputs as f64 + 0.1 * p as f64;
                    Complex::from_polar(1.0 + p as f64, std::f64::consts::TAU * turns)
                })
            };
            (0..5).flat_map(sample).collect()
        };
        let regions: Vec<Response> = (0..4).map(region).collect();
        let images: Vec<_> = (0..10).map(|n| image(inputs, n)).collect();
        let forms = Forms::new(inputs, &regions, &images).expect("it is lit");
        for bits in [1.0, 4.0, 8.0] {
            let useful = forms.useful(noise(bits, 0.0));
            assert_eq!(useful.ranks, [1; 4], "{bits}");
            assert_eq!((useful.complex_macs, useful.macs), (48.0, 4.0 * 2.0 * 13.0));
        }
    }

    /// A form with eigenvalues 4^-k: with P/μ counted by hand, k ranks pass where 4^-k P/μ exceeds
    /// the noise, by receiver or by shot; both shapes of A agree; darker inputs are none.
    #[test]
    fn eigenvalues_above_the_noise_are_counted() {
        let (rank, inputs) = (8, 8);
        // Input k alone lights sample k; two inputs more light nothing.
        let diagonal = |samples: usize| -> Response {
            (0..samples * (inputs + 2))
                .map(|at| {
                    let (p, i) = (at / (inputs + 2), at % (inputs + 2));
                    let on = p == i && i < rank;
                    if on {
                        Complex::from_polar(0.5f64.powi(i as i32), i as f64)
                    } else {
                        Complex::ZERO
                    }
                })
                .collect()
        };
        let ones = [vec![1.0; inputs + 2]];
        let light: f64 = (0..rank as i32).map(|k| 0.25f64.powi(k)).sum();
        let gain = 10.0 / light;
        let mut last = usize::MAX;
        for (bits, shot) in [(8.0, 0.0), (8.0, 1.0), (4.0, 0.0), (3.0, 0.5), (1.0, 0.0)] {
            let noise = noise(bits, shot);
            let passes = |k: &i32| {
                let p = 0.25f64.powi(*k) * gain;
                p > ((shot * p + 1.0 - shot) / noise.snr).sqrt()
            };
            let expected = (0..rank as i32).filter(passes).count();
            for samples in [8, 20] {
                let forms = Forms::new(inputs + 2, &[diagonal(samples)], &ones).expect("it is lit");
                let useful = forms.useful(noise);
                assert_eq!(
                    (useful.inputs, &useful.ranks[..]),
                    (8, &[expected][..]),
                    "{bits} {shot}"
                );
            }
            // Fewer photons, no more rank.
            if shot == 0.0 {
                assert!(expected <= last && expected < rank || bits == 8.0);
                last = expected;
            }
        }
        assert!(last < 5, "one bit leaves few: {last}");
        let dark = vec![Complex::ZERO; 10];
        assert!(Forms::new(10, &[dark], &[vec![1.0; 10]]).is_none());
    }
}
