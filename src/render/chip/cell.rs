//! One cell: `φ ═ coupler ═ θ ═ coupler`, with a coupler before φ where the chip has a third.

use std::f64::consts::{PI, TAU};

use super::super::canvas::{self, Align, Canvas, INK};
use super::super::colormap::{self, Rgb};
use super::super::ticks;
use super::scale::{Detail, Scale};
use super::{Block, guide};

/// Where a cell is and what enters it.
pub struct At {
    pub x: f64,
    /// Of its two guides.
    pub y: [f64; 2],
    /// Index of the cell.
    pub k: usize,
    pub power: [Option<f64>; 2],
}

/// Ends of the parts of a cell, as shares of its column.
struct Parts {
    third: Option<[f64; 2]>,
    phi: [f64; 2],
    first: [f64; 2],
    theta: [f64; 2],
    second: [f64; 2],
}

const TWO: Parts = Parts {
    third: None,
    phi: [0.03, 0.20],
    first: [0.20, 0.50],
    theta: [0.50, 0.67],
    second: [0.67, 0.97],
};
const THREE: Parts = Parts {
    third: Some([0.02, 0.24]),
    phi: [0.24, 0.38],
    first: [0.38, 0.60],
    theta: [0.60, 0.74],
    second: [0.74, 0.96],
};

pub fn draw(c: &mut Canvas, scale: &Scale, block: &Block, at: &At, behind: [Option<f64>; 2]) {
    let (theta, phi) = (block.settings.theta[at.k], block.settings.phi[at.k]);
    if scale.detail == Detail::Dots {
        return dot(c, scale, at, behind, theta);
    }
    let parts = if block.mesh.three_splitters { THREE } else { TWO };
    let arms = block.light.map(|l| l.arms[at.k]);
    let arm = |place: usize| [0, 1].map(|i| arms.map(|a| a[place][i]));
    let x = |share: f64| at.x + share * scale.column;
    let straight = |c: &mut Canvas, from: f64, to: f64, power: [Option<f64>; 2]| {
        for (y, power) in at.y.into_iter().zip(power) {
            guide(c, scale, [x(from), y], [x(to), y], power);
        }
    };
    let mut from = 0.0;
    if let Some(third) = parts.third {
        straight(c, 0.0, third[0], at.power);
        coupler(c, scale, third.map(x), at.y, at.power, arm(0));
        from = third[1];
    }
    straight(c, from, parts.phi[1], arm(0));
    coupler(c, scale, parts.first.map(x), at.y, arm(0), arm(1));
    straight(c, parts.theta[0], parts.theta[1], arm(1));
    coupler(c, scale, parts.second.map(x), at.y, arm(1), behind);
    straight(c, parts.second[1], 1.0, behind);

    let symmetric = block.mesh.symmetric;
    let upper = if symmetric { theta / 2.0 } else { theta };
    shifter(c, scale, parts.phi.map(x), at.y[0], phi, "φ");
    shifter(c, scale, parts.theta.map(x), at.y[0], upper, if symmetric { "θ/2" } else { "θ" });
    if symmetric {
        heater(c, scale, parts.theta.map(x), at.y[1], -upper);
    }
}

/// Two guides that come close and part again.
fn coupler(
    c: &mut Canvas,
    scale: &Scale,
    x: [f64; 2],
    y: [f64; 2],
    before: [Option<f64>; 2],
    after: [Option<f64>; 2],
) {
    let gap = (0.05 * scale.pitch + 0.5 * scale.thick).max(1.2);
    let (wide, middle) = (x[1] - x[0], f64::midpoint(y[0], y[1]));
    let near = [middle - gap, middle + gap];
    let [bend, turn, unbend] = [0.42, 0.5, 0.58].map(|t| x[0] + t * wide);
    for i in 0..2 {
        guide(c, scale, [x[0], y[i]], [bend, near[i]], before[i]);
        guide(c, scale, [bend, near[i]], [turn, near[i]], before[i]);
        guide(c, scale, [turn, near[i]], [unbend, near[i]], after[i]);
        guide(c, scale, [unbend, near[i]], [x[1], y[i]], after[i]);
    }
}

