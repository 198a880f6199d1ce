// X_k = sum_n x_n exp(-2 pi i n k / 2).
fn fft_r2(x0: vec2<f32>, x1: vec2<f32>) -> array<vec2<f32>, 2> {
    let t1 = x0 + x1;
    let t2 = x0 - x1;
    return array<vec2<f32>, 2>(t1, t2);
}
