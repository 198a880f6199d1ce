//! The real machine as methods have it. Its cameras and detectors show; a declared port reads fields
//! and sends light back. What it shows has no gradient ([`Builder::measured`]), and the machine
//! itself, of which there is one, is for the oracle that examines methods and for light that goes
//! through the device by its own reciprocity.

use std::collections::{BTreeMap, HashMap};

use super::{insitu, oracle};
use crate::error::Result;
use crate::lower::detect::{self, Reading};
use crate::lower::{At, Machine, machine};
use crate::program::{Builder, SlotId};

#[derive(Debug, Clone)]
pub struct Device(Machine);

/// What a device shows of a batch.
pub struct Shown {
    pub cameras: HashMap<usize, SlotId>,
    pub reading: Reading,
    behind: Vec<SlotId>,
}

impl Shown {
    /// The field behind element `i`, as a port measures it.
    pub fn field(&self, b: &mut Builder, i: usize) -> SlotId {
        b.measured(self.behind[i]);
        self.behind[i]
    }
}

impl Device {
    pub fn new(machine: Machine) -> Self {
        Self(machine)
    }

    /// Exposes it.
    pub fn show(&self, b: &mut Builder) -> Result<Shown> {
        let mut cameras = HashMap::new();
        let entering = self.0.enter(b)?;
        let light = self.0.light_of(b, entering, &mut |_, at, slot| {
            if let At::Read(i) = at {
                cameras.insert(i, slot);
            }
            Ok(slot)
        })?;
        let reading = detect::read(b, &self.0, &light)?;
        for &slot in cameras.values().chain([&reading.regions, &reading.scores]) {
            b.measured(slot);
        }
        Ok(Shown { cameras, reading, behind: light.behind })
    }

    /// The same device told other parameters, by slot.
    #[must_use]
    pub fn told(&self, other: &BTreeMap<SlotId, SlotId>) -> Self {
        Self(self.0.told(other))
    }

    /// The same device shown other images.
    #[must_use]
    pub fn shown(&self, image: SlotId) -> Self {
        let mut machine = self.0.clone();
        machine.image = Some(image);
        Self(machine)
    }

    /// The same device in another exposure of the step, from 0 on; each has noise of its own.
    #[must_use]
    pub fn exposed(&self, exposure: u32) -> Self {
        Self(self.0.exposed(exposure))
    }

    /// Emits a step of its drift.
    pub fn drift(&self, b: &mut Builder) -> Result<()> {
        machine::drift(b, &self.0)
    }

    /// Its machine, for who examines methods.
    pub fn examined(&self, _: oracle::Key) -> &Machine {
        &self.0
    }

    /// Its machine, for light of a method's own.
    pub fn lit(&self, _: insitu::Key) -> &Machine {
        &self.0
    }
}
