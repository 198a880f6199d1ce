//! Decompositions rebuilt in single precision on both backends: U -> phases (f64, then each an f32 with
//! its rounding carried on) -> the cells and columns of a program in f32, applied to the basis -> V.

mod common;

use std::sync::Arc;

use lightloom::backend::gpu::{Wanted, compile};
use lightloom::backend::{Executor, Precision, cpu};
use lightloom::lower::mesh;
use lightloom::optics::mesh::decompose::decompose;
use lightloom::optics::mesh::dense::identity;
use lightloom::optics::mesh::haar::haar;
use lightloom::optics::mesh::single::single;
use lightloom::optics::mesh::{C, Mesh, Settings, Topology};
use lightloom::program::{Builder, Data, Program, Shape, SlotId};

/// Some 2N numbers that a path meets are each off by 1e-7 rms, and at random: entries of size 1/√N of
/// a matrix that is off by √N of that in all. A permutation has it in single entries, √N · 1e-7 = 2e-6
/// at N = 256; what bar cells leak is to the same side and adds up to N · 2.2e-8 = 5.6e-6.
const TOLERANCE: f64 = 1e-5;

/// A mesh in a program whose samples are the basis.
struct Rebuild {
    program: Program,
    input: SlotId,
    output: SlotId,
    n: usize,
}

impl Rebuild {
    /// Light through the columns, or, as for a large batch, through the matrix that the columns make
    /// of the basis.
    fn new(mesh: &Mesh, settings: &Settings, through_matrix: bool) -> Self {
        let n = mesh.n;
        let mut b = Builder::default();
        b.routine("rebuild", if through_matrix { 8 * n } else { n });
        let input = b.input("basis", Shape::complex(&[1, n]));
        let phases = mesh::phases(&mut b, "mesh", settings, false);
        let output = mesh::emit(&mut b, "mesh", mesh, phases, input, None)
            .expect("operands that fit")
            .leaving;
        b.output(output, "images");
        let program = b.finish();
        let nodes = program.routines.iter().flat_map(|r| &r.sections).flat_map(|s| &s.nodes);
        let applies = nodes.filter(|n| n.op.name() == "apply").count();
        assert_eq!(applies, usize::from(through_matrix && n > 2), "{n} {through_matrix}");
        Self { program, input, output, n }
    }

    /// V: sample k is V e_k, its column k.
    fn run(self, on: &impl Fn(Arc<Program>) -> lightloom::Result<Box<dyn Executor>>) -> Vec<C> {
        let mut executor = on(Arc::new(self.program)).expect("a backend");
        let n = self.n;
        executor.write(self.input, &Data::Complex(identity(n))).expect("the basis");
        executor.run("rebuild", n).expect("a run");
        let Data::Complex(images) = executor.read(self.output).expect("images") else {
            panic!("images are complex")
        };
        (0..n * n).map(|k| images[k % n * n + k / n]).collect()
    }
}

fn distance(a: &[C], b: &[C]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max)
}

fn permutation(n: usize, image: impl Fn(usize) -> usize) -> Vec<C> {
    (0..n * n).map(|k| C::from(f64::from(u8::from(image(k % n) == k / n)))).collect()
}

fn dft(n: usize) -> Vec<C> {
    let entry = |k: usize| {
        let turn = (k / n * (k % n) % n) as f64 / n as f64;
        C::from_polar((n as f64).sqrt().recip(), -std::f64::consts::TAU * turn)
    };
    (0..n * n).map(entry).collect()
}

fn wanted() -> Vec<(String, usize, Vec<C>)> {
    let mut all = Vec::new();
    for n in (1..=16).chain([31, 32, 64, 100, 256]) {
        all.push((format!("Haar {n}"), n, haar(n, n as u64).expect("a size")));
    }
    for n in [1usize, 2, 3, 8, 31, 64, 256] {
        all.push((format!("identity {n}"), n, identity(n)));
        all.push((format!("reversal {n}"), n, permutation(n, |k| n - 1 - k)));
        // 5 shares no factor with these sizes, so that every guide is reached once.
        all.push((format!("permutation {n}"), n, permutation(n, |k| (5 * k + 2) % n)));
        all.push((format!("DFT {n}"), n, dft(n)));
    }
    all
}

fn rebuild(what: &str, on: impl Fn(Arc<Program>) -> lightloom::Result<Box<dyn Executor>>) {
    let mut worst = (0.0, String::new());
    for (name, n, u) in wanted() {
        let topologies: &[Topology] = if name.starts_with("Haar") && n <= 100 {
            &[Topology::Clements, Topology::Reck]
        } else {
            &[Topology::Clements]
        };
        for &topology in topologies {
            let mesh = Mesh::new(n, topology).expect("a size");
            let settings = decompose(&mesh, &u).expect("a unitary");
            let settings = single(&mesh, &settings).expect("its own");
            for through_matrix in [false, true] {
                let v = Rebuild::new(&mesh, &settings, through_matrix).run(&on);
                let error = distance(&u, &v);
                assert!(
                    error < TOLERANCE,
                    "{what}: {name} {topology:?} matrix={through_matrix}: {error:.1e}"
                );
                if error > worst.0 {
                    worst = (error, format!("{name} {topology:?} matrix={through_matrix}"));
                }
            }
            // Sabotage: the last cell is seen in entries of 1/√N; one mode has only its output phase.
            let mut moved = settings.clone();
            let last = moved.theta.last_mut().unwrap_or(&mut moved.gamma[0]);
            *last += 10.0 * TOLERANCE * (n as f64).sqrt();
            let v = Rebuild::new(&mesh, &moved, false).run(&on);
            assert!(distance(&u, &v) > TOLERANCE, "{what}: {name}: the comparison can fail");
        }
    }
    println!("rebuild: {what}: max|U - V| {:.2e} ({})", worst.0, worst.1);
}

#[test]
fn single_precision_rebuilds_on_the_cpu() {
    rebuild("CPU f32", |p| cpu::compile(p, Precision::F32, Some(1)));
}

#[test]
fn single_precision_rebuilds_on_the_gpu() {
    let Some(name) = common::gpu("rebuilt meshes", wanted().len()) else { return };
    rebuild(&name, |p| compile(p, Wanted::Any, true));
}
