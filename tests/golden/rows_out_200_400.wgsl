// a b.
fn mul(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// conj(a) b.
fn mul_conj(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x + a.y * b.y, a.x * b.y - a.y * b.x);
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

var<workgroup> tile: array<vec2<f32>, 2000>;

@compute @workgroup_size(125)
fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let line = l / 25u;
    let t = l % 25u;
    let row = w.x * 5u + line;
    let live = row < 200u;
    let at = (w.y * 200u + row) * 200u;
    let from_row = (w.y * 200u + row) * 400u;
    {
        let b = t + 0u;
        let base = b * 5u;
        let x0 = select(vec2<f32>(0.0), src[from_row + base + 0u].yx, live);
        let x1 = select(vec2<f32>(0.0), src[from_row + base + 1u].yx, live);
        let x2 = select(vec2<f32>(0.0), src[from_row + base + 2u].yx, live);
        let x3 = select(vec2<f32>(0.0), src[from_row + base + 3u].yx, live);
        let x4 = select(vec2<f32>(0.0), src[from_row + base + 4u].yx, live);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[line * 400u + base + 0u] = y[0];
        tile[line * 400u + base + 1u] = y[1];
        tile[line * 400u + base + 2u] = y[2];
        tile[line * 400u + base + 3u] = y[3];
        tile[line * 400u + base + 4u] = y[4];
    }
    {
        let b = t + 25u;
        let base = b * 5u;
        let x0 = select(vec2<f32>(0.0), src[from_row + base + 0u].yx, live);
        let x1 = select(vec2<f32>(0.0), src[from_row + base + 1u].yx, live);
        let x2 = select(vec2<f32>(0.0), src[from_row + base + 2u].yx, live);
        let x3 = select(vec2<f32>(0.0), src[from_row + base + 3u].yx, live);
        let x4 = select(vec2<f32>(0.0), src[from_row + base + 4u].yx, live);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[line * 400u + base + 0u] = y[0];
        tile[line * 400u + base + 1u] = y[1];
        tile[line * 400u + base + 2u] = y[2];
        tile[line * 400u + base + 3u] = y[3];
        tile[line * 400u + base + 4u] = y[4];
    }
    {
        let b = t + 50u;
        let base = b * 5u;
        let x0 = select(vec2<f32>(0.0), src[from_row + base + 0u].yx, live);
        let x1 = select(vec2<f32>(0.0), src[from_row + base + 1u].yx, live);
        let x2 = select(vec2<f32>(0.0), src[from_row + base + 2u].yx, live);
        let x3 = select(vec2<f32>(0.0), src[from_row + base + 3u].yx, live);
        let x4 = select(vec2<f32>(0.0), src[from_row + base + 4u].yx, live);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[line * 400u + base + 0u] = y[0];
        tile[line * 400u + base + 1u] = y[1];
        tile[line * 400u + base + 2u] = y[2];
        tile[line * 400u + base + 3u] = y[3];
        tile[line * 400u + base + 4u] = y[4];
    }
    if (t + 75u < 80u) {
        let b = t + 75u;
        let base = b * 5u;
        let x0 = select(vec2<f32>(0.0), src[from_row + base + 0u].yx, live);
        let x1 = select(vec2<f32>(0.0), src[from_row + base + 1u].yx, live);
        let x2 = select(vec2<f32>(0.0), src[from_row + base + 2u].yx, live);
        let x3 = select(vec2<f32>(0.0), src[from_row + base + 3u].yx, live);
        let x4 = select(vec2<f32>(0.0), src[from_row + base + 4u].yx, live);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[line * 400u + base + 0u] = y[0];
        tile[line * 400u + base + 1u] = y[1];
        tile[line * 400u + base + 2u] = y[2];
        tile[line * 400u + base + 3u] = y[3];
        tile[line * 400u + base + 4u] = y[4];
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let n = b % 5u;
        let base = (b / 5u) * 25u + n;
        let x0 = tile[line * 400u + base + 0u];
        let x1 = mul(tile[line * 400u + base + 5u], twiddles[n * 16u]);
        let x2 = mul(tile[line * 400u + base + 10u], twiddles[n * 32u]);
        let x3 = mul(tile[line * 400u + base + 15u], twiddles[n * 48u]);
        let x4 = mul(tile[line * 400u + base + 20u], twiddles[n * 64u]);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[line * 400u + base + 0u] = y[0];
        tile[line * 400u + base + 5u] = y[1];
        tile[line * 400u + base + 10u] = y[2];
        tile[line * 400u + base + 15u] = y[3];
        tile[line * 400u + base + 20u] = y[4];
    }
    {
        let b = t + 25u;
        let n = b % 5u;
        let base = (b / 5u) * 25u + n;
        let x0 = tile[line * 400u + base + 0u];
        let x1 = mul(tile[line * 400u + base + 5u], twiddles[n * 16u]);
        let x2 = mul(tile[line * 400u + base + 10u], twiddles[n * 32u]);
        let x3 = mul(tile[line * 400u + base + 15u], twiddles[n * 48u]);
        let x4 = mul(tile[line * 400u + base + 20u], twiddles[n * 64u]);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[line * 400u + base + 0u] = y[0];
        tile[line * 400u + base + 5u] = y[1];
        tile[line * 400u + base + 10u] = y[2];
        tile[line * 400u + base + 15u] = y[3];
        tile[line * 400u + base + 20u] = y[4];
    }
    {
        let b = t + 50u;
        let n = b % 5u;
        let base = (b / 5u) * 25u + n;
        let x0 = tile[line * 400u + base + 0u];
        let x1 = mul(tile[line * 400u + base + 5u], twiddles[n * 16u]);
        let x2 = mul(tile[line * 400u + base + 10u], twiddles[n * 32u]);
        let x3 = mul(tile[line * 400u + base + 15u], twiddles[n * 48u]);
        let x4 = mul(tile[line * 400u + base + 20u], twiddles[n * 64u]);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[line * 400u + base + 0u] = y[0];
        tile[line * 400u + base + 5u] = y[1];
        tile[line * 400u + base + 10u] = y[2];
        tile[line * 400u + base + 15u] = y[3];
        tile[line * 400u + base + 20u] = y[4];
    }
    if (t + 75u < 80u) {
        let b = t + 75u;
        let n = b % 5u;
        let base = (b / 5u) * 25u + n;
        let x0 = tile[line * 400u + base + 0u];
        let x1 = mul(tile[line * 400u + base + 5u], twiddles[n * 16u]);
        let x2 = mul(tile[line * 400u + base + 10u], twiddles[n * 32u]);
        let x3 = mul(tile[line * 400u + base + 15u], twiddles[n * 48u]);
        let x4 = mul(tile[line * 400u + base + 20u], twiddles[n * 64u]);
        let y = fft_r5(x0, x1, x2, x3, x4);
        tile[line * 400u + base + 0u] = y[0];
        tile[line * 400u + base + 5u] = y[1];
        tile[line * 400u + base + 10u] = y[2];
        tile[line * 400u + base + 15u] = y[3];
        tile[line * 400u + base + 20u] = y[4];
    }
    workgroupBarrier();
    {
        let b = t + 0u;
        let n = b;
        let base = b;
        let x0 = tile[line * 400u + base + 0u];
        let x1 = mul(tile[line * 400u + base + 25u], twiddles[n * 1u]);
        let x2 = mul(tile[line * 400u + base + 50u], twiddles[n * 2u]);
        let x3 = mul(tile[line * 400u + base + 75u], twiddles[n * 3u]);
        let x4 = mul(tile[line * 400u + base + 100u], twiddles[n * 4u]);
        let x5 = mul(tile[line * 400u + base + 125u], twiddles[n * 5u]);
        let x6 = mul(tile[line * 400u + base + 150u], twiddles[n * 6u]);
        let x7 = mul(tile[line * 400u + base + 175u], twiddles[n * 7u]);
        let x8 = mul(tile[line * 400u + base + 200u], twiddles[n * 8u]);
        let x9 = mul(tile[line * 400u + base + 225u], twiddles[n * 9u]);
        let x10 = mul(tile[line * 400u + base + 250u], twiddles[n * 10u]);
        let x11 = mul(tile[line * 400u + base + 275u], twiddles[n * 11u]);
        let x12 = mul(tile[line * 400u + base + 300u], twiddles[n * 12u]);
        let x13 = mul(tile[line * 400u + base + 325u], twiddles[n * 13u]);
        let x14 = mul(tile[line * 400u + base + 350u], twiddles[n * 14u]);
        let x15 = mul(tile[line * 400u + base + 375u], twiddles[n * 15u]);
        let y = fft_r16(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15);
        if (live && base + 0u < 200u) { dst[at + base + 0u] = y[0].yx; }
        if (live && base + 25u < 200u) { dst[at + base + 25u] = y[1].yx; }
        if (live && base + 50u < 200u) { dst[at + base + 50u] = y[2].yx; }
        if (live && base + 75u < 200u) { dst[at + base + 75u] = y[3].yx; }
        if (live && base + 100u < 200u) { dst[at + base + 100u] = y[4].yx; }
        if (live && base + 125u < 200u) { dst[at + base + 125u] = y[5].yx; }
        if (live && base + 150u < 200u) { dst[at + base + 150u] = y[6].yx; }
        if (live && base + 175u < 200u) { dst[at + base + 175u] = y[7].yx; }
        if (live && base + 200u < 200u) { dst[at + base + 200u] = y[8].yx; }
        if (live && base + 225u < 200u) { dst[at + base + 225u] = y[9].yx; }
        if (live && base + 250u < 200u) { dst[at + base + 250u] = y[10].yx; }
        if (live && base + 275u < 200u) { dst[at + base + 275u] = y[11].yx; }
        if (live && base + 300u < 200u) { dst[at + base + 300u] = y[12].yx; }
        if (live && base + 325u < 200u) { dst[at + base + 325u] = y[13].yx; }
        if (live && base + 350u < 200u) { dst[at + base + 350u] = y[14].yx; }
        if (live && base + 375u < 200u) { dst[at + base + 375u] = y[15].yx; }
    }
}
