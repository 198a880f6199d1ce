//! How to train: the `[train]` block.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
pub use crate::lower::loss::{Loss, LossKind};

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    #[serde(default)]
    pub method: MethodName,
    pub epochs: usize,
    /// Stops after this many steps, even inside an epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    pub batch: usize,
    /// Steps between checkpoints inside an epoch; one is always written at its end.
    #[serde(default = "default_checkpoint_every")]
    pub checkpoint_every: u64,
    #[serde(default)]
    pub optimizer: Optimizer,
    #[serde(default)]
    pub schedule: Schedule,
    #[serde(default)]
    pub loss: Loss,
    #[serde(default)]
    pub saved_fields: SavedFields,
    #[serde(default, skip_serializing_if = "is_default")]
    pub feedback: Feedback,
    #[serde(default, skip_serializing_if = "is_default")]
    pub contrast: Contrast,
    #[serde(default, skip_serializing_if = "is_default")]
    pub spsa: Spsa,
    #[serde(default, skip_serializing_if = "is_default")]
    pub flops: Flops,
    #[serde(default, skip_serializing_if = "is_default")]
    pub echo: Echo,
    #[serde(default, skip_serializing_if = "is_default")]
    pub reduced: Reduced,
    #[serde(default, skip_serializing_if = "is_default")]
    pub search: Search,
}

/// Steps of which a run keeps what the optimiser needs to know, 24 bytes of each for Adam.
pub const MOST_STEPS: u64 = 1 << 26;

/// How long a run is, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    pub per_epoch: u64,
    /// Of all epochs, which the schedule spans also where `train.steps` stops early.
    pub full: u64,
    /// Of the run.
    pub steps: u64,
}

impl Recipe {
    /// Of a run on so many training samples.
    ///
    /// # Errors
    /// Where they do not fill a batch, or all epochs are more than [`MOST_STEPS`].
    pub fn length(&self, samples: usize) -> Result<Length> {
        let per_epoch = (samples / self.batch) as u64;
        if per_epoch == 0 {
            let rule = format!("{} is more than the {samples} training samples", self.batch);
            return Err(Error::invalid("train.batch", rule).help("use a smaller batch"));
        }
        let full = per_epoch.checked_mul(self.epochs as u64).filter(|&full| full <= MOST_STEPS);
        let Some(full) = full else {
            let rule = format!(
                "{} epochs of {per_epoch} steps are more than the {MOST_STEPS} steps that a run may have",
                self.epochs
            );
            return Err(Error::invalid("train.epochs", rule)
                .help(format!("use at most {}, or a larger batch", MOST_STEPS / per_epoch)));
        };
        let steps = self.steps.map_or(full, |s| s.min(full));
        Ok(Length { per_epoch, full, steps })
    }
}

/// How a GPU keeps the fields at the masks from the forward pass to the adjoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SavedFields {
    #[default]
    F32,
    /// Half the bytes; each gradient is off by about 2^-12 of itself, at random. The CPU, and a
    /// program that is not fused, keep f32.
    F16,
}

/// How gradients are come by; METHODS.md has every method in equations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodName {
    /// In-silico training: the exact adjoint of the twin.
    #[default]
    Backprop,
    /// The twin has other faults every step, from the list in `[hardware]`.
    Vaccination,
    /// Physics-aware training: the device forwards, the twin backwards.
    Pat,
    /// Likewise, with the field before every mask measured.
    PatFields,
    /// Asymmetrical training: the device shows its detectors alone.
    #[serde(rename = "asyt")]
    AsyT,
    /// Dual-adaptive training: physics-aware, with a net that learns the twin's error.
    Dat,
    /// Direct feedback alignment between cameras.
    Dfa,
    /// Likewise, with any function of a camera's reading in place of its derivative.
    Adfa,
    /// Feedback alignment from camera to camera.
    Fa,
    /// Each layer by a loss on its own camera.
    Local,
    /// Each layer by what tells its readings of right labels from those of wrong ones: their size.
    ForwardForward,
    /// Likewise, by their cosine with a fixed pattern: physical local learning.
    #[serde(rename = "phyll")]
    PhyLl,
    /// Control: nothing before the last layer is trained.
    LastLayer,
    /// Simultaneous perturbation.
    Spsa,
    /// Zeroth order by normal directions.
    Flops,
    /// Finite differences over a few numbers.
    FiniteDifferences,
    /// Mixed training: sparse coordinates, a step up or a step down.
    Mixed,
    /// Covariance matrix adaptation, its diagonal.
    CmaEs,
    /// Parameter-exploring policy gradients.
    Pepg,
    /// In-situ: fields forwards and backwards, measured.
    FieldConjugation,
    /// In-situ: three intensities at every mask.
    ThreeShot,
    /// In-situ: the echo of the output, nudged.
    Echo,
}

