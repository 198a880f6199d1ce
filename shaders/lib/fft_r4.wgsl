// X_k = sum_n x_n exp(-2 pi i n k / 4).
fn fft_r4(x0: C, x1: C, x2: C, x3: C) -> array<C, 4> {
    let t1 = x0 + x2;
    let t2 = x0 - x2;
    let t3 = x1 + x3;
    let t4 = neg_i(x1 - x3);
    let t5 = t1 + t3;
    let t6 = t2 + t4;
    let t7 = t1 - t3;
    let t8 = t2 - t4;
    return array<C, 4>(t5, t6, t7, t8);
}
