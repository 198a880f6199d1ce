// a b.
fn mul(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// conj(a) b.
fn mul_conj(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x + a.y * b.y, a.x * b.y - a.y * b.x);
}

// X_k = sum_n x_n exp(-2 pi i n k / 8).
fn fft_r8(
    x0: vec2<f32>, x1: vec2<f32>, x2: vec2<f32>, x3: vec2<f32>, x4: vec2<f32>, x5: vec2<f32>,
    x6: vec2<f32>, x7: vec2<f32>,
) -> array<vec2<f32>, 8> {
    let t1 = x0 + x4;
    let t2 = x0 - x4;
    let t3 = x1 + x5;
    let t4 = x1 - x5;
    let t5 = 0.707106781 * vec2<f32>(t4.x + t4.y, -t4.x + t4.y);
    let t6 = x2 + x6;
    let t7 = x2 - x6;
    let t8 = vec2<f32>(t7.y, -t7.x);
    let t9 = x3 + x7;
    let t10 = x3 - x7;
    let t11 = 0.707106781 * vec2<f32>(-t10.x + t10.y, -t10.x - t10.y);
    let t12 = t1 + t6;
    let t13 = t1 - t6;
    let t14 = t3 + t9;
    let t15 = t3 - t9;
    let t16 = vec2<f32>(t15.y, -t15.x);
    let t17 = t12 + t14;
    let t18 = t13 + t16;
    let t19 = t12 - t14;
    let t20 = t13 - t16;
    let t21 = t2 + t8;
    let t22 = t2 - t8;
    let t23 = t5 + t11;
    let t24 = t5 - t11;
    let t25 = vec2<f32>(t24.y, -t24.x);
    let t26 = t21 + t23;
    let t27 = t22 + t25;
    let t28 = t21 - t23;
    let t29 = t22 - t25;
    return array<vec2<f32>, 8>(t17, t26, t18, t27, t19, t28, t20, t29);
}

