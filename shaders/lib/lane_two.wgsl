// A lane holds values of two adjacent lines, side by side. Behind complex.wgsl.
alias C = vec4<f32>;

// -i a.
fn neg_i(a: C) -> C {
    return vec4<f32>(a.y, -a.x, a.w, -a.z);
}

// Real and imaginary part exchanged, so that the forward butterflies invert.
fn swap(a: C) -> C {
    return a.yxwz;
}

// w a, with one w for all lines of the lane.
fn times(a: C, w: vec2<f32>) -> C {
    return a * w.x - neg_i(a) * w.y;
}

// b a, line by line.
fn times_each(a: C, b: C) -> C {
    return a * b.xxzz - neg_i(a) * b.yyww;
}

// conj(b) a, line by line.
fn times_conj(a: C, b: C) -> C {
    return a * b.xxzz + neg_i(a) * b.yyww;
}
