//! A white sheet with rectangles, smooth lines and text.

use std::path::Path;
use std::sync::OnceLock;

use image::ImageEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::{BLACK, FontStyle, IntoFont, TextStyle, register_font};

use super::colormap::Rgb;
use crate::error::{Error, Result};

pub const INK: Rgb = [34, 34, 40];
pub const SOFT: Rgb = [120, 120, 128];
pub const FAINT: Rgb = [228, 228, 232];
pub const WHITE: Rgb = [255; 3];
pub const GREEN: Rgb = [22, 128, 72];
pub const RED: Rgb = [200, 40, 48];
pub const BLUE: Rgb = [36, 98, 190];
pub const ORANGE: Rgb = [214, 108, 20];

/// Sizes of text in pixels per em.
pub const SMALL: f64 = 22.0;
pub const BODY: f64 = 26.0;
pub const TITLE: f64 = 34.0;

/// Letters are drawn this much larger, then averaged down.
const OVERSAMPLING: usize = 4;
/// Ascent to descent of the font per em, the unit of `plotters`' font size.
const LINE: f64 = 1.164;
/// Height of capitals and figures per em.
const CAPITAL: f64 = 0.729;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Middle,
    Right,
}

pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

/// A grey image of text: how much of each pixel is ink.
struct Stamp {
    width: usize,
    cover: Vec<f32>,
    /// Pixel row of the baseline.
    baseline: usize,
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![255; width * height * 3] }
    }

    pub fn set(&mut self, x: i64, y: i64, colour: Rgb) {
        self.mix(x, y, colour, 1.0);
    }

    /// Lays `colour` over a pixel; what lies outside the sheet is left out.
    pub fn mix(&mut self, x: i64, y: i64, colour: Rgb, part: f64) {
        if x < 0 || y < 0 || x >= self.width as i64 || y >= self.height as i64 {
            return;
        }
        let at = (y as usize * self.width + x as usize) * 3;
        for (old, new) in self.rgb[at..at + 3].iter_mut().zip(colour) {
            *old = (f64::from(*old) * (1.0 - part) + f64::from(new) * part).round() as u8;
        }
    }

    pub fn get(&self, x: usize, y: usize) -> Rgb {
        let at = (y * self.width + x) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// A filled rectangle from its top left corner; `part` below 1 lets what is below show.
    pub fn rect(&mut self, [x, y]: [i64; 2], [w, h]: [i64; 2], colour: Rgb, part: f64) {
        for j in y..y + h {
            for i in x..x + w {
                self.mix(i, j, colour, part);
            }
        }
    }

    /// A border `wide` pixels thick just outside a rectangle.
    pub fn frame(&mut self, [x, y]: [i64; 2], [w, h]: [i64; 2], wide: i64, colour: Rgb) {
        self.rect([x - wide, y - wide], [w + 2 * wide, wide], colour, 1.0);
        self.rect([x - wide, y + h], [w + 2 * wide, wide], colour, 1.0);
        self.rect([x - wide, y], [wide, h], colour, 1.0);
        self.rect([x + w, y], [wide, h], colour, 1.0);
    }

    /// Inks pixels near a shape given by its distance function, `wide` pixels thick.
    fn stroke(
        &mut self,
        low: [f64; 2],
        high: [f64; 2],
        wide: f64,
        colour: Rgb,
        away: impl Fn(f64, f64) -> f64,
    ) {
        let limit = [self.width as f64 + 9.0, self.height as f64 + 9.0];
        let [x0, y0] = [0, 1].map(|a| (low[a] - wide - 1.0).clamp(-9.0, limit[a]) as i64);
        let [x1, y1] = [0, 1].map(|a| (high[a] + wide + 1.0).clamp(-9.0, limit[a]) as i64);
        for y in y0..=y1 {
            for x in x0..=x1 {
                let d = away(x as f64 + 0.5, y as f64 + 0.5);
                let part = (wide / 2.0 + 0.5 - d).clamp(0.0, 1.0);
                if part > 0.0 {
                    self.mix(x, y, colour, part);
                }
            }
        }
    }

    /// A smooth line with round ends.
    pub fn line(&mut self, a: [f64; 2], b: [f64; 2], wide: f64, colour: Rgb) {
        if !a.iter().chain(&b).all(|v| v.is_finite()) {
            return;
        }
        let low = [a[0].min(b[0]), a[1].min(b[1])];
        let high = [a[0].max(b[0]), a[1].max(b[1])];
        let along = [b[0] - a[0], b[1] - a[1]];
        let square = along[0].powi(2) + along[1].powi(2);
        self.stroke(low, high, wide, colour, |x, y| {
            let from = [x - a[0], y - a[1]];
            let t = (from[0] * along[0] + from[1] * along[1]) / square.max(1e-12);
            let t = t.clamp(0.0, 1.0);
            (from[0] - t * along[0]).hypot(from[1] - t * along[1])
        });
    }

    pub fn disc(&mut self, centre: [f64; 2], radius: f64, colour: Rgb) {
        self.line(centre, centre, 2.0 * radius, colour);
    }

    /// The outline of an ellipse with half axes `[x, y]`.
    pub fn ellipse(&mut self, centre: [f64; 2], half: [f64; 2], wide: f64, colour: Rgb) {
        let half = half.map(|h| h.max(0.5));
        let low = [centre[0] - half[0], centre[1] - half[1]];
        let high = [centre[0] + half[0], centre[1] + half[1]];
        self.stroke(low, high, wide, colour, |x, y| {
            let p = [(x - centre[0]) / half[0], (y - centre[1]) / half[1]];
            let r = p[0].hypot(p[1]);
            let slope = (p[0] / half[0]).hypot(p[1] / half[1]) / r.max(1e-9);
            (r - 1.0).abs() / slope.max(1e-9)
        });
    }

    /// One line of text; `y` is the middle of its capitals.
    pub fn text(&mut self, text: &str, [x, y]: [i64; 2], size: f64, colour: Rgb, align: Align) {
        let Some(stamp) = stamp(text, size) else { return };
        let left = x - before(align, stamp.width as i64);
        let top = y - stamp.baseline as i64 + (size * CAPITAL / 2.0).round() as i64;
        for (j, row) in stamp.cover.chunks(stamp.width).enumerate() {
            for (i, part) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                self.mix(left + i as i64, top + j as i64, colour, f64::from(*part));
            }
        }
    }

    /// Text turned to read upwards, centred on `y`; `x` is the middle of its capitals.
    pub fn text_up(&mut self, text: &str, [x, y]: [i64; 2], size: f64, colour: Rgb) {
        let Some(stamp) = stamp(text, size) else { return };
        let bottom = y + stamp.width as i64 / 2;
        let left = x - stamp.baseline as i64 + (size * CAPITAL / 2.0).round() as i64;
        for (j, row) in stamp.cover.chunks(stamp.width).enumerate() {
            for (i, part) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                self.mix(left + j as i64, bottom - i as i64, colour, f64::from(*part));
            }
        }
    }

    /// As a PNG file.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut png = Vec::new();
        let (w, h) = (self.width as u32, self.height as u32);
        // Lines and even colours are shortest as they are.
        PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::NoFilter)
            .write_image(&self.rgb, w, h, image::ExtendedColorType::Rgb8)
            .map_err(|e| Error::device(format!("a picture cannot be made: {e}")))?;
        Ok(png)
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        let png = self.png()?;
        crate::files::atomic::write(path, |out| out.write_all(&png))
    }
}

