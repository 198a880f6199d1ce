//! The chip that a training program is run on: its light beside the matrices of `optics::mesh`, which
//! are made in f64 by code of their own.

use std::sync::Arc;

use lightloom::backend::gpu::{self, Wanted};
use lightloom::backend::{Executor, Precision, cpu};
use lightloom::lower::mesh;
use lightloom::lower::{Chance, Device};
use lightloom::ops::Op;
use lightloom::ops::case::{complexes, reals};
use lightloom::ops::count::Count;
use lightloom::ops::intensity::Intensity;
use lightloom::ops::mean_squared::MeanSquared;
use lightloom::optics::Hardware;
use lightloom::optics::element::MeshInit;
use lightloom::optics::mesh::effective::effective;
use lightloom::optics::mesh::{C, Imperfections, Mesh, Settings, Topology};
use lightloom::program::adjoint::adjoint;
use lightloom::program::{Builder, Data, Program, Shape, SlotId};

mod common;

/// Steps of drift before the chip is looked at.
const STEPS: usize = 3;
/// Element of the chip, and the number of its mesh.
const ELEMENT: usize = 1;
const NUMBER: u64 = 2;

/// A chip in a program.
struct Chip {
    mesh: Mesh,
    settings: Settings,
    device: Device,
    program: Program,
    x: SlotId,
    y: SlotId,
    /// Drift of θ, φ and γ, if there is any.
    walks: Vec<SlotId>,
}

fn everything() -> Imperfections {
    Imperfections {
        splitter_angle: 0.05,
        theta_std: 0.1,
        phi_std: 0.1,
        gamma_std: 0.1,
        loss_db: 0.2,
        loss_std_db: 0.05,
        crosstalk: 0.05,
        crosstalk_along: 0.03,
        drift_std: 0.1,
        step_s: 2.0,
        ..Imperfections::default()
    }
}

/// The nearest odd multiples of 2π/2^14: in the middle of a bin of the table by which a program rounds,
/// and on no edge between two steps of phase.
fn on_bins(settings: &Settings) -> Settings {
    let bin = std::f64::consts::TAU / f64::from(1 << 14);
    let near = |phases: &[f64]| -> Vec<f64> {
        phases.iter().map(|x| (2.0 * (0.5 * x / bin).floor() + 1.0) * bin).collect()
    };
    let Settings { theta, phi, gamma } = settings;
    Settings { theta: near(theta), phi: near(phi), gamma: near(gamma) }
}

impl Chip {
    /// `batch`: so many vectors at a time, through the columns or the matrix.
    fn new(mesh: Mesh, spec: Imperfections, batch: usize) -> Self {
        let settings = on_bins(&mesh::start(&mesh, MeshInit::Haar, 5).expect("phases"));
        let mut b = Builder::default();
        let x = b.input("x", Shape::complex(&[1, mesh.n]));
        let shot = b.state("shot", Shape::index(&[1]), Data::Index(vec![0]));
        let hardware = Hardware { mesh: spec, ..Hardware::default() };
        let device = Device { hardware, chance: Chance::Drawn(7), shot, exposure: 0 };
        let told = mesh::phases(&mut b, "mesh", &settings, true);
        b.routine("light", batch);
        let y = mesh::emit(&mut b, "mesh", &mesh, told, x, Some((&device, NUMBER)))
            .expect("light")
            .leaving;
        b.output(y, "y");
        b.routine("step", 1);
        device.drift(&mut b, ELEMENT).expect("a walk");
        b.emit_into(Op::Count(Count), &[], &[shot]).expect("a counter");
        let walk = |part| format!("device.Drawn(7).mesh.{NUMBER}.drift.{part}");
        let walks: Vec<SlotId> = (0..3).filter_map(|part| b.find(&walk(part))).collect();
        assert!(walks.len() == 3 || device.hardware.mesh.drift_std == 0.0);
        Self { mesh, settings, device, program: b.finish(), x, y, walks }
    }

