//! The program that follows one sample through a trained machine: its light at every plane, the
//! powers in the detector's regions, the scores. What a page runs where nothing is trained.

use std::sync::Arc;

use super::session::Session;
use crate::error::{Error, Result};
use crate::lower::{Machine, Plane};
use crate::lower::{detect, fuse::fuse};
use crate::program::{Builder, Program, Role, SlotId};

/// Its only routine.
pub const WATCH: &str = "watch";

pub struct Watch {
    /// Op by op, with the parameters as trained.
    pub program: Program,
    /// `[height, width]`, 0..1.
    pub image: SlotId,
    pub planes: Vec<Plane>,
    pub regions: SlotId,
    pub scores: SlotId,
}

impl Watch {
    /// What a device should run.
    pub fn fused(&self) -> Program {
        fuse(&self.program)
    }
}

impl Session {
    pub fn watch(&mut self) -> Result<Watch> {
        let mut b = Builder::default();
        let (optic, classes) = (&self.experiment.optic, self.data.classes.len());
        let of_image = Some(self.data.image);
        let machine = Machine::new(&mut b, optic, of_image, classes, self.experiment.seed)?;
        let Some(image) = machine.image else {
            return Err(Error::invalid("data", "missing, and light that is watched carries it"));
        };
        b.routine(WATCH, 1);
        let light = machine.light(&mut b)?;
        let reading = detect::read(&mut b, &machine, &light)?;
        b.output(reading.regions, "watch.regions");
        b.output(reading.scores, "watch.scores");
        for plane in &light.planes {
            if matches!(b.slot(plane.field).role, Role::Temp) {
                b.output(plane.field, &format!("watch.{}", plane.name));
            }
        }
        let mut program = b.finish();
        for slot in &mut program.slots {
            let Role::Param(_) = slot.role else { continue };
            if let Some(trained) = self.executor.program().find(&slot.name) {
                slot.role = Role::Param(Arc::new(self.executor.read(trained)?));
            }
        }
        Ok(Watch {
            program,
            image,
            planes: light.planes,
            regions: reading.regions,
            scores: reading.scores,
        })
    }
}
