//! Rules of a chip: guides in place of a plane of samples.

use super::{positive, within};
use crate::data::Dataset;
use crate::data::principal::MOST_VALUES;
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::optics::element::{ActivationElement, Element};
use crate::optics::encoding::{Front, Modulation, Resample, default_aperture};
use crate::optics::mesh::{MAX_MODES, Topology};
use crate::optics::{Boundary, Optic, Source, default_pad};

pub fn optic(experiment: &Experiment, modes: usize) -> Result<()> {
    let optic = &experiment.optic;
    positive("optic.wavelength", optic.wavelength.0, "\"1.55 um\"")?;
    if !(1..=MAX_MODES).contains(&modes) {
        return Err(Error::invalid(
            "optic.modes",
            format!("{modes} guides; a mesh has 1 to {MAX_MODES}"),
        )
        .help("use for example 16"));
    }
    let input = optic.input.as_ref();
    let given = [
        (optic.samples.is_some(), "samples"),
        (optic.pitch.is_some(), "pitch"),
        (optic.pad != default_pad(), "pad"),
        (optic.boundary != Boundary::default(), "boundary"),
        (input.is_some_and(|i| i.aperture != default_aperture()), "input.aperture"),
        (input.is_some_and(|i| i.resample != Resample::default()), "input.resample"),
    ];
    if let Some((_, key)) = given.into_iter().find(|(given, _)| *given) {
        let rule = "is for a plane of samples, and a chip has guides (optic.modes)";
        return Err(
            Error::invalid(format!("optic.{key}"), rule).help("leave it out, or drop optic.modes")
        );
    }
    let plain = matches!(&optic.source, Source::Plane(wave) if wave.tilt == [0.0; 2]);
    if experiment.data.is_some() && !plain {
        let rule = "the data alone are the light of a chip's guides";
        return Err(Error::invalid("optic.source", rule).help("leave it out, or drop [data]"));
    }
    if let Source::Gaussian(beam) = &optic.source {
        positive("optic.source.waist", beam.waist.0, "\"1 mm\"")?;
    }
    if optic.element.is_empty() {
        return Err(Error::invalid("optic.element", "an optic without elements")
            .help("add at least { kind = \"mesh\" }"));
    }
    if let Some(input) = &optic.input {
        let front = input.front.unwrap_or(Front::Vector);
        let square = matches!(front, Front::Fourier | Front::Pool);
        if square && modes.isqrt().pow(2) != modes {
            let rule = format!("{modes} guides are no square, and k x k numbers fill k²");
            return Err(Error::invalid("optic.modes", rule).help("use 9, 16, 25, 36, 49 or 64"));
        }
        let by_themselves = match front {
            Front::Fourier => Some("Fourier coefficients"),
            Front::Complex => Some("complex numbers"),
            Front::Pca => Some("scores on components, of either sign,"),
            Front::Pool | Front::Vector => None,
        };
        if let Some(what) = by_themselves
            && input.encoding != Modulation::Amplitude
        {
            let rule = format!("{what} are amplitudes by themselves");
            return Err(Error::invalid("optic.input.encoding", rule)
                .help("leave it out, or use front = \"pool\" or \"vector\""));
        }
        if let Some(power) = input.power {
            positive("optic.input.power", power, "1")?;
        }
    }
    Ok(())
}

/// Whether the samples of a set fit the front end of a chip.
pub fn sample(optic: &Optic, data: &Dataset) -> Result<()> {
    let (Some(modes), Some(input)) = (optic.modes, &optic.input) else { return Ok(()) };
    let front = input.front.unwrap_or(Front::Vector);
    let values = data.image[0] * data.image[1];
    let name = &data.name;
    match front {
        Front::Complex if !data.complex => {
            let rule =
                format!("{name} is a set of real numbers, and this front end takes complex ones");
            return Err(Error::invalid("optic.input.front", rule).help(
                "use \"vector\", or say how columns make pairs: data.complex = \"polar\" or \"cartesian\"",
            ));
        }
        Front::Complex => {}
        _ if data.complex => {
            let rule =
                format!("{name} is a set of complex numbers, and this front end takes real ones");
            return Err(Error::invalid("optic.input.front", rule).help("use front = \"complex\""));
        }
        _ => {}
    }
    let numbers = if front == Front::Complex { values / 2 } else { values };
    if matches!(front, Front::Vector | Front::Complex) && numbers > modes {
        let rule =
            format!("a sample of {name} has {numbers} numbers, and there are {modes} guides");
        let way_out = if front == Front::Complex {
            format!("use optic.modes = {numbers}")
        } else {
            format!("use optic.modes = {numbers}, or optic.input.front = \"pca\" or \"pool\"")
        };
        return Err(Error::invalid("optic.modes", rule).help(way_out));
    }
    if front == Front::Pca {
        let most = numbers.min(data.train.len().saturating_sub(1));
        if modes > most {
            let rule = format!(
                "{modes} principal components of {} training samples of {numbers} values",
                data.train.len()
            );
            return Err(Error::invalid("optic.modes", rule).help(format!("use at most {most}")));
        }
        if numbers > MOST_VALUES {
            let rule =
                format!("the covariance of {numbers} values is not held; at most {MOST_VALUES}");
            return Err(Error::invalid("optic.input.front", rule)
                .help("use smaller images, or front = \"pool\" or \"fourier\""));
        }
    }
    Ok(())
}

/// Elements of a chip, and those of planes that are alike.
pub fn element(key: &str, element: &Element, modes: usize) -> Result<()> {
    // A butterfly of another size is refused here rather than where it is made.
    let fits = |topology: Topology, modes: usize| {
        let layout = topology.layout(modes).map(|_| ());
        layout.map_err(|e| e.renamed(|_| format!("{key}.topology")))
    };
    match element {
        Element::Mesh(m) => fits(m.topology, modes),
        Element::Svd(m) => {
            let outputs = m.outputs.unwrap_or(modes);
            if !(1..=MAX_MODES).contains(&outputs) {
                let rule = format!("{outputs} guides; a mesh has 1 to {MAX_MODES}");
                return Err(Error::invalid(format!("{key}.outputs"), rule)
                    .help("give the number of guides behind the layer, or leave it out"));
            }
            fits(m.topology, modes)?;
            fits(m.topology, outputs)?;
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
