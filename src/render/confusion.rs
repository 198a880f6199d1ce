//! The confusion matrix: rows are true, columns answered; small errors show.

use std::path::Path;

use super::canvas::{Anchor, Canvas, FAINT, INK, RULE};
use super::colormap::paper;
use crate::error::Result;

pub fn draw(
    matrix: &[Vec<u32>],
    classes: &[String],
    accuracy: f64,
    interval: [f64; 2],
    path: &Path,
) -> Result<()> {
    let n = matrix.len().max(1);
    let cell = (760 / n).clamp(8, 76);
    let text = if cell >= 28 { (cell * 3 / 10).clamp(12, 22) } else { 0 };
    let longest = classes.iter().map(|c| Canvas::text_width(22, c)).max().unwrap_or(0).min(220);
    let (left, top, right) = (90 + longest, 170, 150);
    let mut canvas = Canvas::new(left + n * cell + right, top + n * cell + 40);
    let title = format!(
        "accuracy {:.2} %  (95 % interval {:.2} to {:.2} %)",
        100.0 * accuracy,
        100.0 * interval[0],
        100.0 * interval[1]
    );
    canvas.text(30, 44, 30, Anchor::Left, INK, &title)?;
    canvas.text(left + n * cell / 2, top - 70, 22, Anchor::Centre, FAINT, "answered")?;
    canvas.text(left - 14, top - 26, 22, Anchor::Right, FAINT, "true")?;
    canvas.text(left + n * cell + 20, top - 26, 22, Anchor::Left, FAINT, "recall")?;
    for (j, row) in matrix.iter().enumerate() {
        let total: u32 = row.iter().sum();
        let y = top + j * cell;
        for (i, &count) in row.iter().enumerate() {
            let share = if total > 0 { f64::from(count) / f64::from(total) } else { 0.0 };
            let x = left + i * cell;
            canvas.fill(x, y, [cell - 1, cell - 1], paper(share.sqrt()));
            if text > 0 && count > 0 {
                let ink = if share > 0.25 { [255, 255, 255] } else { INK };
                canvas.text(
                    x + cell / 2,
                    y + cell / 2,
                    text,
                    Anchor::Centre,
                    ink,
                    &count.to_string(),
                )?;
            }
        }
        if text > 0 {
            let name: String =
                classes.get(j).map_or("?", String::as_str).chars().take(14).collect();
            canvas.text(left - 14, y + cell / 2, 22, Anchor::Right, INK, &name)?;
            let short: String = name.chars().take(6).collect();
            canvas.text(left + j * cell + cell / 2, top - 26, 20, Anchor::Centre, INK, &short)?;
            if total > 0 {
                let recall = 100.0 * f64::from(row[j]) / f64::from(total);
                let at = left + n * cell + 20;
                canvas.text(at, y + cell / 2, 20, Anchor::Left, INK, &format!("{recall:.1} %"))?;
            }
        }
    }
    canvas.frame(left, top, [n * cell, n * cell], 2, RULE);
    canvas.save(path)
}
