//! In-silico training (Lin 2018, Science 361, 1004): the exact adjoint of the twin. And vaccination
//! (Mengu 2020, Nanophotonics 9, 4207): of a twin that has other faults every step, from the list
//! that the device's own were drawn from ([`crate::lower::device`]); quantised phases are trained
//! straight through.

use super::recipe::Recipe;
use super::{Charge, Gradient, Method, Pair, oracle, step};
use crate::error::Result;
use crate::lower::{Chance, Machine, detect, loss};
use crate::optics::{Hardware, Optic};
use crate::program::Builder;
use crate::program::adjoint::adjoint;

/// The loss of a machine and its exact gradient.
pub fn exact(b: &mut Builder, machine: &Machine, recipe: &Recipe) -> Result<Gradient> {
    let light = machine.light(b)?;
    let reading = detect::read(b, machine, &light)?;
    let loss = loss::emit(b, machine, &reading, &recipe.loss)?;
    let (seed, _) = step::seed(b, recipe);
    let of = adjoint(b, loss, seed)?;
    Ok(Gradient { loss, of })
}

pub struct Backprop;

impl Method for Backprop {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        exact(b, &pair.twin, recipe)
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        Charge { macs: 3.0 * oracle::macs(optic, classes) * batch as f64, ..Charge::default() }
    }
}

pub struct Vaccination {
    pub seed: u64,
}

/// Apart from the seeds of devices, which are small.
const TWINS: u64 = 0x7477_696E << 32;

impl Method for Vaccination {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        // Of a real device no list is known.
        let list = Hardware { lab: None, ..pair.hardware.clone() };
        let twin = pair.twin.real(b, &list, Chance::Redrawn(TWINS ^ self.seed));
        exact(b, &twin, recipe)
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        Backprop.charge(optic, classes, batch)
    }
}
