//! Gradients: dot products of ops and their adjoints, finite differences of a whole training
//! step, the check that these can fail, and thirty steps on every backend.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use lightloom::backend::cpu;
use lightloom::backend::{Backend, Choice, Executor, Precision};
use lightloom::data;
use lightloom::experiment::{Experiment, load};
use lightloom::lower::{Machine, detect, loss};
use lightloom::math::sparse::Sparse;
use lightloom::methods::{self, Bench, names};
use lightloom::ops::Op;
use lightloom::ops::attenuate::Attenuate;
use lightloom::ops::case::{complexes, reals};
use lightloom::ops::columns::Columns;
use lightloom::ops::leaf_sum::LeafSum;
use lightloom::ops::modulate::Modulate;
use lightloom::ops::remodulate::{Remodulate, RemodulateAdjoint};
use lightloom::ops::rows_in::RowsIn;
use lightloom::ops::rows_out::RowsOut;
use lightloom::ops::sample_sum::SampleSum;
use lightloom::ops::sparse_sum::SparseSum;
use lightloom::program::adjoint::adjoint;
use lightloom::program::{Builder, Data, Layout, Shape, SlotId};
use lightloom::train::Session;
use lightloom::train::batch::{Feeder, Order};
use num_complex::Complex;

/// Samples of a batch in the dot-product tests, each a leaf.
const BATCH: usize = 3;

/// <a, b>, the conjugate on a.
fn dot(a: &Data, b: &Data) -> Complex<f64> {
    match (a, b) {
        (Data::Real(a), Data::Real(b)) => a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().into(),
        (Data::Complex(a), Data::Complex(b)) => a.iter().zip(b).map(|(a, b)| a.conj() * b).sum(),
        _ => panic!("kinds differ"),
    }
}

fn norm(a: &Data) -> f64 {
    dot(a, a).re.sqrt()
}

/// Input slots and what they hold.
type Filled = (SlotId, Data);

/// |<A x, y> - <x, A^H y>| / (|A x| |y|) over a batch, of what `forward` and `back` emit.
fn mismatch(
    precision: Precision,
    x: Shape,
    y: Shape,
    forward: &dyn Fn(&mut Builder, SlotId) -> SlotId,
    back: &dyn Fn(&mut Builder, SlotId) -> SlotId,
) -> f64 {
    let mut b = Builder::default();
    b.routine("test", BATCH);
    let mut fill = |name: &str, shape: Shape, salt: u32| -> Filled {
        let n = BATCH * shape.len();
        let data = match shape.kind {
            lightloom::program::Kind::Complex => Data::Complex(complexes(salt, n)),
            _ => Data::Real(reals(salt, n)),
        };
        (b.input(name, shape), data)
    };
    let (x, y) = (fill("x", x, 100), fill("y", y, 200));
    let ax = forward(&mut b, x.0);
    let ahy = back(&mut b, y.0);
    b.output(ax, "Ax");
    b.output(ahy, "AHy");
    let mut cpu = cpu::compile(Arc::new(b.finish()), precision, Some(1)).expect("a thread");
    for (slot, data) in [&x, &y] {
        cpu.write(*slot, data).expect("write");
    }
    cpu.run("test", BATCH).expect("run");
    let (ax, ahy) = (cpu.read(ax).expect("Ax"), cpu.read(ahy).expect("AHy"));
    assert!(norm(&ax) > 0.0 && norm(&ahy) > 0.0);
    (dot(&ax, &y.1) - dot(&x.1, &ahy)).norm() / (norm(&ax) * norm(&y.1))
}

/// 1e-12 in f64 and 1e-5 in f32: sums of some thousand terms after some tens of roundings, over
/// norms that do not cancel (PEERS C2.44).
#[track_caller]
fn adjoints(
    what: &str,
    x: &Shape,
    y: &Shape,
    forward: &dyn Fn(&mut Builder, SlotId) -> SlotId,
    back: &dyn Fn(&mut Builder, SlotId) -> SlotId,
) {
    let exact = mismatch(Precision::F64, x.clone(), y.clone(), forward, back);
    let single = mismatch(Precision::F32, x.clone(), y.clone(), forward, back);
    println!("adjoint: {what}: f64 {exact:.2e}, f32 {single:.2e}");
    assert!(exact <= 1e-12, "{what}: {exact:e} in f64");
    assert!(single <= 1e-5, "{what}: {single:e} in f32");
}

