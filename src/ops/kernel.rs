//! What an op hands to a backend: a closure over views on the CPU, plain data for the GPU.

use num_complex::Complex;
use rayon::prelude::*;
use rustfft::FftPlanner;

use super::arrange::Arrangement;
use super::hop::{Chain, Rows};
use crate::math::lanes::Isa;
use crate::math::scalar::Scalar;
use crate::program::{Shape, Slot};

/// A slice of one copy of a slot.
#[derive(Debug, Clone, Copy)]
pub enum View<'a, T> {
    Real(&'a [T]),
    Complex(&'a [Complex<T>]),
    Index(&'a [u32]),
}

/// A slice of one copy of a slot that the kernel writes.
#[derive(Debug, Default)]
pub enum ViewMut<'a, T> {
    Real(&'a mut [T]),
    Complex(&'a mut [Complex<T>]),
    Index(&'a mut [u32]),
    #[default]
    None,
}

impl<'a, T> View<'a, T> {
    pub fn real(self) -> &'a [T] {
        match self {
            Self::Real(v) => v,
            _ => unreachable!("the builder checked that this operand is real"),
        }
    }

    pub fn complex(self) -> &'a [Complex<T>] {
        match self {
            Self::Complex(v) => v,
            _ => unreachable!("the builder checked that this operand is complex"),
        }
    }

    pub fn index(self) -> &'a [u32] {
        match self {
            Self::Index(v) => v,
            _ => unreachable!("the builder checked that this operand is an index"),
        }
    }
}

impl<T: Scalar> ViewMut<'_, T> {
    pub fn fill_zero(&mut self) {
        match self {
            Self::Real(v) => v.fill(T::zero()),
            Self::Complex(v) => v.fill(Complex::new(T::zero(), T::zero())),
            Self::Index(v) => v.fill(0),
            Self::None => {}
        }
    }
}

impl<T> ViewMut<'_, T> {
    pub fn real(&mut self) -> &mut [T] {
        match self {
            Self::Real(v) => v,
            _ => unreachable!("the builder checked that this output is real"),
        }
    }

    pub fn complex(&mut self) -> &mut [Complex<T>] {
        match self {
            Self::Complex(v) => v,
            _ => unreachable!("the builder checked that this output is complex"),
        }
    }

    pub fn index(&mut self) -> &mut [u32] {
        match self {
            Self::Index(v) => v,
            _ => unreachable!("the builder checked that this output is an index"),
        }
    }
}

/// What a CPU kernel sees.
#[derive(Debug)]
pub struct Io<'a, T> {
    /// Where a kernel works in place, the first is empty: it lies in the first output.
    pub inputs: &'a [View<'a, T>],
    pub outputs: &'a mut [ViewMut<'a, T>],
    /// At least as long as the kernel asked for; holds anything.
    pub scratch: &'a mut [Complex<T>],
    /// Place in the batch of the first sample here, for addressed noise.
    pub first: usize,
    /// Copies in the per-sample operands, one after the other: 1, or of a wide op the samples of
    /// the leaf. What all samples share is there once.
    pub count: usize,
    /// The kernel has all threads to itself and may run its lines on them.
    pub parallel: bool,
}

/// Runs tasks on all threads if the kernel has them to itself ([`Io::parallel`]), else here, one after
/// the other: a thread that waited inside a leaf would be given another leaf.
pub fn each<I: Send>(
    parallel: bool,
    tasks: impl Iterator<Item = I>,
    one: impl Fn(I) + Send + Sync,
) {
    if parallel {
        tasks.collect::<Vec<_>>().into_par_iter().for_each(one);
    } else {
        tasks.for_each(one);
    }
}

