//! The types that a program is made of.

use std::sync::Arc;

use num_complex::Complex;

use crate::ops::Op;

/// Index of a slot in its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u32);

impl SlotId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Real,
    Complex,
    /// Complex; a GPU keeps it as two f16, the CPU as [`Kind::Complex`]. No op but a hop takes it.
    Half,
    /// `u32`.
    Index,
}

/// Order of the elements in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As the dimensions say, last fastest.
    Natural,
    /// A plane `[y, x]` in an order of the backend's own.
    Blocked,
    /// x transformed, y not: lines in an order of the backend's own.
    Hybrid,
    /// Both axes transformed, in the order in which the backend consumes them.
    Spectrum,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub kind: Kind,
    pub layout: Layout,
    /// Of one copy; the sample or leaf axis is not among them.
    pub dims: Vec<usize>,
}

impl Shape {
    pub fn real(dims: &[usize]) -> Self {
        Self { kind: Kind::Real, layout: Layout::Natural, dims: dims.to_vec() }
    }

    pub fn complex(dims: &[usize]) -> Self {
        Self { kind: Kind::Complex, layout: Layout::Natural, dims: dims.to_vec() }
    }

    pub fn index(dims: &[usize]) -> Self {
        Self { kind: Kind::Index, layout: Layout::Natural, dims: dims.to_vec() }
    }

    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Elements of one copy.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of one copy with reals of `real` bytes.
    pub fn bytes(&self, real: usize) -> usize {
        self.len()
            * match self.kind {
                Kind::Real | Kind::Half => real,
                Kind::Complex => 2 * real,
                Kind::Index => 4,
            }
    }
}

/// How many copies of a slot there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Once,
    /// One per sample of the batch.
    Sample,
    /// One per leaf; ops add to it, and a section that does so starts from zero.
    Leaf,
}

/// Host data of a slot; reals in f64 whatever the backend computes in.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Real(Vec<f64>),
    Complex(Vec<Complex<f64>>),
    Index(Vec<u32>),
}

impl Data {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Real(_) => Kind::Real,
            Self::Complex(_) => Kind::Complex,
            Self::Index(_) => Kind::Index,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Real(v) => v.len(),
            Self::Complex(v) => v.len(),
            Self::Index(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The reals, or nothing when the data are of another kind.
    pub fn reals(&self) -> &[f64] {
        if let Self::Real(v) = self { v } else { &[] }
    }

    pub fn complexes(&self) -> &[Complex<f64>] {
        if let Self::Complex(v) = self { v } else { &[] }
    }
}

/// A complex constant that is evaluated where it is used, for tables too large to keep.
#[derive(Clone)]
pub struct Formula(Arc<dyn Fn(usize) -> Complex<f64> + Send + Sync>);

impl Formula {
    /// `at(n)` is natural element n.
    pub fn new(at: impl Fn(usize) -> Complex<f64> + Send + Sync + 'static) -> Self {
        Self(Arc::new(at))
    }

    pub fn at(&self, n: usize) -> Complex<f64> {
        (self.0)(n)
    }
}

impl std::fmt::Debug for Formula {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Formula")
    }
}

#[derive(Debug, Clone)]
pub enum Role {
    /// Made on the host, never written again. Shared, not copied.
    Const(Arc<Data>),
    /// Likewise, never held as a whole where it need not be.
    Formula(Formula),
    /// Written by the host before a run.
    Input,
    /// Read by the host after a run.
    Output,
    /// What training moves; starts as given and lives in the checkpoint.
    Param(Arc<Data>),
    /// What an optimiser keeps; likewise.
    State(Arc<Data>),
    /// Lives inside one run of one routine.
    Temp,
}

#[derive(Debug, Clone)]
pub struct Slot {
    pub name: String,
    pub shape: Shape,
    pub domain: Domain,
    pub role: Role,
}

/// One op with its operands. Outputs of an optimiser are updated in place; outputs in the
/// `Leaf` domain are added to.
#[derive(Debug, Clone)]
pub struct Node {
    pub op: Op,
    pub inputs: Vec<SlotId>,
    pub outputs: Vec<SlotId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Once,
    PerSample,
}

#[derive(Debug, Clone)]
pub struct Section {
    pub name: &'static str,
    pub scope: Scope,
    pub nodes: Vec<Node>,
}

/// How a batch is cut: `count` leaves of `size` samples, the last perhaps shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaves {
    pub count: usize,
    pub size: usize,
}

impl Leaves {
    /// Leaves of a batch at most.
    pub const MOST: usize = 16;

    /// At most [`Self::MOST`] leaves.
    pub fn of(batch: usize) -> Self {
        Self::at_most(Self::MOST, batch)
    }

    /// At most so many leaves.
    pub fn at_most(most: usize, batch: usize) -> Self {
        let size = batch.div_ceil(most).max(1);
        Self { count: batch.div_ceil(size), size }
    }

    /// Samples of leaf `l` of which only the first `count` of the batch are there.
    pub fn range(self, l: usize, count: usize) -> std::ops::Range<usize> {
        (l * self.size).min(count)..((l + 1) * self.size).min(count)
    }
}

#[derive(Debug, Clone)]
pub struct Routine {
    pub name: &'static str,
    /// Most samples of one run.
    pub batch: usize,
    pub leaves: Leaves,
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, Default)]
pub struct Program {
    pub slots: Vec<Slot>,
    pub routines: Vec<Routine>,
}

impl Program {
    pub fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id.index()]
    }

    pub fn routine(&self, name: &str) -> Option<&Routine> {
        self.routines.iter().find(|r| r.name == name)
    }

    pub fn find(&self, name: &str) -> Option<SlotId> {
        self.slots.iter().position(|s| s.name == name).map(|i| SlotId(i as u32))
    }

    /// Copies of every slot that the host sees: one, or the largest batch of the routines in which
    /// it has one per sample.
    pub fn copies(&self) -> Vec<usize> {
        let mut copies = vec![1; self.slots.len()];
        for routine in &self.routines {
            let nodes = routine.sections.iter().flat_map(|s| &s.nodes);
            for id in nodes.flat_map(|n| n.inputs.iter().chain(&n.outputs)) {
                if self.slot(*id).domain == Domain::Sample {
                    copies[id.index()] = copies[id.index()].max(routine.batch);
                }
            }
        }
        copies
    }

    /// Slots that live in a checkpoint, in order.
    pub fn kept(&self) -> impl Iterator<Item = (SlotId, &Slot)> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, s)| matches!(s.role, Role::Param(_) | Role::State(_)))
            .map(|(i, s)| (SlotId(i as u32), s))
    }
}
