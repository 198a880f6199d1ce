//! The diagrams of a `compare.json`.

use serde::Deserialize;
use serde_json::Value;

use super::chart::{Chart, Kind, Line, Plot};
use crate::report::compare::{Figure, figures};
use crate::train::compare::Done;

/// What charts need of the file.
#[derive(Deserialize)]
struct Compared {
    cells: Vec<Done>,
}

/// None of a file that holds no cells.
pub fn charts(compared: &Value) -> Vec<Chart> {
    let Ok(Compared { cells }) = Compared::deserialize(compared) else { return Vec::new() };
    figures(&cells).into_iter().map(chart).collect()
}

fn chart(figure: Figure) -> Chart {
    let line = |line: crate::render::lines::Line| {
        let style = figure.styles.map(|styles| styles[usize::from(line.dashed)]);
        Line {
            name: style.map_or_else(|| line.name.clone(), |s| format!("{}, {s}", line.name)),
            colour: line.colour,
            points: line.points,
            kind: match line.dashed {
                true => Kind::Dashed,
                false if line.band.is_empty() => Kind::Both,
                false => Kind::Banded(line.band),
            },
        }
    };
    let without_end = [f64::NEG_INFINITY, f64::INFINITY];
    Plot {
        title: &format!("{}: {}", figure.title, figure.up),
        along: figure.along,
        counted: false,
        lines: figure.lines.into_iter().map(line).collect(),
        levels: vec![],
        within: figure.within.unwrap_or(without_end),
        is_log: false,
    }
    .chart()
}
