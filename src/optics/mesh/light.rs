//! |x_g|² on every guide g after every column, and inside every cell: where the light of a chip is.

use super::effective::effective;
use super::{C, Faults, Mesh, Settings};
use crate::error::{Error, Result};

/// The way of one input through a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Light {
    /// Powers at the inputs and behind each column `[depth + 1, guides]`.
    pub guides: Vec<f64>,
    /// Powers of the upper and the lower arm beside φ and beside θ `[cells]`.
    pub arms: Vec<[[f64; 2]; 2]>,
    /// Fields at the outputs of the modes `[n]`.
    pub outputs: Vec<C>,
}

/// Fields on all guides `[guides]` while light passes a chip, with what is seen of it.
pub(super) struct Passage {
    /// At the end of the passage.
    pub fields: Vec<C>,
    /// Before and behind each column in the order of the passage `[depth + 1, guides]`.
    pub guides: Vec<f64>,
    /// As [`Light::arms`].
    pub arms: Vec<[[f64; 2]; 2]>,
}

/// Sends `fields` `[guides]` into the inputs.
pub(super) fn forward(
    mesh: &Mesh,
    settings: &Settings,
    faults: &Faults,
    mut fields: Vec<C>,
) -> Result<Passage> {
    let layout = &mesh.layout;
    let chip = effective(mesh, settings, faults)?;
    let realised = faults.realise(mesh, settings);
    let mut guides = Vec::with_capacity((layout.depth + 1) * layout.guides);
    let mut arms = Vec::with_capacity(layout.cells.len());
    guides.extend(fields.iter().map(C::norm_sqr));
    for column in 0..layout.depth {
        let bypass = &chip.bypass[column * layout.guides..];
        fields.iter_mut().zip(bypass).for_each(|(x, amplitude)| *x *= amplitude);
        for k in layout.column(column) {
            let (_, a, b) = layout.cells[k].at();
            let entering = [fields[a], fields[b]];
            let inside = faults.build(mesh, k).arms(realised.phi[k], entering);
            arms.push(inside.map(|arm| arm.map(|x| x.norm_sqr())));
            let t = &chip.cells[k];
            fields[a] = t[0] * entering[0] + t[1] * entering[1];
            fields[b] = t[2] * entering[0] + t[3] * entering[1];
        }
        guides.extend(fields.iter().map(C::norm_sqr));
    }
    let modes = fields[layout.first..].iter_mut();
    modes.zip(&chip.output).for_each(|(x, factor)| *x *= factor);
    Ok(Passage { fields, guides, arms })
}

/// Sends `fields` `[guides]` back into the outputs: the light that leaves the inputs is the transpose
/// of the chip on it, since waveguides are reciprocal.
pub(super) fn send_back(
    mesh: &Mesh,
    settings: &Settings,
    faults: &Faults,
    mut fields: Vec<C>,
) -> Result<Passage> {
    let layout = &mesh.layout;
    let chip = effective(mesh, settings, faults)?;
    let realised = faults.realise(mesh, settings);
    let mut guides = Vec::with_capacity((layout.depth + 1) * layout.guides);
    let mut arms = vec![[[0.0; 2]; 2]; layout.cells.len()];
    let modes = fields[layout.first..].iter_mut();
    modes.zip(&chip.output).for_each(|(x, factor)| *x *= factor);
    guides.extend(fields.iter().map(C::norm_sqr));
    for column in (0..layout.depth).rev() {
        for k in layout.column(column) {
            let (_, a, b) = layout.cells[k].at();
            let entering = [fields[a], fields[b]];
            let inside = faults.build(mesh, k).arms_back(realised.theta[k], entering);
            arms[k] = inside.map(|arm| arm.map(|x| x.norm_sqr()));
            let t = &chip.cells[k];
            fields[a] = t[0] * entering[0] + t[2] * entering[1];
            fields[b] = t[1] * entering[0] + t[3] * entering[1];
        }
        let bypass = &chip.bypass[column * layout.guides..];
        fields.iter_mut().zip(bypass).for_each(|(x, amplitude)| *x *= amplitude);
        guides.extend(fields.iter().map(C::norm_sqr));
    }
    Ok(Passage { fields, guides, arms })
}

