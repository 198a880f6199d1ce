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

// X_k = sum_n x_n exp(-2 pi i n k / 4).
fn fft_r4(x0: C, x1: C, x2: C, x3: C) -> array<C, 4> {
    let t1 = x0 + x2;
    let t2 = x0 - x2;
    let t3 = x1 + x3;
    let t4 = neg_i(x1 - x3);
    let t5 = t1 + t3;
    let t6 = t2 + t4;
    let t7 = t1 - t3;
    let t8 = t2 - t4;
    return array<C, 4>(t5, t6, t7, t8);
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
@group(0) @binding(3) var<storage, read> in0: array<C>;
@group(0) @binding(4) var<storage, read> in1: array<C>;
@group(0) @binding(5) var<storage, read_write> end: array<C>;
@group(0) @binding(6) var<storage, read_write> out0: array<R>;

var<workgroup> tile: array<C, 1000>;

@compute @workgroup_size(100)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let line = l / 20u;
    let t = l % 20u;
    let own = w.x * 5u + line;
    let row = own;
    let leaf = w.y;
    var sum0_0 = R();
    var sum0_1 = R();
    var sum0_2 = R();
    var sum0_3 = R();
    var sum0_4 = R();
    var sum0_5 = R();
    var sum0_6 = R();
    var sum0_7 = R();
    var sum0_8 = R();
    var sum0_9 = R();
    {
        let b = t + 0u;
        let base = b;
        sum0_0 = out0[(leaf * 200u + row) * 100u + base + 0u];
        sum0_1 = out0[(leaf * 200u + row) * 100u + base + 20u];
        sum0_2 = out0[(leaf * 200u + row) * 100u + base + 40u];
        sum0_3 = out0[(leaf * 200u + row) * 100u + base + 60u];
        sum0_4 = out0[(leaf * 200u + row) * 100u + base + 80u];
    }
    let low = max(leaf * p.leaf, p.first);
    let high = min((leaf + 1u) * p.leaf, p.first + p.count);
    for (var s = low; s < high; s++) {
        let sample = s - p.first;
        let at = sample * 200u + row;
        {
            let b = t + 0u;
            let base = b * 4u;
            let u0 = swap(start[at * 200u + 0u + b]);
            let u1 = swap(start[at * 200u + 50u + b]);
            let u2 = swap(start[at * 200u + 100u + b]);
            let u3 = swap(start[at * 200u + 150u + b]);
            let z = fft_r4(u0, u1, u2, u3);
            tile[line * 200u + base + 0u] = C(z[0].xy, z[1].xy);
            tile[line * 200u + base + 2u] = C(z[0].zw, z[1].zw);
            tile[line * 200u + base + 1u] = C(z[2].xy, z[3].xy);
            tile[line * 200u + base + 3u] = C(z[2].zw, z[3].zw);
        }
        {
            let b = t + 20u;
            let base = b * 4u;
            let u0 = swap(start[at * 200u + 0u + b]);
            let u1 = swap(start[at * 200u + 50u + b]);
            let u2 = swap(start[at * 200u + 100u + b]);
            let u3 = swap(start[at * 200u + 150u + b]);
            let z = fft_r4(u0, u1, u2, u3);
            tile[line * 200u + base + 0u] = C(z[0].xy, z[1].xy);
            tile[line * 200u + base + 2u] = C(z[0].zw, z[1].zw);
            tile[line * 200u + base + 1u] = C(z[2].xy, z[3].xy);
            tile[line * 200u + base + 3u] = C(z[2].zw, z[3].zw);
        }
        if (t + 40u < 50u) {
            let b = t + 40u;
            let base = b * 4u;
            let u0 = swap(start[at * 200u + 0u + b]);
            let u1 = swap(start[at * 200u + 50u + b]);
            let u2 = swap(start[at * 200u + 100u + b]);
            let u3 = swap(start[at * 200u + 150u + b]);
            let z = fft_r4(u0, u1, u2, u3);
            tile[line * 200u + base + 0u] = C(z[0].xy, z[1].xy);
            tile[line * 200u + base + 2u] = C(z[0].zw, z[1].zw);
            tile[line * 200u + base + 1u] = C(z[2].xy, z[3].xy);
            tile[line * 200u + base + 3u] = C(z[2].zw, z[3].zw);
        }
        workgroupBarrier();
        {
            let b = t + 0u;
            let base = (b / 2u) * 20u + (b % 2u);
            let n = (b % 2u) * 2u;
            let r1 = twiddles[n * 10u];
            let w1 = C(r1, mul(r1, vec2<f32>(0.98768836, -0.15643446)));
            let r2 = twiddles[n * 20u];
            let w2 = C(r2, mul(r2, vec2<f32>(0.95105654, -0.309017)));
            let w3 = times_each(w2, w1);
            let r4 = twiddles[n * 40u];
            let w4 = C(r4, mul(r4, vec2<f32>(0.809017, -0.58778524)));
            let w5 = times_each(w4, w1);
            let w6 = times_each(w4, w2);
            let w7 = times_each(w4, w3);
            let r8 = twiddles[n * 80u];
            let w8 = C(r8, mul(r8, vec2<f32>(0.309017, -0.95105654)));
            let w9 = times_each(w8, w1);
            let u0 = tile[line * 200u + base + 0u];
            let u1 = times_each(tile[line * 200u + base + 2u], w1);
            let u2 = times_each(tile[line * 200u + base + 4u], w2);
            let u3 = times_each(tile[line * 200u + base + 6u], w3);
            let u4 = times_each(tile[line * 200u + base + 8u], w4);
            let u5 = times_each(tile[line * 200u + base + 10u], w5);
            let u6 = times_each(tile[line * 200u + base + 12u], w6);
            let u7 = times_each(tile[line * 200u + base + 14u], w7);
            let u8 = times_each(tile[line * 200u + base + 16u], w8);
            let u9 = times_each(tile[line * 200u + base + 18u], w9);
            let z = fft_r10(u0, u1, u2, u3, u4, u5, u6, u7, u8, u9);
            tile[line * 200u + base + 0u] = z[0];
            tile[line * 200u + base + 2u] = z[1];
            tile[line * 200u + base + 4u] = z[2];
            tile[line * 200u + base + 6u] = z[3];
            tile[line * 200u + base + 8u] = z[4];
            tile[line * 200u + base + 10u] = z[5];
            tile[line * 200u + base + 12u] = z[6];
            tile[line * 200u + base + 14u] = z[7];
            tile[line * 200u + base + 16u] = z[8];
            tile[line * 200u + base + 18u] = z[9];
        }
        workgroupBarrier();
        {
            let b = t + 0u;
            let base = b;
            let n = b * 2u;
            let r1 = twiddles[n * 1u];
            let w1 = C(r1, mul(r1, vec2<f32>(0.9998766, -0.015707318)));
            let r2 = twiddles[n * 2u];
            let w2 = C(r2, mul(r2, vec2<f32>(0.99950653, -0.031410757)));
            let w3 = times_each(w2, w1);
            let r4 = twiddles[n * 4u];
            let w4 = C(r4, mul(r4, vec2<f32>(0.9980267, -0.06279052)));
            let w5 = times_each(w4, w1);
            let w6 = times_each(w4, w2);
            let w7 = times_each(w4, w3);
            let r8 = twiddles[n * 8u];
            let w8 = C(r8, mul(r8, vec2<f32>(0.9921147, -0.12533323)));
            let w9 = times_each(w8, w1);
            let u0 = tile[line * 200u + base + 0u];
            let u1 = times_each(tile[line * 200u + base + 20u], w1);
            let u2 = times_each(tile[line * 200u + base + 40u], w2);
            let u3 = times_each(tile[line * 200u + base + 60u], w3);
            let u4 = times_each(tile[line * 200u + base + 80u], w4);
            let u5 = times_each(tile[line * 200u + base + 100u], w5);
            let u6 = times_each(tile[line * 200u + base + 120u], w6);
            let u7 = times_each(tile[line * 200u + base + 140u], w7);
            let u8 = times_each(tile[line * 200u + base + 160u], w8);
            let u9 = times_each(tile[line * 200u + base + 180u], w9);
            let z = fft_r10(u0, u1, u2, u3, u4, u5, u6, u7, u8, u9);
            var e0 = swap(z[0]);
            sum0_0 += cross_power(in0[at * 100u + base + 0u], e0);
            e0 = times_conj(e0, in1[row * 100u + base + 0u]);
            var e1 = swap(z[1]);
            sum0_1 += cross_power(in0[at * 100u + base + 20u], e1);
            e1 = times_conj(e1, in1[row * 100u + base + 20u]);
            var e2 = swap(z[2]);
            sum0_2 += cross_power(in0[at * 100u + base + 40u], e2);
            e2 = times_conj(e2, in1[row * 100u + base + 40u]);
            var e3 = swap(z[3]);
            sum0_3 += cross_power(in0[at * 100u + base + 60u], e3);
            e3 = times_conj(e3, in1[row * 100u + base + 60u]);
            var e4 = swap(z[4]);
            sum0_4 += cross_power(in0[at * 100u + base + 80u], e4);
            e4 = times_conj(e4, in1[row * 100u + base + 80u]);
            let x0 = e0;
            let x1 = e1;
            let x2 = e2;
            let x3 = e3;
            let x4 = e4;
            let y = fft_r10(x0, x1, x2, x3, x4, C(), C(), C(), C(), C());
            tile[line * 200u + base + 0u] = y[0];
            tile[line * 200u + base + 20u] = times_each(y[1], w1);
            tile[line * 200u + base + 40u] = times_each(y[2], w2);
            tile[line * 200u + base + 60u] = times_each(y[3], w3);
            tile[line * 200u + base + 80u] = times_each(y[4], w4);
            tile[line * 200u + base + 100u] = times_each(y[5], w5);
            tile[line * 200u + base + 120u] = times_each(y[6], w6);
            tile[line * 200u + base + 140u] = times_each(y[7], w7);
            tile[line * 200u + base + 160u] = times_each(y[8], w8);
            tile[line * 200u + base + 180u] = times_each(y[9], w9);
        }
        workgroupBarrier();
        {
            let b = t + 0u;
            let base = (b / 2u) * 20u + (b % 2u);
            let n = (b % 2u) * 2u;
            let r1 = twiddles[n * 10u];
            let w1 = C(r1, mul(r1, vec2<f32>(0.98768836, -0.15643446)));
            let r2 = twiddles[n * 20u];
            let w2 = C(r2, mul(r2, vec2<f32>(0.95105654, -0.309017)));
            let w3 = times_each(w2, w1);
            let r4 = twiddles[n * 40u];
            let w4 = C(r4, mul(r4, vec2<f32>(0.809017, -0.58778524)));
            let w5 = times_each(w4, w1);
            let w6 = times_each(w4, w2);
            let w7 = times_each(w4, w3);
            let r8 = twiddles[n * 80u];
            let w8 = C(r8, mul(r8, vec2<f32>(0.309017, -0.95105654)));
            let w9 = times_each(w8, w1);
            let x0 = tile[line * 200u + base + 0u];
            let x1 = tile[line * 200u + base + 2u];
            let x2 = tile[line * 200u + base + 4u];
            let x3 = tile[line * 200u + base + 6u];
            let x4 = tile[line * 200u + base + 8u];
            let x5 = tile[line * 200u + base + 10u];
            let x6 = tile[line * 200u + base + 12u];
            let x7 = tile[line * 200u + base + 14u];
            let x8 = tile[line * 200u + base + 16u];
            let x9 = tile[line * 200u + base + 18u];
            let y = fft_r10(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9);
            tile[line * 200u + base + 0u] = y[0];
            tile[line * 200u + base + 2u] = times_each(y[1], w1);
            tile[line * 200u + base + 4u] = times_each(y[2], w2);
            tile[line * 200u + base + 6u] = times_each(y[3], w3);
            tile[line * 200u + base + 8u] = times_each(y[4], w4);
            tile[line * 200u + base + 10u] = times_each(y[5], w5);
            tile[line * 200u + base + 12u] = times_each(y[6], w6);
            tile[line * 200u + base + 14u] = times_each(y[7], w7);
            tile[line * 200u + base + 16u] = times_each(y[8], w8);
            tile[line * 200u + base + 18u] = times_each(y[9], w9);
        }
        workgroupBarrier();
        {
            let b = t + 0u;
            let base = b * 4u;
            let a0 = tile[line * 200u + base + 0u];
            let a1 = tile[line * 200u + base + 1u];
            let a2 = tile[line * 200u + base + 2u];
            let a3 = tile[line * 200u + base + 3u];
            let x0 = C(a0.xy, a2.xy);
            let x1 = C(a0.zw, a2.zw);
            let x2 = C(a1.xy, a3.xy);
            let x3 = C(a1.zw, a3.zw);
            let y = fft_r4(x0, x1, x2, x3);
            end[at * 200u + 0u + b] = y[0];
            end[at * 200u + 50u + b] = y[1];
            end[at * 200u + 100u + b] = y[2];
            end[at * 200u + 150u + b] = y[3];
        }
        {
            let b = t + 20u;
            let base = b * 4u;
            let a0 = tile[line * 200u + base + 0u];
            let a1 = tile[line * 200u + base + 1u];
            let a2 = tile[line * 200u + base + 2u];
            let a3 = tile[line * 200u + base + 3u];
            let x0 = C(a0.xy, a2.xy);
            let x1 = C(a0.zw, a2.zw);
            let x2 = C(a1.xy, a3.xy);
            let x3 = C(a1.zw, a3.zw);
            let y = fft_r4(x0, x1, x2, x3);
            end[at * 200u + 0u + b] = y[0];
            end[at * 200u + 50u + b] = y[1];
            end[at * 200u + 100u + b] = y[2];
            end[at * 200u + 150u + b] = y[3];
        }
        if (t + 40u < 50u) {
            let b = t + 40u;
            let base = b * 4u;
            let a0 = tile[line * 200u + base + 0u];
            let a1 = tile[line * 200u + base + 1u];
            let a2 = tile[line * 200u + base + 2u];
            let a3 = tile[line * 200u + base + 3u];
            let x0 = C(a0.xy, a2.xy);
            let x1 = C(a0.zw, a2.zw);
            let x2 = C(a1.xy, a3.xy);
            let x3 = C(a1.zw, a3.zw);
            let y = fft_r4(x0, x1, x2, x3);
            end[at * 200u + 0u + b] = y[0];
            end[at * 200u + 50u + b] = y[1];
            end[at * 200u + 100u + b] = y[2];
            end[at * 200u + 150u + b] = y[3];
        }
        workgroupBarrier();
    }
    {
        let b = t + 0u;
        let base = b;
        out0[(leaf * 200u + row) * 100u + base + 0u] = sum0_0;
        out0[(leaf * 200u + row) * 100u + base + 20u] = sum0_1;
        out0[(leaf * 200u + row) * 100u + base + 40u] = sum0_2;
        out0[(leaf * 200u + row) * 100u + base + 60u] = sum0_3;
        out0[(leaf * 200u + row) * 100u + base + 80u] = sum0_4;
    }
}
