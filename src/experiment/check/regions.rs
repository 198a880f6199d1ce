//! Regions in the window: apertures and detectors.

use super::{positive, within};
use crate::error::{Error, Result};
use crate::optics::Optic;
use crate::optics::detector::{Layout, default_spread};
use crate::optics::element::Outline;
use crate::units::Metres;

/// A region must hold a sample and lie in the window.
pub fn region(
    optic: &Optic,
    key: &str,
    centre: [f64; 2],
    size: [f64; 2],
    inside: bool,
) -> Result<()> {
    let grid = optic.grid();
    for a in 0..2 {
        if size[a] < grid.pitch[a] {
            let rule =
                format!("{} is less than one sample of {}", Metres(size[a]), Metres(grid.pitch[a]));
            return Err(Error::invalid(key, rule).help("use a larger size or a finer pitch"));
        }
        let (half, reach) = (grid.extent()[a] / 2.0, centre[a].abs() + size[a] / 2.0);
        if centre[a].abs() - size[a] / 2.0 >= half {
            let rule = format!(
                "it lies at {} from the axis, the window ends at {}: no light passes",
                Metres(centre[a].abs()),
                Metres(half)
            );
            return Err(Error::invalid(key, rule).help("move its centre, or widen the window"));
        }
        // A millionth of a sample absorbs rounding.
        if inside && reach > half + 1e-6 * grid.pitch[a] {
            let rule = format!(
                "a region reaches {} from the axis, the window ends at {}",
                Metres(reach).at_least(),
                Metres(half)
            );
            return Err(Error::invalid(key, rule)
                .help("use smaller regions, or a smaller optic.detector.spread"));
        }
    }
    Ok(())
}

/// Rules of a digital layer behind the detectors.
pub fn head(optic: &Optic) -> Result<()> {
    let Some(detector) = &optic.detector else { return Ok(()) };
    let Some(head) = &detector.head else { return Ok(()) };
    positive("optic.detector.head.readings", head.readings as f64, "25")?;
    if detector.differential {
        let rule = "a digital layer weighs every detector by itself";
        return Err(Error::invalid("optic.detector.differential", rule)
            .help("leave out differential, or head"));
    }
    Ok(())
}

/// What holds for any number of classes; the rest with the data ([`super::with_data`]).
pub fn detector(optic: &Optic) -> Result<()> {
    let Some(detector) = &optic.detector else { return Ok(()) };
    if optic.guides(optic.element.len()).is_some() {
        let given = [
            (detector.size.is_some(), "size"),
            (detector.layout != Layout::default(), "layout"),
            (detector.shape != Outline::default(), "shape"),
            (detector.grid.is_some(), "grid"),
            (detector.spread != default_spread(), "spread"),
        ];
        let Some((_, key)) = given.into_iter().find(|(given, _)| *given) else { return Ok(()) };
        let rule = "is for regions of a plane, and light in guides is read guide by guide";
        return Err(Error::invalid(format!("optic.detector.{key}"), rule).help("leave it out"));
    }
    let Some(Metres(size)) = detector.size else {
        return Err(Error::invalid(
            "optic.detector.size",
            "missing: regions of a plane have a size",
        )
        .help("add for example size = \"2.56 mm\""));
    };
    positive("optic.detector.size", size, "\"2.56 mm\"")?;
    within("optic.detector.spread", detector.spread, 1e-6, 1.0)?;
    if let Some([rows, columns]) = detector.grid {
        let most = optic.grid().len();
        let count = rows.checked_mul(columns).filter(|&n| n > 0 && n <= most);
        if count.is_none() {
            let rule = format!("{rows} x {columns} regions on a window of {most} samples");
            return Err(Error::invalid("optic.detector.grid", rule)
                .help("give rows and columns whose product is the number of regions, as [4, 5]"));
        }
    }
    region(optic, "optic.detector.size", [0.0; 2], [size; 2], true)?;
    match (detector.grid, &detector.head) {
        (Some([rows, columns]), _) => {
            check_regions(optic, rows * columns / if detector.differential { 2 } else { 1 })
        }
        // A digital layer says how many there are.
        (None, Some(_)) => check_regions(optic, 0),
        (None, None) => Ok(()),
    }
}

/// The regions of `classes` classes: inside the window, apart from each other, as many as the
/// grid holds.
pub(super) fn check_regions(optic: &Optic, classes: usize) -> Result<()> {
    let Some(detector) = &optic.detector else { return Ok(()) };
    let count = detector.count(classes);
    if let Some(modes) = optic.guides(optic.element.len()) {
        if count > modes {
            let rule =
                format!("{classes} classes are read at {count} guides, and there are {modes}");
            let key = if optic.modes == Some(modes) { "optic.modes" } else { "optic.element" };
            return Err(Error::invalid(key, rule).help(format!("use at least {count}")));
        }
        return Ok(());
    }
    if let Some([rows, columns]) = detector.grid
        && rows * columns != count
    {
        let rule = format!("{rows} x {columns} is not the {count} regions of {classes} classes");
        return Err(Error::invalid("optic.detector.grid", rule).help(
            "give rows and columns whose product is the number of regions, or leave grid out",
        ));
    }
    let regions = detector.regions(&optic.grid(), classes);
    for (k, r) in regions.iter().enumerate() {
        region(optic, "optic.detector.size", r.centre, r.size, true)?;
        for (l, s) in regions.iter().enumerate().skip(k + 1) {
            let apart = [0, 1].map(|a| (r.centre[a] - s.centre[a]).abs() / r.size[a]);
            let overlap = match detector.shape {
                Outline::Square => apart[0].max(apart[1]) < 1.0 - 1e-9,
                Outline::Circle => apart[0].hypot(apart[1]) < 1.0 - 1e-9,
            };
            if overlap {
                let rule = format!(
                    "regions {k} and {l} of {count} overlap, and would count the same light twice"
                );
                return Err(Error::invalid("optic.detector.size", rule)
                    .help("use smaller regions, a larger spread, or another layout"));
            }
        }
    }
    Ok(())
}
