//! X[k] = sum_n exp(-2 pi i n k / M) x[n] on L lines side by side, and back; unnormalised.
//!
//! M = r_1 m_1, m_1 = r_2 m_2, ..: forward by decimation in frequency, which leaves frequency
//! k_1 + r_1 k_2 + r_1 r_2 k_3 .. at position k_1 m_1 + k_2 m_2 + ..; back by decimation in time
//! from that order. Nothing is ever reordered.
//!
//! A plan for [`LinePlan::turn`] is *folded*: the blocks k_1 > r_1 / 2 of the first stage hold, with re
//! and im exchanged, frequency -k where block r_1 - k_1 holds k. The transform of exchanged numbers
//! is the mirrored one, exchanged; so H[-k] is multiplied there as conj(H[-k]), and of an even H the
//! lower blocks are enough.

#![allow(unsafe_code, reason = "calls passes over lines whose length is checked here")]

use super::butterflies::{self, Kernels, Lines, Meeting, is_high, live};
use super::factor::{self, Use};
use super::isa::{Entry, Isa, OnPortable};
use super::pointwise::{Carried, Elements};

/// Butterflies of a last stage before the first that follows goes on.
const ROUND: usize = 8;
/// f32 of a line that stays in the nearest cache as it is.
const NEAR: usize = 4096;

/// A stage before the leaf: r_i, m_i, and its twiddles `[m_i, r_i]` (re, im).
struct Stage {
    radix: usize,
    inner: usize,
    twiddles: Vec<f32>,
    kernels: Kernels,
}

/// Transforms of one length.
pub struct LinePlan {
    isa: Isa,
    length: usize,
    radices: Vec<usize>,
    /// All but the leaf; at least one.
    stages: Vec<Stage>,
    leaf: Kernels,
    /// Half of the samples are known to be zero.
    pruned: bool,
    /// Elements left out behind each m_1: 0 or 1.
    gap: usize,
    /// The upper blocks mirror the lower.
    folded: bool,
}

pub(super) fn kernels(isa: Isa, radix: usize) -> Kernels {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => butterflies::many::<super::isa::OnAvx512>(radix),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => butterflies::some::<super::isa::OnAvx2>(radix),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => butterflies::some::<super::isa::OnNeon>(radix),
        _ => butterflies::few::<OnPortable>(radix),
    }
}

fn twiddles(radix: usize, inner: usize, folded: bool) -> Vec<f32> {
    let angle = -std::f64::consts::TAU / (radix * inner) as f64;
    let signed =
        move |k| if folded && is_high(k, radix) { k as f64 - radix as f64 } else { k as f64 };
    let all = (0..inner)
        .flat_map(|j| (0..radix).map(move |k| (angle * (j as f64 * signed(k))).sin_cos()));
    all.flat_map(|(sin, cos)| [cos as f32, sin as f32]).collect()
}

impl LinePlan {
    /// `None` if a prime above 7 divides `length`, or `isa` does not run here.
    pub fn new(length: usize, isa: Isa) -> Option<Self> {
        Self::padded(length, length, isa)
    }

    /// For lines of which only the first `field` samples are not zero, or are wanted back.
    pub fn padded(field: usize, length: usize, isa: Isa) -> Option<Self> {
        Self::of(field, length, isa, Use::Alone)
    }

    /// The same for [`Self::turn`].
    pub(super) fn turning(field: usize, length: usize, isa: Isa) -> Option<Self> {
        Self::of(field, length, isa, Use::Turn)
    }

    fn of(field: usize, length: usize, isa: Isa, purpose: Use) -> Option<Self> {
        let fits = (1..=65536).contains(&length) && (1..=length).contains(&field);
        if !fits || !isa.is_available() {
            return None;
        }
        let pruned = 2 * field <= length;
        let radices = factor::radices(length, pruned, isa, purpose)?;
        let folded = purpose == Use::Turn;
        let mut stages = Vec::new();
        let mut inner = length;
        for &radix in &radices[..radices.len() - 1] {
            inner /= radix;
            let twiddles = twiddles(radix, inner, folded && stages.is_empty());
            stages.push(Stage { radix, inner, twiddles, kernels: kernels(isa, radix) });
        }
        let leaf = kernels(isa, inner);
        // A first level of 4 KiB a way: a stride of 1 KiB or more reaches 4 sets of it or fewer.
        let stride = stages[0].inner * 8 * isa.lanes();
        let gap = usize::from(stride.is_multiple_of(1024) && stages[0].radix > 4);
        Some(Self { isa, length, radices, stages, leaf, pruned, gap, folded })
    }

