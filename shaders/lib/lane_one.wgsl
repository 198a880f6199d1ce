// A lane holds a value of one line. Behind complex.wgsl.
alias C = vec2<f32>;

// -i a.
fn neg_i(a: C) -> C {
    return vec2<f32>(a.y, -a.x);
}

// Real and imaginary part exchanged, so that the forward butterflies invert.
fn swap(a: C) -> C {
    return a.yx;
}

// w a, with one w for all lines of the lane.
fn times(a: C, w: vec2<f32>) -> C {
    return mul(a, w);
}

// b a, line by line.
fn times_each(a: C, b: C) -> C {
    return mul(a, b);
}

// conj(b) a, line by line.
fn times_conj(a: C, b: C) -> C {
    return mul_conj(b, a);
}
