//! Between rows of samples and lanes: `[y, x]` tiles of L x L turned in registers.

#![allow(unsafe_code, reason = "raw loops over tiles; the contract is stated at the arguments")]

use super::complex::Complex;
use super::isa::Pass;
use super::vector::Vector;

/// A line `[position][re L, im L]`, lanes = rows, against the same rows of a hybrid.
///
/// The contract: `places` gives the f32 before each of `lanes * tiles` positions of the line, `rows`
/// before each of the L rows of a block of columns; line and hybrid are aligned to a register and
/// good for these.
pub struct Hybrid {
    pub line: *mut f32,
    pub places: *const u32,
    pub columns: *mut f32,
    pub rows: *const u32,
    /// Floats of a block of columns.
    pub column: usize,
    pub tiles: std::ops::Range<usize>,
}

impl Hybrid {
    /// # Safety
    /// The contract above, with `tile` in `tiles`.
    #[inline(always)]
    unsafe fn line_at<V: Vector>(&self, tile: usize, i: usize) -> *mut f32 {
        // SAFETY: the caller's.
        unsafe {
            let place = *self.places.add(tile * V::LANES + i) as usize;
            self.line.add(place)
        }
    }

    /// # Safety
    /// As [`Self::line_at`].
    #[inline(always)]
    unsafe fn hybrid_at<V: Vector>(&self, tile: usize, i: usize) -> *mut f32 {
        // SAFETY: the caller's.
        unsafe {
            let place = *self.rows.add(i) as usize;
            self.columns.add(tile * self.column + place)
        }
    }
}

/// hybrid[x, y] = line[y, x].
pub struct ToHybrid;

impl Pass for ToHybrid {
    type Args = Hybrid;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Hybrid) {
        for tile in a.tiles.clone() {
            for part in [0, V::LANES] {
                // SAFETY: `Hybrid`.
                unsafe {
                    V::transpose(
                        #[inline(always)]
                        |i| a.line_at::<V>(tile, i).add(part),
                        #[inline(always)]
                        |i| a.hybrid_at::<V>(tile, i).add(part),
                    );
                }
            }
        }
    }
}

/// line[y, x] = hybrid[x, y].
pub struct FromHybrid;

impl Pass for FromHybrid {
    type Args = Hybrid;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Hybrid) {
        for tile in a.tiles.clone() {
            for part in [0, V::LANES] {
                // SAFETY: `Hybrid`.
                unsafe {
                    V::transpose(
                        #[inline(always)]
                        |i| a.hybrid_at::<V>(tile, i).add(part),
                        #[inline(always)]
                        |i| a.line_at::<V>(tile, i).add(part),
                    );
                }
            }
        }
    }
}

/// The contract: `field` is good for `height` rows of `width` interleaved complex samples;
/// `places` gives the f32 before each of `width` samples in the line, which is aligned to a register.
pub struct Natural {
    pub field: *mut f32,
    pub height: usize,
    pub width: usize,
    pub line: *mut f32,
    pub places: *const u32,
}

/// Room for one tile of the widest registers.
#[repr(C, align(64))]
struct Tile([f32; 512]);

/// line[y, x] = field[y, x]; lanes past the height are zero.
pub struct FromNatural;

impl Pass for FromNatural {
    type Args = Natural;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Natural) {
        let (lanes, size) = (V::LANES, Complex::<V>::SIZE);
        let (mut parts, mut ragged) = (Tile([0.0; 512]), Tile([0.0; 512]));
        let (parts, ragged) = (parts.0.as_mut_ptr(), ragged.0.as_mut_ptr());
        for x in (0..a.width).step_by(lanes) {
            let columns = lanes.min(a.width - x);
            // SAFETY: `Natural`; what is read past a ragged edge is read from `ragged`.
            unsafe {
                let corner = a.field.add(2 * x).cast_const();
                let (from, pitch) = if columns < lanes || a.height < lanes {
                    for y in 0..a.height {
                        let row = corner.add(2 * y * a.width);
                        row.copy_to_nonoverlapping(ragged.add(y * size), 2 * columns);
                    }
                    (ragged.cast_const(), size)
                } else {
                    (corner, 2 * a.width)
                };
                for y in 0..lanes {
                    let row = from.add(y * pitch);
                    let (re, im) = V::load_any(row).split(V::load_any(row.add(lanes)));
                    re.store(parts.add(y * lanes));
                    im.store(parts.add((lanes + y) * lanes));
                }
                // Places past the last column are not there: what is turned stays in the tile.
                let to = {
                    #[inline(always)]
                    |i: usize| {
                        if i < columns {
                            a.line.add(*a.places.add(x + i) as usize)
                        } else {
                            ragged.add(i * size)
                        }
                    }
                };
                V::transpose(
                    #[inline(always)]
                    |i| parts.add(i * lanes),
                    to,
                );
                V::transpose(
                    #[inline(always)]
                    |i| parts.add((lanes + i) * lanes),
                    #[inline(always)]
                    |i| to(i).add(lanes),
                );
            }
        }
    }
}

/// field[y, x] = line[y, x].
pub struct ToNatural;

impl Pass for ToNatural {
    type Args = Natural;

    #[inline(always)]
    unsafe fn go<V: Vector>(a: &Natural) {
        let (lanes, size) = (V::LANES, Complex::<V>::SIZE);
        let (mut parts, mut ragged) = (Tile([0.0; 512]), Tile([0.0; 512]));
        let (parts, ragged) = (parts.0.as_mut_ptr(), ragged.0.as_mut_ptr());
        for x in (0..a.width).step_by(lanes) {
            let columns = lanes.min(a.width - x);
            // SAFETY: `Natural`; what is written past a ragged edge is written to `ragged`.
            unsafe {
                let corner = a.field.add(2 * x);
                let is_ragged = columns < lanes || a.height < lanes;
                let (to, pitch) = if is_ragged { (ragged, size) } else { (corner, 2 * a.width) };
                let from = {
                    #[inline(always)]
                    |i: usize| {
                        let place = *a.places.add(x + i.min(columns - 1)) as usize;
                        a.line.add(place).cast_const()
                    }
                };
                V::transpose(
                    from,
                    #[inline(always)]
                    |i| parts.add(i * lanes),
                );
                V::transpose(
                    #[inline(always)]
                    |i| from(i).add(lanes),
                    #[inline(always)]
                    |i| parts.add((lanes + i) * lanes),
                );
                for y in 0..lanes {
                    let re = V::load(parts.add(y * lanes));
                    let (low, high) = re.join(V::load(parts.add((lanes + y) * lanes)));
                    low.store_any(to.add(y * pitch));
                    high.store_any(to.add(y * pitch + lanes));
                }
                for y in 0..if is_ragged { a.height } else { 0 } {
                    let row = corner.add(2 * y * a.width);
                    row.copy_from_nonoverlapping(ragged.add(y * size), 2 * columns);
                }
            }
        }
    }
}