// X_k = sum_n x_n exp(-2 pi i n k / 16).
fn fft_r16(
    x0: vec2<f32>, x1: vec2<f32>, x2: vec2<f32>, x3: vec2<f32>, x4: vec2<f32>, x5: vec2<f32>,
    x6: vec2<f32>, x7: vec2<f32>, x8: vec2<f32>, x9: vec2<f32>, x10: vec2<f32>, x11: vec2<f32>,
    x12: vec2<f32>, x13: vec2<f32>, x14: vec2<f32>, x15: vec2<f32>,
) -> array<vec2<f32>, 16> {
    let t1 = x0 + x8;
    let t2 = x0 - x8;
    let t3 = x4 + x12;
    let t4 = x4 - x12;
    let t5 = vec2<f32>(t4.y, -t4.x);
    let t6 = t1 + t3;
    let t7 = t2 + t5;
    let t8 = t1 - t3;
    let t9 = t2 - t5;
    let t10 = x1 + x9;
    let t11 = x1 - x9;
    let t12 = x5 + x13;
    let t13 = x5 - x13;
    let t14 = vec2<f32>(t13.y, -t13.x);
    let t15 = t10 + t12;
    let t16 = t11 + t14;
    let t17 = t10 - t12;
    let t18 = t11 - t14;
    let t19 = vec2<f32>(t16.x * 0.923879533 - t16.y * -0.382683432, t16.x * -0.382683432 + t16.y * 0.923879533);
    let t20 = 0.707106781 * vec2<f32>(t17.x + t17.y, -t17.x + t17.y);
    let t21 = vec2<f32>(t18.x * 0.382683432 - t18.y * -0.923879533, t18.x * -0.923879533 + t18.y * 0.382683432);
    let t22 = x2 + x10;
    let t23 = x2 - x10;
    let t24 = x6 + x14;
    let t25 = x6 - x14;
    let t26 = vec2<f32>(t25.y, -t25.x);
    let t27 = t22 + t24;
    let t28 = t23 + t26;
    let t29 = t22 - t24;
    let t30 = t23 - t26;
    let t31 = 0.707106781 * vec2<f32>(t28.x + t28.y, -t28.x + t28.y);
    let t32 = vec2<f32>(t29.y, -t29.x);
    let t33 = 0.707106781 * vec2<f32>(-t30.x + t30.y, -t30.x - t30.y);
    let t34 = x3 + x11;
    let t35 = x3 - x11;
    let t36 = x7 + x15;
    let t37 = x7 - x15;
    let t38 = vec2<f32>(t37.y, -t37.x);
    let t39 = t34 + t36;
    let t40 = t35 + t38;
    let t41 = t34 - t36;
    let t42 = t35 - t38;
    let t43 = vec2<f32>(t40.x * 0.382683432 - t40.y * -0.923879533, t40.x * -0.923879533 + t40.y * 0.382683432);
    let t44 = 0.707106781 * vec2<f32>(-t41.x + t41.y, -t41.x - t41.y);
    let t45 = vec2<f32>(t42.x * -0.923879533 - t42.y * 0.382683432, t42.x * 0.382683432 + t42.y * -0.923879533);
    let t46 = t6 + t27;
    let t47 = t6 - t27;
    let t48 = t15 + t39;
    let t49 = t15 - t39;
    let t50 = vec2<f32>(t49.y, -t49.x);
    let t51 = t46 + t48;
    let t52 = t47 + t50;
    let t53 = t46 - t48;
    let t54 = t47 - t50;
    let t55 = t7 + t31;
    let t56 = t7 - t31;
    let t57 = t19 + t43;
    let t58 = t19 - t43;
    let t59 = vec2<f32>(t58.y, -t58.x);
    let t60 = t55 + t57;
    let t61 = t56 + t59;
    let t62 = t55 - t57;
    let t63 = t56 - t59;
    let t64 = t8 + t32;
    let t65 = t8 - t32;
    let t66 = t20 + t44;
    let t67 = t20 - t44;
    let t68 = vec2<f32>(t67.y, -t67.x);
    let t69 = t64 + t66;
    let t70 = t65 + t68;
    let t71 = t64 - t66;
    let t72 = t65 - t68;
    let t73 = t9 + t33;
    let t74 = t9 - t33;
    let t75 = t21 + t45;
    let t76 = t21 - t45;
    let t77 = vec2<f32>(t76.y, -t76.x);
    let t78 = t73 + t75;
    let t79 = t74 + t77;
    let t80 = t73 - t75;
    let t81 = t74 - t77;
    return array<vec2<f32>, 16>(
        t51, t60, t69, t78, t52, t61, t70, t79, t53, t62, t71, t80, t54, t63, t72, t81,
    );
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

var<workgroup> tile: array<vec2<f32>, 2048>;

@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let line = l / 8u;
    let t = l % 8u;
    let row = w.x * 16u + line;
    let live = row < 64u;
    let at = (w.y * 64u + row) * 64u;
    let to = (w.y * 64u + row) * 128u;
    {
        let b = t + 0u;
        let n = b;
        let base = b;
        let x0 = select(vec2<f32>(0.0), src[at + base + 0u], live && base + 0u < 64u);
        let x1 = select(vec2<f32>(0.0), src[at + base + 8u], live && base + 8u < 64u);
        let x2 = select(vec2<f32>(0.0), src[at + base + 16u], live && base + 16u < 64u);
        let x3 = select(vec2<f32>(0.0), src[at + base + 24u], live && base + 24u < 64u);
        let x4 = select(vec2<f32>(0.0), src[at + base + 32u], live && base + 32u < 64u);
        let x5 = select(vec2<f32>(0.0), src[at + base + 40u], live && base + 40u < 64u);
        let x6 = select(vec2<f32>(0.0), src[at + base + 48u], live && base + 48u < 64u);
        let x7 = select(vec2<f32>(0.0), src[at + base + 56u], live && base + 56u < 64u);
        let x8 = select(vec2<f32>(0.0), src[at + base + 64u], live && base + 64u < 64u);
        let x9 = select(vec2<f32>(0.0), src[at + base + 72u], live && base + 72u < 64u);
        let x10 = select(vec2<f32>(0.0), src[at + base + 80u], live && base + 80u < 64u);
        let x11 = select(vec2<f32>(0.0), src[at + base + 88u], live && base + 88u < 64u);
        let x12 = select(vec2<f32>(0.0), src[at + base + 96u], live && base + 96u < 64u);
        let x13 = select(vec2<f32>(0.0), src[at + base + 104u], live && base + 104u < 64u);
        let x14 = select(vec2<f32>(0.0), src[at + base + 112u], live && base + 112u < 64u);
        let x15 = select(vec2<f32>(0.0), src[at + base + 120u], live && base + 120u < 64u);
        let y = fft_r16(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15);
        tile[line * 128u + base + 0u] = y[0];
        tile[line * 128u + base + 8u] = mul(y[1], twiddles[n * 1u]);
        tile[line * 128u + base + 16u] = mul(y[2], twiddles[n * 2u]);
        tile[line * 128u + base + 24u] = mul(y[3], twiddles[n * 3u]);
        tile[line * 128u + base + 32u] = mul(y[4], twiddles[n * 4u]);
        tile[line * 128u + base + 40u] = mul(y[5], twiddles[n * 5u]);
        tile[line * 128u + base + 48u] = mul(y[6], twiddles[n * 6u]);
        tile[line * 128u + base + 56u] = mul(y[7], twiddles[n * 7u]);
        tile[line * 128u + base + 64u] = mul(y[8], twiddles[n * 8u]);
        tile[line * 128u + base + 72u] = mul(y[9], twiddles[n * 9u]);
        tile[line * 128u + base + 80u] = mul(y[10], twiddles[n * 10u]);
        tile[line * 128u + base + 88u] = mul(y[11], twiddles[n * 11u]);
        tile[line * 128u + base + 96u] = mul(y[12], twiddles[n * 12u]);
        tile[line * 128u + base + 104u] = mul(y[13], twiddles[n * 13u]);
        tile[line * 128u + base + 112u] = mul(y[14], twiddles[n * 14u]);
        tile[line * 128u + base + 120u] = mul(y[15], twiddles[n * 15u]);
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let base = b * 8u;
        let x0 = tile[line * 128u + base + 0u];
        let x1 = tile[line * 128u + base + 1u];
        let x2 = tile[line * 128u + base + 2u];
        let x3 = tile[line * 128u + base + 3u];
        let x4 = tile[line * 128u + base + 4u];
        let x5 = tile[line * 128u + base + 5u];
        let x6 = tile[line * 128u + base + 6u];
        let x7 = tile[line * 128u + base + 7u];
        let y = fft_r8(x0, x1, x2, x3, x4, x5, x6, x7);
        if (live) { dst[to + base + 0u] = y[0]; }
        if (live) { dst[to + base + 1u] = y[1]; }
        if (live) { dst[to + base + 2u] = y[2]; }
        if (live) { dst[to + base + 3u] = y[3]; }
        if (live) { dst[to + base + 4u] = y[4]; }
        if (live) { dst[to + base + 5u] = y[5]; }
        if (live) { dst[to + base + 6u] = y[6]; }
        if (live) { dst[to + base + 7u] = y[7]; }
    }
    {
        let b = t + 8u;
        let base = b * 8u;
        let x0 = tile[line * 128u + base + 0u];
        let x1 = tile[line * 128u + base + 1u];
        let x2 = tile[line * 128u + base + 2u];
        let x3 = tile[line * 128u + base + 3u];
        let x4 = tile[line * 128u + base + 4u];
        let x5 = tile[line * 128u + base + 5u];
        let x6 = tile[line * 128u + base + 6u];
        let x7 = tile[line * 128u + base + 7u];
        let y = fft_r8(x0, x1, x2, x3, x4, x5, x6, x7);
        if (live) { dst[to + base + 0u] = y[0]; }
        if (live) { dst[to + base + 1u] = y[1]; }
        if (live) { dst[to + base + 2u] = y[2]; }
        if (live) { dst[to + base + 3u] = y[3]; }
        if (live) { dst[to + base + 4u] = y[4]; }
        if (live) { dst[to + base + 5u] = y[5]; }
        if (live) { dst[to + base + 6u] = y[6]; }
        if (live) { dst[to + base + 7u] = y[7]; }
    }
}