fn thickness(scale: &Scale) -> f64 {
    (0.13 * scale.pitch).clamp(3.0, 11.0)
}

/// A heater on a guide, with its value above where there is room.
fn shifter(c: &mut Canvas, scale: &Scale, x: [f64; 2], y: f64, phase: f64, name: &str) {
    heater(c, scale, x, y, phase);
    if scale.detail == Detail::Values {
        let middle = f64::midpoint(x[0], x[1]);
        above(c, scale, [middle, y - thickness(scale)], &format!("{name} {}", of_pi(phase)));
    }
}

fn heater(c: &mut Canvas, scale: &Scale, x: [f64; 2], y: f64, phase: f64) {
    let inset = (0.06 * (x[1] - x[0])).max(0.5);
    let half = [(x[1] - x[0]) / 2.0 - inset, thickness(scale)];
    boxed(c, [f64::midpoint(x[0], x[1]), y], half, colormap::cyclic(phase), true);
}

/// A value above a box whose upper side is at `y`.
pub fn above(c: &mut Canvas, scale: &Scale, [x, y]: [f64; 2], text: &str) {
    let size = (0.17 * scale.pitch).clamp(13.0, 18.0);
    let left = x - canvas::width(text, size) as f64 / 2.0;
    let y = y - 0.72 * size - 2.0;
    c.text(text, [left.round() as i64, y.round() as i64], size, INK, Align::Left);
}

/// γ behind the last column.
pub fn output_phase(c: &mut Canvas, scale: &Scale, [x, y]: [f64; 2], phase: f64) {
    let colour = colormap::cyclic(phase);
    if scale.detail == Detail::Dots {
        let half = [0.3 * scale.gamma, (0.4 * scale.pitch).clamp(0.5, 4.0)];
        return boxed(c, [x + 0.5 * scale.gamma, y], half, colour, false);
    }
    shifter(c, scale, [x + 0.15 * scale.gamma, x + 0.7 * scale.gamma], y, phase, "γ");
}

/// A phase as a part of π, in [0, 2π).
pub fn of_pi(phase: f64) -> String {
    let turn = phase.rem_euclid(TAU) / PI;
    match (turn * 100.0).round() as i64 {
        0 | 200 => "0".into(),
        100 => "π".into(),
        _ => format!("{}π", ticks::label(turn, 0.01)),
    }
}

/// A filled box with half sides `[x, y]`, outlined where it is large enough.
pub fn boxed(c: &mut Canvas, centre: [f64; 2], half: [f64; 2], colour: Rgb, outlined: bool) {
    let low = [0, 1].map(|a| (centre[a] - half[a]).round() as i64);
    let size = [0, 1].map(|a| ((2.0 * half[a]).round() as i64).max(1));
    if outlined && size[0].min(size[1]) >= 5 {
        let wide = if size[0].min(size[1]) >= 14 { 2 } else { 1 };
        c.frame(low, size, wide, INK);
    }
    c.rect(low, size, colour, 1.0);
}

/// A cell of a large mesh.
fn dot(c: &mut Canvas, scale: &Scale, at: &At, behind: [Option<f64>; 2], theta: f64) {
    let middle = [at.x + scale.column / 2.0, f64::midpoint(at.y[0], at.y[1])];
    for ((y, before), after) in at.y.into_iter().zip(at.power).zip(behind) {
        guide(c, scale, [at.x, y], [middle[0], y], before);
        guide(c, scale, [middle[0], y], [at.x + scale.column, y], after);
    }
    let room = scale.column.min(scale.pitch);
    if room < 5.0 {
        let half = [0.5 * scale.column, 0.5 * scale.pitch];
        return boxed(c, middle, half, colormap::cyclic(theta), false);
    }
    c.disc(middle, 0.36 * room, colormap::cyclic(theta));
}