    pub fn length(&self) -> usize {
        self.length
    }

    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// r_1 .. r_n; the last is the leaf.
    pub fn radices(&self) -> &[usize] {
        &self.radices
    }

    /// Frequency at each position of a transformed line, `[length]`; of a folded one re and im are
    /// exchanged from [`Self::lows`] on.
    pub fn order(&self) -> Vec<u32> {
        let frequency = |position: usize| {
            let low = self.low(position);
            let (mut rest, mut inner, mut weight, mut k) = (low, self.length, 1, 0);
            for &radix in &self.radices {
                inner /= radix;
                k += weight * (rest / inner);
                rest %= inner;
                weight *= radix;
            }
            if low == position { k as u32 } else { (self.length - k) as u32 }
        };
        (0..self.length).map(frequency).collect()
    }

    /// Positions before those that mirror others.
    pub fn lows(&self) -> usize {
        let blocks = if self.folded { self.blocks() / 2 + 1 } else { self.blocks() };
        blocks.min(self.blocks()) * self.block()
    }

    /// The position that this one mirrors, else itself.
    pub fn low(&self, position: usize) -> usize {
        let (block, place) = (position / self.block(), position % self.block());
        if position < self.lows() {
            position
        } else {
            (self.blocks() - block) * self.block() + place
        }
    }

    /// Position of each frequency, `[length]`.
    pub fn positions(&self) -> Vec<usize> {
        positions(&self.order())
    }

    /// Where natural sample (or position) `n` of a line lies, in elements.
    pub fn place(&self, n: usize) -> usize {
        n + n / self.block() * self.gap
    }

    /// Elements of a buffer that holds the first `n` samples of a line.
    pub fn extent(&self, n: usize) -> usize {
        n.checked_sub(1).map_or(0, |last| self.place(last) + 1)
    }

    /// Floats of an element.
    pub(super) fn element(&self) -> usize {
        2 * self.isa.lanes()
    }

    /// Samples that a transform reads, and that a transform back leaves: all, or about half.
    pub(super) fn samples(&self) -> usize {
        if self.pruned { live(self.stages[0].radix) * self.block() } else { self.length }
    }

    /// m_1: positions that are left to transform by themselves after the first stage.
    pub(super) fn block(&self) -> usize {
        self.stages[0].inner
    }

    /// Elements of gap behind each [`Self::block`].
    pub(super) fn gap(&self) -> usize {
        self.gap
    }

    /// r_1.
    pub(super) fn blocks(&self) -> usize {
        self.stages[0].radix
    }

    /// Transforms a line in place. It has a place for each of `length` samples; of those behind
    /// the first `samples` nothing is read.
    pub fn forward(&self, line: &mut [f32]) {
        self.check(line);
        let line = line.as_mut_ptr();
        // SAFETY: the line is as long and aligned as the plan wants it.
        unsafe {
            self.first(line, line);
            self.up(line, 0..self.blocks());
        }
    }

    /// Transforms a line back in place, up to the factor `length`; what lies behind the first
    /// `samples` afterwards means nothing.
    pub fn inverse(&self, line: &mut [f32]) {
        self.check(line);
        let line = line.as_mut_ptr();
        // SAFETY: the line is as long and aligned as the plan wants it.
        unsafe {
            self.down(line, 0..self.blocks());
            self.last(line, line);
        }
    }

    fn check(&self, line: &[f32]) {
        assert!(line.len() >= self.extent(self.length) * self.element(), "the line is too short");
        assert!(is_aligned(line, self.isa.lanes()));
    }

