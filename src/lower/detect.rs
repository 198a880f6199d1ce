//! From the last plane to a read-out per class.

use super::light::Light;
use super::machine::Machine;
use crate::error::{Error, Result};
use crate::ops::Op;
use crate::ops::dense::Dense;
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
    let intensity = b.emit(Op::Intensity(Intensity), &[light.leaving])?;
    let mut regions = match machine.lab {
        Some(readings) => readings,
        None => regions_of(b, machine, intensity)?,
    };
    if let Some(device) = &machine.device {
        let elements = machine.optic.element.len();
        regions = device.expose(b, elements, regions, machine.source_power()?)?;
    }
    let entering = b.emit(Op::Power(Power), &[light.entering])?;
    score(b, machine, Reading { intensity, regions, scores: regions, entering })
}

/// Power of an intensity in each region of the detector.
pub fn regions_of(b: &mut Builder, machine: &Machine, intensity: SlotId) -> Result<SlotId> {
    let Some(detector) = &machine.optic.detector else {
        return Err(Error::invalid("optic.detector", "missing, and a task needs one"));
    };
    let weights = match machine.optic.guides(machine.optic.element.len()) {
        Some(modes) => detector.ports(modes, machine.classes),
        None => detector.weights(&machine.optic.grid(), machine.classes),
    };
    let regions = weights.rows();
    SparseSum::new("detector", weights, &[regions]).emit(b, intensity)
}

/// The reading with the scores of its regions.
pub fn score(b: &mut Builder, machine: &Machine, reading: Reading) -> Result<Reading> {
    let differential = machine.optic.detector.as_ref().is_some_and(|d| d.differential);
    let mut scores = b.emit(Op::Readout(Readout { differential }), &[reading.regions])?;
    if let Some([w, bias]) = machine.head {
        scores = b.emit(Op::Dense(Dense), &[scores, w, bias])?;
    }
    Ok(Reading { scores, ..reading })
}
