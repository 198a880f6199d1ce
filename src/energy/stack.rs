//! Diffractive stacks in free space, one image a frame:
//!
//! E/inference = E_light/η + E_input + n_det (E_receiver + E_ADC) + P_hold/rate + P_control/rate
//!
//! Printed masks cost nothing; panels cost their power as long as a frame lasts. Terahertz photons
//! (2.65e-22 J at 0.4 THz) lie far below kT: there the receiver's NEP and thermal noise, not shot
//! noise, say what light a detector needs. In the visible a camera counts electrons.
//!
//! What a linear stack with intensity detectors computes is one real quadratic form x^T Re(Q) x a
//! detector, of a rank near the modes that fit the detector's size: 2·inputs·rank real MACs each, or
//! the inputs·(inputs + 1)/2 of a symmetric form, and not layers x N² "connections". Of a trained
//! stack the rank is the one that its detectors can tell from noise ([`super::rank`]).

use super::budget::{Budget, Input, Latency, adc, memory};
use super::draw::Draw;
use super::laws::{BOLTZMANN, SPEED_OF_LIGHT, camera_electrons, photon_energy, snr, transmission};
use super::rank::real_macs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    Terahertz,
    Visible,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masks {
    /// Fixed for good.
    Printed,
    /// Liquid crystal, which holds by power and can learn.
    Panels,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    pub band: Band,
    pub masks: Masks,
    pub layers: usize,
    /// Samples of one mask; the figure of the band where none.
    pub pixels: Option<f64>,
    /// In metres; likewise.
    pub wavelength: Option<f64>,
    /// Numbers of one image.
    pub inputs: usize,
    /// Regions that are read.
    pub regions: usize,
    /// Modes that fit one region: about the rank of its quadratic form.
    pub rank: usize,
    /// Real MACs at the rank that its detectors can tell from noise, where it was trained.
    pub useful: Option<f64>,
    /// From source to detector in metres.
    pub length: f64,
}

/// What one terahertz detector must get in one frame, by each noise alone, in J.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terahertz {
    /// √SNR·NEP/√rate.
    pub receiver: f64,
    /// kT·SNR.
    pub thermal: f64,
    /// 2hν·SNR.
    pub shot: f64,
}

impl Terahertz {
    pub fn of(d: &Draw, bits: f64, rate: f64, wavelength: f64) -> Self {
        let snr = snr(bits);
        Self {
            receiver: snr.sqrt() * d.get("thz.nep") / rate.sqrt(),
            thermal: BOLTZMANN * d.get("host.temperature") * snr,
            shot: 2.0 * photon_energy(wavelength) * snr,
        }
    }

    fn most(self) -> f64 {
        self.receiver.max(self.thermal).max(self.shot)
    }
}

/// Electrons of one region and the camera pixels that hold them.
fn exposure(d: &Draw, bits: f64) -> [f64; 2] {
    let (read, well) = (d.get("slm.read_noise"), d.get("slm.full_well"));
    let pixels = d.get("slm.region_pixels");
    let electrons = camera_electrons(snr(bits), read, pixels);
    if electrons <= pixels * well {
        return [electrons, pixels];
    }
    // As many full pixels as it takes: SNR = n/(1 + r²/well).
    let electrons = snr(bits) * (1.0 + read * read / well);
    [electrons, electrons / well]
}

impl Stack {
    /// The same as a matrix of n x n: each output one complex row, rank 1. None where the masks
    /// have fewer phases than it has weights.
    pub fn of_size(&self, d: &Draw, n: usize) -> Option<Self> {
        let weights = (n * n) as f64;
        (weights <= self.weights(d)).then(|| Self {
            inputs: n,
            regions: n,
            rank: 1,
            useful: None,
            ..self.clone()
        })
    }

    /// Phases of all masks: the most complex weights that they can hold.
    pub fn weights(&self, d: &Draw) -> f64 {
        self.layers as f64 * self.pixels(d)
    }

    fn pixels(&self, d: &Draw) -> f64 {
        self.pixels.unwrap_or_else(|| match self.band {
            Band::Terahertz => d.get("thz.mask_pixels"),
            Band::Visible => d.get("slm.panel_pixels"),
        })
    }

    fn wavelength(&self, d: &Draw) -> f64 {
        self.wavelength.unwrap_or_else(|| match self.band {
            Band::Terahertz => d.get("thz.wavelength"),
            Band::Visible => d.get("slm.wavelength"),
        })
    }

    /// Real MACs that an image stands for: of the modes that fit, where its rank was not computed.
    pub fn macs(&self) -> f64 {
        self.useful.unwrap_or_else(|| {
            self.regions as f64 * real_macs(self.inputs as f64, self.rank as f64)
        })
    }

