//! Gradients that a chip measures itself, three passes of light and the powers beside its shifters
//! (Hughes 2018, Optica 5, 864), through whole networks: against the program's adjoint, against finite
//! differences, and against each other in optics and in programs, on both backends.

mod common;

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::sync::Arc;

use lightloom::backend::gpu::{Wanted, compile};
use lightloom::backend::{Executor, Precision, cpu};
use lightloom::lower::in_situ::Shots;
use lightloom::lower::{in_situ, mesh};
use lightloom::ops::Op;
use lightloom::ops::activate::{Activate, ActivateAdjoint, Activation};
use lightloom::ops::case::complexes;
use lightloom::ops::intensity::{Intensity, IntensityAdjoint};
use lightloom::ops::leaf_sum::LeafSum;
use lightloom::ops::mean_squared::{MeanSquared, MeanSquaredAdjoint};
use lightloom::optics::element::MeshInit;
use lightloom::optics::mesh::effective::effective;
use lightloom::optics::mesh::in_situ::{echo, three_measurements};
use lightloom::optics::mesh::{C, Faults, Mesh, Settings, Topology};
use lightloom::program::adjoint::adjoint;
use lightloom::program::{Builder, Data, Program, Shape, SlotId};

/// Guides, and vectors at a time: more than one leaf.
const N: usize = 6;
const BATCH: usize = 19;
const LAYERS: usize = 3;

const ACTIVATIONS: [Activation; 4] = [
    Activation::ElectroOptic { tap: 0.1, gain: 0.9, bias: PI / 3.0 },
    Activation::Saturable { absorption: 2.0, saturation: 0.5 },
    Activation::Kerr { gamma: 0.7 },
    Activation::Softplus { threshold: 0.5 },
];

/// h(P) of y = h(|x|²) x as the papers write it, and dh/dP by differences of it.
fn transmission(kind: Activation, power: f64) -> [C; 2] {
    let h = |p: f64| match kind {
        Activation::ElectroOptic { tap, gain, bias } => {
            let half = 0.5 * (gain * p + bias);
            C::I * (1.0 - tap).sqrt() * C::cis(-half) * half.cos()
        }
        Activation::Saturable { absorption, saturation } => {
            C::from((-0.5 * absorption / (1.0 + p / saturation)).exp())
        }
        Activation::Kerr { gamma } => C::cis(gamma * p),
        Activation::Softplus { threshold } => {
            let m = p.sqrt();
            let soft = (1.0 + (2.0 * (m - threshold)).exp()).ln();
            C::from(0.5 * (soft - (1.0 + (-2.0 * threshold).exp()).ln()) / m)
        }
    };
    let step = 1e-4 * power;
    // Fourth order: the error is below 1e-10 of a derivative of size 1.
    let slope = (8.0 * (h(power + step) - h(power - step)) - h(power + 2.0 * step)
        + h(power - 2.0 * step))
        / (12.0 * step);
    [h(power), slope]
}

/// Meshes with an activation between, powers behind the last, one of which should be 1, the others 0.
struct Network {
    meshes: Vec<Mesh>,
    settings: Vec<Settings>,
    kind: Activation,
    inputs: Vec<C>,
    targets: Vec<u32>,
}

impl Network {
    fn new(kind: Activation) -> Self {
        let shapes =
            [(Topology::Clements, false), (Topology::Reck, true), (Topology::Clements, false)];
        let meshes: Vec<Mesh> = shapes
            .map(|(t, symmetric)| Mesh::new(N, t).expect("a size").with_symmetric(symmetric))
            .into();
        let start = |(k, m)| mesh::start(m, MeshInit::Haar, 7 + k as u64).expect("phases");
        let settings = meshes.iter().enumerate().map(start).collect();
        let targets = (0..BATCH).map(|s| (s % N) as u32).collect();
        Self { meshes, settings, kind, inputs: complexes(3, BATCH * N), targets }
    }

