//! Pictures of one plane: a complex field, an intensity, a phase.

use std::f64::consts::PI;
use std::path::Path;

use num_complex::Complex;

use super::canvas::{BODY, Canvas, TITLE};
use super::colormap::{self, Rgb};
use super::panel::{self, BAR, BELOW, LEFT};
use crate::error::Result;

pub struct Plane<'a> {
    /// `[y, x]`.
    pub samples: [usize; 2],
    /// `[y, x]` in metres.
    pub pitch: [f64; 2],
    pub title: &'a str,
}

/// Pixels for the longer side of a plane.
const ROOM: usize = 900;
const ABOVE: i64 = 132;
/// Below this part of the largest amplitude a phase is not shown.
const DIM: f64 = 0.01;

enum Kind {
    Amplitude,
    Intensity,
    Phase,
}

/// Amplitude and phase side by side.
pub fn complex(plane: &Plane, field: &[Complex<f64>], path: &Path) -> Result<()> {
    side_by_side(plane, field, path, |c, at, size| {
        panel::axes(c, at, size, plane.samples, plane.pitch);
    })
}

/// Light in guides, which stand nowhere but side by side: amplitude and phase of each, by number.
pub fn guides(title: &str, field: &[Complex<f64>], path: &Path) -> Result<()> {
    let plane = Plane { samples: [1, field.len()], pitch: [1.0; 2], title };
    side_by_side(&plane, field, path, |c, at, size| panel::guides(c, at, size, field.len()))
}

fn side_by_side(
    plane: &Plane,
    field: &[Complex<f64>],
    path: &Path,
    axes: impl Fn(&mut Canvas, [i64; 2], [usize; 2]),
) -> Result<()> {
    let size = panel::size(plane.samples, plane.pitch, ROOM);
    let part = |f: fn(&Complex<f64>) -> f64| {
        panel::average(&field.iter().map(f).collect::<Vec<_>>(), plane.samples, size)
    };
    let [amplitude, re, im] = [part(|v| v.norm()), part(|v| v.re), part(|v| v.im)];
    let limit = panel::largest(&amplitude) * DIM;
    let phase = |i: usize| match amplitude[i] {
        a if !a.is_finite() => colormap::NAN,
        a if a <= limit => colormap::DARK,
        _ => colormap::cyclic(im[i].atan2(re[i])),
    };
    let largest = panel::largest(&amplitude);
    let mut c = sheet(plane, size, 2);
    let shown = |i: usize| panel::amount(amplitude[i], largest);
    let at = picture(&mut c, size, 0, &Kind::Amplitude, largest, shown);
    axes(&mut c, at, size);
    let at = picture(&mut c, size, 1, &Kind::Phase, PI, phase);
    axes(&mut c, at, size);
    c.save(path)
}

pub fn intensity(plane: &Plane, values: &[f64], path: &Path) -> Result<()> {
    let size = panel::size(plane.samples, plane.pitch, ROOM);
    let values = panel::average(values, plane.samples, size);
    let largest = panel::largest(&values);
    let mut c = sheet(plane, size, 1);
    let shown = |i: usize| panel::amount(values[i], largest);
    let at = picture(&mut c, size, 0, &Kind::Intensity, largest, shown);
    panel::axes(&mut c, at, size, plane.samples, plane.pitch);
    c.save(path)
}

/// Phases in radians, shown modulo 2π.
pub fn phase(plane: &Plane, values: &[f64], path: &Path) -> Result<()> {
    let size = panel::size(plane.samples, plane.pitch, ROOM);
    let values = phases(values, plane.samples, size);
    let mut c = sheet(plane, size, 1);
    let at = picture(&mut c, size, 0, &Kind::Phase, PI, |i| colormap::cyclic(values[i]));
    panel::axes(&mut c, at, size, plane.samples, plane.pitch);
    c.save(path)
}

/// Phases at `size` pixels, averaged on the unit circle so that 0 and 2π stay the same.
pub fn phases(values: &[f64], samples: [usize; 2], size: [usize; 2]) -> Vec<f64> {
    let part = |f: fn(f64) -> f64| {
        panel::average(&values.iter().map(|v| f(*v)).collect::<Vec<_>>(), samples, size)
    };
    let (sin, cos) = (part(f64::sin), part(f64::cos));
    sin.iter().zip(cos).map(|(s, c)| s.atan2(c)).collect()
}