    /// Largest difference of an element of the matrix from that of the chip of optics.
    fn error(&self, mut executor: Box<dyn Executor>, batch: usize) -> f64 {
        let n = self.mesh.n;
        let mut faults = self.device.faults(&self.mesh, NUMBER).expect("a chip");
        for _ in 0..STEPS {
            executor.run("step", 1).expect("a step");
        }
        let own = [&mut faults.phases.theta, &mut faults.phases.phi, &mut faults.phases.gamma];
        for (phases, &walk) in own.into_iter().zip(&self.walks) {
            let walked = executor.read(walk).expect("a walk").reals().to_vec();
            assert!(walked.iter().all(|&w| w != 0.0) && walked.len() == phases.len());
            phases.iter_mut().zip(walked).for_each(|(p, w)| *p += w);
        }
        let basis = |k: usize| C::from(f64::from(u8::from(k / n % n == k % n)));
        let all = Data::Complex((0..batch * n).map(basis).collect());
        executor.write(self.x, &all).expect("inputs");
        executor.run("light", batch).expect("a run");
        let y = executor.read(self.y).expect("light").complexes().to_vec();
        let exact = effective(&self.mesh, &self.settings, &faults).expect("fits").matrix();
        let apart = |at: usize| (y[at] - exact[at % n * n + at / n % n]).norm();
        (0..batch * n).map(apart).fold(0.0, f64::max)
    }
}

/// Mean, variance, and the standard error of the variance.
fn moments(all: &[f64]) -> [f64; 3] {
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let [second, fourth] = [2, 4].map(|p| all.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / n);
    [mean, second, ((fourth - second * second) / n).sqrt()]
}

/// The powers behind a chip `[batch, modes]` of one light in every sample.
fn powers(chip: &Chip, mut executor: Box<dyn Executor>, light: &[C], batch: usize) -> Vec<f64> {
    executor.write(chip.x, &Data::Complex(light.repeat(batch))).expect("inputs");
    executor.run("light", batch).expect("a run");
    let y = executor.read(chip.y).expect("light");
    y.complexes().iter().map(C::norm_sqr).collect()
}

const EXPOSURES: usize = 4096;

/// An exposure is one sample: over those of a batch light varies as the closed form says of one
/// interferometer, sin²((θ + ε)/2) with normal ε, and as chips drawn in f64 say of a mesh. Within five
/// standard errors, of both samples where there are two; neighbouring samples are independent.
#[test]
fn every_sample_sees_its_own_noise() {
    let sigma = 0.3;
    let spec = Imperfections { shot_std: sigma, ..Imperfections::default() };
    let gpu = common::gpu("noise of samples", 2);
    for mesh in [meshes().remove(4), meshes().remove(0)] {
        let n = mesh.n;
        let light: Vec<C> = (0..n).map(|k| C::from(f64::from(u8::from(k == 0)))).collect();
        let chip = Chip::new(mesh.clone(), spec.clone(), EXPOSURES);
        let expected: Vec<[f64; 3]> = if n == 2 {
            let (cos, shrink) = (chip.settings.theta[0].cos(), (-0.5 * sigma * sigma).exp());
            let cos_2 = 2.0 * cos * cos - 1.0;
            let square = 0.5 * (1.0 + cos_2 * shrink.powi(4));
            let var = 0.25 * (square - (cos * shrink).powi(2));
            vec![[0.5 * (1.0 - cos * shrink), var, 0.0], [0.5 * (1.0 + cos * shrink), var, 0.0]]
        } else {
            let drawn = |seed| {
                let faults = spec.draw(&mesh, seed).expect("a chip");
                effective(&mesh, &chip.settings, &faults).expect("fits").powers(&light)
            };
            let all: Vec<Vec<f64>> = (0..EXPOSURES as u64).map(drawn).collect();
            (0..n).map(|g| moments(&all.iter().map(|p| p[g]).collect::<Vec<f64>>())).collect()
        };
        let program = Arc::new(chip.program.clone());
        let mut backends = vec![
            cpu::compile(program.clone(), Precision::F64, Some(1)),
            cpu::compile(program.clone(), Precision::F32, Some(2)),
        ];
        if gpu.is_some() {
            backends.push(gpu::compile(program, Wanted::Any, true));
        }
        for executor in backends {
            let executor = executor.expect("a backend");
            let name = format!("{n} guides on {}", executor.describe());
            let all = powers(&chip, executor, &light, EXPOSURES);
            for (g, [mean, var, error]) in expected.iter().copied().enumerate() {
                let own: Vec<f64> = all.iter().skip(g).step_by(n).copied().collect();
                let [m, v, e] = moments(&own);
                println!("noise: {name}, guide {g}: variance {v:.5}, expected {var:.5}");
                assert!((v - var).abs() < 5.0 * e.hypot(error), "{name}: {v} and {var}");
                let both = if error > 0.0 { 2.0 } else { 1.0 };
                let apart = (both * var / EXPOSURES as f64).sqrt();
                assert!((m - mean).abs() < 5.0 * apart, "{name}: {m} and {mean}");
                let next: f64 = own.windows(2).map(|w| (w[0] - m) * (w[1] - m)).sum();
                let correlation = next / (v * EXPOSURES as f64);
                assert!(correlation.abs() < 5.0 / (EXPOSURES as f64).sqrt(), "{correlation}");
            }
        }
    }
}

