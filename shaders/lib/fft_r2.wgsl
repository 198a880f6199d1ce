// X_k = sum_n x_n exp(-2 pi i n k / 2).
fn fft_r2(x0: C, x1: C) -> array<C, 2> {
    let t1 = x0 + x1;
    let t2 = x0 - x1;
    return array<C, 2>(t1, t2);
}
