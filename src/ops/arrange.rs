//! How planes, hybrids and spectra lie in the memory of a CPU.
//!
//! Plainly: a plane as `[y, x]`, a hybrid as `[kx, y]`, a spectrum as `[kx, ky]`, so that columns
//! are contiguous. In lanes ([`crate::math::lanes`]): L rows, or L positions of transformed rows,
//! side by side in blocks of L real and L imaginary parts; of spectra that are even the half.

use super::Op;
use crate::error::{Error, Result};
use crate::math::lanes::{Isa, PlanePlan};
use crate::program::{Data, Layout, Node, Program, Role, Shape, SlotId, plan};

/// Reals that every copy of a slot in lanes is padded to: a cache line of f32.
const ALIGNMENT: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    field: [usize; 2],
    padded: [usize; 2],
}

/// In which order a node takes an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As a plane in the backend's own.
    Blocked,
    /// Element by element beside the node's others of this kind, which lie alike.
    Alike,
    /// In any: it looks up where each element lies.
    Any,
    /// As the dimensions say.
    Natural,
}

#[derive(Clone, Copy)]
enum End {
    Input(usize),
    Output(usize),
}

/// What is not said to be otherwise is taken as the dimensions say.
fn order(op: &Op, end: End) -> Order {
    use End::{Input, Output};
    let first = |count| match end {
        Input(n) if n >= count => Order::Natural,
        _ => Order::Alike,
    };
    match (op, end) {
        (Op::Hop(hop), Input(0)) if hop.chain.from_hybrid => Order::Natural,
        (Op::Hop(hop), Output(0)) if hop.chain.to_hybrid => Order::Natural,
        (Op::Hop(_), _) => Order::Blocked,
        (
            Op::Activate(_)
            | Op::ActivateAdjoint(_)
            | Op::Add(_)
            | Op::AddInto(_)
            | Op::Align(_)
            | Op::Attenuate(_)
            | Op::Augment(_)
            | Op::Clamp(_)
            | Op::Encode(_)
            | Op::Gain(_)
            | Op::GradSum(_)
            | Op::Graft(_)
            | Op::Intensity(_)
            | Op::IntensityAdjoint(_)
            | Op::LeafSum(_)
            | Op::Modulate(_)
            | Op::Phasor(_)
            | Op::Remodulate(_)
            | Op::RemodulateAdjoint(_)
            | Op::Rescale(_)
            | Op::SampleSum(_)
            | Op::Softplus(_)
            | Op::SoftplusAdjoint(_),
            _,
        )
        | (Op::Misfit(_) | Op::Similarity(_), Input(_)) => Order::Alike,
        (
            Op::Adam(_)
            | Op::Directional(_)
            | Op::GoodnessAdjoint(_)
            | Op::Overlay(_)
            | Op::Quantise(_)
            | Op::Sgd(_),
            _,
        ) => first(1),
        (Op::Expose(_) | Op::SimilarityAdjoint(_), _) => first(2),
        (Op::MisfitAdjoint(_), _) => first(3),
        (Op::Reshape(_) | Op::SparseSum(_), _)
        | (Op::Dot(_) | Op::Goodness(_) | Op::Power(_), Input(_))
        | (Op::Dense(_) | Op::DenseBack(_) | Op::DenseGrad(_), Input(0))
        | (Op::DenseBack(_) | Op::Draw(_), Output(_)) => Order::Any,
        _ => Order::Natural,
    }
}

/// What a node reads, then what it writes, each with the order in which it takes it.
pub fn operands(node: &Node) -> impl Iterator<Item = (SlotId, Order)> + '_ {
    let inputs =
        node.inputs.iter().enumerate().map(|(n, &id)| (id, order(&node.op, End::Input(n))));
    let outputs = node.outputs.iter().enumerate();
    inputs.chain(outputs.map(|(n, &id)| (id, order(&node.op, End::Output(n)))))
}

/// That no node is given an operand in an order that it does not take.
fn check(program: &Program, node: &Node) -> Result<()> {
    let is_blocked = |id: SlotId| program.slot(id).shape.layout == Layout::Blocked;
    let mut alike = None;
    for (id, order) in operands(node) {
        let slot = program.slot(id);
        let taken = match order {
            Order::Any => true,
            Order::Natural => !is_blocked(id),
            Order::Blocked => is_blocked(id),
            Order::Alike => {
                let first = *alike.get_or_insert(id);
                let dims = &program.slot(first).shape.dims;
                is_blocked(first) == is_blocked(id) && (!is_blocked(id) || *dims == slot.shape.dims)
            }
        };
        if !taken {
            let what =
                format!("{} lies {:?}, and is taken {order:?}", slot.name, slot.shape.layout);
            return Err(Error::Shape { op: node.op.name(), what });
        }
    }
    Ok(())
}

