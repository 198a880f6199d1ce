// X_k = sum_n x_n exp(-2 pi i n k / 4).
fn fft_r4(x0: vec2<f32>, x1: vec2<f32>, x2: vec2<f32>, x3: vec2<f32>) -> array<vec2<f32>, 4> {
    let t1 = x0 + x2;
    let t2 = x0 - x2;
    let t3 = x1 + x3;
    let t4 = x1 - x3;
    let t5 = vec2<f32>(t4.y, -t4.x);
    let t6 = t1 + t3;
    let t7 = t2 + t5;
    let t8 = t1 - t3;
    let t9 = t2 - t5;
    return array<vec2<f32>, 4>(t6, t7, t8, t9);
}