impl MethodName {
    /// As files and tables have it.
    pub fn name(self) -> String {
        let value = serde_json::to_value(self).ok();
        value.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Whether it asks a device for its detectors' readings at most, at parameters that are told.
    pub fn needs_readings_alone(self) -> bool {
        matches!(
            self,
            Self::Backprop
                | Self::Pat
                | Self::AsyT
                | Self::Dat
                | Self::LastLayer
                | Self::Spsa
                | Self::Flops
                | Self::FiniteDifferences
                | Self::Mixed
                | Self::CmaEs
                | Self::Pepg
        )
    }

    pub const ALL: [Self; 22] = [
        Self::Backprop,
        Self::Vaccination,
        Self::Pat,
        Self::PatFields,
        Self::AsyT,
        Self::Dat,
        Self::Dfa,
        Self::Adfa,
        Self::Fa,
        Self::Local,
        Self::ForwardForward,
        Self::PhyLl,
        Self::LastLayer,
        Self::Spsa,
        Self::Flops,
        Self::FiniteDifferences,
        Self::Mixed,
        Self::CmaEs,
        Self::Pepg,
        Self::FieldConjugation,
        Self::ThreeShot,
        Self::Echo,
    ];
}

/// Of `dfa`, `adfa` and `fa`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Feedback {
    /// Of the random matrices, together with that of the experiment.
    pub seed: u64,
    /// Over the bound 1/√n of their elements.
    pub scale: f64,
    /// Of `adfa`.
    pub slope: Slope,
}

impl Default for Feedback {
    fn default() -> Self {
        Self { seed: 1, scale: 1.0, slope: Slope::default() }
    }
}

/// What stands in place of the derivative of camera and re-modulation: a function of x, a camera's
/// reading over the mean that it would have if all the light of the source came evenly. Nothing of the
/// device need be known for it; alignment is the better the more it goes with the derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Slope {
    #[default]
    Sine,
    One,
    Linear,
    /// √x, the derivative itself but for the re-modulation's scale: `adfa` is `dfa` on a perfect twin.
    Root,
}

/// Of `forward_forward` and `phyll`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Contrast {
    /// Of the image, from the top, in which the label shows.
    pub rows: usize,
    /// How steeply the loss falls as right and wrong part.
    pub steepness: f64,
}

impl Default for Contrast {
    fn default() -> Self {
        Self { rows: 4, steepness: 20.0 }
    }
}

/// How far a method moves a parameter, in radians for phases: as is stated, or `own`, and where the
/// device shows levels farther apart than that, one level. A lab does not tell its levels: there the step
/// is to be stated.
///
/// Rounding keeps a phase on its level until it is moved by half the spacing h. A step of h moves every
/// phase by h wherever it stands, so that differences over the step are those of what the device shows;
/// from h on the mean over normal steps of a rounded one is the step itself but for 2 exp(-2π²) of it.
pub fn step_size(stated: Option<f64>, own: f64, spacing: f64) -> f64 {
    stated.unwrap_or(own.max(spacing))
}

/// Of `spsa`: directions a step, and how far along them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Spsa {
    pub probes: u32,
    /// In radians for phases; 0.05 where it is left out, or one level of a device whose levels are
    /// farther apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
}

impl Spsa {
    pub const SIZE: f64 = 0.05;
}

impl Default for Spsa {
    fn default() -> Self {
        Self { probes: 4, size: None }
    }
}

/// Of `flops`: directions a step, and their standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flops {
    pub probes: u32,
    /// In radians for phases; 0.1 where it is left out, or one level of a device whose levels are
    /// farther apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
}

impl Flops {
    pub const SIZE: f64 = 0.1;
}

impl Default for Flops {
    fn default() -> Self {
        Self { probes: 4, size: None }
    }
}

/// Of `echo`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Echo {
    /// Of a sample's error field, sent back with the output.
    pub epsilon: f64,
}

impl Default for Echo {
    fn default() -> Self {
        Self { epsilon: 0.01 }
    }
}

/// What few numbers a search moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reduced {
    pub basis: Basis,
    /// Superpixels across a mask.
    pub across: usize,
    /// Zernike polynomials of a mask, from tilt on.
    pub count: usize,
}

