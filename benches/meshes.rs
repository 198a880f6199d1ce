//! Clements meshes of 8 to 1024 modes on 256 vectors, forward and a training step, on both
//! backends: `cargo bench --bench meshes`, or with modes as arguments. The peers' script is
//! `mzi.py` (see the closing notes); this is the same work: vectors in, |y|² against a target,
//! adjoint, Adam. Least and median milliseconds of rounds by turns.

use std::sync::Arc;
use std::time::Instant;

use lightloom::backend::{Backend, Choice, Executor, gpu};
use lightloom::lower::mesh;
use lightloom::ops::Op;
use lightloom::ops::adam::Adam;
use lightloom::ops::case::complexes;
use lightloom::ops::intensity::Intensity;
use lightloom::ops::mean_squared::MeanSquared;
use lightloom::optics::element::MeshInit;
use lightloom::optics::mesh::{Mesh, Topology};
use lightloom::program::adjoint::adjoint;
use lightloom::program::{Builder, Data, Program, Shape, SlotId};

const BATCH: usize = 256;
const ROUTINES: [&str; 2] = ["forward", "step"];

/// A mesh's routines, with its input and a slot that is read to wait.
fn program(modes: usize) -> lightloom::Result<(Program, [SlotId; 2], SlotId)> {
    let mesh = Mesh::new(modes, Topology::Clements)?;
    let mut b = Builder::default();
    let x = b.input("x", Shape::complex(&[1, modes]));
    let label = b.input("label", Shape::index(&[1]));
    let tick = b.state("tick", Shape::index(&[1]), Data::Index(vec![0]));
    let phases = mesh::phases(&mut b, "mesh", &mesh::start(&mesh, MeshInit::Haar, 1)?, true);
    b.routine(ROUTINES[0], BATCH);
    let y = mesh::emit(&mut b, "mesh", &mesh, phases, x, None)?.leaving;
    b.output(y, "y");
    b.routine(ROUTINES[1], BATCH);
    let y = mesh::emit(&mut b, "mesh", &mesh, phases, x, None)?.leaving;
    let power = b.emit(Op::Intensity(Intensity), &[y])?;
    let loss = b.emit(Op::MeanSquared(MeanSquared), &[power, label])?;
    let seed = b.constant("seed", Shape::real(&[1]), || Data::Real(vec![1.0 / BATCH as f64]));
    let grads = adjoint(&mut b, loss, seed)?;
    b.section("update");
    let adam = Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
    let table = Data::Real(adam.schedule([1e-2].into_iter()));
    let schedule = b.constant("schedule", Shape::real(&[1, 3]), || table);
    for (param, grad) in grads {
        let shape = b.slot(param).shape.clone();
        let mut state = |name: &str| {
            let name = format!("{name}.{}", param.index());
            b.state(&name, shape.clone(), Data::Real(vec![0.0; shape.len()]))
        };
        let kept = [param, state("m"), state("v")];
        b.emit_into(Op::Adam(adam.clone()), &[grad, tick, schedule], &kept)?;
    }
    Ok((b.finish(), [x, label], tick))
}

/// Seconds of so many runs, the device idle before and behind.
fn timed(executor: &mut dyn Executor, routine: &str, tick: SlotId, runs: u32) -> f64 {
    executor.read(tick).expect("a slot is read");
    let started = Instant::now();
    (0..runs).for_each(|_| executor.run(routine, BATCH).expect("the routine runs"));
    executor.read(tick).expect("a slot is read");
    started.elapsed().as_secs_f64() / f64::from(runs)
}

fn measure(modes: usize, backend: Backend) -> Option<[String; 2]> {
    let (program, [x, label], tick) = program(modes).expect("a mesh lowers");
    let choice = Choice { backend, ..Choice::default() };
    let mut executor = match choice.compile(Arc::new(program)) {
        Ok(executor) => executor,
        Err(e) => {
            println!("{modes:>5} modes: {e}");
            return None;
        }
    };
    executor.write(x, &Data::Complex(complexes(1, BATCH * modes))).expect("write");
    let labels = (0..BATCH).map(|i| (i % modes) as u32).collect();
    executor.write(label, &Data::Index(labels)).expect("write");
    let mut seen = [const { Vec::new() }; 2];
    let runs = ROUTINES.map(|routine| {
        timed(&mut *executor, routine, tick, 2);
        let one = timed(&mut *executor, routine, tick, 1);
        (0.02 / one).clamp(1.0, 200.0) as u32
    });
    for _ in 0..if modes > 256 { 3 } else { 15 } {
        for ((seen, routine), runs) in seen.iter_mut().zip(ROUTINES).zip(runs) {
            seen.push(timed(&mut *executor, routine, tick, runs));
        }
    }
    Some(seen.map(|mut times| {
        times.sort_by(f64::total_cmp);
        format!("{:>9.3} ({:>9.3})", 1e3 * times[times.len() / 2], 1e3 * times[0])
    }))
}

fn main() {
    let chosen: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let all = [8, 16, 32, 64, 128, 256, 512, 1024];
    let modes = if chosen.is_empty() { all.to_vec() } else { chosen };
    println!("{BATCH} vectors, median (least) ms{:>12} {:>22}", ROUTINES[0], ROUTINES[1]);
    for (backend, name) in [(Backend::Cpu, "CPU"), (Backend::Gpu, "GPU")] {
        if backend == Backend::Gpu && gpu::adapters().is_empty() {
            println!("no GPU adapter answers");
            continue;
        }
        for &n in &modes {
            if let Some([forward, step]) = measure(n, backend) {
                println!("{name} {n:>5} modes     {forward}   {step}");
            }
        }
    }
}