    /// The program of this network with the gradients of all phases by the adjoint and by light.
    fn program(&self) -> Built {
        let mut b = Builder::default();
        let x = b.input("x", Shape::complex(&[1, N]));
        let target = b.input("target", Shape::index(&[1]));
        let phases: Vec<mesh::Phases> = (0..LAYERS)
            .map(|k| mesh::phases(&mut b, &format!("mesh{k}"), &self.settings[k], true))
            .collect();
        let seed = b.constant("seed", Shape::real(&[1]), || Data::Real(vec![1.0 / BATCH as f64]));
        let emit =
            |b: &mut Builder, op: Op, inputs: &[SlotId]| b.emit(op, inputs).expect("operands");
        let forward = |b: &mut Builder| {
            let (mut light, mut passed) = (x, Vec::new());
            for (k, &phases) in phases.iter().enumerate() {
                let name = format!("mesh{k}");
                let mesh = mesh::emit(b, &name, &self.meshes[k], phases, light, None);
                passed.push(mesh.expect("a mesh"));
                light = passed[k].leaving;
                if k + 1 < LAYERS {
                    light = emit(b, Op::Activate(Activate { kind: self.kind }), &[light]);
                }
            }
            let power = emit(b, Op::Intensity(Intensity), &[light]);
            let loss = emit(b, Op::MeanSquared(MeanSquared), &[power, target]);
            (passed, power, loss)
        };
        b.routine("adjoint", BATCH);
        let (.., loss) = forward(&mut b);
        b.output(loss, "loss");
        let exact = adjoint(&mut b, loss, seed).expect("adjoints");
        for &g in exact.values() {
            b.output(g, "exact");
        }
        b.routine("light", BATCH);
        let (passed, power, _) = forward(&mut b);
        let op = Op::MeanSquaredAdjoint(MeanSquaredAdjoint);
        let g = emit(&mut b, op, &[power, target, seed]);
        let mut g =
            emit(&mut b, Op::IntensityAdjoint(IntensityAdjoint), &[passed[LAYERS - 1].leaving, g]);
        let mut leaves = BTreeMap::new();
        for k in (0..LAYERS).rev() {
            if k + 1 < LAYERS {
                let op = Op::ActivateAdjoint(ActivateAdjoint { kind: self.kind });
                g = emit(&mut b, op, &[passed[k].leaving, g]);
            }
            let measured = in_situ::measure(&mut b, &passed[k], Shots::Three, g);
            let measured = measured.expect("a measurement");
            leaves.extend(phases[k].slots().zip(measured.leaves));
            g = measured.back;
        }
        b.section("reduce");
        let mut by_light = BTreeMap::new();
        for (slot, leaf) in leaves {
            let sum = emit(&mut b, Op::LeafSum(LeafSum), &[leaf]);
            b.output(sum, "by light");
            by_light.insert(slot, sum);
        }
        assert_eq!(exact.len(), 3 * LAYERS);
        assert!(exact.keys().eq(by_light.keys()));
        let both = exact.into_iter().map(|(slot, g)| (slot, [g, by_light[&slot]])).collect();
        Built { program: b.finish(), inputs: [x, target], loss, grads: both }
    }

