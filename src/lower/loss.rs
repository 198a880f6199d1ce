//! From the read-out of a sample to its loss: the `[train.loss]` block.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::detect::Reading;
use super::machine::Machine;
use crate::error::{Error, Result};
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::cross_entropy::CrossEntropy;
use crate::ops::efficiency::Efficiency;
use crate::ops::mean_squared::MeanSquared;
use crate::program::{Builder, SlotId};

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    #[serde(default)]
    pub kind: LossKind,
    /// Read-outs are divided by this before the softmax; unused by `mean_squared`.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// Weight of -ln(detected / entering power), which buys light at the price of accuracy.
    #[serde(default)]
    pub efficiency_weight: f64,
}

impl Default for Loss {
    fn default() -> Self {
        Self {
            kind: LossKind::default(),
            temperature: default_temperature(),
            efficiency_weight: 0.0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    #[default]
    CrossEntropy,
    /// Σ (read-out - one-hot)².
    MeanSquared,
}

fn default_temperature() -> f64 {
    0.1
}

/// Emits the loss of one sample `[1]`.
pub fn emit(b: &mut Builder, machine: &Machine, reading: &Reading, loss: &Loss) -> Result<SlotId> {
    let Some(label) = machine.label else {
        return Err(Error::invalid("data", "missing, and a loss needs labels"));
    };
    let task = match loss.kind {
        LossKind::CrossEntropy => Op::CrossEntropy(CrossEntropy { temperature: loss.temperature }),
        LossKind::MeanSquared => Op::MeanSquared(MeanSquared),
    };
    let task = b.emit(task, &[reading.scores, label])?;
    if loss.efficiency_weight == 0.0 {
        return Ok(task);
    }
    let op = Efficiency { weight: loss.efficiency_weight };
    let light = b.emit(Op::Efficiency(op), &[reading.regions, reading.entering])?;
    b.emit(Op::Add(Add), &[task, light])
}
