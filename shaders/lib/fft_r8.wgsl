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
