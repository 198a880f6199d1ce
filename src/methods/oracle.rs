//! The device's exact gradient, which no method is given: with the noise of the very exposure that
//! the method saw, quantisers passed straight through. The ledger holds methods against it.

use super::recipe::Recipe;
use super::{Gradient, Method, Pair, backprop, head, names, step};
use crate::error::Result;
use crate::ops::Op;
use crate::ops::dot::Dot;
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::program::{Builder, SlotId};

/// Opens the device to its examiner.
pub struct Key(());

/// How a method's gradient of one parameter lies to the oracle's: a slot of three dot products,
/// method with oracle, method with itself, oracle with itself.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    pub products: SlotId,
}

/// Emits the routine that compares a method with the oracle on the batch in the inputs.
pub fn ledger(
    b: &mut Builder,
    method: &dyn Method,
    pair: &Pair,
    recipe: &Recipe,
) -> Result<Vec<Entry>> {
    b.routine(names::LEDGER, recipe.batch);
    let shown = method.gradient(b, pair, recipe)?;
    b.pass();
    let exact: Gradient = backprop::exact(b, pair.device.examined(Key(())), recipe)?;
    b.section("compare");
    let mut entries = Vec::new();
    for trained in &pair.twin.trainable {
        let slot = trained.slot;
        let (Some(&own), Some(&true_one)) = (shown.of.get(&slot), exact.of.get(&slot)) else {
            continue;
        };
        let products = b.emit(Op::Dot(Dot), &[own, true_one])?;
        let name = b.slot(slot).name.clone();
        b.output(products, &format!("ledger.{name}"));
        entries.push(Entry { name, products });
    }
    step::next_shot(b)?;
    Ok(entries)
}

/// Complex multiplications of one sample through the twin as a computer does them, by transforms,
/// each counted as four multiply-accumulates, and those of its head.
pub fn macs(optic: &Optic, classes: usize) -> f64 {
    let padded = optic.padded().map(|n| n as f64);
    let points = padded[0] * padded[1];
    let transform = 2.0 * points * points.max(2.0).log2() / 2.0;
    let mut complex = 0.0;
    for (i, element) in optic.element.iter().enumerate() {
        let [rows, columns] = optic.shape(i).map(|n| n as f64);
        complex += match element {
            Element::FreeSpace(_) => transform + points,
            Element::Mesh(_) => 2.0 * columns * (columns - 1.0),
            Element::Svd(_) => 4.0 * columns * (columns - 1.0) + columns,
            Element::Couple(couple) => rows * columns * couple.modes as f64,
            Element::Monitor(_) => 0.0,
            _ => rows * columns,
        };
    }
    4.0 * complex + head::macs(optic, classes)
}
