//! What stands in the beam, in order: free space, masks, apertures, lenses, monitors.

use std::path::PathBuf;

use num_complex::Complex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::Grid;
use super::mesh::Topology;
use crate::units::Metres;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Element {
    FreeSpace(FreeSpace),
    PhaseMask(PhaseMask),
    AmplitudeMask(AmplitudeMask),
    Aperture(Aperture),
    Lens(Lens),
    Monitor(Monitor),
    Mesh(MeshElement),
    Svd(SvdElement),
    Activation(ActivationElement),
    Detect(DetectElement),
    Couple(CoupleElement),
}

/// U: a mesh of Mach-Zehnder interferometers on all guides ([`super::mesh`]).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshElement {
    #[serde(default)]
    pub topology: Topology,
    /// Internal phases drive both arms.
    #[serde(default)]
    pub symmetric: bool,
    #[serde(default)]
    pub init: MeshInit,
    #[serde(default = "yes")]
    pub trainable: bool,
}

/// U Σ V†: two meshes and a row of attenuators between them, any matrix up to a gain.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SvdElement {
    #[serde(default)]
    pub topology: Topology,
    #[serde(default)]
    pub symmetric: bool,
    #[serde(default)]
    pub init: MeshInit,
    /// Guides behind the layer; as many as before it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<usize>,
    /// Amplitude that the attenuators let through at first, 0..1.
    #[serde(default = "default_attenuation")]
    pub attenuation: f64,
}

/// The phases before training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeshInit {
    /// Those of a Haar-random unitary; of a butterfly, at random.
    #[default]
    Haar,
    /// Every cell in the bar state, without a phase.
    Identity,
}

/// y = h(|x|²) x on every guide; P in units of the input's power.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "function", rename_all = "snake_case", deny_unknown_fields)]
pub enum ActivationElement {
    /// A share `tap` of the power drives a modulator: i √(1-tap) exp(-iψ/2) cos(ψ/2),
    /// ψ = gain P + bias (Williamson 2020, IEEE JSTQE 26, 7700412).
    ElectroOptic {
        #[serde(default = "default_tap")]
        tap: f64,
        /// Radians a unit of power.
        #[serde(default = "default_gain")]
        gain: f64,
        /// Radians.
        #[serde(default = "default_bias")]
        bias: f64,
    },
    /// exp(-absorption / (2 (1 + P / saturation))).
    Saturable { absorption: f64, saturation: f64 },
    /// exp(i gamma P).
    Kerr { gamma: f64 },
    /// ½ (softplus(2(m - threshold)) - ln(1 + exp(-2 threshold))) on the modulus m (Fang 2019,
    /// Opt. Express 27, 14009).
    Softplus { threshold: f64 },
}

/// A camera, and a fresh wave whose amplitude follows the intensity that it read: light is measured
/// and modulated again between layers, E' = √(power / Σ I²) I. Without `power` the wave has as much
/// as the source.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectElement {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
}

/// From a plane into the guides of a chip: the plane is cut into k x k blocks, k² = `modes`, and each
/// couples into its guide what overlaps with a Gaussian mode at its centre, of amplitude radius
/// `waist` blocks, normalised to power 1. From here on the elements of a chip follow.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoupleElement {
    pub modes: usize,
    #[serde(default = "default_waist")]
    pub waist: f64,
}

fn default_waist() -> f64 {
    0.35
}