    fn whole(&self, from: *const f32, to: *mut f32) -> Lines {
        let Stage { inner, twiddles, .. } = &self.stages[0];
        let (table, stride) = (twiddles.as_ptr(), inner + self.gap);
        let (outer, inner, mirror) = (1, *inner, self.folded);
        Lines { from, to, table, table_pitch: 0, outer, pitch: 0, inner, stride, mirror }
    }

    /// The first stage, from natural samples to blocks.
    ///
    /// # Safety
    /// `from` is good for `samples` samples, `to` for a line; both aligned to a register.
    /// They are one place or two that do not overlap.
    pub(super) unsafe fn first(&self, from: *const f32, to: *mut f32) {
        let Kernels { up, up_half, .. } = self.stages[0].kernels;
        let run = if self.pruned { up_half } else { up };
        // SAFETY: the caller's, and the instruction set was found when the plan was made.
        unsafe { run(&self.whole(from, to)) }
    }

    /// The last stage back, from blocks to natural samples.
    ///
    /// # Safety
    /// As [`Self::first`], with `from` and `to` exchanged.
    pub(super) unsafe fn last(&self, from: *const f32, to: *mut f32) {
        let Kernels { down, down_half, .. } = self.stages[0].kernels;
        let run = if self.pruned { down_half } else { down };
        // SAFETY: as in `first`.
        unsafe { run(&self.whole(from, to)) }
    }

    /// [`Self::last`] to `to` and [`Self::first`] from `from`, a few butterflies of each by turns, so
    /// that the first finds in the nearest cache what the last has read.
    ///
    /// # Safety
    /// As [`Self::last`] and [`Self::first`]; `to` and `from` do not overlap.
    pub(super) unsafe fn last_and_first(&self, line: *mut f32, to: *mut f32, from: *const f32) {
        let Stage { radix, inner, kernels, .. } = &self.stages[0];
        let (last, first) = if self.pruned {
            (kernels.down_half, kernels.up_half)
        } else {
            (kernels.down, kernels.up)
        };
        let is_near = self.length * self.element() <= NEAR;
        let round = if is_near { *inner } else { ROUND };
        for start in (0..*inner).step_by(round) {
            let part = |lines: Lines| {
                let at = start * self.element();
                // SAFETY: butterflies `start`.. are some of all.
                unsafe {
                    Lines {
                        from: lines.from.add(at),
                        to: lines.to.add(at),
                        table: lines.table.add(2 * start * radix),
                        inner: round.min(inner - start),
                        ..lines
                    }
                }
            };
            // SAFETY: as in `first`.
            unsafe {
                last(&part(self.whole(line, to)));
                first(&part(self.whole(from, line)));
            }
        }
    }

    /// Whether [`Self::meet`] can work on lines whose first `field` samples are wanted.
    pub(super) fn meets(&self, field: usize) -> bool {
        self.pruned && field == self.samples()
    }

    /// [`Self::last`], a trip over the samples, [`Self::first`], in place.
    ///
    /// # Safety
    /// `line` is a line, aligned to a register, that [`Self::meets`]; `points` are the operands of
    /// such a trip over `samples` of it.
    pub(super) unsafe fn meet(&self, line: *mut f32, trip: Carried, points: Elements) {
        let lines = self.whole(line, line);
        // SAFETY: as in `first`.
        unsafe { self.stages[0].kernels.meet[trip as usize](&Meeting { lines, points }) }
    }

    /// Transforms blocks by themselves, in place.
    ///
    /// # Safety
    /// `line` is a line, aligned to a register; there are such blocks.
    pub(super) unsafe fn up(&self, line: *mut f32, blocks: std::ops::Range<usize>) {
        // SAFETY: the caller's.
        unsafe {
            self.each(line, blocks, |start, _, count| {
                self.middles_up(start);
                self.leaves(start, count, self.leaf.leaf, false, None);
            });
        }
    }

    /// Transforms blocks back, in place.
    ///
    /// # Safety
    /// As [`Self::up`].
    pub(super) unsafe fn down(&self, line: *mut f32, blocks: std::ops::Range<usize>) {
        // SAFETY: the caller's.
        unsafe {
            self.each(line, blocks, |start, _, count| {
                self.leaves(start, count, self.leaf.leaf, true, None);
                self.middles_down(start);
            });
        }
    }

