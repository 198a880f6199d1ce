//! dL/dφ = ½ (p_s - p_f - p_b) = (p₊ - p₋) / 4ε: gradients that a chip measures with powers beside
//! its shifters alone.
//!
//! With g = dL/dRe + i dL/dIm of the outputs and E' the light at a shifter, dL/dφ = Im(conj(E') g'),
//! g' = the adjoint of what follows on g. Light conj(g), sent back into the outputs of a reciprocal
//! chip, is conj(g') there. Three measurements (Hughes 2018, Optica 5, 864; Pai 2023, Science 380,
//! 398): p_f of the light, p_b of what is sent back, and p_s of E' - i g', launched from the inputs as
//! x - i g_x, g_x the conjugate of what came back. Echo: the conjugate of the outputs is sent back with
//! ±iε conj(g), p± at the shifters; linear, so that ε may have any size (López-Pastor 2023, Phys. Rev.
//! X 13, 031020).
//!
//! All of it is exact where no light is lost, for any splitters. With loss, light launched again has
//! lost twice what the gradient's has, and p_b belongs to another amplitude; nothing here corrects it.
//! Phases are those at the shifters: behind crosstalk and quantisers.

use super::light::{Passage, forward, on_guides, send_back};
use super::{C, Faults, Mesh, Settings};
use crate::error::Result;

/// What three measurements give.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// dL/dθ, dL/dφ, dL/dγ.
    pub gradient: Settings,
    /// dL/dRe + i dL/dIm of the inputs `[n]`: what goes on to the layer before.
    pub back: Vec<C>,
}

/// Powers at the shifters; of θ that drives both arms, half the difference of theirs.
struct Powers {
    theta: Vec<f64>,
    phi: Vec<f64>,
    gamma: Vec<f64>,
}

impl Powers {
    /// `outputs` `[guides]` beside the output phases.
    fn of(mesh: &Mesh, passed: &Passage, outputs: &[C]) -> Self {
        let theta = |[upper, lower]: [f64; 2]| {
            if mesh.symmetric { 0.5 * (upper - lower) } else { upper }
        };
        let modes = &outputs[mesh.layout.first..][..mesh.n];
        Self {
            theta: passed.arms.iter().map(|arms| theta(arms[1])).collect(),
            phi: passed.arms.iter().map(|arms| arms[0][0]).collect(),
            gamma: modes.iter().map(C::norm_sqr).collect(),
        }
    }
}

/// The gradient for input `x` `[n]` and `g` `[n]` of the outputs.
pub fn three_measurements(
    mesh: &Mesh,
    settings: &Settings,
    faults: &Faults,
    x: &[C],
    g: &[C],
) -> Result<Measured> {
    let (x, g) = (on_guides(mesh, x)?, on_guides(mesh, g)?);
    let conjugate = |fields: &[C]| fields.iter().map(C::conj).collect::<Vec<C>>();
    let light = forward(mesh, settings, faults, x.clone())?;
    let sent = send_back(mesh, settings, faults, conjugate(&g))?;
    let back = conjugate(&sent.fields);
    let together = x.iter().zip(&back).map(|(x, b)| x - C::I * b).collect();
    let both = forward(mesh, settings, faults, together)?;
    let [p_f, p_b, p_s] = [
        Powers::of(mesh, &light, &light.fields),
        Powers::of(mesh, &sent, &g),
        Powers::of(mesh, &both, &both.fields),
    ];
    let each = |s: &[f64], f: &[f64], b: &[f64]| {
        s.iter().zip(f).zip(b).map(|((s, f), b)| 0.5 * (s - f - b)).collect()
    };
    let gradient = Settings {
        theta: each(&p_s.theta, &p_f.theta, &p_b.theta),
        phi: each(&p_s.phi, &p_f.phi, &p_b.phi),
        gamma: each(&p_s.gamma, &p_f.gamma, &p_b.gamma),
    };
    Ok(Measured { gradient, back: back[mesh.layout.first..][..mesh.n].to_vec() })
}

