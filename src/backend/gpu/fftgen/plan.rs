//! How a line is transformed: M = r1 r2 ... rs by a table of what each radix costs, whole or, where
//! it does not fit a workgroup, cut in two: M = M1 M2, M1 values that lie M2 apart and then M2 that
//! lie side by side.

use super::tables::Table;

/// What a workgroup may use, and the table that plans are made by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub threads: usize,
    /// Of workgroup memory.
    pub bytes: usize,
    pub table: Table,
}

/// Threads that every WebGPU adapter has; a plan asks for no more.
const MOST_THREADS: usize = 256;

impl Limits {
    pub fn of(threads: usize, bytes: usize, table: Table) -> Self {
        Self { threads, bytes, table }
    }

    /// Memory for lines of so many bytes.
    fn memory(&self, line: usize) -> usize {
        if line > self.table.memory { self.bytes } else { self.bytes.min(self.table.memory) }
    }

    fn most_threads(&self) -> usize {
        self.threads.min(MOST_THREADS)
    }
}

/// Consecutive stages of a line, for one kernel: sub-lines of `length` values that lie `inner`
/// apart, in `outer` blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Of the whole line.
    pub line: usize,
    pub outer: usize,
    pub length: usize,
    pub inner: usize,
    /// In the order of the forward stages; their product is the length.
    pub radices: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePlan {
    pub length: usize,
    pub radices: Vec<usize>,
    /// One part, or an upper and a lower one.
    pub parts: Vec<Part>,
}

/// Products of known radices that give the length, largest first.
fn factorings(length: usize, most: usize, table: &Table) -> Vec<Vec<usize>> {
    if length == 1 {
        return vec![Vec::new()];
    }
    let fits =
        table.radices.iter().map(|r| r.0).filter(|r| *r <= most && length.is_multiple_of(*r));
    let behind = |first: usize| {
        factorings(length / first, first, table).into_iter().map(move |mut rest| {
            rest.insert(0, first);
            rest
        })
    };
    fits.flat_map(behind).collect()
}

/// Values moved per sample of a line, arithmetic in the same unit.
fn cost(length: usize, radices: &[usize], table: &Table) -> f64 {
    let threads = length / radices[0];
    let stage = |&radix: &usize| {
        // Threads that the last round leaves idle wait for the others.
        let rounds = (length / radix).div_ceil(threads);
        let work = (rounds * threads * radix) as f64 / length as f64;
        let butterfly = table.radices.iter().find(|r| r.0 == radix).map_or(0.0, |r| r.1);
        work * (butterfly + table.exchange)
    };
    radices.iter().map(stage).sum()
}

/// The line in one part or, where that does not fit a workgroup, in two of like lengths; none where
/// those do not either.
fn parts(length: usize, radices: &[usize], limits: &Limits) -> Option<Vec<Part>> {
    let part = |from: usize, to: usize| Part {
        line: length,
        outer: radices[..from].iter().product(),
        length: radices[from..to].iter().product(),
        inner: radices[to..].iter().product(),
        radices: radices[from..to].to_vec(),
    };
    let fits = |p: &Part| 8 * p.length <= limits.memory(8 * p.length);
    let end = radices.len();
    let whole = part(0, end);
    if fits(&whole) {
        return Some(vec![whole]);
    }
    let cuts = (1..end).map(|at| vec![part(0, at), part(at, end)]);
    let fitting = cuts.filter(|parts| parts.iter().all(fits));
    fitting.min_by_key(|parts| parts.iter().map(|p| p.length).max())
}

impl LinePlan {
    /// Whether radices give the length: no prime above 7 divides it.
    pub fn factors(length: usize, table: &Table) -> bool {
        !factorings(length, usize::MAX, table).is_empty()
    }

