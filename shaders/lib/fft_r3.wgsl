// X_k = sum_n x_n exp(-2 pi i n k / 3).
fn fft_r3(x0: vec2<f32>, x1: vec2<f32>, x2: vec2<f32>) -> array<vec2<f32>, 3> {
    let t1 = x1 + x2;
    let t2 = x1 - x2;
    let t3 = vec2<f32>(t2.y, -t2.x);
    let t4 = x0 + t1;
    let t5 = x0 - t1 * 0.5;
    let t6 = t3 * 0.866025404;
    let t7 = t5 + t6;
    let t8 = t5 - t6;
    return array<vec2<f32>, 3>(t4, t7, t8);
}
