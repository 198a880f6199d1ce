//! The passes of Y = C_x F_x^-1 C_y F_y^-1 H F_y P_y F_x P_x X: pad rows and transform them, pad
//! columns, transform, multiply by H, transform back and crop, transform rows back and crop.
//!
//! *hybrid*: `[block of positions kx][row y][re L, im L]`, lanes = L adjacent positions, in an order
//! of the plane's own ([`PlanePlan::row_order`]): pairs of blocks hold kx and -kx lane by lane, those
//! at the end what is left. *spectrum* (H): `[block][position ky][re L, im L]`, in that order and that
//! of the plan of columns, no gaps. Of one that is even, H(k) = H(-k), along y or x, one of both is
//! kept: the lower positions ky, one block for a pair. *blocked* plane: `[block of rows][x][re L, im L]`,
//! lanes = L adjacent rows, no gaps. *line*: one row block in work, `[x or kx][re L, im L]`, with the
//! gaps of the plan of rows.
//!
//! Rows of a hybrid past ny are zero: [`PlanePlan::exchange`] and the columns keep it so.

#![allow(unsafe_code, reason = "calls passes over buffers whose lengths are checked here")]

use std::ops::Range;
use std::sync::Arc;

use super::isa::{Entry, Isa};
use super::line::{LinePlan, is_aligned, positions};
use super::mirror::{Step, mirrored, steps};
use super::pointwise::Trip;
use super::shared::Shared;
use super::tiles::{FromHybrid, FromNatural, Hybrid, Natural, ToHybrid, ToNatural};

mod columns;

#[derive(Clone)]
pub struct PlanePlan(Arc<Plane>);

struct Plane {
    /// `[ny, nx]`.
    field: [usize; 2],
    rows: LinePlan,
    columns: LinePlan,
    row_blocks: usize,
    column_blocks: usize,
    /// Rows that a hybrid holds: whole row blocks, and all that a transform of columns reads.
    height: usize,
    /// kx at each position of a hybrid, `[mx]`.
    row_order: Vec<u32>,
    /// Pairs of blocks of columns.
    pairs: usize,
    /// f32 of a line before each sample, `[nx]`.
    sample_places: Vec<u32>,
    /// f32 of a line before each position of a hybrid, `[column_blocks * L]`.
    row_places: Vec<u32>,
    /// How a line is turned into a row block of a hybrid, and back.
    steps: Vec<Step>,
    /// f32 before each row of a block of columns, `[row_blocks * L]`.
    column_places: Vec<u32>,
    from_natural: Entry<Natural>,
    to_natural: Entry<Natural>,
    from_hybrid: Entry<Hybrid>,
    to_hybrid: Entry<Hybrid>,
}

/// Where rows of a hybrid are read.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    Lent(&'a [f32]),
    /// Whose other row blocks are written meanwhile.
    Shared(&'a Shared<'a>),
}

impl PlanePlan {
    /// Fields `[ny, nx]` in windows `[my, mx]`. `None` if a prime above 7 divides a side of the
    /// window, or `isa` does not run here.
    pub fn new(field: [usize; 2], padded: [usize; 2], isa: Isa) -> Option<Self> {
        let columns = LinePlan::turning(field[0], padded[0], isa)?;
        let rows = LinePlan::padded(field[1], padded[1], isa)?;
        let lanes = isa.lanes();
        let (row_blocks, column_blocks) = (field[0].div_ceil(lanes), padded[1].div_ceil(lanes));
        let place = |plan: &LinePlan, n| (plan.place(n) * plan.element()) as u32;
        let (row_order, pairs) = mirrored(&rows);
        let positions = rows.positions();
        let line_at = |p: usize| row_order.get(p).map_or(p, |&kx| positions[kx as usize]);
        let line: Vec<usize> = (0..column_blocks * lanes).map(line_at).collect();
        Some(Self(Arc::new(Plane {
            field,
            height: columns.samples().max(row_blocks * lanes),
            sample_places: (0..field[1]).map(|n| place(&rows, n)).collect(),
            row_places: line.iter().map(|&p| place(&rows, p)).collect(),
            column_places: (0..row_blocks * lanes).map(|n| place(&columns, n)).collect(),
            steps: steps(&rows, &line),
            row_order,
            pairs,
            rows,
            columns,
            row_blocks,
            column_blocks,
            from_natural: isa.entry::<FromNatural>(),
            to_natural: isa.entry::<ToNatural>(),
            from_hybrid: isa.entry::<FromHybrid>(),
            to_hybrid: isa.entry::<ToHybrid>(),
        })))
    }

