//! |U| and arg U entry by entry, alone or beside the matrix that was asked for.

use std::path::Path;

use num_complex::Complex;

use super::canvas::{Align, BODY, Canvas, INK, SMALL, SOFT, TITLE};
use super::colormap::{self, Rgb};
use super::panel::{self, BAR};
use super::ticks;
use crate::error::Result;

pub struct Matrix<'a> {
    pub title: &'a str,
    /// Rows are outputs, columns inputs.
    pub shape: [usize; 2],
    /// `[rows, columns]`.
    pub entries: &'a [Complex<f64>],
}

/// Pixels for the longer side of a matrix.
const ROOM: usize = 620;
const TWO_ROWS: usize = 460;
const LEFT: i64 = 120;
const ABOVE: i64 = 128;
const BELOW: i64 = 96;
/// Below this part of the largest size a phase is not shown.
const DIM: f64 = 0.003;

enum Kind {
    Size,
    Phase,
}

/// Size and phase, side by side.
pub fn draw(matrix: &Matrix, path: &Path) -> Result<()> {
    let size = panel::size(matrix.shape, [1.0; 2], ROOM);
    let step = LEFT + size[1] as i64 + BAR;
    let mut c = Canvas::new(2 * step as usize, (ABOVE + size[0] as i64 + BELOW) as usize);
    panel::heading(&mut c, matrix.title, [LEFT, 42], TITLE);
    let largest = largest(matrix.entries);
    entries(&mut c, matrix, size, [LEFT, ABOVE], "|U|", &Kind::Size, largest);
    entries(&mut c, matrix, size, [LEFT + step, ABOVE], "arg U (rad)", &Kind::Phase, largest);
    c.save(path)
}

/// A matrix, the one asked for and their difference: sizes above, phases below.
pub fn beside(got: &Matrix, wanted: &[Complex<f64>], path: &Path) -> Result<()> {
    let size = panel::size(got.shape, [1.0; 2], TWO_ROWS);
    let [step, down] = [LEFT + size[1] as i64 + BAR, ABOVE - 40 + size[0] as i64 + BELOW];
    let high = ABOVE + size[0] as i64 + BELOW + down;
    let mut c = Canvas::new(3 * step as usize, high as usize);
    panel::heading(&mut c, got.title, [LEFT, 42], TITLE);
    let at = |column: i64, row: i64| [LEFT + column * step, ABOVE + row * down];
    let shown = |entries| Matrix { title: "", shape: got.shape, entries };
    // One scale for both, so that colours can be compared.
    let most = largest(got.entries).max(largest(wanted));
    for (column, entries_of, letter) in [(0, got.entries, "V"), (1, wanted, "U")] {
        let m = shown(entries_of);
        let name = if column == 0 { "" } else { ", asked for" };
        let [size_name, phase_name] =
            [format!("|{letter}|{name}"), format!("arg {letter} (rad){name}")];
        entries(&mut c, &m, size, at(column, 0), &size_name, &Kind::Size, most);
        entries(&mut c, &m, size, at(column, 1), &phase_name, &Kind::Phase, most);
    }
    let difference: Vec<Complex<f64>> =
        got.entries.iter().zip(wanted).map(|(a, b)| a - b).collect();
    let own = largest(&difference);
    entries(&mut c, &shown(&difference), size, at(2, 0), "|V − U|", &Kind::Size, own);
    // Of the size of the fainter: a phase between two entries needs both.
    let turns: Vec<Complex<f64>> = got
        .entries
        .iter()
        .zip(wanted)
        .map(|(a, b)| Complex::from_polar(a.norm().min(b.norm()), (a * b.conj()).arg()))
        .collect();
    let name = "arg V − arg U (rad)";
    entries(&mut c, &shown(&turns), size, at(2, 1), name, &Kind::Phase, most);
    c.save(path)
}

fn largest(entries: &[Complex<f64>]) -> f64 {
    panel::largest(&entries.iter().map(|z| z.norm()).collect::<Vec<_>>())
}

fn entries(
    c: &mut Canvas,
    matrix: &Matrix,
    size: [usize; 2],
    at: [i64; 2],
    name: &str,
    kind: &Kind,
    largest: f64,
) {
    let shape = matrix.shape;
    // Whole pixels an entry, or averages of several.
    let part = |f: fn(&Complex<f64>) -> f64| {
        panel::average(&matrix.entries.iter().map(f).collect::<Vec<_>>(), shape, size)
    };
    c.text(name, [at[0], at[1] - 26], BODY, INK, Align::Left);
    let beside = [at[0] + size[1] as i64, at[1]];
    match kind {
        Kind::Size => {
            let sizes = part(|z| z.norm());
            panel::pixels(c, at, size, |i| panel::amount(sizes[i], largest));
            panel::amount_bar(c, beside, size[0] as i64, largest);
        }
        Kind::Phase => {
            let [sizes, re, im] = [part(|z| z.norm()), part(|z| z.re), part(|z| z.im)];
            let colour = |i: usize| -> Rgb {
                match sizes[i] {
                    a if !a.is_finite() => colormap::NAN,
                    a if a <= largest * DIM => colormap::DARK,
                    _ => colormap::cyclic(im[i].atan2(re[i])),
                }
            };
            panel::pixels(c, at, size, colour);
            panel::phase_bar(c, beside, size[0] as i64);
        }
    }
    axes(c, at, size, shape);
}