pub type CpuRun<T> = Box<dyn Fn(&mut Io<'_, T>) + Send + Sync>;

/// A compiled CPU kernel.
pub struct CpuKernel<T> {
    pub run: CpuRun<T>,
    /// Complex numbers of scratch that it wants.
    pub scratch: usize,
}

impl<T> CpuKernel<T> {
    pub fn new(run: impl Fn(&mut Io<'_, T>) + Send + Sync + 'static) -> Self {
        Self { run: Box::new(run), scratch: 0 }
    }

    /// Asks for so many complex numbers of scratch.
    #[must_use]
    pub fn scratch(mut self, complexes: usize) -> Self {
        self.scratch = complexes;
        self
    }
}

/// What kernels share while they are compiled.
pub struct CpuCompile<T: Scalar> {
    pub planner: FftPlanner<T>,
    pub arrangement: Arrangement,
    /// What plain loops are compiled for.
    pub isa: Isa,
    /// Of the first output of the node at hand.
    pub output: Shape,
}

impl<T: Scalar> CpuCompile<T> {
    pub fn new(arrangement: Arrangement) -> Self {
        let (planner, output) = (FftPlanner::new(), Shape::real(&[]));
        Self { planner, arrangement, isa: Isa::best(), output }
    }

    /// Reals side by side in a complex operand.
    pub fn width(&self, slot: &Slot) -> usize {
        self.arrangement.width(&slot.shape)
    }
}

/// Work and traffic of one copy.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    pub flops: f64,
    /// Elements (reals) read and written, static tables not counted.
    pub reals: f64,
}

impl Cost {
    pub fn new(flops: usize, reals: usize) -> Self {
        Self { flops: flops as f64, reals: reals as f64 }
    }
}

/// One word of a uniform block; the WGSL struct has the same names in the same order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Word {
    U32(u32),
    F32(f32),
    /// Leaves of the batch, a `u32` that the backend knows.
    Leaves,
}

impl Word {
    pub fn bits(self, leaves: usize) -> u32 {
        match self {
            Self::U32(v) => v,
            Self::F32(v) => v.to_bits(),
            Self::Leaves => leaves as u32,
        }
    }
}

/// One of the generated passes of a padded propagation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LinePass {
    RowsIn,
    Columns {
        conj: bool,
    },
    RowsOut,
    ColumnsGrad,
    /// Of the rows that have to be done.
    Hop(Chain, Rows),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// `shaders/<stem>.wgsl`.
    Shader(&'static str),
    /// Generated for a window of `field` samples padded to `padded`, `[y, x]`.
    Lines { pass: LinePass, field: [usize; 2], padded: [usize; 2] },
}

/// How many invocations one copy needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grid {
    /// One per element.
    Elements(usize),
    /// One for the whole copy: samples lie side by side.
    Sample,
    /// So many workgroups.
    Groups(usize),
    /// So many parts a copy, `group` of them in a workgroup, those of other copies among them.
    Shared { per_copy: usize, group: usize },
}

/// A GPU kernel as data: bindings are the uniform block, then inputs, then outputs, in order.
///
/// The uniform block starts with `first`, `count`, `leaf`, `len`: index in the batch of the first
/// sample here, samples here, samples a leaf, elements of one copy; then `words`.
#[derive(Debug, Clone)]
pub struct GpuKernel {
    pub source: Source,
    pub entry: &'static str,
    pub len: usize,
    pub words: Vec<(&'static str, Word)>,
    pub grid: Grid,
}

impl GpuKernel {
    /// A kernel with one invocation per element, entry point named as the shader.
    pub fn pointwise(stem: &'static str, len: usize) -> Self {
        Self {
            source: Source::Shader(stem),
            entry: stem,
            len,
            words: Vec::new(),
            grid: Grid::Elements(len),
        }
    }

    /// A kernel with one invocation a sample, which goes over a row; the word `elements` counts them.
    pub fn rowwise(
        stem: &'static str,
        entry: &'static str,
        elements: &'static str,
        row: &Slot,
    ) -> Self {
        let len = Word::U32(row.shape.len() as u32);
        Self::pointwise(stem, 1).per_sample().entry(entry).word(elements, len)
    }

    #[must_use]
    pub fn entry(mut self, entry: &'static str) -> Self {
        self.entry = entry;
        self
    }

    #[must_use]
    pub fn word(mut self, name: &'static str, word: Word) -> Self {
        self.words.push((name, word));
        self
    }

    /// One invocation a sample.
    #[must_use]
    pub fn per_sample(mut self) -> Self {
        self.grid = Grid::Sample;
        self
    }

    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.grid = Grid::Groups(groups);
        self
    }
}
