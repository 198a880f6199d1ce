//! Numbers of a column on one scale, so that they can be drawn beside each other.

use super::Cell;

/// From this ratio of the largest to the smallest on the scale is one of logarithms.
const WIDE: f64 = 20.0;

/// Places the ranges of a column's cells, if there are two to compare.
pub fn draw<'a>(column: impl Iterator<Item = &'a mut Cell>) {
    let mut cells: Vec<&mut Cell> = column.filter(|c| c.range.is_some()).collect();
    let ends: Vec<f64> = cells.iter().filter_map(|c| c.range).flatten().collect();
    let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if cells.len() < 2 || !(low.is_finite() && high.is_finite()) || low >= high {
        return;
    }
    let is_log = low > 0.0 && high / low > WIDE;
    let at = |v: f64| if is_log { v.ln() } else { v };
    let from = if is_log { at(low) } else { low.min(0.0) };
    let place = |v: f64| (1e4 * (at(v) - from) / (at(high) - from)).round() / 100.0;
    for cell in &mut cells {
        cell.drawn = cell.range.map(|r| r.map(place));
    }
}