/// How a window of a program lies in lanes.
struct Lanes {
    window: Window,
    plan: PlanePlan,
    /// Along `[y, x]`: every transfer function has H(k) = H(-k), and is kept for one of both.
    even: [bool; 2],
}

/// The lane plans of a program's windows; none where everything lies plainly.
#[derive(Default)]
pub struct Arrangement {
    lanes: Vec<Lanes>,
}

impl Arrangement {
    /// In lanes wherever every window of the program has a plan, and windows of one size, which may
    /// share transfer functions, have them in one order.
    ///
    /// # Errors
    /// When a node is given an operand in an order that it does not take.
    pub fn lanes(program: &Program, isa: Isa) -> Result<Self> {
        let mut lanes: Vec<Lanes> = Vec::new();
        for node in program.routines.iter().flat_map(|r| &r.sections).flat_map(|s| &s.nodes) {
            check(program, node)?;
            let (field, padded) = match &node.op {
                Op::RowsIn(op) => (op.field, op.padded),
                Op::RowsOut(op) => (op.field, op.padded),
                Op::Columns(op) => (op.field, op.padded),
                Op::ColumnsGrad(op) => (op.field, op.padded),
                Op::Hop(op) => (op.field, op.padded),
                _ => continue,
            };
            let window = Window { field, padded };
            if lanes.iter().all(|known| known.window != window) {
                let Some(plan) = PlanePlan::new(field, padded, isa) else {
                    return Ok(Self::default());
                };
                let mut others = lanes.iter().filter(|known| known.window.padded == padded);
                if others.any(|known| !known.plan.orders_alike(&plan)) {
                    return Ok(Self::default());
                }
                lanes.push(Lanes { window, plan, even: even(program, padded) });
            }
        }
        Ok(Self { lanes })
    }

    /// The plan of a window, if it lies in lanes.
    pub fn plan(&self, field: [usize; 2], padded: [usize; 2]) -> Option<&PlanePlan> {
        self.of(field, padded).map(|lanes| &lanes.plan)
    }

    /// Whether spectra of a window are kept for one of k and -k, along `[y, x]`.
    pub fn even(&self, field: [usize; 2], padded: [usize; 2]) -> [bool; 2] {
        self.of(field, padded).map_or([false; 2], |lanes| lanes.even)
    }

    fn of(&self, field: [usize; 2], padded: [usize; 2]) -> Option<&Lanes> {
        self.lanes.iter().find(|lanes| lanes.window == Window { field, padded })
    }

    /// What a slot of this shape lies by.
    fn lanes_of(&self, shape: &Shape) -> Option<&Lanes> {
        let of = |w: &Window| match shape.layout {
            Layout::Natural => false,
            Layout::Blocked => shape.dims == w.field,
            Layout::Hybrid => shape.dims == [w.field[0], w.padded[1]],
            Layout::Spectrum => shape.dims == w.padded,
        };
        self.lanes.iter().find(|lanes| of(&lanes.window))
    }

    /// Reals that lie side by side: L in lanes, 1 where complex numbers are pairs.
    pub fn width(&self, shape: &Shape) -> usize {
        self.lanes_of(shape).map_or(1, |lanes| lanes.plan.rows().isa().lanes())
    }

    /// Elements of one copy in memory.
    pub fn len(&self, shape: &Shape) -> usize {
        let Some(Lanes { plan, even, .. }) = self.lanes_of(shape) else { return shape.len() };
        let lanes = plan.rows().isa().lanes();
        let len = match shape.layout {
            Layout::Natural | Layout::Blocked => plan.row_blocks() * shape.dims[1] * lanes,
            Layout::Hybrid => plan.hybrid_len() / 2,
            Layout::Spectrum => {
                let [blocks, positions] = plan.spectrum_dims(*even);
                blocks * positions * lanes
            }
        };
        len.next_multiple_of(ALIGNMENT)
    }

