//! A case: a small program whose outputs say whether an op computes what it should.

use num_complex::Complex;

use crate::error::Result;
use crate::math::random::{Site, uniform};
use crate::program::{Builder, Data, Domain, Kind, Program, Role, Shape, SlotId};

/// The routine of a case's program.
pub const ROUTINE: &str = "case";
/// Samples in a case: leaves of three, whose order shows in the sum, and one that is cut short.
pub const BATCH: usize = 35;

#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub program: Program,
    /// Values of the inputs, all samples.
    pub inputs: Vec<(SlotId, Data)>,
    /// Slots to compare: outputs, parameters, states.
    pub compare: Vec<SlotId>,
    /// Rounding steps between input and output: the tolerance is `depth` x eps x a constant.
    pub depth: f64,
}

/// Reals in [-1, 1) that depend on `salt` alone.
pub fn reals(salt: u32, n: usize) -> Vec<f64> {
    // Rounded to f32, so that every backend starts from the same numbers.
    let draw = |i: usize| f64::from(uniform(1, salt, Site::Test, i as u32) as f32);
    (0..n).map(|i| 2.0 * draw(i) - 1.0).collect()
}

pub fn complexes(salt: u32, n: usize) -> Vec<Complex<f64>> {
    let r = reals(salt, 2 * n);
    (0..n).map(|i| Complex::new(r[2 * i], r[2 * i + 1])).collect()
}

/// A case under construction.
#[derive(Debug)]
pub struct CaseBuilder {
    pub b: Builder,
    inputs: Vec<(SlotId, Data)>,
    compare: Vec<SlotId>,
    salt: u32,
}

impl Default for CaseBuilder {
    fn default() -> Self {
        let mut b = Builder::default();
        b.routine(ROUTINE, BATCH);
        Self { b, inputs: Vec::new(), compare: Vec::new(), salt: 0 }
    }
}

impl CaseBuilder {
    fn salt(&mut self) -> u32 {
        self.salt += 1;
        self.salt
    }

    /// A random input with one copy per sample.
    pub fn sample(&mut self, shape: Shape) -> SlotId {
        let salt = self.salt();
        let n = shape.len() * BATCH;
        let data = match shape.kind {
            Kind::Real => Data::Real(reals(salt, n)),
            Kind::Complex | Kind::Half => Data::Complex(complexes(salt, n)),
            Kind::Index => Data::Index(vec![0; n]),
        };
        self.given(shape, data)
    }

    /// An input with given values for all samples.
    pub fn given(&mut self, shape: Shape, data: Data) -> SlotId {
        let name = format!("input{}", self.inputs.len());
        let id = self.b.input(&name, shape);
        self.inputs.push((id, data));
        id
    }

    /// A random constant.
    #[allow(clippy::needless_pass_by_value, reason = "shapes are made where they are passed")]
    pub fn constant(&mut self, shape: Shape) -> SlotId {
        let salt = self.salt();
        let n = shape.len();
        self.b.constant(&format!("const{salt}"), shape.clone(), || match shape.kind {
            Kind::Real => Data::Real(reals(salt, n)),
            Kind::Complex | Kind::Half => Data::Complex(complexes(salt, n)),
            Kind::Index => Data::Index(vec![0; n]),
        })
    }

    /// A random parameter, compared after the run.
    pub fn param(&mut self, shape: Shape) -> SlotId {
        let salt = self.salt();
        let data = Data::Real(reals(salt, shape.len()));
        let id = self.b.param(&format!("param{salt}"), shape, data);
        self.compare.push(id);
        id
    }

    pub fn state(&mut self, shape: Shape, data: Data) -> SlotId {
        let salt = self.salt();
        let id = self.b.state(&format!("state{salt}"), shape, data);
        self.compare.push(id);
        id
    }

    pub fn compare(&mut self, id: SlotId) {
        if matches!(self.b.slot(id).role, Role::Temp) {
            let name = format!("output{}", self.compare.len());
            self.b.output(id, &name);
        }
        self.compare.push(id);
    }

    /// Sums a per-leaf slot so that it can be compared.
    pub fn compare_leaf(&mut self, id: SlotId) -> Result<()> {
        debug_assert_eq!(self.b.slot(id).domain, Domain::Leaf);
        self.b.section("reduce");
        let sum = self.b.emit(super::Op::LeafSum(super::leaf_sum::LeafSum), &[id])?;
        self.compare(sum);
        Ok(())
    }

    pub fn finish(self, name: impl Into<String>, depth: f64) -> Case {
        Case {
            name: name.into(),
            program: self.b.finish(),
            inputs: self.inputs,
            compare: self.compare,
            depth,
        }
    }
}

/// A case whose construction cannot fail on correct code; a failure is a bug in the case.
pub fn build(
    name: impl Into<String>,
    depth: f64,
    make: impl FnOnce(&mut CaseBuilder) -> Result<()>,
) -> Case {
    let name = name.into();
    let mut builder = CaseBuilder::default();
    if let Err(e) = make(&mut builder) {
        unreachable!("case {name} does not build: {e}");
    }
    builder.finish(name, depth)
}
