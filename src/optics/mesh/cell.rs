//! T(θ, φ) = B(ε₂) diag(e^{iθ}, 1) B(ε₁) diag(e^{iφ}, 1) [B(ε₃)]: one Mach-Zehnder interferometer.
//!
//! ```text
//! a ──[φ]──╮  ╭──[θ]──╮  ╭── a      B(ε) = [[cos(π/4+ε), i sin(π/4+ε)],
//!          B(ε₁)      B(ε₂)                 [i sin(π/4+ε), cos(π/4+ε)]]
//! b ───────╯  ╰───────╯  ╰── b
//! ```
//! Time exp(-iωt). With even splitters T = i e^{iθ/2} [[e^{iφ} sin θ/2, cos θ/2],
//! [e^{iφ} cos θ/2, -sin θ/2]]: θ = π is the bar state, θ = 0 the cross state. A `symmetric` cell
//! drives both arms, e^{+iθ/2} above and e^{-iθ/2} below, which takes the factor e^{iθ/2} away.
//!
//! With splitter errors |T₁₁|² runs from sin²(ε₁+ε₂) to cos²(ε₁-ε₂) alone: the cross state is out
//! of reach, and large meshes want little else. A third splitter before φ (Hamerly 2022, Nat.
//! Commun. 13, 6831, there mirrored: after the external phase) is a fixed rotation of what the
//! other two must do. What is then out of reach are even splittings at one phase, which are rare.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_4, TAU};

use super::dense::{C, direction};

/// A 2 x 2 matrix, row-major: output a, output b.
pub type Pair = [C; 4];

/// Everything about one cell but its two phases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Build {
    /// Angle errors in radians, in order of distance from θ: ε₁ before it, ε₂ after it, ε₃ before φ.
    pub splitters: [f64; 3],
    /// Whether the third splitter is there.
    pub three: bool,
    /// Whether θ is split over both arms.
    pub symmetric: bool,
    /// Amplitude with which the light of guides a and b comes in: losses of the cell and of the
    /// crossings before it.
    pub input: [f64; 2],
}

/// Phases of a cell that realise a matrix up to phases of its outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Programmed {
    /// In [0, π].
    pub theta: f64,
    /// In [0, 2π).
    pub phi: f64,
    /// target = diag(output) T(θ, φ), both of size one.
    pub output: [C; 2],
    /// Whether the splitting ratio is within reach; the nearest is taken where it is not.
    pub reached: bool,
}

/// x mod 2π in [0, 2π).
pub fn wrap(x: f64) -> f64 {
    let y = x.rem_euclid(TAU);
    if y < TAU { y } else { 0.0 }
}

/// Error of a splitter's angle whose through amplitude is 1/√2 + δ; |amplitude| is held within 1.
pub fn angle_from_amplitude(delta: f64) -> f64 {
    (FRAC_1_SQRT_2 + delta).clamp(-1.0, 1.0).acos() - FRAC_PI_4
}

/// Error ε of both splitters for which the cross state leaks 1 part in the extinction ratio:
/// ER = cos²(2ε) / sin²(2ε), ε > 0, `ratio` in dB of power.
pub fn angle_from_extinction(ratio_db: f64) -> f64 {
    0.5 * 10f64.powf(-ratio_db / 20.0).atan()
}

/// The extinction ratio in dB of power at which so many times the amplitude leaks; none where no
/// light does.
pub fn extinction_times(ratio_db: f64, leak: f64) -> Option<f64> {
    (leak > 0.0).then(|| ratio_db - 20.0 * leak.log10())
}

/// cos and sin of π/4 + ε; both exactly equal at ε = 0.
fn splitting(error: f64) -> (f64, f64) {
    let (s, c) = error.sin_cos();
    (FRAC_1_SQRT_2 * (c - s), FRAC_1_SQRT_2 * (c + s))
}

