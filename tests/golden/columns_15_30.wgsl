// a b.
fn mul(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// conj(a) b.
fn mul_conj(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x + a.y * b.y, a.x * b.y - a.y * b.x);
}

// X_k = sum_n x_n exp(-2 pi i n k / 2).
fn fft_r2(x0: vec2<f32>, x1: vec2<f32>) -> array<vec2<f32>, 2> {
    let t1 = x0 + x1;
    let t2 = x0 - x1;
    return array<vec2<f32>, 2>(t1, t2);
}

// X_k = sum_n x_n exp(-2 pi i n k / 3).
fn fft_r3(x0: vec2<f32>, x1: vec2<f32>, x2: vec2<f32>) -> array<vec2<f32>, 3> {
    let t1 = x1 + x2;
    let t2 = x1 - x2;
    let t3 = vec2<f32>(t2.y, -t2.x);
    let t4 = x0 + t1;
    let t5 = x0 - t1 * 0.5;
    let t6 = t3 * 0.866025404;
    let t7 = t5 + t6;
    let t8 = t5 - t6;
    return array<vec2<f32>, 3>(t4, t7, t8);
}

// X_k = sum_n x_n exp(-2 pi i n k / 5).
fn fft_r5(
    x0: vec2<f32>, x1: vec2<f32>, x2: vec2<f32>, x3: vec2<f32>, x4: vec2<f32>,
) -> array<vec2<f32>, 5> {
    let t1 = x1 + x4;
    let t2 = x1 - x4;
    let t3 = vec2<f32>(t2.y, -t2.x);
    let t4 = x2 + x3;
    let t5 = x2 - x3;
    let t6 = vec2<f32>(t5.y, -t5.x);
    let t7 = x0 + t1 + t4;
    let t8 = x0 + t1 * 0.309016994 - t4 * 0.809016994;
    let t9 = t3 * 0.951056516 + t6 * 0.587785252;
    let t10 = t8 + t9;
    let t11 = t8 - t9;
    let t12 = x0 - t1 * 0.809016994 + t4 * 0.309016994;
    let t13 = t3 * 0.587785252 - t6 * 0.951056516;
    let t14 = t12 + t13;
    let t15 = t12 - t13;
    return array<vec2<f32>, 5>(t7, t10, t14, t15, t11);
}

struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> src: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> dst: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> twiddles: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> transfer: array<vec2<f32>>;

var<workgroup> tile: array<vec2<f32>, 240>;

