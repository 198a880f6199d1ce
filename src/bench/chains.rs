//! Arithmetic as dense as a CPU takes it: independent chains of multiply-adds, in the widest vectors
//! here.

use crate::math::lanes::Isa;

/// So many steps of the chains: a sum that depends on all, and the operations.
pub type Chains = fn(usize) -> (f32, f64);

/// Chains that run beside each other: latency times ports of the CPUs of today is 8 to 10.
const CHAINS: usize = 12;
/// x <- a x + b, which stays near b / (1 - a).
const A: f32 = 0.999;
const B: f32 = 0.001;

/// Twelve chains, a multiply-add each a step.
pub fn multiply_adds(steps: usize) -> (f32, f64) {
    let isa = Isa::best();
    #[allow(unsafe_code, reason = "the instructions are those that this machine was found to run")]
    let sum = match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { x86::fma_512(steps) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { x86::fma_256(steps) },
        _ => chains_of_4(steps),
    };
    (sum, (2 * isa.lanes() * CHAINS * steps) as f64)
}

/// 24 multiply-adds a step with 24 sums beside them, in 14 chains that fit the registers of AVX2; where
/// there are fused ones.
pub fn multiply_adds_and_sums() -> Option<Chains> {
    #[cfg(target_arch = "x86_64")]
    {
        fn flops(steps: usize) -> f64 {
            (72 * Isa::best().lanes() * steps) as f64
        }
        #[allow(
            unsafe_code,
            reason = "the instructions are those that this machine was found to run"
        )]
        match Isa::best() {
            Isa::Avx512 => Some(|steps| (unsafe { x86::mixed_512(steps) }, flops(steps))),
            Isa::Avx2 => Some(|steps| (unsafe { x86::mixed_256(steps) }, flops(steps))),
            _ => None,
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// Four lanes a chain, as every 64-bit CPU has them. Without a fused instruction in the baseline
/// the two operations stay two.
fn chains_of_4(steps: usize) -> f32 {
    let mut chains = [[0.5f32; 4]; CHAINS];
    for _ in 0..steps {
        for x in chains.iter_mut().flatten() {
            *x = if cfg!(target_arch = "aarch64") { x.mul_add(A, B) } else { *x * A + B };
        }
    }
    chains.iter().flatten().sum()
}

/// By intrinsics: whether a plain loop becomes vectors hangs on a compiler's mood, and a peak that
/// is wrong by the width of a vector spoils every share.
#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(clippy::wildcard_imports, reason = "intrinsics carry their module in their names")]

    use std::arch::x86_64::*;

    use super::{A, B, CHAINS};

    macro_rules! chains {
        ($features:literal, $fma:ident, $mixed:ident, $set1:ident, $add:ident, $sub:ident, $madd:ident, $first:ident) => {
            #[target_feature(enable = $features)]
            pub fn $fma(steps: usize) -> f32 {
                let (a, b) = ($set1(A), $set1(B));
                let mut chains = [$set1(0.5); CHAINS];
                for _ in 0..steps {
                    for x in &mut chains {
                        *x = $madd(*x, a, b);
                    }
                }
                $first(chains.into_iter().fold($set1(0.0), |s, x| $add(s, x)))
            }

            /// Eight chains of multiply-adds, three links each a step, and six of sums, four each.
            #[target_feature(enable = $features)]
            pub fn $mixed(steps: usize) -> f32 {
                let (a, b) = ($set1(A), $set1(B));
                let (mut products, mut sums) = ([$set1(0.5); 8], [$set1(0.5); 6]);
                for _ in 0..steps {
                    for _ in 0..3 {
                        for x in &mut products {
                            *x = $madd(*x, a, b);
                        }
                        for x in &mut sums {
                            *x = $sub(b, *x);
                        }
                    }
                    for x in &mut sums {
                        *x = $sub(b, *x);
                    }
                }
                let all = products.into_iter().chain(sums);
                $first(all.fold($set1(0.0), |s, x| $add(s, x)))
            }
        };
    }

    chains!(
        "avx512f",
        fma_512,
        mixed_512,
        _mm512_set1_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_fmadd_ps,
        _mm512_cvtss_f32
    );
    chains!(
        "avx2,fma",
        fma_256,
        mixed_256,
        _mm256_set1_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_fmadd_ps,
        _mm256_cvtss_f32
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chains are not optimised away: x goes towards b / (1 - a) = 1 in each of them.
    #[test]
    fn chains_compute() {
        let (sum, flops) = multiply_adds(20_000);
        let lanes = flops / (2.0 * CHAINS as f64 * 20_000.0);
        assert!(sum > 0.9 * CHAINS as f32 && sum <= 1.01 * CHAINS as f32 * lanes as f32, "{sum}");
        // The others go to and fro between 0.5 and b - 0.5.
        if let Some(mixed) = multiply_adds_and_sums() {
            let (sum, flops) = mixed(20_000);
            assert!((sum - (8.0 + 6.0 * 0.5)).abs() < 0.1, "{sum}");
            assert_eq!(flops, 72.0 * lanes * 20_000.0);
        }
        let four = chains_of_4(20_000);
        assert!((four - 4.0 * CHAINS as f32).abs() < 0.5, "{four}");
    }
}
