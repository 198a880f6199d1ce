//! How to train: the `[train]` block.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodName {
    /// In-silico training: the exact adjoint of the twin.
    #[default]
    Backprop,
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
    Constant,
    /// (1 + cos(π t / T)) / 2, down to `floor`.
    Cosine(Cosine),
}

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
    /// Factor at step `t` of `total`, counted from 0.
    pub fn factor(&self, t: u64, total: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine(c) => {
                let done = t as f64 / total.max(1) as f64;
                c.floor + (1.0 - c.floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }
}
