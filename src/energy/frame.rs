//! What a frame of a diffractive stack takes, one image each:
//!
//! E/inference = E_light/η + E_input + n_det (E_receiver + E_ADC) + P_hold/rate + P_control/rate
//!
//! A camera between layers is a detector or pixels and a number in memory for every sample of its plane,
//! a panel (one modulator a sample, with its driver) and the light of a fresh wave; frames wait for
//! the slowest. A digital layer behind the detectors is MACs of an edge accelerator ([`super::edge`]),
//! which are not the light's, and its weights from memory.
//!
//! Printed masks cost nothing; panels cost their power as long as a frame lasts. Terahertz photons
//! (2.65e-22 J at 0.4 THz) lie far below kT: there the receiver's NEP and thermal noise, not shot
//! noise, say what light a detector needs. In the visible a camera counts electrons.

use super::budget::{Budget, Input, Latency, adc, memory};
use super::draw::Draw;
use super::edge::Work;
use super::laws::{BOLTZMANN, SPEED_OF_LIGHT, camera_electrons, photon_energy, snr, transmission};
use super::stack::{Band, Masks, Stack};

/// From one fresh wave to where it is read.
#[derive(Debug, Clone, Copy)]
struct Leg {
    /// Detectors, or samples of a camera.
    reads: f64,
    /// Detectors see a part of the light, a camera all of it.
    camera: bool,
    masks: f64,
    /// A panel puts numbers on the wave.
    panel: bool,
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

/// Electrons of what so many camera pixels read together, and the pixels that hold them.
fn exposure(d: &Draw, bits: f64, pixels: f64) -> [f64; 2] {
    let (read, well) = (d.get("slm.read_noise"), d.get("slm.full_well"));
    let electrons = camera_electrons(snr(bits), read, pixels);
    if electrons <= pixels * well {
        return [electrons, pixels];
    }
    // As many full pixels as it takes: SNR = n/(1 + r²/well).
    let electrons = snr(bits) * (1.0 + read * read / well);
    [electrons, electrons / well]
}

impl Stack {
    /// Those to each camera, then the one to the detectors; masks are shared out evenly.
    fn legs(&self, d: &Draw, input: Input) -> Vec<Leg> {
        let masks = self.layers as f64 / (self.cameras + 1) as f64;
        let leg = |k: usize| {
            let camera = k < self.cameras;
            let reads = if camera { self.pixels(d) } else { self.regions as f64 };
            Leg { reads, camera, masks, panel: k > 0 || input == Input::Memory }
        };
        (0..=self.cameras).map(leg).collect()
    }

    /// Share of a leg's launched light that is read.
    fn transmission(&self, d: &Draw, leg: Leg) -> f64 {
        let (mask, panel, share) = match self.band {
            Band::Terahertz => ("thz.mask_loss", "thz.panel_loss", "thz.on_detector"),
            Band::Visible => ("slm.panel_loss", "slm.panel_loss", "slm.on_detector"),
        };
        let lossy = self.band == Band::Terahertz || self.masks == Masks::Panels;
        let mask = if lossy { leg.masks * d.get(mask) } else { 0.0 };
        let panel = if leg.panel { d.get(panel) } else { 0.0 };
        let share = if leg.camera { 1.0 } else { d.get(share) };
        share * transmission(mask + panel)
    }

    /// The digital layer: its weights, a MAC each.
    fn digital(&self) -> Work {
        Work { macs: self.head, reads: self.head }
    }

    /// Frames a second.
    pub fn rate(&self, d: &Draw, bits: f64, input: Input) -> f64 {
        self.digital().within(d, bits, self.frames(d, bits, input))
    }

    /// Frames a second that the optics has.
    fn frames(&self, d: &Draw, bits: f64, input: Input) -> f64 {
        let panels = input == Input::Memory || self.cameras > 0;
        match self.band {
            Band::Visible if panels => d.get("slm.panel_rate").min(d.get("slm.camera_rate")),
            Band::Visible => d.get("slm.camera_rate"),
            Band::Terahertz => {
                let readout = d.get("thz.receiver_rate");
                let wanted = if panels { readout.min(d.get("thz.panel_rate")) } else { readout };
                let one = Terahertz::of(d, bits, 1.0, self.wavelength(d));
                let within = |rate: f64, leg: Leg| {
                    // As much as the source gives each detector: power = energy x rate.
                    let each = d.get("thz.source_power") * self.transmission(d, leg) / leg.reads;
                    let by_receiver = (each / one.receiver).powi(2);
                    rate.min(by_receiver).min(each / one.thermal.max(one.shot))
                };
                self.legs(d, input).into_iter().fold(wanted, within)
            }
        }
    }

