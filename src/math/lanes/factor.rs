//! min over M = r_1 r_2 .. r_n of sum_i cost(r_i): which radices a length is transformed with.

use super::butterflies::{FEW, MANY, SOME};
use super::isa::Isa;

/// Where in a transform a stage stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    First { pruned: bool },
    Middle,
    Leaf,
}

/// Picoseconds a point of a stage there and back, half of its samples zero and not; and of a leaf
/// there and back with H between: the least of several runs of the test `costs_of_a_stage` with
/// AVX-512 on one core (AMD Zen 4). Only their ratios matter.
const COSTS: [(usize, u32, u32, u32); 20] = [
    (1, 70, 70, 80),
    (2, 119, 139, 101),
    (3, 162, 170, 156),
    (4, 153, 176, 142),
    (5, 236, 255, 228),
    (6, 193, 233, 169),
    (7, 321, 339, 307),
    (8, 211, 259, 254),
    (9, 306, 348, 311),
    (10, 276, 305, 284),
    (12, 244, 295, 264),
    (14, 355, 422, 396),
    (15, 350, 397, 372),
    (16, 288, 370, 343),
    (20, 310, 431, 370),
    (21, 423, 506, 451),
    (24, 367, 463, 396),
    (25, 490, 596, 563),
    (28, 406, 544, 469),
    (32, 428, 543, 478),
];

fn cost(radix: usize, place: Place) -> u32 {
    let entry = COSTS.iter().find(|(r, ..)| *r == radix);
    let (_, half, full, leaf) = entry.expect("every compiled radix has a cost");
    match place {
        Place::Leaf => *leaf,
        Place::First { pruned: true } => *half,
        Place::First { .. } | Place::Middle => *full,
    }
}

/// Radices that are compiled for an instruction set.
pub fn compiled(isa: Isa) -> &'static [usize] {
    match isa {
        Isa::Portable => FEW,
        Isa::Avx2 | Isa::Neon => SOME,
        Isa::Avx512 => MANY,
    }
}

/// Radices of a transform of `length`, first to leaf; `None` if a prime above 7 divides it.
pub fn radices(length: usize, pruned: bool, isa: Isa) -> Option<Vec<usize>> {
    let known = compiled(isa);
    let divisors: Vec<usize> = (1..=length).filter(|d| length.is_multiple_of(*d)).collect();
    // The best tail of each divisor, from short to long.
    let mut tails: Vec<(usize, u32, Vec<usize>)> = vec![];
    for &n in divisors.iter().filter(|&&n| n < length) {
        let leaf = (n == 1 || known.contains(&n)).then(|| (cost(n, Place::Leaf), vec![n]));
        let best = splits(n, known, &tails, Place::Middle).chain(leaf).min();
        tails.extend(best.map(|(cost, radices)| (n, cost, radices)));
    }
    let alone = (length == 1).then(|| (0, vec![1, 1]));
    let first = Place::First { pruned };
    splits(length, known, &tails, first).chain(alone).min().map(|(_, radices)| radices)
}

/// `n` as one radix at `place` before each of the tails that fit.
fn splits(
    n: usize,
    known: &[usize],
    tails: &[(usize, u32, Vec<usize>)],
    place: Place,
) -> impl Iterator<Item = (u32, Vec<usize>)> {
    known.iter().filter(move |&&r| n.is_multiple_of(r)).filter_map(move |&r| {
        let (_, tail, rest) = tails.iter().find(|(m, ..)| *m == n / r)?;
        let radices = std::iter::once(r).chain(rest.iter().copied()).collect();
        Some((cost(r, place) + tail, radices))
    })
}
