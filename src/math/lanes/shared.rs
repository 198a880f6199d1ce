//! A slice that several threads write, each at places of its own.

#![allow(unsafe_code, reason = "shares a slice between threads; the contract is stated")]

use std::marker::PhantomData;

/// Row blocks of a hybrid interleave, so that they cannot be lent as slices. What writes through
/// this is unsafe, and its caller keeps the places apart.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    start: *mut f32,
    length: usize,
    lent: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer is used only by unsafe functions, whose contract keeps threads apart.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub fn new(slice: &'a mut [f32]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), lent: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn as_mut_ptr(&self) -> *mut f32 {
        self.start
    }
}