impl CoupleElement {
    /// The mode of each guide on the plane `[samples, modes]`: c = Σ mode E.
    pub fn profiles(&self, grid: &Grid) -> Vec<f64> {
        let k = self.modes.isqrt().max(1);
        let block = grid.extent().map(|e| e / k as f64);
        let mut all = vec![0.0; grid.len() * self.modes];
        for m in 0..self.modes {
            let centre = [0, 1].map(|a| {
                let n = if a == 0 { m / k } else { m % k };
                (n as f64 + 0.5 - k as f64 / 2.0) * block[a]
            });
            let mode = grid.map(|y, x| {
                let u = [(y - centre[0]) / block[0], (x - centre[1]) / block[1]];
                let inside = u.iter().all(|u| u.abs() <= 0.5);
                let r2 = (u[0] * u[0] + u[1] * u[1]) / (self.waist * self.waist);
                if inside { (-r2).exp() } else { 0.0 }
            });
            let norm = mode.iter().map(|v| v * v).sum::<f64>().sqrt();
            for (p, v) in mode.into_iter().enumerate().filter(|(_, v)| *v != 0.0) {
                all[p * self.modes + m] = v / norm;
            }
        }
        all
    }
}

fn default_attenuation() -> f64 {
    0.7
}

fn default_tap() -> f64 {
    0.1
}

fn default_gain() -> f64 {
    0.05 * std::f64::consts::PI
}

fn default_bias() -> f64 {
    std::f64::consts::PI
}

/// Propagation over z by the band-limited angular spectrum.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreeSpace {
    /// Distance; negative is the conjugate, not the inverse, where waves decay.
    pub z: Metres,
    /// Sideways shift (y, x) of the next plane against this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<[Metres; 2]>,
    /// Which of `z`, `pitch`, `offset` the optimiser may move.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trainable: Vec<Geometry>,
    /// z, y and x of a step that was moved, as it was designed: its band limit stays.
    #[serde(skip)]
    pub designed: Option<[Metres; 3]>,
}

/// A quantity of free space that can be trained through its transfer function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Geometry {
    Z,
    Pitch,
    Offset,
}

/// E' = exp(i φ) E, one φ per sample.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseMask {
    #[serde(default)]
    pub init: MaskInit,
    /// `.npy` of phases in radians `[y, x]`, in place of `init`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// φ is kept within `[low, high]` radians, both finite; free when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<[f64; 2]>,
    #[serde(default = "yes")]
    pub trainable: bool,
}

/// E' = a E, 0 <= a <= 1.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmplitudeMask {
    /// `.npy` of amplitudes `[y, x]`; all ones when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    #[serde(default)]
    pub trainable: bool,
}

/// How the phases of a mask start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaskInit {
    #[default]
    Zero,
    /// Uniform over the bounds, or over one turn.
    Random,
}

/// An opening in a black screen; samples on the edge let their covered share of amplitude through.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aperture {
    pub shape: Outline,
    /// Diameter, or side: one length or (y, x).
    pub size: super::grid::PerAxis<Metres>,
    /// Centre (y, x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre: Option<[Metres; 2]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outline {
    /// A rectangle where the sizes differ.
    #[default]
    Square,
    /// An ellipse where the sizes differ.
    Circle,
}

/// A thin lens, φ = -π (x² + y²) / (λ f) (Goodman, Fourier Optics, eq. 5-10).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lens {
    /// Focal length, negative for a diverging lens.
    pub f: Metres,
}

/// Shows the field at this plane under a name; the light passes unchanged.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    pub name: String,
}

fn yes() -> bool {
    true
}

/// Points per axis at which the cover of an edge sample is counted: an error of at most
/// 1/32 of the sample's area where an edge crosses it.
const SUPERSAMPLE: usize = 32;

