//! Line charts as numbers that a template turns into SVG, so that colours follow the page.

use serde::Serialize;

use crate::render::ticks;

const WIDE: f64 = 560.0;
const HIGH: f64 = 320.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const ABOVE: f64 = 16.0;
const BELOW: f64 = 52.0;

/// One line: (x, y) in order; a y that is not finite makes a gap.
pub struct Line {
    pub name: String,
    /// Number of its colour.
    pub colour: usize,
    pub points: Vec<[f64; 2]>,
    pub kind: Kind,
}

/// How points are drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Both,
    /// Before a band from low to high y.
    Banded(Vec<[f64; 2]>),
    Dashed,
    /// Without dots.
    Line,
    /// Without a line, each with what is said of it.
    Dots(Vec<String>),
}

impl Line {
    fn band(&self) -> &[[f64; 2]] {
        if let Kind::Banded(band) = &self.kind { band } else { &[] }
    }
}

/// A horizontal line with a band around it.
pub struct Level {
    pub name: String,
    pub colour: usize,
    pub value: f64,
    pub band: [f64; 2],
}

pub struct Plot<'a> {
    pub title: &'a str,
    pub along: &'a str,
    /// Whether x is counted, without ticks between whole numbers.
    pub counted: bool,
    pub lines: Vec<Line>,
    pub levels: Vec<Level>,
    /// y never leaves this.
    pub within: [f64; 2],
    /// Both axes are of logarithms; what is not positive is left out.
    pub is_log: bool,
}

#[derive(Debug, Serialize)]
pub struct Chart {
    title: String,
    along: String,
    wide: f64,
    high: f64,
    /// Of the plot: left, top, right, bottom.
    frame: [f64; 4],
    x: Vec<Tick>,
    y: Vec<Tick>,
    lines: Vec<Drawn>,
    levels: Vec<DrawnLevel>,
}

#[derive(Debug, Serialize)]
struct Tick {
    at: f64,
    label: String,
}

#[derive(Debug, Serialize)]
struct Drawn {
    name: String,
    colour: usize,
    /// Of an SVG path.
    path: String,
    dashed: bool,
    /// Of the path round a band; empty where there is none.
    band: String,
    dots: Vec<Dot>,
}

#[derive(Debug, Serialize)]
struct Dot {
    x: f64,
    y: f64,
    text: String,
}

#[derive(Debug, Serialize)]
struct DrawnLevel {
    name: String,
    colour: usize,
    y: f64,
    top: f64,
    high: f64,
}

fn span(values: impl Iterator<Item = f64>, widen: f64) -> [f64; 2] {
    let finite = values.filter(|v| v.is_finite());
    let [low, high] =
        finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)]);
    if low > high {
        return [0.0, 1.0];
    }
    let room = if high > low { (high - low) * widen } else { (low.abs() * 0.1).max(1e-9) };
    [low - room, high + room]
}

/// Two decimals are a tenth of a pixel on any screen.
fn round(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}

