//! Many lines over one axis, named beside the diagram: methods over device exposures or steps.

use std::path::Path;

use super::canvas::{Align, BODY, Canvas, INK, TITLE};
use super::colormap::Rgb;
use super::curves::{ABOVE, BELOW, HIGH, LEFT, PANEL, Plot, dashes, span};
use crate::error::Result;

#[derive(Debug, Clone, Default)]
pub struct Line {
    pub name: String,
    /// Number of its colour.
    pub colour: usize,
    pub points: Vec<[f64; 2]>,
    /// Low and high y at each point; empty where there is none.
    pub band: Vec<[f64; 2]>,
    /// Another state of what the solid line of its colour shows: it has no name beside the diagram.
    pub dashed: bool,
}

impl Line {
    fn colour(&self) -> Rgb {
        COLOURS[self.colour % COLOURS.len()]
    }
}

/// A diagram over x: counted, or by powers of ten.
pub struct Diagram<'a> {
    pub title: &'a str,
    pub along: &'static str,
    pub up: &'a str,
    pub lines: &'a [Line],
    /// Limits of y, where they are not those of the lines.
    pub within: Option<[f64; 2]>,
    /// What solid and dashed lines are, where there are both.
    pub styles: Option<[&'a str; 2]>,
}

/// Room for names on the right, and from one to the next.
const NAMES: i64 = 360;
const ROW: i64 = 34;

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
    let named: Vec<&Line> = diagram.lines.iter().filter(|l| !l.dashed).collect();
    let rows = named.len() as i64 + if diagram.styles.is_some() { 3 } else { 0 };
    let high = (ABOVE + HIGH + BELOW - 60).max(ABOVE + ROW * rows + 60);
    let mut c = Canvas::new((PANEL + NAMES) as usize, high as usize);
    let all = |a: usize| diagram.lines.iter().flat_map(move |l| l.points.iter().map(move |p| p[a]));
    let bands = diagram.lines.iter().flat_map(|l| l.band.iter().flatten().copied());
    let x = span(&all(0).collect::<Vec<_>>(), 0.025);
    let y = diagram.within.unwrap_or_else(|| span(&all(1).chain(bands).collect::<Vec<_>>(), 0.06));
    let plot = Plot { at: [LEFT, ABOVE], x, y, along: diagram.along, counted: false };
    for line in diagram.lines.iter().filter(|l| !l.band.is_empty()) {
        let xs: Vec<f64> = line.points.iter().map(|p| p[0]).collect();
        plot.band(&mut c, &xs, &line.band, line.colour());
    }
    plot.axes(&mut c, diagram.up);
    c.text(diagram.title, [PANEL - 10, 46], TITLE, INK, Align::Left);
    for line in diagram.lines {
        let [xs, ys]: [Vec<f64>; 2] = [0, 1].map(|a| line.points.iter().map(|p| p[a]).collect());
        let draw = if line.dashed { Plot::dashed } else { Plot::curve };
        draw(&plot, &mut c, &xs, &ys, line.colour());
    }
    let name = |c: &mut Canvas, row: i64, (text, colour, dashed): (&str, Rgb, bool)| {
        let y = ABOVE + 20 + ROW * row;
        let ends = [PANEL - 10, PANEL + 30].map(|x| [x as f64, y as f64]);
        if dashed {
            dashes(c, &ends, 6.0, colour);
        } else {
            c.line(ends[0], ends[1], 6.0, colour);
        }
        c.text(text, [PANEL + 44, y], BODY, INK, Align::Left);
    };
    for (row, line) in named.iter().enumerate() {
        name(&mut c, row as i64, (&line.name, line.colour(), false));
    }
    for (k, text) in diagram.styles.into_iter().flatten().enumerate() {
        name(&mut c, named.len() as i64 + 1 + k as i64, (text, INK, k == 1));
    }
    c.save(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{folder, read};

    fn of(lines: &[Line]) -> Diagram<'_> {
        let (along, up) = ("steps", "accuracy");
        Diagram { title: "t", along, up, lines, within: None, styles: None }
    }

    #[test]
    fn every_line_is_there() {
        let path = folder().join("lines.png");
        let line = |n: usize| Line {
            name: format!("method {n}"),
            colour: n,
            points: (0..5).map(|k| [f64::from(k), (n + 1) as f64 * f64::from(k)]).collect(),
            ..Line::default()
        };
        let lines: Vec<Line> = (0..COLOURS.len()).map(line).collect();
        draw(&of(&lines), &path).unwrap();
        let (width, height, pixel) = read(&path);
        for colour in COLOURS {
            assert!((0..width).any(|x| (0..height).any(|y| pixel(x, y) == colour)), "{colour:?}");
        }
    }
    /// Ink of a dashed line is half that of the same line drawn solid, and a band shows through.
    #[test]
    fn dashes_have_gaps_and_bands_are_pale() {
        let points: Vec<[f64; 2]> = (0..41).map(|k| [f64::from(k), f64::from(k % 2)]).collect();
        let solid = Line { points, ..Line::default() };
        let ink = |line: &Line, name: &str| {
            let path = folder().join(name);
            draw(&Diagram { styles: None, ..of(std::slice::from_ref(line)) }, &path).unwrap();
            let (_, _, pixel) = read(&path);
            let inside =
                (LEFT..PANEL - 60).flat_map(|x| (ABOVE..ABOVE + HIGH).map(move |y| (x, y)));
            inside.filter(|&(x, y)| pixel(x as usize, y as usize) == COLOURS[0]).count() as f64
        };
        let whole = ink(&solid, "lines-solid.png");
        let part = ink(&Line { dashed: true, ..solid.clone() }, "lines-dashed.png") / whole;
        assert!((0.4..0.75).contains(&part), "{part}");
        let band = vec![[-1.0, 2.0]; 41];
        let banded = ink(&Line { band, ..solid }, "lines-band.png") / whole;
        // Axes move with the band: the line is as long in x, a third as high.
        assert!((0.2..0.8).contains(&banded), "{banded}");
    }
}
