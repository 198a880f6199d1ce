//! The device's exact gradient, which no method is given: with the noise of the very exposure that
//! the method saw, quantisers passed straight through. The ledger holds methods against it.

use super::recipe::Recipe;
use super::{Gradient, Method, Pair, backprop, head, names, step};
use crate::error::Result;
use crate::ops::Op;
use crate::ops::dot::Dot;
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::optics::mesh::Topology;
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
    // Four a cell.
    let mesh = |topology: Topology, n: usize| {
        topology.layout(n).map_or(0.0, |layout| 4.0 * layout.cells.len() as f64)
    };
    let mut complex = 0.0;
    for (i, element) in optic.element.iter().enumerate() {
        let [_, guides] = optic.shape(i);
        let [rows, columns] = optic.shape(i).map(|n| n as f64);
        complex += match element {
            Element::FreeSpace(_) => transform + points,
            Element::Mesh(m) => mesh(m.topology, guides),
            Element::Svd(m) => {
                let outputs = m.outputs.unwrap_or(guides);
                mesh(m.topology, guides) + mesh(m.topology, outputs) + guides.min(outputs) as f64
            }
            Element::Couple(couple) => rows * columns * couple.modes as f64,
            Element::Monitor(_) => 0.0,
            _ => rows * columns,
        };
    }
    4.0 * complex + head::macs(optic, classes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::experiment::load;

    /// Four complex products a cell, four real ones each: 28 cells of 8 guides in a rectangle, 3 x 4
    /// in a butterfly, and 28 + 6 about 4 attenuators where 8 guides become 4.
    #[test]
    fn cells_of_meshes_are_counted() {
        for (element, complex) in [
            ("mesh\"", 4.0 * 28.0),
            ("mesh\", topology = \"butterfly\"", 4.0 * 12.0),
            ("mesh\", topology = \"diamond\"", 4.0 * 49.0),
            ("svd\"", 2.0 * 4.0 * 28.0 + 8.0),
            ("svd\", outputs = 4", 4.0 * (28.0 + 6.0) + 4.0),
        ] {
            let text = format!(
                "data = {{ name = \"mnist\" }}\n[optic]\nwavelength = \"1.55 um\"\nmodes = 8\n\
                 input = {{ front = \"vector\" }}\nelement = [{{ kind = \"{element} }}]\n\
                 detector = {{}}\n[train]\nepochs = 1\nbatch = 8\n"
            );
            let loaded = load::from_text("a chip", &text, Path::new(""), &[]).expect(element);
            assert_eq!(macs(&loaded.experiment.optic, 2), 4.0 * complex, "{element}");
        }
    }
}