/// The largest mesh trains where a binding does not hold the sums of all leaves: 1024 modes have sums
/// of 16 MiB a leaf. In f32 on both sides, some thousand cells deep.
#[test]
fn the_largest_mesh_trains_on_a_gpu() {
    const MODES: usize = 1024;
    const BATCH: usize = 16;

    let Some(name) = common::gpu("1024 modes", 1) else { return };
    let mesh = Mesh::new(MODES, Topology::Clements).expect("a size");
    let cells = mesh.layout.cells.len();
    let turned = |salt, n| reals(salt, n).iter().map(|x| 3.0 * x).collect::<Vec<f64>>();
    let settings =
        Settings { theta: turned(1, cells), phi: turned(2, cells), gamma: turned(3, MODES) };
    let mut b = Builder::default();
    let x = b.input("x", Shape::complex(&[1, MODES]));
    let label = b.input("label", Shape::index(&[1]));
    let told = mesh::phases(&mut b, "mesh", &settings, true);
    b.routine("step", BATCH);
    let y = mesh::emit(&mut b, "mesh", &mesh, told, x, None).expect("light").leaving;
    let power = b.emit(Op::Intensity(Intensity), &[y]).expect("powers");
    let loss = b.emit(Op::MeanSquared(MeanSquared), &[power, label]).expect("a loss");
    let seed = b.constant("seed", Shape::real(&[1]), || Data::Real(vec![1.0]));
    let grads = adjoint(&mut b, loss, seed).expect("gradients");
    let grads: Vec<SlotId> = grads.into_values().collect();
    assert_eq!(grads.len(), 3);
    grads.iter().enumerate().for_each(|(k, &g)| b.output(g, &format!("grad.{k}")));
    let program = Arc::new(b.finish());
    assert_eq!(program.routines[0].leaves.count, 16);
    let of = |mut executor: Box<dyn Executor>| {
        executor.write(x, &Data::Complex(complexes(4, BATCH * MODES))).expect("inputs");
        executor.write(label, &Data::Index((0..BATCH as u32).collect())).expect("labels");
        executor.run("step", BATCH).expect("a step");
        let all = grads.iter().map(|&g| executor.read(g).expect("a gradient").reals().to_vec());
        all.collect::<Vec<Vec<f64>>>()
    };
    let exact = of(cpu::compile(program.clone(), Precision::F32, Some(2)).expect("threads"));
    let found = of(gpu::compile(program, Wanted::Any, true).expect("a GPU"));
    for (a, b) in found.iter().zip(&exact).take(2) {
        let size = b.iter().map(|x| x * x).sum::<f64>().sqrt();
        let apart = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
        println!("1024 modes on {name}: gradients apart by {:.1e}", apart / size);
        assert!(size > 0.0 && apart < 1e-3 * size, "{:e}", apart / size);
    }
}

