// X_k = sum_n x_n exp(-2 pi i n k / 8).
fn fft_r8(x0: C, x1: C, x2: C, x3: C, x4: C, x5: C, x6: C, x7: C) -> array<C, 8> {
    let t1 = x0 + x4;
    let t2 = x0 - x4;
    let t3 = x1 + x5;
    let t4 = x1 - x5;
    let t5 = (t4 + neg_i(t4)) * 0.707106781;
    let t6 = x2 + x6;
    let t7 = x2 - x6;
    let t8 = neg_i(t7);
    let t9 = x3 + x7;
    let t10 = x3 - x7;
    let t11 = (-t10 + neg_i(t10)) * 0.707106781;
    let t12 = t1 + t6;
    let t13 = t1 - t6;
    let t14 = t3 + t9;
    let t15 = neg_i(t3 - t9);
    let t16 = t12 + t14;
    let t17 = t13 + t15;
    let t18 = t12 - t14;
    let t19 = t13 - t15;
    let t20 = t2 + t8;
    let t21 = t2 - t8;
    let t22 = t5 + t11;
    let t23 = neg_i(t5 - t11);
    let t24 = t20 + t22;
    let t25 = t21 + t23;
    let t26 = t20 - t22;
    let t27 = t21 - t23;
    return array<C, 8>(t16, t24, t17, t25, t18, t26, t19, t27);
}
