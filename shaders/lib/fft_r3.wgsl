// X_k = sum_n x_n exp(-2 pi i n k / 3).
fn fft_r3(x0: C, x1: C, x2: C) -> array<C, 3> {
    let t1 = x1 + x2;
    let t2 = neg_i(x1 - x2);
    let t3 = x0 + t1;
    let t4 = x0 - t1 * 0.500000000;
    let t5 = t2 * 0.866025404;
    let t6 = t4 + t5;
    let t7 = t4 - t5;
    return array<C, 3>(t3, t6, t7);
}
