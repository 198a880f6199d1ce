//! Rules of `[hardware]` that need the optic.

use super::source::tilt;
use crate::error::{Error, Result};
use crate::experiment::device;
use crate::optics::element::Element;
use crate::optics::hardware::MaskFaults;
use crate::optics::{Hardware, Optic};

pub fn hardware(optic: &Optic, hardware: &Hardware) -> Result<()> {
    hardware.check()?;
    let in_plane =
        |(i, e): (usize, &Element)| matches!(e, Element::PhaseMask(_)) && optic.guides(i).is_none();
    if optic.element.iter().enumerate().any(in_plane) {
        // The shortest that a device may have.
        let wavelength = optic.wavelength.0 * (1.0 - hardware.wavelength_error.abs());
        let [y, x] = optic.grid().pitch;
        return tilt("hardware.alignment.tilt", hardware.alignment.tilt, y.max(x), wavelength);
    }
    let guides = optic.guides(optic.element.len()).is_some();
    if guides && hardware.mask != MaskFaults::default() && !presets_mask(hardware)? {
        let rule = "is of phase masks on planes, and this machine has none: phases of guides have no faults";
        return Err(Error::invalid("hardware.mask", rule)
            .help("leave it out; faults of a mesh are keys of [hardware.mesh]"));
    }
    Ok(())
}

/// Whether a preset says something of masks: a kind of device, whether or not this machine has all of it.
fn presets_mask(hardware: &Hardware) -> Result<bool> {
    let Some(name) = &hardware.preset else { return Ok(false) };
    Ok(device::named(name)?.figures.iter().any(|figure| figure.key.starts_with("mask.")))
}
