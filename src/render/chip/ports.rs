//! Names of the inputs and outputs, ends that are dark or dumped, powers at the outputs.

use super::super::canvas::{Align, Canvas, INK, SMALL, SOFT};
use super::super::ticks;
use super::scale::Scale;
use super::{Block, Chip, LIGHT, guide};

/// Every how many ports a name has room.
fn every(scale: &Scale) -> usize {
    [1, 2, 4, 8, 16, 32, 64, 128]
        .into_iter()
        .find(|k| *k as f64 * scale.pitch >= 22.0)
        .unwrap_or(256)
}

/// Names by the side of the ports: all, or every so many and the last.
fn names(c: &mut Canvas, scale: &Scale, n: usize, x: f64, align: Align) {
    let step = every(scale);
    let size = (0.62 * scale.pitch * step as f64).clamp(14.0, SMALL);
    for k in 0..n {
        // The last one has its name, and none that would touch it.
        let last = k + 1 == n;
        if last || k % step == 0 && k + step < n {
            let y = scale.mode(k as f64).round() as i64;
            c.text(&k.to_string(), [x as i64, y], size, INK, align);
        }
    }
}

/// Ends of guides that carry no mode.
fn ends(c: &mut Canvas, scale: &Scale, block: &Block, x: [f64; 2], column: usize) {
    let layout = &block.mesh.layout;
    let modes = layout.first..layout.first + block.mesh.n;
    for g in (0..layout.guides).filter(|g| !modes.contains(g)) {
        let y = scale.y(block.mesh, g as f64);
        let power = block.light.map(|l| l.guides[column * layout.guides + g]);
        guide(c, scale, [x[0], y], [x[1], y], power);
        let (half, end) = ((0.12 * scale.pitch).clamp(1.0, 7.0), x[usize::from(column > 0)]);
        c.line([end, y - half], [end, y + half], scale.thin.max(1.0), SOFT);
    }
}

pub fn inputs(c: &mut Canvas, scale: &Scale, chip: &Chip, x: f64) {
    let Some(block) = chip.blocks.first() else { return };
    for k in 0..block.mesh.n {
        let y = scale.mode(k as f64);
        let power = block.light.map(|l| l.guides[block.mesh.layout.first + k]);
        guide(c, scale, [x - 44.0, y], [x, y], power);
    }
    ends(c, scale, block, [x - 16.0, x], 0);
    names(c, scale, block.mesh.n, x - 54.0, Align::Right);
    let middle = scale.mode((block.mesh.n as f64 - 1.0) / 2.0) as i64;
    c.text_up("input", [x as i64 - 122, middle], SMALL, SOFT);
}

pub fn outputs(c: &mut Canvas, scale: &Scale, chip: &Chip, x: f64) {
    let Some(block) = chip.blocks.last() else { return };
    let layout = &block.mesh.layout;
    for k in 0..block.mesh.n {
        let y = scale.mode(k as f64);
        let power = block.light.map(|l| l.outputs[k].norm_sqr());
        guide(c, scale, [x, y], [x + 30.0, y], power);
    }
    ends(c, scale, block, [x - scale.gamma, x - scale.gamma + 16.0], layout.depth);
    names(c, scale, block.mesh.n, x + 40.0, Align::Left);
    let middle = scale.mode((block.mesh.n as f64 - 1.0) / 2.0) as i64;
    let Some(light) = block.light else {
        return c.text_up("output", [x as i64 + 122, middle], SMALL, SOFT);
    };
    // Bars: shares of what enters.
    let (left, room) = (x + 104.0, 150.0);
    c.text("output power", [left as i64, scale.mode(0.0) as i64 - 44], SMALL, SOFT, Align::Left);
    let shares: Vec<f64> = light.outputs.iter().map(|z| z.norm_sqr() / scale.whole).collect();
    let largest = shares.iter().copied().fold(0.0, f64::max).max(1e-12);
    let high = (0.46 * scale.pitch).clamp(1.0, 26.0);
    let size = (0.7 * scale.pitch).clamp(10.0, SMALL);
    for (k, share) in shares.iter().enumerate() {
        let y = scale.mode(k as f64);
        let wide = (share / largest * room).round() as i64;
        let at = [left as i64, (y - high / 2.0).round() as i64];
        c.rect(at, [wide.max(1), (high.round() as i64).max(1)], LIGHT, 0.8);
        if scale.pitch >= 15.0 {
            let text = format!("{} %", ticks::label(100.0 * share, 0.1));
            c.text(&text, [left as i64 + wide + 10, y.round() as i64], size, INK, Align::Left);
        }
    }
}
