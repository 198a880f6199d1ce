//! Local learning: each layer has a loss of its own, read at the detector's regions on its own camera,
//! and nothing goes back from one camera to the one before (Nøkland and Eidnes 2019, arXiv
//! 1901.06656). Inside a layer the twin's adjoint is taken at what the cameras read.

use super::aware::{CAMERAS, taken, twin_at};
use super::recipe::Recipe;
use super::{Charge, Gradient, Method, Pair, step};
use crate::error::{Error, Result};
use crate::lower::detect::{self, Reading};
use crate::lower::loss;
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::graft::Graft;
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::program::adjoint::{Start, adjoint_from, params};
use crate::program::{Builder, Data, Shape, SlotId};

pub struct Local;

impl Local {
    pub fn new(optic: &Optic) -> Result<Self> {
        has_cameras(optic).map(|()| Self)
    }
}

/// Refuses a machine none of whose layers has a reading of its own.
pub(super) fn has_cameras(optic: &Optic) -> Result<()> {
    if optic.element.iter().any(|e| matches!(e, Element::Detect(_))) {
        return Ok(());
    }
    let rule = "no camera stands between the layers, so no layer has a reading of its own";
    Err(Error::invalid("train.method", rule)
        .help("put { kind = \"detect\" } between layers, or use backprop or pat"))
}

/// The same numbers, through which no gradient goes.
pub(super) fn given(b: &mut Builder, read: SlotId) -> Result<SlotId> {
    let shape = Shape::real(&b.slot(read).shape.dims);
    let nothing = vec![0.0; shape.len()];
    let name = format!("nothing.{:?}", shape.dims);
    let nothing = b.constant(&name, shape, || Data::Real(nothing));
    b.emit(Op::Graft(Graft), &[nothing, read])
}

impl Method for Local {
    fn gradient(&self, b: &mut Builder, pair: &Pair, recipe: &Recipe) -> Result<Gradient> {
        let shown = pair.device.show(b)?;
        let mut cameras = Vec::new();
        let (_, last) = twin_at(b, pair, &shown, &CAMERAS, &mut |b, _, read| {
            cameras.push(read);
            given(b, read)
        })?;
        let reading = taken(b, pair, &shown, last)?;
        let last = loss::emit(b, &pair.twin, &reading, &recipe.loss)?;
        let mut total = last;
        for camera in cameras {
            let regions = detect::regions_of(b, &pair.twin, camera)?;
            let own = detect::score(b, &pair.twin, Reading { regions, ..reading })?;
            let own = loss::emit(b, &pair.twin, &own, &recipe.loss)?;
            total = b.emit(Op::Add(Add), &[total, own])?;
        }
        let (seed, _) = step::seed(b, recipe);
        let start = Start { seeds: vec![(total, seed)], ..Start::default() };
        let grads = adjoint_from(b, start)?;
        Ok(Gradient { loss: last, of: params(b, &grads) })
    }

    fn charge(&self, optic: &Optic, classes: usize, batch: u64) -> Charge {
        CAMERAS.charge(optic, classes, batch)
    }
}
