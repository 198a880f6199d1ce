//! Typed memory of the CPU backend.

use num_complex::Complex;

use crate::math::aligned::Aligned;
use crate::math::scalar::Scalar;
use crate::ops::kernel::{View, ViewMut};
use crate::program::{Data, Kind};

#[derive(Debug, Clone, Default)]
pub enum Buffer<T> {
    Real(Aligned<T>),
    Complex(Aligned<Complex<T>>),
    Index(Vec<u32>),
    #[default]
    None,
}

impl<T: Scalar> Buffer<T> {
    pub fn zeros(kind: Kind, len: usize) -> Self {
        match kind {
            Kind::Real => Self::Real(Aligned::zeros(len)),
            Kind::Complex => Self::Complex(Aligned::zeros(len)),
            Kind::Index => Self::Index(vec![0; len]),
        }
    }

    pub fn of(data: &Data) -> Self {
        match data {
            Data::Real(v) => Self::Real(v.iter().map(|&x| T::of(x)).collect()),
            Data::Complex(v) => Self::Complex(v.iter().map(|&z| T::complex_of(z)).collect()),
            Data::Index(v) => Self::Index(v.clone()),
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

    /// Overwrites the first elements; kinds were checked.
    pub fn write(&mut self, data: &Data) {
        match (self, data) {
            (Self::Real(to), Data::Real(from)) => {
                to.iter_mut().zip(from).for_each(|(to, &x)| *to = T::of(x));
            }
            (Self::Complex(to), Data::Complex(from)) => {
                to.iter_mut().zip(from).for_each(|(to, &z)| *to = T::complex_of(z));
            }
            (Self::Index(to), Data::Index(from)) => to[..from.len()].copy_from_slice(from),
            _ => unreachable!("kinds were checked before"),
        }
    }

    pub fn read(&self) -> Data {
        match self {
            Self::Real(v) => Data::Real(v.iter().map(|x| x.f64()).collect()),
            Self::Complex(v) => {
                Data::Complex(v.iter().map(|z| Complex::new(z.re.f64(), z.im.f64())).collect())
            }
            Self::Index(v) => Data::Index(v.clone()),
            Self::None => Data::Real(Vec::new()),
        }
    }

    pub fn view(&self, range: std::ops::Range<usize>) -> View<'_, T> {
        match self {
            Self::Real(v) => View::Real(&v[range]),
            Self::Complex(v) => View::Complex(&v[range]),
            Self::Index(v) => View::Index(&v[range]),
            Self::None => View::Index(&[]),
        }
    }

    pub fn view_mut(&mut self, len: usize) -> ViewMut<'_, T> {
        match self {
            Self::Real(v) => ViewMut::Real(&mut v[..len]),
            Self::Complex(v) => ViewMut::Complex(&mut v[..len]),
            Self::Index(v) => ViewMut::Index(&mut v[..len]),
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

/// Whether every number of a view is finite.
pub fn is_finite<T: Scalar>(view: &ViewMut<'_, T>) -> bool {
    match view {
        ViewMut::Real(v) => v.iter().all(|x| x.is_finite()),
        ViewMut::Complex(v) => v.iter().all(|z| z.re.is_finite() && z.im.is_finite()),
        ViewMut::Index(_) | ViewMut::None => true,
    }
}
