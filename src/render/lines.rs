//! Many lines over one axis, named beside the diagram: methods over device exposures or steps.

use std::path::Path;

use super::canvas::{Align, BODY, Canvas, INK, TITLE};
use super::colormap::Rgb;
use super::curves::{ABOVE, BELOW, HIGH, LEFT, PANEL, Plot, span};
use crate::error::Result;

pub struct Line {
    pub name: String,
    pub points: Vec<[f64; 2]>,
}

/// A diagram over x: counted, or by powers of ten.
pub struct Diagram<'a> {
    pub title: &'a str,
    pub along: &'static str,
    pub up: &'a str,
    pub lines: &'a [Line],
    /// Limits of y, where they are not those of the lines.
    pub within: Option<[f64; 2]>,
}

/// Room for names on the right.
const NAMES: i64 = 360;

/// Told apart also by the colour blind (Tol 2021, muted), dark enough on white.
const COLOURS: [Rgb; 14] = [
    [36, 98, 190],
    [214, 108, 20],
    [22, 128, 72],
    [200, 40, 48],
    [136, 34, 85],
    [68, 170, 153],
    [170, 68, 153],
    [153, 153, 51],
    [51, 34, 136],
    [120, 120, 128],
    [204, 102, 119],
    [17, 119, 51],
    [100, 70, 40],
    [34, 34, 40],
];

pub fn draw(diagram: &Diagram<'_>, path: &Path) -> Result<()> {
    let high = (ABOVE + HIGH + BELOW - 60).max(ABOVE + 34 * diagram.lines.len() as i64 + 60);
    let mut c = Canvas::new((PANEL + NAMES) as usize, high as usize);
    let all = || diagram.lines.iter().flat_map(|l| &l.points);
    let x = span(&all().map(|p| p[0]).collect::<Vec<_>>(), 0.025);
    let y = diagram.within.unwrap_or_else(|| span(&all().map(|p| p[1]).collect::<Vec<_>>(), 0.06));
    let plot = Plot { at: [LEFT, ABOVE], x, y, along: diagram.along, counted: false };
    plot.axes(&mut c, diagram.up);
    c.text(diagram.title, [PANEL - 10, 46], TITLE, INK, Align::Left);
    for (n, line) in diagram.lines.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        let [xs, ys]: [Vec<f64>; 2] = [0, 1].map(|a| line.points.iter().map(|p| p[a]).collect());
        plot.curve(&mut c, &xs, &ys, colour);
        let at = ABOVE + 20 + 34 * n as i64;
        let from = (PANEL - 10) as f64;
        c.line([from, at as f64], [from + 40.0, at as f64], 6.0, colour);
        c.text(&line.name, [PANEL + 44, at], BODY, INK, Align::Left);
    }
    c.save(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{folder, read};

    #[test]
    fn every_line_is_there() {
        let path = folder().join("lines.png");
        let line = |n: usize| Line {
            name: format!("method {n}"),
            points: (0..5).map(|k| [f64::from(k), (n + 1) as f64 * f64::from(k)]).collect(),
        };
        let lines: Vec<Line> = (0..COLOURS.len()).map(line).collect();
        let diagram =
            Diagram { title: "t", along: "steps", up: "accuracy", lines: &lines, within: None };
        draw(&diagram, &path).unwrap();
        let (width, height, pixel) = read(&path);
        for colour in COLOURS {
            assert!((0..width).any(|x| (0..height).any(|y| pixel(x, y) == colour)), "{colour:?}");
        }
    }
}
