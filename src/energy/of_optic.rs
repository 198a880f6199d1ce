//! The machine that an experiment's optic would be.

use super::chip::{Block, Chip, Detection, Phases};
use super::edge::Work;
use super::machine::{Kind, Machine};
use super::stack::{Band, Masks, Stack};
use crate::error::{Error, Result};
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::optics::encoding::{Front, Modulation};

/// Waves longer than this are terahertz here; in between nobody builds such stacks.
const TERAHERTZ: f64 = 30e-6;

/// `values` are the numbers of one sample, `classes` those of the task.
pub fn machine(name: &str, optic: &Optic, values: usize, classes: usize) -> Result<Machine> {
    let Some(detector) = &optic.detector else {
        return Err(Error::invalid("optic.detector", "missing: nothing reads the light")
            .help("give an experiment with a detector"));
    };
    priced(optic)?;
    let regions = detector.count(classes);
    let (what, kind) = if let Some(modes) = optic.modes {
        let chip = chip(optic, modes, values, regions);
        (describe_chip(&chip), Kind::Chip(chip))
    } else {
        let stack = stack(optic, values, regions, classes);
        (describe_stack(&stack), Kind::Stack(stack))
    };
    Ok(Machine { name: name.to_owned(), what, kind })
}

/// Whether the figures know every part: what is left out would be a machine that costs too little.
fn priced(optic: &Optic) -> Result<()> {
    let refuse = |key: String, what: &str| {
        Err(Error::invalid(key, format!("the energy model has no figures for {what}"))
            .help("give a machine without it, or one of --machine"))
    };
    for (i, element) in optic.element.iter().enumerate() {
        let key = format!("optic.element[{i}]");
        match element {
            Element::Couple(_) => return refuse(key, "the loss from a plane into guides"),
            Element::Activation(_) if optic.modes.is_none() => {
                return refuse(key, "the loss and the light of a nonlinear plane");
            }
            Element::Svd(svd) if svd.outputs.is_some_and(|n| Some(n) != optic.modes) => {
                return refuse(
                    format!("{key}.outputs"),
                    "a layer that changes how many guides there are",
                );
            }
            _ => {}
        }
    }
    let head = optic.detector.as_ref().is_some_and(|d| d.head.is_some());
    if head && optic.modes.is_some() {
        return refuse("optic.detector.head".into(), "a digital layer behind a chip");
    }
    Ok(())
}

fn chip(optic: &Optic, modes: usize, values: usize, regions: usize) -> Chip {
    let block = |e: &Element| match e {
        Element::Mesh(m) => Some(Block::Mesh(m.topology)),
        Element::Svd(m) => Some(Block::Svd(m.topology)),
        Element::Activation(_) => Some(Block::Activation),
        _ => None,
    };
    let input = optic.input.as_ref();
    let front = input.and_then(|i| i.front).unwrap_or(Front::Vector);
    let complex = matches!(front, Front::Fourier | Front::Complex)
        || input.is_some_and(|i| i.encoding != Modulation::Amplitude);
    let inputs = match front {
        Front::Vector => values.min(modes),
        Front::Complex => (values / 2).min(modes),
        Front::Fourier | Front::Pool | Front::Pca => modes,
    };
    // Fourier coefficients are made of real pixels by complex factors, scores of principal
    // components by real ones, means by an addition a pixel, which is no dearer than a MAC.
    let pixels = values as f64;
    let weights = match front {
        Front::Fourier => 2.0 * pixels * modes as f64,
        Front::Pca => pixels * modes as f64,
        Front::Pool | Front::Vector | Front::Complex => 0.0,
    };
    let front = match front {
        Front::Fourier | Front::Pca => Work { macs: weights, reads: weights + pixels },
        Front::Pool => Work { macs: pixels, reads: pixels },
        Front::Vector | Front::Complex => Work::default(),
    };
    Chip {
        modes,
        blocks: optic.element.iter().filter_map(block).collect(),
        inputs,
        complex,
        outputs: regions.min(modes),
        detection: Detection::Direct,
        phases: Phases::Thermo,
        front,
        read: None,
    }
}

