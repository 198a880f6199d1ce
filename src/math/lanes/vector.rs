//! What a register of f32 lanes can do; one implementation an instruction set.

#![allow(unsafe_code, reason = "loads and stores of lanes; each contract is stated")]

/// A register of [`Vector::LANES`] f32.
///
/// A value proves that the instruction set is there, because only the unsafe [`Vector::load`] and
/// [`Vector::load_any`] make one from nothing; so arithmetic on values is safe.
pub trait Vector: Copy {
    const LANES: usize;
    /// How many of them there are.
    const REGISTERS: usize;

    /// # Safety
    /// The instruction set is there; `p` is good for `LANES` f32 and aligned to them.
    unsafe fn load(p: *const f32) -> Self;
    /// # Safety
    /// As [`Self::load`], but for the alignment.
    unsafe fn load_any(p: *const f32) -> Self;
    /// # Safety
    /// `p` is good for `LANES` f32 and aligned to them.
    unsafe fn store(self, p: *mut f32);
    /// # Safety
    /// `p` is good for `LANES` f32.
    unsafe fn store_any(self, p: *mut f32);

    /// `x` in all lanes; `self` is only the proof.
    fn splat(self, x: f32) -> Self;
    fn add(self, o: Self) -> Self;
    fn sub(self, o: Self) -> Self;
    fn mul(self, o: Self) -> Self;
    fn neg(self) -> Self;
    /// `self * b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`.
    fn mul_sub_from(self, b: Self, c: Self) -> Self;

    /// Even and odd places of `self` followed by `o`: re and im of interleaved numbers.
    fn split(self, o: Self) -> (Self, Self);
    /// The inverse of [`Self::split`].
    fn join(self, o: Self) -> (Self, Self);

    /// Writes column j of the square tile, whose row i is at `from(i)`, to `to(j)`.
    ///
    /// # Safety
    /// The instruction set is there; `from` and `to` give places as [`Self::load`] wants them, and
    /// no place written is one still to be read.
    unsafe fn transpose(from: impl Fn(usize) -> *const f32, to: impl Fn(usize) -> *mut f32);
}
