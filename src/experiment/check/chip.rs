//! Rules of a chip: guides in place of a plane of samples.

use super::{positive, within};
use crate::error::{Error, Result};
use crate::optics::Optic;
use crate::optics::element::{ActivationElement, Element};
use crate::optics::encoding::{Front, Modulation};
use crate::optics::mesh::{MAX_MODES, Topology};

pub fn optic(optic: &Optic, modes: usize) -> Result<()> {
    positive("optic.wavelength", optic.wavelength.0, "\"1.55 um\"")?;
    if !(1..=MAX_MODES).contains(&modes) {
        return Err(Error::invalid(
            "optic.modes",
            format!("{modes} guides; a mesh has 1 to {MAX_MODES}"),
        )
        .help("use for example 16"));
    }
    let given =
        [(optic.samples.is_some(), "optic.samples"), (optic.pitch.is_some(), "optic.pitch")];
    if let Some((_, key)) = given.into_iter().find(|(given, _)| *given) {
        return Err(Error::invalid(key, "a chip has guides (optic.modes), not samples")
            .help("leave it out, or drop optic.modes"));
    }
    if optic.element.is_empty() {
        return Err(Error::invalid("optic.element", "an optic without elements")
            .help("add at least { kind = \"mesh\" }"));
    }
    if let Some(input) = &optic.input {
        let front = input.front.unwrap_or(Front::Vector);
        if front != Front::Vector && modes.isqrt().pow(2) != modes {
            let rule = format!("{modes} guides are no square, and k x k numbers fill k²");
            return Err(Error::invalid("optic.modes", rule).help("use 9, 16, 25, 36, 49 or 64"));
        }
        if front == Front::Fourier && input.encoding != Modulation::Amplitude {
            let rule = "Fourier coefficients are complex amplitudes by themselves";
            return Err(Error::invalid("optic.input.encoding", rule)
                .help("leave it out, or use front = \"pool\" or \"vector\""));
        }
        if let Some(power) = input.power {
            positive("optic.input.power", power, "1")?;
        }
    }
    for (i, element) in optic.element.iter().enumerate() {
        self::element(&format!("optic.element[{i}]"), element, modes)?;
    }
    Ok(())
}

/// Elements of a chip, and those of planes that are alike.
pub fn element(key: &str, element: &Element, modes: usize) -> Result<()> {
    let topology = |t: Topology| {
        if t == Topology::Diamond {
            let rule = "a diamond has guides that are no modes, which training does not know";
            return Err(Error::invalid(format!("{key}.topology"), rule)
                .help("use clements or reck; `lightloom mesh` takes diamonds"));
        }
        // A butterfly of another size is refused here rather than where it is made.
        t.layout(modes).map(|_| ())
    };
    match element {
        Element::Mesh(m) => topology(m.topology),
        Element::Svd(m) => {
            topology(m.topology)?;
            within(&format!("{key}.attenuation"), m.attenuation, 0.0, 1.0)
        }
        Element::Activation(ActivationElement::ElectroOptic { tap, .. }) => {
            within(&format!("{key}.tap"), *tap, 0.0, 1.0)
        }
        Element::Activation(ActivationElement::Saturable { saturation, .. }) => {
            positive(&format!("{key}.saturation"), *saturation, "1")
        }
        Element::Detect(detect) => {
            detect.power.map_or(Ok(()), |power| positive(&format!("{key}.power"), power, "1"))
        }
        Element::Couple(_) if modes > 0 => {
            let rule = "the light is in a chip already";
            Err(Error::invalid(format!("{key}.kind"), rule)
                .help("couple once, from a plane into a chip"))
        }
        Element::Couple(couple) => {
            positive(&format!("{key}.waist"), couple.waist, "0.35")?;
            let square = couple.modes.isqrt().pow(2) == couple.modes;
            if square && (1..=MAX_MODES).contains(&couple.modes) {
                return Ok(());
            }
            let rule = format!("{} guides are no k x k blocks of 1 to {MAX_MODES}", couple.modes);
            Err(Error::invalid(format!("{key}.modes"), rule).help("use 9, 16, 25, 36, 49 or 64"))
        }
        Element::Activation(_)
        | Element::PhaseMask(_)
        | Element::AmplitudeMask(_)
        | Element::Monitor(_) => Ok(()),
        Element::FreeSpace(_) | Element::Aperture(_) | Element::Lens(_) => {
            let rule = "light of a chip stays in its guides";
            Err(Error::invalid(format!("{key}.kind"), rule)
                .help("drop it, or give optic.samples and optic.pitch in place of optic.modes"))
        }
    }
}