    /// The cheapest; none if a prime above 7 divides the length or not even half a line fits.
    pub fn choose(length: usize, limits: &Limits) -> Option<Self> {
        let table = &limits.table;
        let all = if length == 1 { vec![vec![1]] } else { factorings(length, usize::MAX, table) };
        let plan = |mut radices: Vec<usize>| {
            // Two butterflies share a lane only where the last radix is even.
            if let Some(at) = radices.iter().rposition(|r| r.is_multiple_of(2)) {
                radices[at..].rotate_left(1);
            }
            let parts = parts(length, &radices, limits)?;
            Some(Self { length, radices, parts })
        };
        let price = |plan: &Self| cost(length, &plan.radices, table);
        all.into_iter().filter_map(plan).min_by(|a, b| price(a).total_cmp(&price(b)))
    }

    /// The frequency at each place of a transformed row in memory: the last butterfly of a row
    /// stores its values so that neighbouring threads write neighbouring places.
    pub fn row_order(&self) -> Vec<u32> {
        let frequencies = frequencies(&self.radices);
        let last = self.parts.last().map_or(1, |p| p.length);
        let radix = self.radices.last().copied().unwrap_or(1);
        let at = |place: usize| {
            let (block, inside) = (place / last * last, place % last);
            let butterflies = last / radix;
            block + inside % butterflies * radix + inside / butterflies
        };
        (0..self.length).map(|place| frequencies[at(place)]).collect()
    }

    /// The frequency at each place of a transformed column.
    pub fn column_order(&self) -> Vec<u32> {
        frequencies(&self.radices)
    }
}

/// What a lane holds two of, so that it moves 16 bytes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    Nothing,
    /// The same value of two neighbouring lines.
    Lines,
    /// The same value of two neighbouring butterflies of a line.
    Butterflies,
}

/// How a part lies on a workgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Threads that share a sub-line.
    pub threads: usize,
    /// Sub-lines that share a workgroup, counted by lanes.
    pub lines: usize,
    pub pair: Pair,
}

impl Group {
    /// For `count` sub-lines, one behind the other in memory; `pairs`: of an even number of
    /// samples where they are natural.
    pub fn rows(part: &Part, count: usize, pairs: bool, limits: &Limits) -> Self {
        let last = part.radices[part.radices.len() - 1];
        let even = last.is_multiple_of(2) && (part.length / last).is_multiple_of(2);
        let pair = if limits.table.fill.pairs && pairs && even && part.radices.len() > 1 {
            Pair::Butterflies
        } else {
            Pair::Nothing
        };
        Self::filled(part, count, pair, limits.memory(8 * part.length), limits, |threads| {
            (limits.table.fill.row_threads / threads).max(1)
        })
    }

    /// Likewise, side by side in memory: the more of them, the longer a run is read at once.
    pub fn beside(part: &Part, count: usize, pairs: bool, limits: &Limits) -> Self {
        let fits = 16 * part.length <= limits.bytes;
        let pairs = limits.table.fill.pairs && pairs && count.is_multiple_of(2) && fits;
        let pair = if pairs { Pair::Lines } else { Pair::Nothing };
        let width = if pairs { 2 } else { 1 };
        Self::filled(part, count / width, pair, limits.bytes / width, limits, |_| {
            limits.table.fill.beside / width
        })
    }

    fn filled(
        part: &Part,
        count: usize,
        pair: Pair,
        memory: usize,
        limits: &Limits,
        wanted: impl Fn(usize) -> usize,
    ) -> Self {
        let most = limits.most_threads();
        let butterflies = part.length / part.radices[0];
        let lanes = if pair == Pair::Butterflies { butterflies / 2 } else { butterflies };
        let threads = lanes.clamp(1, most);
        let room = (memory / (8 * part.length)).min(most / threads).min(count);
        Self { threads, lines: wanted(threads).min(room).max(1), pair }
    }

    /// Values a lane holds side by side.
    pub fn wide(&self) -> usize {
        if self.pair == Pair::Nothing { 1 } else { 2 }
    }
}