fn emit(b: &mut Builder, op: Op, inputs: &[SlotId]) -> SlotId {
    b.emit(op, inputs).expect("the op takes its operands")
}

/// One step of free space, whose adjoint is the same chain with conj(H).
#[test]
fn free_space_has_its_adjoint() {
    let windows =
        [([9, 12], [18, 24]), ([5, 7], [12, 14]), ([33, 20], [70, 40]), ([16, 16], [16, 16])];
    for (field, padded) in windows {
        let chain = move |conj: bool| {
            move |b: &mut Builder, x: SlotId| {
                let n = padded[0] * padded[1];
                let h = Shape::complex(&padded).layout(Layout::Spectrum);
                let h = b.constant("h", h, || Data::Complex(complexes(300, n)));
                let rows = emit(b, Op::RowsIn(RowsIn { field, padded }), &[x]);
                let columns = emit(b, Op::Columns(Columns { field, padded, conj }), &[rows, h]);
                emit(b, Op::RowsOut(RowsOut { field, padded }), &[columns])
            }
        };
        let plane = Shape::complex(&field);
        let what = format!("free space {field:?} in {padded:?}");
        adjoints(&what, &plane, &plane, &chain(false), &chain(true));
    }
}

#[test]
fn masks_have_their_adjoints() {
    for dims in [[9usize, 12], [5, 7], [1, 1]] {
        let (plane, n) = (Shape::complex(&dims), dims[0] * dims[1]);
        let modulate = move |conj: bool| {
            move |b: &mut Builder, x: SlotId| {
                let shape = Shape::complex(&dims);
                let t = b.constant("t", shape, || Data::Complex(complexes(301, n)));
                emit(b, Op::Modulate(Modulate { conj, phase: None }), &[x, t])
            }
        };
        let what = format!("modulate {dims:?}");
        adjoints(&what, &plane, &plane, &modulate(false), &modulate(true));
        let attenuate = move |b: &mut Builder, x: SlotId| {
            let a = b.constant("a", Shape::real(&dims), || Data::Real(reals(302, n)));
            emit(b, Op::Attenuate(Attenuate), &[x, a])
        };
        adjoints(&format!("attenuate {dims:?}"), &plane, &plane, &attenuate, &attenuate);
    }
}

/// A camera that reads below its dark level lets no negative amplitude pass: what is shown has the
/// power that was asked for, and the adjoint is its slope, 0 where it is clamped: a step of 1e-6 either
/// way leaves 1e-12 of a third derivative and 1e-10 of rounding, 1e-8 with room to spare.
#[test]
fn a_reading_below_zero_is_dark() {
    let (n, power, h) = (24, 3.0, 1e-6);
    let mut b = Builder::default();
    b.routine("test", 1);
    let (x, g) = (b.input("x", Shape::real(&[n])), b.input("g", Shape::complex(&[n])));
    let field = emit(&mut b, Op::Remodulate(Remodulate { power }), &[x]);
    let back = emit(&mut b, Op::RemodulateAdjoint(RemodulateAdjoint { power }), &[x, g]);
    b.output(field, "field");
    b.output(back, "back");
    let mut cpu = cpu::compile(Arc::new(b.finish()), Precision::F64, Some(1)).expect("a thread");
    let (read, sent) = (reals(41, n), complexes(42, n));
    cpu.write(g, &Data::Complex(sent.clone())).expect("write");
    let mut of = |read: &[f64]| {
        cpu.write(x, &Data::Real(read.to_vec())).expect("write");
        cpu.run("test", 1).expect("run");
        let field = cpu.read(field).expect("field").complexes().to_vec();
        (field, cpu.read(back).expect("back").reals().to_vec())
    };
    let (field, back) = of(&read);
    let shown: f64 = field.iter().map(Complex::norm_sqr).sum();
    assert!((shown / power - 1.0).abs() < 1e-14, "{shown}");
    let mut slope = |i: usize| {
        let [above, below] = [h, -h].map(|h| {
            let mut read = read.clone();
            read[i] += h;
            let (field, _) = of(&read);
            field.iter().zip(&sent).map(|(e, g)| (e * g.conj()).re).sum::<f64>()
        });
        (above - below) / (2.0 * h)
    };
    assert!(read.iter().any(|&i| i < 0.0) && read.iter().any(|&i| i > 0.0));
    for (i, &seen) in read.iter().enumerate() {
        assert!(field[i].im == 0.0 && (field[i].re > 0.0) == (seen > 0.0), "{seen}: {}", field[i]);
        assert!((slope(i) - back[i]).abs() < 1e-8, "{seen}: {} and {}", slope(i), back[i]);
        assert!(seen > 0.0 || back[i] == 0.0);
    }
}

