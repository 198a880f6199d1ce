//! M · P = F: a butterfly as the fast Fourier transform, F[j, k] = e^{∓2πi jk/N} / √N, P the bit
//! reversal of the input (Cooley and Tukey 1965, Math. Comp. 19, 297; decimation in time).
//!
//! A butterfly of the transform, [[1, w], [1, -w]]/√2, is a cell at θ = π/2 up to one phase of
//! both outputs, which the next cells take over: the settings exist and are exact.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::decompose::{Targets, program};
use super::{C, Mesh, Settings, Topology};
use crate::error::{Error, Result};

/// Settings of the butterfly with matrix · P = F; the sign is + when `inverse`.
pub fn fourier(mesh: &Mesh, inverse: bool) -> Result<Settings> {
    if mesh.topology != Topology::Butterfly {
        return Err(Error::invalid(
            "mesh.topology",
            "only a butterfly has the graph of the fast Fourier transform",
        )
        .help("decompose the transform's matrix, which any universal mesh realises"));
    }
    let sign = if inverse { 1.0 } else { -1.0 };
    let cells = mesh.layout.cells.iter().map(|cell| {
        let (column, a, _) = cell.at();
        let stride = 1usize << column;
        let w = C::from_polar(FRAC_1_SQRT_2, sign * PI * (a % stride) as f64 / stride as f64);
        [C::from(FRAC_1_SQRT_2), w, C::from(FRAC_1_SQRT_2), -w]
    });
    let targets = Targets { cells: cells.collect(), output: vec![C::ONE; mesh.n] };
    let ideal = mesh.ideal_cell();
    Ok(program(mesh, &targets, |_| ideal).0)
}

/// P: guide k takes the sample `order[k]`; n is a power of two.
pub fn bit_reversal(n: usize) -> Vec<usize> {
    let bits = n.ilog2();
    (0..n).map(|k| if bits == 0 { 0 } else { k.reverse_bits() >> (usize::BITS - bits) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::dense::max_distance;

    /// Against the definition; log2 N butterflies of a few roundings each.
    #[test]
    fn the_butterfly_is_the_fourier_transform() {
        for n in [1usize, 2, 4, 8, 64] {
            for (three, inverse) in [(false, false), (false, true), (true, false)] {
                let mesh = Mesh::new(n, Topology::Butterfly)
                    .expect("a power of two")
                    .with_three_splitters(three);
                let got = mesh.matrix(&fourier(&mesh, inverse).expect("a butterfly"));
                let got = got.expect("its settings");
                let order = bit_reversal(n);
                let sign = if inverse { 2.0 } else { -2.0 };
                let expected: Vec<C> = (0..n * n)
                    .map(|k| {
                        let turn = (k / n * order[k % n] % n) as f64 / n as f64;
                        C::from_polar((n as f64).sqrt().recip(), sign * PI * turn)
                    })
                    .collect();
                assert!(max_distance(&got, &expected) < 5e-15, "{n} {three} {inverse}");
                let moved: Vec<C> = expected.iter().map(|x| x * C::cis(1e-13)).collect();
                assert!(n > 64 || max_distance(&got, &moved) > 5e-15);
            }
        }
        let clements = Mesh::new(4, Topology::Clements).expect("a size");
        assert!(fourier(&clements, false).is_err());
    }
}