/// Frequency at each position of a transformed line.
fn frequencies(radices: &[usize]) -> Vec<u32> {
    let length: usize = radices.iter().product();
    let frequency = |position: usize| {
        let (mut rest, mut stride, mut scale, mut k) = (position, length, 1, 0);
        for &r in radices {
            stride /= r;
            k += rest / stride * scale;
            rest %= stride;
            scale *= r;
        }
        k as u32
    };
    (0..length).map(frequency).collect()
}

/// exp(-2πi k / M), made in f64.
pub fn twiddles(length: usize) -> Vec<[f32; 2]> {
    let twiddle = |k: usize| {
        let angle = -std::f64::consts::TAU * k as f64 / length as f64;
        [angle.cos() as f32, angle.sin() as f32]
    };
    (0..length).map(twiddle).collect()
}

#[cfg(test)]
mod tests {
    use num_complex::Complex;

    use super::super::tables::{HARDWARE, SOFTWARE};
    use super::*;

    const TABLES: [Table; 2] = [SOFTWARE, HARDWARE];

    /// Butterfly by definition.
    fn dft(x: &[Complex<f64>]) -> Vec<Complex<f64>> {
        let n = x.len();
        let term = |k: usize, j: usize| {
            x[j] * Complex::cis(-std::f64::consts::TAU * (j * k % n) as f64 / n as f64)
        };
        (0..n).map(|k| (0..n).map(|j| term(k, j)).sum()).collect()
    }

    /// The stages as the kernels run them; `transposed` is the way back.
    fn network(x: &mut [Complex<f64>], radices: &[usize], transposed: bool) {
        let length = x.len();
        let mut block = length;
        let mut stages: Vec<(usize, usize)> = Vec::new();
        for &r in radices {
            stages.push((r, block));
            block /= r;
        }
        if transposed {
            stages.reverse();
        }
        for (r, block) in stages {
            let sub = block / r;
            for base in (0..length).filter(|p| p % block < sub) {
                let n = base % block;
                let twiddle =
                    |k: usize| Complex::cis(-std::f64::consts::TAU * (n * k) as f64 / block as f64);
                let mut v: Vec<_> = (0..r).map(|i| x[base + i * sub]).collect();
                if transposed {
                    v.iter_mut().enumerate().for_each(|(k, v)| *v *= twiddle(k));
                }
                let mut v = dft(&v);
                if !transposed {
                    v.iter_mut().enumerate().for_each(|(k, v)| *v *= twiddle(k));
                }
                (0..r).for_each(|i| x[base + i * sub] = v[i]);
            }
        }
    }

    #[test]
    fn the_network_is_the_transform_in_its_own_order() {
        let lengths = (1..=130).chain([200, 210, 256, 343, 400, 512]);
        for (length, table) in lengths.flat_map(|n| TABLES.map(|t| (n, t))) {
            let limits = Limits::of(256, 16 << 10, table);
            let Some(LinePlan { radices, .. }) = LinePlan::choose(length, &limits) else {
                continue;
            };
            assert_eq!(radices.iter().product::<usize>(), length);
            let x: Vec<_> = (0..length)
                .map(|i| Complex::new((i * i % 7) as f64 - 3.0, (i % 5) as f64))
                .collect();
            let exact = dft(&x);
            let mut y = x.clone();
            network(&mut y, &radices, false);
            for (position, &k) in frequencies(&radices).iter().enumerate() {
                assert!(
                    (y[position] - exact[k as usize]).norm() < 1e-11 * length as f64,
                    "M = {length}"
                );
            }
            // Swapped in, transposed, swapped out: M times the line again.
            let swap = |v: &mut Vec<Complex<f64>>| {
                for z in v.iter_mut() {
                    *z = Complex::new(z.im, z.re);
                }
            };
            swap(&mut y);
            network(&mut y, &radices, true);
            swap(&mut y);
            for (a, b) in y.iter().zip(&x) {
                assert!((a / length as f64 - b).norm() < 1e-11, "M = {length}");
            }
        }
    }
}
