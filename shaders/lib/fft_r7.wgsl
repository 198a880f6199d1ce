// X_k = sum_n x_n exp(-2 pi i n k / 7).
fn fft_r7(
    x0: vec2<f32>, x1: vec2<f32>, x2: vec2<f32>, x3: vec2<f32>, x4: vec2<f32>, x5: vec2<f32>,
    x6: vec2<f32>,
) -> array<vec2<f32>, 7> {
    let t1 = x1 + x6;
    let t2 = x1 - x6;
    let t3 = vec2<f32>(t2.y, -t2.x);
    let t4 = x2 + x5;
    let t5 = x2 - x5;
    let t6 = vec2<f32>(t5.y, -t5.x);
    let t7 = x3 + x4;
    let t8 = x3 - x4;
    let t9 = vec2<f32>(t8.y, -t8.x);
    let t10 = x0 + t1 + t4 + t7;
    let t11 = x0 + t1 * 0.623489802 - t4 * 0.222520934 - t7 * 0.900968868;
    let t12 = t3 * 0.781831482 + t6 * 0.974927912 + t9 * 0.433883739;
    let t13 = t11 + t12;
    let t14 = t11 - t12;
    let t15 = x0 - t1 * 0.222520934 - t4 * 0.900968868 + t7 * 0.623489802;
    let t16 = t3 * 0.974927912 - t6 * 0.433883739 - t9 * 0.781831482;
    let t17 = t15 + t16;
    let t18 = t15 - t16;
    let t19 = x0 - t1 * 0.900968868 + t4 * 0.623489802 - t7 * 0.222520934;
    let t20 = t3 * 0.433883739 - t6 * 0.781831482 + t9 * 0.974927912;
    let t21 = t19 + t20;
    let t22 = t19 - t20;
    return array<vec2<f32>, 7>(t10, t13, t17, t21, t22, t18, t14);
}
