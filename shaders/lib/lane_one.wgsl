// A lane holds one value. Behind complex.wgsl.
alias C = vec2<f32>;

// -i a.
fn neg_i(a: C) -> C {
    return vec2<f32>(a.y, -a.x);
}

// Real and imaginary part exchanged, so that the forward butterflies invert.
fn swap(a: C) -> C {
    return a.yx;
}

// w a, with one w for all that the lane holds.
fn times(a: C, w: vec2<f32>) -> C {
    return mul(a, w);
}

// b a, one by one.
fn times_each(a: C, b: C) -> C {
    return mul(a, b);
}

// conj(b) a, one by one.
fn times_conj(a: C, b: C) -> C {
    return mul_conj(b, a);
}

// One real number for each.
alias R = f32;

// a x.
fn scaled(x: C, a: R) -> C {
    return a * x;
}

// |x|^2.
fn power(x: C) -> R {
    return dot(x, x);
}

// Im(conj(y) g).
fn cross_power(y: C, g: C) -> R {
    return y.x * g.y - y.y * g.x;
}

// Re(conj(x) g).
fn dot_power(x: C, g: C) -> R {
    return dot(x, g);
}
