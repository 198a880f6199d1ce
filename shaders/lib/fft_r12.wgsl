// X_k = sum_n x_n exp(-2 pi i n k / 12).
fn fft_r12(
    x0: C, x1: C, x2: C, x3: C, x4: C, x5: C, x6: C, x7: C, x8: C, x9: C, x10: C, x11: C,
) -> array<C, 12> {
    let t1 = x0 + x6;
    let t2 = x0 - x6;
    let t3 = x3 + x9;
    let t4 = neg_i(x3 - x9);
    let t5 = t1 + t3;
    let t6 = t2 + t4;
    let t7 = t1 - t3;
    let t8 = t2 - t4;
    let t9 = x4 + x10;
    let t10 = x4 - x10;
    let t11 = x7 + x1;
    let t12 = neg_i(x7 - x1);
    let t13 = t9 + t11;
    let t14 = t10 + t12;
    let t15 = t9 - t11;
    let t16 = t10 - t12;
    let t17 = x8 + x2;
    let t18 = x8 - x2;
    let t19 = x11 + x5;
    let t20 = neg_i(x11 - x5);
    let t21 = t17 + t19;
    let t22 = t18 + t20;
    let t23 = t17 - t19;
    let t24 = t18 - t20;
    let t25 = t13 + t21;
    let t26 = neg_i(t13 - t21);
    let t27 = t5 + t25;
    let t28 = t5 - t25 * 0.500000000;
    let t29 = t26 * 0.866025404;
    let t30 = t28 + t29;
    let t31 = t28 - t29;
    let t32 = t14 + t22;
    let t33 = neg_i(t14 - t22);
    let t34 = t6 + t32;
    let t35 = t6 - t32 * 0.500000000;
    let t36 = t33 * 0.866025404;
    let t37 = t35 + t36;
    let t38 = t35 - t36;
    let t39 = t15 + t23;
    let t40 = neg_i(t15 - t23);
    let t41 = t7 + t39;
    let t42 = t7 - t39 * 0.500000000;
    let t43 = t40 * 0.866025404;
    let t44 = t42 + t43;
    let t45 = t42 - t43;
    let t46 = t16 + t24;
    let t47 = neg_i(t16 - t24);
    let t48 = t8 + t46;
    let t49 = t8 - t46 * 0.500000000;
    let t50 = t47 * 0.866025404;
    let t51 = t49 + t50;
    let t52 = t49 - t50;
    return array<C, 12>(t27, t37, t45, t48, t30, t38, t41, t51, t31, t34, t44, t52);
}