fn sheet(plane: &Plane, size: [usize; 2], pictures: i64) -> Canvas {
    let wide = pictures * (LEFT + size[1] as i64 + BAR);
    let mut c = Canvas::new(wide as usize, (ABOVE + size[0] as i64 + BELOW) as usize);
    panel::heading(&mut c, plane.title, [LEFT, 42], TITLE);
    c
}

/// A picture with its heading and bar, without axes; returns its corner `[x, y]`.
fn picture(
    c: &mut Canvas,
    size: [usize; 2],
    column: i64,
    kind: &Kind,
    largest: f64,
    colour: impl Fn(usize) -> Rgb,
) -> [i64; 2] {
    let at = [LEFT + column * (LEFT + size[1] as i64 + BAR), ABOVE];
    let name = match kind {
        Kind::Amplitude => "amplitude",
        Kind::Intensity => "intensity",
        Kind::Phase => "phase (rad)",
    };
    panel::heading(c, name, [at[0], ABOVE - 32], BODY);
    panel::pixels(c, at, size, colour);
    let beside = [at[0] + size[1] as i64, at[1]];
    match kind {
        Kind::Phase => panel::phase_bar(c, beside, size[0] as i64),
        _ => panel::amount_bar(c, beside, size[0] as i64, largest),
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{beam, folder, read};

    const P: [f64; 2] = [8e-6; 2];

    #[test]
    fn a_field_shows_amplitude_and_phase() {
        let field = beam([200, 200], 30.0);
        let path = folder().join("field-complex.png");
        let title = "after the second mask, z = 12 mm";
        complex(&Plane { samples: [200, 200], pitch: P, title }, &field, &path).unwrap();
        let (width, height, pixel) = read(&path);
        assert_eq!(
            (width, height),
            (2 * (LEFT + 800 + BAR) as usize, (ABOVE + 800 + BELOW) as usize)
        );
        let second = (LEFT + 800 + BAR + LEFT) as usize;
        // The corner is dark, the middle is not.
        assert_eq!(pixel(second + 2, ABOVE as usize + 2), colormap::DARK);
        assert_ne!(pixel(second + 400, ABOVE as usize + 400), colormap::DARK);
        let expected = colormap::cyclic(field[100 * 200 + 100].arg());
        assert_eq!(pixel(second + 402, ABOVE as usize + 402), expected);
    }

    #[test]
    fn phases_wrap_and_nan_is_grey() {
        let path = folder().join("field-phase.png");
        let plane = Plane { samples: [2, 2], pitch: P, title: "wrap" };
        phase(&plane, &[PI, -PI, f64::NAN, 0.5], &path).unwrap();
        let (_, _, pixel) = read(&path);
        let at = |j: usize, i: usize| {
            pixel(LEFT as usize + 225 + 450 * i, ABOVE as usize + 225 + 450 * j)
        };
        assert_eq!(at(0, 0), at(0, 1));
        assert_eq!(at(1, 0), colormap::NAN);
        assert_eq!(at(1, 1), colormap::cyclic(0.5));
    }

    #[test]
    fn intensity_of_a_large_plane_is_averaged() {
        let path = folder().join("field-intensity.png");
        let values: Vec<f64> =
            beam([1500, 1000], 200.0).iter().map(|v| v.norm_sqr() * 3e-7).collect();
        let plane = Plane { samples: [1500, 1000], pitch: [2e-7; 2], title: "detector" };
        intensity(&plane, &values, &path).unwrap();
        let (width, height, _) = read(&path);
        assert_eq!((width, height), ((LEFT + 600 + BAR) as usize, (ABOVE + 900 + BELOW) as usize));
    }

    #[test]
    fn odd_planes_do_not_panic() {
        let path = folder().join("field-odd.png");
        for (samples, pitch) in [([1, 1], P), ([1, 700], P), ([3, 2], [0.0, f64::NAN]), ([0, 0], P)]
        {
            let plane = Plane {
                samples,
                pitch,
                title: "a title that is far too long for so small a plane, and goes on for longer than the picture is wide",
            };
            for v in [0.0, f64::NAN, f64::INFINITY, -1.0] {
                let n = samples[0] * samples[1];
                complex(&plane, &vec![Complex::new(v, v); n], &path).unwrap();
                intensity(&plane, &vec![v; n], &path).unwrap();
                phase(&plane, &vec![v; n], &path).unwrap();
                guides("guides", &vec![Complex::new(v, v); n], &path).unwrap();
            }
        }
    }
}
