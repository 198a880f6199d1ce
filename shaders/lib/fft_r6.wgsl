// X_k = sum_n x_n exp(-2 pi i n k / 6).
fn fft_r6(x0: C, x1: C, x2: C, x3: C, x4: C, x5: C) -> array<C, 6> {
    let t1 = x0 + x3;
    let t2 = x0 - x3;
    let t3 = x2 + x5;
    let t4 = x2 - x5;
    let t5 = x4 + x1;
    let t6 = x4 - x1;
    let t7 = t3 + t5;
    let t8 = neg_i(t3 - t5);
    let t9 = t1 + t7;
    let t10 = t1 - t7 * 0.500000000;
    let t11 = t8 * 0.866025404;
    let t12 = t10 + t11;
    let t13 = t10 - t11;
    let t14 = t4 + t6;
    let t15 = neg_i(t4 - t6);
    let t16 = t2 + t14;
    let t17 = t2 - t14 * 0.500000000;
    let t18 = t15 * 0.866025404;
    let t19 = t17 + t18;
    let t20 = t17 - t18;
    return array<C, 6>(t9, t19, t13, t16, t12, t20);
}
