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

// X_k = sum_n x_n exp(-2 pi i n k / 8).
fn fft_r8(x0: C, x1: C, x2: C, x3: C, x4: C, x5: C, x6: C, x7: C) -> array<C, 8> {
    let t1 = x0 + x4;
    let t2 = x0 - x4;
    let t3 = x1 + x5;
    let t4 = x1 - x5;
    let t5 = (t4 + neg_i(t4)) * 0.707106781;
    let t6 = x2 + x6;
    let t7 = x2 - x6;
    let t8 = neg_i(t7);
    let t9 = x3 + x7;
    let t10 = x3 - x7;
    let t11 = (-t10 + neg_i(t10)) * 0.707106781;
    let t12 = t1 + t6;
    let t13 = t1 - t6;
    let t14 = t3 + t9;
    let t15 = neg_i(t3 - t9);
    let t16 = t12 + t14;
    let t17 = t13 + t15;
    let t18 = t12 - t14;
    let t19 = t13 - t15;
    let t20 = t2 + t8;
    let t21 = t2 - t8;
    let t22 = t5 + t11;
    let t23 = neg_i(t5 - t11);
    let t24 = t20 + t22;
    let t25 = t21 + t23;
    let t26 = t20 - t22;
    let t27 = t21 - t23;
    return array<C, 8>(t16, t24, t17, t25, t18, t26, t19, t27);
}

