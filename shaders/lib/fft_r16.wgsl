// X_k = sum_n x_n exp(-2 pi i n k / 16).
fn fft_r16(
    x0: vec2<f32>, x1: vec2<f32>, x2: vec2<f32>, x3: vec2<f32>, x4: vec2<f32>, x5: vec2<f32>,
    x6: vec2<f32>, x7: vec2<f32>, x8: vec2<f32>, x9: vec2<f32>, x10: vec2<f32>, x11: vec2<f32>,
    x12: vec2<f32>, x13: vec2<f32>, x14: vec2<f32>, x15: vec2<f32>,
) -> array<vec2<f32>, 16> {
    let t1 = x0 + x8;
    let t2 = x0 - x8;
    let t3 = x4 + x12;
    let t4 = x4 - x12;
    let t5 = vec2<f32>(t4.y, -t4.x);
    let t6 = t1 + t3;
    let t7 = t2 + t5;
    let t8 = t1 - t3;
    let t9 = t2 - t5;
    let t10 = x1 + x9;
    let t11 = x1 - x9;
    let t12 = x5 + x13;
    let t13 = x5 - x13;
    let t14 = vec2<f32>(t13.y, -t13.x);
    let t15 = t10 + t12;
    let t16 = t11 + t14;
    let t17 = t10 - t12;
    let t18 = t11 - t14;
    let t19 = vec2<f32>(t16.x * 0.923879533 - t16.y * -0.382683432, t16.x * -0.382683432 + t16.y * 0.923879533);
    let t20 = 0.707106781 * vec2<f32>(t17.x + t17.y, -t17.x + t17.y);
    let t21 = vec2<f32>(t18.x * 0.382683432 - t18.y * -0.923879533, t18.x * -0.923879533 + t18.y * 0.382683432);
    let t22 = x2 + x10;
    let t23 = x2 - x10;
    let t24 = x6 + x14;
    let t25 = x6 - x14;
    let t26 = vec2<f32>(t25.y, -t25.x);
    let t27 = t22 + t24;
    let t28 = t23 + t26;
    let t29 = t22 - t24;
    let t30 = t23 - t26;
    let t31 = 0.707106781 * vec2<f32>(t28.x + t28.y, -t28.x + t28.y);
    let t32 = vec2<f32>(t29.y, -t29.x);
    let t33 = 0.707106781 * vec2<f32>(-t30.x + t30.y, -t30.x - t30.y);
    let t34 = x3 + x11;
    let t35 = x3 - x11;
    let t36 = x7 + x15;
    let t37 = x7 - x15;
    let t38 = vec2<f32>(t37.y, -t37.x);
    let t39 = t34 + t36;
    let t40 = t35 + t38;
    let t41 = t34 - t36;
    let t42 = t35 - t38;
    let t43 = vec2<f32>(t40.x * 0.382683432 - t40.y * -0.923879533, t40.x * -0.923879533 + t40.y * 0.382683432);
    let t44 = 0.707106781 * vec2<f32>(-t41.x + t41.y, -t41.x - t41.y);
    let t45 = vec2<f32>(t42.x * -0.923879533 - t42.y * 0.382683432, t42.x * 0.382683432 + t42.y * -0.923879533);
    let t46 = t6 + t27;
    let t47 = t6 - t27;
    let t48 = t15 + t39;
    let t49 = t15 - t39;
    let t50 = vec2<f32>(t49.y, -t49.x);
    let t51 = t46 + t48;
    let t52 = t47 + t50;
    let t53 = t46 - t48;
    let t54 = t47 - t50;
    let t55 = t7 + t31;
    let t56 = t7 - t31;
    let t57 = t19 + t43;
    let t58 = t19 - t43;
    let t59 = vec2<f32>(t58.y, -t58.x);
    let t60 = t55 + t57;
    let t61 = t56 + t59;
    let t62 = t55 - t57;
    let t63 = t56 - t59;
    let t64 = t8 + t32;
    let t65 = t8 - t32;
    let t66 = t20 + t44;
    let t67 = t20 - t44;
    let t68 = vec2<f32>(t67.y, -t67.x);
    let t69 = t64 + t66;
    let t70 = t65 + t68;
    let t71 = t64 - t66;
    let t72 = t65 - t68;
    let t73 = t9 + t33;
    let t74 = t9 - t33;
    let t75 = t21 + t45;
    let t76 = t21 - t45;
    let t77 = vec2<f32>(t76.y, -t76.x);
    let t78 = t73 + t75;
    let t79 = t74 + t77;
    let t80 = t73 - t75;
    let t81 = t74 - t77;
    return array<vec2<f32>, 16>(
        t51, t60, t69, t78, t52, t61, t70, t79, t53, t62, t71, t80, t54, t63, t72, t81,
    );
}
