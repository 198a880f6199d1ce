//! Op twins: CPU f32 against CPU f64 over every case of every op, and the check that the
//! comparer can fail.

use std::sync::Arc;

use lightloom::backend::Executor;
use lightloom::backend::gpu::device::Device;
use lightloom::backend::gpu::executor::Gpu;
use lightloom::backend::gpu::fftgen::{HARDWARE, SOFTWARE};
use lightloom::backend::gpu::{Tuning, Wanted, Within, compile, compile_within};
use lightloom::backend::twin::{difference, reference, twin};
use lightloom::backend::{Precision, cpu};
use lightloom::experiment::load;
use lightloom::lower::{Machine, fuse};
use lightloom::methods::{self, names};
use lightloom::ops::add::{Add, AddInto};
use lightloom::ops::case::{Case, build, reals};
use lightloom::ops::columns::Columns;
use lightloom::ops::columns_grad::ColumnsGrad;
use lightloom::ops::goodness::Goodness;
use lightloom::ops::grad_sum::GradSum;
use lightloom::ops::hop::{Chain, Hop, Link, Rows, Saved};
use lightloom::ops::rows_in::RowsIn;
use lightloom::ops::rows_out::RowsOut;
use lightloom::ops::softplus::Softplus;
use lightloom::ops::{self, Op};
use lightloom::optics::Hardware;
use lightloom::program::{Builder, Data, Domain, Layout, Program, Shape, SlotId};

