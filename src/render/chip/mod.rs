//! A mesh of interferometers as a chip: guides from left to right, two couplers a cell, shifters
//! coloured by their phase, light as red lines whose width and strength grow with its power.
//!
//! Up to 64 modes every coupler is drawn; larger meshes show each cell as a dot of the colour of θ.

mod cell;
mod legend;
mod ports;
mod scale;
#[cfg(test)]
mod tests;

use std::path::Path;

use num_complex::Complex;

use super::canvas::{Canvas, INK, TITLE};
use super::colormap::Rgb;
use super::{panel, ticks};
use crate::error::Result;
use crate::optics::mesh::light::Light;
use crate::optics::mesh::{Mesh, Settings};
use scale::{Detail, Scale};

/// One mesh and the light in it.
pub struct Block<'a> {
    pub mesh: &'a Mesh,
    pub settings: &'a Settings,
    pub light: Option<&'a Light>,
}

pub struct Chip<'a> {
    pub title: &'a str,
    /// What is said below the title.
    pub remark: &'a str,
    /// In order of passage: one, or the two of an SVD layer.
    pub blocks: &'a [Block<'a>],
    /// Amplitudes between the two `[min(rows, columns)]`.
    pub attenuation: Option<&'a [f64]>,
}

/// A guide without light, and one with all of it.
const GLASS: Rgb = [203, 205, 214];
const LIGHT: Rgb = [205, 12, 40];

/// Room for the ports at the inputs.
const LEFT: f64 = 150.0;
const TOP: i64 = 176;
const FOOT: i64 = 210;

/// Draws a chip into a PNG.
pub fn draw(chip: &Chip, path: &Path) -> Result<()> {
    sheet(chip).save(path)
}

/// A chip drawn.
pub fn sheet(chip: &Chip) -> Canvas {
    let scale = Scale::new(chip);
    let lit = chip.blocks.iter().any(|b| b.light.is_some());
    let right = if lit { 380.0 } else { 150.0 };
    let wide = (LEFT + scale.inner + right).max(legend::WIDE);
    let high = TOP as f64 + scale.high + FOOT as f64;
    let mut c = Canvas::new(wide.ceil() as usize, high.ceil() as usize);
    panel::heading(&mut c, chip.title, [legend::MARGIN, 46], TITLE);
    let cells = match (scale.detail, chip.blocks.iter().any(|b| b.mesh.three_splitters)) {
        (Detail::Values, _) => "",
        (Detail::Couplers, false) => "each cell: φ, coupler, θ, coupler",
        (Detail::Couplers, true) => "each cell: coupler, φ, coupler, θ, coupler",
        (Detail::Dots, _) => "each dot: θ of a cell",
    };
    let grey = chip.attenuation.map_or("", |_| "grey boxes: amplitudes that pass");
    let remarks: Vec<&str> =
        [chip.remark, cells, grey].into_iter().filter(|r| !r.is_empty()).collect();
    panel::remark(&mut c, &remarks.join("; "), [legend::MARGIN, 94]);

    // A small chip stands in the middle of its sheet.
    let spare = (wide - LEFT - scale.inner - right) / 2.0;
    let mut x = LEFT + spare;
    ports::inputs(&mut c, &scale, chip, x);
    for (k, block) in chip.blocks.iter().enumerate() {
        if let (1, Some(amplitudes)) = (k, chip.attenuation) {
            x = attenuators(&mut c, &scale, chip, amplitudes, x);
        }
        x = mesh(&mut c, &scale, block, x);
    }
    ports::outputs(&mut c, &scale, chip, x);
    legend::draw(&mut c, (TOP as f64 + scale.high) as i64 + 92, lit);
    c
}

/// How much of full width and of full colour a share of the light gets: a hundredth is still seen.
fn strength(share: f64) -> f64 {
    share.clamp(0.0, 1.0).powf(0.4)
}

fn red(strength: f64) -> Rgb {
    std::array::from_fn(|i| {
        let (from, to) = (f64::from(GLASS[i]), f64::from(LIGHT[i]));
        (from + (to - from) * strength.powf(0.6)).round() as u8
    })
}

/// Width and colour of a guide with this power.
fn glow(scale: &Scale, power: Option<f64>) -> (f64, Rgb) {
    let part = power.map_or(0.0, |p| strength(p / scale.whole));
    (scale.thin + (scale.thick - scale.thin) * part, red(part))
}

