//! min over M = r_1 r_2 .. r_n of sum_i cost(r_i): which radices a length is transformed with.

use super::butterflies::{FEW, MANY, SOME};
use super::isa::{self, Isa, Kin};

/// What a transform is for.
#[derive(Clone, Copy, PartialEq)]
pub enum Use {
    /// There, and another time back.
    Alone,
    /// There, times H, and back at once.
    Turn,
}

/// Where in a transform a stage stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    First { pruned: bool, purpose: Use },
    Middle,
    Leaf(Use),
}

/// Picoseconds a point, there and back, of a stage with half of its samples zero on a line of 400
/// (longer than the nearest cache), of a stage with none; of a leaf; and of a leaf with H between:
/// the least of several runs of the test `costs_of_a_stage` on one core of an AMD Zen 5. Only their
/// ratios matter. Were they measured when a program starts, its plans, and with them its bits, would
/// differ from run to run.
const AVX512: [(usize, [u32; 4]); 20] = [
    (1, [60, 60, 0, 30]),
    (2, [71, 63, 60, 40]),
    (3, [80, 82, 70, 69]),
    (4, [75, 78, 60, 64]),
    (5, [108, 114, 86, 102]),
    (6, [91, 100, 74, 84]),
    (7, [144, 155, 112, 144]),
    (8, [92, 105, 96, 113]),
    (9, [142, 160, 100, 139]),
    (10, [122, 133, 92, 114]),
    (12, [114, 126, 90, 94]),
    (14, [162, 190, 116, 139]),
    (15, [162, 197, 122, 140]),
    (16, [129, 167, 124, 157]),
    (20, [163, 219, 116, 171]),
    (21, [197, 237, 146, 185]),
    (24, [183, 234, 140, 191]),
    (25, [225, 284, 174, 230]),
    (28, [193, 266, 138, 185]),
    (32, [204, 270, 158, 174]),
];

/// The same on an Intel Xeon with 2 MiB of L2 a core: a line that leaves the first level changed costs
/// it four cycles, so that fewer and larger stages are better.
const AVX512_INTEL: [(usize, [u32; 4]); 20] = [
    (1, [150, 90, 0, 50]),
    (2, [160, 96, 70, 73]),
    (3, [150, 123, 95, 104]),
    (4, [152, 123, 74, 100]),
    (5, [163, 168, 112, 150]),
    (6, [158, 162, 99, 137]),
    (7, [182, 202, 147, 183]),
    (8, [167, 176, 116, 148]),
    (9, [202, 235, 167, 202]),
    (10, [198, 211, 146, 181]),
    (12, [174, 199, 132, 164]),
    (14, [212, 263, 175, 212]),
    (15, [226, 264, 179, 237]),
    (16, [203, 236, 165, 206]),
    (20, [235, 273, 178, 232]),
    (21, [280, 312, 210, 272]),
    (24, [254, 288, 184, 260]),
    (25, [329, 381, 267, 325]),
    (28, [275, 326, 209, 267]),
    (32, [283, 343, 223, 267]),
];

/// The same on an AMD Zen 4, which stores half a register of AVX-512 a cycle, so that what is spilled
/// counts.
const AVX512_ZEN4: [(usize, [u32; 4]); 20] = [
    (1, [138, 137, 0, 96]),
    (2, [145, 140, 136, 91]),
    (3, [165, 171, 151, 142]),
    (4, [156, 178, 136, 138]),
    (5, [223, 240, 160, 190]),
    (6, [195, 233, 151, 160]),
    (7, [325, 342, 217, 293]),
    (8, [214, 264, 223, 249]),
    (9, [309, 350, 209, 291]),
    (10, [261, 305, 192, 212]),
    (12, [247, 299, 205, 220]),
    (14, [366, 485, 284, 305]),
    (15, [330, 401, 229, 355]),
    (16, [298, 404, 289, 341]),
    (20, [340, 453, 278, 350]),
    (21, [439, 516, 331, 430]),
    (24, [389, 470, 343, 424]),
    (25, [486, 618, 373, 508]),
    (28, [423, 560, 340, 424]),
    (32, [438, 608, 367, 443]),
];

/// What the first stage of rows of an even radix costs instead, which `PlanePlan::meet` takes with what
/// is done to the samples: on Zen 5 by the same test, the mean of a mask's trip forward and of that back,
/// with planes in the last cache and in memory. A radix r reads r / 2 places each of two or three planes
/// by turns; of many, prefetchers lose sight (on Zen 4 rows of 1024 take twice as long by 32 x 32 as by
/// 8 x 8 x 16).
const MEETINGS: [(usize, u32); 12] = [
    (2, 243),
    (4, 252),
    (6, 242),
    (8, 210),
    (10, 243),
    (12, 254),
    (14, 328),
    (16, 319),
    (20, 440),
    (24, 555),
    (28, 658),
    (32, 791),
];

