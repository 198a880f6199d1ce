//! What the page computes by itself: the exported program for WebGPU, and the same machine step by
//! step for plain JavaScript, which takes its masks and tables from the program's buffers.

use std::sync::Arc;

use num_complex::Complex;
use serde::Serialize;

use super::embed;
use crate::backend::Executor;
use crate::backend::cpu::{self, Cpu};
use crate::backend::gpu::export::Buffer;
use crate::error::{Error, Result};
use crate::lower::front;
use crate::lower::machine::tensor_name;
use crate::ops::Op;
use crate::optics::element::{ActivationElement, Element};
use crate::optics::encoding::{Front, Modulation};
use crate::program::{Data, Program, Role, SlotId};
use crate::report::program::{Document, Made};
use crate::train::Session;
use crate::train::watch::{WATCH, Watch};

/// How a buffer of the program comes to its content.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Content {
    /// zlib in base64.
    Packed { packed: String },
    /// A table whose row `y[q]` and column `x[p]` lie at row q and column p.
    Table { table: usize, y: Vec<u32>, x: Vec<u32> },
}

/// A transfer function made in f64 over all frequencies, 1 / samples in it, rounded to f32.
#[derive(Serialize)]
struct Table {
    /// `[y, x]`.
    padded: [usize; 2],
    /// H(-f) = H(f) along both axes: frequencies 0 to half alone are here.
    is_even: bool,
    packed: String,
}

/// One step of the machine; buffers are the program's.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Step {
    /// Keeps the field as the next plane.
    Plane,
    Space {
        table: usize,
    },
    /// x exp(iφ).
    Phase {
        buffer: usize,
    },
    /// x t, complex.
    Modulate {
        buffer: usize,
    },
    /// x a, real.
    Attenuate {
        buffer: usize,
    },
    /// Row-major, complex f32.
    Matrix {
        modes: usize,
        packed: String,
    },
    Activation {
        law: ActivationElement,
    },
    /// A camera, and a fresh wave of this power whose amplitude follows what it read.
    Detect {
        power: f64,
    },
    /// y = Σ_p x_p M_p, images of every sample `[pixels, modes]`.
    Couple {
        modes: usize,
        buffer: usize,
    },
}

/// From an image to the first plane.
#[derive(Serialize)]
struct Entry {
    /// Complex images of the pixels `[pixels, modes]`; else a sparse placement on a source.
    fourier: Option<usize>,
    /// start, index, weight.
    placement: Option<[usize; 3]>,
    source: Option<usize>,
    amplitude: bool,
    phase: Option<f64>,
    power: Option<f64>,
}

#[derive(Serialize)]
pub struct Live {
    program: Document<Content>,
    tables: Vec<Table>,
    entry: Entry,
    steps: Vec<Step>,
    /// start, index, weight.
    detector: [usize; 3],
    differential: bool,
    /// W and b of a digital layer behind the detectors.
    head: Option<[usize; 2]>,
}

/// Tables that are embedded, each by its slot.
#[derive(Default)]
struct Tables {
    slots: Vec<SlotId>,
    made: Vec<Table>,
}

impl Tables {
    fn number(&mut self, slot: SlotId, padded: [usize; 2], values: &[Complex<f64>]) -> usize {
        if let Some(at) = self.slots.iter().position(|&s| s == slot) {
            return at;
        }
        self.slots.push(slot);
        self.made.push(table(padded, values));
        self.made.len() - 1
    }
}

fn table([my, mx]: [usize; 2], values: &[Complex<f64>]) -> Table {
    let at = |y: usize, x: usize| values[y * mx + x];
    let is_even = (0..my).all(|y| {
        (0..mx).all(|x| at(y, x) == at((my - y) % my, x) && at(y, x) == at(y, (mx - x) % mx))
    });
    let [ny, nx] = if is_even { [my / 2 + 1, mx / 2 + 1] } else { [my, mx] };
    let kept = (0..ny).flat_map(|y| (0..nx).map(move |x| at(y, x)));
    let single: Vec<f32> = kept.flat_map(|z| [z.re as f32, z.im as f32]).collect();
    let packed = embed::packed(bytemuck::cast_slice(&single));
    Table { padded: [my, mx], is_even, packed }
}

/// All of a complex slot that does not depend on the sample, in natural order.
fn values(watch: &Watch, slot: SlotId) -> Result<Vec<Complex<f64>>> {
    let known = watch.program.slot(slot);
    match &known.role {
        Role::Const(data) => Ok(data.complexes().to_vec()),
        Role::Formula(formula) => Ok((0..known.shape.len()).map(|n| formula.at(n)).collect()),
        _ => {
            let mut program: Program = watch.program.clone();
            program.slots[slot.index()].role = Role::Output;
            let mut executor = Cpu::<f64>::new(Arc::new(program), cpu::pool(None)?)?;
            let pixels = watch.program.slot(watch.image).shape.len();
            executor.write(watch.image, &Data::Real(vec![0.0; pixels]))?;
            executor.run(WATCH, 1)?;
            Ok(executor.read(slot)?.complexes().to_vec())
        }
    }
}

