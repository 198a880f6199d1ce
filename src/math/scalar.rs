//! The real numbers that CPU kernels are generic over: f32 and f64.

use num_complex::Complex;
use num_traits::Float;
use rustfft::FftNum;

use super::real;

pub trait Scalar:
    Float + FftNum + bytemuck::Pod + std::iter::Sum + std::ops::AddAssign + std::ops::MulAssign
{
    const NAME: &'static str;
    /// Whether [`super::lanes`] computes in it.
    const LANES: bool;
    fn of(x: f64) -> Self;
    /// Of an integer below 2^24, exactly.
    fn of_u24(x: u32) -> Self;
    fn f64(self) -> f64;
    /// exp(ix), with the twin of the WGSL function in f32; so are the two that follow.
    fn cis(self) -> Complex<Self>;
    fn exponential(self) -> Self;
    fn logarithm(self) -> Self;
    /// Of a normal positive number, without a branch.
    fn logarithm_of_normal(self) -> Self;

    fn complex_of(z: Complex<f64>) -> Complex<Self> {
        Complex::new(Self::of(z.re), Self::of(z.im))
    }
}

impl Scalar for f32 {
    const NAME: &'static str = "f32";
    const LANES: bool = true;
    fn of(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn of_u24(x: u32) -> Self {
        // Signed, which every instruction set converts.
        x as i32 as f32
    }
    fn f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn cis(self) -> Complex<Self> {
        real::cis_f32(self)
    }
    fn exponential(self) -> Self {
        real::exp_f32(self)
    }
    fn logarithm(self) -> Self {
        real::log_f32(self)
    }
    #[inline(always)]
    fn logarithm_of_normal(self) -> Self {
        real::log_normal_f32(self)
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "f64";
    const LANES: bool = false;
    fn of(x: f64) -> Self {
        x
    }
    fn of_u24(x: u32) -> Self {
        f64::from(x)
    }
    fn f64(self) -> f64 {
        self
    }
    fn cis(self) -> Complex<Self> {
        Complex::cis(self)
    }
    fn exponential(self) -> Self {
        self.exp()
    }
    fn logarithm(self) -> Self {
        self.ln()
    }
    fn logarithm_of_normal(self) -> Self {
        self.ln()
    }
}
