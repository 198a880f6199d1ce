//! Columns of a hybrid, with H between there and back.

#![allow(unsafe_code, reason = "calls passes over buffers whose lengths are checked here")]

use super::PlanePlan;
use crate::math::lanes::pointwise::correlate;

impl PlanePlan {
    /// Columns of blocks of positions: pad, transform, times H (or conj), back, crop.
    ///
    /// columns: `[blocks][height]` elements of a hybrid, in place; `h(b)`: the block of a spectrum for
    /// the b-th of them, even along y or not.
    pub fn columns_in_place<'a>(
        &self,
        columns: &mut [f32],
        h: impl Fn(usize) -> &'a [f32],
        [conj, even]: [bool; 2],
        scratch: &mut [f32],
    ) {
        let count = self.count(columns);
        let columns = columns.as_mut_ptr();
        // SAFETY: so many blocks are there.
        unsafe { self.run_columns(columns, columns, count, h, [conj, even], scratch) }
    }

    /// The same, from one hybrid to another.
    pub fn columns_to<'a>(
        &self,
        from: &[f32],
        to: &mut [f32],
        h: impl Fn(usize) -> &'a [f32],
        [conj, even]: [bool; 2],
        scratch: &mut [f32],
    ) {
        let count = self.count(to);
        self.check(from, to.len());
        // SAFETY: so many blocks are there.
        unsafe { self.run_columns(from.as_ptr(), to.as_mut_ptr(), count, h, [conj, even], scratch) }
    }

    /// Blocks of columns in a slice of them.
    fn count(&self, columns: &[f32]) -> usize {
        assert!(columns.len().is_multiple_of(self.column_len()), "whole blocks of columns");
        self.check(columns, 0);
        columns.len() / self.column_len()
    }

    /// # Safety
    /// `from` and `to` are good for `count` blocks of columns and aligned to a register: one place
    /// or two.
    unsafe fn run_columns<'a>(
        &self,
        from: *const f32,
        to: *mut f32,
        count: usize,
        h: impl Fn(usize) -> &'a [f32],
        [conj, even]: [bool; 2],
        scratch: &mut [f32],
    ) {
        let (plan, size) = (&self.0.columns, self.column_len());
        self.check(scratch, self.scratch_len());
        let line = scratch.as_mut_ptr();
        if count > 0 {
            // SAFETY: all lengths are checked.
            unsafe { plan.first(from, line) }
        }
        for b in 0..count {
            let h = h(b);
            self.check(h, self.spectrum_len([even, false]));
            // SAFETY: all lengths are checked.
            unsafe {
                plan.turn(line, h.as_ptr(), conj, even);
                let to = to.add(b * size);
                if b + 1 < count {
                    plan.last_and_first(line, to, from.add((b + 1) * size));
                } else {
                    plan.last(line, to);
                }
                self.zero(to, self.0.field[0]..self.0.height);
            }
        }
    }

    /// `sums[k] += conj(F_y P x)[k] (F_y P g)[k]`, of one block of positions.
    ///
    /// x, g: `[height]` elements of hybrids; sums: `[my]` elements.
    pub fn columns_grad(&self, x: &[f32], g: &[f32], sums: &mut [f32], scratch: &mut [f32]) {
        let plan = &self.0.columns;
        self.check(scratch, self.scratch_len());
        let half = self.scratch_len() / 2;
        let (first, second) = scratch[..2 * half].split_at_mut(half);
        for (from, line) in [(x, &mut *first), (g, &mut *second)] {
            self.check(from, self.column_len());
            let line = line.as_mut_ptr();
            // SAFETY: all lengths are checked.
            unsafe {
                plan.first(from.as_ptr(), line);
                plan.up(line, 0..plan.blocks());
            }
        }
        correlate(plan, first, second, sums);
    }
}
