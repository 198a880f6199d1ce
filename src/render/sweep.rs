//! Accuracy against the size of a chip's errors: the mean over chips, and a band that holds 90 % of
//! them.

use std::path::Path;

use super::canvas::{BLUE, Canvas, GREEN, ORANGE};
use super::curves::{ABOVE, BELOW, HIGH, LEFT, PANEL, Plot, legend, span};
use crate::error::Result;

/// One machine over the sizes of the errors.
pub struct Line {
    pub name: String,
    pub sizes: Vec<f64>,
    /// Mean accuracy over the chips, 0..1.
    pub mean: Vec<f64>,
    /// Accuracies that 5 and 95 % of the chips stay below.
    pub band: Vec<[f64; 2]>,
}

const COLOURS: [super::colormap::Rgb; 3] = [BLUE, ORANGE, GREEN];

pub fn draw(lines: &[Line], path: &Path) -> Result<()> {
    let mut c = Canvas::new(PANEL as usize, (ABOVE + HIGH + BELOW) as usize);
    let sizes: Vec<f64> = lines.iter().flat_map(|l| l.sizes.iter().copied()).collect();
    let seen = lines.iter().flat_map(|l| l.band.iter().flatten().chain(&l.mean));
    let percent: Vec<f64> = seen.map(|a| 100.0 * a).collect();
    let [low, high] = span(&percent, 0.06);
    let y = [low.max(0.0), high.min(100.0)];
    let along = "errors, times those of [hardware.mesh]";
    let plot = Plot { at: [LEFT, ABOVE], x: span(&sizes, 0.025), y, along, counted: false };
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let band: Vec<[f64; 2]> = line.band.iter().map(|b| b.map(|a| 100.0 * a)).collect();
        plot.band(&mut c, &line.sizes, &band, *colour);
    }
    plot.axes(&mut c, "accuracy (%)");
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let mean: Vec<f64> = line.mean.iter().map(|a| 100.0 * a).collect();
        plot.curve(&mut c, &line.sizes, &mean, *colour);
    }
    let entries: Vec<_> =
        lines.iter().zip(COLOURS.iter().cycle()).map(|(l, c)| (l.name.as_str(), *c)).collect();
    legend(&mut c, LEFT, &entries);
    c.save(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{folder, read};

    #[test]
    fn lines_and_bands_are_there() {
        let path = folder().join("sweep.png");
        let line = |name: &str, fall: f64| Line {
            name: name.into(),
            sizes: vec![0.0, 0.5, 1.0, 2.0],
            mean: vec![0.97, 0.97 - fall, 0.97 - 2.0 * fall, 0.97 - 4.0 * fall],
            band: vec![[0.97, 0.97], [0.9, 0.96], [0.8, 0.95], [0.5, 0.9]],
        };
        draw(&[line("deep", 0.1), line("shallow", 0.01)], &path).unwrap();
        let (width, _, pixel) = read(&path);
        let has = |colour| {
            (0..width).any(|x| (ABOVE..ABOVE + HIGH).any(|y| pixel(x, y as usize) == colour))
        };
        assert!(has(BLUE) && has(ORANGE) && !has(GREEN));
        // One point, and one size for all, are no lines but no failure either.
        let one =
            Line { name: "one".into(), sizes: vec![1.0], mean: vec![0.5], band: vec![[0.4, 0.6]] };
        draw(&[one], &folder().join("sweep-one.png")).unwrap();
    }
}
