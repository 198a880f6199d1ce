//! Typed memory of the CPU backend.

use num_complex::Complex;

use crate::math::aligned::{Aligned, Room};
use crate::math::scalar::Scalar;
use crate::ops::arrange::{Arrangement, real_part};
use crate::ops::kernel::{View, ViewMut};
use crate::program::{Data, Formula, Kind, Shape};

#[derive(Debug, Clone, Default)]
pub enum Buffer<T> {
    Real(Aligned<T>),
    Complex(Aligned<Complex<T>>),
    Index(Vec<u32>),
    #[default]
    None,
}

impl<T: Scalar> Buffer<T> {
    pub fn zeros(kind: Kind, len: usize, room: &mut Room) -> Self {
        match kind {
            Kind::Real => Self::Real(room.zeros(len)),
            Kind::Complex | Kind::Half => Self::Complex(room.zeros(len)),
            Kind::Index => Self::Index(vec![0; len]),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Real(v) => v.len(),
            Self::Complex(v) => v.len(),
            Self::Index(v) => v.len(),
            Self::None => 0,
        }
    }

    /// Overwrites the first copies with natural data; kinds were checked.
    pub fn write(&mut self, arrangement: &Arrangement, shape: &Shape, data: &Data) {
        let copies = data.len() / shape.len().max(1);
        let width = arrangement.width(shape);
        match (self, data) {
            (Self::Real(to), Data::Real(from)) => {
                arrangement.each(shape, copies, |n, at| to[at] = T::of(from[n]));
            }
            (Self::Complex(to), Data::Complex(from)) => {
                let to: &mut [T] = bytemuck::cast_slice_mut(to);
                arrangement.each(shape, copies, |n, at| put(to, at, width, from[n]));
            }
            (Self::Index(to), Data::Index(from)) => to[..from.len()].copy_from_slice(from),
            _ => unreachable!("kinds were checked before"),
        }
    }

    /// The values of a formula, one copy.
    pub fn make(
        arrangement: &Arrangement,
        shape: &Shape,
        formula: &Formula,
        room: &mut Room,
    ) -> Self {
        let mut all: Aligned<Complex<T>> = room.zeros(arrangement.len(shape));
        let width = arrangement.width(shape);
        let to: &mut [T] = bytemuck::cast_slice_mut(&mut all);
        arrangement.each(shape, 1, |n, at| put(to, at, width, formula.at(n)));
        Self::Complex(all)
    }

    /// All copies in natural order; none where there is no memory.
    pub fn read(&self, arrangement: &Arrangement, shape: &Shape) -> Option<Data> {
        let copies = self.len() / arrangement.len(shape).max(1);
        let (width, len) = (arrangement.width(shape), copies * shape.len());
        Some(match self {
            Self::Real(v) => {
                let mut out = vec![0.0; len];
                arrangement.each(shape, copies, |n, at| out[n] = v[at].f64());
                Data::Real(out)
            }
            Self::Complex(v) => {
                let (mut out, v) = (vec![Complex::ZERO; len], bytemuck::cast_slice::<_, T>(v));
                arrangement.each(shape, copies, |n, at| {
                    let at = real_part(at, width);
                    out[n] = Complex::new(v[at].f64(), v[at + width].f64());
                });
                Data::Complex(out)
            }
            Self::Index(v) => Data::Index(v.clone()),
            Self::None => return None,
        })
    }

    pub fn view(&self, range: std::ops::Range<usize>) -> View<'_, T> {
        match self {
            Self::Real(v) => View::Real(&v[range]),
            Self::Complex(v) => View::Complex(&v[range]),
            Self::Index(v) => View::Index(&v[range]),
            Self::None => View::Index(&[]),
        }
    }

    pub fn view_mut(&mut self, range: std::ops::Range<usize>) -> ViewMut<'_, T> {
        match self {
            Self::Real(v) => ViewMut::Real(&mut v[range]),
            Self::Complex(v) => ViewMut::Complex(&mut v[range]),
            Self::Index(v) => ViewMut::Index(&mut v[range]),
            Self::None => ViewMut::None,
        }
    }

    /// The buffer in pieces of `len`, the last perhaps shorter.
    pub fn chunks_mut(&mut self, len: usize) -> Vec<ViewMut<'_, T>> {
        match self {
            Self::Real(v) => v.chunks_mut(len).map(ViewMut::Real).collect(),
            Self::Complex(v) => v.chunks_mut(len).map(ViewMut::Complex).collect(),
            Self::Index(v) => v.chunks_mut(len).map(ViewMut::Index).collect(),
            Self::None => Vec::new(),
        }
    }
}

fn put<T: Scalar>(reals: &mut [T], at: usize, width: usize, z: Complex<f64>) {
    let at = real_part(at, width);
    (reals[at], reals[at + width]) = (T::of(z.re), T::of(z.im));
}

/// Whether every number of a view is finite.
pub fn is_finite<T: Scalar>(view: &ViewMut<'_, T>) -> bool {
    match view {
        ViewMut::Real(v) => v.iter().all(|x| x.is_finite()),
        ViewMut::Complex(v) => v.iter().all(|z| z.re.is_finite() && z.im.is_finite()),
        ViewMut::Index(_) | ViewMut::None => true,
    }
}