    /// Transforms all blocks, multiplies by `h`, or by conj(h), and transforms back.
    ///
    /// # Safety
    /// As [`Self::up`]; `h` is good for `length` elements, or for [`Self::lows`] where H is even, and
    /// aligned to a register.
    pub(super) unsafe fn turn(&self, line: *mut f32, h: *const f32, conj: bool, even: bool) {
        let (block, blocks) = (self.block() * self.element(), self.blocks());
        let lows = self.lows() / self.block();
        for (range, conj, mirrored) in [(0..lows, conj, false), (lows..blocks, !conj, even)] {
            // SAFETY: the caller's; r_1 - k of an upper block k is a lower one.
            unsafe {
                self.each(line, range, |line, first, count| {
                    let (at, pitch) = if mirrored {
                        (blocks - first, -(block as isize))
                    } else {
                        (first, block as isize)
                    };
                    self.middles_up(line);
                    self.leaves(
                        line,
                        count,
                        self.leaf.turn,
                        conj,
                        Some((h.add(at * block), pitch)),
                    );
                    self.middles_down(line);
                });
            }
        }
    }

    /// Calls `run(start, first, count)` for the blocks, all at once where the leaf is all there is
    /// to do, else one by one, to stay in the nearest cache.
    unsafe fn each(
        &self,
        line: *mut f32,
        blocks: std::ops::Range<usize>,
        run: impl Fn(*mut f32, usize, usize),
    ) {
        let pitch = (self.block() + self.gap) * self.element();
        let step = if self.stages.len() == 1 { blocks.len().max(1) } else { 1 };
        for first in blocks.step_by(step) {
            // SAFETY: the caller of the caller has this block in its line.
            run(unsafe { line.add(first * pitch) }, first, step);
        }
    }

    /// The stages between the first and the leaf, on one block. Where several come
    /// at once there are none.
    unsafe fn middles_up(&self, start: *mut f32) {
        for stage in &self.stages[1..] {
            // SAFETY: a whole block lies at `start`.
            unsafe { (stage.kernels.up)(&self.middle(stage, start)) }
        }
    }

    unsafe fn middles_down(&self, start: *mut f32) {
        for stage in self.stages[1..].iter().rev() {
            // SAFETY: a whole block lies at `start`.
            unsafe { (stage.kernels.down)(&self.middle(stage, start)) }
        }
    }

    fn middle(&self, stage: &Stage, start: *mut f32) -> Lines {
        let pitch = stage.radix * stage.inner;
        Lines {
            from: start,
            to: start,
            table: stage.twiddles.as_ptr(),
            table_pitch: 0,
            outer: self.block() / pitch,
            pitch,
            inner: stage.inner,
            stride: stage.inner,
            mirror: false,
        }
    }

    /// `h`: H of the first block, and floats to that of the next.
    unsafe fn leaves(
        &self,
        start: *mut f32,
        count: usize,
        run: Entry<Lines>,
        mirror: bool,
        h: Option<(*const f32, isize)>,
    ) {
        let radix = self.radices[self.radices.len() - 1];
        if radix == 1 && h.is_none() {
            return;
        }
        let (table, between) = h.unwrap_or((std::ptr::null(), 0));
        let (outer, pitch, table_pitch) = if self.stages.len() == 1 {
            (count, self.block() + self.gap, between)
        } else {
            (self.block() / radix, radix, (radix * self.element()) as isize)
        };
        let (from, to, inner, stride) = (start, start, 1, 1);
        // SAFETY: the blocks lie at `start`.
        unsafe { run(&Lines { from, to, table, table_pitch, outer, pitch, inner, stride, mirror }) }
    }
}

/// Where each frequency of an order stands.
pub(super) fn positions(order: &[u32]) -> Vec<usize> {
    let mut at = vec![0; order.len()];
    for (position, &k) in order.iter().enumerate() {
        at[k as usize] = position;
    }
    at
}

/// As loads of a register of `lanes` want it.
pub(super) fn is_aligned(slice: &[f32], lanes: usize) -> bool {
    slice.as_ptr().addr().is_multiple_of(4 * lanes)
}
