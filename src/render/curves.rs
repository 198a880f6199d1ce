//! Training curves: loss, and accuracy with the test's interval.

use std::path::Path;

use plotters::prelude::*;

use super::canvas::{Canvas, FONT};
use crate::error::Result;

pub struct Curves {
    pub epochs: Vec<f64>,
    pub train_loss: Vec<f64>,
    pub val_loss: Vec<f64>,
    /// 0..1.
    pub val_accuracy: Vec<f64>,
    /// Test accuracy and its 95 % interval, 0..1.
    pub test: Option<(f64, [f64; 2])>,
}

const BLUE: RGBColor = RGBColor(36, 99, 196);
const ORANGE: RGBColor = RGBColor(214, 108, 24);
const GREEN: RGBColor = RGBColor(24, 134, 72);
const INK: RGBColor = RGBColor(34, 38, 46);
const GRID: RGBColor = RGBColor(228, 231, 236);

fn range(values: &[f64]) -> (f64, f64) {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) =
        (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    if low.is_finite() { (low, high) } else { (0.0, 1.0) }
}

fn points(x: &[f64], y: &[f64]) -> Vec<(f64, f64)> {
    x.iter().copied().zip(y.iter().copied()).filter(|(_, y)| y.is_finite()).collect()
}

pub fn draw(curves: &Curves, path: &Path) -> Result<()> {
    let mut canvas = Canvas::new(1600, 680);
    let last = range(&curves.epochs).1.max(1.0);
    let losses: Vec<f64> = curves.train_loss.iter().chain(&curves.val_loss).copied().collect();
    let most_loss = range(&losses).1.max(1e-6) * 1.08;
    let mut accuracies: Vec<f64> = curves.val_accuracy.clone();
    accuracies.extend(curves.test.iter().flat_map(|(a, i)| [*a, i[0], i[1]]));
    let (low, high) = range(&accuracies);
    let room = ((high - low) * 0.25).max(0.005);
    let (low, high) = ((100.0 * (low - room)).max(0.0), (100.0 * (high + room)).min(100.0));
    canvas.plot(|area| -> std::result::Result<(), Box<dyn std::error::Error>> {
        let (left, right) = area.split_horizontally(800);
        let mut chart = ChartBuilder::on(&left)
            .caption("loss", (FONT, 30).into_font().color(&INK))
            .margin(24)
            .x_label_area_size(64)
            .y_label_area_size(90)
            .build_cartesian_2d(0.0..last * 1.02, 0.0..most_loss)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(GRID)
            .axis_style(INK)
            .x_desc("epoch")
            .label_style((FONT, 22))
            .axis_desc_style((FONT, 24))
            .x_labels(9)
            .y_labels(8)
            .draw()?;
        for (name, values, colour) in
            [("training", &curves.train_loss, BLUE), ("validation", &curves.val_loss, ORANGE)]
        {
            let series = points(&curves.epochs, values);
            let line = LineSeries::new(series.clone(), colour.stroke_width(4));
            chart.draw_series(line)?.label(name).legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 30, y)], colour.stroke_width(4))
            });
            chart.draw_series(series.into_iter().map(|p| Circle::new(p, 6, colour.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .legend_area_size(44)
            .background_style(WHITE)
            .border_style(GRID)
            .label_font((FONT, 22))
            .draw()?;

        let mut chart = ChartBuilder::on(&right)
            .caption("accuracy (%)", (FONT, 30).into_font().color(&INK))
            .margin(24)
            .x_label_area_size(64)
            .y_label_area_size(90)
            .build_cartesian_2d(0.0..last * 1.02, low..high)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(GRID)
            .axis_style(INK)
            .x_desc("epoch")
            .label_style((FONT, 22))
            .axis_desc_style((FONT, 24))
            .x_labels(9)
            .y_labels(8)
            .draw()?;
        if let Some((accuracy, interval)) = curves.test {
            let [bottom, top] = interval.map(|v| 100.0 * v);
            let band =
                Rectangle::new([(0.0, bottom), (last * 1.02, top)], GREEN.mix(0.15).filled());
            chart.draw_series(std::iter::once(band))?;
            let level = 100.0 * accuracy;
            let line = LineSeries::new([(0.0, level), (last * 1.02, level)], GREEN.stroke_width(3));
            chart
                .draw_series(line)?
                .label(format!("test, {level:.2} % ({bottom:.2} to {top:.2})"))
                .legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + 30, y)], GREEN.stroke_width(3))
                });
        }
        let percent: Vec<f64> = curves.val_accuracy.iter().map(|a| 100.0 * a).collect();
        let series = points(&curves.epochs, &percent);
        let ends = series
            .last()
            .map_or("validation".to_owned(), |p| format!("validation, {:.2} % at the end", p.1));
        chart
            .draw_series(LineSeries::new(series.clone(), ORANGE.stroke_width(4)))?
            .label(ends)
            .legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 30, y)], ORANGE.stroke_width(4))
            });
        chart.draw_series(series.into_iter().map(|p| Circle::new(p, 6, ORANGE.filled())))?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .legend_area_size(44)
            .background_style(WHITE)
            .border_style(GRID)
            .label_font((FONT, 22))
            .draw()?;
        area.present()?;
        Ok(())
    })?;
    canvas.save(path)
}
