//! A picture under construction: pixels, rectangles, lines and text in an embedded font.

use std::path::Path;
use std::sync::Once;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::colormap::Rgb;
use crate::error::{Error, Result};
use crate::files::atomic;

pub const INK: Rgb = [34, 38, 46];
pub const FAINT: Rgb = [120, 126, 138];
pub const RULE: Rgb = [222, 225, 230];
pub const GOOD: Rgb = [24, 134, 72];
pub const BAD: Rgb = [196, 46, 46];
pub const PLUS: Rgb = [90, 220, 255];
pub const MINUS: Rgb = [255, 150, 90];

pub const FONT: &str = "lightloom";

/// Makes the embedded font known to the plotting library.
pub fn with_font() {
    static ONCE: Once = Once::new();
    static SANS: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans.ttf");
    ONCE.call_once(|| {
        // The font is compiled in; were it broken, text would be missing and a test would fail.
        let _ = plotters::style::register_font(FONT, FontStyle::Normal, SANS);
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Left,
    Centre,
    Right,
}

pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Self {
        with_font();
        Self { width, height, pixels: vec![255; 3 * width * height] }
    }

    /// Lets the plotting library draw on it.
    pub fn plot<E: std::fmt::Debug>(
        &mut self,
        draw: impl FnOnce(
            &DrawingArea<BitMapBackend<'_>, plotters::coord::Shift>,
        ) -> std::result::Result<(), E>,
    ) -> Result<()> {
        let size = (self.width as u32, self.height as u32);
        let area = BitMapBackend::with_buffer(&mut self.pixels, size).into_drawing_area();
        draw(&area).map_err(|e| Error::device(format!("cannot draw: {e:?}")))
    }

    pub fn pixel(&mut self, x: usize, y: usize, colour: Rgb) {
        if x < self.width && y < self.height {
            self.pixels[3 * (y * self.width + x)..][..3].copy_from_slice(&colour);
        }
    }

    #[cfg(test)]
    pub fn at(&self, x: usize, y: usize) -> Rgb {
        let p = &self.pixels[3 * (y * self.width + x)..][..3];
        [p[0], p[1], p[2]]
    }

    /// `size` is width and height.
    pub fn fill(&mut self, x: usize, y: usize, size: [usize; 2], colour: Rgb) {
        for v in y..y + size[1] {
            for u in x..x + size[0] {
                self.pixel(u, v, colour);
            }
        }
    }

    /// A frame of `thick` pixels around a rectangle, outside it.
    pub fn frame(&mut self, x: usize, y: usize, size: [usize; 2], thick: usize, colour: Rgb) {
        let (x, y) = (x.saturating_sub(thick), y.saturating_sub(thick));
        let [w, h] = size.map(|s| s + 2 * thick);
        self.fill(x, y, [w, thick], colour);
        self.fill(x, y + h - thick, [w, thick], colour);
        self.fill(x, y, [thick, h], colour);
        self.fill(x + w - thick, y, [thick, h], colour);
    }

    /// An ellipse's outline; `centre` and `radius` in pixels (x, y).
    pub fn ellipse(&mut self, centre: [f64; 2], radius: [f64; 2], thick: usize, colour: Rgb) {
        let steps = (radius[0].max(radius[1]) * 8.0).max(16.0) as usize;
        for k in 0..steps {
            let angle = std::f64::consts::TAU * k as f64 / steps as f64;
            let x = (centre[0] + radius[0] * angle.cos()).round().max(0.0) as usize;
            let y = (centre[1] + radius[1] * angle.sin()).round().max(0.0) as usize;
            self.fill(x, y, [thick, thick], colour);
        }
    }

    /// Text centred on `y`.
    pub fn text(
        &mut self,
        x: usize,
        y: usize,
        size: usize,
        anchor: Anchor,
        colour: Rgb,
        text: &str,
    ) -> Result<()> {
        let h = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let [r, g, b] = colour;
        let ink = RGBColor(r, g, b);
        let style = TextStyle::from((FONT, size as f64).into_font())
            .color(&ink)
            .pos(Pos::new(h, VPos::Center));
        self.plot(|area| area.draw_text(text, &style, (x as i32, y as i32)))
    }

    /// Text that runs upwards, centred on (x, y).
    pub fn text_up(
        &mut self,
        x: usize,
        y: usize,
        size: usize,
        colour: Rgb,
        text: &str,
    ) -> Result<()> {
        let [r, g, b] = colour;
        let ink = RGBColor(r, g, b);
        let font = (FONT, size as f64).into_font().transform(FontTransform::Rotate270);
        let style = TextStyle::from(font).color(&ink).pos(Pos::new(HPos::Center, VPos::Center));
        self.plot(|area| area.draw_text(text, &style, (x as i32, y as i32)))
    }

    /// Width of a text in pixels.
    pub fn text_width(size: usize, text: &str) -> usize {
        with_font();
        (FONT, size as f64).into_font().box_size(text).map_or(0, |(w, _)| w as usize)
    }

    /// Samples `[y, x]` as squares of `zoom` pixels.
    pub fn samples(
        &mut self,
        x: usize,
        y: usize,
        zoom: usize,
        samples: [usize; 2],
        colour: impl Fn(usize) -> Rgb,
    ) {
        for j in 0..samples[0] {
            for i in 0..samples[1] {
                let c = colour(j * samples[1] + i);
                self.fill(x + i * zoom, y + j * zoom, [zoom, zoom], c);
            }
        }
    }

    /// A vertical colour bar, `map(0)` at the bottom.
    pub fn bar(&mut self, x: usize, y: usize, size: [usize; 2], map: impl Fn(f64) -> Rgb) {
        for v in 0..size[1] {
            let t = 1.0 - (v as f64 + 0.5) / size[1] as f64;
            self.fill(x, y + v, [size[0], 1], map(t));
        }
        self.frame(x, y, size, 1, RULE);
    }

    /// Writes a PNG, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        use image::ImageEncoder;
        let mut png = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut png);
        let (w, h) = (self.width as u32, self.height as u32);
        encoder
            .write_image(&self.pixels, w, h, image::ExtendedColorType::Rgb8)
            .map_err(|e| Error::format(path, format!("cannot be encoded: {e}")))?;
        atomic::write(path, |out| out.write_all(&png))
    }
}
