//! Which numbers of a stack are fitted, in units of order one, and what they do to its planes.

use std::f64::consts::TAU;

use super::mask::Believed;
use super::{Estimate, Group, Scaled};
use crate::error::{Error, Result};
use crate::optics::Optic;
use crate::optics::element::Element;
use crate::optics::hardware::{ABERRATIONS, Hardware, PlaneIndex, neighbours};

/// One number; masks by element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Of a plane: z in wavelengths (0), y and x in pixels (2 and 3), as
    /// [`crate::ops::transfer`] has them.
    Pose(PlaneIndex, usize),
    /// Along y or x.
    Tilt(usize, usize),
    Rotation(usize),
    Term(usize, usize),
    /// Of a knot.
    Phase(usize),
    Amplitude(usize),
    Crosstalk,
    Live,
    Dead,
}

impl Number {
    pub fn moves_mask(&self, element: usize) -> bool {
        match *self {
            Self::Pose(..) => false,
            Self::Tilt(of, _) | Self::Rotation(of) | Self::Term(of, _) => of == element,
            _ => true,
        }
    }
}

/// Levels up to which each has numbers of its own; of more, so many knots with straight lines between.
const KNOTS: usize = 33;

pub struct Numbers {
    pub all: Vec<Number>,
    /// What one unit of each is in SI.
    scale: Vec<f64>,
    /// Levels that have numbers of their own.
    knots: Vec<usize>,
    levels: Option<usize>,
}

impl Numbers {
    /// The numbers of `groups`, and the estimates that they become.
    pub(super) fn new(
        optic: &Optic,
        hardware: &Hardware,
        groups: &[Group],
    ) -> Result<(Self, Scaled)> {
        let has = |group| groups.contains(&group);
        let table = hardware.mask.table()?;
        let levels = table.as_ref().map_or(hardware.mask.levels, |t| Some(t[0].len()));
        let mut list = List::default();
        let (grid, wavelength, seed) = (optic.grid(), optic.wavelength.0, hardware.seed);
        let name = |i: usize| format!("optic.element.{i}");

        let mut planes: Vec<PlaneIndex> =
            neighbours(optic).into_iter().flat_map(|(_, planes)| planes).flatten().collect();
        planes.sort_unstable();
        planes.dedup();
        for &plane in &planes {
            let pose = hardware.alignment.pose(seed, plane);
            let place =
                if plane == optic.element.len() { "detector".to_owned() } else { name(plane) };
            let mut add = |group, q: usize, unit, truth| {
                let number = Number::Pose(plane, [0, 2, 3][q]);
                list.add(group, number, &place, ["z", "y", "x"][q], "m", (0.0, unit), truth);
            };
            if has(Group::Axial) {
                add(Group::Axial, 0, wavelength, pose.z);
            }
            if has(Group::Shift) {
                add(Group::Shift, 1, grid.pitch[0], pose.shift[0]);
                add(Group::Shift, 2, grid.pitch[1], pose.shift[1]);
            }
        }
        let masks: Vec<usize> = (0..optic.element.len())
            .filter(|&i| matches!(optic.element[i], Element::PhaseMask(_)))
            .collect();
        let half = grid.extent().map(|w| 0.5 * w);
        for &i in &masks {
            let (pose, place) = (hardware.alignment.pose(seed, i), name(i));
            if has(Group::Tilt) {
                for (axis, about) in ["tilt along y", "tilt along x"].into_iter().enumerate() {
                    // A unit is a radian of phase at the edge.
                    let unit = wavelength / (TAU * half[axis]);
                    let number = Number::Tilt(i, axis);
                    list.add(
                        Group::Tilt,
                        number,
                        &place,
                        about,
                        "rad",
                        (0.0, unit),
                        pose.tilt[axis],
                    );
                }
            }
            if has(Group::Rotation) {
                // A pixel at the edge.
                let unit = grid.pitch[1] / half[1];
                let number = Number::Rotation(i);
                list.add(
                    Group::Rotation,
                    number,
                    &place,
                    "rotation",
                    "rad",
                    (0.0, unit),
                    pose.rotation,
                );
            }
            if has(Group::Aberrations) {
                let truth = hardware.mask.aberrations(seed, i);
                for (k, j) in ABERRATIONS.enumerate() {
                    let quantity = format!("Zernike term {j}");
                    let number = Number::Term(i, k);
                    list.add(
                        Group::Aberrations,
                        number,
                        &place,
                        &quantity,
                        "rad",
                        (0.0, 1.0),
                        truth[k],
                    );
                }
            }
        }
        let mut knots = Vec::new();
        if has(Group::Lookup) {
            let Some(levels) = levels else {
                let rule = "the masks have no levels that a table could be of";
                return Err(Error::invalid("hardware.mask.levels", rule)
                    .help("add mask.levels or mask.lookup, or leave lookup out of --fit"));
            };
            let n = levels.min(KNOTS);
            knots = (0..n).map(|k| k * (levels - 1) / (n - 1)).collect();
            let first = masks.first().map(|&i| &optic.element[i]);
            let step = match first {
                Some(Element::PhaseMask(mask)) => {
                    super::mask::levels(mask, Some(levels)).map_or(0.0, |op| op.step)
                }
                _ => 0.0,
            };
            let designed = |level: usize| step * level as f64;
            for (k, &level) in knots.iter().enumerate().skip(1) {
                let truth = table.as_ref().map_or(designed(level), |t| t[0][level] - t[0][0]);
                let quantity = format!("phase of level {level}");
                let start = (designed(level), 1.0);
                list.add(Group::Lookup, Number::Phase(k), "masks", &quantity, "rad", start, truth);
            }
            for (k, &level) in knots.iter().enumerate() {
                let truth = table.as_ref().map_or(1.0, |t| t[1][level]);
                let quantity = format!("amplitude of level {level}");
                let number = Number::Amplitude(k);
                list.add(Group::Lookup, number, "masks", &quantity, "1", (1.0, 1.0), truth);
            }
        }
        let faults = &hardware.mask;
        if has(Group::Crosstalk) {
            let (number, what) = (Number::Crosstalk, "crosstalk");
            list.add(Group::Crosstalk, number, "masks", what, "1", (0.0, 1.0), faults.crosstalk);
        }
        if has(Group::Fill) {
            let (fill, dead) = (faults.fill_factor, faults.dead_amplitude);
            let what = "modulated amplitude";
            list.add(Group::Fill, Number::Live, "masks", what, "1", (1.0, 1.0), fill);
            let (what, truth) = ("unmodulated amplitude", (1.0 - fill) * dead);
            list.add(Group::Fill, Number::Dead, "masks", what, "1", (0.0, 1.0), truth);
        }
        if list.numbers.is_empty() {
            let rule = "there is nothing in this machine that these groups are of";
            return Err(Error::invalid("--fit", rule).help(
                "name groups of what it has: shift and axial of planes, others of phase masks",
            ));
        }
        let List { numbers, estimates, scale } = list;
        let numbers = Self { all: numbers, scale: scale.clone(), knots, levels };
        Ok((numbers, Scaled { estimates, scale }))
    }

