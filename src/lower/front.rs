//! From a sample of the data to the light that enters a chip.

use num_complex::Complex;

use crate::error::{Error, Result};
use crate::ops::Op;
use crate::ops::add::Add;
use crate::ops::encode::Encode;
use crate::ops::project::{Normalise, Project};
use crate::ops::sparse_sum::SparseSum;
use crate::optics::encoding::{Encoding, Front, Modulation};
use crate::program::{Builder, Data, Shape, SlotId};

/// What the states of a front end that learns are called in a checkpoint.
pub const STATES: &str = "optic.input.";

/// Images `[values, modes]` and offset `[1, modes]` of a front end that learns, which a checkpoint
/// keeps.
fn learnt(
    b: &mut Builder,
    encoding: &Encoding,
    modes: usize,
    values: usize,
) -> Result<[SlotId; 2]> {
    let Some(learnt) = &encoding.learnt else {
        let rule = "principal components are those of a training set, and none is at hand";
        return Err(Error::invalid("optic.input.front", rule)
            .help("add a [data] block, or use \"pool\" or \"fourier\""));
    };
    let complex = |v: &[f64]| Data::Complex(v.iter().map(|&x| Complex::from(x)).collect());
    let mut state = |name: &str, dims: &[usize], values: &[f64]| {
        let name = format!("{STATES}{name}");
        let there = b.find(&name);
        there.unwrap_or_else(|| b.state(&name, Shape::complex(dims), complex(values)))
    };
    let images = state("components", &[values, modes], &learnt.images);
    Ok([images, state("offset", &[1, modes], &learnt.offset)])
}

/// A sample as the light of a chip's guides `[1, modes]`.
pub fn guides(b: &mut Builder, image: SlotId, encoding: &Encoding, modes: usize) -> Result<SlotId> {
    let dims = b.slot(image).shape.dims.clone();
    let size = [dims[0], dims[1]];
    let front = encoding.front.unwrap_or(Front::Vector);
    let values = size[0] * size[1];
    let project = |b: &mut Builder, name: &str, images: &dyn Fn() -> Vec<Complex<f64>>| {
        let shape = Shape::complex(&[values, modes]);
        let images = b.constant(name, shape, || Data::Complex(images()));
        b.emit(Op::Project(Project), &[image, images])
    };
    let mut light = if front == Front::Pca {
        let [images, offset] = learnt(b, encoding, modes, values)?;
        let scores = b.emit(Op::Project(Project), &[image, images])?;
        b.emit(Op::Add(Add), &[scores, offset])?
    } else if front == Front::Fourier {
        project(b, "fourier", &|| Front::fourier(modes, size))?
    } else if front == Front::Complex {
        project(b, "pairs", &|| Front::pairs(modes, values))?
    } else {
        let map = front.real(modes, size);
        let v = SparseSum::new("placement", map, &[1, modes]).emit(b, image)?;
        // An amplitude is dark where no number is by itself, a phase is not.
        let mut source = vec![Complex::ZERO; modes];
        source[..encoding.lit(modes, values)].fill(Complex::ONE);
        let source = b.constant("source", Shape::complex(&[1, modes]), || Data::Complex(source));
        b.emit(Op::Encode(encode(encoding)), &[v, source])?
    };
    if let Some(power) = encoding.power {
        light = b.emit(Op::Normalise(Normalise { power }), &[light])?;
    }
    Ok(light)
}

/// How a number becomes the light of its guide, or of its sample of a plane.
pub fn encode(encoding: &Encoding) -> Encode {
    let range = encoding.phase_range;
    match encoding.encoding {
        Modulation::Amplitude => Encode { amplitude: true, phase: None },
        Modulation::Phase => Encode { amplitude: false, phase: Some(range) },
        Modulation::Both => Encode { amplitude: true, phase: Some(range) },
    }
}