#[test]
fn sparse_sums_have_their_adjoints() {
    for (rows, columns) in [(7, 35), (40, 12), (1, 9)] {
        let table: Vec<Vec<(usize, f64)>> = (0..rows)
            .map(|r| {
                (0..5).map(|k| ((3 * r + 2 * k) % columns, reals(303, 999)[5 * r + k])).collect()
            })
            .collect();
        let table = Sparse::from_rows(columns, &table);
        let sum = |table: Sparse, name: &'static str| {
            move |b: &mut Builder, x: SlotId| {
                SparseSum::new(name, table.clone(), &[table.rows()]).emit(b, x).expect("a sum")
            }
        };
        let (forward, back) = (sum(table.clone(), "there"), sum(table.transposed(), "back"));
        let (x, y) = (Shape::real(&[columns]), Shape::real(&[rows]));
        adjoints(&format!("sparse_sum {rows} x {columns}"), &x, &y, &forward, &back);
    }
}

/// An experiment without data: images are made up, of 5 x 4 pixels and 3 classes.
struct Task {
    name: String,
    text: String,
}

const IMAGE: [usize; 2] = [5, 4];
const CLASSES: usize = 3;
const SAMPLES: usize = 20;

impl Task {
    fn experiment(&self) -> Experiment {
        let loaded = load::from_text(&self.name, &self.text, Path::new("."), &[]);
        loaded.unwrap_or_else(|e| panic!("{e:?}\n{}", self.text)).experiment
    }
}

/// Optics with every kind of parameter, over both losses, both read-outs and all encodings.
fn tasks() -> Vec<Task> {
    let mut all = Vec::new();
    for kind in ["cross_entropy", "mean_squared"] {
        for differential in [false, true] {
            for encoding in ["amplitude", "phase", "both"] {
                for (weight, boundary) in [(0.0, "open"), (0.3, "periodic")] {
                    let name = format!("{kind} differential={differential} {encoding} {boundary}");
                    let grid = if differential { "[2, 3]" } else { "[1, 3]" };
                    let text = format!(
                        r#"
seed = 3
[data]
name = "mnist"
[optic]
wavelength = "532 nm"
pitch = ["2 um", "2.5 um"]
samples = [16, 12]
boundary = "{boundary}"
input = {{ encoding = "{encoding}", aperture = 0.7, resample = "bilinear" }}
element = [
  {{ kind = "free_space", z = "30 um", trainable = ["z", "pitch", "offset"] }},
  {{ kind = "phase_mask", init = "random" }},
  {{ kind = "free_space", z = "41 um" }},
  {{ kind = "amplitude_mask", trainable = true }},
  {{ kind = "free_space", z = "35 um", offset = ["1.3 um", "-0.7 um"], trainable = ["z", "pitch", "offset"] }},
  {{ kind = "phase_mask", init = "random" }},
  {{ kind = "lens", f = "300 um" }},
  {{ kind = "free_space", z = "50 um", trainable = ["z"] }},
]
detector = {{ size = "6 um", differential = {differential}, grid = {grid}, spread = 0.8 }}
[train]
epochs = 1
batch = {SAMPLES}
loss = {{ kind = "{kind}", temperature = 0.1, efficiency_weight = {weight:?} }}
"#
                    );
                    all.push(Task { name, text });
                }
            }
        }
    }
    all
}

/// A training step that ends at its gradients, in f64.
struct Step {
    cpu: Box<dyn Executor>,
    loss: SlotId,
    /// Each parameter with its gradient and where it stands.
    params: Vec<(String, SlotId, SlotId, Vec<f64>)>,
}