// X_k = sum_n x_n exp(-2 pi i n k / 16).
fn fft_r16(
    x0: C, x1: C, x2: C, x3: C, x4: C, x5: C, x6: C, x7: C, x8: C, x9: C, x10: C, x11: C, x12: C,
    x13: C, x14: C, x15: C,
) -> array<C, 16> {
    let t1 = x0 + x8;
    let t2 = x0 - x8;
    let t3 = x4 + x12;
    let t4 = neg_i(x4 - x12);
    let t5 = t1 + t3;
    let t6 = t2 + t4;
    let t7 = t1 - t3;
    let t8 = t2 - t4;
    let t9 = x1 + x9;
    let t10 = x1 - x9;
    let t11 = x5 + x13;
    let t12 = neg_i(x5 - x13);
    let t13 = t9 + t11;
    let t14 = t10 + t12;
    let t15 = t9 - t11;
    let t16 = t10 - t12;
    let t17 = t14 * 0.923879533 + neg_i(t14) * 0.382683432;
    let t18 = (t15 + neg_i(t15)) * 0.707106781;
    let t19 = t16 * 0.382683432 + neg_i(t16) * 0.923879533;
    let t20 = x2 + x10;
    let t21 = x2 - x10;
    let t22 = x6 + x14;
    let t23 = neg_i(x6 - x14);
    let t24 = t20 + t22;
    let t25 = t21 + t23;
    let t26 = t20 - t22;
    let t27 = t21 - t23;
    let t28 = (t25 + neg_i(t25)) * 0.707106781;
    let t29 = neg_i(t26);
    let t30 = (-t27 + neg_i(t27)) * 0.707106781;
    let t31 = x3 + x11;
    let t32 = x3 - x11;
    let t33 = x7 + x15;
    let t34 = neg_i(x7 - x15);
    let t35 = t31 + t33;
    let t36 = t32 + t34;
    let t37 = t31 - t33;
    let t38 = t32 - t34;
    let t39 = t36 * 0.382683432 + neg_i(t36) * 0.923879533;
    let t40 = (-t37 + neg_i(t37)) * 0.707106781;
    let t41 = -t38 * 0.923879533 - neg_i(t38) * 0.382683432;
    let t42 = t5 + t24;
    let t43 = t5 - t24;
    let t44 = t13 + t35;
    let t45 = neg_i(t13 - t35);
    let t46 = t42 + t44;
    let t47 = t43 + t45;
    let t48 = t42 - t44;
    let t49 = t43 - t45;
    let t50 = t6 + t28;
    let t51 = t6 - t28;
    let t52 = t17 + t39;
    let t53 = neg_i(t17 - t39);
    let t54 = t50 + t52;
    let t55 = t51 + t53;
    let t56 = t50 - t52;
    let t57 = t51 - t53;
    let t58 = t7 + t29;
    let t59 = t7 - t29;
    let t60 = t18 + t40;
    let t61 = neg_i(t18 - t40);
    let t62 = t58 + t60;
    let t63 = t59 + t61;
    let t64 = t58 - t60;
    let t65 = t59 - t61;
    let t66 = t8 + t30;
    let t67 = t8 - t30;
    let t68 = t19 + t41;
    let t69 = neg_i(t19 - t41);
    let t70 = t66 + t68;
    let t71 = t67 + t69;
    let t72 = t66 - t68;
    let t73 = t67 - t69;
    return array<C, 16>(
        t46, t54, t62, t70, t47, t55, t63, t71, t48, t56, t64, t72, t49, t57, t65, t73,
    );
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

var<workgroup> tile: array<C, 1024>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let line = l / 4u;
    let t = l % 4u;
    let own = w.x * 16u + line;
    let row = own;
    let at = w.y * 64u + row;
    {
        let b = t + 0u;
        let base = b;
        let n = b * 2u;
        let r1 = twiddles[n * 1u];
        let w1 = C(r1, mul(r1, vec2<f32>(0.99879545, -0.049067676)));
        let r2 = twiddles[n * 2u];
        let w2 = C(r2, mul(r2, vec2<f32>(0.9951847, -0.09801714)));
        let w3 = times_each(w2, w1);
        let r4 = twiddles[n * 4u];
        let w4 = C(r4, mul(r4, vec2<f32>(0.98078525, -0.19509032)));
        let w5 = times_each(w4, w1);
        let w6 = times_each(w4, w2);
        let w7 = times_each(w4, w3);
        let r8 = twiddles[n * 8u];
        let w8 = C(r8, mul(r8, vec2<f32>(0.9238795, -0.38268343)));
        let w9 = times_each(w8, w1);
        let w10 = times_each(w8, w2);
        let w11 = times_each(w8, w3);
        let w12 = times_each(w8, w4);
        let w13 = times_each(w8, w5);
        let w14 = times_each(w8, w6);
        let w15 = times_each(w8, w7);
        var e0 = start[at * 32u + base + 0u];
        var e1 = start[at * 32u + base + 4u];
        var e2 = start[at * 32u + base + 8u];
        var e3 = start[at * 32u + base + 12u];
        var e4 = start[at * 32u + base + 16u];
        var e5 = start[at * 32u + base + 20u];
        var e6 = start[at * 32u + base + 24u];
        var e7 = start[at * 32u + base + 28u];
        let x0 = e0;
        let x1 = e1;
        let x2 = e2;
        let x3 = e3;
        let x4 = e4;
        let x5 = e5;
        let x6 = e6;
        let x7 = e7;
        let y = fft_r16(x0, x1, x2, x3, x4, x5, x6, x7, C(), C(), C(), C(), C(), C(), C(), C());
        tile[line * 64u + base + 0u] = y[0];
        tile[line * 64u + base + 4u] = times_each(y[1], w1);
        tile[line * 64u + base + 8u] = times_each(y[2], w2);
        tile[line * 64u + base + 12u] = times_each(y[3], w3);
        tile[line * 64u + base + 16u] = times_each(y[4], w4);
        tile[line * 64u + base + 20u] = times_each(y[5], w5);
        tile[line * 64u + base + 24u] = times_each(y[6], w6);
        tile[line * 64u + base + 28u] = times_each(y[7], w7);
        tile[line * 64u + base + 32u] = times_each(y[8], w8);
        tile[line * 64u + base + 36u] = times_each(y[9], w9);
        tile[line * 64u + base + 40u] = times_each(y[10], w10);
        tile[line * 64u + base + 44u] = times_each(y[11], w11);
        tile[line * 64u + base + 48u] = times_each(y[12], w12);
        tile[line * 64u + base + 52u] = times_each(y[13], w13);
        tile[line * 64u + base + 56u] = times_each(y[14], w14);
        tile[line * 64u + base + 60u] = times_each(y[15], w15);
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let base = b * 8u;
        let a0 = tile[line * 64u + base + 0u];
        let a1 = tile[line * 64u + base + 1u];
        let a2 = tile[line * 64u + base + 2u];
        let a3 = tile[line * 64u + base + 3u];
        let a4 = tile[line * 64u + base + 4u];
        let a5 = tile[line * 64u + base + 5u];
        let a6 = tile[line * 64u + base + 6u];
        let a7 = tile[line * 64u + base + 7u];
        let x0 = C(a0.xy, a4.xy);
        let x1 = C(a0.zw, a4.zw);
        let x2 = C(a1.xy, a5.xy);
        let x3 = C(a1.zw, a5.zw);
        let x4 = C(a2.xy, a6.xy);
        let x5 = C(a2.zw, a6.zw);
        let x6 = C(a3.xy, a7.xy);
        let x7 = C(a3.zw, a7.zw);
        let y = fft_r8(x0, x1, x2, x3, x4, x5, x6, x7);
        end[at * 64u + 0u + b] = y[0];
        end[at * 64u + 8u + b] = y[1];
        end[at * 64u + 16u + b] = y[2];
        end[at * 64u + 24u + b] = y[3];
        end[at * 64u + 32u + b] = y[4];
        end[at * 64u + 40u + b] = y[5];
        end[at * 64u + 48u + b] = y[6];
        end[at * 64u + 56u + b] = y[7];
    }
    {
        let b = t + 4u;
        let base = b * 8u;
        let a0 = tile[line * 64u + base + 0u];
        let a1 = tile[line * 64u + base + 1u];
        let a2 = tile[line * 64u + base + 2u];
        let a3 = tile[line * 64u + base + 3u];
        let a4 = tile[line * 64u + base + 4u];
        let a5 = tile[line * 64u + base + 5u];
        let a6 = tile[line * 64u + base + 6u];
        let a7 = tile[line * 64u + base + 7u];
        let x0 = C(a0.xy, a4.xy);
        let x1 = C(a0.zw, a4.zw);
        let x2 = C(a1.xy, a5.xy);
        let x3 = C(a1.zw, a5.zw);
        let x4 = C(a2.xy, a6.xy);
        let x5 = C(a2.zw, a6.zw);
        let x6 = C(a3.xy, a7.xy);
        let x7 = C(a3.zw, a7.zw);
        let y = fft_r8(x0, x1, x2, x3, x4, x5, x6, x7);
        end[at * 64u + 0u + b] = y[0];
        end[at * 64u + 8u + b] = y[1];
        end[at * 64u + 16u + b] = y[2];
        end[at * 64u + 24u + b] = y[3];
        end[at * 64u + 32u + b] = y[4];
        end[at * 64u + 40u + b] = y[5];
        end[at * 64u + 48u + b] = y[6];
        end[at * 64u + 56u + b] = y[7];
    }
}
