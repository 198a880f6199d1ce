//! exp, log and exp(ix) in f32 with the algorithms of `shaders/lib/real.wgsl`, operation by
//! operation: the built-ins of WGSL promise too little, and twins compute alike. A GPU may contract
//! a product and a sum, and is made to where an angle is reduced, so the two agree to a few ulp, not
//! to the bit.

use num_complex::Complex;

const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -0.000_212_194_44;

/// 2^n for -126 <= n <= 127.
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) as u32) << 23)
}

/// exp(x) to 2e-7, 0 below the smallest normal number (Cephes `expf`).
pub fn exp_f32(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    if x > 88.722_83 {
        return f32::INFINITY;
    }
    if x < -87.336_54 {
        return 0.0;
    }
    let n = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut y = 0.000_198_756_91;
    for c in [0.001_398_199_9, 0.008_333_452, 0.041_665_796, 0.166_666_66, 0.5] {
        y = y * r + c;
    }
    y = y * (r * r) + r + 1.0;
    let half = n as i32 / 2;
    (y * power_of_two(half)) * power_of_two(n as i32 - half)
}

/// ln(x) of a normal number to 1 ulp (the FreeBSD `logf` polynomial). A subnormal one is taken for one
/// between 2^-127 and 2^-126: the result is up to 15 too high.
pub fn log_f32(x: f32) -> f32 {
    if x.is_nan() || x < 0.0 {
        return f32::NAN;
    }
    if x == 0.0 {
        return f32::NEG_INFINITY;
    }
    if x.to_bits() >= 0x7f80_0000 {
        return x;
    }
    log_normal_f32(x)
}

/// ln(x) of a normal positive number, without a branch.
#[inline(always)]
pub fn log_normal_f32(x: f32) -> f32 {
    let bits = x.to_bits();
    let shifted = bits + (0x3f80_0000 - 0x3f35_04f3);
    let k = ((shifted >> 23) as i32 - 127) as f32;
    let f = f32::from_bits((shifted & 0x007f_ffff) + 0x3f35_04f3) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (0.400_009_72 + w * 0.242_790_79);
    let odd = z * (0.666_666_6 + w * 0.284_987_87);
    let half_square = 0.5 * f * f;
    s * (half_square + (odd + even)) + k * LN2_LOW - half_square + f + k * LN2_HIGH
}

/// exp(ix) to 1.2e-7 for |x| up to 1e4 (Cephes polynomials, Cody-Waite reduction).
#[inline(always)]
pub fn cis_f32(x: f32) -> Complex<f32> {
    let q = (x * std::f32::consts::FRAC_2_PI).round_ties_even();
    let r = ((x - q * 1.570_312_5) - q * 0.000_483_751_3) - q * 7.549_79e-8;
    let z = r * r;
    let s = r + r * z * (-0.166_666_55 + z * (0.008_332_161 - z * 0.000_195_152_96));
    let c = 1.0 - 0.5 * z + z * z * (0.041_666_646 + z * (-0.001_388_731_6 + z * 0.000_024_433_16));
    // Without a branch, so that loops over it vectorise.
    let quarter = q as i32;
    let (a, b) = if quarter & 1 == 0 { (c, s) } else { (s, c) };
    let re = if (quarter + 1) & 2 == 0 { a } else { -a };
    let im = if quarter & 2 == 0 { b } else { -b };
    Complex::new(re, im)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(low: f32, high: f32) -> impl Iterator<Item = f32> {
        (0..=200_000).map(move |i| low + (high - low) * (i as f32 / 200_000.0))
    }

    #[test]
    fn exp_and_log_keep_to_f64() {
        for x in sweep(-87.0, 88.5) {
            let exact = f64::from(x).exp();
            assert!((f64::from(exp_f32(x)) / exact - 1.0).abs() < 2e-7, "exp {x}");
        }
        for x in sweep(1e-3, 4.0).chain(sweep(1e-30, 1e30)) {
            let exact = f64::from(x).ln();
            let error = (f64::from(log_f32(x)) - exact).abs();
            assert!(error < 1.2e-7 * exact.abs().max(0.5), "log {x}: {error}");
        }
        assert!(exp_f32(f32::NAN).is_nan() && log_f32(f32::NAN).is_nan() && log_f32(-1.0).is_nan());
        assert!(exp_f32(100.0).is_infinite() && exp_f32(-100.0) == 0.0);
        assert!(log_f32(0.0) == f32::NEG_INFINITY && log_f32(f32::INFINITY).is_infinite());
    }

    #[test]
    fn cis_keeps_to_f64() {
        for (low, high) in [(-8.0, 8.0), (-1e4, 1e4)] {
            for x in sweep(low, high) {
                let (s, c) = f64::from(x).sin_cos();
                let z = cis_f32(x);
                let error = (f64::from(z.re) - c).abs().max((f64::from(z.im) - s).abs());
                assert!(error < 1.5e-7, "cis {x}: {error}");
            }
        }
        assert!(cis_f32(f32::NAN).re.is_nan());
    }
}
