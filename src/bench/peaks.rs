//! What a device can do at most: bytes copied and multiply-adds made a second, measured.
//!
//! A copy counts what it reads and what it writes; a multiply-add is two operations. The best of
//! several tries is kept, since a limit is what is sought, and all tries beside it. On a CPU there
//! is one bandwidth per level that holds the data; its fields pass from kernel to kernel through
//! caches, so a line is held against the level that its operands fit. A GPU tells no caches: working
//! sets whose copies are about as fast are a level there.

use std::hint::black_box;
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use super::chains::{Chains, multiply_adds, multiply_adds_and_sums};
use super::host;
use crate::backend::gpu::Wanted;
use crate::backend::gpu::device::Device;
use crate::error::Result;
use crate::math::aligned::Aligned;

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
    pub name: String,
    /// Bytes that it holds for each thread, of a GPU the largest that were tried and found as fast; none
    /// where it holds everything.
    pub holds: Option<usize>,
    /// GB/s of one thread, where there are threads.
    pub one_thread: Option<Rate>,
    /// GB/s of the whole device; of a GPU those of the fastest size.
    pub all: Rate,
}

/// Copies of one size on a GPU.
#[derive(Debug, Clone, Serialize)]
pub struct BySize {
    /// Bytes, read and written.
    pub working_set: usize,
    /// GB/s.
    pub all: Rate,
}