    /// J of light launched a frame.
    pub fn light(&self, d: &Draw, bits: f64, input: Input) -> f64 {
        let each = |leg: Leg| match self.band {
            Band::Terahertz => {
                let rate = self.rate(d, bits, input);
                Terahertz::of(d, bits, rate, self.wavelength(d)).most()
            }
            Band::Visible => {
                let photon = photon_energy(self.wavelength(d));
                let pixels = if leg.camera { 1.0 } else { d.get("slm.region_pixels") };
                exposure(d, bits, pixels)[0] * photon / d.get("slm.quantum_efficiency")
            }
        };
        let legs = self.legs(d, input).into_iter();
        legs.map(|leg| leg.reads * each(leg) / self.transmission(d, leg)).sum()
    }

    /// J to read one sample of a camera between layers in one frame.
    fn sample(&self, d: &Draw, bits: f64, rate: f64) -> f64 {
        match self.band {
            Band::Terahertz => d.get("thz.receiver_power") / rate + adc(d, bits, rate),
            Band::Visible => exposure(d, bits, 1.0)[1] * d.get("slm.camera_pixel"),
        }
    }

    /// W while no light is sent: all panels, and control.
    pub fn standing(&self, d: &Draw) -> f64 {
        let (panel, control) = match self.band {
            Band::Terahertz => ("thz.panel_power", "thz.control"),
            Band::Visible => ("slm.panel_power", "slm.control"),
        };
        let masks = match self.masks {
            Masks::Panels => self.layers as f64 * d.get("slm.panel_power"),
            Masks::Printed => 0.0,
        };
        (1 + self.cameras) as f64 * d.get(panel) + masks + d.get(control)
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
                let pixels = exposure(d, bits, d.get("slm.region_pixels"))[1];
                regions * pixels * d.get("slm.camera_pixel")
            }),
        }
        if self.cameras > 0 {
            let panel = of("thz.panel_power", "slm.panel_power");
            let cameras = self.cameras as f64;
            all.driven(d, "panels between layers", |d| cameras * d.get(panel) / frames(d));
            all.electronics(d, "cameras between layers", |d| {
                let reads = cameras * self.pixels(d);
                reads * self.sample(d, bits, frames(d))
            });
        }
        if self.head > 0.0 {
            all.electronics(d, "digital head", |d| self.digital().energy(d, bits));
        }
        let between = 2.0 * self.cameras as f64 * self.pixels.unwrap_or(0.0);
        let numbers = regions + between + if memories { self.inputs as f64 } else { 0.0 };
        all.electronics(d, "memory", |d| memory(d, numbers, bits));
        all.electronics(d, "control", |d| d.get(of("thz.control", "slm.control")) / frames(d));
        all
    }

    pub fn latency(&self, d: &Draw, bits: f64, input: Input) -> Latency {
        let rate = self.rate(d, bits, input);
        let switch = (self.masks == Masks::Panels).then(|| d.get("slm.panel_rate").recip());
        // Panels take the same power while they switch.
        let mut all = Latency::new(rate, switch, 0.0);
        let key = match self.band {
            Band::Terahertz => "thz.panel_rate",
            Band::Visible => "slm.panel_rate",
        };
        if input == Input::Memory {
            all.delay(d, "input panel", |d| d.get(key).recip());
        }
        if self.cameras > 0 {
            let cameras = self.cameras as f64;
            all.delay(d, "panels between layers", |d| cameras * d.get(key).recip());
            all.delay(d, "cameras between layers", |d| {
                let frame = match self.band {
                    Band::Terahertz => self.rate(d, bits, input),
                    Band::Visible => d.get("slm.camera_rate"),
                };
                cameras / frame
            });
        }
        all.delay(d, "time of flight", |_| self.length / SPEED_OF_LIGHT);
        match self.band {
            Band::Terahertz => {
                all.delay(d, "integration", |d| self.rate(d, bits, input).recip());
            }
            Band::Visible => all.delay(d, "camera frame", |d| d.get("slm.camera_rate").recip()),
        }
        if self.head > 0.0 {
            all.delay(d, "digital head", |d| self.digital().seconds(d, bits));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::library::Library;

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

    /// A source that is too weak makes frames longer, not answers worse.
    #[test]
    fn a_weak_source_is_slow() {
        let rate = |power: &str| {
            let mut library = Library::built_in().expect("they are right");
            library.set(power).expect("a power");
            let d = Draw::typical(&library);
            let rate = Stack::lin().rate(&d, 8.0, Input::Memory);
            // The light that is needed is what the source gives, or less.
            let power = Stack::lin().light(&d, 8.0, Input::Memory) * rate;
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
            let [electrons, pixels] = exposure(&d, bits, d.get("slm.region_pixels"));
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
        let slm = Stack { band: Band::Visible, masks: Masks::Panels, ..Stack::lin() };
        let names = |input| -> Vec<&str> {
            slm.budget(&d, 4.0, input).terms.iter().map(|t| t.name).collect()
        };
        assert!(names(Input::Memory).contains(&"input panel"));
        assert!(!names(Input::Scene).contains(&"input panel"));
        // 5 x 40,000 phases are 447² weights.
        assert!(Stack::lin().of_size(&d, 447).is_some() && Stack::lin().of_size(&d, 448).is_none());
    }

    /// Every camera between layers costs as much as the first, and as much as its samples do: a
    /// panel, a receiver and a converter a sample, two numbers in memory, a panel's and a frame's
    /// time.
    #[test]
    fn cameras_cost_by_the_sample() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        for (band, each) in [(Band::Terahertz, "ADC"), (Band::Visible, "pixel")] {
            let with = |cameras| Stack { band, pixels: Some(1024.0), cameras, ..Stack::lin() };
            let of = |cameras, name: &str| {
                let budget = with(cameras).budget(&d, 4.0, Input::Memory);
                budget.terms.iter().find(|t| t.name == name).map_or(0.0, |t| t.wall)
            };
            for name in ["panels between layers", "cameras between layers"] {
                assert_eq!(of(0, name), 0.0);
                assert!((of(2, name) / of(1, name) - 2.0).abs() < 1e-12, "{name}");
            }
            let rate = with(1).rate(&d, 4.0, Input::Memory);
            let sample = if each == "ADC" {
                d.get("thz.receiver_power") / rate + adc(&d, 4.0, rate)
            } else {
                exposure(&d, 4.0, 1.0)[1] * d.get("slm.camera_pixel")
            };
            let cameras = of(1, "cameras between layers");
            assert!((cameras / (1024.0 * sample) - 1.0).abs() < 1e-12);
            let memories = of(1, "memory") - of(0, "memory");
            assert!((memories / memory(&d, 2048.0, 4.0) - 1.0).abs() < 1e-12);
            let time = |cameras| with(cameras).latency(&d, 4.0, Input::Memory).single_shot();
            assert!(time(1) > time(0) && (time(2) - 2.0 * time(1) + time(0)).abs() < 1e-12);
            // A camera sees all of its light and needs it on every sample; a fresh wave costs too.
            let one = Stack { layers: 0, ..with(1) };
            let [camera, last] = one.legs(&d, Input::Scene)[..] else { panic!("two legs") };
            assert_eq!(
                (one.transmission(&d, camera), camera.reads, last.reads),
                (1.0, 1024.0, 10.0)
            );
            assert!(last.panel && !camera.panel);
            assert!(with(1).light(&d, 4.0, Input::Memory) > with(0).light(&d, 4.0, Input::Memory));
        }
    }

    /// A digital layer costs its weights' MACs at 1 pJ (2 W / 4 TOPS) and their way from memory, and
    /// none of them are the light's.
    #[test]
    fn a_digital_layer_is_paid_for() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        let with = |head| Stack { head, ..Stack::lin() };
        let (none, some) =
            (with(0.0).budget(&d, 8.0, Input::Scene), with(250.0).budget(&d, 8.0, Input::Scene));
        let expected = 250.0 * 1e-12 + memory(&d, 250.0, 8.0);
        let head = some.terms.iter().find(|t| t.name == "digital head").expect("it is there");
        assert!((head.wall / expected - 1.0).abs() < 1e-12 && head.optics == 0.0);
        assert_eq!((some.macs, some.terms.len()), (none.macs, none.terms.len() + 1));
    }
}