impl Outline {
    /// Share of each sample's cell that lies inside, `[y, x]`, 0..1.
    ///
    /// `centre` and `size` are (y, x) in metres; `size` is the full width.
    pub fn cover(self, grid: &Grid, centre: [f64; 2], size: [f64; 2]) -> Vec<f64> {
        let half = size.map(|s| s / 2.0);
        match self {
            // Exact: the overlap of two intervals along each axis.
            Self::Square => {
                let along = |a: usize, p: f64| {
                    let (low, high) = (p - grid.pitch[a] / 2.0, p + grid.pitch[a] / 2.0);
                    let overlap = high.min(centre[a] + half[a]) - low.max(centre[a] - half[a]);
                    (overlap / grid.pitch[a]).clamp(0.0, 1.0)
                };
                grid.map(|y, x| along(0, y) * along(1, x))
            }
            Self::Circle => {
                let inside = |y: f64, x: f64| {
                    let (v, u) = ((y - centre[0]) / half[0], (x - centre[1]) / half[1]);
                    v * v + u * u <= 1.0
                };
                grid.map(|y, x| {
                    let corners = [(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)]
                        .map(|(v, u)| inside(y + v * grid.pitch[0], x + u * grid.pitch[1]));
                    let near = [centre[0] - y, centre[1] - x];
                    let holds_centre = (0..2).all(|a| near[a].abs() <= grid.pitch[a] / 2.0);
                    let crossed = (0..2).any(|a| {
                        // An axis of the ellipse may end inside a cell whose corners are all outside.
                        let other = 1 - a;
                        near[other].abs() <= grid.pitch[other] / 2.0
                            && near[a].abs() <= half[a] + grid.pitch[a] / 2.0
                    });
                    if corners.iter().all(|&c| c) {
                        return 1.0;
                    }
                    if !corners.iter().any(|&c| c) && !holds_centre && !crossed {
                        return 0.0;
                    }
                    let step = |k: usize| (k as f64 + 0.5) / SUPERSAMPLE as f64 - 0.5;
                    let hits = (0..SUPERSAMPLE * SUPERSAMPLE)
                        .filter(|k| {
                            inside(
                                y + step(k / SUPERSAMPLE) * grid.pitch[0],
                                x + step(k % SUPERSAMPLE) * grid.pitch[1],
                            )
                        })
                        .count();
                    hits as f64 / (SUPERSAMPLE * SUPERSAMPLE) as f64
                })
            }
        }
    }
}

impl Aperture {
    /// Amplitude transmission `[y, x]`.
    pub fn transmission(&self, grid: &Grid) -> Vec<f64> {
        let centre = self.centre.map_or([0.0; 2], |c| c.map(|m| m.0));
        self.shape.cover(grid, centre, [self.size.y().0, self.size.x().0])
    }
}

impl Lens {
    /// exp(-iπ r² / (λ f)) `[y, x]`, the phase reduced in f64.
    pub fn phasor(&self, grid: &Grid, wavelength: f64) -> Vec<Complex<f64>> {
        grid.map(|y, x| {
            Complex::cis(std::f64::consts::TAU * self.turns([y, x], wavelength).fract())
        })
    }

    /// -r² / (2 λ f): turns of phase at a place `[y, x]` in metres.
    pub fn turns(&self, [y, x]: [f64; 2], wavelength: f64) -> f64 {
        -(x * x + y * y) / (2.0 * wavelength * self.f.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Areas: πab of an ellipse to a thousandth, a rectangle exactly, off centre and between samples.
    #[test]
    fn outlines_cover_their_area() {
        let grid = Grid { samples: [40, 50], pitch: [1.0, 0.5] };
        let area = |cover: &[f64]| cover.iter().sum::<f64>() * 0.5;
        for (centre, size) in [([0.0, 0.0], [20.0, 10.0]), ([3.3, -2.1], [12.7, 7.3])] {
            let ellipse = Outline::Circle.cover(&grid, centre, size);
            let exact = std::f64::consts::PI * size[0] * size[1] / 4.0;
            assert!((area(&ellipse) / exact - 1.0).abs() < 1e-3, "{}", area(&ellipse));
            let square = Outline::Square.cover(&grid, centre, size);
            assert!((area(&square) / (size[0] * size[1]) - 1.0).abs() < 1e-12);
            assert!(ellipse.iter().chain(&square).all(|c| (0.0..=1.0).contains(c)));
        }
        // A circle smaller than a sample still lets its share through.
        let small = Outline::Circle.cover(&grid, [0.5, 0.25], [0.3, 0.3]);
        assert!((area(&small) / (std::f64::consts::PI * 0.0225) - 1.0).abs() < 0.05);
    }
}