impl Step {
    fn new(task: &Task) -> Self {
        let experiment = task.experiment();
        let recipe = experiment.train.as_ref().expect("a recipe");
        let mut b = Builder::default();
        let machine =
            Machine::new(&mut b, &experiment.optic, Some(IMAGE), CLASSES, 3).expect("machine");
        // As methods::backprop builds it, without the update.
        b.routine("step", SAMPLES);
        let light = machine.light(&mut b).expect("light");
        let reading = detect::read(&mut b, &machine, &light).expect("reading");
        let loss = loss::emit(&mut b, &machine, &reading, &recipe.loss).expect("loss");
        let weight = (SAMPLES as f64).recip();
        let mean = b.leaf("loss.leaf".into(), Shape::real(&[1]));
        let sum = Op::SampleSum(SampleSum { weight });
        b.emit_into(sum, &[loss], &[mean]).expect("mean");
        let seed = b.constant("loss.seed", Shape::real(&[1]), || Data::Real(vec![weight]));
        let grads: BTreeMap<SlotId, SlotId> = adjoint(&mut b, loss, seed).expect("adjoint");
        b.section("read");
        let loss = emit(&mut b, Op::LeafSum(LeafSum), &[mean]);
        b.output(loss, "loss");
        let mut slots = Vec::new();
        for trained in &machine.trainable {
            let name = b.slot(trained.slot).name.clone();
            let Some(&grad) = grads.get(&trained.slot) else { panic!("{name} has no gradient") };
            b.output(grad, &format!("grad.{name}"));
            slots.push((name, trained.slot, grad));
        }
        let program = Arc::new(b.finish());
        let mut cpu = cpu::compile(program, Precision::F64, Some(1)).expect("a thread");
        let pixels = SAMPLES * IMAGE[0] * IMAGE[1];
        let images = reals(50, pixels).iter().map(|v| 0.5 + 0.5 * v).collect();
        cpu.write(machine.image.expect("image"), &Data::Real(images)).expect("write");
        let labels = (0..SAMPLES).map(|i| (i % CLASSES) as u32).collect();
        cpu.write(machine.label.expect("label"), &Data::Index(labels)).expect("write");
        let mut params = Vec::new();
        for (k, (name, param, grad)) in slots.into_iter().enumerate() {
            // Away from where everything starts: moved geometry, amplitudes inside 0..1.
            let start = cpu.read(param).expect("param").reals().to_vec();
            let noise = reals(60 + k as u32, start.len());
            let amount = |i: usize| {
                if name.ends_with("amplitude") {
                    -0.4 * (0.5 + 0.5 * noise[i])
                } else if name.ends_with("geometry") {
                    // In wavelengths, shares and pitches.
                    [0.7, 0.01, 0.3, 0.3][i] * noise[i]
                } else {
                    0.0
                }
            };
            let at: Vec<f64> = start.iter().enumerate().map(|(i, s)| s + amount(i)).collect();
            params.push((name, param, grad, at));
        }
        let mut step = Self { cpu, loss, params };
        for k in 0..step.params.len() {
            step.place(k, &[], 0.0);
        }
        step
    }

    /// Puts parameter `k` at its place plus `t` times a direction.
    fn place(&mut self, k: usize, direction: &[f64], t: f64) {
        let (_, slot, _, at) = &self.params[k];
        let moved = |(i, x): (usize, &f64)| x + direction.get(i).map_or(0.0, |d| t * d);
        let values = at.iter().enumerate().map(moved).collect();
        self.cpu.write(*slot, &Data::Real(values)).expect("write");
    }

    fn loss(&mut self) -> f64 {
        self.cpu.run("step", SAMPLES).expect("run");
        self.cpu.read(self.loss).expect("loss").reals()[0]
    }

    /// Gradient of every parameter where all stand.
    fn gradients(&mut self) -> Vec<Vec<f64>> {
        self.loss();
        let slots: Vec<SlotId> = self.params.iter().map(|p| p.2).collect();
        slots.iter().map(|&g| self.cpu.read(g).expect("gradient").reals().to_vec()).collect()
    }

    /// dL/dt at 0 with the parameters in `moves` going along their directions: five points, whose
    /// truncation is h^4 L^(5) / 30 and whose rounding 1e-16 L / h.
    fn slope(&mut self, moves: &[(usize, Vec<f64>)], h: f64) -> f64 {
        let mut at = |t: f64| {
            for (k, direction) in moves {
                self.place(*k, direction, t);
            }
            self.loss()
        };
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        at(0.0);
        slope
    }
}

