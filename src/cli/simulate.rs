//! `lightloom simulate SCENE.toml --out DIR`: every monitor plane as `.npy` and `.png`, and a
//! summary with powers, sampling and timings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use num_complex::Complex;
use serde::Serialize;

use super::{Common, make_folder, print, print_json, write_json};
use crate::backend::Precision;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::check;
use crate::files::npy;
use crate::lower::fuse::fuse;
use crate::lower::{Chance, Machine};
use crate::optics::Hardware;
use crate::optics::sampling::{self, StepReport};
use crate::program::{Builder, Role};
use crate::render::field;
use crate::render::ticks::length;
use crate::train::session::learn_front;

#[derive(Debug, Args)]
pub struct Simulate {
    /// A scene or experiment file, or the name of a built-in one.
    scene: PathBuf,
    /// Folder for the planes; runs/NAME when absent.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Which test sample enters, where the file has data; the first when absent.
    #[arg(long)]
    sample: Option<usize>,
    /// The machine as it was designed, without what [hardware] says is wrong with the real one.
    #[arg(long)]
    twin: bool,
}

#[derive(Serialize)]
struct PlaneSummary {
    name: String,
    z_m: f64,
    /// Σ |E|² over the window, in units of intensity x samples.
    power: f64,
    /// Of the power on the first plane.
    share: f64,
}

#[derive(Serialize)]
struct Summary {
    device: String,
    /// Which machine the light went through, where an experiment has two.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    planes: Vec<PlaneSummary>,
    sampling: Vec<StepReport>,
    compile_s: f64,
    run_s: f64,
    seconds: f64,
}

const ROUTINE: &str = "simulate";

/// Error of the padding beyond which a step is doubtful.
const DOUBTFUL: f64 = 0.1;

