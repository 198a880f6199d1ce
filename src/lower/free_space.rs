//! One step of free space: rows in, columns with the transfer function, rows out.

use super::LARGE;
use crate::error::Result;
use crate::ops::columns::Columns;
use crate::ops::rows_in::RowsIn;
use crate::ops::rows_out::RowsOut;
use crate::ops::{Op, transfer};
use crate::optics::Optic;
use crate::optics::element::{FreeSpace, Geometry};
use crate::optics::transfer::{Transfer, frequency};
use crate::program::{Builder, Data, Formula, Layout, Shape, SlotId};

/// H divided by the number of padded samples, since transforms are unnormalised.
fn fixed(b: &mut Builder, transfer: &Transfer) -> SlotId {
    let [my, mx] = transfer.padded;
    if my * mx <= LARGE {
        return table(b, transfer);
    }
    let (transfer, scale) = (*transfer, ((my * mx) as f64).recip());
    let at = move |n: usize| {
        let fy = frequency(n / mx, my, transfer.pitch[0]);
        let fx = frequency(n % mx, mx, transfer.pitch[1]);
        transfer.at(fy, fx) * scale
    };
    let shape = Shape::complex(&transfer.padded).layout(Layout::Spectrum);
    b.formula(&format!("transfer {transfer:?}"), shape, Formula::new(at))
}

/// [`fixed`] as a table.
fn table(b: &mut Builder, transfer: &Transfer) -> SlotId {
    let shape = Shape::complex(&transfer.padded).layout(Layout::Spectrum);
    let scale = ((transfer.padded[0] * transfer.padded[1]) as f64).recip();
    // Equal steps share one table.
    b.constant(&format!("transfer {transfer:?}"), shape, || {
        Data::Complex(transfer.table().into_iter().map(|h| h * scale).collect())
    })
}

/// H of a step whose geometry is a parameter.
fn trained_table(
    b: &mut Builder,
    transfer: &Transfer,
    step: &FreeSpace,
    geometry: SlotId,
    fitted: bool,
) -> Result<SlotId> {
    let h0 = table(b, transfer);
    let wavelength = transfer.wavelength;
    let along = |a: usize| transfer.map(|fy, fx| wavelength * if a == 0 { fy } else { fx });
    let name = format!("frequency {:?} {:?}", transfer.padded, transfer.pitch);
    // What is drawn takes no gradient.
    let has = |g| step.trainable.contains(&g) || (fitted && g != Geometry::Pitch);
    let op = transfer::Transfer {
        z: transfer.z / wavelength,
        pitch: transfer.pitch.map(|p| p / wavelength),
        offset: transfer.offset.map(|o| o / wavelength),
        trainable: [has(Geometry::Z), has(Geometry::Pitch), has(Geometry::Offset)],
    };
    op.emit(b, &name, h0, [along(0), along(1)], geometry)
}

/// Emits E(z) from E(0), or with conj(H) the adjoint; `geometry` is the step's parameter, or
/// what is drawn or, with true, fitted of it.
pub fn emit(
    b: &mut Builder,
    optic: &Optic,
    step: &FreeSpace,
    geometry: Option<(SlotId, bool)>,
    field: SlotId,
    conj: bool,
) -> Result<SlotId> {
    let transfer = optic.transfer(step);
    let h = match geometry {
        Some((geometry, fitted)) => trained_table(b, &transfer, step, geometry, fitted)?,
        None => fixed(b, &transfer),
    };
    let (samples, padded) = (optic.grid().samples, transfer.padded);
    let rows = b.emit(Op::RowsIn(RowsIn { field: samples, padded }), &[field])?;
    let columns = Columns { field: samples, padded, conj };
    let columns = b.emit(Op::Columns(columns), &[rows, h])?;
    b.emit(Op::RowsOut(RowsOut { field: samples, padded }), &[columns])
}
