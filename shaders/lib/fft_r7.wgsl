// X_k = sum_n x_n exp(-2 pi i n k / 7).
fn fft_r7(x0: C, x1: C, x2: C, x3: C, x4: C, x5: C, x6: C) -> array<C, 7> {
    let t1 = x1 + x6;
    let t2 = neg_i(x1 - x6);
    let t3 = x2 + x5;
    let t4 = neg_i(x2 - x5);
    let t5 = x3 + x4;
    let t6 = neg_i(x3 - x4);
    let t7 = x0 + t1 + t3 + t5;
    let t8 = x0 + t1 * 0.623489802 - t3 * 0.222520934 - t5 * 0.900968868;
    let t9 = t2 * 0.781831482 + t4 * 0.974927912 + t6 * 0.433883739;
    let t10 = t8 + t9;
    let t11 = t8 - t9;
    let t12 = x0 - t1 * 0.222520934 - t3 * 0.900968868 + t5 * 0.623489802;
    let t13 = t2 * 0.974927912 - t4 * 0.433883739 - t6 * 0.781831482;
    let t14 = t12 + t13;
    let t15 = t12 - t13;
    let t16 = x0 - t1 * 0.900968868 + t3 * 0.623489802 - t5 * 0.222520934;
    let t17 = t2 * 0.433883739 - t4 * 0.781831482 + t6 * 0.974927912;
    let t18 = t16 + t17;
    let t19 = t16 - t17;
    return array<C, 7>(t7, t10, t14, t18, t19, t15, t11);
}