#[test]
fn cpu_f32_follows_f64() {
    let mut failed = Vec::new();
    let cases = ops::cases();
    assert!(cases.len() > 40, "{} cases", cases.len());
    for case in &cases {
        for threads in [1, 2] {
            let report = twin(case, |p| cpu::compile(p, Precision::F32, Some(threads)));
            let report = report.expect(&case.name);
            if !report.holds() {
                failed.push(format!("{report:?}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The same bits on one thread and on two: leaves and trees do not depend on threads.
#[test]
fn threads_change_no_bit() {
    for case in ops::cases() {
        let run = |threads| {
            let program = Arc::new(case.program.clone());
            let mut cpu =
                cpu::compile(program, Precision::F32, Some(threads)).expect("threads start");
            lightloom::backend::twin::run_case(&mut *cpu, &case).expect(&case.name)
        };
        assert_eq!(run(1), run(2), "{}", case.name);
    }
}

fn scaled(data: &Data, by: f64) -> Data {
    match data {
        Data::Real(v) => Data::Real(v.iter().map(|x| x * by).collect()),
        Data::Complex(v) => Data::Complex(v.iter().map(|z| z * by).collect()),
        Data::Index(v) => Data::Index(v.iter().map(|i| i + 1).collect()),
    }
}

/// Sabotage: a result scaled by 1 + 10 tol, one of another length and one with a NaN are refused.
#[test]
fn the_comparer_can_fail() {
    for case in ops::cases() {
        let tolerance = 2.5 * case.depth.max(1.0) * f64::from(f32::EPSILON);
        for data in reference(&case).expect(&case.name) {
            assert!(difference(&data, &data) == 0.0, "{}", case.name);
            let wrong = scaled(&data, 1.0 + 10.0 * tolerance);
            assert!(difference(&wrong, &data) > tolerance, "{} took a wrong result", case.name);
            if let Data::Real(v) = &data {
                let mut with_nan = v.clone();
                with_nan[0] = f64::NAN;
                assert!(difference(&Data::Real(with_nan), &data).is_infinite(), "{}", case.name);
                let short = Data::Real(v[1..].to_vec());
                assert!(difference(&short, &data).is_infinite(), "{}", case.name);
            }
        }
    }
}

mod common;

/// Every case on the GPU against f64.
#[test]
fn gpu_follows_f64() {
    let Some(name) = common::gpu("op twins", ops::cases().len()) else { return };
    let mut failed = Vec::new();
    for case in &ops::cases() {
        let report = twin(case, |p| compile(p, Wanted::Any, true)).expect(&case.name);
        if !report.holds() {
            failed.push(format!("{report:?}"));
        }
    }
    assert!(failed.is_empty(), "{name}: {failed:#?}");
}

/// Bindings that hold only a few samples cut the batch into micro-batches, and no bit changes;
/// bindings that hold not even one are refused with both numbers and the way out.
#[test]
fn micro_batches_change_no_bit() {
    let wanted = [
        "propagate [33, 20]",
        "grad_sum",
        "cross_entropy T",
        "columns_grad",
        "sample_sum",
        "hop adjoint",
    ];
    let cases: Vec<_> =
        ops::cases().into_iter().filter(|c| wanted.iter().any(|w| c.name.starts_with(w))).collect();
    let Some(_) = common::gpu("micro-batches", 2 * cases.len()) else { return };
    // A leaf's samples are added by turns, and in a loop.
    for (case, table) in cases.iter().flat_map(|c| [(c, SOFTWARE), (c, HARDWARE)]) {
        let program = Arc::new(case.program.clone());
        let largest = program.slots.iter().map(|s| s.shape.bytes(4)).max().unwrap_or(1) as u64;
        let run = |bytes| -> lightloom::Result<_> {
            let (binding, table, tuning) = (Some(bytes), Some(table), Some(Tuning::Table));
            let within = Within { binding, table, tuning, ..Within::default() };
            let mut gpu = compile_within(Arc::clone(&program), Wanted::Any, &within)?;
            let text = gpu.describe();
            Ok((text, lightloom::backend::twin::run_case(&mut *gpu, case)?))
        };
        let (whole_text, whole) = run(u64::MAX).expect(&case.name);
        let (cut_text, cut) = run(3 * largest).expect(&case.name);
        assert_ne!(whole_text, cut_text, "{} was not cut", case.name);
        assert_eq!(whole, cut, "{}", case.name);
        let refused = run(largest / 2).expect_err("half a slot fits no binding").to_string();
        assert!(refused.contains("MiB") && refused.contains("binding"), "{refused}");
    }
}

/// Inputs of 1 MiB by 16, and a plane of 1 MiB a sample on the way: 32 MiB whole; in micro-batches
/// the inputs need a window too, 16 MiB and 2 a sample. What a try allocates goes before the next.
#[test]
fn a_batch_is_halved_until_memory_holds_it() {
    let Some(_) = common::gpu("halved batches", 6) else { return };
    let mut b = Builder::default();
    let x = b.input("x", Shape::real(&[512, 512]));
    b.routine("sums", 16);
    let y = b.emit(Op::Softplus(Softplus { steepness: 2.0 }), &[x]).expect("a plane");
    let sum = b.emit(Op::Goodness(Goodness), &[y]).expect("a sum");
    b.output(sum, "sums");
    let program = Arc::new(b.finish());
    let make = |mib: u64| {
        let mut device = Device::open(Wanted::Any).expect("a GPU");
        device.memory = mib << 20;
        Gpu::new(Arc::clone(&program), Arc::new(device), &Tuning::Table)
    };
    for (mib, micro) in [(33, 16), (31, 4), (23, 2), (19, 1)] {
        let gpu = make(mib).expect("a sample fits");
        let text = gpu.describe();
        assert!(text.ends_with(&format!("micro-batches {micro}")), "{mib} MiB: {text}");
        if let Some(report) = gpu.device().device.generate_allocator_report() {
            let taken = report.total_allocated_bytes;
            assert!(taken < mib << 20, "{mib} MiB: {taken} bytes are taken");
        }
    }
    let why = make(17).err().expect("no sample fits").to_string();
    assert!(["18.0 MiB", "16.0 MiB", "2.0 MiB"].iter().all(|n| why.contains(n)), "{why}");
    // What is wrong in another way is no want of memory, and not hidden by looking for one.
    let device = Device::open(Wanted::Any).expect("a GPU");
    let too_long = device.limits.max_buffer_size.saturating_add(4);
    assert!(device.within_memory(0, || device.storage("too long", too_long)).is_some());
    let why = device.check().expect_err("no buffer is so long").to_string();
    assert!(why.contains("too long"), "{why}");
}

/// A slot of two passes over the samples: what the first made is read by the second and by the host.
#[test]
fn micro_batches_keep_what_an_earlier_pass_made() {
    let Some(_) = common::gpu("micro-batches of two passes", 1) else { return };
    let case = build("two passes", 4.0, |c| {
        let x = c.sample(Shape::real(&[64]));
        let y = c.b.emit(Op::Softplus(Softplus { steepness: 2.0 }), &[x])?;
        c.compare(y);
        c.b.pass();
        let z = c.b.emit(Op::Add(Add), &[x, y])?;
        c.compare(z);
        Ok(())
    });
    for binding in [u64::MAX, 3 * 64 * 4] {
        let within = Within { binding: Some(binding), ..Within::default() };
        let report = twin(&case, |p| compile_within(p, Wanted::Any, &within)).expect("two passes");
        assert!(report.holds(), "{binding}: {report:?}");
    }
}

/// An input of 1 MiB that one routine takes by 160, more than a binding of 128 MiB, and another by 64.
#[test]
fn a_routine_binds_its_own_samples_alone() {
    let Some(_) = common::gpu("samples of two routines", 2) else { return };
    let len = 1 << 18;
    let mut b = Builder::default();
    let x = b.input("x", Shape::real(&[512, 512]));
    let mut sums = Vec::new();
    for (name, batch) in [("train", 160), ("eval", 64)] {
        b.routine(name, batch);
        let sum = b.emit(Op::Goodness(Goodness), &[x]).expect("a sum");
        b.output(sum, name);
        sums.push((name, sum));
    }
    let mut gpu = compile(Arc::new(b.finish()), Wanted::Any, true).expect("a GPU");
    let images = [0.5, 0.25].map(|v| vec![v; len]).concat();
    gpu.write(x, &Data::Real(images)).expect("two images");
    for (name, sum) in sums {
        gpu.run(name, 2).expect(name);
        let found = gpu.read(sum).expect("sums").reals()[..2].to_vec();
        let exact = [0.5f64, 0.25].map(|v| (v * v * len as f64).ln());
        assert!(apart(&found, &exact) < 1e-6, "{name}: {found:?}, {exact:?}");
    }
}

/// More elements than the workgroups along x: every one of them is met, and once.
#[test]
fn elements_go_on_along_z() {
    let Some(_) = common::gpu("elements along z", 1) else { return };
    let len = (1 << 23) + 300;
    let mut b = Builder::default();
    let ones = Data::Real(vec![1.0; len]);
    let [x, y] = ["x", "y"].map(|name| b.param(name, Shape::real(&[len]), ones.clone()));
    b.routine("add", 1);
    b.emit_into(Op::AddInto(AddInto), &[x], &[y]).expect("a sum");
    let mut gpu = compile(Arc::new(b.finish()), Wanted::Any, true).expect("a GPU");
    gpu.run("add", 1).expect("add");
    let sums = gpu.read(y).expect("sums");
    assert!(sums.len() == len && sums.reals().iter().all(|&y| y == 2.0));
}

/// Likewise by the other table of plans, and with workgroup memory that holds ten samples, so that
/// every line longer than that is cut in two.
#[test]
fn other_plans_follow_f64() {
    let lines = ["rows_in", "propagate", "columns_grad", "hop", "transfer"];
    let cases: Vec<_> =
        ops::cases().into_iter().filter(|c| lines.iter().any(|l| c.name.starts_with(l))).collect();
    let Some(name) = common::gpu("cut lines and plans for real GPUs", 2 * cases.len()) else {
        return;
    };
    let hardware = Within { table: Some(HARDWARE), ..Within::default() };
    let cut = Within { workgroup: Some(8 * 10), ..Within::default() };
    let mut failed = Vec::new();
    for case in &cases {
        for within in [&hardware, &cut] {
            let report = twin(case, |p| compile_within(p, Wanted::Any, within));
            let report = report.expect(&case.name);
            if !report.holds() {
                failed.push(format!("{report:?}"));
            }
        }
    }
    assert!(failed.is_empty(), "{name}: {failed:#?}");
}

/// Propagation, a hop with a mask's gradient and the gradient of H.
fn long(field: [usize; 2], padded: [usize; 2]) -> Case {
    build(format!("long {field:?} in {padded:?}"), 64.0, |c| {
        let (x, y) = (c.sample(Shape::complex(&field)), c.sample(Shape::complex(&field)));
        let h = c.constant(Shape::complex(&padded).layout(Layout::Spectrum));
        let rows = c.b.emit(Op::RowsIn(RowsIn { field, padded }), &[x])?;
        let columns = c.b.emit(Op::Columns(Columns { field, padded, conj: true }), &[rows, h])?;
        let links = vec![Link::Grad(GradSum::Phase, Saved::Whole), Link::Store(Saved::Whole)];
        let chain = Chain { from_hybrid: true, links, to_hybrid: true };
        let hop = Hop { field, padded, chain, rows: Rows::all(field[0]) };
        let outputs = hop.outputs().into_iter();
        let outputs: Vec<SlotId> =
            outputs.map(|(shape, domain)| c.b.temp("hop".into(), shape, domain)).collect();
        c.b.emit_all(Op::Hop(hop), &[columns, y], &outputs)?;
        let back = c.b.emit(Op::RowsOut(RowsOut { field, padded }), &[outputs[0]])?;
        let sum = c.b.leaf("sum".into(), Shape::complex(&padded).layout(Layout::Spectrum));
        let grad = Op::ColumnsGrad(ColumnsGrad { field, padded });
        c.b.emit_into(grad, &[rows, outputs[0]], &[sum])?;
        c.compare(back);
        for output in &outputs[1..] {
            if c.b.slot(*output).domain == Domain::Leaf {
                c.compare_leaf(*output)?;
            } else {
                c.compare(*output);
            }
        }
        c.compare_leaf(sum)
    })
}

/// Lines longer than any workgroup's memory.
#[test]
fn long_lines_follow_f64() {
    let cases = [
        long([2, 4096], [4, 8192]),
        long([4096, 2], [8192, 4]),
        long([2, 8192], [2, 16384]),
        long([7000, 3], [14000, 6]),
    ];
    let Some(name) = common::gpu("long lines", cases.len()) else { return };
    for case in &cases {
        let report = twin(case, |p| compile(p, Wanted::Any, true)).expect(&case.name);
        println!("twin: {name}: {report:?}");
        assert!(report.holds(), "{name}: {report:?}");
    }
}

/// A training experiment on made-up images of 5 x 4 pixels and 3 classes.
const TRAINING: &str = r#"
seed = 3
[data]
name = "mnist"
[optic]
wavelength = "532 nm"
pitch = ["2 um", "2.5 um"]
samples = [20, 24]
input = { aperture = 0.7, resample = "bilinear" }
element = [
  { kind = "free_space", z = "300 um" }, { kind = "phase_mask", init = "random" },
  { kind = "free_space", z = "410 um" }, { kind = "amplitude_mask", trainable = true },
  { kind = "free_space", z = "350 um" }, { kind = "phase_mask" },
  { kind = "free_space", z = "500 um" },
]
detector = { size = "10 um", grid = [1, 3], spread = 0.8 }
[train]
epochs = 1
batch = 19
optimizer = { kind = "sgd", lr = 0.1, momentum = 0.9 }
schedule = { kind = "constant" }
"#;

const STEPS: usize = 10;

/// Its program, unfused.
fn training(overrides: &[String]) -> (Program, Machine) {
    training_of(TRAINING, 3, overrides)
}

fn training_of(text: &str, classes: usize, overrides: &[String]) -> (Program, Machine) {
    let loaded = load::from_text("training.toml", text, std::path::Path::new("."), overrides);
    let experiment = loaded.expect("the experiment").experiment;
    let recipe = experiment.train.clone().expect("a recipe");
    let mut b = Builder::default();
    let machine = Machine::new(&mut b, &experiment.optic, Some([5, 4]), classes, 3);
    let machine = machine.expect("machine");
    let method = methods::of(&recipe, &experiment.optic, experiment.seed).expect("a method");
    let (pair, _) = methods::Pair::new(&mut b, machine.clone(), &Hardware::default());
    let factors = recipe.schedule.factors(STEPS as u64);
    method.build(&mut b, &pair, &recipe, &factors).expect("a program");
    let program = b.finish();
    (program, machine)
}

/// Losses of ten steps, and what is trained behind them.
fn trained(
    program: Program,
    machine: &Machine,
    make: impl FnOnce(Arc<Program>) -> Box<dyn Executor>,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut executor = make(Arc::new(program));
    let batch = executor.program().routine(names::TRAIN).expect("train").batch;
    for step in 0..STEPS {
        let images = reals(step as u32, batch * 20).iter().map(|v| 0.5 + 0.5 * v).collect();
        let labels = (0..batch).map(|i| ((i + step) % 3) as u32).collect();
        executor.write(machine.image.expect("image"), &Data::Real(images)).expect("write");
        executor.write(machine.label.expect("label"), &Data::Index(labels)).expect("write");
        executor.run(names::TRAIN, batch).expect("a step");
    }
    let ring = executor.program().find(names::LOSS_RING).expect("losses");
    let losses = executor.read(ring).expect("losses").reals()[..STEPS].to_vec();
    let slots: Vec<SlotId> = machine.trainable.iter().map(|t| t.slot).collect();
    let mut read = |slot: SlotId| executor.read(slot).expect("a parameter").reals().to_vec();
    (losses, slots.into_iter().map(&mut read).collect())
}

/// Largest difference over the largest value.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    difference(&Data::Real(a.to_vec()), &Data::Real(b.to_vec()))
}

/// A whole training program on the GPU, fused and not, beside f64: ten steps with momentum sum up
/// some hundred roundings each.
#[test]
fn fused_training_follows_f64() {
    let (program, machine) = training(&[]);
    let fused = fuse::fuse(&program);
    let hops = |p: &Program| {
        let sections = p.routines.iter().flat_map(|r| &r.sections);
        sections.flat_map(|s| &s.nodes).filter(|n| n.op.name() == "hop").count()
    };
    assert!(hops(&program) == 0 && hops(&fused) >= 7, "{}", hops(&fused));
    let exact =
        |p| -> Box<dyn Executor> { cpu::compile(p, Precision::F64, Some(1)).expect("a thread") };
    let (losses, params) = trained(program.clone(), &machine, exact);
    assert!(losses[STEPS - 1] < losses[0], "{losses:?}");
    let halved = fuse::halve(&fused).expect("fields are saved");
    let Some(name) = common::gpu("fused training", 3) else { return };
    // A number in f16 is off by up to 2^-11 of itself, so no sum of products with it is off by
    // more, nor are parameters that such sums move; that they are off at all shows that it is f16.
    let f16 = [2f64.powi(-11), 2f64.powi(-11), 1e-6];
    for (what, program, [most_loss, most, least]) in [
        ("unfused", &program, [1e-5, 1e-4, 0.0]),
        ("fused", &fused, [1e-5, 1e-4, 0.0]),
        ("fields saved in f16", &halved, f16),
    ] {
        let on_gpu = |p| compile(p, Wanted::Any, true).expect("a GPU");
        let (found, moved) = trained(program.clone(), &machine, on_gpu);
        let loss = apart(&found, &losses);
        let worst = moved.iter().zip(&params).map(|(a, b)| apart(a, b)).fold(0.0, f64::max);
        println!("twin: {name}, {what}: losses to {loss:.2e}, parameters to {worst:.2e}");
        assert!(loss <= most_loss && worst <= most, "{name}, {what}: {loss:e}, {worst:e}");
        assert!(worst >= least, "{name}, {what}: {worst:e} is too good to be f16");
    }
}

/// A matrix as large as the window, of a mesh's images of the basis or of a digital layer, is no plane:
/// fused on a CPU it stays in natural order, and where it did not it would be refused.
#[test]
fn matrices_as_large_as_the_window_are_no_planes() {
    let between = "{ kind = \"free_space\", z = \"500 um\" },\n]\ndetector = ";
    let (start, _) = TRAINING.split_once(between).expect("the last element");
    let end = &TRAINING[TRAINING.find("[train]").expect("a recipe")..];
    let text = |detector: &str| format!("{start}{between}{detector}\n{end}");
    let couple = "{ kind = \"couple\", modes = 16 }, { kind = \"mesh\" },\n]\ndetector = {}";
    let coupled = text("").replace("]\ndetector = ", couple).replace("[20, 24]", "16");
    let head = text("{ size = \"6 um\", grid = [4, 6], spread = 0.8, head = { readings = 24 } }");
    // Ten steps through a mesh's columns multiply what f32 rounds, unfused as fused.
    for (text, classes, window, reader, most) in
        [(coupled, 3, [16, 16], "mesh", 1e-3), (head, 20, [20, 24], "dense", 1e-4)]
    {
        // Enough samples for a mesh's matrix.
        let (program, machine) = training_of(&text, classes, &["train.batch=64".to_owned()]);
        let on_cpu = |precision| move |p| cpu::compile(p, precision, Some(2)).expect("threads");
        let (losses, params) = trained(program.clone(), &machine, on_cpu(Precision::F64));
        let mut fused = fuse::fuse(&program);
        for program in [&program, &fused] {
            let (found, moved) = trained(program.clone(), &machine, on_cpu(Precision::F32));
            let loss = apart(&found, &losses);
            let worst = moved.iter().zip(&params).map(|(a, b)| apart(a, b)).fold(0.0, f64::max);
            println!("twin: {reader}: losses to {loss:.2e}, parameters to {worst:.2e}");
            assert!(loss <= most && worst <= most, "{reader}: {loss:e}, {worst:e}");
        }
        // By its dimensions alone.
        let alike = fused.slots.iter_mut().filter(|s| s.shape.dims == window);
        alike.for_each(|s| s.shape.layout = Layout::Blocked);
        let refused = cpu::compile(Arc::new(fused), Precision::F32, Some(1)).err();
        let refused = refused.expect("it reads a matrix as it lies").to_string();
        assert!(refused.contains(reader), "{refused}");
    }
}

/// A device that has no memory for a batch at once cuts it until it has, and no bit changes: training
/// in the least memory that is not refused, found by halving, goes sample by sample.
#[test]
fn short_memory_changes_no_bit() {
    let Some(_) = common::gpu("short memory", 2) else { return };
    let (program, machine) = training(&[]);
    for program in [fuse::fuse(&program), program] {
        let make = |program, memory| {
            let (memory, tuning) = (Some(memory), Some(Tuning::Table));
            compile_within(program, Wanted::Any, &Within { memory, tuning, ..Within::default() })
        };
        let shared = Arc::new(program.clone());
        let (mut refused, mut least) = (0, 1u64 << 30);
        while least - refused > 1 {
            let middle = least.midpoint(refused);
            *if make(Arc::clone(&shared), middle).is_ok() { &mut least } else { &mut refused } =
                middle;
        }
        let run = |memory| {
            let mut text = String::new();
            let found = trained(program.clone(), &machine, |p| {
                let gpu = make(p, memory).expect("a GPU");
                text = gpu.describe();
                gpu
            });
            (text, found)
        };
        let [(whole_text, whole), (cut_text, cut)] = [u64::MAX, least].map(run);
        assert!(whole_text.ends_with("micro-batches 19"), "{whole_text}");
        assert!(cut_text.ends_with("micro-batches 1"), "{cut_text}");
        assert!(whole == cut, "in {least} bytes");
    }
}

/// Rows that are dark where light comes in, or that no detector reads, are zeros and nobody's.
#[test]
fn rows_left_out_change_no_bit() {
    let sizes = ["samples=[200, 24]", "input.aperture=0.5"].map(|o| format!("optic.{o}"));
    let (program, machine) = training(&sizes);
    let fused = fuse::fuse(&program);
    let mut whole = fused.clone();
    let nodes = whole.routines.iter_mut().flat_map(|r| &mut r.sections).flat_map(|s| &mut s.nodes);
    let mut left_out = Vec::new();
    for node in nodes {
        if let Op::Hop(hop) = &mut node.op {
            left_out.push(hop.field[0] - hop.rows.count());
            hop.rows = Rows::all(hop.field[0]);
        }
    }
    // Light comes in and goes out twice, there and back; where it goes out last every row counts.
    let [enter, .., back] = left_out[..] else { panic!("{left_out:?}") };
    let ends = left_out.iter().filter(|&&rows| rows > 100).count();
    assert!(enter == 100 && back == 0 && ends == 2, "{left_out:?}");
    let on_cpu =
        |p| -> Box<dyn Executor> { cpu::compile(p, Precision::F32, Some(2)).expect("threads") };
    assert!(trained(fused.clone(), &machine, on_cpu) == trained(whole.clone(), &machine, on_cpu));
    let Some(_) = common::gpu("rows left out", 4) else { return };
    // Lines in one workgroup's memory, and lines that are cut in two, by either table.
    let bounds = [None, Some(8 * 40)].map(|w| [(w, SOFTWARE), (w, HARDWARE)]);
    for (workgroup, table) in bounds.into_iter().flatten() {
        let (table, tuning) = (Some(table), Some(Tuning::Table));
        let within = Within { workgroup, table, tuning, ..Within::default() };
        let on_gpu = |p| compile_within(p, Wanted::Any, &within).expect("a GPU");
        let [left_out, done] = [&fused, &whole].map(|p| trained(p.clone(), &machine, on_gpu));
        assert!(left_out == done, "workgroups of {workgroup:?} bytes, {table:?}");
    }
}

/// Tuned plans compute the same, are found again, and show in what a checkpoint records.

#[test]
fn tuned_plans_are_remembered() {
    let Some(_) = common::gpu("tuned plans", 3) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("below/plans.json");
    let case = ops::cases().into_iter().find(|c| c.name.starts_with("hop adjoint [33, 20]"));
    let case = case.expect("the case");
    let run = |tuning| {
        let within = Within { tuning: Some(tuning), ..Within::default() };
        let program = Arc::new(case.program.clone());
        let mut gpu = compile_within(program, Wanted::Any, &within).expect("a GPU");
        let found = lightloom::backend::twin::run_case(&mut *gpu, &case).expect("run");
        (gpu.describe(), found)
    };
    let (plain, by_table) = run(Tuning::Recalled(path.clone()));
    assert!(!plain.contains("plans") && !path.exists());
    let (measured, tuned) = run(Tuning::Measured(path.clone()));
    assert!(measured.contains(", plans "), "{measured}");
    let text = std::fs::read_to_string(&path).expect("the cache");
    assert!(text.contains("Hop") && text.contains("row_threads"), "{text}");
    let (recalled, again) = run(Tuning::Recalled(path));
    assert_eq!(recalled, measured);
    assert_eq!(again, tuned);
    for (a, b) in tuned.iter().zip(&by_table) {
        assert!(difference(a, b) < 1e-5);
    }
}

/// Every node of a routine is timed, and running it so computes the same.
#[test]
fn a_profile_times_every_node() {
    let Some(name) = common::gpu("profile", 1) else { return };
    let case = long([16, 40], [32, 80]);
    let mut gpu = compile(Arc::new(case.program.clone()), Wanted::Any, true).expect("a GPU");
    let plain = lightloom::backend::twin::run_case(&mut *gpu, &case).expect("run");
    let batch = ops::case::BATCH;
    let times = gpu.profile(ops::case::ROUTINE, batch).expect("a profile");
    let nodes: Vec<_> = case.program.routines[0].sections.iter().flat_map(|s| &s.nodes).collect();
    assert_eq!(times.len(), nodes.len());
    for (time, node) in times.iter().zip(nodes) {
        assert_eq!(time.op, node.op.name());
        assert!(time.seconds > 0.0 && time.seconds < 5.0 && time.launches > 0, "{time:?}");
    }
    let total: f64 = times.iter().map(|t| t.seconds).sum();
    println!("twin: {name}: {} nodes took {:.2} ms", times.len(), 1e3 * total);
    for (&id, data) in case.compare.iter().zip(plain) {
        assert_eq!(gpu.read(id).expect("read"), data);
    }
}

/// The limits that a roofline stands on are of this world.
#[test]
fn device_limits_are_measured() {
    let Some(name) = common::gpu("limits", 2) else { return };
    let device = Device::open(Wanted::Any).expect("a GPU");
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    let copies = device.copy_rates().expect("copies");
    assert!(copies.is_sorted_by(|a, b| a.working_set < b.working_set));
    for copied in &copies {
        let (mib, rate) = (copied.working_set >> 20, best(&copied.rates));
        println!("twin: {name}: copies {mib} MiB at {:.2} GB/s", rate / 1e9);
        assert!((1e8..1e14).contains(&rate), "{mib}: {rate:e}");
    }
    let fma = best(&device.fma_rates().expect("fma"));
    println!("twin: {name}: {:.1} GFLOP/s", fma / 1e9);
    assert!((1e9..1e15).contains(&fma), "{fma:e}");
}