    /// Complex MACs of real inputs, of the modes that fit.
    pub fn complex_macs(&self) -> f64 {
        (self.regions * self.inputs * self.rank) as f64
    }

    /// What papers count: every sample of each mask to every one of the next plane.
    pub fn connections(&self, d: &Draw) -> f64 {
        self.layers as f64 * self.pixels(d).powi(2)
    }

    /// Share of the launched light in the regions that are read.
    pub fn transmission(&self, d: &Draw, input: Input) -> f64 {
        let layers = self.layers as f64;
        let (mask, panel, share) = match self.band {
            Band::Terahertz => {
                (d.get("thz.mask_loss"), d.get("thz.panel_loss"), d.get("thz.on_detector"))
            }
            Band::Visible => {
                let loss = d.get("slm.panel_loss");
                (
                    if self.masks == Masks::Panels { loss } else { 0.0 },
                    loss,
                    d.get("slm.on_detector"),
                )
            }
        };
        let panel = if input == Input::Memory { panel } else { 0.0 };
        share * transmission(layers * mask + panel)
    }

    /// Frames a second.
    pub fn rate(&self, d: &Draw, bits: f64, input: Input) -> f64 {
        match self.band {
            Band::Visible => match input {
                Input::Memory => d.get("slm.panel_rate").min(d.get("slm.camera_rate")),
                Input::Scene => d.get("slm.camera_rate"),
            },
            Band::Terahertz => {
                let readout = d.get("thz.receiver_rate");
                let wanted = match input {
                    Input::Memory => readout.min(d.get("thz.panel_rate")),
                    Input::Scene => readout,
                };
                // As much as the source gives each detector: power = energy x rate.
                let each =
                    d.get("thz.source_power") * self.transmission(d, input) / self.regions as f64;
                let one = Terahertz::of(d, bits, 1.0, self.wavelength(d));
                let by_receiver = (each / one.receiver).powi(2);
                let by_light = each / one.thermal.max(one.shot);
                wanted.min(by_receiver).min(by_light)
            }
        }
    }

    /// J of light launched a frame.
    pub fn light(&self, d: &Draw, bits: f64, input: Input) -> f64 {
        let each = match self.band {
            Band::Terahertz => {
                let rate = self.rate(d, bits, input);
                Terahertz::of(d, bits, rate, self.wavelength(d)).most()
            }
            Band::Visible => {
                let photon = photon_energy(self.wavelength(d));
                exposure(d, bits)[0] * photon / d.get("slm.quantum_efficiency")
            }
        };
        self.regions as f64 * each / self.transmission(d, input)
    }

    pub fn budget(&self, d: &Draw, bits: f64, input: Input) -> Budget {
        let rate = self.rate(d, bits, input);
        let (regions, memories) = (self.regions as f64, input == Input::Memory);
        let mut all = Budget::new(self.macs(), rate);
        let of = |terahertz, visible| match self.band {
            Band::Terahertz => terahertz,
            Band::Visible => visible,
        };
        all.light(d, "light", |d| {
            let light = self.light(d, bits, input);
            [light, light / d.get(of("thz.wall_plug", "slm.wall_plug"))]
        });
        let frames = |d: &Draw| self.rate(d, bits, input);
        if memories {
            let panel = of("thz.panel_power", "slm.panel_power");
            all.driven(d, "input panel", |d| d.get(panel) / frames(d));
        }
        if self.masks == Masks::Panels {
            let layers = self.layers as f64;
            all.driven(d, "mask panels", |d| layers * d.get("slm.panel_power") / frames(d));
        }
        match self.band {
            Band::Terahertz => {
                all.electronics(d, "receivers", |d| {
                    regions * d.get("thz.receiver_power") / frames(d)
                });
                all.electronics(d, "ADCs", |d| regions * adc(d, bits, frames(d)));
            }
            Band::Visible => all.electronics(d, "camera", |d| {
                regions * exposure(d, bits)[1] * d.get("slm.camera_pixel")
            }),
        }
        let numbers = regions + if memories { self.inputs as f64 } else { 0.0 };
        all.electronics(d, "memory", |d| memory(d, numbers, bits));
        all.electronics(d, "control", |d| d.get(of("thz.control", "slm.control")) / frames(d));
        all
    }