impl Simulate {
    pub fn run(&self, common: &Common) -> Result<()> {
        let started = Instant::now();
        let loaded = common.open(&self.scene)?;
        let experiment = &loaded.experiment;
        let data = match &experiment.data {
            Some(source) => {
                Some(crate::data::load(source, experiment.seed).map_err(|e| loaded.locate(e))?)
            }
            None => None,
        };
        self.check_sample(data.as_ref())?;
        let mut optic = experiment.optic.clone();
        if let Some(data) = &data {
            check::with_data(&optic, data)
                .and_then(|()| learn_front(&mut optic, data))
                .map_err(|e| loaded.locate(e))?;
        }
        let mut b = Builder::default();
        let (image, classes) =
            data.as_ref().map_or((None, 0), |d| (Some(d.image), d.classes.len()));
        let machine = Machine::new(&mut b, &optic, image, classes, experiment.seed)
            .map_err(|e| loaded.locate(e))?;
        let (machine, which) = self.real(&mut b, machine, experiment.hardware.as_ref());
        b.routine(ROUTINE, 1);
        let light = machine.light(&mut b).map_err(|e| loaded.locate(e))?;
        // Every plane that is looked at is kept; a plane may be the source itself, a constant.
        let looked_at = light.planes.iter().map(|p| p.field).chain(light.steps.iter().copied());
        for (n, field) in looked_at.enumerate() {
            if matches!(b.slot(field).role, Role::Temp) {
                b.output(field, &format!("plane.{n}"));
            }
        }
        let choice = common.choice();
        let program = if choice.fuses() { fuse(&b.finish()) } else { b.finish() };
        let mut executor = choice.compile(Arc::new(program))?;
        if let (Some(data), Some(image)) = (&data, machine.image) {
            let mut values = vec![0.0; data.image[0] * data.image[1]];
            data.test.write_image(self.sample.unwrap_or(0), &mut values);
            executor.write(image, &crate::program::Data::Real(values))?;
        }
        let compile_s = started.elapsed().as_secs_f64();
        executor.run(ROUTINE, 1)?;
        let mut planes = Vec::new();
        for plane in &light.planes {
            planes.push((plane.clone(), executor.read(plane.field)?.complexes().to_vec()));
        }
        let run_s = started.elapsed().as_secs_f64() - compile_s;
        let name = self.scene.file_stem().map_or_else(|| "scene".into(), |s| s.to_string_lossy());
        let out =
            make_folder(&self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&*name)))?;
        let grid = experiment.optic.grid();
        let entering = planes.first().map_or(0.0, |(_, f)| power(f));
        let mut summary = Summary {
            device: executor.describe(),
            machine: which,
            planes: Vec::new(),
            sampling: Vec::new(),
            compile_s,
            run_s,
            seconds: 0.0,
        };
        for (plane, values) in planes {
            if let Some(at) = values.iter().position(|z| !z.re.is_finite() || !z.im.is_finite()) {
                return Err(Error::NotFinite {
                    step: 0,
                    op: ROUTINE.into(),
                    slot: format!("plane {} at sample {at}", plane.name),
                    help: Some("look at the source and the masks".into()),
                });
            }
            let path = out.join(format!("{}.npy", plane.name));
            let samples = experiment.optic.shape_of(values.len());
            if common.choice().precision == Precision::F64 {
                npy::write_complex128(&path, &samples, &values)?;
            } else {
                let single: Vec<_> =
                    values.iter().map(|z| Complex::new(z.re as f32, z.im as f32)).collect();
                npy::write_complex64(&path, &samples, &single)?;
            }
            let picture = out.join(format!("{}.png", plane.name));
            if experiment.optic.modes.is_some() || values.len() != grid.len() {
                field::guides(&plane.name, &values, &picture)?;
            } else {
                let title = format!("{} (z = {})", plane.name, length(plane.z));
                let plane = field::Plane { samples, pitch: grid.pitch, title: &title };
                field::complex(&plane, &values, &picture)?;
            }
            let p = power(&values);
            let lit = summary.planes.last().is_none_or(|before| before.power > 0.0);
            if p == 0.0 && lit && entering > 0.0 {
                eprintln!("warning: {}: no light comes here", plane.name);
            }
            summary.planes.push(PlaneSummary {
                name: plane.name.clone(),
                z_m: plane.z,
                power: p,
                share: if entering > 0.0 { p / entering } else { 0.0 },
            });
        }
        // It may take longer than the light did, and what it needs is as large: the planes are written.
        let mut steps = Vec::new();
        for &id in &light.steps {
            steps.push(executor.read(id)?.complexes().to_vec());
        }
        summary.sampling = sampling::report(&machine.optic, &steps);
        for step in &summary.sampling {
            if let Some(error) = step.padding_error.filter(|&error| error > DOUBTFUL) {
                eprintln!(
                    "warning: optic.element[{}].z: twice the padding changes the light by {error:.2} of itself; use a larger pad",
                    step.element
                );
            }
        }
        summary.seconds = started.elapsed().as_secs_f64();
        write_json(&out.join("summary.json"), &summary)?;
        if common.json {
            return print_json(&summary);
        }
        let mut text = format!("{}\n", summary.device);
        if let Some(machine) = &summary.machine {
            text += &format!("{machine}\n");
        }
        for p in &summary.planes {
            text += &format!(
                "{:>14}  z = {:<10}  power {:.6} of what entered\n",
                p.name,
                length(p.z_m),
                p.share
            );
        }
        for s in &summary.sampling {
            text += &format!("{s}\n");
        }
        print(&(text + &format!("planes: {}", out.display())))
    }

    /// Refuses a sample that cannot enter.
    fn check_sample(&self, data: Option<&Dataset>) -> Result<()> {
        match (self.sample, data) {
            (Some(_), None) => Err(Error::invalid("--sample", "this scene has no data")
                .help("leave it out, or add `data` for a sample to enter")),
            (sample, Some(data)) if sample.unwrap_or(0) >= data.test.len() => {
                let (sample, there) = (sample.unwrap_or(0), data.test.len());
                let rule = format!("{sample} is not among the {there} test samples");
                Err(Error::invalid("--sample", rule).help("use a smaller number"))
            }
            _ => Ok(()),
        }
    }

    /// The machine that is asked for, and which of the two it is where the hardware is not ideal.
    fn real(
        &self,
        b: &mut Builder,
        twin: Machine,
        hardware: Option<&Hardware>,
    ) -> (Machine, Option<String>) {
        let Some(hardware) = hardware.filter(|hardware| !hardware.is_ideal()) else {
            return (twin, None);
        };
        if self.twin {
            return (twin, Some("the twin, without the faults of [hardware]".into()));
        }
        if hardware.lab.is_some() {
            return (twin, Some("the twin: the device of hardware.lab shows no fields".into()));
        }
        let device = twin.real(b, hardware, Chance::Drawn(hardware.seed));
        (device, Some(format!("the device that hardware.seed = {} draws", hardware.seed)))
    }
}

fn power(field: &[Complex<f64>]) -> f64 {
    field.iter().map(Complex::norm_sqr).sum()
}
