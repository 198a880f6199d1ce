// X_k = sum_n x_n exp(-2 pi i n k / 5).
fn fft_r5(x0: C, x1: C, x2: C, x3: C, x4: C) -> array<C, 5> {
    let t1 = x1 + x4;
    let t2 = neg_i(x1 - x4);
    let t3 = x2 + x3;
    let t4 = neg_i(x2 - x3);
    let t5 = x0 + t1 + t3;
    let t6 = x0 + t1 * 0.309016994 - t3 * 0.809016994;
    let t7 = t2 * 0.951056516 + t4 * 0.587785252;
    let t8 = t6 + t7;
    let t9 = t6 - t7;
    let t10 = x0 - t1 * 0.809016994 + t3 * 0.309016994;
    let t11 = t2 * 0.587785252 - t4 * 0.951056516;
    let t12 = t10 + t11;
    let t13 = t10 - t11;
    return array<C, 5>(t5, t8, t12, t13, t9);
}
