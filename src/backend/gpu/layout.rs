//! The order in which a slot lies on the device, and its bytes there.

use super::fftgen::{Limits, LinePlan};
use crate::backend::is_reordered;
use crate::program::{Data, Layout, Slot};

/// The natural row at each row of the device's, and the natural column at each column, `[y, x]`; none
/// for slots that lie as they are.
pub fn axes(slot: &Slot, limits: &Limits) -> Option<[Vec<u32>; 2]> {
    if !is_reordered(slot) {
        return None;
    }
    let [rows, columns] = [slot.shape.dims[0], slot.shape.dims[1]];
    let natural = |n: usize| (0..n as u32).collect::<Vec<u32>>();
    let along = |n: usize, order: fn(&LinePlan) -> Vec<u32>| {
        LinePlan::choose(n, limits).map_or_else(|| natural(n), |plan| order(&plan))
    };
    let spectrum = slot.shape.layout == Layout::Spectrum;
    let y = if spectrum { along(rows, LinePlan::column_order) } else { natural(rows) };
    Some([y, along(columns, LinePlan::row_order)])
}

/// Place of each natural element.
pub fn order([y, x]: &[Vec<u32>; 2]) -> Vec<usize> {
    let columns = x.len();
    let mut order = vec![0; y.len() * columns];
    for (q, &ky) in y.iter().enumerate() {
        for (p, &kx) in x.iter().enumerate() {
            order[ky as usize * columns + kx as usize] = q * columns + p;
        }
    }
    order
}

fn scatter<T: Copy>(from: Vec<T>, order: Option<&[usize]>) -> Vec<T> {
    let Some(order) = order else { return from };
    let mut to = from.clone();
    order.iter().zip(from).for_each(|(&place, v)| to[place] = v);
    to
}

pub fn gather<T: Copy>(from: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|&place| from[place]).collect()
}

/// Host data as the device has them: f32, in this order.
pub fn bytes(data: &Data, order: Option<&[usize]>) -> Vec<u8> {
    match data {
        Data::Real(v) => {
            let single = v.iter().map(|&x| x as f32).collect();
            bytemuck::cast_slice(&scatter(single, order)).to_vec()
        }
        Data::Complex(v) => {
            let single: Vec<[f32; 2]> = v.iter().map(|z| [z.re as f32, z.im as f32]).collect();
            bytemuck::cast_slice(&scatter(single, order)).to_vec()
        }
        Data::Index(v) => bytemuck::cast_slice(v).to_vec(),
    }
}
