//! From a sample of the data to the light that enters a chip.

use num_complex::Complex;

use crate::error::Result;
use crate::ops::Op;
use crate::ops::encode::Encode;
use crate::ops::project::{Normalise, Project};
use crate::ops::sparse_sum::SparseSum;
use crate::optics::encoding::{Encoding, Front, Modulation};
use crate::program::{Builder, Data, Shape, SlotId};

/// A sample as the light of a chip's guides `[1, modes]`.
pub fn guides(b: &mut Builder, image: SlotId, encoding: &Encoding, modes: usize) -> Result<SlotId> {
    let dims = b.slot(image).shape.dims.clone();
    let size = [dims[0], dims[1]];
    let front = encoding.front.unwrap_or(Front::Vector);
    let mut light = if front == Front::Fourier {
        let shape = Shape::complex(&[size[0] * size[1], modes]);
        let f = b.constant("fourier", shape, || Data::Complex(Front::fourier(modes, size)));
        b.emit(Op::Project(Project), &[image, f])?
    } else {
        let map = front.real(modes, size);
        let v = SparseSum::new("placement", map, &[1, modes]).emit(b, image)?;
        let ones = vec![Complex::ONE; modes];
        let source = b.constant("source", Shape::complex(&[1, modes]), || Data::Complex(ones));
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
