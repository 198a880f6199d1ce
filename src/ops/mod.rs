//! How each primitive computes: one op a file, its equation first, then its parameters, shape,
//! adjoint, CPU kernel, GPU kernel as plain data, cost and cases.
//!
//! Builders check, kernels assume: `shape` refuses operands that do not fit, and the kernels
//! have no error path.

pub mod activate;
pub mod adam;
pub mod add;
pub mod align;
pub mod apply;
pub mod arrange;
pub mod attenuate;
pub mod augment;
pub mod case;
pub mod clamp;
pub mod columns;
pub mod columns_grad;
pub mod count;
pub mod cross_entropy;
pub mod dense;
pub mod dot;
pub mod draw;
pub mod efficiency;
pub mod encode;
pub mod expose;
pub mod gain;
pub mod goodness;
pub mod grad_sum;
pub mod graft;
pub mod hop;
pub mod intensity;
pub mod kernel;
pub mod lane_kernels;
pub mod leaf_sum;
pub mod lines;
pub mod mean_squared;
pub mod mesh;
pub mod mesh_cells;
pub mod mesh_powers;
pub mod misfit;
pub mod modulate;
pub mod overlay;
pub mod phasor;
pub mod place;
pub mod planar;
pub mod power;
pub mod project;
pub mod quantise;
pub mod readout;
pub mod record;
pub mod remodulate;
pub mod reshape;
pub mod rows_in;
pub mod rows_out;
pub mod sample_sum;
pub mod sgd;
pub mod similarity;
pub mod softplus;
pub mod sparse_sum;
pub mod transfer;
pub mod wrong_label;

use kernel::{Cost, CpuCompile, CpuKernel, GpuKernel};

use crate::error::{Error, Result};
use crate::math::scalar::Scalar;
use crate::program::adjoint::Adjoint;
use crate::program::{Kind, Node, Shape, Slot};

/// What a primitive is asked for.
pub trait Primitive {
    const NAME: &'static str;

    /// On the CPU the kernel takes all samples of a leaf at once ([`kernel::Io::count`]), side by
    /// side in SIMD lanes.
    const WIDE: bool = false;

    /// Shape of the output, or why the operands do not fit.
    fn shape(&self, inputs: &[&Slot]) -> Result<Shape>;

    /// Emits what takes the output's gradient to the inputs'.
    fn adjoint(&self, _walk: &mut Adjoint, _node: &Node) -> Result<()> {
        Err(Error::NoAdjoint { op: Self::NAME })
    }

    fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T>;

    fn gpu(&self, inputs: &[&Slot]) -> GpuKernel;

    /// Of one copy.
    fn cost(&self, inputs: &[&Slot]) -> Cost;
}

macro_rules! ops {
    ($($module:ident :: $op:ident),* $(,)?) => {
        /// One node's op with its static parameters.
        #[derive(Debug, Clone)]
        pub enum Op { $($op($module::$op)),* }

        impl Op {
            pub fn name(&self) -> &'static str {
                match self { $(Self::$op(_) => <$module::$op as Primitive>::NAME),* }
            }
            pub fn wide(&self) -> bool {
                match self { $(Self::$op(_) => <$module::$op as Primitive>::WIDE),* }
            }
            pub fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
                match self { $(Self::$op(op) => op.shape(inputs)),* }
            }
            pub fn adjoint(&self, walk: &mut Adjoint, node: &Node) -> Result<()> {
                match self { $(Self::$op(op) => op.adjoint(walk, node)),* }
            }
            pub fn cpu<T: Scalar>(&self, inputs: &[&Slot], compile: &mut CpuCompile<T>) -> CpuKernel<T> {
                match self { $(Self::$op(op) => op.cpu(inputs, compile)),* }
            }
            pub fn gpu(&self, inputs: &[&Slot]) -> GpuKernel {
                match self { $(Self::$op(op) => op.gpu(inputs)),* }
            }
            pub fn cost(&self, inputs: &[&Slot]) -> Cost {
                match self { $(Self::$op(op) => op.cost(inputs)),* }
            }
        }
    };
}