    pub fn rows(&self) -> &LinePlan {
        &self.0.rows
    }

    pub fn columns(&self) -> &LinePlan {
        &self.0.columns
    }

    /// ceil(ny / L).
    pub fn row_blocks(&self) -> usize {
        self.0.row_blocks
    }

    /// ceil(mx / L).
    pub fn column_blocks(&self) -> usize {
        self.0.column_blocks
    }

    /// kx at each position of a hybrid, `[mx]`.
    pub fn row_order(&self) -> &[u32] {
        &self.0.row_order
    }

    /// Position of each kx, `[mx]`.
    pub fn row_positions(&self) -> Vec<usize> {
        positions(&self.0.row_order)
    }

    /// Whether spectra lie alike in both.
    pub fn orders_alike(&self, other: &Self) -> bool {
        self.row_order() == other.row_order() && self.columns().order() == other.columns().order()
    }

    /// Blocks of a spectrum, and positions of each; even along `[y, x]`.
    pub fn spectrum_dims(&self, even: [bool; 2]) -> [usize; 2] {
        let columns = &self.0.columns;
        let positions = if even[0] { columns.lows() } else { columns.length() };
        [self.column_blocks() - self.shared_blocks(even), positions]
    }

    /// The block of a spectrum that a block of columns takes.
    pub fn spectrum_block(&self, b: usize, even: [bool; 2]) -> usize {
        let pairs = self.shared_blocks(even);
        if b < 2 * pairs { b / 2 } else { b - pairs }
    }

    fn shared_blocks(&self, even: [bool; 2]) -> usize {
        if even[1] { self.0.pairs } else { 0 }
    }

    /// Floats of a block of a spectrum.
    pub fn spectrum_len(&self, even: [bool; 2]) -> usize {
        self.spectrum_dims(even)[1] * self.element()
    }

    /// Floats of a hybrid.
    pub fn hybrid_len(&self) -> usize {
        self.column_len() * self.column_blocks()
    }

    /// Floats of one block of columns in a hybrid.
    pub fn column_len(&self) -> usize {
        self.0.columns.extent(self.0.height) * self.element()
    }

    /// Floats of the work line that the row functions want.
    pub fn line_len(&self) -> usize {
        let positions = self.0.row_places.len().max(self.0.rows.length());
        self.0.rows.extent(positions) * self.element()
    }

    /// Floats of the scratch that the column functions want.
    pub fn scratch_len(&self) -> usize {
        2 * self.0.columns.extent(self.0.columns.length()) * self.element()
    }

    /// Floats of one row block of a complex blocked plane: `[nx]` elements.
    pub fn blocked_len(&self) -> usize {
        self.0.field[1] * self.element()
    }

    fn element(&self) -> usize {
        self.0.rows.element()
    }

    fn lanes(&self) -> usize {
        self.0.rows.isa().lanes()
    }

    /// Rows b L .. of a field into a line; lanes past ny are zero.
    ///
    /// field: `[ny, nx]` interleaved complex.
    pub fn load_natural(&self, field: &[f32], b: usize, line: &mut [f32]) {
        // SAFETY: `natural` checks both lengths, and this pass only reads the field.
        unsafe {
            let args = self.natural(field.as_ptr().cast_mut(), field.len(), b, line);
            (self.0.from_natural)(&args);
        }
    }

    /// The first ny, nx samples of a line into rows b L .. of a field.
    ///
    /// field: `[ny, nx]` interleaved complex.
    ///
    /// # Safety
    /// No other thread uses row block `b` of the field meanwhile.
    pub unsafe fn store_natural(&self, line: &[f32], b: usize, field: &Shared<'_>) {
        // SAFETY: `natural` checks both lengths, and this pass only reads the line.
        unsafe {
            let args = self.natural(field.as_mut_ptr(), field.len(), b, line);
            (self.0.to_natural)(&args);
        }
    }

    unsafe fn natural(&self, field: *mut f32, length: usize, b: usize, line: &[f32]) -> Natural {
        let [ny, nx] = self.0.field;
        assert!(b < self.row_blocks() && length >= 2 * ny * nx, "a field of {ny} x {nx}");
        self.check(line, self.line_len());
        let first = b * self.lanes();
        Natural {
            // SAFETY: row b L is in the field.
            field: unsafe { field.add(2 * first * nx) },
            height: self.lanes().min(ny - first),
            width: nx,
            line: line.as_ptr().cast_mut(),
            places: self.0.sample_places.as_ptr(),
        }
    }

