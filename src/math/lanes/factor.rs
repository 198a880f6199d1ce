//! min over M = r_1 r_2 .. r_n of sum_i cost(r_i): which radices a length is transformed with.

use super::butterflies::{FEW, MANY};
use super::isa::Isa;

/// Where in a transform a stage stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    First { pruned: bool },
    Middle,
    Leaf,
}

/// Time per point of a stage, measured on one core with AVX-512, in 1/100 ns.
fn cost(radix: usize, place: Place) -> u32 {
    let (stage, leaf) = match radix {
        1 => (0, 4),
        2 => (20, 15),
        3 => (18, 14),
        4 => (17, 12),
        5 => (17, 13),
        6 => (17, 13),
        7 => (20, 16),
        8 => (17, 12),
        9 => (20, 16),
        10 => (19, 14),
        12 => (18, 13),
        14 => (22, 18),
        15 => (20, 16),
        16 => (20, 16),
        20 => (21, 17),
        21 => (25, 21),
        24 => (24, 19),
        25 => (26, 22),
        28 => (25, 20),
        32 => (27, 22),
        _ => unreachable!("radix {radix} has no cost"),
    };
    match place {
        Place::Leaf => leaf,
        // An odd radix cannot leave out a whole half.
        Place::First { pruned: true } if radix % 2 == 0 => stage * 3 / 4,
        Place::First { .. } | Place::Middle => stage,
    }
}

/// Radices of a transform of `length`, first to leaf; `None` if a prime above 7 divides it.
pub fn radices(length: usize, pruned: bool, isa: Isa) -> Option<Vec<usize>> {
    let known = match isa {
        Isa::Portable => FEW,
        Isa::Avx512 | Isa::Avx2 | Isa::Neon => MANY,
    };
    let divisors: Vec<usize> = (1..=length).filter(|d| length % d == 0).collect();
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
    known.iter().filter(move |&&r| n % r == 0).filter_map(move |&r| {
        let (_, tail, rest) = tails.iter().find(|(m, ..)| *m == n / r)?;
        let radices = std::iter::once(r).chain(rest.iter().copied()).collect();
        Some((cost(r, place) + tail, radices))
    })
}