impl Plot<'_> {
    pub fn chart(&self) -> Chart {
        let scale = |v: f64| if self.is_log { v.log10() } else { v };
        let all = || self.lines.iter().flat_map(|l| &l.points).map(|p| p.map(scale));
        let of_bands = self.lines.iter().flat_map(Line::band).flatten().copied();
        let x = span(all().filter(|p| p[1].is_finite()).map(|p| p[0]), 0.03);
        let of_levels = self.levels.iter().flat_map(|l| [l.value, l.band[0], l.band[1]]);
        let y = all().map(|p| p[1]).chain(of_levels.chain(of_bands).map(scale));
        let y = span(y, 0.08);
        let y = [y[0].max(self.within[0]), y[1].min(self.within[1])];
        let frame = [LEFT, ABOVE, WIDE - RIGHT, HIGH - BELOW];
        let place = |v: f64, axis: [f64; 2]| (scale(v) - axis[0]) / (axis[1] - axis[0]);
        let across = |v: f64| round(frame[0] + place(v, x) * (frame[2] - frame[0]));
        let down = |v: f64| round(frame[3] - place(v, y) * (frame[3] - frame[1]));

        let ticks = |axis: [f64; 2], wanted: usize, counted: bool| -> Vec<(f64, String)> {
            let (values, step) = ticks::round(axis[0], axis[1], wanted);
            let step = if counted || self.is_log { step.max(1.0) } else { step };
            let whole = |v: &f64| !(counted || self.is_log) || (*v - v.round()).abs() < 1e-9;
            let label = |v: f64| {
                if self.is_log { ticks::short(10f64.powf(v)) } else { ticks::label(v, step) }
            };
            let value = |v: f64| if self.is_log { 10f64.powf(v) } else { v };
            values.into_iter().filter(whole).map(|v| (value(v), label(v))).collect()
        };
        let along = ticks(x, 7, self.counted);
        let along = along.into_iter().map(|(v, label)| Tick { at: across(v), label }).collect();
        let up = ticks(y, 5, false).into_iter();
        let up = up.map(|(v, label)| Tick { at: down(v), label }).collect();

        let line = |l: &Line| {
            let (mut path, mut dots, mut pen) = (String::new(), Vec::new(), 'M');
            for (n, &[a, b]) in l.points.iter().enumerate() {
                let at = [across(a), down(b)];
                if at.iter().any(|v| !v.is_finite()) {
                    pen = 'M';
                    continue;
                }
                path += &format!("{pen}{} {}", at[0], at[1]);
                pen = 'L';
                let said = format!("{} at {} {}", ticks::short(b), self.along, ticks::short(a));
                let name = if let Kind::Dots(names) = &l.kind { names.get(n) } else { None };
                let text = format!("{}: {said}", name.unwrap_or(&l.name));
                dots.push(Dot { x: at[0], y: at[1], text });
            }
            match l.kind {
                Kind::Line => dots.clear(),
                Kind::Dots(_) => path.clear(),
                Kind::Both | Kind::Banded(_) | Kind::Dashed => {}
            }
            // There along the upper ends, and back along the lower ones.
            let ends = |end: usize| l.points.iter().zip(l.band()).map(move |(p, b)| [p[0], b[end]]);
            let mut band = String::new();
            for (n, [a, b]) in ends(1).chain(ends(0).rev()).enumerate() {
                let y = down(b).clamp(frame[1], frame[3]);
                band += &format!("{}{} {y}", if n == 0 { 'M' } else { 'L' }, across(a));
            }
            let dashed = l.kind == Kind::Dashed;
            Drawn { name: l.name.clone(), colour: l.colour, path, dashed, band, dots }
        };
        let level = |l: &Level| {
            let [low, top] = l.band.map(|v| down(v).clamp(frame[1], frame[3]));
            let high = round((low - top).max(1.0));
            DrawnLevel { name: l.name.clone(), colour: l.colour, y: down(l.value), top, high }
        };
        Chart {
            title: self.title.to_owned(),
            along: self.along.to_owned(),
            wide: WIDE,
            high: HIGH,
            frame,
            x: along,
            y: up,
            lines: self.lines.iter().map(line).collect(),
            levels: self.levels.iter().filter(|l| l.value.is_finite()).map(level).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<[f64; 2]>) -> Chart {
        let (within, kind, is_log) = ([0.0, 100.0], Kind::Both, false);
        let lines = vec![Line { name: "a".into(), colour: 0, points, kind }];
        let (title, along) = ("t", "epoch");
        Plot { title, along, counted: true, lines, levels: vec![], within, is_log }.chart()
    }

    #[test]
    fn bands_and_dashes_are_drawn() {
        let line = |kind| Line {
            name: "a".into(),
            colour: 0,
            points: vec![[0.0, 80.0], [1.0, 60.0], [2.0, 50.0]],
            kind,
        };
        let band = vec![[70.0, 90.0], [40.0, 80.0], [10.0, 120.0]];
        let lines = vec![line(Kind::Banded(band)), line(Kind::Dashed)];
        let (title, along, within) = ("t", "faults", [0.0, 100.0]);
        let plot =
            Plot { title, along, counted: false, lines, levels: vec![], within, is_log: false };
        let chart = plot.chart();
        let [banded, dashed] = &chart.lines[..] else { panic!("two lines") };
        assert_eq!(banded.band.matches(['M', 'L']).count(), 6);
        // 120 % is drawn at the upper edge of the frame.
        assert!(banded.band.contains(&format!(" {ABOVE}L")), "{}", banded.band);
        assert!(!banded.dashed && dashed.dashed && dashed.band.is_empty());
        assert_eq!((dashed.dots.len(), banded.path == dashed.path), (3, true));
    }

    #[test]
    fn points_lie_in_the_frame_and_gaps_are_gaps() {
        let chart = plot(vec![[1.0, 90.0], [2.0, f64::NAN], [3.0, 99.9], [4.0, 99.0]]);
        assert_eq!(chart.lines[0].dots.len(), 3);
        assert_eq!(chart.lines[0].path.matches('M').count(), 2);
        let [left, top, right, bottom] = chart.frame;
        for d in &chart.lines[0].dots {
            assert!((left..=right).contains(&d.x) && (top..=bottom).contains(&d.y), "{d:?}");
        }
        assert!(chart.lines[0].dots[0].y > chart.lines[0].dots[1].y, "y grows upwards");
        assert!(chart.x.iter().all(|t| !t.label.contains('.')), "epochs are counted");
        for few in [vec![], vec![[1.0, 3.0]], vec![[1.0, f64::NAN]]] {
            let chart = plot(few);
            assert!(chart.lines[0].dots.iter().all(|d| d.x.is_finite() && d.y.is_finite()));
        }
    }
}
