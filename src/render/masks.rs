//! A contact sheet of phase masks.

use std::path::Path;

use super::canvas::{self, Align, BODY, Canvas, INK, SMALL};
use super::colormap;
use super::field::phases;
use super::panel::{self, BAR};
use crate::error::Result;

const MARGIN: usize = 48;
const GAP: usize = 44;
const ABOVE: usize = 56;
const FOOT: usize = 84;

/// Phase masks (radians, shown modulo 2π) with one colour bar and one scale bar for all.
pub fn sheet(
    masks: &[(String, Vec<f64>)],
    samples: [usize; 2],
    pitch: [f64; 2],
    path: &Path,
) -> Result<()> {
    let (columns, rows) = columns(masks.len());
    let room = match columns {
        1 => 720,
        2 => 620,
        3 => 520,
        _ => 400,
    };
    let size = panel::size(samples, pitch, room);
    // A thin mask still leaves room for its title.
    let cell = [size[0] + ABOVE, size[1].max(220)];
    let inner = [rows * cell[0] + (rows - 1) * GAP / 2, columns * cell[1] + (columns - 1) * GAP];
    let mut c = Canvas::new(MARGIN + inner[1] + BAR as usize, MARGIN / 2 + inner[0] + FOOT);
    for (k, (title, phase)) in masks.iter().enumerate() {
        let x = (MARGIN + k % columns * (cell[1] + GAP)) as i64;
        let y = (MARGIN / 2 + k / columns * (cell[0] + GAP / 2)) as i64;
        let title = canvas::fit(title, BODY, cell[1] as i64);
        c.text(&title, [x, y + ABOVE as i64 - 28], BODY, INK, Align::Left);
        let at = [x, y + ABOVE as i64];
        let values = phases(phase, samples, size);
        panel::pixels(&mut c, at, size, |i| colormap::cyclic(values[i]));
        c.frame(at, [size[1] as i64, size[0] as i64], 2, INK);
    }
    let top = (MARGIN / 2 + ABOVE) as i64;
    let beside = (MARGIN + inner[1]) as i64;
    let high = (inner[0] - ABOVE).min(1100) as i64;
    panel::phase_bar(&mut c, [beside, top], high);
    c.text("phase (rad)", [beside + 26, top - 28], SMALL, INK, Align::Left);
    let foot = (MARGIN / 2 + inner[0] + FOOT / 2) as i64;
    panel::scale_bar(&mut c, [MARGIN as i64, foot], size[1], samples[1] as f64 * pitch[1]);
    c.save(path)
}

/// Columns and rows for `count` pictures: one row up to four, then about as wide as a slide.
pub fn columns(count: usize) -> (usize, usize) {
    let columns = match count {
        0..=4 => count.max(1),
        5 | 6 => 3,
        7 | 8 => 4,
        9..=15 => 5,
        n => ((n as f64 * 1.6).sqrt().ceil() as usize).min(10),
    };
    (columns, count.max(1).div_ceil(columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{beam, folder, read};

    #[test]
    fn a_sheet_shows_every_mask() {
        let path = folder().join("masks.png");
        let masks: Vec<(String, Vec<f64>)> = (0..5)
            .map(|k| {
                let phase = beam([100, 100], 12.0 + 6.0 * f64::from(k));
                (
                    format!("mask {}, z = {} mm", k + 1, 3 * k),
                    phase.iter().map(|v| v.arg()).collect(),
                )
            })
            .collect();
        sheet(&masks, [100, 100], [8e-6; 2], &path).unwrap();
        let (width, height, pixel) = read(&path);
        assert_eq!(width, MARGIN + 3 * 500 + 2 * GAP + BAR as usize);
        assert_eq!(height, MARGIN / 2 + 2 * (500 + ABOVE) + GAP / 2 + FOOT);
        let fifth = (MARGIN + 500 + GAP, MARGIN / 2 + 2 * ABOVE + 500 + GAP / 2);
        let expected = colormap::cyclic(masks[4].1[50 * 100 + 50]);
        assert_eq!(pixel(fifth.0 + 252, fifth.1 + 252), expected);
        // 200 µm of 800 µm on 500 pixels.
        let foot = height - FOOT / 2;
        assert_eq!((0..180).filter(|x| pixel(*x, foot) == INK).count(), 125);
    }

    #[test]
    fn odd_sheets_do_not_panic() {
        let path = folder().join("masks-odd.png");
        for count in [0, 1, 30] {
            let masks = vec![("a very long title ".repeat(9), vec![f64::NAN]); count];
            sheet(&masks, [1, 1], [f64::NAN; 2], &path).unwrap();
            sheet(&masks, [2, 2], [1e-6; 2], &path).unwrap();
        }
        sheet(&[(String::new(), vec![0.0; 900])], [1, 900], [1e-6; 2], &path).unwrap();
    }
}
