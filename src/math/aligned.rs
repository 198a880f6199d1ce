//! Slices that begin on a cache line, as vector loads want it.

#![allow(unsafe_code, reason = "slices of a mapping; the argument is at `Memory`")]

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use memmap2::{MmapMut, MmapRaw};

/// 64 bytes.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

#[derive(Debug)]
enum Memory {
    Own(Vec<Line>),
    /// Lines of the mapping, in it, that a [`Room`] gave to nobody else.
    Part {
        mapping: Arc<MmapRaw>,
        lines: std::ops::Range<usize>,
    },
}

/// The first line of a mapping, which starts on a page.
fn start(mapping: &MmapRaw) -> *mut Line {
    mapping.as_mut_ptr().cast()
}

impl Memory {
    fn lines(&self) -> &[Line] {
        match self {
            Self::Own(lines) => lines,
            // SAFETY: these lines are this part's alone and any bits are a `Line`.
            Self::Part { mapping, lines } => unsafe {
                std::slice::from_raw_parts(start(mapping).add(lines.start), lines.len())
            },
        }
    }

    fn lines_mut(&mut self) -> &mut [Line] {
        match self {
            Self::Own(lines) => lines,
            // SAFETY: as in `lines`.
            Self::Part { mapping, lines } => unsafe {
                std::slice::from_raw_parts_mut(start(mapping).add(lines.start), lines.len())
            },
        }
    }
}

#[derive(Debug)]
pub struct Aligned<T> {
    memory: Memory,
    len: usize,
    of: PhantomData<T>,
}

fn lines_of<T>(len: usize) -> usize {
    (len * size_of::<T>()).div_ceil(size_of::<Line>())
}

impl<T: Pod> Aligned<T> {
    pub fn zeros(len: usize) -> Self {
        let memory = Memory::Own(vec![Line::zeroed(); lines_of::<T>(len)]);
        Self { memory, len, of: PhantomData }
    }
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { memory: Memory::Own(Vec::new()), len: 0, of: PhantomData }
    }
}

impl<T> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let memory = Memory::Own(self.memory.lines().to_vec());
        Self { memory, len: self.len, of: PhantomData }
    }
}

impl<T: Pod> FromIterator<T> for Aligned<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let values: Vec<T> = values.into_iter().collect();
        let mut aligned = Self::zeros(values.len());
        aligned.copy_from_slice(&values);
        aligned
    }
}

impl<T: Pod> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &bytemuck::cast_slice(self.memory.lines())[..self.len]
    }
}

impl<T: Pod> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(self.memory.lines_mut())[..self.len]
    }
}

/// One piece of memory for many slices that live as long as each other. The system is asked to
/// keep it on huge pages, of which a processor finds every address at once.
#[derive(Debug)]
pub struct Room {
    mapping: Option<Arc<MmapRaw>>,
    /// Lines that are given away.
    taken: usize,
}

/// Bytes of a huge page of x86-64, and of arm64 with pages of 4 KiB.
const HUGE: usize = 2 << 20;
/// Lines left out between two slices, an odd number: slices whose length is a power of two would
/// meet in the same few sets of a cache.
const STAGGER: usize = 33;

impl Room {
    /// For slices of so many bytes in all. Small rooms are none: their slices lie anywhere.
    pub fn of(bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).ok().and_then(|b| b.checked_next_multiple_of(HUGE));
        // What does not fit either is left to the allocator.
        let mapping = bytes.filter(|b| *b > 2 * HUGE).and_then(|b| MmapMut::map_anon(b).ok());
        if let Some(mapping) = &mapping {
            #[cfg(target_os = "linux")]
            // A system without huge pages says no, and then goes on without.
            let _ = mapping.advise(memmap2::Advice::HugePage);
        }
        Self { mapping: mapping.map(|m| Arc::new(MmapRaw::from(m))), taken: 0 }
    }

    /// Zeros; anywhere, when the room is full.
    pub fn zeros<T: Pod>(&mut self, len: usize) -> Aligned<T> {
        let lines = self.taken..self.taken + lines_of::<T>(len);
        match &self.mapping {
            Some(mapping) if lines.end * size_of::<Line>() <= mapping.len() => {
                self.taken = lines.end + STAGGER;
                let memory = Memory::Part { mapping: Arc::clone(mapping), lines };
                Aligned { memory, len, of: PhantomData }
            }
            _ => Aligned::zeros(len),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_of_a_room_are_zero_apart_and_aligned() {
        let mut room = Room::of(5 << 20);
        let mut all: Vec<Aligned<f32>> = (0..40).map(|n| room.zeros(50_001 + n)).collect();
        for (n, one) in all.iter_mut().enumerate() {
            assert_eq!(one.len(), 50_001 + n);
            assert!(one.as_ptr().addr().is_multiple_of(64));
            assert!(one.iter().all(|x| *x == 0.0), "slice {n} is written by another");
            one.fill(n as f32 + 1.0);
        }
        let parts = all.iter().filter(|a| matches!(a.memory, Memory::Part { .. })).count();
        assert!((20..40).contains(&parts), "some fit and some do not: {parts}");
        let copies = all.clone();
        drop(room);
        for (n, (one, copy)) in all.iter_mut().zip(&copies).enumerate() {
            assert!(one.iter().all(|x| *x == n as f32 + 1.0));
            one.fill(0.0);
            assert!(copy.iter().all(|x| *x == n as f32 + 1.0), "a copy is its own");
        }
        assert!(matches!(Room::of(1 << 20).zeros::<u32>(10).memory, Memory::Own(_)));
    }
}
