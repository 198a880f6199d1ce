//! y[k] = sum_n exp(-2 pi i n k / N) x[n] for N = 1, 2, 3, 4, 5, 7, 8, straight from loads to stores.

use super::complex::{Complex, Value};
use super::vector::Vector;

/// Reads each `x(n)` once, gives each `y(k, ..)` once.
#[inline(always)]
pub fn small<V: Vector, X: Value<V>, const N: usize>(
    x: impl Fn(usize) -> X,
    y: impl FnMut(usize, Complex<V>),
) {
    match N {
        1 => one(x, y),
        2 => two(x, y),
        3 => three(x, y),
        4 => four(x, y),
        5 => five(x, y),
        7 => seven(x, y),
        8 => eight(x, y),
        _ => unreachable!("no small transform of this length"),
    }
}

#[inline(always)]
fn one<V: Vector, X: Value<V>>(x: impl Fn(usize) -> X, mut y: impl FnMut(usize, Complex<V>)) {
    y(0, x(0).value());
}

#[inline(always)]
fn two<V: Vector, X: Value<V>>(x: impl Fn(usize) -> X, mut y: impl FnMut(usize, Complex<V>)) {
    let (a, b) = (x(0), x(1));
    y(0, a.add(b).value());
    y(1, a.sub(b).value());
}

#[inline(always)]
fn three<V: Vector, X: Value<V>>(x: impl Fn(usize) -> X, mut y: impl FnMut(usize, Complex<V>)) {
    const SIN: f32 = 0.866_025_4;
    let (a, b, c) = (x(0), x(1), x(2));
    let (sum, difference) = (b.add(c), b.sub(c));
    let even = a.add_scaled(-0.5, sum);
    y(0, a.add(sum).value());
    y(1, even.sub_i(SIN, difference).value());
    y(2, even.sub_i(-SIN, difference).value());
}

#[inline(always)]
fn quad<V: Vector, X: Value<V>>(a: X, b: X, c: X, d: X) -> (X, X, X, X) {
    let (s, t, u, v) = (a.add(c), a.sub(c), b.add(d), b.sub(d));
    (s.add(u), t.sub_i(1.0, v), s.sub(u), t.sub_i(-1.0, v))
}

#[inline(always)]
fn four<V: Vector, X: Value<V>>(x: impl Fn(usize) -> X, mut y: impl FnMut(usize, Complex<V>)) {
    let (a, b, c, d) = quad(x(0), x(1), x(2), x(3));
    y(0, a.value());
    y(1, b.value());
    y(2, c.value());
    y(3, d.value());
}

/// A form with nearly as many multiplications, fused ones among them, as additions: processors
/// have units for each, and a fused one keeps stores waiting.
#[inline(always)]
fn five<V: Vector, X: Value<V>>(x: impl Fn(usize) -> X, mut y: impl FnMut(usize, Complex<V>)) {
    const SIN1: f32 = 0.951_056_5;
    const SIN2: f32 = 0.587_785_25;
    // sin(4 pi / 5) / sin(2 pi / 5)
    const RATIO: f32 = 0.618_034;
    // sqrt(5) / 4: the cosines are -1/4 plus and minus this.
    const ROOT: f32 = 0.559_017;
    let (x0, x1, x2, x3, x4) = (x(0), x(1), x(2), x(3), x(4));
    let (a1, d1, a2, d2) = (x1.add(x4), x1.sub(x4), x2.add(x3), x2.sub(x3));
    let (sum, difference) = (a1.add(a2), a1.sub(a2));
    let even = x0.add_scaled(-0.25, sum);
    let (t1, t2) = (even.add_scaled(ROOT, difference), even.add_scaled(-ROOT, difference));
    let u1 = d1.scaled(SIN1).add_scaled(SIN2, d2);
    let u2 = d2.add_scaled(-RATIO, d1);
    y(0, x0.add(sum).value());
    y(1, t1.sub_i(1.0, u1).value());
    y(2, t2.sub_i(-SIN1, u2).value());
    y(3, t2.sub_i(SIN1, u2).value());
    y(4, t1.sub_i(-1.0, u1).value());
}

#[inline(always)]
fn seven<V: Vector, X: Value<V>>(x: impl Fn(usize) -> X, mut y: impl FnMut(usize, Complex<V>)) {
    const COS: [f32; 3] = [0.623_489_8, -0.222_520_93, -0.900_968_87];
    // sin(2 pi k / 7); the first is taken out of the sums.
    const SIN: [f32; 3] = [0.781_831_5, 0.974_927_9, 0.433_883_74];
    const P: f32 = SIN[1] / SIN[0];
    const Q: f32 = SIN[2] / SIN[0];
    let (x0, x1, x2, x3) = (x(0), x(1), x(2), x(3));
    let (x4, x5, x6) = (x(4), x(5), x(6));
    let (a1, a2, a3) = (x1.add(x6), x2.add(x5), x3.add(x4));
    let (d1, d2, d3) = (x1.sub(x6), x2.sub(x5), x3.sub(x4));
    let even = {
        #[inline(always)]
        |i: usize, j: usize, k: usize| {
            x0.add_scaled(COS[i], a1).add_scaled(COS[j], a2).add_scaled(COS[k], a3)
        }
    };
    let (t1, t2, t3) = (even(0, 1, 2), even(1, 2, 0), even(2, 0, 1));
    // sin(2 pi n k / 7) for n = 1, 2, 3 over sin(2 pi / 7): (1, p, q), (p, -q, -1), (q, -1, p).
    let u1 = d1.add_scaled(P, d2).add_scaled(Q, d3);
    let u2 = d3.add_scaled(-P, d1).add_scaled(Q, d2);
    let u3 = d2.add_scaled(-Q, d1).add_scaled(-P, d3);
    y(0, x0.add(a1).add(a2.add(a3)).value());
    y(1, t1.sub_i(SIN[0], u1).value());
    y(2, t2.sub_i(-SIN[0], u2).value());
    y(3, t3.sub_i(-SIN[0], u3).value());
    y(4, t3.sub_i(SIN[0], u3).value());
    y(5, t2.sub_i(SIN[0], u2).value());
    y(6, t1.sub_i(-SIN[0], u1).value());
}

#[inline(always)]
fn eight<V: Vector, X: Value<V>>(x: impl Fn(usize) -> X, mut y: impl FnMut(usize, Complex<V>)) {
    let (e0, e1, e2, e3) = quad(x(0), x(2), x(4), x(6));
    let (o0, o1, o2, o3) = quad(x(1), x(3), x(5), x(7));
    let (o1, o3) = (o1.value().turned_by(1, 8), o3.value().turned_by(3, 8));
    let (e0, e1, e2, e3) = (e0.value(), e1.value(), e2.value(), e3.value());
    let (o0, o2) = (o0.value(), o2.value());
    y(0, e0.add(o0));
    y(4, e0.sub(o0));
    y(1, e1.add(o1));
    y(5, e1.sub(o1));
    y(2, e2.sub_i(1.0, o2));
    y(6, e2.sub_i(-1.0, o2));
    y(3, e3.add(o3));
    y(7, e3.sub(o3));
}
