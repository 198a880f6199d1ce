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

// X_k = sum_n x_n exp(-2 pi i n k / 10).
fn fft_r10(x0: C, x1: C, x2: C, x3: C, x4: C, x5: C, x6: C, x7: C, x8: C, x9: C) -> array<C, 10> {
    let t1 = x0 + x5;
    let t2 = x0 - x5;
    let t3 = x2 + x7;
    let t4 = x2 - x7;
    let t5 = x4 + x9;
    let t6 = x4 - x9;
    let t7 = x6 + x1;
    let t8 = x6 - x1;
    let t9 = x8 + x3;
    let t10 = x8 - x3;
    let t11 = t3 + t9;
    let t12 = neg_i(t3 - t9);
    let t13 = t5 + t7;
    let t14 = neg_i(t5 - t7);
    let t15 = t1 + t11 + t13;
    let t16 = t1 + t11 * 0.309016994 - t13 * 0.809016994;
    let t17 = t12 * 0.951056516 + t14 * 0.587785252;
    let t18 = t16 + t17;
    let t19 = t16 - t17;
    let t20 = t1 - t11 * 0.809016994 + t13 * 0.309016994;
    let t21 = t12 * 0.587785252 - t14 * 0.951056516;
    let t22 = t20 + t21;
    let t23 = t20 - t21;
    let t24 = t4 + t10;
    let t25 = neg_i(t4 - t10);
    let t26 = t6 + t8;
    let t27 = neg_i(t6 - t8);
    let t28 = t2 + t24 + t26;
    let t29 = t2 + t24 * 0.309016994 - t26 * 0.809016994;
    let t30 = t25 * 0.951056516 + t27 * 0.587785252;
    let t31 = t29 + t30;
    let t32 = t29 - t30;
    let t33 = t2 - t24 * 0.809016994 + t26 * 0.309016994;
    let t34 = t25 * 0.587785252 - t27 * 0.951056516;
    let t35 = t33 + t34;
    let t36 = t33 - t34;
    return array<C, 10>(t15, t31, t22, t36, t19, t28, t18, t35, t23, t32);
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
@group(0) @binding(3) var<storage, read_write> end: array<C>;

var<workgroup> tile: array<C, 1000>;

@compute @workgroup_size(100)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let line = l / 5u;
    let t = l % 5u;
    let live = w.x * 20u + line < 30u;
    let own = min(w.x * 20u + line, 29u);
    let row = own + 20u;
    let at = w.y * 50u + row;
    {
        let b = t + 0u;
        let base = b;
        let n = b * 2u;
        let r1 = twiddles[n * 1u];
        let w1 = C(r1, mul(r1, vec2<f32>(0.9980267, -0.06279052)));
        let r2 = twiddles[n * 2u];
        let w2 = C(r2, mul(r2, vec2<f32>(0.9921147, -0.12533323)));
        let w3 = times_each(w2, w1);
        let r4 = twiddles[n * 4u];
        let w4 = C(r4, mul(r4, vec2<f32>(0.96858317, -0.24868989)));
        let w5 = times_each(w4, w1);
        let w6 = times_each(w4, w2);
        let w7 = times_each(w4, w3);
        let r8 = twiddles[n * 8u];
        let w8 = C(r8, mul(r8, vec2<f32>(0.87630665, -0.48175368)));
        let w9 = times_each(w8, w1);
        var e0 = start[at * 25u + base + 0u];
        var e1 = start[at * 25u + base + 5u];
        var e2 = start[at * 25u + base + 10u];
        var e3 = start[at * 25u + base + 15u];
        var e4 = start[at * 25u + base + 20u];
        let x0 = e0;
        let x1 = e1;
        let x2 = e2;
        let x3 = e3;
        let x4 = e4;
        let y = fft_r10(x0, x1, x2, x3, x4, C(), C(), C(), C(), C());
        tile[line * 50u + base + 0u] = y[0];
        tile[line * 50u + base + 5u] = times_each(y[1], w1);
        tile[line * 50u + base + 10u] = times_each(y[2], w2);
        tile[line * 50u + base + 15u] = times_each(y[3], w3);
        tile[line * 50u + base + 20u] = times_each(y[4], w4);
        tile[line * 50u + base + 25u] = times_each(y[5], w5);
        tile[line * 50u + base + 30u] = times_each(y[6], w6);
        tile[line * 50u + base + 35u] = times_each(y[7], w7);
        tile[line * 50u + base + 40u] = times_each(y[8], w8);
        tile[line * 50u + base + 45u] = times_each(y[9], w9);
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let base = b * 10u;
        let a0 = tile[line * 50u + base + 0u];
        let a1 = tile[line * 50u + base + 1u];
        let a2 = tile[line * 50u + base + 2u];
        let a3 = tile[line * 50u + base + 3u];
        let a4 = tile[line * 50u + base + 4u];
        let a5 = tile[line * 50u + base + 5u];
        let a6 = tile[line * 50u + base + 6u];
        let a7 = tile[line * 50u + base + 7u];
        let a8 = tile[line * 50u + base + 8u];
        let a9 = tile[line * 50u + base + 9u];
        let x0 = C(a0.xy, a5.xy);
        let x1 = C(a0.zw, a5.zw);
        let x2 = C(a1.xy, a6.xy);
        let x3 = C(a1.zw, a6.zw);
        let x4 = C(a2.xy, a7.xy);
        let x5 = C(a2.zw, a7.zw);
        let x6 = C(a3.xy, a8.xy);
        let x7 = C(a3.zw, a8.zw);
        let x8 = C(a4.xy, a9.xy);
        let x9 = C(a4.zw, a9.zw);
        let y = fft_r10(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9);
        if (live) { end[at * 50u + 0u + b] = y[0]; }
        if (live) { end[at * 50u + 5u + b] = y[1]; }
        if (live) { end[at * 50u + 10u + b] = y[2]; }
        if (live) { end[at * 50u + 15u + b] = y[3]; }
        if (live) { end[at * 50u + 20u + b] = y[4]; }
        if (live) { end[at * 50u + 25u + b] = y[5]; }
        if (live) { end[at * 50u + 30u + b] = y[6]; }
        if (live) { end[at * 50u + 35u + b] = y[7]; }
        if (live) { end[at * 50u + 40u + b] = y[8]; }
        if (live) { end[at * 50u + 45u + b] = y[9]; }
    }
    for (var j = (w.z * 2u + w.x) * 100u + l; j < 1000u; j += 200u) {
        let number = j / 50u;
        end[(w.y * 50u + number) * 50u + j % 50u] = C();
    }
}