/// a b.
pub fn compose(a: &Pair, b: &Pair) -> Pair {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
    ]
}

/// a diag(d).
pub fn with_inputs(a: &Pair, d: [C; 2]) -> Pair {
    [a[0] * d[0], a[1] * d[1], a[2] * d[0], a[3] * d[1]]
}

impl Default for Build {
    fn default() -> Self {
        Self { splitters: [0.0; 3], three: false, symmetric: false, input: [1.0; 2] }
    }
}

impl Build {
    /// The factor that the symmetric drive takes away.
    fn common(&self, theta: f64) -> C {
        if self.symmetric { C::cis(-0.5 * theta) } else { C::ONE }
    }

    /// What lies between φ and the output, for t = e^{iθ}, as constant + t · slope. The products of
    /// two splitters' amplitudes are written as sums, so that even ones cross without a trace.
    fn inner(&self) -> (Pair, Pair) {
        let [e1, e2, _] = self.splitters;
        let ((s_sum, c_sum), (s_gap, c_gap)) = ((e2 + e1).sin_cos(), (e2 - e1).sin_cos());
        let (re, im) = (|x| C::from(0.5 * x), |x| C::new(0.0, 0.5 * x));
        let (cc, ss) = (c_gap - s_sum, c_gap + s_sum);
        let (sc, cs) = (c_sum + s_gap, c_sum - s_gap);
        ([re(-ss), im(sc), im(cs), re(cc)], [re(cc), im(cs), im(sc), re(-ss)])
    }

    /// The third splitter.
    fn third(&self) -> Pair {
        let (c, s) = splitting(self.splitters[2]);
        [C::from(c), C::new(0.0, s), C::new(0.0, s), C::from(c)]
    }

    fn finish(&self, inner: Pair, phi: C) -> Pair {
        let turned = with_inputs(&inner, [phi, C::ONE]);
        let whole = if self.three { compose(&turned, &self.third()) } else { turned };
        with_inputs(&whole, self.input.map(C::from))
    }

    /// T(θ, φ), phases in radians.
    pub fn matrix(&self, theta: f64, phi: f64) -> Pair {
        let (constant, slope) = self.inner();
        let (t, g) = (C::cis(theta), self.common(theta));
        self.finish(std::array::from_fn(|k| g * (constant[k] + t * slope[k])), C::cis(phi))
    }

    /// What stands at φ and, past the first splitter, at θ, for light at the inputs.
    pub fn arms(&self, phi: f64, light: [C; 2]) -> [[C; 2]; 2] {
        let pass = |[a, b, c, d]: Pair, x: [C; 2]| [a * x[0] + b * x[1], c * x[0] + d * x[1]];
        let mut at_phi = [light[0] * self.input[0], light[1] * self.input[1]];
        if self.three {
            at_phi = pass(self.third(), at_phi);
        }
        let (c, s) = splitting(self.splitters[0]);
        let first = [C::from(c), C::new(0.0, s), C::new(0.0, s), C::from(c)];
        [at_phi, pass(first, [at_phi[0] * C::cis(phi), at_phi[1]])]
    }

    /// What stands at φ and at θ for light that is sent back into the outputs.
    pub fn arms_back(&self, theta: f64, light: [C; 2]) -> [[C; 2]; 2] {
        let through = |error: f64, x: [C; 2]| {
            let ((c, s), i) = (splitting(error), C::I);
            [x[0] * c + i * s * x[1], i * s * x[0] + x[1] * c]
        };
        let at_theta = through(self.splitters[1], light);
        let (upper, lower) = if self.symmetric {
            (C::cis(0.5 * theta), C::cis(-0.5 * theta))
        } else {
            (C::cis(theta), C::ONE)
        };
        [through(self.splitters[0], [at_theta[0] * upper, at_theta[1] * lower]), at_theta]
    }

