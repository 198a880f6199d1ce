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
