//! What is wrong with a kind of chip: standard deviations, losses, resolutions.
//! [`Imperfections::draw`] makes one chip of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cell::{angle_from_amplitude, angle_from_extinction, extinction_times};
use super::faults::{Drive, Faults, walk};
use super::haar::normal;
use super::{Mesh, Settings};
use crate::error::{Error, Result};
use crate::math::random::Site;

/// Errors of a mesh of interferometers; all absent by default. Random ones are normal and
/// independent, one number a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Imperfections {
    /// Standard deviation of a splitter's angle from π/4, in radians. Also known as `bs_error`.
    #[serde(alias = "bs_error")]
    pub splitter_angle: f64,
    /// The same as an error of the through amplitude 1/√2; in place of `splitter_angle`.
    pub splitter_amplitude: f64,
    /// Extinction ratio in dB of an interferometer in its cross state: both splitters are off by
    /// ε > 0 with cos²(2ε) / sin²(2ε) equal to it. Joins the random errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extinction_db: Option<f64>,
    /// Standard deviation of the static error of an internal phase, in radians.
    pub theta_std: f64,
    /// Of an external phase, in radians.
    pub phi_std: f64,
    /// Of an output phase, in radians.
    pub gamma_std: f64,
    /// Standard deviation of what every exposure, of one sample, adds to every phase, in radians; a
    /// matrix is that of one exposure.
    pub shot_std: f64,
    /// Mean loss of an interferometer in dB.
    pub loss_db: f64,
    /// Standard deviation of that loss in dB; no cell amplifies.
    pub loss_std_db: f64,
    /// Whether a guide that passes a column without an interferometer has its mean loss too.
    pub bypass_loss: bool,
    /// Loss of a waveguide crossing in dB; only a butterfly has crossings.
    pub crossing_loss_db: f64,
    /// Part of a shifter's phase that reaches its neighbours across the chip. Also known as
    /// `crosstalk_factor`.
    #[serde(alias = "crosstalk_factor")]
    pub crosstalk: f64,
    /// Part that reaches its neighbours along the chip.
    pub crosstalk_along: f64,
    /// Phases are driven in steps of 2π / 2^bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_bits: Option<u32>,
    /// Voltages are driven in 2^bits levels from 0 to that of 2π, phase = π (V/Vπ)²; in place of
    /// `phase_bits`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voltage_bits: Option<u32>,
    /// Random walk of every phase in radians per √s.
    pub drift_std: f64,
    /// Seconds that a step of training takes, for the drift meanwhile.
    pub step_s: f64,
}

impl Default for Imperfections {
    fn default() -> Self {
        Self {
            splitter_angle: 0.0,
            splitter_amplitude: 0.0,
            extinction_db: None,
            theta_std: 0.0,
            phi_std: 0.0,
            gamma_std: 0.0,
            shot_std: 0.0,
            loss_db: 0.0,
            loss_std_db: 0.0,
            bypass_loss: true,
            crossing_loss_db: 0.0,
            crosstalk: 0.0,
            crosstalk_along: 0.0,
            phase_bits: None,
            voltage_bits: None,
            drift_std: 0.0,
            step_s: 1.0,
        }
    }
}

/// Other names of keys, and the names under which they are kept.
pub const ALIASES: [(&str, &str); 2] =
    [("bs_error", "splitter_angle"), ("crosstalk_factor", "crosstalk")];

/// The name under which a key is kept.
pub fn canonical(key: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key, |(_, name)| name)
}

/// Largest splitter error in radians: beyond it |T₁₁| no longer grows with θ.
const MAX_ANGLE: f64 = std::f64::consts::FRAC_PI_8;