    /// Where element (y, x) of a copy lies, counted in elements; none where it is where it is.
    fn place(&self, shape: &Shape) -> Option<Box<dyn Fn(usize, usize) -> usize>> {
        if shape.layout == Layout::Natural {
            return None;
        }
        let [rows, columns] = [shape.dims[0], shape.dims[1]];
        let Some(Lanes { plan, even, .. }) = self.lanes_of(shape) else {
            let plain: Box<dyn Fn(usize, usize) -> usize> = Box::new(move |y, x| x * rows + y);
            return (shape.layout != Layout::Blocked).then_some(plain);
        };
        let lanes = plan.rows().isa().lanes();
        if shape.layout == Layout::Blocked {
            return Some(Box::new(move |y, x| ((y / lanes) * columns + x) * lanes + y % lanes));
        }
        let x_at = plan.row_positions();
        let column = plan.column_len() / 2;
        if shape.layout == Layout::Spectrum {
            let (plan, even, y_at) = (plan.clone(), *even, plan.columns().positions());
            let kept = |p: usize| if even[0] { plan.columns().low(p) } else { p };
            let y_at: Vec<usize> = y_at.into_iter().map(kept).collect();
            let [_, positions] = plan.spectrum_dims(even);
            return Some(Box::new(move |y, x| {
                let p = x_at[x];
                (plan.spectrum_block(p / lanes, even) * positions + y_at[y]) * lanes + p % lanes
            }));
        }
        let y_at: Vec<usize> = (0..rows).map(|y| plan.columns().place(y)).collect();
        Some(Box::new(move |y, x| {
            let p = x_at[x];
            (p / lanes) * column + y_at[y] * lanes + p % lanes
        }))
    }

    /// Calls `f` with the number of each natural element of all copies and where it lies.
    pub fn each(&self, shape: &Shape, copies: usize, mut f: impl FnMut(usize, usize)) {
        let (natural, len) = (shape.len(), self.len(shape));
        let Some(place) = self.place(shape) else {
            for copy in 0..copies {
                (0..natural).for_each(|n| f(copy * natural + n, copy * len + n));
            }
            return;
        };
        let [rows, columns] = [shape.dims[0], shape.dims[1]];
        for copy in 0..copies {
            let mut n = copy * natural;
            for y in 0..rows {
                for x in 0..columns {
                    f(n, copy * len + place(y, x));
                    n += 1;
                }
            }
        }
    }

    /// Where each natural element of one copy lies, for tables of indices.
    pub fn places(&self, shape: &Shape) -> Vec<u32> {
        let mut places = vec![0; shape.len()];
        self.each(shape, 1, |n, at| places[n] = at as u32);
        places
    }
}

impl plan::Memory for Arrangement {
    fn len(&self, shape: &Shape) -> usize {
        Self::len(self, shape)
    }

    fn in_place(&self, node: &Node) -> bool {
        match &node.op {
            Op::Columns(op) => self.plan(op.field, op.padded).is_some(),
            Op::Hop(op) => op.chain.to_hybrid && self.plan(op.field, op.padded).is_some(),
            _ => false,
        }
    }
}

/// Where the real part of element k lies among the reals.
pub fn real_part(k: usize, width: usize) -> usize {
    (k / width) * 2 * width + k % width
}

/// Whether H(k) = H(-k) for all spectra of a window of this size that are kept, along `[y, x]`: not for
/// those of tilted or shifted steps, nor those that are computed.
fn even(program: &Program, padded: [usize; 2]) -> [bool; 2] {
    let [my, mx] = padded;
    let spectra = program
        .slots
        .iter()
        .filter(|slot| slot.shape.layout == Layout::Spectrum && slot.shape.dims == padded);
    spectra.fold([true; 2], |[along_y, along_x], slot| match &slot.role {
        Role::Const(data) => match &**data {
            Data::Complex(h) if h.len() == my * mx => {
                let rows: Vec<_> = h.chunks_exact(mx).collect();
                [
                    along_y && (1..=my / 2).all(|k| rows[k] == rows[my - k]),
                    along_x && rows.iter().all(|h| (1..=mx / 2).all(|k| h[k] == h[mx - k])),
                ]
            }
            _ => [false; 2],
        },
        Role::Formula(_) => [along_y, along_x],
        _ => [false; 2],
    })
}

#[cfg(test)]
mod tests {
    use num_complex::Complex;

    use super::*;
    use crate::ops::add::Add;
    use crate::ops::apply::Apply;
    use crate::ops::columns::Columns;
    use crate::ops::rows_in::RowsIn;
    use crate::program::Builder;

