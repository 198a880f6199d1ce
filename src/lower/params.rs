//! Masks before training.

use std::f64::consts::TAU;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::npy;
use crate::math::random::{Site, uniform};
use crate::optics::Optic;
use crate::optics::element::{AmplitudeMask, MaskInit, PhaseMask};

/// Phases of a mask before training, `[y, x]` in radians.
pub fn phases(optic: &Optic, element: usize, mask: &PhaseMask, seed: u64) -> Result<Vec<f64>> {
    let [low, high] = mask.bounds.unwrap_or([0.0, TAU]);
    if let Some(path) = &mask.file {
        let phases = read_mask(optic, element, path)?;
        return Ok(match mask.bounds {
            Some([low, high]) => phases.into_iter().map(|p| p.clamp(low, high)).collect(),
            None => phases,
        });
    }
    let len = optic.shape(element).iter().product::<usize>();
    Ok(match mask.init {
        MaskInit::Zero => {
            vec![mask.bounds.map_or(0.0, |[low, high]| 0.0f64.clamp(low, high)); len]
        }
        MaskInit::Random => (0..len as u32)
            .map(|i| low + (high - low) * uniform(seed, element as u32, Site::MaskInit, i))
            .collect(),
    })
}

fn read_mask(optic: &Optic, element: usize, path: &Path) -> Result<Vec<f64>> {
    let (shape, values) = npy::read_real(path)?;
    let wanted = optic.shape(element);
    if shape != wanted {
        let rule = format!(
            "{} is {} x {} (y, x), the grid is {} x {}",
            path.display(),
            shape[0],
            shape[1],
            wanted[0],
            wanted[1]
        );
        return Err(Error::invalid(format!("optic.element[{element}].file"), rule)
            .help("resample the mask, or set optic.samples to its shape"));
    }
    Ok(values)
}

pub fn amplitudes(optic: &Optic, element: usize, mask: &AmplitudeMask) -> Result<Vec<f64>> {
    let Some(path) = &mask.file else {
        return Ok(vec![1.0; optic.shape(element).iter().product()]);
    };
    let values = read_mask(optic, element, path)?;
    if let Some(bad) = values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        let rule = format!("{} holds {bad}; an amplitude lies in 0..1", path.display());
        return Err(Error::invalid(format!("optic.element[{element}].file"), rule)
            .help("scale the mask; a passive element does not amplify"));
    }
    Ok(values)
}