@compute @workgroup_size(48)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let line = l % 8u;
    let t = l / 8u;
    let column = w.x * 8u + line;
    let live = column < 42u;
    let at = w.y * 630u + column;
    {
        let b = t + 0u;
        let n = b;
        let base = b;
        let x0 = select(vec2<f32>(0.0), src[at + (base + 0u) * 42u], live && base + 0u < 15u);
        let x1 = select(vec2<f32>(0.0), src[at + (base + 6u) * 42u], live && base + 6u < 15u);
        let x2 = select(vec2<f32>(0.0), src[at + (base + 12u) * 42u], live && base + 12u < 15u);
        let x3 = select(vec2<f32>(0.0), src[at + (base + 18u) * 42u], live && base + 18u < 15u);
        let x4 = select(vec2<f32>(0.0), src[at + (base + 24u) * 42u], live && base + 24u < 15u);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[(base + 0u) * 8u + line] = y[0];
        tile[(base + 6u) * 8u + line] = mul(y[1], twiddles[n * 1u]);
        tile[(base + 12u) * 8u + line] = mul(y[2], twiddles[n * 2u]);
        tile[(base + 18u) * 8u + line] = mul(y[3], twiddles[n * 3u]);
        tile[(base + 24u) * 8u + line] = mul(y[4], twiddles[n * 4u]);
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let n = b % 2u;
        let base = (b / 2u) * 6u + n;
        let x0 = tile[(base + 0u) * 8u + line];
        let x1 = tile[(base + 2u) * 8u + line];
        let x2 = tile[(base + 4u) * 8u + line];
        let y = fft_r3(x0, x1, x2);
        tile[(base + 0u) * 8u + line] = y[0];
        tile[(base + 2u) * 8u + line] = mul(y[1], twiddles[n * 5u]);
        tile[(base + 4u) * 8u + line] = mul(y[2], twiddles[n * 10u]);
    }
    if (t + 6u < 10u) {
        let b = t + 6u;
        let n = b % 2u;
        let base = (b / 2u) * 6u + n;
        let x0 = tile[(base + 0u) * 8u + line];
        let x1 = tile[(base + 2u) * 8u + line];
        let x2 = tile[(base + 4u) * 8u + line];
        let y = fft_r3(x0, x1, x2);
        tile[(base + 0u) * 8u + line] = y[0];
        tile[(base + 2u) * 8u + line] = mul(y[1], twiddles[n * 5u]);
        tile[(base + 4u) * 8u + line] = mul(y[2], twiddles[n * 10u]);
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let base = b * 2u;
        let x0 = tile[(base + 0u) * 8u + line];
        let x1 = tile[(base + 1u) * 8u + line];
        let y = fft_r2(x0, x1);
        let h0 = mul(transfer[(base + 0u) * 42u + min(column, 41u)], y[0]).yx;
        let h1 = mul(transfer[(base + 1u) * 42u + min(column, 41u)], y[1]).yx; let z = fft_r2(h0, h1);
        tile[(base + 0u) * 8u + line] = z[0];
        tile[(base + 1u) * 8u + line] = z[1];
    }
    {
        let b = t + 6u;
        let base = b * 2u;
        let x0 = tile[(base + 0u) * 8u + line];
        let x1 = tile[(base + 1u) * 8u + line];
        let y = fft_r2(x0, x1);
        let h0 = mul(transfer[(base + 0u) * 42u + min(column, 41u)], y[0]).yx;
        let h1 = mul(transfer[(base + 1u) * 42u + min(column, 41u)], y[1]).yx; let z = fft_r2(h0, h1);
        tile[(base + 0u) * 8u + line] = z[0];
        tile[(base + 1u) * 8u + line] = z[1];
    }
    if (t + 12u < 15u) {
        let b = t + 12u;
        let base = b * 2u;
        let x0 = tile[(base + 0u) * 8u + line];
        let x1 = tile[(base + 1u) * 8u + line];
        let y = fft_r2(x0, x1);
        let h0 = mul(transfer[(base + 0u) * 42u + min(column, 41u)], y[0]).yx;
        let h1 = mul(transfer[(base + 1u) * 42u + min(column, 41u)], y[1]).yx; let z = fft_r2(h0, h1);
        tile[(base + 0u) * 8u + line] = z[0];
        tile[(base + 1u) * 8u + line] = z[1];
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let n = b % 2u;
        let base = (b / 2u) * 6u + n;
        let x0 = tile[(base + 0u) * 8u + line];
        let x1 = mul(tile[(base + 2u) * 8u + line], twiddles[n * 5u]);
        let x2 = mul(tile[(base + 4u) * 8u + line], twiddles[n * 10u]);
        let y = fft_r3(x0, x1, x2);
        tile[(base + 0u) * 8u + line] = y[0];
        tile[(base + 2u) * 8u + line] = y[1];
        tile[(base + 4u) * 8u + line] = y[2];
    }
    if (t + 6u < 10u) {
        let b = t + 6u;
        let n = b % 2u;
        let base = (b / 2u) * 6u + n;
        let x0 = tile[(base + 0u) * 8u + line];
        let x1 = mul(tile[(base + 2u) * 8u + line], twiddles[n * 5u]);
        let x2 = mul(tile[(base + 4u) * 8u + line], twiddles[n * 10u]);
        let y = fft_r3(x0, x1, x2);
        tile[(base + 0u) * 8u + line] = y[0];
        tile[(base + 2u) * 8u + line] = y[1];
        tile[(base + 4u) * 8u + line] = y[2];
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let n = b;
        let base = b;
        let x0 = tile[(base + 0u) * 8u + line];
        let x1 = mul(tile[(base + 6u) * 8u + line], twiddles[n * 1u]);
        let x2 = mul(tile[(base + 12u) * 8u + line], twiddles[n * 2u]);
        let x3 = mul(tile[(base + 18u) * 8u + line], twiddles[n * 3u]);
        let x4 = mul(tile[(base + 24u) * 8u + line], twiddles[n * 4u]);
        let y = fft_r5(x0, x1, x2, x3, x4);
        if (live && base + 0u < 15u) { dst[at + (base + 0u) * 42u] = y[0].yx; }
        if (live && base + 6u < 15u) { dst[at + (base + 6u) * 42u] = y[1].yx; }
        if (live && base + 12u < 15u) { dst[at + (base + 12u) * 42u] = y[2].yx; }
        if (live && base + 18u < 15u) { dst[at + (base + 18u) * 42u] = y[3].yx; }
        if (live && base + 24u < 15u) { dst[at + (base + 24u) * 42u] = y[4].yx; }
    }
}
