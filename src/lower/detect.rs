//! From the last plane to a read-out per class.

use super::machine::{Light, Machine};
use crate::error::{Error, Result};
use crate::ops::Op;
use crate::ops::intensity::Intensity;
use crate::ops::power::Power;
use crate::ops::readout::Readout;
use crate::ops::sparse_sum::SparseSum;
use crate::program::{Builder, SlotId};

/// What a detector reads of one sample.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Intensity on the last plane `[y, x]`.
    pub intensity: SlotId,
    /// Power in each region `[regions]`.
    pub regions: SlotId,
    /// One number per class `[classes]`.
    pub scores: SlotId,
    /// Power on the first plane `[1]`.
    pub entering: SlotId,
}

pub fn read(b: &mut Builder, machine: &Machine, light: &Light) -> Result<Reading> {
    let Some(detector) = &machine.optic.detector else {
        return Err(Error::invalid("optic.detector", "missing, and a task needs one"));
    };
    let weights = match machine.optic.modes {
        Some(modes) => detector.ports(modes, machine.classes),
        None => detector.weights(&machine.optic.grid(), machine.classes),
    };
    let regions = weights.rows();
    let intensity = b.emit(Op::Intensity(Intensity), &[light.leaving])?;
    let regions = SparseSum::new("detector", weights, &[regions]).emit(b, intensity)?;
    let op = Readout { differential: detector.differential };
    let scores = b.emit(Op::Readout(op), &[regions])?;
    let entering = b.emit(Op::Power(Power), &[light.entering])?;
    Ok(Reading { intensity, regions, scores, entering })
}
