// X_k = sum_n x_n exp(-2 pi i n k / 16).
fn fft_r16(
    x0: C, x1: C, x2: C, x3: C, x4: C, x5: C, x6: C, x7: C, x8: C, x9: C, x10: C, x11: C, x12: C,
    x13: C, x14: C, x15: C,
) -> array<C, 16> {
    let t1 = x0 + x8;
    let t2 = x0 - x8;
    let t3 = x4 + x12;
    let t4 = neg_i(x4 - x12);
    let t5 = t1 + t3;
    let t6 = t2 + t4;
    let t7 = t1 - t3;
    let t8 = t2 - t4;
    let t9 = x1 + x9;
    let t10 = x1 - x9;
    let t11 = x5 + x13;
    let t12 = neg_i(x5 - x13);
    let t13 = t9 + t11;
    let t14 = t10 + t12;
    let t15 = t9 - t11;
    let t16 = t10 - t12;
    let t17 = t14 * 0.923879533 + neg_i(t14) * 0.382683432;
    let t18 = (t15 + neg_i(t15)) * 0.707106781;
    let t19 = t16 * 0.382683432 + neg_i(t16) * 0.923879533;
    let t20 = x2 + x10;
    let t21 = x2 - x10;
    let t22 = x6 + x14;
    let t23 = neg_i(x6 - x14);
    let t24 = t20 + t22;
    let t25 = t21 + t23;
    let t26 = t20 - t22;
    let t27 = t21 - t23;
    let t28 = (t25 + neg_i(t25)) * 0.707106781;
    let t29 = neg_i(t26);
    let t30 = (-t27 + neg_i(t27)) * 0.707106781;
    let t31 = x3 + x11;
    let t32 = x3 - x11;
    let t33 = x7 + x15;
    let t34 = neg_i(x7 - x15);
    let t35 = t31 + t33;
    let t36 = t32 + t34;
    let t37 = t31 - t33;
    let t38 = t32 - t34;
    let t39 = t36 * 0.382683432 + neg_i(t36) * 0.923879533;
    let t40 = (-t37 + neg_i(t37)) * 0.707106781;
    let t41 = -t38 * 0.923879533 - neg_i(t38) * 0.382683432;
    let t42 = t5 + t24;
    let t43 = t5 - t24;
    let t44 = t13 + t35;
    let t45 = neg_i(t13 - t35);
    let t46 = t42 + t44;
    let t47 = t43 + t45;
    let t48 = t42 - t44;
    let t49 = t43 - t45;
    let t50 = t6 + t28;
    let t51 = t6 - t28;
    let t52 = t17 + t39;
    let t53 = neg_i(t17 - t39);
    let t54 = t50 + t52;
    let t55 = t51 + t53;
    let t56 = t50 - t52;
    let t57 = t51 - t53;
    let t58 = t7 + t29;
    let t59 = t7 - t29;
    let t60 = t18 + t40;
    let t61 = neg_i(t18 - t40);
    let t62 = t58 + t60;
    let t63 = t59 + t61;
    let t64 = t58 - t60;
    let t65 = t59 - t61;
    let t66 = t8 + t30;
    let t67 = t8 - t30;
    let t68 = t19 + t41;
    let t69 = neg_i(t19 - t41);
    let t70 = t66 + t68;
    let t71 = t67 + t69;
    let t72 = t66 - t68;
    let t73 = t67 - t69;
    return array<C, 16>(
        t46, t54, t62, t70, t47, t55, t63, t71, t48, t56, t64, t72, t49, t57, t65, t73,
    );
}
