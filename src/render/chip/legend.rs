//! The foot of the sheet: what colours and widths mean.

use std::f64::consts::TAU;

use super::super::canvas::{Align, Canvas, INK, SMALL};
use super::super::colormap;
use super::{red, strength};

/// The least width of a sheet, and its margin.
pub const WIDE: f64 = 1160.0;
pub const MARGIN: i64 = 56;

const BAR: i64 = 460;
const DECADES: f64 = 3.0;

/// A bar for phases and, where there is light, one for powers.
pub fn draw(c: &mut Canvas, y: i64, lit: bool) {
    let x = MARGIN + 10;
    c.text("phase of θ, φ, γ (rad)", [x, y - 26], SMALL, INK, Align::Left);
    for i in 0..BAR {
        let t = (i as f64 + 0.5) / BAR as f64;
        c.rect([x + i, y], [1, 24], colormap::cyclic(TAU * t), 1.0);
    }
    c.frame([x, y], [BAR, 24], 2, INK);
    for (k, text) in ["0", "π/2", "π", "3π/2", "2π"].iter().enumerate() {
        let at = x + k as i64 * BAR / 4;
        c.rect([at - 1, y + 26], [2, 8], INK, 1.0);
        c.text(text, [at, y + 52], SMALL, INK, Align::Middle);
    }
    if !lit {
        return;
    }
    // A wedge, as wide and as red as a guide would be, over three decades.
    let x = x + BAR + 110;
    c.text("share of the input's power on a guide", [x, y - 26], SMALL, INK, Align::Left);
    for i in 0..BAR {
        let share = 10f64.powf(DECADES * ((i as f64 + 0.5) / BAR as f64 - 1.0));
        let part = strength(share);
        let high = (2.0 + 22.0 * part).round() as i64;
        c.rect([x + i, y + 12 - high / 2], [1, high], red(part), 1.0);
    }
    for (k, text) in ["0.001", "0.01", "0.1", "1"].iter().enumerate() {
        let at = x + k as i64 * BAR / 3;
        c.rect([at - 1, y + 26], [2, 8], INK, 1.0);
        c.text(text, [at, y + 52], SMALL, INK, Align::Middle);
    }
}
