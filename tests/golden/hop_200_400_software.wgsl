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

// X_k = sum_n x_n exp(-2 pi i n k / 20).
fn fft_r20(
    x0: C, x1: C, x2: C, x3: C, x4: C, x5: C, x6: C, x7: C, x8: C, x9: C, x10: C, x11: C, x12: C,
    x13: C, x14: C, x15: C, x16: C, x17: C, x18: C, x19: C,
) -> array<C, 20> {
    let t1 = x0 + x10;
    let t2 = x0 - x10;
    let t3 = x5 + x15;
    let t4 = neg_i(x5 - x15);
    let t5 = t1 + t3;
    let t6 = t2 + t4;
    let t7 = t1 - t3;
    let t8 = t2 - t4;
    let t9 = x4 + x14;
    let t10 = x4 - x14;
    let t11 = x9 + x19;
    let t12 = neg_i(x9 - x19);
    let t13 = t9 + t11;
    let t14 = t10 + t12;
    let t15 = t9 - t11;
    let t16 = t10 - t12;
    let t17 = x8 + x18;
    let t18 = x8 - x18;
    let t19 = x13 + x3;
    let t20 = neg_i(x13 - x3);
    let t21 = t17 + t19;
    let t22 = t18 + t20;
    let t23 = t17 - t19;
    let t24 = t18 - t20;
    let t25 = x12 + x2;
    let t26 = x12 - x2;
    let t27 = x17 + x7;
    let t28 = neg_i(x17 - x7);
    let t29 = t25 + t27;
    let t30 = t26 + t28;
    let t31 = t25 - t27;
    let t32 = t26 - t28;
    let t33 = x16 + x6;
    let t34 = x16 - x6;
    let t35 = x1 + x11;
    let t36 = neg_i(x1 - x11);
    let t37 = t33 + t35;
    let t38 = t34 + t36;
    let t39 = t33 - t35;
    let t40 = t34 - t36;
    let t41 = t13 + t37;
    let t42 = neg_i(t13 - t37);
    let t43 = t21 + t29;
    let t44 = neg_i(t21 - t29);
    let t45 = t5 + t41 + t43;
    let t46 = t5 + t41 * 0.309016994 - t43 * 0.809016994;
    let t47 = t42 * 0.951056516 + t44 * 0.587785252;
    let t48 = t46 + t47;
    let t49 = t46 - t47;
    let t50 = t5 - t41 * 0.809016994 + t43 * 0.309016994;
    let t51 = t42 * 0.587785252 - t44 * 0.951056516;
    let t52 = t50 + t51;
    let t53 = t50 - t51;
    let t54 = t14 + t38;
    let t55 = neg_i(t14 - t38);
    let t56 = t22 + t30;
    let t57 = neg_i(t22 - t30);
    let t58 = t6 + t54 + t56;
    let t59 = t6 + t54 * 0.309016994 - t56 * 0.809016994;
    let t60 = t55 * 0.951056516 + t57 * 0.587785252;
    let t61 = t59 + t60;
    let t62 = t59 - t60;
    let t63 = t6 - t54 * 0.809016994 + t56 * 0.309016994;
    let t64 = t55 * 0.587785252 - t57 * 0.951056516;
    let t65 = t63 + t64;
    let t66 = t63 - t64;
    let t67 = t15 + t39;
    let t68 = neg_i(t15 - t39);
    let t69 = t23 + t31;
    let t70 = neg_i(t23 - t31);
    let t71 = t7 + t67 + t69;
    let t72 = t7 + t67 * 0.309016994 - t69 * 0.809016994;
    let t73 = t68 * 0.951056516 + t70 * 0.587785252;
    let t74 = t72 + t73;
    let t75 = t72 - t73;
    let t76 = t7 - t67 * 0.809016994 + t69 * 0.309016994;
    let t77 = t68 * 0.587785252 - t70 * 0.951056516;
    let t78 = t76 + t77;
    let t79 = t76 - t77;
    let t80 = t16 + t40;
    let t81 = neg_i(t16 - t40);
    let t82 = t24 + t32;
    let t83 = neg_i(t24 - t32);
    let t84 = t8 + t80 + t82;
    let t85 = t8 + t80 * 0.309016994 - t82 * 0.809016994;
    let t86 = t81 * 0.951056516 + t83 * 0.587785252;
    let t87 = t85 + t86;
    let t88 = t85 - t86;
    let t89 = t8 - t80 * 0.809016994 + t82 * 0.309016994;
    let t90 = t81 * 0.587785252 - t83 * 0.951056516;
    let t91 = t89 + t90;
    let t92 = t89 - t90;
    return array<C, 20>(
        t45, t61, t78, t92, t49, t58, t74, t91, t53, t62, t71, t87, t52, t66, t75, t84, t48, t65,
        t79, t88,
    );
}

struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    turn: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> twiddles: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> start: array<C>;
@group(0) @binding(3) var<storage, read> in0: array<C>;
@group(0) @binding(4) var<storage, read> in1: array<C>;
@group(0) @binding(5) var<storage, read_write> end: array<C>;
@group(0) @binding(6) var<storage, read_write> out0: array<R>;

var<workgroup> tile: array<C, 1200>;

@compute @workgroup_size(60)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let line = l / 10u;
    let t = l % 10u;
    let live = w.x * 6u + line < 200u;
    let own = min(w.x * 6u + line, 199u);
    let row = own;
    let leaf = p.turn / p.leaf + w.y;
    {
        let sample = p.turn - p.first + w.y * p.leaf;
        let at = sample * 200u + row;
        {
            let b = t + 0u;
            let base = b * 20u;
            let u0 = swap(start[at * 200u + 0u + b]);
            let u1 = swap(start[at * 200u + 10u + b]);
            let u2 = swap(start[at * 200u + 20u + b]);
            let u3 = swap(start[at * 200u + 30u + b]);
            let u4 = swap(start[at * 200u + 40u + b]);
            let u5 = swap(start[at * 200u + 50u + b]);
            let u6 = swap(start[at * 200u + 60u + b]);
            let u7 = swap(start[at * 200u + 70u + b]);
            let u8 = swap(start[at * 200u + 80u + b]);
            let u9 = swap(start[at * 200u + 90u + b]);
            let u10 = swap(start[at * 200u + 100u + b]);
            let u11 = swap(start[at * 200u + 110u + b]);
            let u12 = swap(start[at * 200u + 120u + b]);
            let u13 = swap(start[at * 200u + 130u + b]);
            let u14 = swap(start[at * 200u + 140u + b]);
            let u15 = swap(start[at * 200u + 150u + b]);
            let u16 = swap(start[at * 200u + 160u + b]);
            let u17 = swap(start[at * 200u + 170u + b]);
            let u18 = swap(start[at * 200u + 180u + b]);
            let u19 = swap(start[at * 200u + 190u + b]);
            let z = fft_r20(u0, u1, u2, u3, u4, u5, u6, u7, u8, u9, u10, u11, u12, u13, u14, u15, u16, u17, u18, u19);
            tile[line * 200u + base + 0u] = C(z[0].xy, z[1].xy);
            tile[line * 200u + base + 10u] = C(z[0].zw, z[1].zw);
            tile[line * 200u + base + 1u] = C(z[2].xy, z[3].xy);
            tile[line * 200u + base + 11u] = C(z[2].zw, z[3].zw);
            tile[line * 200u + base + 2u] = C(z[4].xy, z[5].xy);
            tile[line * 200u + base + 12u] = C(z[4].zw, z[5].zw);
            tile[line * 200u + base + 3u] = C(z[6].xy, z[7].xy);
            tile[line * 200u + base + 13u] = C(z[6].zw, z[7].zw);
            tile[line * 200u + base + 4u] = C(z[8].xy, z[9].xy);
            tile[line * 200u + base + 14u] = C(z[8].zw, z[9].zw);
            tile[line * 200u + base + 5u] = C(z[10].xy, z[11].xy);
            tile[line * 200u + base + 15u] = C(z[10].zw, z[11].zw);
            tile[line * 200u + base + 6u] = C(z[12].xy, z[13].xy);
            tile[line * 200u + base + 16u] = C(z[12].zw, z[13].zw);
            tile[line * 200u + base + 7u] = C(z[14].xy, z[15].xy);
            tile[line * 200u + base + 17u] = C(z[14].zw, z[15].zw);
            tile[line * 200u + base + 8u] = C(z[16].xy, z[17].xy);
            tile[line * 200u + base + 18u] = C(z[16].zw, z[17].zw);
            tile[line * 200u + base + 9u] = C(z[18].xy, z[19].xy);
            tile[line * 200u + base + 19u] = C(z[18].zw, z[19].zw);
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
            let w10 = times_each(w8, w2);
            let w11 = times_each(w8, w3);
            let w12 = times_each(w8, w4);
            let w13 = times_each(w8, w5);
            let w14 = times_each(w8, w6);
            let w15 = times_each(w8, w7);
            let r16 = twiddles[n * 16u];
            let w16 = C(r16, mul(r16, vec2<f32>(0.96858317, -0.24868989)));
            let w17 = times_each(w16, w1);
            let w18 = times_each(w16, w2);
            let w19 = times_each(w16, w3);
            let u0 = tile[line * 200u + base + 0u];
            let u1 = times_each(tile[line * 200u + base + 10u], w1);
            let u2 = times_each(tile[line * 200u + base + 20u], w2);
            let u3 = times_each(tile[line * 200u + base + 30u], w3);
            let u4 = times_each(tile[line * 200u + base + 40u], w4);
            let u5 = times_each(tile[line * 200u + base + 50u], w5);
            let u6 = times_each(tile[line * 200u + base + 60u], w6);
            let u7 = times_each(tile[line * 200u + base + 70u], w7);
            let u8 = times_each(tile[line * 200u + base + 80u], w8);
            let u9 = times_each(tile[line * 200u + base + 90u], w9);
            let u10 = times_each(tile[line * 200u + base + 100u], w10);
            let u11 = times_each(tile[line * 200u + base + 110u], w11);
            let u12 = times_each(tile[line * 200u + base + 120u], w12);
            let u13 = times_each(tile[line * 200u + base + 130u], w13);
            let u14 = times_each(tile[line * 200u + base + 140u], w14);
            let u15 = times_each(tile[line * 200u + base + 150u], w15);
            let u16 = times_each(tile[line * 200u + base + 160u], w16);
            let u17 = times_each(tile[line * 200u + base + 170u], w17);
            let u18 = times_each(tile[line * 200u + base + 180u], w18);
            let u19 = times_each(tile[line * 200u + base + 190u], w19);
            let z = fft_r20(u0, u1, u2, u3, u4, u5, u6, u7, u8, u9, u10, u11, u12, u13, u14, u15, u16, u17, u18, u19);
            var e0 = C();
            if (live) {
                e0 = swap(z[0]);
                out0[(leaf * 200u + row) * 100u + base + 0u] += cross_power(in0[at * 100u + base + 0u], e0);
                e0 = times_conj(e0, in1[row * 100u + base + 0u]);
            }
            var e1 = C();
            if (live) {
                e1 = swap(z[1]);
                out0[(leaf * 200u + row) * 100u + base + 10u] += cross_power(in0[at * 100u + base + 10u], e1);
                e1 = times_conj(e1, in1[row * 100u + base + 10u]);
            }
            var e2 = C();
            if (live) {
                e2 = swap(z[2]);
                out0[(leaf * 200u + row) * 100u + base + 20u] += cross_power(in0[at * 100u + base + 20u], e2);
                e2 = times_conj(e2, in1[row * 100u + base + 20u]);
            }
            var e3 = C();
            if (live) {
                e3 = swap(z[3]);
                out0[(leaf * 200u + row) * 100u + base + 30u] += cross_power(in0[at * 100u + base + 30u], e3);
                e3 = times_conj(e3, in1[row * 100u + base + 30u]);
            }
            var e4 = C();
            if (live) {
                e4 = swap(z[4]);
                out0[(leaf * 200u + row) * 100u + base + 40u] += cross_power(in0[at * 100u + base + 40u], e4);
                e4 = times_conj(e4, in1[row * 100u + base + 40u]);
            }
            var e5 = C();
            if (live) {
                e5 = swap(z[5]);
                out0[(leaf * 200u + row) * 100u + base + 50u] += cross_power(in0[at * 100u + base + 50u], e5);
                e5 = times_conj(e5, in1[row * 100u + base + 50u]);
            }
            var e6 = C();
            if (live) {
                e6 = swap(z[6]);
                out0[(leaf * 200u + row) * 100u + base + 60u] += cross_power(in0[at * 100u + base + 60u], e6);
                e6 = times_conj(e6, in1[row * 100u + base + 60u]);
            }
            var e7 = C();
            if (live) {
                e7 = swap(z[7]);
                out0[(leaf * 200u + row) * 100u + base + 70u] += cross_power(in0[at * 100u + base + 70u], e7);
                e7 = times_conj(e7, in1[row * 100u + base + 70u]);
            }
            var e8 = C();
            if (live) {
                e8 = swap(z[8]);
                out0[(leaf * 200u + row) * 100u + base + 80u] += cross_power(in0[at * 100u + base + 80u], e8);
                e8 = times_conj(e8, in1[row * 100u + base + 80u]);
            }
            var e9 = C();
            if (live) {
                e9 = swap(z[9]);
                out0[(leaf * 200u + row) * 100u + base + 90u] += cross_power(in0[at * 100u + base + 90u], e9);
                e9 = times_conj(e9, in1[row * 100u + base + 90u]);
            }
            let x0 = e0;
            let x1 = e1;
            let x2 = e2;
            let x3 = e3;
            let x4 = e4;
            let x5 = e5;
            let x6 = e6;
            let x7 = e7;
            let x8 = e8;
            let x9 = e9;
            let y = fft_r20(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, C(), C(), C(), C(), C(), C(), C(), C(), C(), C());
            tile[line * 200u + base + 0u] = y[0];
            tile[line * 200u + base + 10u] = times_each(y[1], w1);
            tile[line * 200u + base + 20u] = times_each(y[2], w2);
            tile[line * 200u + base + 30u] = times_each(y[3], w3);
            tile[line * 200u + base + 40u] = times_each(y[4], w4);
            tile[line * 200u + base + 50u] = times_each(y[5], w5);
            tile[line * 200u + base + 60u] = times_each(y[6], w6);
            tile[line * 200u + base + 70u] = times_each(y[7], w7);
            tile[line * 200u + base + 80u] = times_each(y[8], w8);
            tile[line * 200u + base + 90u] = times_each(y[9], w9);
            tile[line * 200u + base + 100u] = times_each(y[10], w10);
            tile[line * 200u + base + 110u] = times_each(y[11], w11);
            tile[line * 200u + base + 120u] = times_each(y[12], w12);
            tile[line * 200u + base + 130u] = times_each(y[13], w13);
            tile[line * 200u + base + 140u] = times_each(y[14], w14);
            tile[line * 200u + base + 150u] = times_each(y[15], w15);
            tile[line * 200u + base + 160u] = times_each(y[16], w16);
            tile[line * 200u + base + 170u] = times_each(y[17], w17);
            tile[line * 200u + base + 180u] = times_each(y[18], w18);
            tile[line * 200u + base + 190u] = times_each(y[19], w19);
        }
        workgroupBarrier();
        {
            let b = t + 0u;
            let base = b * 20u;
            let a0 = tile[line * 200u + base + 0u];
            let a1 = tile[line * 200u + base + 1u];
            let a2 = tile[line * 200u + base + 2u];
            let a3 = tile[line * 200u + base + 3u];
            let a4 = tile[line * 200u + base + 4u];
            let a5 = tile[line * 200u + base + 5u];
            let a6 = tile[line * 200u + base + 6u];
            let a7 = tile[line * 200u + base + 7u];
            let a8 = tile[line * 200u + base + 8u];
            let a9 = tile[line * 200u + base + 9u];
            let a10 = tile[line * 200u + base + 10u];
            let a11 = tile[line * 200u + base + 11u];
            let a12 = tile[line * 200u + base + 12u];
            let a13 = tile[line * 200u + base + 13u];
            let a14 = tile[line * 200u + base + 14u];
            let a15 = tile[line * 200u + base + 15u];
            let a16 = tile[line * 200u + base + 16u];
            let a17 = tile[line * 200u + base + 17u];
            let a18 = tile[line * 200u + base + 18u];
            let a19 = tile[line * 200u + base + 19u];
            let x0 = C(a0.xy, a10.xy);
            let x1 = C(a0.zw, a10.zw);
            let x2 = C(a1.xy, a11.xy);
            let x3 = C(a1.zw, a11.zw);
            let x4 = C(a2.xy, a12.xy);
            let x5 = C(a2.zw, a12.zw);
            let x6 = C(a3.xy, a13.xy);
            let x7 = C(a3.zw, a13.zw);
            let x8 = C(a4.xy, a14.xy);
            let x9 = C(a4.zw, a14.zw);
            let x10 = C(a5.xy, a15.xy);
            let x11 = C(a5.zw, a15.zw);
            let x12 = C(a6.xy, a16.xy);
            let x13 = C(a6.zw, a16.zw);
            let x14 = C(a7.xy, a17.xy);
            let x15 = C(a7.zw, a17.zw);
            let x16 = C(a8.xy, a18.xy);
            let x17 = C(a8.zw, a18.zw);
            let x18 = C(a9.xy, a19.xy);
            let x19 = C(a9.zw, a19.zw);
            let y = fft_r20(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19);
            if (live) { end[at * 200u + 0u + b] = y[0]; }
            if (live) { end[at * 200u + 10u + b] = y[1]; }
            if (live) { end[at * 200u + 20u + b] = y[2]; }
            if (live) { end[at * 200u + 30u + b] = y[3]; }
            if (live) { end[at * 200u + 40u + b] = y[4]; }
            if (live) { end[at * 200u + 50u + b] = y[5]; }
            if (live) { end[at * 200u + 60u + b] = y[6]; }
            if (live) { end[at * 200u + 70u + b] = y[7]; }
            if (live) { end[at * 200u + 80u + b] = y[8]; }
            if (live) { end[at * 200u + 90u + b] = y[9]; }
            if (live) { end[at * 200u + 100u + b] = y[10]; }
            if (live) { end[at * 200u + 110u + b] = y[11]; }
            if (live) { end[at * 200u + 120u + b] = y[12]; }
            if (live) { end[at * 200u + 130u + b] = y[13]; }
            if (live) { end[at * 200u + 140u + b] = y[14]; }
            if (live) { end[at * 200u + 150u + b] = y[15]; }
            if (live) { end[at * 200u + 160u + b] = y[16]; }
            if (live) { end[at * 200u + 170u + b] = y[17]; }
            if (live) { end[at * 200u + 180u + b] = y[18]; }
            if (live) { end[at * 200u + 190u + b] = y[19]; }
        }
    }
}
