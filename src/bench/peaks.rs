//! What a device can do at most: bytes copied and multiply-adds made a second, measured.
//!
//! A copy counts what it reads and what it writes; a multiply-add is two operations. The best of
//! several tries is kept, since a limit is what is sought, and all tries beside it. On a CPU there
//! is one bandwidth per level that holds the data; its fields pass from kernel to kernel through
//! caches, so a line is held against the level that its operands fit.

use std::hint::black_box;
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use super::host;
use crate::backend::gpu::Wanted;
use crate::backend::gpu::device::Device;
use crate::error::Result;
use crate::math::aligned::Aligned;
use crate::math::lanes::Isa;

/// A rate: the best of its tries.
#[derive(Debug, Clone, Serialize)]
pub struct Rate {
    pub best: f64,
    pub tries: Vec<f64>,
}

impl Rate {
    fn of(tries: Vec<f64>) -> Self {
        Self { best: tries.iter().copied().fold(0.0, f64::max), tries }
    }

    /// With the tries of another time.
    fn join(&mut self, other: Self) {
        self.tries.extend(other.tries);
        self.best = self.best.max(other.best);
    }
}

/// Copies between arrays that a level of the memory holds.
#[derive(Debug, Clone, Serialize)]
pub struct Level {
    pub name: &'static str,
    /// Bytes that it holds for each thread; none where it holds everything.
    pub holds: Option<usize>,
    /// GB/s of one thread, where there are threads.
    pub one_thread: Option<Rate>,
    /// GB/s of the whole device.
    pub all: Rate,
}

#[derive(Debug, Clone, Serialize)]
pub struct Peaks {
    /// Nearest first.
    pub copy: Vec<Level>,
    /// GFLOP/s of multiply-adds in f32, on one thread and of the whole device.
    pub fma_one_thread: Option<Rate>,
    pub fma: Rate,
    /// GFLOP/s of multiply-adds with sums beside them, for which AMD's CPUs have units of their own;
    /// where there are fused ones.
    pub fma_and_sums: Option<Threads>,
}

/// A rate of a CPU.
#[derive(Debug, Clone, Serialize)]
pub struct Threads {
    pub one_thread: Rate,
    pub all: Rate,
}

impl Peaks {
    /// GFLOP/s of arithmetic at most.
    pub fn flops(&self) -> f64 {
        self.fma_and_sums.as_ref().map_or(self.fma.best, |mixed| self.fma.best.max(mixed.all.best))
    }

    /// Joins the tries of another time: a limit is best seen in a quiet moment, and there may have
    /// been none before.
    pub fn join(&mut self, other: Self) {
        for (mine, theirs) in self.copy.iter_mut().zip(other.copy) {
            mine.all.join(theirs.all);
            if let (Some(mine), Some(theirs)) = (&mut mine.one_thread, theirs.one_thread) {
                mine.join(theirs);
            }
        }
        if let (Some(mine), Some(theirs)) = (&mut self.fma_one_thread, other.fma_one_thread) {
            mine.join(theirs);
        }
        self.fma.join(other.fma);
        if let (Some(mine), Some(theirs)) = (&mut self.fma_and_sums, other.fma_and_sums) {
            mine.one_thread.join(theirs.one_thread);
            mine.all.join(theirs.all);
        }
    }

    /// The nearest level that holds so many bytes a thread, and its GB/s.
    pub fn bandwidth(&self, working_set: f64) -> (&'static str, f64) {
        let holds = |l: &&Level| l.holds.is_none_or(|h| working_set <= h as f64);
        let level = self.copy.iter().find(holds).or(self.copy.last());
        level.map_or(("memory", f64::NAN), |l| (l.name, l.all.best))
    }
}

/// Of a GPU, by its own kernels.
pub fn of_gpu(wanted: Wanted) -> Result<Peaks> {
    let device = Device::open(wanted)?;
    let (copy, fma) = (device.copy_bandwidth()?, device.fma_rate()?);
    let all = Rate::of(vec![copy * 1e-9]);
    let memory = Level { name: "memory", holds: None, one_thread: None, all };
    Ok(Peaks {
        copy: vec![memory],
        fma_one_thread: None,
        fma: Rate::of(vec![fma * 1e-9]),
        fma_and_sums: None,
    })
}

/// Tries of each rate, and seconds of one.
const TRIES: usize = 5;
const SECONDS: f64 = 0.02;