    /// Row block `b` of a blocked plane into a line.
    ///
    /// plane: blocked `[ny, nx]`.
    pub fn load_blocked(&self, plane: &[f32], b: usize, line: &mut [f32]) {
        self.check(line, self.line_len());
        let (run, pitch) = self.runs();
        let block = &plane[b * self.blocked_len()..][..self.blocked_len()];
        for (from, to) in block.chunks(run).zip(line.chunks_mut(pitch)) {
            to[..from.len()].copy_from_slice(from);
        }
    }

    /// The first nx samples of a line into row block `b` of a blocked plane.
    ///
    /// plane: blocked `[ny, nx]`.
    ///
    /// # Safety
    /// No other thread uses row block `b` of the plane meanwhile.
    pub unsafe fn store_blocked(&self, line: &[f32], b: usize, plane: &Shared<'_>) {
        let length = self.blocked_len();
        assert!(plane.len() >= (b + 1) * length, "a plane of {} row blocks", self.row_blocks());
        // SAFETY: in the plane, and the caller keeps others off it.
        let block =
            unsafe { std::slice::from_raw_parts_mut(plane.as_mut_ptr().add(b * length), length) };
        let (run, pitch) = self.runs();
        for (from, to) in line.chunks(pitch).zip(block.chunks_mut(run)) {
            to.copy_from_slice(&from[..to.len()]);
        }
    }

    /// Floats of a line without a gap, and with the gap behind them.
    fn runs(&self) -> (usize, usize) {
        let rows = &self.0.rows;
        (rows.block() * self.element(), (rows.block() + rows.gap()) * self.element())
    }

    /// Pads the first nx samples of a line and begins to transform them, up to blocks that
    /// [`Self::exchange`] goes on with.
    pub fn samples_to_blocks(&self, line: &mut [f32]) {
        let plan = &self.0.rows;
        self.check(line, self.line_len());
        zero(plan, line, self.0.field[1]..plan.samples());
        let start = line.as_mut_ptr();
        // SAFETY: the line is long enough.
        unsafe { plan.first(start, start) }
    }

    /// [`Self::load_blocked`] and [`Self::samples_to_blocks`], read where it lies if it lies as a line
    /// does.
    ///
    /// plane: blocked `[ny, nx]`.
    pub fn blocked_to_blocks(&self, plane: &[f32], b: usize, line: &mut [f32]) {
        let plan = &self.0.rows;
        if plan.gap() > 0 || plan.samples() != self.0.field[1] {
            self.load_blocked(plane, b, line);
            return self.samples_to_blocks(line);
        }
        let block = &plane[b * self.blocked_len()..][..self.blocked_len()];
        self.check(block, self.blocked_len());
        self.check(line, self.line_len());
        // SAFETY: the block holds all samples, without gaps; the line is long enough.
        unsafe { plan.first(block.as_ptr(), line.as_mut_ptr()) }
    }

    /// Ends the transform back of a line that [`Self::exchange`] loaded: its first nx samples are
    /// the rows.
    pub fn blocks_to_samples(&self, line: &mut [f32]) {
        self.check(line, self.line_len());
        let start = line.as_mut_ptr();
        // SAFETY: the line is long enough.
        unsafe { self.0.rows.last(start, start) }
    }

    /// Whether there is [`Self::meet`]: the window is twice as wide as the field, and the first
    /// radix of its rows even.
    pub fn meets(&self) -> bool {
        self.0.rows.meets(self.0.field[1])
    }

    /// [`Self::blocks_to_samples`], a trip that [`Trip::meets`], and [`Self::samples_to_blocks`],
    /// with the samples in between never in memory.
    pub fn meet(&self, line: &mut [f32], trip: Trip<'_>) {
        let carried = trip.carried().expect("the trip is one that meets");
        assert!(self.meets(), "the plan is one that meets");
        self.check(line, self.line_len());
        let points = trip.elements(&self.0.rows, line, self.0.field[1]);
        // SAFETY: the line is long enough, and `elements` checked the operands.
        unsafe { self.0.rows.meet(line.as_mut_ptr(), carried, points) }
    }