impl Imperfections {
    /// All random errors `factor` times as large; what is the same for every chip stays.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        self.scaled(factor, 1.0)
    }

    /// All errors `factor` times as large: losses, crosstalk and the light that leaks through an
    /// extinction ratio too.
    #[must_use]
    pub fn all_times(&self, factor: f64) -> Self {
        self.scaled(factor, factor)
    }

    /// Random errors `random` times as large, the others `common` times; resolutions stay.
    fn scaled(&self, random: f64, common: f64) -> Self {
        let Self {
            splitter_angle,
            splitter_amplitude,
            extinction_db,
            theta_std,
            phi_std,
            gamma_std,
            shot_std,
            loss_db,
            loss_std_db,
            bypass_loss,
            crossing_loss_db,
            crosstalk,
            crosstalk_along,
            phase_bits,
            voltage_bits,
            drift_std,
            step_s,
        } = self;
        Self {
            splitter_angle: random * splitter_angle,
            splitter_amplitude: random * splitter_amplitude,
            extinction_db: extinction_db.and_then(|db| extinction_times(db, common)),
            theta_std: random * theta_std,
            phi_std: random * phi_std,
            gamma_std: random * gamma_std,
            shot_std: random * shot_std,
            loss_db: common * loss_db,
            loss_std_db: random * loss_std_db,
            bypass_loss: *bypass_loss,
            crossing_loss_db: common * crossing_loss_db,
            crosstalk: common * crosstalk,
            crosstalk_along: common * crosstalk_along,
            phase_bits: *phase_bits,
            voltage_bits: *voltage_bits,
            drift_std: random * drift_std,
            step_s: *step_s,
        }
    }

    /// Refuses values outside their ranges and pairs of keys that say the same thing.
    pub fn check(&self) -> Result<()> {
        let either = |a: &str, b: &str| {
            Err(Error::invalid(a, format!("{a} and {b} say the same thing twice"))
                .help(format!("remove {a} or {b}")))
        };
        if self.splitter_angle != 0.0 && self.splitter_amplitude != 0.0 {
            return either("splitter_amplitude", "splitter_angle");
        }
        if self.phase_bits.is_some() && self.voltage_bits.is_some() {
            return either("voltage_bits", "phase_bits");
        }
        let ranges = [
            ("splitter_angle", self.splitter_angle, MAX_ANGLE / 3.0),
            ("splitter_amplitude", self.splitter_amplitude, 0.09),
            ("theta_std", self.theta_std, f64::INFINITY),
            ("phi_std", self.phi_std, f64::INFINITY),
            ("gamma_std", self.gamma_std, f64::INFINITY),
            ("shot_std", self.shot_std, f64::INFINITY),
            ("loss_db", self.loss_db, f64::INFINITY),
            ("loss_std_db", self.loss_std_db, f64::INFINITY),
            ("crossing_loss_db", self.crossing_loss_db, f64::INFINITY),
            // Four neighbours at most of either kind: the sum of all stays below the phase itself.
            ("crosstalk", self.crosstalk, 0.1),
            ("crosstalk_along", self.crosstalk_along, 0.1),
            ("drift_std", self.drift_std, f64::INFINITY),
            ("step_s", self.step_s, f64::INFINITY),
        ];
        for (key, value, most) in ranges {
            // A NaN is in no range.
            if !(0.0..=most).contains(&value) || value.is_infinite() {
                let rule = if most.is_finite() {
                    format!("{key} is {value}, and must lie in 0..{most:.3}")
                } else {
                    format!("{key} is {value}, and must be finite and not negative")
                };
                return Err(Error::invalid(key, rule).help("give a value in this range"));
            }
        }
        if let Some(ratio) = self.extinction_db
            && !(3.0..=200.0).contains(&ratio)
        {
            return Err(Error::invalid(
                "extinction_db",
                format!("extinction_db is {ratio}, and must lie in 3..200"),
            )
            .help("leave the key out for perfect extinction"));
        }
        for (key, bits) in [("phase_bits", self.phase_bits), ("voltage_bits", self.voltage_bits)] {
            if let Some(bits) = bits
                && !(1..=24).contains(&bits)
            {
                return Err(Error::invalid(key, format!("{key} is {bits}, and must lie in 1..24"))
                    .help("leave the key out for continuous phases"));
            }
        }
        Ok(())
    }

    /// Angle error in radians of a splitter that draws this standard normal number.
    pub fn splitter(&self, drawn: f64) -> f64 {
        let common = self.extinction_db.map_or(0.0, angle_from_extinction);
        let random = if self.splitter_amplitude == 0.0 {
            self.splitter_angle * drawn
        } else {
            angle_from_amplitude(self.splitter_amplitude * drawn)
        };
        (common + random).clamp(-MAX_ANGLE, MAX_ANGLE)
    }

    /// Loss in dB of a cell that draws this standard normal number.
    pub fn loss(&self, drawn: f64) -> f64 {
        (self.loss_db + self.loss_std_db * drawn).max(0.0)
    }

    /// The chip of this seed when it is new.
    pub fn draw(&self, mesh: &Mesh, seed: u64) -> Result<Faults> {
        self.draw_at(mesh, seed, 0.0)
    }

    /// The chip of this seed after `time_s` seconds of drift; all times of a seed lie on one walk.
    pub fn draw_at(&self, mesh: &Mesh, seed: u64, time_s: f64) -> Result<Faults> {
        self.check()?;
        if !(0.0..=1e12).contains(&time_s) {
            return Err(Error::invalid(
                "time_s",
                format!("time_s is {time_s}, and must lie in 0..1e12"),
            )
            .help("give the seconds since the chip was set"));
        }
        let cells = mesh.layout.cells.len();
        let splitter = |index: u32| self.splitter(normal(seed, 0, Site::MeshSplitter, index));
        let phases = |count: usize, std: f64, site: Site, drift: Site| -> Vec<f64> {
            (0..count as u32)
                .map(|k| {
                    let walked = match self.drift_std {
                        0.0 => 0.0,
                        std => std * walk(seed, drift, k, time_s),
                    };
                    let times = |std: f64, step: u32| match std {
                        0.0 => 0.0,
                        std => std * normal(seed, step, site, k),
                    };
                    times(std, 0) + times(self.shot_std, 1) + walked
                })
                .collect()
        };
        let loss = |k: u32| match self.loss_std_db {
            0.0 => self.loss(0.0),
            _ => self.loss(normal(seed, 0, Site::MeshLoss, k)),
        };
        Ok(Faults {
            splitters: (0..cells as u32).map(|k| [0, 1, 2].map(|s| splitter(3 * k + s))).collect(),
            phases: Settings {
                theta: phases(cells, self.theta_std, Site::MeshTheta, Site::MeshDriftTheta),
                phi: phases(cells, self.phi_std, Site::MeshPhi, Site::MeshDriftPhi),
                gamma: phases(mesh.n, self.gamma_std, Site::MeshGamma, Site::MeshDriftGamma),
            },
            loss_db: (0..cells as u32).map(loss).collect(),
            bypass_loss_db: if self.bypass_loss { self.loss_db } else { 0.0 },
            crossing_loss_db: self.crossing_loss_db,
            crosstalk: self.crosstalk,
            crosstalk_along: self.crosstalk_along,
            drive: match (self.phase_bits, self.voltage_bits) {
                (Some(bits), _) => Drive::Phase { bits },
                (None, Some(bits)) => Drive::Voltage { bits },
                (None, None) => Drive::Continuous,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::Topology;

    fn mesh(n: usize) -> Mesh {
        Mesh::new(n, Topology::Clements).expect("a size in range")
    }

    #[test]
    fn a_seed_is_a_chip() {
        let spec = Imperfections { splitter_angle: 0.02, theta_std: 0.1, ..Default::default() };
        let draw = |seed| spec.draw(&mesh(8), seed).expect("valid");
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        // Another error does not move the ones that were there.
        let more = Imperfections { phi_std: 0.2, drift_std: 0.1, loss_db: 0.1, ..spec.clone() };
        let more = more.draw(&mesh(8), 3).expect("valid");
        assert_eq!(more.splitters, draw(3).splitters);
        assert_eq!(more.phases.theta, draw(3).phases.theta);
        assert_eq!(
            Imperfections::default().draw(&mesh(8), 3).expect("valid"),
            Faults::none(&mesh(8))
        );
    }

    /// Drift adds σ√t to every phase; 4096 of them leave 3 std = 3.3 %.
    #[test]
    fn drift_grows_with_the_root_of_time() {
        let spec = Imperfections { drift_std: 0.01, theta_std: 0.2, ..Default::default() };
        let new = spec.draw(&mesh(64), 5).expect("valid").phases;
        for time_s in [4.0, 900.0] {
            let old = spec.draw_at(&mesh(64), 5, time_s).expect("valid").phases;
            let steps = |a: &[f64], b: &[f64]| -> f64 {
                a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum()
            };
            let sum = steps(&old.theta, &new.theta)
                + steps(&old.phi, &new.phi)
                + steps(&old.gamma, &new.gamma);
            let std = (sum / (2.0 * 2016.0 + 64.0)).sqrt();
            assert!((std / (0.01 * f64::sqrt(time_s)) - 1.0).abs() < 0.033, "{time_s}: {std}");
        }
    }

    /// 2016 cells with three splitters: 3 std of a standard deviation are 3/√(2·6048) = 2.7 %, of
    /// the mean 3/√6048 = 3.9 % of a standard deviation.
    #[test]
    fn draws_have_their_standard_deviations() {
        let moments = |spec: Imperfections| {
            let all = spec.draw(&mesh(64), 1).expect("valid").splitters.concat();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            let var = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
            (mean, var.sqrt())
        };
        let (mean, std) = moments(Imperfections { splitter_angle: 0.02, ..Default::default() });
        assert!(mean.abs() < 0.0008 && (std / 0.02 - 1.0).abs() < 0.027, "{mean} {std}");
        // dε = -√2 dδ.
        let (_, std) = moments(Imperfections { splitter_amplitude: 0.01, ..Default::default() });
        assert!((std / (0.01 * 2f64.sqrt()) - 1.0).abs() < 0.027, "{std}");
        let (mean, std) =
            moments(Imperfections { extinction_db: Some(30.0), ..Default::default() });
        assert!((mean - 0.0158).abs() < 1e-4 && std < 1e-14, "atan(10^-1.5)/2: {mean} {std}");
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        let d = Imperfections::default;
        for (spec, key) in [
            (
                Imperfections { splitter_angle: 0.02, splitter_amplitude: 0.02, ..d() },
                "splitter_amplitude",
            ),
            (Imperfections { phase_bits: Some(8), voltage_bits: Some(8), ..d() }, "voltage_bits"),
            (Imperfections { loss_db: -0.1, ..d() }, "loss_db"),
            (Imperfections { theta_std: f64::NAN, ..d() }, "theta_std"),
            (Imperfections { phi_std: f64::INFINITY, ..d() }, "phi_std"),
            (Imperfections { crosstalk: 0.5, ..d() }, "crosstalk"),
            (Imperfections { phase_bits: Some(0), ..d() }, "phase_bits"),
            (Imperfections { extinction_db: Some(-3.0), ..d() }, "extinction_db"),
        ] {
            let error = spec.draw(&mesh(4), 1).expect_err(key);
            assert!(error.to_string().starts_with(key), "{error}");
        }
        assert!(d().draw_at(&mesh(4), 1, -1.0).is_err());
    }

    #[test]
    fn keys_are_known_by_their_peers_names() {
        let text = r#"{"bs_error": 0.02, "crosstalk_factor": 0.01, "phase_bits": 6}"#;
        let spec: Imperfections = serde_json::from_str(text).expect("known keys");
        assert_eq!((spec.splitter_angle, spec.crosstalk, spec.phase_bits), (0.02, 0.01, Some(6)));
        assert!(serde_json::from_str::<Imperfections>(r#"{"splitter": 1}"#).is_err());
    }
}