fn meshes() -> Vec<Mesh> {
    let all = [
        (5, Topology::Clements, false),
        (4, Topology::Reck, true),
        (6, Topology::Diamond, false),
        (8, Topology::Butterfly, true),
        (2, Topology::Clements, false),
    ];
    let mesh = |(n, t, symmetric)| Mesh::new(n, t).expect("a size").with_symmetric(symmetric);
    all.map(mesh).into()
}

/// Some hundred roundings of phases of a few turns: 1e-12 in f64, and as many more in f32 as its eps
/// is larger.
#[test]
fn a_program_is_the_chip() {
    let gpu = common::gpu("chips", 2 * meshes().len());
    let none = Imperfections::default();
    let quantised = Imperfections { phase_bits: Some(5), ..everything() };
    let volts = Imperfections { voltage_bits: Some(6), ..everything() };
    let across = Imperfections { crosstalk: 0.05, drift_std: 0.1, ..none };
    for mesh in meshes() {
        for spec in [&everything(), &quantised, &volts, &across] {
            for batch in [mesh.n, 12 * mesh.n] {
                let chip = Chip::new(mesh.clone(), spec.clone(), batch);
                let on = |executor: lightloom::Result<_>| {
                    chip.error(executor.expect("a backend"), batch)
                };
                let program = Arc::new(chip.program.clone());
                let exact = on(cpu::compile(program.clone(), Precision::F64, Some(1)));
                let single = on(cpu::compile(program.clone(), Precision::F32, Some(2)));
                let name = format!("{:?} {} x {batch}", mesh.topology, mesh.n);
                println!("chip: {name}: f64 {exact:.1e}, f32 {single:.1e}");
                assert!(exact < 1e-12, "{name}: {exact:e}");
                assert!(single < 4e-6, "{name}: {single:e}");
                if gpu.is_some() {
                    let single = on(gpu::compile(program, Wanted::Any, true));
                    assert!(single < 4e-6, "{name} on the GPU: {single:e}");
                }
            }
        }
    }
}

/// Neighbours' heat matters, and what is not driven does not heat.
#[test]
fn crosstalk_is_seen() {
    let mesh = meshes().remove(0);
    let mut chip = Chip::new(mesh, everything(), 5);
    chip.device.hardware.mesh.crosstalk = 0.0;
    let program = Arc::new(chip.program.clone());
    let executor = cpu::compile(program, Precision::F64, Some(1)).expect("threads");
    assert!(chip.error(executor, 5) > 1e-2, "the comparison can fail");
}

/// The walk of k steps of s seconds has the variance k s σ²; 1056 phases leave 3 / √2112 = 6.5 % of a
/// standard deviation.
#[test]
fn drift_has_its_size() {
    let mesh = Mesh::new(32, Topology::Clements).expect("a size");
    let chip = Chip::new(mesh, everything(), 1);
    let program = Arc::new(chip.program.clone());
    let mut executor = cpu::compile(program, Precision::F64, Some(1)).expect("threads");
    for steps in 1..=4 {
        executor.run("step", 1).expect("a step");
        let walked = |&w: &SlotId| executor.read(w).expect("a walk").reals().to_vec();
        let walks: Vec<f64> = chip.walks.iter().flat_map(walked).collect();
        let mean = walks.iter().map(|w| w * w).sum::<f64>() / walks.len() as f64;
        let expected = 0.1 * f64::from(2 * steps).sqrt();
        assert!((mean.sqrt() / expected - 1.0).abs() < 0.065, "{steps}: {}", mean.sqrt());
    }
}
