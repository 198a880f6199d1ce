// exp, log and exp(ix) in f32: the built-ins promise too little (sin and cos 2^-11). The same
// algorithms as src/math/real.rs, in the same order of operations. Metal compiles with fast math: it
// may take x == x for true and a - b - c for a - (b + c). So what is no number shows by its bits, and
// parts of a constant are taken off by fma, which no compiler takes apart.

const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -0.00021219444;

fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// 2^n for -126 <= n <= 127.
fn power_of_two(n: i32) -> f32 {
    return bitcast<f32>(u32(n + 127) << 23u);
}

// exp(x), 0 below the smallest normal number.
fn exp_f32(x: f32) -> f32 {
    if (is_nan(x)) {
        return x;
    }
    if (x > 88.72283) {
        return bitcast<f32>(0x7f800000u + u32(x < 0.0));
    }
    if (x < -87.33654) {
        return 0.0;
    }
    let n = round(x * 1.442695);
    let r = fma(-n, LN2_LOW, fma(-n, LN2_HIGH, x));
    var y = 0.00019875691;
    y = y * r + 0.0013981999;
    y = y * r + 0.008333452;
    y = y * r + 0.041665796;
    y = y * r + 0.16666666;
    y = y * r + 0.5;
    y = y * (r * r) + r + 1.0;
    let half = i32(n) / 2;
    return (y * power_of_two(half)) * power_of_two(i32(n) - half);
}

// ln(x) of a normal number; -inf at 0, NaN below. A subnormal number may be up to 15 too high.
fn log_f32(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    if ((bits & 0x7fffffffu) == 0u) {
        return bitcast<f32>(0xff800000u | bits);
    }
    if (bits > 0x80000000u) {
        return bitcast<f32>(0x7fc00000u | bits);
    }
    if (bits >= 0x7f800000u) {
        return x;
    }
    // x = 2^k m, m between sqrt(1/2) and sqrt(2).
    let shifted = bits + (0x3f800000u - 0x3f3504f3u);
    let k = f32(i32(shifted >> 23u) - 127);
    let f = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (0.40000972 + w * 0.24279079);
    let odd = z * (0.6666666 + w * 0.28498787);
    let half_square = 0.5 * f * f;
    return s * (half_square + (odd + even)) + k * LN2_LOW - half_square + f + k * LN2_HIGH;
}

// (cos x, sin x), to rounding for |x| up to 1e4.
fn cis_f32(x: f32) -> vec2<f32> {
    let q = round(x * 0.63661975);
    let r = fma(-q, 7.54979e-8, fma(-q, 0.0004837513, fma(-q, 1.5703125, x)));
    let z = r * r;
    let s = r + r * z * (-0.16666655 + z * (0.008332161 - z * 0.00019515296));
    let c = 1.0 - 0.5 * z + z * z * (0.041666646 + z * (-0.0013887316 + z * 0.00002443316));
    let quarter = u32(i32(q)) & 3u;
    let swapped = (quarter & 1u) == 1u;
    let u = select(c, s, swapped);
    let v = select(s, c, swapped);
    return vec2<f32>(
        select(u, -u, quarter == 1u || quarter == 2u),
        select(v, -v, quarter >= 2u),
    );
}
