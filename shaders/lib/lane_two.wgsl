// A lane holds two values side by side, of adjacent lines or butterflies. Behind complex.wgsl.
alias C = vec4<f32>;

// -i a.
fn neg_i(a: C) -> C {
    return vec4<f32>(a.y, -a.x, a.w, -a.z);
}

// Real and imaginary part exchanged, so that the forward butterflies invert.
fn swap(a: C) -> C {
    return a.yxwz;
}

// w a, with one w for all that the lane holds.
fn times(a: C, w: vec2<f32>) -> C {
    return a * w.x - neg_i(a) * w.y;
}

// b a, one by one.
fn times_each(a: C, b: C) -> C {
    return a * b.xxzz - neg_i(a) * b.yyww;
}

// conj(b) a, one by one.
fn times_conj(a: C, b: C) -> C {
    return a * b.xxzz + neg_i(a) * b.yyww;
}

// One real number for each.
alias R = vec2<f32>;

// a x.
fn scaled(x: C, a: R) -> C {
    return a.xxyy * x;
}

// |x|^2.
fn power(x: C) -> R {
    return vec2<f32>(dot(x.xy, x.xy), dot(x.zw, x.zw));
}

// Im(conj(y) g).
fn cross_power(y: C, g: C) -> R {
    return y.xz * g.yw - y.yw * g.xz;
}

// Re(conj(x) g).
fn dot_power(x: C, g: C) -> R {
    return vec2<f32>(dot(x.xy, g.xy), dot(x.zw, g.zw));
}
