//! ring[step mod length] = x, in place: what the host reads now and then instead of waiting for
//! every step. x `[1]`, step `[1]`, ring `[length]`.

use super::case::{Case, build};
use super::kernel::{Cost, CpuCompile, CpuKernel, GpuKernel, Word};
use super::{Op, Primitive, expect};
use crate::error::Result;
use crate::math::scalar::Scalar;
use crate::program::{Data, Kind, Shape, Slot};

#[derive(Debug, Clone)]
pub struct Record {
    pub length: usize,
}

impl Primitive for Record {
    const NAME: &'static str = "record";

    fn shape(&self, inputs: &[&Slot]) -> Result<Shape> {
        expect(Self::NAME, inputs, &[Kind::Real, Kind::Index])?;
        Ok(Shape::real(&[self.length]))
    }

    fn cpu<T: Scalar>(&self, _: &[&Slot], _: &mut CpuCompile<T>) -> CpuKernel<T> {
        CpuKernel::new(|io| {
            let ring = io.outputs[0].real();
            let at = io.inputs[1].index()[0] as usize % ring.len();
            ring[at] = io.inputs[0].real()[0];
        })
    }

    fn gpu(&self, _: &[&Slot]) -> GpuKernel {
        GpuKernel::pointwise(Self::NAME, 1).word("length", Word::U32(self.length as u32))
    }

    fn cost(&self, _: &[&Slot]) -> Cost {
        Cost::new(1, 3)
    }
}

pub fn cases() -> Vec<Case> {
    vec![build("record", 0.0, |c| {
        let x = c.constant(Shape::real(&[1]));
        let step = c.state(Shape::index(&[1]), Data::Index(vec![13]));
        let ring = c.state(Shape::real(&[4]), Data::Real(vec![0.5; 4]));
        c.b.emit_into(Op::Record(Record { length: 4 }), &[x, step], &[ring])
    })]
}