    /// ∂T/∂θ and ∂T/∂φ.
    pub fn derivatives(&self, theta: f64, phi: f64) -> (Pair, Pair) {
        let (constant, slope) = self.inner();
        let (t, g) = (C::cis(theta), self.common(theta));
        let inner: Pair = std::array::from_fn(|k| g * (constant[k] + t * slope[k]));
        let inner_theta = std::array::from_fn(|k| {
            let own = g * t * slope[k];
            C::I * if self.symmetric { own - 0.5 * inner[k] } else { own }
        });
        let turn = C::cis(phi);
        // Only the light of the upper guide passes φ.
        let upper = [inner[0], C::ZERO, inner[2], C::ZERO];
        (self.finish(inner_theta, turn), self.finish(upper, C::I * turn))
    }

    /// Phases for which diag(output) T comes nearest to `target`, a unitary; the loss is left out.
    ///
    /// tan²(θ/2) = (|N₁₁|² - sin²(ε₁+ε₂)) / (|N₁₂|² - sin²(ε₁-ε₂)), N = target, or target B(ε₃)†
    /// (Bandyopadhyay 2021, Optica 8, 1247). Errors below π/8.
    pub fn program(&self, target: &Pair) -> Programmed {
        let bare = Self { input: [1.0; 2], ..*self };
        let want = if self.three {
            let [a, b, c, d] = bare.third();
            compose(target, &[a.conj(), c.conj(), b.conj(), d.conj()])
        } else {
            *target
        };
        let [e1, e2, _] = self.splitters;
        let above = |size: f64, least: f64| (size - least) * (size + least);
        let through = above(want[0].norm(), (e1 + e2).sin().abs());
        let across = above(want[1].norm(), (e1 - e2).sin().abs());
        let theta = 2.0 * through.max(0.0).sqrt().atan2(across.max(0.0).sqrt());

        let two = Self { three: false, ..bare }.matrix(theta, 0.0);
        // Where an entry vanishes φ is free.
        let phi = if [want[0], want[1], two[0], two[1]].contains(&C::ZERO) {
            0.0
        } else {
            wrap(want[0].arg() - want[1].arg() - two[0].arg() + two[1].arg())
        };
        Programmed {
            theta,
            phi,
            output: self.outputs(target, theta, phi),
            reached: through >= -1e-15 && across >= -1e-15,
        }
    }

    /// Phases, of size one, with which diag(output) T(θ, φ) comes nearest to `target`; the loss is left
    /// out.
    pub fn outputs(&self, target: &Pair, theta: f64, phi: f64) -> [C; 2] {
        let got = Self { input: [1.0; 2], ..*self }.matrix(theta, phi);
        let overlap = |r: usize| target[r] * got[r].conj() + target[r + 1] * got[r + 1].conj();
        [direction(overlap(0)), direction(overlap(2))]
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::math::random::{Site, uniform};

    fn builds() -> Vec<Build> {
        let mut all = Vec::new();
        for (three, symmetric) in [(false, false), (false, true), (true, false), (true, true)] {
            for (splitters, input) in [([0.0; 3], [1.0; 2]), ([0.1, -0.07, 0.05], [0.9, 0.8])] {
                all.push(Build { splitters, three, symmetric, input });
            }
        }
        all
    }

    fn distance(a: &Pair, b: &Pair) -> f64 {
        a.iter().zip(b).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max)
    }

    /// The product of its parts, each written out.
    fn by_parts(build: &Build, theta: f64, phi: f64) -> Pair {
        let splitter = |e: f64| {
            let (s, c) = (FRAC_PI_4 + e).sin_cos();
            [C::from(c), C::new(0.0, s), C::new(0.0, s), C::from(c)]
        };
        let upper = |p: f64| [C::cis(p), C::ZERO, C::ZERO, C::ONE];
        let arms = if build.symmetric {
            [C::cis(theta / 2.0), C::ZERO, C::ZERO, C::cis(-theta / 2.0)]
        } else {
            upper(theta)
        };
        let [e1, e2, e3] = build.splitters;
        let mut parts = vec![splitter(e2), arms, splitter(e1), upper(phi)];
        if build.three {
            parts.push(splitter(e3));
        }
        let [p, q] = build.input.map(C::from);
        parts.push([p, C::ZERO, C::ZERO, q]);
        parts.iter().skip(1).fold(parts[0], |product, part| compose(&product, part))
    }

