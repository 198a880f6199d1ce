//! Rules of `[hardware]` that need the optic.

use super::source::tilt;
use crate::error::{Error, Result};
use crate::experiment::device;
use crate::optics::element::Element;
use crate::optics::encoding::{Encoding, Front, Modulation};
use crate::optics::hardware::MaskFaults;
use crate::optics::mesh::Imperfections;
use crate::optics::{Hardware, Optic, Source};

pub fn hardware(optic: &Optic, hardware: &Hardware) -> Result<()> {
    hardware.check()?;
    let in_plane =
        |(i, e): (usize, &Element)| matches!(e, Element::PhaseMask(_)) && optic.guides(i).is_none();
    let masks = optic.element.iter().enumerate().any(in_plane);
    if masks {
        // The shortest that a device may have.
        let wavelength = optic.wavelength.0 * (1.0 - hardware.wavelength_error.abs());
        let [y, x] = optic.grid().pitch;
        tilt("hardware.alignment.tilt", hardware.alignment.tilt, y.max(x), wavelength)?;
    }
    without_effect(optic, hardware, masks)
}

/// Refuses keys that change nothing in this machine; `masks`: phase masks stand on its planes. What a
/// preset says stays: it is of a kind of device, whether or not this machine has all of it.
fn without_effect(optic: &Optic, hardware: &Hardware, masks: bool) -> Result<()> {
    let chip = optic.modes.is_some();
    let meshes = optic.element.iter().any(|e| matches!(e, Element::Mesh(_) | Element::Svd(_)));
    // In guides the wavelength is that of a source with a shape alone.
    let plain = matches!(&optic.source, Source::Plane(wave) if wave.tilt == [0.0; 2]);
    let bright = |input: &Encoding| {
        input.encoding == Modulation::Amplitude && input.front != Some(Front::Complex)
    };
    let at = &hardware.alignment;
    let of_meshes = "leave it out; faults of a mesh are keys of [hardware.mesh]";
    let of_planes = "is of planes, and the light of a chip stays in its guides";
    let of_masks = "is of phase masks on planes, and this machine has none";
    let given = [
        (
            !masks && hardware.mask != MaskFaults::default(),
            "mask",
            "is of phase masks on planes, and this machine has none: phases of guides have no faults",
            of_meshes,
        ),
        (chip && at.lateral.0 != 0.0, "alignment.lateral", of_planes, of_meshes),
        (chip && at.axial.0 != 0.0, "alignment.axial", of_planes, of_meshes),
        (!masks && at.tilt != 0.0, "alignment.tilt", of_masks, "leave it out"),
        (!masks && at.rotation != 0.0, "alignment.rotation", of_masks, "leave it out"),
        (
            chip && plain && hardware.wavelength_error != 0.0,
            "wavelength_error",
            "is of free space and lenses, and the light of a chip stays in its guides",
            of_meshes,
        ),
        (
            !meshes && hardware.mesh != Imperfections::default(),
            "mesh",
            "is of meshes, and this machine has none",
            "leave it out; faults of phase masks on planes are keys of [hardware.mask]",
        ),
        (
            hardware.input.extinction_db.is_some()
                && optic.input.as_ref().is_some_and(|input| !bright(input)),
            "input.extinction_db",
            "is of values that are amplitudes, and phases and complex numbers have no dark level",
            "leave it out; amplitudes of real numbers have one",
        ),
    ];
    for (given, key, rule, way_out) in given {
        if given && !presets(hardware, key)? {
            return Err(Error::invalid(format!("hardware.{key}"), rule).help(way_out));
        }
    }
    Ok(())
}

/// Whether the preset says something of a key, or of one below it.
fn presets(hardware: &Hardware, key: &str) -> Result<bool> {
    let Some(name) = &hardware.preset else { return Ok(false) };
    Ok(device::named(name)?.figures.iter().any(|figure| figure.key.starts_with(key)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::experiment::load::from_text;

    /// What a machine has no use for is refused by its key, unless a preset says it.
    #[test]
    fn keys_without_effect_are_refused() {
        let (mask, mesh) = ("{ kind = \"phase_mask\" }", "{ kind = \"mesh\" }");
        let step = "{ kind = \"free_space\", z = \"1 mm\" }";
        let plane = "pitch = \"8 um\"\nsamples = 32";
        let phase = "pitch = \"8 um\"\nsamples = 32\ninput = { encoding = \"phase\" }";
        let complex = "modes = 4\ninput = { front = \"complex\" }";
        let said = |place: &str, element: &str, hardware: &str| {
            let text = format!(
                "[optic]\nwavelength = \"532 nm\"\n{place}\nelement = [{element}]\n[hardware]\n{hardware}\n"
            );
            let loaded = from_text("test.toml", &text, Path::new(""), &[]);
            loaded.err().map(|e| (e.to_string(), e.exit_code()))
        };
        for (place, element, hardware, key) in [
            (plane, step, "mask = { levels = 8 }", "mask"),
            (plane, step, "alignment = { tilt = 0.001 }", "alignment.tilt"),
            (plane, step, "alignment = { rotation = 0.001 }", "alignment.rotation"),
            (plane, mask, "mesh = { theta_std = 0.1 }", "mesh"),
            (phase, mask, "input = { extinction_db = 30.0 }", "input.extinction_db"),
            (complex, mesh, "input = { extinction_db = 30.0 }", "input.extinction_db"),
            ("modes = 4", mask, "mask = { levels = 8 }", "mask"),
            ("modes = 4", mesh, "alignment = { lateral = \"1 um\" }", "alignment.lateral"),
            ("modes = 4", mesh, "alignment = { axial = \"1 um\" }", "alignment.axial"),
            ("modes = 4", mesh, "alignment = { tilt = 0.001 }", "alignment.tilt"),
            ("modes = 4", mesh, "wavelength_error = 0.01", "wavelength_error"),
            ("modes = 4", mask, "mesh = { theta_std = 0.1 }", "mesh"),
        ] {
            let (text, code) = said(place, element, hardware).unwrap_or_default();
            assert!(text.contains(&format!(": hardware.{key}: ")) && code == 2, "{key}: {text}");
        }
        for (place, element, hardware) in [
            (plane, step, "preset = \"lcos\""),
            (phase, mask, "preset = \"lcos\""),
            ("modes = 4", mask, "preset = \"silicon\""),
            (plane, step, "alignment = { lateral = \"1 um\" }\nwavelength_error = 0.001"),
            (plane, mask, "alignment = { tilt = 0.001 }\nmask = { levels = 8 }"),
            (phase, mask, "input = { bits = 8 }"),
            ("modes = 4", mesh, "mesh = { theta_std = 0.1 }"),
        ] {
            assert_eq!(said(place, element, hardware), None, "{hardware}");
        }
    }
}