ops! {
    activate::Activate,
    activate::ActivateAdjoint,
    adam::Adam,
    add::Add,
    add::AddInto,
    align::Align,
    apply::Apply,
    apply::MatrixAdjoint,
    apply::Outer,
    attenuate::Attenuate,
    augment::Augment,
    clamp::Clamp,
    columns::Columns,
    columns_grad::ColumnsGrad,
    count::Count,
    cross_entropy::CrossEntropy,
    cross_entropy::CrossEntropyAdjoint,
    dense::Dense,
    dense::DenseBack,
    dense::DenseGrad,
    dot::Dot,
    draw::Draw,
    efficiency::Efficiency,
    efficiency::EfficiencyAdjoint,
    encode::Encode,
    expose::Expose,
    gain::Directional,
    gain::Gain,
    goodness::Goodness,
    goodness::GoodnessAdjoint,
    grad_sum::GradSum,
    graft::Graft,
    graft::Rescale,
    hop::Hop,
    intensity::Intensity,
    intensity::IntensityAdjoint,
    leaf_sum::LeafSum,
    mean_squared::MeanSquared,
    mean_squared::MeanSquaredAdjoint,
    mesh::Mesh,
    mesh::MeshAdjoint,
    mesh_cells::MeshCells,
    mesh_cells::MeshCellsAdjoint,
    mesh_cells::MeshInverse,
    mesh_powers::MeshPowers,
    misfit::Misfit,
    misfit::MisfitAdjoint,
    modulate::Modulate,
    overlay::Overlay,
    phasor::Phasor,
    place::Place,
    power::Power,
    project::Normalise,
    project::Project,
    quantise::Quantise,
    readout::Readout,
    readout::ReadoutAdjoint,
    record::Record,
    remodulate::Remodulate,
    remodulate::RemodulateAdjoint,
    reshape::Reshape,
    rows_in::RowsIn,
    rows_out::RowsOut,
    sample_sum::SampleSum,
    sgd::Sgd,
    similarity::Similarity,
    similarity::SimilarityAdjoint,
    softplus::Softplus,
    softplus::SoftplusAdjoint,
    sparse_sum::SparseSum,
    transfer::Transfer,
    transfer::TransferAdjoint,
    wrong_label::WrongLabel,
}

/// Every case of every op, for the twins, the adjoint tests, the benches and `doctor`.
pub fn cases() -> Vec<case::Case> {
    let mut all = Vec::new();
    for cases in [
        activate::cases,
        adam::cases,
        add::cases,
        align::cases,
        apply::cases,
        attenuate::cases,
        augment::cases,
        clamp::cases,
        columns::cases,
        columns_grad::cases,
        count::cases,
        cross_entropy::cases,
        dense::cases,
        dot::cases,
        draw::cases,
        efficiency::cases,
        encode::cases,
        expose::cases,
        gain::cases,
        goodness::cases,
        grad_sum::cases,
        graft::cases,
        hop::cases,
        intensity::cases,
        leaf_sum::cases,
        mean_squared::cases,
        mesh::cases,
        mesh_cells::cases,
        mesh_powers::cases,
        misfit::cases,
        modulate::cases,
        overlay::cases,
        phasor::cases,
        place::cases,
        power::cases,
        project::cases,
        quantise::cases,
        readout::cases,
        record::cases,
        remodulate::cases,
        reshape::cases,
        rows_in::cases,
        sample_sum::cases,
        sgd::cases,
        similarity::cases,
        softplus::cases,
        sparse_sum::cases,
        transfer::cases,
        wrong_label::cases,
    ] {
        all.extend(cases());
    }
    all
}

/// Checks the number and the kinds of the operands.
fn expect(op: &'static str, inputs: &[&Slot], kinds: &[Kind]) -> Result<()> {
    let given: Vec<Kind> = inputs.iter().map(|s| s.shape.kind).collect();
    if given == kinds {
        return Ok(());
    }
    let names: Vec<&str> = inputs.iter().map(|s| s.name.as_str()).collect();
    Err(Error::Shape { op, what: format!("takes {kinds:?}, was given {given:?} ({names:?})") })
}

/// Reals of an operand; a complex number is two.
fn reals(slot: &Slot) -> usize {
    slot.shape.len() * if slot.shape.kind == Kind::Real { 1 } else { 2 }
}

/// 1 where the last operand, an incoming gradient, has a copy per sample, 0 where all samples share
/// one.
fn copies_of_last(inputs: &[&Slot]) -> kernel::Word {
    let own = inputs.last().is_some_and(|s| s.domain == crate::program::Domain::Sample);
    kernel::Word::U32(u32::from(own))
}

/// Checks that two operands have the same number of elements.
fn same_len(op: &'static str, a: &Slot, b: &Slot) -> Result<()> {
    if a.shape.len() == b.shape.len() {
        return Ok(());
    }
    let what = format!("{} is {:?}, {} is {:?}", a.name, a.shape.dims, b.name, b.shape.dims);
    Err(Error::Shape { op, what })
}