    /// Tolerance: a handful of roundings of numbers of size one.
    #[test]
    fn a_cell_is_the_product_of_its_parts() {
        for build in builds() {
            for (theta, phi) in [(0.0, 0.0), (PI, PI), (0.3, 5.0), (2.2, 1.1), (4.0, 3.0)] {
                let whole = build.matrix(theta, phi);
                let parts = by_parts(&build, theta, phi);
                assert!(distance(&whole, &parts) < 2e-15, "{build:?} {theta} {phi}");
                assert!(distance(&whole, &by_parts(&build, theta, phi + 1e-13)) > 2e-15);
            }
        }
    }

    /// Light at the arms, taken on through θ and the second splitter, is the light at the outputs.
    #[test]
    fn light_at_the_arms_goes_on_to_the_outputs() {
        let light = [C::new(0.6, -0.2), C::new(0.1, 0.7)];
        for build in builds() {
            let (theta, phi) = (1.2, 0.7);
            let [_, [up, low]] = build.arms(phi, light);
            let turned = if build.symmetric {
                [up * C::cis(theta / 2.0), low * C::cis(-theta / 2.0)]
            } else {
                [up * C::cis(theta), low]
            };
            let (s, c) = (FRAC_PI_4 + build.splitters[1]).sin_cos();
            let out = [
                turned[0] * c + turned[1] * C::new(0.0, s),
                turned[0] * C::new(0.0, s) + turned[1] * c,
            ];
            let t = build.matrix(theta, phi);
            for (row, x) in out.iter().enumerate() {
                let y = t[2 * row] * light[0] + t[2 * row + 1] * light[1];
                assert!((x - y).norm() < 1e-15, "{build:?}");
            }
        }
    }

    /// PEERS.md M1 and the closed form in the module's documentation.
    #[test]
    fn states_and_closed_form() {
        let ideal = Build::default();
        assert!(distance(&ideal.matrix(0.0, 0.0), &[C::ZERO, C::I, C::I, C::ZERO]) < 1e-16);
        let one = [C::ONE, C::ZERO, C::ZERO, C::ONE];
        assert!(distance(&ideal.matrix(PI, PI), &one) < 3e-16);
        let (theta, phi) = (1.3, 0.4);
        let (s, c) = (theta / 2.0f64).sin_cos();
        let g = C::I * C::cis(theta / 2.0);
        let closed = [g * C::cis(phi) * s, g * c, g * C::cis(phi) * c, -g * s];
        assert!(distance(&ideal.matrix(theta, phi), &closed) < 5e-16);
    }

    /// PEERS.md M2: det B = 1, so det T = e^{i(θ+φ)}, and e^{iφ} when both arms are driven, for any
    /// splitter errors; T stays unitary.
    #[test]
    fn determinants_are_the_phases_alone() {
        for build in builds().into_iter().map(|b| Build { input: [1.0; 2], ..b }) {
            let (theta, phi) = (2.1, 0.7);
            let t = build.matrix(theta, phi);
            let det = t[0] * t[3] - t[1] * t[2];
            let expected = C::cis(if build.symmetric { phi } else { phi + theta });
            assert!((det - expected).norm() < 1e-15, "{build:?}");
            let adjoint = [t[0].conj(), t[2].conj(), t[1].conj(), t[3].conj()];
            let one = [C::ONE, C::ZERO, C::ZERO, C::ONE];
            assert!(distance(&compose(&adjoint, &t), &one) < 1e-15);
        }
    }