    /// Mean loss, and g of each mesh's input and outputs by the chain rule written out, with the
    /// gradients that `measure` gives for a mesh, its input and g.
    fn by_hand(
        &self,
        mut measure: impl FnMut(usize, &[C], &[C]) -> (Settings, Vec<C>),
    ) -> Vec<Settings> {
        let mut sums: Vec<Settings> = self.meshes.iter().map(Mesh::zero_settings).collect();
        for s in 0..BATCH {
            let mut light = self.inputs[s * N..][..N].to_vec();
            let (mut entering, mut before) = (Vec::new(), Vec::new());
            for k in 0..LAYERS {
                entering.push(light.clone());
                let faults = Faults::none(&self.meshes[k]);
                let chip = effective(&self.meshes[k], &self.settings[k], &faults).expect("fits");
                light = product(&chip.matrix(), &light);
                before.push(light.clone());
                if k + 1 < LAYERS {
                    for x in &mut light {
                        *x *= transmission(self.kind, x.norm_sqr())[0];
                    }
                }
            }
            // L = Σ (P_j - t_j)², its mean over the batch; g = dL/dP · 2 E.
            let wanted = |j: usize| f64::from(u8::from(j == self.targets[s] as usize));
            let mut g: Vec<C> = (0..N)
                .map(|j| {
                    let off = light[j].norm_sqr() - wanted(j);
                    light[j] * (4.0 * off / BATCH as f64)
                })
                .collect();
            for k in (0..LAYERS).rev() {
                if k + 1 < LAYERS {
                    for (g, x) in g.iter_mut().zip(&before[k]) {
                        let [h, slope] = transmission(self.kind, x.norm_sqr());
                        *g = h.conj() * *g + 2.0 * ((x * slope).conj() * *g).re * x;
                    }
                }
                let (gradient, back) = measure(k, &entering[k], &g);
                let sums = &mut sums[k];
                for (sum, part) in [
                    (&mut sums.theta, &gradient.theta),
                    (&mut sums.phi, &gradient.phi),
                    (&mut sums.gamma, &gradient.gamma),
                ] {
                    sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
                }
                g = back;
            }
        }
        sums
    }
}

fn product(matrix: &[C], x: &[C]) -> Vec<C> {
    matrix.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(m, x)| m * x).sum()).collect()
}

struct Built {
    program: Program,
    inputs: [SlotId; 2],
    loss: SlotId,
    /// Of each phase slot, by the adjoint and by light.
    grads: BTreeMap<SlotId, [SlotId; 2]>,
}

/// The network's program compiled, its inputs written.
struct Running {
    executor: Box<dyn Executor>,
    built: Built,
}

impl Running {
    fn new(
        net: &Network,
        on: impl FnOnce(Arc<Program>) -> lightloom::Result<Box<dyn Executor>>,
    ) -> Self {
        let built = net.program();
        let mut executor = on(Arc::new(built.program.clone())).expect("a backend");
        executor.write(built.inputs[0], &Data::Complex(net.inputs.clone())).expect("inputs");
        executor.write(built.inputs[1], &Data::Index(net.targets.clone())).expect("targets");
        Self { executor, built }
    }

    /// All gradients in the order of their slots, by the adjoint and by light.
    fn gradients(&mut self) -> [Vec<f64>; 2] {
        self.executor.run("adjoint", BATCH).expect("a run");
        self.executor.run("light", BATCH).expect("a run");
        [0, 1].map(|which| {
            let grads = self.built.grads.values();
            grads
                .flat_map(|g| self.executor.read(g[which]).expect("a gradient").reals().to_vec())
                .collect()
        })
    }

    fn loss(&mut self) -> f64 {
        self.executor.run("adjoint", BATCH).expect("a run");
        let losses = self.executor.read(self.built.loss).expect("losses");
        losses.reals().iter().sum::<f64>() / BATCH as f64
    }
}

fn f64_on_cpu(net: &Network) -> Running {
    Running::new(net, |p| cpu::compile(p, Precision::F64, Some(1)))
}

fn largest(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// Largest difference over the largest value: a factor shows as much as a direction.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max) / largest(b)
}

/// Settings of each mesh in the order of the program's slots.
fn list(all: &[Settings]) -> Vec<f64> {
    all.iter().flat_map(|s| [&s.theta[..], &s.phi, &s.gamma].concat()).collect()
}