/// A straight piece of guide, or an S-bend where its ends are not level.
fn guide(c: &mut Canvas, scale: &Scale, from: [f64; 2], to: [f64; 2], power: Option<f64>) {
    let (wide, colour) = glow(scale, power);
    if (from[1] - to[1]).abs() < 0.01 {
        // The round ends of fine lines would show as beads where pieces meet.
        let cut = if wide < 3.0 && to[0] - from[0] > 2.0 * wide { wide / 2.0 } else { 0.0 };
        return c.line([from[0] + cut, from[1]], [to[0] - cut, to[1]], wide, colour);
    }
    let steps = ((to[0] - from[0]).hypot(to[1] - from[1]) / 5.0).clamp(4.0, 40.0) as usize;
    let at = |k: usize| {
        let t = k as f64 / steps as f64;
        let ease = 0.5 - 0.5 * (std::f64::consts::PI * t).cos();
        [from[0] + (to[0] - from[0]) * t, from[1] + (to[1] - from[1]) * ease]
    };
    for k in 0..steps {
        c.line(at(k), at(k + 1), wide, colour);
    }
}

/// Draws a mesh from `x` on and gives where it ends.
fn mesh(c: &mut Canvas, scale: &Scale, block: &Block, mut x: f64) -> f64 {
    let layout = &block.mesh.layout;
    let guides = layout.guides;
    let power = |column: usize, g: usize| block.light.map(|l| l.guides[column * guides + g]);
    let mut y: Vec<f64> = (0..guides).map(|g| scale.y(block.mesh, g as f64)).collect();
    for column in 0..=layout.depth {
        // Guides change places on the way to the column.
        let room = scale.route(block.mesh, column);
        let next: Vec<f64> = (0..guides)
            .map(|g| scale.y(block.mesh, f64::from(layout.place[column * guides + g])))
            .collect();
        if room > 0.0 {
            for g in 0..guides {
                guide(c, scale, [x, y[g]], [x + room, next[g]], power(column, g));
            }
            x += room;
        }
        y = next;
        if column == layout.depth {
            break;
        }
        let mut passes = vec![true; guides];
        for k in layout.column(column) {
            let (_, a, b) = layout.cells[k].at();
            (passes[a], passes[b]) = (false, false);
            let at = cell::At { x, y: [y[a], y[b]], k, power: [a, b].map(|g| power(column, g)) };
            let behind = [a, b].map(|g| power(column + 1, g));
            cell::draw(c, scale, block, &at, behind);
        }
        for g in (0..guides).filter(|&g| passes[g]) {
            guide(c, scale, [x, y[g]], [x + scale.column, y[g]], power(column, g));
        }
        x += scale.column;
    }
    for k in 0..block.mesh.n {
        let g = layout.first + k;
        let at = [x, y[g]];
        guide(c, scale, at, [x + scale.gamma, y[g]], power(layout.depth, g));
        cell::output_phase(c, scale, at, block.settings.gamma[k]);
    }
    x + scale.gamma
}

/// The row of attenuators of an SVD layer: a grey box each, the darker the less it passes.
fn attenuators(c: &mut Canvas, scale: &Scale, chip: &Chip, amplitudes: &[f64], x: f64) -> f64 {
    let [before, after] = [&chip.blocks[0], &chip.blocks[1]];
    let room = scale.attenuators;
    let modes = before.mesh.n.max(after.mesh.n);
    for k in 0..modes {
        let y = scale.mode(k as f64);
        let [entering, leaving] = [
            before.light.and_then(|l| l.outputs.get(k)).map(Complex::norm_sqr),
            after.light.and_then(|l| l.guides.get(after.mesh.layout.first + k)).copied(),
        ];
        let middle = x + room / 2.0;
        if k < before.mesh.n {
            guide(c, scale, [x, y], [middle, y], entering);
        }
        if k < after.mesh.n {
            guide(c, scale, [middle, y], [x + room, y], leaving);
        }
        let size = (0.42 * scale.pitch).clamp(3.0, 30.0);
        if let Some(&amplitude) = amplitudes.get(k) {
            let tone = (235.0 * amplitude + 20.0) as u8;
            let half = 0.5 * size;
            cell::boxed(
                c,
                [middle, y],
                [1.6 * half, half],
                [tone; 3],
                scale.detail != Detail::Dots,
            );
            if scale.detail == Detail::Values {
                cell::above(c, scale, [middle, y - half], &ticks::label(amplitude, 0.01));
            }
        } else {
            // A guide that ends or begins dark.
            c.disc([middle, y], (0.14 * size).max(1.5), INK);
        }
    }
    x + room
}