/// `modes` `[n]` on the guides of a mesh, the others dark.
pub(super) fn on_guides(mesh: &Mesh, modes: &[C]) -> Result<Vec<C>> {
    if modes.len() != mesh.n {
        return Err(Error::invalid(
            "input",
            format!("{} values are given for a mesh of {} modes", modes.len(), mesh.n),
        )
        .help("give one complex amplitude a mode"));
    }
    let mut fields = vec![C::ZERO; mesh.layout.guides];
    fields[mesh.layout.first..][..mesh.n].copy_from_slice(modes);
    Ok(fields)
}

/// Follows `input` `[n]` through a mesh whose phases are driven to `settings`.
pub fn follow(mesh: &Mesh, settings: &Settings, faults: &Faults, input: &[C]) -> Result<Light> {
    let passed = forward(mesh, settings, faults, on_guides(mesh, input)?)?;
    let outputs = passed.fields[mesh.layout.first..][..mesh.n].to_vec();
    Ok(Light { guides: passed.guides, arms: passed.arms, outputs })
}

/// Follows `input` through one mesh, or through the two of an SVD layer with amplitudes
/// `between` `[min(rows, columns)]`.
pub fn follow_all<'a>(
    meshes: impl IntoIterator<Item = (&'a Mesh, &'a Settings, &'a Faults)>,
    between: Option<&[f64]>,
    input: &[C],
) -> Result<Vec<Light>> {
    let mut all: Vec<Light> = Vec::new();
    for (mesh, settings, faults) in meshes {
        let entering = match (all.last(), between) {
            (Some(before), Some(between)) => {
                let passed = before.outputs.iter().zip(between).map(|(x, a)| x * a);
                let mut next: Vec<C> = passed.collect();
                next.resize(mesh.n, C::ZERO);
                next
            }
            _ => input.to_vec(),
        };
        all.push(follow(mesh, settings, faults, &entering)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::mesh::haar::haar;
    use crate::optics::mesh::{Imperfections, Topology};

    /// The outputs are those of the chip's matrix; without loss all columns and all arms carry what
    /// enters; a column of lossy bypasses takes its decibels from everything.
    #[test]
    fn light_is_conserved_and_arrives_as_the_matrix_says() {
        for (topology, loss_db) in Topology::ALL.into_iter().flat_map(|t| [(t, 0.0), (t, 0.5)]) {
            let mesh = Mesh::new(8, topology).expect("a size").with_three_splitters(loss_db > 0.0);
            let spec = Imperfections {
                theta_std: 3.0,
                phi_std: 3.0,
                splitter_angle: 0.1,
                loss_db,
                ..Default::default()
            };
            let faults = spec.draw(&mesh, 2).expect("valid");
            let settings = mesh.zero_settings();
            let input = &haar(8, 3).expect("a size")[..8];
            let light = follow(&mesh, &settings, &faults, input).expect("fits");
            for (column, row) in light.guides.chunks_exact(mesh.layout.guides).enumerate() {
                let left = 10f64.powf(-loss_db * column as f64 / 10.0);
                assert!((row.iter().sum::<f64>() - left).abs() < 1e-14, "{topology:?} {column}");
            }
            for (cell, arms) in mesh.layout.cells.iter().zip(&light.arms) {
                let (column, a, b) = cell.at();
                let behind = &light.guides[(column + 1) * mesh.layout.guides..];
                for arm in arms {
                    assert!((arm[0] + arm[1] - behind[a] - behind[b]).abs() < 1e-14);
                }
            }
            let chip = effective(&mesh, &settings, &faults).expect("fits");
            let powers = chip.powers(input);
            for (x, p) in light.outputs.iter().zip(&powers[mesh.layout.first..]) {
                assert!((x.norm_sqr() - p).abs() < 1e-15);
            }
        }
        let mesh = Mesh::new(4, Topology::Reck).expect("a size");
        let dark = [C::ZERO; 3];
        assert!(follow(&mesh, &mesh.zero_settings(), &Faults::none(&mesh), &dark).is_err());
    }
}