/// A gradient and a finite difference agree to this, relative, in f64 (PEERS C2.45).
const FINITE: f64 = 1e-6;

/// Slope along the gradient g itself over |g|^2, less 1: the magnitude is compared, not the
/// direction alone. The step moves the parameters by 1e-3 in all.
fn relative_error(step: &mut Step, moves: &[(usize, Vec<f64>)]) -> f64 {
    let square: f64 = moves.iter().flat_map(|(_, g)| g).map(|g| g * g).sum();
    assert!(square > 0.0, "a gradient is zero");
    let h = 1e-3 / square.sqrt();
    (step.slope(moves, h) / square - 1.0).abs()
}

#[test]
fn a_training_step_has_its_gradient() {
    let mut worst = 0.0f64;
    for task in tasks() {
        let mut step = Step::new(&task);
        let grads = step.gradients();
        assert_eq!(grads.len(), 6, "three steps, two phase masks and an amplitude mask");
        // Every parameter alone, so that one without its gradient does not hide behind others.
        for (k, g) in grads.iter().enumerate() {
            let name = step.params[k].0.clone();
            let error = relative_error(&mut step, &[(k, g.clone())]);
            worst = worst.max(error);
            assert!(error <= FINITE, "{} {name}: off by {error:e}", task.name);
            // A direction that the gradient knows nothing of, relative to |g| |direction|. The four
            // numbers of a geometry act at different scales, and are taken one by one below.
            let other = reals(70 + k as u32, g.len());
            let along: f64 = g.iter().zip(&other).map(|(g, o)| g * o).sum();
            let size = g.iter().map(|g| g * g).sum::<f64>().sqrt();
            let length = other.iter().map(|o| o * o).sum::<f64>().sqrt();
            if size > 0.0 && !name.ends_with("geometry") {
                let slope = step.slope(&[(k, other)], 1e-3 / length);
                let error = (slope - along).abs() / (size * length);
                assert!(error <= FINITE, "{} {name}: aside off by {error:e}", task.name);
            }
        }
        // Each number of the geometry by itself: pitch and offset act at other scales than z.
        for (k, g) in grads.iter().enumerate().filter(|(_, g)| g.len() == 4) {
            for i in 0..4 {
                let mut one = vec![0.0; 4];
                one[i] = g[i];
                let name = step.params[k].0.clone();
                if g[i] == 0.0 {
                    // The last step trains z alone.
                    assert!(k == 5 && i > 0, "{} {name}[{i}] has no gradient", task.name);
                    continue;
                }
                let error = relative_error(&mut step, &[(k, one)]);
                worst = worst.max(error);
                assert!(error <= FINITE, "{} {name}[{i}]: off by {error:e}", task.name);
            }
        }
        let all: Vec<(usize, Vec<f64>)> = grads.into_iter().enumerate().collect();
        let error = relative_error(&mut step, &all);
        worst = worst.max(error);
        assert!(error <= FINITE, "{}: all off by {error:e}", task.name);
    }
    println!("gradient: largest relative error {worst:.2e} over {} tasks", tasks().len());
}

/// Chips: meshes of every topology, SVD layers and every nonlinearity, their light through the
/// columns and, where the batch is larger than the matrix is worth, through the matrix.
fn chips() -> Vec<Task> {
    let activations = [
        "function = \"electro_optic\", gain = 0.6, bias = 2.0",
        "function = \"saturable\", absorption = 2.0, saturation = 0.3",
        "function = \"kerr\", gamma = 0.8",
        "function = \"softplus\", threshold = 0.3",
    ];
    let meshes = [
        (4, "kind = \"mesh\", topology = \"butterfly\""),
        (9, "kind = \"mesh\", topology = \"reck\""),
        (3, "kind = \"mesh\", topology = \"clements\""),
        (9, "kind = \"svd\", symmetric = true"),
        (9, "kind = \"svd\", outputs = 4"),
        (4, "kind = \"svd\", outputs = 7"),
        (9, "kind = \"mesh\", topology = \"diamond\""),
        (16, "kind = \"mesh\", topology = \"diamond\", symmetric = true"),
    ];
    let one = |(activation, (modes, mesh)): (&str, (usize, &str))| {
        let front = if modes == 3 { "vector" } else { "fourier" };
        let text = format!(
            "seed = 2\n\
             data = {{ name = \"mnist\" }}\n\
             [optic]\n\
             wavelength = \"1.55 um\"\n\
             modes = {modes}\n\
             input = {{ front = \"{front}\", power = 3.0 }}\n\
             element = [\n\
             {{ {mesh} }},\n\
             {{ kind = \"activation\", {activation} }},\n\
             {{ kind = \"mesh\" }},\n\
             ]\n\
             detector = {{}}\n\
             [train]\n\
             epochs = 1\n\
             batch = {SAMPLES}\n\
             loss = {{ kind = \"cross_entropy\", temperature = 0.2 }}\n"
        );
        Task { name: format!("{modes} guides, {mesh}, {activation}"), text }
    };
    activations.into_iter().cycle().zip(meshes).map(one).collect()
}