/// The same on Zen 4.
const MEETINGS_ZEN4: [(usize, u32); 12] = [
    (2, 325),
    (4, 306),
    (6, 330),
    (8, 376),
    (10, 425),
    (12, 449),
    (14, 535),
    (16, 511),
    (20, 778),
    (24, 896),
    (28, 1069),
    (32, 1114),
];

/// The first again with AVX2.
const AVX2: [(usize, [u32; 4]); 15] = [
    (1, [90, 90, 0, 60]),
    (2, [99, 121, 94, 82]),
    (3, [141, 159, 106, 138]),
    (4, [116, 147, 118, 128]),
    (5, [207, 239, 148, 206]),
    (6, [166, 190, 128, 180]),
    (7, [321, 368, 208, 309]),
    (8, [180, 249, 192, 242]),
    (9, [298, 348, 224, 320]),
    (10, [266, 343, 182, 278]),
    (12, [235, 302, 180, 267]),
    (14, [386, 469, 256, 327]),
    (15, [347, 413, 240, 316]),
    (16, [271, 337, 252, 285]),
    (20, [345, 433, 228, 281]),
];

/// What odd radices, which do not meet, cost more than a stage alone in a first stage of rows: about, by
/// whole hops, on Zen 5, on Zen 4, and where even ones too are taken to cost what they cost alone.
const MISSES: u32 = 190;
const MISSES_ZEN4: u32 = 300;
const MISSES_ALONE: u32 = 40;

fn cost(radix: usize, place: Place, isa: Isa) -> u32 {
    let (table, meetings, misses): (&[_], &[(usize, u32)], _) = match (isa, isa::kin()) {
        (Isa::Avx512, Kin::Intel) => (&AVX512_INTEL, &[], MISSES_ALONE),
        (Isa::Avx512, Kin::Zen4) => (&AVX512_ZEN4, &MEETINGS_ZEN4, MISSES_ZEN4),
        (Isa::Avx512, Kin::Other) => (&AVX512, &MEETINGS, MISSES),
        _ => (&AVX2, &[], MISSES_ALONE),
    };
    let entry = table.iter().find(|(r, _)| *r == radix);
    let (_, [half, full, leaf, turn]) = entry.expect("every compiled radix has a cost");
    match place {
        Place::Leaf(Use::Alone) => *leaf,
        Place::Leaf(Use::Turn) => *turn,
        // Of the field no more is known: windows of one size have one order of rows.
        Place::First { pruned: true, purpose: Use::Alone } => {
            match meetings.iter().find(|(r, _)| *r == radix) {
                Some((_, meeting)) => *meeting,
                None if radix.is_multiple_of(2) => *half,
                None => half + misses,
            }
        }
        Place::First { pruned: true, .. } => *half,
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
pub fn radices(length: usize, pruned: bool, isa: Isa, purpose: Use) -> Option<Vec<usize>> {
    let known = compiled(isa);
    let divisors: Vec<usize> = (1..=length).filter(|d| length.is_multiple_of(*d)).collect();
    // The best tail of each divisor, from short to long.
    let mut tails: Vec<(usize, u32, Vec<usize>)> = vec![];
    for &n in divisors.iter().filter(|&&n| n < length) {
        let leaf =
            (n == 1 || known.contains(&n)).then(|| (cost(n, Place::Leaf(purpose), isa), vec![n]));
        let best = splits(n, isa, &tails, Place::Middle).chain(leaf).min();
        tails.extend(best.map(|(cost, radices)| (n, cost, radices)));
    }
    let alone = (length == 1).then(|| (0, vec![1, 1]));
    let all = splits(length, isa, &tails, Place::First { pruned, purpose });
    all.chain(alone).min().map(|(_, radices)| radices)
}

/// `n` as one radix at `place` before each of the tails that fit.
fn splits(
    n: usize,
    isa: Isa,
    tails: &[(usize, u32, Vec<usize>)],
    place: Place,
) -> impl Iterator<Item = (u32, Vec<usize>)> {
    compiled(isa).iter().filter(move |&&r| n.is_multiple_of(r)).filter_map(move |&r| {
        let (_, tail, rest) = tails.iter().find(|(m, ..)| *m == n / r)?;
        let radices = std::iter::once(r).chain(rest.iter().copied()).collect();
        Some((cost(r, place, isa) + tail, radices))
    })
}