    /// Central differences with h = 1e-5: truncation h²/6 = 2e-11, rounding 1e-16/h = 1e-11.
    #[test]
    fn derivatives_are_those_of_central_differences() {
        let h = 1e-5;
        for build in builds() {
            let (theta, phi) = (0.9, 2.5);
            let difference =
                |p: Pair, m: Pair| -> Pair { std::array::from_fn(|k| (p[k] - m[k]) / (2.0 * h)) };
            let (by_theta, by_phi) = build.derivatives(theta, phi);
            let theta_fd = difference(build.matrix(theta + h, phi), build.matrix(theta - h, phi));
            let phi_fd = difference(build.matrix(theta, phi + h), build.matrix(theta, phi - h));
            assert!(distance(&by_theta, &theta_fd) < 1e-10, "{build:?}");
            assert!(distance(&by_phi, &phi_fd) < 1e-10, "{build:?}");
            assert!(distance(&by_theta, &phi_fd) > 1e-2, "the comparison can fail");
        }
    }

    /// Any matrix that a cell can make is found again, up to phases of its outputs; ideal cells
    /// make every unitary.
    #[test]
    fn programming_finds_what_a_cell_can_make() {
        let draw = |k: u32| TAU * uniform(3, 0, Site::Test, k);
        for (b, build) in builds().into_iter().enumerate() {
            for k in 0..50u32 {
                let at = |j: u32| draw((b as u32 * 50 + k) * 4 + j);
                let made = Build { input: [1.0; 2], ..build }.matrix(at(0), at(1));
                let output = [C::cis(at(2)), C::cis(at(3))];
                let target = [
                    output[0] * made[0],
                    output[0] * made[1],
                    output[1] * made[2],
                    output[1] * made[3],
                ];
                let p = build.program(&target);
                let got = Build { input: [1.0; 2], ..build }.matrix(p.theta, p.phi);
                let [u, v] = p.output;
                let got = [u * got[0], u * got[1], v * got[2], v * got[3]];
                assert!(p.reached && distance(&got, &target) < 1e-14, "{build:?}: {p:?}");
                assert!((0.0..=PI).contains(&p.theta) && (0.0..TAU).contains(&p.phi));
            }
        }
    }

    /// The cross state with errors of one sign: two splitters miss it by ε₁+ε₂, three reach it.
    #[test]
    fn a_third_splitter_reaches_the_cross_state() {
        let cross = [C::ZERO, C::ONE, C::ONE, C::ZERO];
        let two = Build { splitters: [0.03, 0.02, 0.01], ..Build::default() };
        let p = two.program(&cross);
        assert!(!p.reached && p.theta == 0.0);
        assert!((two.matrix(p.theta, p.phi)[0].norm() - 0.05f64.sin()).abs() < 1e-15);
        let three = Build { three: true, ..two };
        let p = three.program(&cross);
        assert!(p.reached && three.matrix(p.theta, p.phi)[0].norm() < 1e-15);
    }

    /// 20 dB leak sin²(2ε) = 1 % of what crosses; an amplitude error of δ is an angle of -√2 δ.
    #[test]
    fn errors_convert_exactly() {
        let e = angle_from_extinction(20.0);
        let cross = Build { splitters: [e, e, 0.0], ..Build::default() }.matrix(0.0, 0.0);
        let ratio = cross[1].norm_sqr() / cross[0].norm_sqr();
        assert!((10.0 * ratio.log10() - 20.0).abs() < 1e-12);
        for delta in [-0.2, -1e-3, 0.0, 0.1] {
            let angle = angle_from_amplitude(delta);
            assert!(((FRAC_PI_4 + angle).cos() - FRAC_1_SQRT_2 - delta).abs() < 1e-15);
        }
        assert!((angle_from_amplitude(1e-6) + 2f64.sqrt() * 1e-6).abs() < 1e-11);
    }
}