/// Of the CPU, with the threads of a pool.
pub fn of_cpu(pool: &rayon::ThreadPool) -> Peaks {
    let threads = pool.current_num_threads();
    let caches = [2, 3].map(host::cache);
    let [l2, l3] = caches.map(|cache| cache.of_a_thread(threads));
    // Half of a level, for the other half is never quite one's own; memory is far beyond caches.
    let mut sizes = vec![("L2", Some(l2), l2 / 2)];
    if l3 > 2 * l2 {
        sizes.push(("L3", Some(l3), l3 / 2));
    }
    let far = |l3: usize| (4 * l3).clamp(64 << 20, 1 << 30);
    let (large, alone) = (far(l3 * threads) / threads, far(caches[1].bytes));
    sizes.push(("memory", None, large.max(2 * l2)));
    let copy = sizes.into_iter().map(|(name, holds, bytes)| Level {
        name,
        holds,
        one_thread: Some(copies(pool, 1, if holds.is_some() { bytes } else { alone })),
        all: copies(pool, threads, bytes),
    });
    Peaks {
        copy: copy.collect(),
        fma_one_thread: Some(arithmetic(pool, 1, multiply_adds)),
        fma: arithmetic(pool, threads, multiply_adds),
        fma_and_sums: multiply_adds_and_sums().map(|mixed| Threads {
            one_thread: arithmetic(pool, 1, mixed),
            all: arithmetic(pool, threads, mixed),
        }),
    }
}

/// GB/s of copies from one half of `bytes` to the other, on so many threads.
fn copies(pool: &rayon::ThreadPool, threads: usize, bytes: usize) -> Rate {
    let half = (bytes / 2 / size_of::<f32>()).max(1);
    let moved = 2.0 * (half * size_of::<f32>()) as f64;
    together(pool, threads, || {
        // On whole cache lines: a Zen 3 copies fifteen times slower to a place a few bytes further into
        // its page than the source, as slices of a heap are.
        let from: Aligned<f32> = std::iter::repeat_n(1.0, half).collect();
        let mut to = Aligned::zeros(half);
        move |passes| {
            for _ in 0..passes {
                to.copy_from_slice(black_box(&from));
                black_box(&mut to);
            }
            moved * passes as f64 * 1e-9
        }
    })
}

/// So many steps of independent chains: a sum that depends on all, and the operations.
type Chains = fn(usize) -> (f32, f64);

/// GFLOP/s of chains, on so many threads.
fn arithmetic(pool: &rayon::ThreadPool, threads: usize, chains: Chains) -> Rate {
    together(pool, threads, || {
        |passes| {
            let (sum, flops) = chains(passes * 10_000);
            black_box(sum);
            flops * 1e-9
        }
    })
}

/// Lets so many threads do the same at the same time. `make` makes a thread's own work, which does
/// a number of passes and returns what it did in giga-somethings; the rate is the sum over threads.
fn together<W: FnMut(usize) -> f64>(
    pool: &rayon::ThreadPool,
    threads: usize,
    make: impl Fn() -> W + Sync,
) -> Rate {
    let start = Barrier::new(threads);
    let totals = Mutex::new(vec![0.0; TRIES]);
    pool.broadcast(|context| {
        if context.index() >= threads {
            return;
        }
        let mut work = make();
        work(1);
        let once = Instant::now();
        work(1);
        let passes = (SECONDS / once.elapsed().as_secs_f64().max(1e-9)).ceil().max(1.0) as usize;
        for attempt in 0..TRIES {
            start.wait();
            let started = Instant::now();
            let done = work(passes);
            let rate = done / started.elapsed().as_secs_f64();
            totals.lock().unwrap_or_else(PoisonError::into_inner)[attempt] += rate;
        }
    });
    Rate::of(totals.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Chains that run beside each other: latency times ports of the CPUs of today is 8 to 10.
const CHAINS: usize = 12;
/// x <- a x + b, which stays near b / (1 - a).
const A: f32 = 0.999;
const B: f32 = 0.001;

/// In the widest vectors here.
fn multiply_adds(steps: usize) -> (f32, f64) {
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

/// 24 multiply-adds a step and as many sums: in the registers of AVX2, and each longer than the
/// latency of all units that there may be.
fn multiply_adds_and_sums() -> Option<Chains> {
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
        ($features:literal, $fma:ident, $mixed:ident, $set1:ident, $add:ident, $sub:ident, $madd:ident, $first:expr) => {
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
        |x| _mm512_cvtss_f32(x)
    );
    chains!(
        "avx2,fma",
        fma_256,
        mixed_256,
        _mm256_set1_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_fmadd_ps,
        |x| _mm256_cvtss_f32(x)
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

    #[test]
    fn a_level_holds_what_fits() {
        let level = |name, holds, best| Level {
            name,
            holds,
            one_thread: None,
            all: Rate { best, tries: vec![best] },
        };
        let fma = Rate { best: 100.0, tries: vec![100.0] };
        let copy = vec![level("L2", Some(1000), 9.0), level("memory", None, 2.0)];
        let all = Rate { best: 150.0, tries: vec![150.0] };
        let fma_and_sums = Some(Threads { one_thread: all.clone(), all });
        let peaks = Peaks { copy, fma_one_thread: None, fma, fma_and_sums };
        assert_eq!(peaks.flops(), 150.0);
        assert_eq!(peaks.bandwidth(1000.0), ("L2", 9.0));
        assert_eq!(peaks.bandwidth(1001.0), ("memory", 2.0));
    }
}