    pub fn levels(&self) -> Option<usize> {
        self.levels
    }

    pub fn has_levels(&self) -> bool {
        !self.knots.is_empty()
    }

    pub fn has_poses(&self) -> bool {
        self.all.iter().any(|n| matches!(n, Number::Pose(..)))
    }

    /// How a plane stands, in the units of [`crate::ops::transfer`].
    pub fn pose(&self, plane: PlaneIndex, at: &[f64]) -> [f64; 4] {
        let mut pose = [0.0; 4];
        for (number, &value) in self.all.iter().zip(at) {
            if let Number::Pose(of, coordinate) = *number
                && of == plane
            {
                pose[coordinate] = value;
            }
        }
        pose
    }

    /// A mask that was `ideal`, with the numbers at `at`.
    pub fn believed(&self, element: usize, ideal: &Believed, at: &[f64]) -> Believed {
        let mut mask = ideal.clone();
        let mut offsets = [vec![0.0; self.knots.len()], vec![0.0; self.knots.len()]];
        for ((number, &value), &scale) in self.all.iter().zip(at).zip(&self.scale) {
            match *number {
                Number::Tilt(of, axis) if of == element => mask.tilt[axis] = scale * value,
                Number::Rotation(of) if of == element => mask.rotation = scale * value,
                Number::Term(of, k) if of == element => mask.terms[k] = value,
                Number::Phase(k) => offsets[0][k] = value,
                Number::Amplitude(k) => offsets[1][k] = value,
                Number::Crosstalk => mask.crosstalk = value,
                Number::Live => mask.live = 1.0 + value,
                Number::Dead => mask.dead = value,
                _ => {}
            }
        }
        if let Some(table) = mask.table.as_mut().filter(|_| self.has_levels()) {
            self.between(&offsets[0], &mut table.phase);
            self.between(&offsets[1], &mut table.amplitude);
        }
        mask
    }

    /// Adds offsets of the knots to all levels, by straight lines between.
    fn between(&self, offsets: &[f64], levels: &mut [f64]) {
        for (k, ends) in self.knots.windows(2).enumerate() {
            let last = usize::from(ends[1] + 1 == levels.len());
            let span = (ends[1] - ends[0]) as f64;
            for (step, level) in levels[ends[0]..ends[1] + last].iter_mut().enumerate() {
                let part = step as f64 / span;
                *level += (1.0 - part) * offsets[k] + part * offsets[k + 1];
            }
        }
    }
}

#[derive(Default)]
struct List {
    numbers: Vec<Number>,
    estimates: Vec<Estimate>,
    scale: Vec<f64>,
}

impl List {
    /// `(start, unit)`: the value at 0 and what one unit is, in `si`.
    #[expect(clippy::too_many_arguments, reason = "a row of a table")]
    fn add(
        &mut self,
        group: Group,
        number: Number,
        place: &str,
        quantity: &str,
        si: &'static str,
        (start, unit): (f64, f64),
        truth: f64,
    ) {
        self.numbers.push(number);
        self.scale.push(unit);
        self.estimates.push(Estimate {
            group,
            place: place.to_owned(),
            quantity: quantity.to_owned(),
            unit: si,
            value: start,
            half: f64::INFINITY,
            truth,
        });
    }
}