/// PEERS.md M10, with magnitudes: every phase of a network through every activation. By light in the
/// program and in optics against the adjoint: powers of size 1 beside gradients of size 1e-2, rounded
/// at 1e-16 some hundred times; against central differences of the whole loss.
#[test]
fn powers_alone_give_the_gradient_through_every_activation() {
    for kind in ACTIVATIONS {
        let net = Network::new(kind);
        let mut running = f64_on_cpu(&net);
        let [exact, by_light] = running.gradients();
        assert_eq!(exact.len(), LAYERS * (2 * N * (N - 1) / 2 + N));
        assert!(largest(&exact) > 1e-3, "{kind:?}: {}", largest(&exact));
        let error = apart(&by_light, &exact);
        println!("in situ: {kind:?}: program {error:.1e} of {:.1e}", largest(&exact));
        assert!(error < 1e-11, "{kind:?}: {error:e}");
        let doubled: Vec<f64> = by_light.iter().map(|g| 2.0 * g).collect();
        assert!(apart(&doubled, &exact) > 0.5, "the comparison can fail");

        // Optics alone; the slopes of its activations err by 1e-10.
        let three = net.by_hand(|k, x, g| {
            let (mesh, settings) = (&net.meshes[k], &net.settings[k]);
            let all = three_measurements(mesh, settings, &Faults::none(mesh), x, g).expect("fits");
            (all.gradient, all.back)
        });
        assert!(
            apart(&list(&three), &exact) < 1e-8,
            "{kind:?}: {:e}",
            apart(&list(&three), &exact)
        );
        for epsilon in [1e-2, 1.0, 30.0] {
            let echoed = net.by_hand(|k, x, g| {
                let (mesh, settings) = (&net.meshes[k], &net.settings[k]);
                let faults = Faults::none(mesh);
                let back = three_measurements(mesh, settings, &faults, x, g).expect("fits").back;
                (echo(mesh, settings, &faults, (x, g), epsilon).expect("fits"), back)
            });
            assert!(apart(&list(&echoed), &exact) < 1e-8, "{kind:?} {epsilon}");
        }

        // Differences: h² / 6 of a third derivative, and 1e-16 / h of a loss of size 1.
        let h = 1e-5;
        let slots: Vec<SlotId> = running.built.grads.keys().copied().collect();
        let mut found = Vec::new();
        for slot in slots {
            let start = running.executor.read(slot).expect("phases").reals().to_vec();
            for k in 0..start.len() {
                let mut at = |by: f64| {
                    let mut moved = start.clone();
                    moved[k] += by;
                    running.executor.write(slot, &Data::Real(moved)).expect("phases");
                    running.loss()
                };
                found.push((at(h) - at(-h)) / (2.0 * h));
            }
            running.executor.write(slot, &Data::Real(start)).expect("phases");
        }
        let error = apart(&found, &exact);
        println!("in situ: {kind:?}: differences {error:.1e}");
        assert!(error < 1e-6, "{kind:?}: {error:e}");
    }
}

/// In f32 the powers of size 1 are known to some 1e-7 each, summed over the batch; gradients of the
/// mean loss are this batch's part of them.
fn follows_f64(what: &str, on: impl Fn(Arc<Program>) -> lightloom::Result<Box<dyn Executor>>) {
    for kind in ACTIVATIONS {
        let net = Network::new(kind);
        let [exact, _] = f64_on_cpu(&net).gradients();
        let [by_adjoint, by_light] = Running::new(&net, &on).gradients();
        let power = net.inputs.iter().map(C::norm_sqr).sum::<f64>();
        let tolerance = f64::from(f32::EPSILON) * power / largest(&exact);
        let [adjoint, light] = [apart(&by_adjoint, &exact), apart(&by_light, &exact)];
        println!(
            "in situ: {what}: {kind:?}: adjoint {adjoint:.1e}, light {light:.1e} of {tolerance:.1e}"
        );
        assert!(adjoint < 1e-4, "{what} {kind:?}: {adjoint:e}");
        assert!(
            light < tolerance && tolerance < 0.5,
            "{what} {kind:?}: {light:e} of {tolerance:e}"
        );
    }
}

#[test]
fn measured_gradients_in_f32_on_the_cpu() {
    follows_f64("CPU f32", |p| cpu::compile(p, Precision::F32, Some(2)));
}

#[test]
fn measured_gradients_in_f32_on_the_gpu() {
    let Some(name) = common::gpu("gradients by light", ACTIVATIONS.len()) else { return };
    follows_f64(&name, |p| compile(p, Wanted::Any, true));
}