fn stack(optic: &Optic, values: usize, regions: usize, classes: usize) -> Stack {
    let masks = optic
        .element
        .iter()
        .filter(|e| matches!(e, Element::PhaseMask(_) | Element::AmplitudeMask(_)));
    let length = optic.element.iter().map(|e| match e {
        Element::FreeSpace(step) => step.z.0.abs(),
        _ => 0.0,
    });
    let cameras = optic.element.iter().filter(|e| matches!(e, Element::Detect(_))).count();
    let head = optic.detector.as_ref().is_some_and(|d| d.head.is_some());
    let grid = optic.grid();
    let band = if optic.wavelength.0 >= TERAHERTZ { Band::Terahertz } else { Band::Visible };
    Stack {
        band,
        masks: if band == Band::Terahertz { Masks::Printed } else { Masks::Panels },
        layers: masks.count(),
        pixels: Some(grid.len() as f64),
        wavelength: Some(optic.wavelength.0),
        inputs: values,
        regions,
        rank: rank(optic).min(if cameras == 0 { values } else { grid.len() }),
        useful: None,
        length: length.sum(),
        cameras,
        head: if head { (regions * classes) as f64 } else { 0.0 },
    }
}

/// Modes that fit one region of the detector: (2 w sin θ/λ + 1) along each axis, where θ is how
/// steeply light of the last mask can come, by its width or by its pitch. About the rank of the
/// quadratic form that the region reads; what good detectors tell from noise is more
/// ([`super::rank`]).
pub fn rank(optic: &Optic) -> usize {
    let (grid, wavelength) = (optic.grid(), optic.wavelength.0);
    let behind = optic
        .element
        .iter()
        .rev()
        .take_while(|e| !matches!(e, Element::PhaseMask(_) | Element::AmplitudeMask(_)));
    let z: f64 =
        behind.map(|e| if let Element::FreeSpace(step) = e { step.z.0.abs() } else { 0.0 }).sum();
    let size = optic.detector.as_ref().and_then(|d| d.size).map_or(0.0, |s| s.0);
    let along = |a: usize| {
        let reach = grid.extent()[a] / 2.0;
        let by_width = reach / reach.hypot(z);
        let by_pitch = wavelength / (2.0 * grid.pitch[a]);
        2.0 * size * by_width.min(by_pitch).min(1.0) / wavelength + 1.0
    };
    (along(0) * along(1)).ceil() as usize
}

fn describe_chip(chip: &Chip) -> String {
    let count = |f: fn(&Block) -> bool| chip.blocks.iter().filter(|b| f(b)).count();
    let parts = [
        (count(|b| matches!(b, Block::Svd(_))), "SVD layer", "SVD layers"),
        (count(|b| matches!(b, Block::Mesh(_))), "mesh", "meshes"),
        (count(|b| matches!(b, Block::Activation)), "activation", "activations"),
    ];
    let there = parts.into_iter().filter(|(n, ..)| *n > 0);
    let parts: Vec<String> = there.map(|(n, one, many)| counted(n, one, many)).collect();
    format!(
        "silicon chip of {}: {}, heaters, {} read",
        counted(chip.modes, "guide", "guides"),
        parts.join(", "),
        counted(chip.outputs, "guide", "guides")
    )
}

/// `1 mesh`, `2 meshes`.
fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn describe_stack(stack: &Stack) -> String {
    let (band, one, many) = match stack.band {
        Band::Terahertz => ("terahertz", "printed mask", "printed masks"),
        Band::Visible => ("visible", "liquid-crystal mask", "liquid-crystal masks"),
    };
    let samples = counted(stack.pixels.unwrap_or(0.0) as usize, "sample", "samples");
    let cameras = match stack.cameras {
        0 => String::new(),
        1 => format!(", 1 camera and a fresh wave of {samples}"),
        n => format!(", {n} cameras and fresh waves of {samples}"),
    };
    let head = if stack.head > 0.0 {
        format!(", a digital layer of {}", counted(stack.head as usize, "weight", "weights"))
    } else {
        String::new()
    };
    format!(
        "{band} stack of {}, {} of about {} each{cameras}{head}",
        counted(stack.layers, one, many),
        counted(stack.regions, "region", "regions"),
        counted(stack.rank, "mode", "modes")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let mesh = Block::Mesh(crate::optics::mesh::Topology::Clements);
        let chip = Chip::layer(4, mesh, Phases::Thermo);
        assert_eq!(
            describe_chip(&Chip { outputs: 1, ..chip.clone() }),
            "silicon chip of 4 guides: 1 mesh, heaters, 1 guide read"
        );
        let blocks = vec![mesh, Block::Activation, mesh];
        let two = describe_chip(&Chip { blocks, ..chip });
        assert!(two.contains(": 2 meshes, 1 activation, heaters, 4 guides read"), "{two}");
        let stack = Stack { layers: 1, cameras: 1, pixels: Some(64.0), rank: 1, ..Stack::lin() };
        assert_eq!(
            describe_stack(&stack),
            "terahertz stack of 1 printed mask, 10 regions of about 1 mode each, 1 camera and a fresh \
             wave of 64 samples"
        );
    }
}