impl Default for Reduced {
    fn default() -> Self {
        Self { basis: Basis::Superpixels, across: 5, count: 20 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    #[default]
    Superpixels,
    Zernike,
}

/// Of searches without a gradient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// Step, or first spread, in radians for phases; 0.2 where it is left out, or one level of a device
    /// whose levels are farther apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
    /// Of a generation; 0 for 4 + 3 ln n.
    pub population: u32,
    /// Of `pepg`: how far the mean follows.
    pub rate: f64,
    /// Of `mixed`: share of the numbers that is ever moved.
    pub active: f64,
    /// And share of these that a step leaves out.
    pub skip: f64,
}

impl Search {
    pub const SIZE: f64 = 0.2;
}

impl Default for Search {
    fn default() -> Self {
        Self { size: None, population: 0, rate: 1.0, active: 0.15, skip: 0.9 }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn default_checkpoint_every() -> u64 {
    500
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Optimizer {
    Adam(Adam),
    Sgd(Sgd),
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adam(Adam { lr: 0.02, beta1: 0.9, beta2: 0.999, eps: 1e-8 })
    }
}

impl Optimizer {
    /// Multiplies the learning rate.
    pub fn scale(&mut self, by: f64) {
        match self {
            Self::Adam(a) => a.lr *= by,
            Self::Sgd(s) => s.lr *= by,
        }
    }

    pub fn lr(&self) -> f64 {
        match self {
            Self::Adam(a) => a.lr,
            Self::Sgd(s) => s.lr,
        }
    }
}

/// Kingma and Ba 2014 (arXiv 1412.6980), algorithm 1.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    #[serde(default = "default_adam_lr")]
    pub lr: f64,
    #[serde(default = "default_beta1")]
    pub beta1: f64,
    #[serde(default = "default_beta2")]
    pub beta2: f64,
    #[serde(default = "default_eps")]
    pub eps: f64,
}

/// v' = momentum v + g; θ' = θ - lr v'.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    pub lr: f64,
    #[serde(default)]
    pub momentum: f64,
}

fn default_adam_lr() -> f64 {
    0.02
}
fn default_beta1() -> f64 {
    0.9
}
fn default_beta2() -> f64 {
    0.999
}
fn default_eps() -> f64 {
    1e-8
}

/// Factor on the learning rate over the run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    Constant(Constant),
    /// (1 + cos(π t / T)) / 2, down to `floor`.
    Cosine(Cosine),
}

/// 1 throughout.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Constant {}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cosine {
    #[serde(default)]
    pub floor: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Cosine(Cosine { floor: 0.0 })
    }
}

impl Schedule {
    /// Of every step of a run of so many.
    pub fn factors(&self, steps: u64) -> Vec<f64> {
        (0..steps.max(1)).map(|t| self.factor(t, steps)).collect()
    }

    /// Factor at step `t` of `total`, counted from 0.
    fn factor(&self, t: u64, total: u64) -> f64 {
        match self {
            Self::Constant(_) => 1.0,
            Self::Cosine(c) => {
                let done = t as f64 / total.max(1) as f64;
                c.floor + (1.0 - c.floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Length, MOST_STEPS, Recipe};
    use crate::error::Error;

    fn recipe(epochs: usize, batch: usize, steps: Option<u64>) -> Recipe {
        let mut recipe: Recipe =
            toml::from_str(&format!("epochs = {epochs}\nbatch = {batch}")).expect("a recipe");
        recipe.steps = steps;
        recipe
    }

    /// Whole batches alone; the schedule spans all epochs wherever the run stops.
    #[test]
    fn a_run_has_one_length() {
        let length = |steps| recipe(4, 10, steps).length(103).expect("a length");
        assert_eq!(length(None), Length { per_epoch: 10, full: 40, steps: 40 });
        assert_eq!(length(Some(7)), Length { per_epoch: 10, full: 40, steps: 7 });
        assert_eq!(length(Some(99)).steps, 40);
    }

    /// Neither no step nor a table of learning rates that no memory holds, not even of a run that
    /// stops early.
    #[test]
    fn a_length_beyond_reason_is_refused() {
        let most = MOST_STEPS as usize;
        assert_eq!(recipe(most / 2, 32, None).length(64).expect("the most").full, MOST_STEPS);
        for (epochs, batch, key) in [
            (1, 65, "train.batch"),
            (most / 2 + 1, 32, "train.epochs"),
            (1_000_000_000, 32, "train.epochs"),
            (i64::MAX as usize, 16, "train.epochs"),
        ] {
            for steps in [None, Some(4)] {
                let error = recipe(epochs, batch, steps).length(64).expect_err("too long");
                let Error::Invalid(why) = error else { panic!("{error}") };
                assert!(why.key == key && why.help.is_some(), "{why:?}");
            }
        }
    }
}
