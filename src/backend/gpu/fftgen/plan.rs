//! How a line is transformed: radices, threads a line, lines a workgroup.

/// What a workgroup may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub threads: usize,
    /// Of workgroup memory.
    pub bytes: usize,
}

/// Threads and memory of the fallback plan, which every WebGPU adapter has.
const FALLBACK: Limits = Limits { threads: 256, bytes: 16 << 10 };

impl Limits {
    pub fn of(threads: usize, bytes: usize) -> Self {
        Self { threads, bytes }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePlan {
    pub length: usize,
    /// In the order of the forward stages; their product is the length.
    pub radices: Vec<usize>,
    /// Threads that share a line.
    pub threads: usize,
    /// Lines that share a workgroup.
    pub lines: usize,
}

/// Few stages of even size, the largest first; none if a prime above 7 divides the length.
fn radices(length: usize) -> Option<Vec<usize>> {
    let mut rest = length;
    let mut radices = Vec::new();
    for prime in [7, 5, 3] {
        while rest.is_multiple_of(prime) {
            radices.push(prime);
            rest /= prime;
        }
    }
    if !rest.is_power_of_two() {
        return None;
    }
    let mut twos = rest.trailing_zeros() as usize;
    let mut stages = twos.div_ceil(4);
    while stages > 0 {
        let here = twos.div_ceil(stages);
        radices.push(1 << here);
        twos -= here;
        stages -= 1;
    }
    if radices.is_empty() {
        radices.push(1);
    }
    radices.sort_unstable_by(|a, b| b.cmp(a));
    Some(radices)
}

impl LinePlan {
    /// `lines`: how many lines of this length lie side by side in one sample.
    pub fn choose(length: usize, lines: usize, along_x: bool, limits: Limits) -> Option<Self> {
        let radices = radices(length)?;
        let most = limits.threads.min(FALLBACK.threads);
        let line_bytes = 8 * length;
        // A line longer than the fallback's memory takes all that there is.
        let bytes = if line_bytes > FALLBACK.bytes {
            limits.bytes
        } else {
            limits.bytes.min(FALLBACK.bytes)
        };
        if line_bytes > bytes {
            return None;
        }
        let threads = (length / radices[0]).clamp(1, most);
        // Rows fill a workgroup; columns lie side by side so that 64 bytes are read together.
        let wanted = if along_x { (128 / threads).max(1) } else { 8 };
        let lines = wanted.min(bytes / line_bytes).min(most / threads).min(lines).max(1);
        Some(Self { length, radices, threads, lines })
    }
}

/// Frequency at each position of a transformed line.
pub fn frequencies(radices: &[usize]) -> Vec<u32> {
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

/// The order in which lines of a length lie after their transform; none if they do not fit.
pub fn order(length: usize, limits: Limits) -> Option<Vec<u32>> {
    LinePlan::choose(length, 1, true, limits).map(|plan| frequencies(&plan.radices))
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

    use super::*;

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
        for length in (1..=130).chain([200, 210, 256, 343, 400, 512]) {
            let Some(radices) = radices(length) else { continue };
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