    /// Half of an even transfer function is kept, all of one that a number keeps from being even.
    #[test]
    fn even_spectra_are_kept_once() {
        let (field, padded) = ([32, 32], [64, 64]);
        let shape = Shape::complex(&padded).layout(Layout::Spectrum);
        let mirror = |k: usize| (64 - k) % 64;
        let kept = |[oddness_y, oddness_x]: [f64; 2]| {
            let mut b = Builder::default();
            let x = b.input("x", Shape::complex(&field));
            let at = |n: usize| {
                let (y, x) = (n / 64, n % 64);
                let even = (y.min(mirror(y)) * 64 + x.min(mirror(x))) as f64;
                Complex::new(even, oddness_y * y as f64 + oddness_x * x as f64)
            };
            let numbers: Vec<_> = (0..64 * 64).map(at).collect();
            let h = b.constant("h", shape.clone(), || Data::Complex(numbers.clone()));
            b.routine("run", 1);
            let rows = b.emit(Op::RowsIn(RowsIn { field, padded }), &[x]).unwrap();
            b.emit(Op::Columns(Columns { field, padded, conj: false }), &[rows, h]).unwrap();
            let arrangement = Arrangement::lanes(&b.finish(), Isa::best()).unwrap();
            let even = arrangement.even(field, padded);
            let [blocks, positions] = arrangement.lanes[0].plan.spectrum_dims(even);
            let len = blocks * positions * Isa::best().lanes();
            assert_eq!(arrangement.len(&shape), len);
            let places = arrangement.places(&shape);
            let mut held = vec![None; len];
            for (n, place) in places.iter().enumerate() {
                let here = held[*place as usize].get_or_insert(numbers[n]);
                assert_eq!(*here, numbers[n], "{n} shares a place with another number");
            }
            // Those that are kept for one of both, along y and along x.
            let alike = |mirror: &dyn Fn(usize) -> usize| {
                (0..64 * 64).filter(|&n| mirror(n) != n && places[n] == places[mirror(n)]).count()
            };
            let along_y = alike(&|n| mirror(n / 64) * 64 + n % 64);
            (even, [along_y > 0, alike(&|n| n / 64 * 64 + mirror(n % 64)) > 0], len)
        };
        let (both, along_y, along_x, none) =
            (kept([0.0, 0.0]), kept([0.0, 1.0]), kept([1.0, 0.0]), kept([1.0, 1.0]));
        assert_eq!((both.0, both.1), ([true, true], [true, true]));
        assert_eq!((along_y.0, along_y.1), ([true, false], [true, false]));
        assert_eq!((along_x.0, along_x.1), ([false, true], [false, true]));
        assert_eq!((none.0, none.1, none.2), ([false, false], [false, false], 64 * 64));
        assert!(both.2 < along_y.2.min(along_x.2) && along_y.2.max(along_x.2) < none.2);
    }

    /// A field that fills its window and one that is padded in as large a one, with one transfer
    /// function, are right together: where their plans differ both lie plainly.
    #[test]
    fn windows_of_one_size_agree_on_a_transfer_function() {
        for isa in Isa::available() {
            let padded = [400, 400];
            let shape = Shape::complex(&padded).layout(Layout::Spectrum);
            let mut b = Builder::default();
            let h = b.constant("h", shape, || Data::Complex(vec![Complex::ONE; 400 * 400]));
            let fields = [[200, 200], [300, 300]];
            let inputs = fields.map(|field| b.input("x", Shape::complex(&field)));
            b.routine("run", 1);
            for (field, x) in fields.into_iter().zip(inputs) {
                let rows = b.emit(Op::RowsIn(RowsIn { field, padded }), &[x]).unwrap();
                b.emit(Op::Columns(Columns { field, padded, conj: false }), &[rows, h]).unwrap();
            }
            let arrangement = Arrangement::lanes(&b.finish(), isa).unwrap();
            let [one, other] = fields.map(|field| PlanePlan::new(field, padded, isa).unwrap());
            let wanted = if one.orders_alike(&other) { 2 } else { 0 };
            assert_eq!(arrangement.lanes.len(), wanted, "{isa:?}");
        }
    }

    /// A matrix that is read as it lies, and a sum of two that lie otherwise.
    #[test]
    fn an_operand_in_another_order_is_refused() {
        let refused = |op: Op, layouts: [Layout; 2]| {
            let mut b = Builder::default();
            let dims = if matches!(op, Op::Apply(_)) { [1, 4] } else { [4, 4] };
            let inputs = [dims, [4, 4]].map(|dims| b.input("x", Shape::complex(&dims)));
            b.routine("run", 1);
            let y = b.emit(op, &inputs)?;
            let mut program = b.finish();
            for (slot, layout) in
                inputs.into_iter().chain([y]).zip(layouts.into_iter().chain([layouts[0]]))
            {
                program.slots[slot.index()].shape.layout = layout;
            }
            Arrangement::lanes(&program, Isa::best()).map(|_| ())
        };
        let [plain, plane] = [Layout::Natural, Layout::Blocked];
        assert!(refused(Op::Add(Add), [plain, plain]).is_ok());
        assert!(refused(Op::Add(Add), [plane, plane]).is_ok());
        for (op, layouts) in [(Op::Add(Add), [plane, plain]), (Op::Apply(Apply), [plain, plane])] {
            let error = refused(op, layouts).expect_err("another order").to_string();
            assert!(error.contains("Natural") || error.contains("Blocked"), "{error}");
        }
    }
}
