//! Addressed randomness: Threefry-2x32-20 (Salmon et al. 2011, SC'11) keyed by seed and use.
//!
//! A draw depends on (seed, step, site, index) alone, so neither threads nor micro-batches nor
//! a resumed run change it.

/// Who draws; part of the key, so that two uses never share a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Site {
    Shuffle = 1,
    ShuffleLabels = 2,
    MaskInit = 3,
    Test = 4,
    Haar = 5,
    MeshSplitter = 6,
    MeshTheta = 7,
    MeshPhi = 8,
    MeshGamma = 9,
    MeshLoss = 10,
    MeshDriftTheta = 11,
    MeshDriftPhi = 12,
    MeshDriftGamma = 13,
    Move = 14,
    Pose = 15,
    MaskPhase = 16,
    DetectorGain = 17,
    Feedback = 18,
    Search = 19,
    Pattern = 20,
    Goal = 21,
    Aberration = 22,
    Figure = 64,
    Detector = 65,
}

/// Threefry-2x32 with 20 rounds of counters side by side.
#[inline(always)]
fn threefry<const N: usize>(key: [u32; 2], [mut a, mut b]: [[u32; N]; 2]) -> [[u32; N]; 2] {
    const ROTATIONS: [u32; 8] = [13, 15, 26, 6, 17, 29, 16, 24];
    let keys = [key[0], key[1], 0x1BD1_1BDA ^ key[0] ^ key[1]];
    for l in 0..N {
        a[l] = a[l].wrapping_add(keys[0]);
        b[l] = b[l].wrapping_add(keys[1]);
    }
    for round in 0..20 {
        let turn = ROTATIONS[round % 8];
        for l in 0..N {
            a[l] = a[l].wrapping_add(b[l]);
            b[l] = b[l].rotate_left(turn) ^ a[l];
        }
        if round % 4 == 3 {
            let injection = round / 4 + 1;
            for l in 0..N {
                a[l] = a[l].wrapping_add(keys[injection % 3]);
                b[l] = b[l].wrapping_add(keys[(injection + 1) % 3]).wrapping_add(injection as u32);
            }
        }
    }
    [a, b]
}

/// Threefry-2x32 with 20 rounds: a bijection of `counter` for every `key`.
pub fn threefry2x32(key: [u32; 2], [x, y]: [u32; 2]) -> [u32; 2] {
    let [[x], [y]] = threefry(key, [[x], [y]]);
    [x, y]
}

/// Counters side by side.
pub const SIDE: usize = 16;

/// [`threefry2x32`] of `[step, first + l]` for every lane l; `index` counts on by one.
#[inline(always)]
pub fn threefry_lanes(key: [u32; 2], step: u32, first: u32) -> [[u32; SIDE]; 2] {
    let mut index = [first; SIDE];
    for (l, index) in index.iter_mut().enumerate() {
        *index = index.wrapping_add(l as u32);
    }
    threefry(key, [[step; SIDE], index])
}

/// Sites from here on are numbered by the program that draws at them.
pub const OF_PROGRAMS: u32 = 256;

/// The key of a site.
pub fn key(seed: u64, site: u32) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32 ^ site.wrapping_mul(0x9E37_79B9)]
}

/// 64 random bits at an address.
pub fn bits(seed: u64, step: u32, site: Site, index: u32) -> u64 {
    let [a, b] = threefry2x32(key(seed, site as u32), [step, index]);
    u64::from(a) | u64::from(b) << 32
}

/// Uniform in [0, 1) with 53 bits.
pub fn uniform(seed: u64, step: u32, site: Site, index: u32) -> f64 {
    (bits(seed, step, site, index) >> 11) as f64 / (1u64 << 53) as f64
}

/// A permutation of `0..n` (Fisher-Yates).
pub fn permutation(n: usize, seed: u64, step: u32, site: Site) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    for i in (1..n).rev() {
        // Multiply-shift: the bias is below n / 2^64.
        let draw = bits(seed, step, site, i as u32);
        let j = ((u128::from(draw) * (i as u128 + 1)) >> 64) as usize;
        order.swap(i, j);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers from the Random123 distribution (`kat_vectors`, threefry2x32 20 rounds).
    #[test]
    fn threefry_known_answers() {
        assert_eq!(threefry2x32([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
        assert_eq!(threefry2x32([u32::MAX; 2], [u32::MAX; 2]), [0x1cb9_96fc, 0xbb00_2be7]);
        assert_eq!(
            threefry2x32([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]),
            [0xc492_3a9c, 0x483d_f7a0]
        );
    }

    #[test]
    fn lanes_are_single_draws() {
        let [a, b] = threefry_lanes([5, 9], 7, 100);
        for l in 0..SIDE {
            assert_eq!([a[l], b[l]], threefry2x32([5, 9], [7, 100 + l as u32]));
        }
    }

    #[test]
    fn permutations_are_bijections_and_differ() {
        let a = permutation(1000, 7, 0, Site::Shuffle);
        let b = permutation(1000, 7, 1, Site::Shuffle);
        assert_ne!(a, b);
        for mut p in [a, b] {
            p.sort_unstable();
            assert!(p.iter().enumerate().all(|(i, &v)| i as u32 == v));
        }
    }
}
