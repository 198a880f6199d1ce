//! What an optical machine is: grid, source, elements, detector, and the transfer functions
//! between them. Nothing here knows how a machine is computed.

pub mod detector;
pub mod element;
pub mod encoding;
pub mod grid;
pub mod hardware;
pub mod mesh;
pub mod sampling;
pub mod source;
pub mod transfer;
pub mod zernike;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use detector::Detector;
pub use element::Element;
pub use encoding::Encoding;
pub use grid::Grid;
pub use hardware::Hardware;
pub use source::Source;

use crate::units::Metres;

/// An optical machine: light of one wavelength through a row of elements to a detector.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Optic {
    pub wavelength: Metres,
    /// Guides of a chip, in place of `pitch` and `samples`: fields are `[1, modes]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<usize>,
    /// Distance between samples, `"0.4 mm"` or `["0.4 mm", "0.8 mm"]` (y, x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch: Option<grid::PerAxis<Metres>>,
    /// Samples across, `64` or `[64, 96]` (y, x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<grid::PerAxis<usize>>,
    /// Linear size of the padded window over the field's; at least 2 in open space.
    #[serde(default = "default_pad")]
    pub pad: f64,
    #[serde(default)]
    pub boundary: Boundary,
    #[serde(default)]
    pub source: Source,
    /// How a sample of the data set becomes light; absent in a scene without data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Encoding>,
    pub element: Vec<Element>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<Detector>,
}

/// What lies outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// Empty space: a linear convolution, padded, with the band-limited angular spectrum.
    #[default]
    Open,
    /// The window repeats for ever: a cyclic convolution, unpadded, without a band limit.
    Periodic,
}

/// Distance between guides, that of a fibre array; only pictures show it.
const GUIDE_PITCH: f64 = 127e-6;

pub fn default_pad() -> f64 {
    2.0
}

impl Optic {
    pub fn grid(&self) -> Grid {
        if let Some(n) = self.modes {
            return Grid { samples: [1, n], pitch: [GUIDE_PITCH; 2] };
        }
        // What is missing is refused before anyone asks.
        Grid {
            samples: self.samples.map_or([0; 2], |n| [n.y(), n.x()]),
            pitch: self.pitch.map_or([0.0; 2], |p| [p.y().0, p.x().0]),
        }
    }

    /// Guides behind so many elements, if the light is in a chip there.
    pub fn guides(&self, elements: usize) -> Option<usize> {
        let mut coupled = self.element[..elements].iter().rev().filter_map(|e| match e {
            Element::Couple(couple) => Some(couple.modes),
            Element::Svd(layer) => layer.outputs,
            _ => None,
        });
        coupled.next().or(self.modes)
    }

    /// Shape of the field behind so many elements, `[y, x]`.
    pub fn shape(&self, elements: usize) -> [usize; 2] {
        self.guides(elements).map_or_else(|| self.grid().samples, |modes| [1, modes])
    }

    /// Shape of a field of so many values: the window's, or a row of guides, whose number may change
    /// from element to element.
    pub fn shape_of(&self, values: usize) -> [usize; 2] {
        let window = self.grid().samples;
        if values == window[0] * window[1] { window } else { [1, values] }
    }

    /// Samples of the padded window `[y, x]` in which free space is convolved.
    pub fn padded(&self) -> [usize; 2] {
        let grid = self.grid();
        match self.boundary {
            Boundary::Periodic => grid.samples,
            Boundary::Open => grid.samples.map(|n| transfer::padded_length(n, self.pad)),
        }
    }

    /// The transfer function of one of its steps of free space.
    pub fn transfer(&self, step: &element::FreeSpace) -> transfer::Transfer {
        transfer::Transfer {
            wavelength: self.wavelength.0,
            pitch: self.grid().pitch,
            padded: self.padded(),
            z: step.z.0,
            offset: step.offset.map_or([0.0; 2], |o| o.map(|m| m.0)),
            band_limit: self.boundary == Boundary::Open,
            designed: step.designed.map(|[z, y, x]| (z.0, [y.0, x.0])),
        }
    }
}