fn before(align: Align, width: i64) -> i64 {
    match align {
        Align::Left => 0,
        Align::Middle => width / 2,
        Align::Right => width,
    }
}

fn style(size: f64) -> Option<TextStyle<'static>> {
    static FONT: OnceLock<bool> = OnceLock::new();
    let there = *FONT.get_or_init(|| {
        let bytes = include_bytes!("../../assets/fonts/DejaVuSans.ttf");
        register_font("lightloom", FontStyle::Normal, bytes).is_ok()
    });
    there.then(|| ("lightloom", size * LINE * OVERSAMPLING as f64).into_font().color(&BLACK))
}

/// Width of a line of text in pixels.
pub fn width(text: &str, size: f64) -> i64 {
    let box_of = style(size).and_then(|s| s.font.layout_box(text).ok());
    box_of.map_or(0, |(_, (w, _))| (i64::from(w)).div_euclid(OVERSAMPLING as i64) + 1)
}

/// `text` cut with an ellipsis so that it fits into `room` pixels.
pub fn fit(text: &str, size: f64, room: i64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut letters: Vec<char> = text.chars().collect();
    while letters.pop().is_some() {
        let cut: String = letters.iter().collect::<String>().trim_end().to_owned() + "…";
        if width(&cut, size) <= room {
            return cut;
        }
    }
    String::new()
}