    /// Stores the blocks of a line as row block `done` of a hybrid, and loads row block `next` in
    /// their place: a piece of the line goes out and another comes in while the nearest cache has it.
    /// The last row block also zeroes the rows of the hybrid past it.
    ///
    /// hybrid: `[column_blocks][height]` elements.
    ///
    /// # Safety
    /// No other thread uses these row blocks meanwhile.
    pub unsafe fn exchange(
        &self,
        line: &mut [f32],
        done: Option<(usize, &Shared<'_>)>,
        next: Option<(usize, Source<'_>)>,
    ) {
        let plan = &self.0.rows;
        if done.is_some() {
            // What is past the length shares the last tile.
            zero(plan, line, plan.length()..self.0.row_places.len());
        }
        self.check(line, self.line_len());
        let line = line.as_mut_ptr();
        let out = done.map(|(b, h)| self.tiles(line, b, h.as_mut_ptr(), h.len()));
        // What is lent is only read.
        let into = next.map(|(b, from)| match from {
            Source::Lent(h) => self.tiles(line, b, h.as_ptr().cast_mut(), h.len()),
            Source::Shared(h) => self.tiles(line, b, h.as_mut_ptr(), h.len()),
        });
        for Step { up, tiles, down } in &self.0.steps {
            // SAFETY: the line is long enough; the caller keeps others off the row blocks.
            unsafe {
                if let Some(out) = &out {
                    for blocks in up {
                        plan.up(line, blocks.clone());
                    }
                    (self.0.to_hybrid)(&Hybrid { tiles: tiles.clone(), ..*out });
                }
                if let Some(into) = &into {
                    (self.0.from_hybrid)(&Hybrid { tiles: tiles.clone(), ..*into });
                    for blocks in down {
                        plan.down(line, blocks.clone());
                    }
                }
            }
        }
        if let Some((b, hybrid)) = done.filter(|(b, _)| b + 1 == self.row_blocks()) {
            let rows = (b + 1) * self.lanes()..self.0.height;
            // SAFETY: the caller's, and `tiles` checked the hybrid.
            unsafe { self.zero_rows(rows, hybrid) }
        }
    }

    /// Stores row block `b` as that of a line of zeros.
    ///
    /// # Safety
    /// No other thread uses row block `b` of the hybrid meanwhile.
    pub unsafe fn no_rows(&self, b: usize, hybrid: &Shared<'_>) {
        assert!(hybrid.len() >= self.hybrid_len(), "the hybrid is too short");
        let is_last = b + 1 == self.row_blocks();
        let end = if is_last { self.0.height } else { (b + 1) * self.lanes() };
        // SAFETY: the hybrid is long enough; the caller keeps others off the row block.
        unsafe { self.zero_rows(b * self.lanes()..end, hybrid) }
    }

    /// # Safety
    /// The hybrid is as long as it has to be, and no other thread uses these rows of it meanwhile.
    unsafe fn zero_rows(&self, rows: Range<usize>, hybrid: &Shared<'_>) {
        for kx in 0..self.column_blocks() {
            // SAFETY: the caller's.
            unsafe { self.zero(hybrid.as_mut_ptr().add(kx * self.column_len()), rows.clone()) }
        }
    }

    /// A line that was checked, and row block `b` of a hybrid.
    fn tiles(&self, line: *mut f32, b: usize, hybrid: *mut f32, length: usize) -> Hybrid {
        assert!(b < self.row_blocks() && length >= self.hybrid_len(), "the hybrid is too short");
        assert!(hybrid.addr().is_multiple_of(4 * self.lanes()));
        Hybrid {
            line,
            places: self.0.row_places.as_ptr(),
            columns: hybrid,
            rows: self.0.column_places[b * self.lanes()..].as_ptr(),
            column: self.column_len(),
            tiles: 0..0,
        }
    }

    /// Zeroes rows of a block of columns.
    ///
    /// # Safety
    /// `column` is good for a block of columns; nothing else uses these rows meanwhile.
    unsafe fn zero(&self, column: *mut f32, rows: Range<usize>) {
        let columns = &self.0.columns;
        if let Some(last) = rows.clone().next_back() {
            let (start, end) = (columns.place(rows.start), columns.place(last) + 1);
            let length = (end - start) * self.element();
            // SAFETY: the caller's; zero bits are the number zero.
            unsafe { column.add(start * self.element()).write_bytes(0, length) }
        }
    }

    fn check(&self, slice: &[f32], length: usize) {
        assert!(slice.len() >= length, "{} f32 where {length} are wanted", slice.len());
        assert!(is_aligned(slice, self.lanes()));
    }
}

fn zero(plan: &LinePlan, line: &mut [f32], samples: Range<usize>) {
    let size = plan.element();
    for n in samples {
        line[plan.place(n) * size..][..size].fill(0.0);
    }
}