/// The gradient for input `x` `[n]` and `g` `[n]` of the outputs by two echoes of strength ±ε.
pub fn echo(
    mesh: &Mesh,
    settings: &Settings,
    faults: &Faults,
    (x, g): (&[C], &[C]),
    epsilon: f64,
) -> Result<Settings> {
    let light = forward(mesh, settings, faults, on_guides(mesh, x)?)?;
    let g = on_guides(mesh, g)?;
    let echoed = |epsilon: f64| -> Result<Powers> {
        let pairs = light.fields.iter().zip(&g);
        let sent: Vec<C> = pairs.map(|(y, g)| (y - C::new(0.0, epsilon) * g).conj()).collect();
        let passed = send_back(mesh, settings, faults, sent.clone())?;
        Ok(Powers::of(mesh, &passed, &sent))
    };
    let (above, below) = (echoed(epsilon)?, echoed(-epsilon)?);
    let each =
        |p: &[f64], m: &[f64]| p.iter().zip(m).map(|(p, m)| (p - m) / (4.0 * epsilon)).collect();
    Ok(Settings {
        theta: each(&above.theta, &below.theta),
        phi: each(&above.phi, &below.phi),
        gamma: each(&above.gamma, &below.gamma),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::effective::effective;
    use crate::optics::mesh::haar::haar;
    use crate::optics::mesh::{Imperfections, Topology};

    /// A chip of random phases, its input and the gradient of its outputs.
    fn chip(mesh: &Mesh, loss_db: f64) -> (Settings, Faults, Vec<C>, Vec<C>) {
        let spec = Imperfections {
            theta_std: 3.0,
            phi_std: 3.0,
            gamma_std: 3.0,
            splitter_angle: 0.1,
            loss_db,
            ..Default::default()
        };
        let faults = spec.draw(mesh, 2).expect("valid");
        let vectors = haar(mesh.n, 4).expect("a size");
        let g = vectors[mesh.n..2 * mesh.n].iter().map(|z| 0.7 * z).collect();
        (mesh.zero_settings(), faults, vectors[..mesh.n].to_vec(), g)
    }

    /// All phases in one list.
    fn list(s: &Settings) -> Vec<f64> {
        [&s.theta[..], &s.phi, &s.gamma].concat()
    }

    fn apart(a: &Settings, b: &Settings) -> f64 {
        list(a).iter().zip(list(b)).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
    }

    fn meshes() -> Vec<Mesh> {
        let mut all = Vec::new();
        for topology in Topology::ALL {
            for (symmetric, three) in [(false, false), (true, false), (false, true)] {
                let mesh = Mesh::new(8, topology).expect("a size");
                all.push(mesh.with_symmetric(symmetric).with_three_splitters(three));
            }
        }
        all
    }

    /// L = Re<g, U x>, whose gradient is g everywhere, by central differences of U: they err by
    /// h² / 6 times a third derivative of size 1, and by 1e-16 / h.
    fn differences(
        mesh: &Mesh,
        settings: &Settings,
        faults: &Faults,
        x: &[C],
        g: &[C],
    ) -> Vec<f64> {
        let n = mesh.n;
        let loss = |settings: &Settings| -> f64 {
            let u = effective(mesh, settings, faults).expect("fits").matrix();
            let y = u.chunks_exact(n).map(|row| row.iter().zip(x).map(|(u, x)| u * x).sum::<C>());
            y.zip(g).map(|(y, g)| (g.conj() * y).re).sum()
        };
        let h = 1e-5;
        let count = list(settings).len();
        (0..count)
            .map(|k| {
                let moved = |by: f64| {
                    let mut s = settings.clone();
                    let cells = s.theta.len();
                    let phase = match k {
                        _ if k < cells => &mut s.theta[k],
                        _ if k < 2 * cells => &mut s.phi[k - cells],
                        _ => &mut s.gamma[k - 2 * cells],
                    };
                    *phase += by;
                    loss(&s)
                };
                (moved(h) - moved(-h)) / (2.0 * h)
            })
            .collect()
    }

    /// Faulty splitters change nothing, nor do drives of both arms, third splitters and the guides of
    /// a diamond; magnitudes are compared, and twice the gradient is refused.
    #[test]
    fn powers_alone_give_the_gradient() {
        for mesh in meshes() {
            let (settings, faults, x, g) = chip(&mesh, 0.0);
            let got = three_measurements(&mesh, &settings, &faults, &x, &g).expect("fits");
            let exact = differences(&mesh, &settings, &faults, &x, &g);
            let worst = |scale: f64| {
                let pairs = list(&got.gradient).into_iter().zip(&exact);
                pairs.map(|(a, b)| (scale * a - b).abs()).fold(0.0, f64::max)
            };
            assert!(worst(1.0) < 1e-9, "{:?}: {:e}", mesh.topology, worst(1.0));
            assert!(worst(2.0) > 1e-2, "the comparison can fail");
            // What comes back is the adjoint on g.
            let u = effective(&mesh, &settings, &faults).expect("fits").matrix();
            for (k, back) in got.back.iter().enumerate() {
                let column = u.iter().skip(k).step_by(mesh.n);
                let adjoint: C = column.zip(&g).map(|(u, g)| u.conj() * g).sum();
                assert!((adjoint - back).norm() < 1e-14, "{:?}", mesh.topology);
            }
        }
    }

    /// The echo is the three measurements to rounding, 1e-16 of powers of size ε² over 4ε, whatever ε.
    #[test]
    fn echoes_are_exact_at_any_strength() {
        for mesh in meshes() {
            let (settings, faults, x, g) = chip(&mesh, 0.0);
            let exact = three_measurements(&mesh, &settings, &faults, &x, &g).expect("fits");
            for epsilon in [1e-3, 0.3, 1.0, 50.0] {
                let got = echo(&mesh, &settings, &faults, (&x, &g), epsilon).expect("fits");
                let tolerance = 1e-15 * (1.0 + 1.0 / epsilon + epsilon) * 8.0;
                let error = apart(&got, &exact.gradient);
                assert!(error < tolerance, "{:?} {epsilon}: {error:e}", mesh.topology);
            }
        }
    }

    /// Loss α a column, everywhere alike: the interference at column c is too weak by a^{2(c+1)}, a
    /// the amplitude that a column of D leaves, and the power of the light sent back, a^{2(D-c-1)} of the
    /// lossless one, stands where a^{2(D+c+1)} belongs.
    #[test]
    fn loss_biases_the_measurement_as_computed() {
        let mesh = Mesh::new(6, Topology::Clements).expect("a size");
        let (settings, lossless, x, g) = chip(&mesh, 0.0);
        let (_, lossy, ..) = chip(&mesh, 0.2);
        let a = 10f64.powf(-0.2 / 20.0);
        let depth = mesh.layout.depth as i32;
        let exact = three_measurements(&mesh, &settings, &lossless, &x, &g).expect("fits");
        let got = three_measurements(&mesh, &settings, &lossy, &x, &g).expect("fits");
        let conjugates = on_guides(&mesh, &g).expect("fits").iter().map(C::conj).collect();
        let sent = send_back(&mesh, &settings, &lossless, conjugates).expect("fits");
        let mut most = 0.0f64;
        for (k, cell) in mesh.layout.cells.iter().enumerate() {
            let passed = cell.column as i32 + 1;
            let gradients = [
                (exact.gradient.phi[k], got.gradient.phi[k], sent.arms[k][0][0]),
                (exact.gradient.theta[k], got.gradient.theta[k], sent.arms[k][1][0]),
            ];
            for (exact, got, p_b) in gradients {
                let whole = a.powi(depth + 2 * passed) * exact;
                let wrong = a.powi(2 * (depth + passed)) - a.powi(2 * (depth - passed));
                let expected = whole + 0.5 * wrong * p_b;
                assert!((got - expected).abs() < 1e-14, "{k}: {got} and {expected}");
                most = most.max((got - a.powi(depth) * exact).abs());
            }
        }
        assert!(most > 1e-2, "a bias that matters: {most}");
    }
}