fn stamp(text: &str, size: f64) -> Option<Stamp> {
    let style = style(size)?;
    let k = OVERSAMPLING;
    let margin = (size * 0.2).ceil() as usize;
    let ascent = (size * 1.1).ceil() as usize;
    let (w, h) = (width(text, size) as usize + 2 * margin, (size * 1.5).ceil() as usize);
    let mut buffer = vec![255u8; w * h * k * k * 3];
    {
        let mut backend = BitMapBackend::with_buffer(&mut buffer, ((w * k) as u32, (h * k) as u32));
        // `plotters` puts the baseline half a font size below the position it is given.
        let down = ascent * k - (size * LINE * k as f64 / 2.0).round() as usize;
        backend.draw_text(text, &style, ((margin * k) as i32, down as i32)).ok()?;
    }
    // The margins are cut off again: alignment is by advance widths.
    let inner = w - 2 * margin;
    let mut cover = vec![0f32; w * h];
    for (j, row) in buffer.chunks(w * k * 3).enumerate() {
        for (i, pixel) in row.chunks(3).enumerate() {
            cover[j / k * w + i / k] += (255 - u32::from(pixel[0])) as f32;
        }
    }
    for c in &mut cover {
        *c /= 255.0 * (k * k) as f32;
    }
    let rows = cover.chunks(w).flat_map(|row| row[margin..margin + inner].iter().copied());
    Some(Stamp { width: inner, cover: rows.collect(), baseline: ascent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_lands_where_it_should_and_fits() {
        let mut c = Canvas::new(400, 80);
        c.text("Hil 1T AVA −π µm ×10⁻⁵", [10, 40], BODY, INK, Align::Left);
        let ink = |x: usize| (0..80).any(|y| c.get(x, y)[0] < 200);
        assert!((0..8).all(|x| !ink(x)));
        assert!((10..40).any(ink));
        assert!(width("a longer text", BODY) > width("a text", BODY));
        assert!(width(&fit("a much longer text", BODY, 90), BODY) <= 90);
        c.save(&std::env::temp_dir().join("lightloom-text.png")).unwrap();
    }

    #[test]
    fn nothing_outside_the_sheet_panics() {
        let mut c = Canvas::new(3, 2);
        c.text("far out", [-50, 90], TITLE, INK, Align::Middle);
        c.text_up("far out", [2, 2], TITLE, INK);
        c.text("", [1, 1], SMALL, INK, Align::Right);
        c.line([f64::NAN, 0.0], [1.0, 1.0], 2.0, RED);
        c.line([-1e9, 0.0], [1e9, 1.0], 2.0, RED);
        c.ellipse([0.0, 0.0], [0.0, 1e6], 2.0, RED);
        c.rect([-5, -5], [3, 3], RED, 1.0);
        assert_eq!(c.get(1, 0), RED);
    }
}
