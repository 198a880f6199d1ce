//! The order of a hybrid: kx and -kx in neighbouring blocks, and how a line is turned into it and back.

use std::ops::Range;

use super::line::LinePlan;

/// Positions of a line that are transformed and turned together, while the nearest cache has them.
const PIECE: usize = 120;

/// Blocks of a line that are transformed, the tiles that are whole then, and the blocks that these
/// make whole on the way back.
pub(super) struct Step {
    pub up: Vec<Range<usize>>,
    pub tiles: Range<usize>,
    pub down: Vec<Range<usize>>,
}

/// kx in the order of a hybrid, and how many pairs of blocks it begins with: of a pair the second
/// holds -kx where the first holds kx. Those that are their own mirror image come last.
pub(super) fn mirrored(rows: &LinePlan) -> (Vec<u32>, usize) {
    let (length, lanes) = (rows.length(), rows.isa().lanes());
    let order = rows.order();
    let mirror = |kx: u32| (length as u32 - kx) % length as u32;
    let mut seen = vec![false; length];
    let (mut firsts, mut own) = (Vec::new(), Vec::new());
    for block in block_order(rows) {
        for &kx in &order[block * rows.block()..][..rows.block()] {
            if mirror(kx) == kx {
                own.push(kx);
            } else if !seen[kx as usize] {
                seen[mirror(kx) as usize] = true;
                firsts.push(kx);
            }
        }
    }
    let pairs = firsts.len() / lanes;
    let mut all = Vec::with_capacity(length);
    for pair in firsts.chunks(lanes) {
        all.extend_from_slice(pair);
        all.extend(pair.iter().map(|&kx| mirror(kx)));
    }
    all.extend(own);
    (all, pairs)
}

/// The blocks of a line, those beside each other that mirror each other: block k holds the
/// frequencies that are k mod r_1.
fn block_order(rows: &LinePlan) -> Vec<usize> {
    let blocks = rows.blocks();
    let pairs = (1..blocks.div_ceil(2)).flat_map(|k| [k, blocks - k]);
    let own = [0].into_iter().chain((blocks.is_multiple_of(2)).then_some(blocks / 2));
    own.chain(pairs).collect()
}

/// `line`: position in the line of each position of a hybrid.
pub(super) fn steps(rows: &LinePlan, line: &[usize]) -> Vec<Step> {
    let (block, blocks, lanes) = (rows.block(), rows.blocks(), rows.isa().lanes());
    let tiles: Vec<Vec<usize>> = line
        .chunks(lanes)
        .map(|tile| tile.iter().filter(|p| **p < rows.length()).map(|p| p / block).collect())
        .collect();
    let mut left = vec![block; blocks];
    let mut is_up = vec![false; blocks];
    let mut next = 0;
    let order = block_order(rows);
    let piece = order.chunks((PIECE / block).max(1)).map(|piece| {
        for &k in piece {
            is_up[k] = true;
        }
        let start = next;
        let mut down = Vec::new();
        while tiles.get(next).is_some_and(|tile| tile.iter().all(|&k| is_up[k])) {
            for &k in &tiles[next] {
                left[k] -= 1;
                if left[k] == 0 {
                    down.push(k);
                }
            }
            next += 1;
        }
        Step { up: runs(piece.to_vec()), tiles: start..next, down: runs(down) }
    });
    piece.collect()
}

/// The same blocks as ranges.
fn runs(mut blocks: Vec<usize>) -> Vec<Range<usize>> {
    blocks.sort_unstable();
    blocks.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[run.len() - 1] + 1).collect()
}