#[test]
fn a_chip_has_its_gradient() {
    let mut worst = 0.0f64;
    let mut by_matrix = BTreeSet::new();
    for task in chips() {
        let mut step = Step::new(&task);
        let routine = &step.cpu.program().routines[0];
        let nodes = routine.sections.iter().flat_map(|s| &s.nodes);
        by_matrix.insert(nodes.map(|n| n.op.name()).any(|op| op == "apply"));
        let grads = step.gradients();
        for (k, g) in grads.iter().enumerate() {
            let name = step.params[k].0.clone();
            // The phases before detectors are seen by nobody.
            if g.iter().map(|g| g * g).sum::<f64>().sqrt() < 1e-14 {
                assert!(name.ends_with("gamma"), "{} {name} has no gradient", task.name);
                continue;
            }
            let error = relative_error(&mut step, &[(k, g.clone())]);
            worst = worst.max(error);
            assert!(error <= FINITE, "{} {name}: off by {error:e}", task.name);
            let other = reals(80 + k as u32, g.len());
            let along: f64 = g.iter().zip(&other).map(|(g, o)| g * o).sum();
            let size = g.iter().map(|g| g * g).sum::<f64>().sqrt();
            let length = other.iter().map(|o| o * o).sum::<f64>().sqrt();
            let slope = step.slope(&[(k, other)], 1e-3 / length);
            let error = (slope - along).abs() / (size * length);
            assert!(error <= FINITE, "{} {name}: aside off by {error:e}", task.name);
        }
    }
    assert_eq!(
        by_matrix.len(),
        2,
        "light goes through columns in some, through matrices in others"
    );
    println!("gradient: largest relative error {worst:.2e} over {} chips", chips().len());
}

/// Sabotage: a gradient of the right direction and 1e-4 too long or too short is refused, and so
/// is one with a group left out.
#[test]
fn a_wrong_gradient_is_refused() {
    let task = &tasks()[0];
    let mut step = Step::new(task);
    let grads = step.gradients();
    for scale in [1.0 + 1e-4, 1.0 - 1e-4] {
        for (k, g) in grads.iter().enumerate() {
            let wrong: Vec<f64> = g.iter().map(|g| scale * g).collect();
            let error = relative_error(&mut step, &[(k, wrong)]);
            assert!(error > 50.0 * FINITE, "{} took {scale} g: {error:e}", step.params[k].0);
        }
    }
    // All groups move and one is not counted: the slope is off by its share.
    let square = |g: &[f64]| g.iter().map(|g| g * g).sum::<f64>();
    let total: f64 = grads.iter().map(|g| square(g)).sum();
    let moves: Vec<(usize, Vec<f64>)> = grads.iter().cloned().enumerate().collect();
    let slope = step.slope(&moves, 1e-3 / total.sqrt());
    for (k, g) in grads.iter().enumerate() {
        let error = (slope / (total - square(g)) - 1.0).abs();
        assert!(error > FINITE, "{} was not missed: {error:e}", step.params[k].0);
    }
}

/// Thirty steps of SGD with momentum on MNIST.
const TRAINING: &str = r#"
seed = 5
[data]
name = "mnist"
[optic]
wavelength = "0.75 mm"
pitch = "0.4 mm"
samples = 32
input = { aperture = 0.7 }
element = [
  { kind = "free_space", z = "15 mm" }, { kind = "phase_mask", init = "random" },
  { kind = "free_space", z = "15 mm" }, { kind = "phase_mask" },
  { kind = "free_space", z = "15 mm" },
]
detector = { size = "1.6 mm", differential = true, grid = [4, 5], spread = 0.8 }
[train]
epochs = 1
batch = 16
optimizer = { kind = "sgd", lr = 0.3, momentum = 0.9 }
schedule = { kind = "constant" }
"#;