#[derive(Debug, Clone, Serialize)]
pub struct Peaks {
    /// Nearest first.
    pub copy: Vec<Level>,
    /// What the levels of a GPU are made of, the smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copy_by_size: Vec<BySize>,
    /// GFLOP/s of multiply-adds in f32, on one thread and of the whole device.
    pub fma_one_thread: Option<Rate>,
    pub fma: Rate,
    /// GFLOP/s of multiply-adds with sums beside them, for which some CPUs have units of their own (a Zen
    /// 4 makes 1.5 times as many); where there are fused ones.
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
        for (mine, theirs) in self.copy_by_size.iter_mut().zip(other.copy_by_size) {
            mine.all.join(theirs.all);
        }
        if self.copy_by_size.is_empty() {
            for (mine, theirs) in self.copy.iter_mut().zip(other.copy) {
                mine.all.join(theirs.all);
                if let (Some(mine), Some(theirs)) = (&mut mine.one_thread, theirs.one_thread) {
                    mine.join(theirs);
                }
            }
        } else {
            // Sizes are a device's own, levels may be others by now.
            self.copy = levels(&self.copy_by_size);
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

    /// The nearest level that holds so many bytes, and its GB/s.
    pub fn bandwidth(&self, working_set: f64) -> (&str, f64) {
        let holds = |l: &&Level| l.holds.is_none_or(|h| working_set <= h as f64);
        let level = self.copy.iter().find(holds).or(self.copy.last());
        level.map_or((MEMORY, f64::NAN), |l| (&l.name, l.all.best))
    }
}

/// Of a GPU, by its own kernels.
pub fn of_gpu(wanted: Wanted) -> Result<Peaks> {
    let device = Device::open(wanted)?;
    let giga = |rates: Vec<f64>| Rate::of(rates.into_iter().map(|r| r * 1e-9).collect());
    let by_size = device.copy_rates()?.into_iter();
    let copy_by_size: Vec<BySize> =
        by_size.map(|c| BySize { working_set: c.working_set, all: giga(c.rates) }).collect();
    let copy = levels(&copy_by_size);
    let fma = giga(device.fma_rates()?);
    Ok(Peaks { copy, copy_by_size, fma_one_thread: None, fma, fma_and_sums: None })
}

/// The level that holds everything.
pub const MEMORY: &str = "memory";

/// What the rates within a level differ by: copies of one size scatter as much from run to run, on
/// llvmpipe.
const ALIKE: f64 = 1.15;
/// Levels of a GPU at most: a first cache that all share, a last one, memory.
const LEVELS: usize = 3;

/// Sizes, the smallest first, as levels: those whose rates lie closest are put together until none
/// are alike.
fn levels(sizes: &[BySize]) -> Vec<Level> {
    // What a large working set reaches a smaller one could: that it did not is its launch's doing.
    let mut rates: Vec<f64> = sizes.iter().map(|s| s.all.best).collect();
    for n in (1..rates.len()).rev() {
        rates[n - 1] = rates[n - 1].max(rates[n]);
    }
    // Where each level ends.
    let mut ends: Vec<usize> = (1..=sizes.len()).collect();
    let start = |ends: &[usize], level: usize| if level == 0 { 0 } else { ends[level - 1] };
    loop {
        // Of a level and the next as one, from its nearest size to its farthest.
        let spread = |&n: &usize| rates[start(&ends, n)] / rates[ends[n + 1] - 1];
        let pairs = 0..ends.len().saturating_sub(1);
        let closest = pairs.min_by(|a, b| spread(a).total_cmp(&spread(b)));
        match closest {
            Some(n) if ends.len() > LEVELS || spread(&n) < ALIKE => ends.remove(n),
            _ => break,
        };
    }
    let level = |n: usize| {
        let held = &sizes[start(&ends, n)..ends[n]];
        let fastest = held.iter().max_by(|a, b| a.all.best.total_cmp(&b.all.best))?;
        let holds = held.last().filter(|_| ends[n] < sizes.len()).map(|s| s.working_set);
        let name = holds.map_or(MEMORY.into(), |h| format!("within {} MiB", h >> 20));
        Some(Level { name, holds, one_thread: None, all: fastest.all.clone() })
    };
    (0..ends.len()).filter_map(level).collect()
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
    sizes.push((MEMORY, None, large.max(2 * l2)));
    let copy = sizes.into_iter().map(|(name, holds, bytes)| Level {
        name: name.into(),
        holds,
        one_thread: Some(copies(pool, 1, if holds.is_some() { bytes } else { alone })),
        all: copies(pool, threads, bytes),
    });
    Peaks {
        copy: copy.collect(),
        copy_by_size: Vec::new(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_holds_what_fits() {
        let level = |name: &str, holds, best| Level {
            name: name.into(),
            holds,
            one_thread: None,
            all: Rate::of(vec![best]),
        };
        let copy = vec![level("L2", Some(1000), 9.0), level("memory", None, 2.0)];
        let (copy_by_size, fma) = (Vec::new(), Rate::of(vec![100.0]));
        let all = Rate::of(vec![150.0]);
        let fma_and_sums = Some(Threads { one_thread: all.clone(), all });
        let peaks = Peaks { copy, copy_by_size, fma_one_thread: None, fma, fma_and_sums };
        assert_eq!(peaks.flops(), 150.0);
        assert_eq!(peaks.bandwidth(1000.0), ("L2", 9.0));
        assert_eq!(peaks.bandwidth(1001.0), ("memory", 2.0));
    }

    /// Copies of 1, 2, 4.. MiB at these rates.
    fn by_size(rates: &[f64]) -> Vec<BySize> {
        let size = |(n, &rate): (usize, &f64)| BySize {
            working_set: 1 << (20 + n),
            all: Rate::of(vec![0.9 * rate, rate]),
        };
        rates.iter().enumerate().map(size).collect()
    }

    /// MiB that each level holds, and its rate.
    fn found(copy: &[Level]) -> Vec<(Option<usize>, f64)> {
        copy.iter().map(|l| (l.holds.map(|h| h >> 20), l.all.best)).collect()
    }

    #[test]
    fn sizes_alike_are_one_level() {
        let of = |rates: &[f64]| found(&levels(&by_size(rates)));
        assert_eq!(of(&[100.0, 96.0, 104.0, 99.0]), [(None, 104.0)]);
        let two = [400.0, 390.0, 410.0, 105.0, 100.0];
        assert_eq!(of(&two), [(Some(4), 410.0), (None, 105.0)]);
        let names: Vec<_> = levels(&by_size(&two)).into_iter().map(|l| l.name).collect();
        assert_eq!(names, ["within 4 MiB", "memory"]);
        // The smallest does not fill the device: it is no slower than what lies farther away.
        assert_eq!(of(&[50.0, 400.0, 400.0, 100.0]), [(Some(4), 400.0), (None, 100.0)]);
        // A size that a cache holds in part.
        let part = [400.0, 400.0, 200.0, 100.0, 100.0];
        assert_eq!(of(&part), [(Some(2), 400.0), (Some(4), 200.0), (None, 100.0)]);
        // Steps of a tenth do not add up to one level, and a slope is three at most.
        let slope: Vec<f64> = (0..10).rev().map(|n| 100.0 * 1.1f64.powi(n)).collect();
        let found = of(&slope);
        assert!(found.len() == LEVELS && found[LEVELS - 1].1 < 0.6 * slope[0], "{found:?}");
        assert_eq!(of(&[100.0]), [(None, 100.0)]);
    }

    /// A quiet moment shows a cache that a loud one did not, and the other way round.
    #[test]
    fn measurements_of_unlike_levels_are_joined() {
        let peaks = |rates: &[f64]| {
            let copy_by_size = by_size(rates);
            let copy = levels(&copy_by_size);
            let fma = Rate::of(vec![1.0]);
            Peaks { copy, copy_by_size, fma_one_thread: None, fma, fma_and_sums: None }
        };
        let (loud, quiet) = (&[110.0, 100.0, 100.0, 90.0], &[390.0, 400.0, 98.0, 99.0]);
        for [first, second] in [[loud, quiet], [quiet, loud]] {
            let mut joined = peaks(first);
            joined.join(peaks(second));
            assert_eq!(found(&joined.copy), [(Some(2), 400.0), (None, 100.0)]);
            assert_eq!(joined.bandwidth(f64::from(3 << 20)), ("memory", 100.0));
            assert!(joined.copy_by_size.iter().all(|s| s.all.tries.len() == 4));
        }
    }
}
