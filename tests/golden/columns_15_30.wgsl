// a b.
fn mul(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// conj(a) b.
fn mul_conj(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x + a.y * b.y, a.x * b.y - a.y * b.x);
}

// A lane holds two values side by side, of adjacent lines or butterflies. Behind complex.wgsl.
alias C = vec4<f32>;

// -i a.
fn neg_i(a: C) -> C {
    return vec4<f32>(a.y, -a.x, a.w, -a.z);
}

// Real and imaginary part exchanged, so that the forward butterflies invert.
fn swap(a: C) -> C {
    return a.yxwz;
}

// w a, with one w for all that the lane holds.
fn times(a: C, w: vec2<f32>) -> C {
    return a * w.x - neg_i(a) * w.y;
}

// b a, one by one.
fn times_each(a: C, b: C) -> C {
    return a * b.xxzz - neg_i(a) * b.yyww;
}

// conj(b) a, one by one.
fn times_conj(a: C, b: C) -> C {
    return a * b.xxzz + neg_i(a) * b.yyww;
}

// One real number for each.
alias R = vec2<f32>;

// a x.
fn scaled(x: C, a: R) -> C {
    return a.xxyy * x;
}

// |x|^2.
fn power(x: C) -> R {
    return vec2<f32>(dot(x.xy, x.xy), dot(x.zw, x.zw));
}

// Im(conj(y) g).
fn cross_power(y: C, g: C) -> R {
    return y.xz * g.yw - y.yw * g.xz;
}

// Re(conj(x) g).
fn dot_power(x: C, g: C) -> R {
    return vec2<f32>(dot(x.xy, g.xy), dot(x.zw, g.zw));
}

// X_k = sum_n x_n exp(-2 pi i n k / 5).
fn fft_r5(x0: C, x1: C, x2: C, x3: C, x4: C) -> array<C, 5> {
    let t1 = x1 + x4;
    let t2 = neg_i(x1 - x4);
    let t3 = x2 + x3;
    let t4 = neg_i(x2 - x3);
    let t5 = x0 + t1 + t3;
    let t6 = x0 + t1 * 0.309016994 - t3 * 0.809016994;
    let t7 = t2 * 0.951056516 + t4 * 0.587785252;
    let t8 = t6 + t7;
    let t9 = t6 - t7;
    let t10 = x0 - t1 * 0.809016994 + t3 * 0.309016994;
    let t11 = t2 * 0.587785252 - t4 * 0.951056516;
    let t12 = t10 + t11;
    let t13 = t10 - t11;
    return array<C, 5>(t5, t8, t12, t13, t9);
}

// X_k = sum_n x_n exp(-2 pi i n k / 6).
fn fft_r6(x0: C, x1: C, x2: C, x3: C, x4: C, x5: C) -> array<C, 6> {
    let t1 = x0 + x3;
    let t2 = x0 - x3;
    let t3 = x2 + x5;
    let t4 = x2 - x5;
    let t5 = x4 + x1;
    let t6 = x4 - x1;
    let t7 = t3 + t5;
    let t8 = neg_i(t3 - t5);
    let t9 = t1 + t7;
    let t10 = t1 - t7 * 0.500000000;
    let t11 = t8 * 0.866025404;
    let t12 = t10 + t11;
    let t13 = t10 - t11;
    let t14 = t4 + t6;
    let t15 = neg_i(t4 - t6);
    let t16 = t2 + t14;
    let t17 = t2 - t14 * 0.500000000;
    let t18 = t15 * 0.866025404;
    let t19 = t17 + t18;
    let t20 = t17 - t18;
    return array<C, 6>(t9, t19, t13, t16, t12, t20);
}

struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> twiddles: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> start: array<C>;
@group(0) @binding(3) var<storage, read> transfer: array<C>;
@group(0) @binding(4) var<storage, read_write> end: array<C>;

var<workgroup> tile: array<C, 120>;

@compute @workgroup_size(24)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let line = l % 4u;
    let t = l / 4u;
    let own = w.x * 4u + line;
    let live = own < 21u;
    let column = min(own, 20u);
    let sample = w.y;
    {
        let b = t + 0u;
        let base = b;
        let n = b;
        let w1 = twiddles[n * 1u];
        let w2 = twiddles[n * 2u];
        let w3 = mul(w2, w1);
        let w4 = twiddles[n * 4u];
        var v2 = C();
        if (base + 12u < 15u) { v2 = start[(sample * 15u + base + 12u) * 21u + column]; }
        let x0 = start[(sample * 15u + base + 0u) * 21u + column];
        let x1 = start[(sample * 15u + base + 6u) * 21u + column];
        let x2 = v2;
        let y = fft_r5(x0, x1, x2, C(), C());
        tile[(base + 0u) * 4u + line] = y[0];
        tile[(base + 6u) * 4u + line] = times(y[1], w1);
        tile[(base + 12u) * 4u + line] = times(y[2], w2);
        tile[(base + 18u) * 4u + line] = times(y[3], w3);
        tile[(base + 24u) * 4u + line] = times(y[4], w4);
    }
    workgroupBarrier();
    if (t + 0u < 5u) {
        let b = t + 0u;
        let base = b * 6u;
        let x0 = tile[(base + 0u) * 4u + line];
        let x1 = tile[(base + 1u) * 4u + line];
        let x2 = tile[(base + 2u) * 4u + line];
        let x3 = tile[(base + 3u) * 4u + line];
        let x4 = tile[(base + 4u) * 4u + line];
        let x5 = tile[(base + 5u) * 4u + line];
        let y = fft_r6(x0, x1, x2, x3, x4, x5);
        let u0 = swap(times_each(y[0], transfer[(base + 0u) * 21u + column]));
        let u1 = swap(times_each(y[1], transfer[(base + 1u) * 21u + column]));
        let u2 = swap(times_each(y[2], transfer[(base + 2u) * 21u + column]));
        let u3 = swap(times_each(y[3], transfer[(base + 3u) * 21u + column]));
        let u4 = swap(times_each(y[4], transfer[(base + 4u) * 21u + column]));
        let u5 = swap(times_each(y[5], transfer[(base + 5u) * 21u + column]));
        let z = fft_r6(u0, u1, u2, u3, u4, u5);
        tile[(base + 0u) * 4u + line] = z[0];
        tile[(base + 1u) * 4u + line] = z[1];
        tile[(base + 2u) * 4u + line] = z[2];
        tile[(base + 3u) * 4u + line] = z[3];
        tile[(base + 4u) * 4u + line] = z[4];
        tile[(base + 5u) * 4u + line] = z[5];
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let base = b;
        let n = b;
        let w1 = twiddles[n * 1u];
        let w2 = twiddles[n * 2u];
        let w3 = mul(w2, w1);
        let w4 = twiddles[n * 4u];
        let u0 = tile[(base + 0u) * 4u + line];
        let u1 = times(tile[(base + 6u) * 4u + line], w1);
        let u2 = times(tile[(base + 12u) * 4u + line], w2);
        let u3 = times(tile[(base + 18u) * 4u + line], w3);
        let u4 = times(tile[(base + 24u) * 4u + line], w4);
        let z = fft_r5(u0, u1, u2, u3, u4);
        if (live) { end[(sample * 15u + base + 0u) * 21u + column] = swap(z[0]); }
        if (live) { end[(sample * 15u + base + 6u) * 21u + column] = swap(z[1]); }
        if (live && base + 12u < 15u) { end[(sample * 15u + base + 12u) * 21u + column] = swap(z[2]); }
    }
}