/// Numbers of the guides at the middles of their rows and columns.
fn axes(c: &mut Canvas, [x, y]: [i64; 2], size: [usize; 2], shape: [usize; 2]) {
    let [high, wide] = size.map(|s| s as i64);
    c.frame([x, y], [wide, high], 2, INK);
    let middle = |k: usize, axis: usize| {
        ((k as f64 + 0.5) / shape[axis] as f64 * size[axis] as f64).round() as i64
    };
    for k in ticks_of(shape[1], wide) {
        let at = x + middle(k, 1);
        c.rect([at - 1, y + high + 2], [2, 8], INK, 1.0);
        c.text(&k.to_string(), [at, y + high + 28], SMALL, INK, Align::Middle);
    }
    for k in ticks_of(shape[0], high) {
        let at = y + middle(k, 0);
        c.rect([x - 10, at - 1], [8, 2], INK, 1.0);
        c.text(&k.to_string(), [x - 18, at], SMALL, INK, Align::Right);
    }
    c.text("input", [x + wide / 2, y + high + 62], SMALL, SOFT, Align::Middle);
    c.text_up("output", [x - 88, y + high / 2], SMALL, SOFT);
}

/// Whole numbers below `n`, some 60 pixels apart.
pub(super) fn ticks_of(n: usize, pixels: i64) -> Vec<usize> {
    let (values, step) = ticks::round(0.0, n as f64 - 1.0, (pixels / 60).clamp(1, 16) as usize);
    if step <= 1.0 {
        return (0..n).collect();
    }
    values.iter().map(|v| *v as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::dense::identity;
    use crate::optics::mesh::haar::haar;
    use crate::render::samples::{folder, read};

    #[test]
    fn a_matrix_shows_sizes_and_phases() {
        let path = folder().join("matrix.png");
        let mut u = haar(8, 1).expect("a size");
        u[8 * 3 + 5] = Complex::new(0.0, 0.0);
        draw(&Matrix { title: "Haar, 8 modes", shape: [8, 8], entries: &u }, &path).unwrap();
        let (_, _, pixel) = read(&path);
        let each = panel::size([8, 8], [1.0; 2], ROOM)[1] / 8;
        let second = LEFT as usize + 8 * each + (BAR + LEFT) as usize;
        let at = |row: usize, column: usize| {
            pixel(second + each * column + each / 2, ABOVE as usize + each * row + each / 2)
        };
        assert_eq!(at(3, 5), colormap::DARK);
        assert_eq!(at(5, 3), colormap::cyclic(u[8 * 5 + 3].arg()), "rows are outputs");
        assert_ne!(at(5, 3), colormap::cyclic(u[8 * 3 + 5].arg()));
    }

    #[test]
    fn a_matrix_beside_another_shows_where_they_differ() {
        let path = folder().join("matrix-beside.png");
        let u = haar(16, 1).expect("a size");
        let mut v = u.clone();
        v.iter_mut().enumerate().for_each(|(k, z)| {
            *z += 0.03 * Complex::cis(k as f64);
        });
        let got = Matrix { title: "a chip of 16 modes", shape: [16, 16], entries: &v };
        beside(&got, &u, &path).unwrap();
        let (width, height, _) = read(&path);
        assert!(width > 3 * TWO_ROWS && height > 2 * TWO_ROWS);
    }

    #[test]
    fn odd_matrices_do_not_panic() {
        let path = folder().join("matrix-odd.png");
        for shape in [[1, 1], [1, 40], [40, 1], [3, 5], [1024, 700]] {
            let n = shape[0] * shape[1];
            for z in [0.0, f64::NAN, f64::INFINITY, -2.0] {
                let entries = vec![Complex::new(z, z); n];
                draw(&Matrix { title: "odd", shape, entries: &entries }, &path).unwrap();
                let got = Matrix { title: "", shape, entries: &entries };
                beside(&got, &vec![Complex::new(1.0, 0.0); n], &path).unwrap();
            }
        }
        let one = identity(2);
        draw(&Matrix { title: &"long ".repeat(99), shape: [2, 2], entries: &one }, &path).unwrap();
    }
}