    pub fn latency(&self, d: &Draw, bits: f64, input: Input) -> Latency {
        let rate = self.rate(d, bits, input);
        let panels = self.masks == Masks::Panels;
        let (switch, reload) = if panels {
            let frame = d.get("slm.panel_rate").recip();
            (Some(frame), self.layers as f64 * d.get("slm.panel_power") * frame)
        } else {
            (None, 0.0)
        };
        let mut all = Latency::new(rate, switch, reload);
        if input == Input::Memory {
            let key = match self.band {
                Band::Terahertz => "thz.panel_rate",
                Band::Visible => "slm.panel_rate",
            };
            all.delay(d, "input panel", |d| d.get(key).recip());
        }
        all.delay(d, "time of flight", |_| self.length / SPEED_OF_LIGHT);
        match self.band {
            Band::Terahertz => {
                all.delay(d, "integration", |d| self.rate(d, bits, input).recip());
            }
            Band::Visible => all.delay(d, "camera frame", |d| d.get("slm.camera_rate").recip()),
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::library::Library;

    fn lin() -> Stack {
        Stack {
            band: Band::Terahertz,
            masks: Masks::Printed,
            layers: 5,
            pixels: None,
            wavelength: None,
            inputs: 784,
            regions: 10,
            rank: 126,
            useful: None,
            length: 0.18,
        }
    }

    /// At 0.4 THz shot noise is the least of the three, by more than ten.
    #[test]
    fn terahertz_light_is_thermal() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        for bits in [4.0, 8.0] {
            let t = Terahertz::of(&d, bits, 1e3, 0.75e-3);
            assert!(t.receiver > 10.0 * t.thermal && t.thermal > 7.0 * t.shot, "{t:?}");
            // Independent numbers: kT = 4.14e-21 J at 300 K, hν = 2.65e-22 J.
            assert!((t.thermal / t.shot / (4.142e-21 / (2.0 * 2.649e-22)) - 1.0).abs() < 1e-3);
        }
    }

    /// Useful MACs stay far below the 8e9 connections that the paper's layers have.
    #[test]
    fn useful_macs_are_those_of_the_rank() {
        assert_eq!(lin().macs(), 10.0 * 2.0 * 126.0 * 785.0);
        let full = Stack { rank: 784, ..lin() };
        assert_eq!(full.macs(), 10.0 * 784.0 * 785.0 / 2.0);
        assert!(full.macs() < 8e9 / 1000.0);
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        assert_eq!((lin().complex_macs(), lin().connections(&d)), (987_840.0, 8e9));
        // What was computed goes before what is bounded, of this stack and of no other size.
        let counted = Stack { useful: Some(1e5), ..lin() };
        assert_eq!(counted.macs(), 1e5);
        assert_eq!(counted.of_size(&d, 50), lin().of_size(&d, 50));
    }

    /// A source that is too weak makes frames longer, not answers worse.
    #[test]
    fn a_weak_source_is_slow() {
        let rate = |power: &str| {
            let mut library = Library::built_in().expect("they are right");
            library.set(power).expect("a power");
            let d = Draw::typical(&library);
            let rate = lin().rate(&d, 8.0, Input::Memory);
            // The light that is needed is what the source gives, or less.
            let power = lin().light(&d, 8.0, Input::Memory) * rate;
            assert!(power <= d.get("thz.source_power") * (1.0 + 1e-12));
            rate
        };
        let (strong, weak) = (rate("thz.source_power=1 W"), rate("thz.source_power=1 nW"));
        assert_eq!(strong, 1e3);
        assert!(weak < strong / 100.0, "{weak}");
        // By a receiver's noise: power by √rate.
        assert!((rate("thz.source_power=2 nW") / weak - 4.0).abs() < 1e-9);
    }

    /// A region's pixels hold what its bits need, however many.
    #[test]
    fn wells_are_never_too_full() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        for bits in [2.0, 4.0, 8.0, 12.0] {
            let [electrons, pixels] = exposure(&d, bits);
            assert!(electrons <= pixels * d.get("slm.full_well") * (1.0 + 1e-12));
            let read = d.get("slm.read_noise");
            let got = electrons * electrons / (electrons + pixels * read * read);
            assert!((got / snr(bits) - 1.0).abs() < 1e-12, "{bits}");
        }
    }

    /// Light that carries its data needs no input panel, and the masks end the size.
    #[test]
    fn scenes_and_sizes() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        let slm = Stack { band: Band::Visible, masks: Masks::Panels, ..lin() };
        let names = |input| -> Vec<&str> {
            slm.budget(&d, 4.0, input).terms.iter().map(|t| t.name).collect()
        };
        assert!(names(Input::Memory).contains(&"input panel"));
        assert!(!names(Input::Scene).contains(&"input panel"));
        // 5 x 40,000 phases are 447² weights.
        assert!(lin().of_size(&d, 447).is_some() && lin().of_size(&d, 448).is_none());
    }
}