impl Live {
    pub fn of(session: &mut Session) -> Result<Self> {
        let made = Made::of(session)?;
        let mut tables = Tables::default();
        let spectrum = |watch: &Watch, slot: SlotId, tables: &mut Tables| -> Result<usize> {
            let dims = &watch.program.slot(slot).shape.dims;
            let padded = [dims[0], dims[1]];
            Ok(tables.number(slot, padded, &values(watch, slot)?))
        };
        let steps = steps(session, &made, &mut |slot| spectrum(&made.watch, slot, &mut tables))?;
        // Transfer functions are not embedded twice.
        let content = |buffer: &Buffer| {
            let content = buffer.content.as_ref()?;
            let known = buffer.slot.and_then(|s| tables.slots.iter().position(|&t| t == s));
            Some(match (known, &buffer.axes) {
                (Some(table), Some([y, x])) => Content::Table { table, y: y.clone(), x: x.clone() },
                _ => Content::Packed { packed: embed::packed(content) },
            })
        };
        let program = made.document(&session.data.classes, content)?;
        let sparse = |name: &str| -> Result<[usize; 3]> {
            let [a, b, c] =
                ["start", "index", "weight"].map(|part| buffer(&made, &format!("{name}.{part}")));
            Ok([a?, b?, c?])
        };
        let optic = &session.machine.optic;
        let differential = optic.detector.as_ref().is_some_and(|d| d.differential);
        let head = match session.machine.head {
            Some([w, b]) => {
                let named = |slot| buffer(&made, &session.program.slot(slot).name);
                Some([named(w)?, named(b)?])
            }
            None => None,
        };
        Ok(Self {
            entry: entry(session, &made)?,
            detector: sparse("detector")?,
            program,
            tables: tables.made,
            steps,
            differential,
            head,
        })
    }
}

/// The buffer of a named slot.
fn buffer(made: &Made, name: &str) -> Result<usize> {
    let found = made.exported.buffers.iter().position(|b| b.slot.is_some() && b.name == name);
    found.ok_or_else(|| Error::device(format!("the exported program has no buffer {name}")))
}

fn entry(session: &Session, made: &Made) -> Result<Entry> {
    let Some(encoding) = &session.machine.optic.input else {
        return Err(Error::invalid("optic.input", "missing, and images need it")
            .help("add input = { encoding = \"amplitude\" }"));
    };
    let is_fourier =
        session.machine.optic.modes.is_some() && encoding.front == Some(Front::Fourier);
    let encode = front::encode(encoding);
    let part = |part: &str| buffer(made, &format!("placement.{part}"));
    Ok(Entry {
        fourier: if is_fourier { Some(buffer(made, "fourier")?) } else { None },
        placement: if is_fourier {
            None
        } else {
            Some([part("start")?, part("index")?, part("weight")?])
        },
        source: if is_fourier { None } else { Some(buffer(made, "source")?) },
        amplitude: encoding.encoding != Modulation::Phase,
        phase: encode.phase,
        power: encoding.power.filter(|_| session.machine.optic.modes.is_some()),
    })
}

/// The machine as [`crate::lower::light`] emits it, plane by plane.
fn steps(
    session: &mut Session,
    made: &Made,
    table: &mut dyn FnMut(SlotId) -> Result<usize>,
) -> Result<Vec<Step>> {
    let nodes = made.watch.program.routines.iter().flat_map(|r| &r.sections).flat_map(|s| &s.nodes);
    let mut spaces = nodes.filter(|n| matches!(n.op, Op::Columns(_))).map(|n| n.inputs[1]);
    let machine = session.machine.clone();
    let mut steps = vec![Step::Plane];
    for (i, element) in machine.optic.element.iter().enumerate() {
        let find = |quantity: &str| buffer(made, &tensor_name(i, quantity));
        match element {
            Element::FreeSpace(_) => {
                let missing = || Error::device("a step of free space is not in the program");
                steps.push(Step::Space { table: table(spaces.next().ok_or_else(missing)?)? });
            }
            Element::PhaseMask(mask) => steps.extend([
                Step::Plane,
                if mask.trainable {
                    Step::Phase { buffer: find("phase")? }
                } else {
                    Step::Modulate { buffer: find("phasor")? }
                },
            ]),
            Element::AmplitudeMask(_) => {
                steps.extend([Step::Plane, Step::Attenuate { buffer: find("amplitude")? }]);
            }
            Element::Aperture(_) => steps.push(Step::Attenuate { buffer: find("aperture")? }),
            Element::Lens(_) => {
                let wavelength = machine.optic.wavelength.0;
                steps.push(Step::Modulate { buffer: find(&format!("lens.{wavelength}"))? });
            }
            Element::Monitor(_) => steps.push(Step::Plane),
            Element::Mesh(_) | Element::Svd(_) => {
                steps.push(Step::Plane);
                let meshes = machine.meshes();
                let here = meshes.iter().find(|part| part.element == i);
                let Some(part) = here else { continue };
                for (n, &(mesh, phases)) in part.meshes.iter().enumerate() {
                    if n == 1 && part.attenuation.is_some() {
                        steps.push(Step::Attenuate { buffer: find("attenuation")? });
                    }
                    let matrix = mesh.matrix(&session.settings(phases)?)?;
                    let single: Vec<f32> =
                        matrix.iter().flat_map(|z| [z.re as f32, z.im as f32]).collect();
                    let packed = embed::packed(bytemuck::cast_slice(&single));
                    steps.push(Step::Matrix { modes: mesh.n, packed });
                }
            }
            Element::Activation(law) => steps.push(Step::Activation { law: *law }),
            Element::Detect(detect) => {
                let power = match detect.power {
                    Some(power) => power,
                    None => machine.source_power()?,
                };
                steps.push(Step::Detect { power });
            }
            Element::Couple(couple) => {
                steps.push(Step::Couple { modes: couple.modes, buffer: find("modes")? });
            }
        }
    }
    steps.push(Step::Plane);
    Ok(steps)
}