const STEPS: u64 = 30;

/// Losses of every step and the masks after the last.
fn trained(data: &Arc<data::Dataset>, choice: Choice) -> (Vec<f64>, Vec<Vec<f64>>) {
    let loaded = load::from_text("training.toml", TRAINING, Path::new("."), &[]);
    let experiment = loaded.expect("the experiment").experiment;
    let recipe = experiment.train.clone().expect("a recipe");
    let mut order = Order::new(experiment.seed, data.train.len(), recipe.batch);
    let mut feeder = Feeder::new(data.image[0] * data.image[1], recipe.batch);
    let mut method = methods::of(&recipe, &experiment.optic, experiment.seed).expect("a method");
    let mut session = Session::new(experiment, Arc::clone(data), choice).expect("a session");
    for step in 0..STEPS {
        let samples = order.at(step).iter().map(|&i| i as usize);
        let executor = &mut *session.executor;
        feeder.feed(executor, &session.machine, &data.train, samples).expect("a batch");
        method.step(&mut Bench { executor, count: recipe.batch }).expect("a step");
    }
    let ring = session.executor.program().find(names::LOSS_RING).expect("losses");
    let losses = session.executor.read(ring).expect("losses").reals()[..STEPS as usize].to_vec();
    let slots: Vec<SlotId> = session.machine.trainable.iter().map(|t| t.slot).collect();
    let read = |slot: SlotId| session.executor.read(slot).expect("a mask").reals().to_vec();
    (losses, slots.into_iter().map(read).collect())
}

/// Thirty steps in f32 on the CPU and on a GPU, fused and op by op, stay beside those in f64: losses to 1e-5 of
/// themselves, masks to 1e-4 rad rms. One step errs by some 1e-6; momentum sums ten of them, and
/// training is smooth enough over thirty not to multiply it.
#[test]
fn thirty_steps_are_the_same_everywhere() {
    let loaded = load::from_text("training.toml", TRAINING, Path::new("."), &[]);
    let experiment = loaded.expect("the experiment").experiment;
    let source = experiment.data.as_ref().expect("data");
    let data = Arc::new(data::load(source, experiment.seed).expect("MNIST"));
    let choice = |backend, precision, fuse| Choice {
        backend,
        precision,
        threads: Some(2),
        fuse,
        ..Choice::default()
    };
    let (losses, masks) = trained(&data, choice(Backend::Cpu, Precision::F64, false));
    // The steps do train: masks move by far more than what they may differ, and the loss falls.
    let mean = |l: &[f64]| l.iter().sum::<f64>() / l.len() as f64;
    let (early, late) = (mean(&losses[..5]), mean(&losses[25..]));
    let moved = rms(&masks[1], &vec![0.0; masks[1].len()]);
    println!("twin: losses {early:.4} to {late:.4}, second mask moved {moved:.3} rad rms");
    assert!(late < early - 0.1 && moved > 0.05, "the loss went from {early} to {late}");
    let mut others = vec![("CPU f32".to_owned(), Backend::Cpu)];
    if let Some(name) = common::gpu("thirty steps", 2) {
        others.push((name, Backend::Gpu));
    }
    let each = others.into_iter().flat_map(|(n, b)| [(n.clone(), b, true), (n, b, false)]);
    for (name, backend, fuse) in each {
        let name = format!("{name}, {}", if fuse { "fused" } else { "op by op" });
        let choice = choice(backend, Precision::F32, fuse);
        let (found, turned) = trained(&data, choice);
        let errors = found.iter().zip(&losses).map(|(a, b)| (a - b).abs() / b.abs());
        assert!(found.iter().all(|l| l.is_finite()));
        let loss = errors.fold(0.0, f64::max);
        let mask = turned.iter().zip(&masks).map(|(a, b)| rms(a, b)).fold(0.0, f64::max);
        println!("twin: {name}: losses to {loss:.2e}, masks to {mask:.2e} rad rms");
        assert!(loss <= 1e-5, "{name}: losses differ by {loss:e}");
        assert!(mask <= 1e-4, "{name}: masks differ by {mask:e} rad rms");
    }
}

fn rms(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64).sqrt()
}
