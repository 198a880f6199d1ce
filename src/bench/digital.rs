//! The second half: products of matrices, N x N by N x batch, on the CPU and on the GPU, in turns
//! with the simulation of light that does the same through a mesh of N modes.
//!
//! Operands are random and not zero. The first contender runs twice in every round: the second
//! time is the control, which must show no difference.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::clock::{Effort, Sampled, interleave};
use super::peaks;
use super::point::{Device, Refused};
use super::stack::{INFER, stack};
use crate::backend::Executor;
use crate::backend::gpu::matmul::{Operands, Product as GpuProduct};
use crate::backend::gpu::{AdapterReport, Wanted, adapters};
use crate::baseline::matmul::{Matrix, matmul, noise};
use crate::baseline::power::Meter;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiment::load;
use crate::lower::fuse::fuse;
use crate::program::{Data, SlotId};

/// Largest mesh whose light is simulated here.
const LARGEST_MESH: usize = 256;

#[derive(Debug, Clone, Serialize)]
pub struct Digital {
    /// GFLOP/s of multiply-adds on all threads of the CPU, in this run.
    pub cpu_fma: f64,
    /// Likewise of the GPU, where one is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_fma: Option<f64>,
    /// Why no energy was measured of the CPU, and of the GPU.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without_energy: Vec<String>,
    pub products: Vec<Product>,
}

/// One size and batch.
#[derive(Debug, Clone, Serialize)]
pub struct Product {
    pub n: usize,
    pub batch: usize,
    /// Of the product; light takes others to simulate.
    pub macs: f64,
    pub contenders: Vec<Contender>,
    pub refused: Vec<Refused>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Contender {
    pub name: String,
    /// Of one batch.
    pub seconds: Sampled,
    /// Its time over the first contender's, round by round.
    pub ratio: Sampled,
    /// Of the product's MACs, two operations each.
    pub gflop_s: f64,
    /// Of the measured multiply-add rate of its device; none of light.
    pub peak_share: Option<f64>,
    /// Measured, where the machine tells it.
    pub joules_per_mac: Option<f64>,
    /// What they were measured by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_source: Option<String>,
}

pub const CPU: &str = "sgemm, CPU";
pub const CONTROL: &str = "sgemm, CPU again";
pub const GPU: &str = "WGSL matmul, GPU";
pub const GPU_F16: &str = "WGSL matmul in f16, GPU";
pub const LIGHT: &str = "light through a mesh, simulated";

pub fn measure(
    device: &Device,
    data: &Dataset,
    sizes: &[usize],
    batches: &[usize],
    effort: Effort,
    told: &mut dyn FnMut(&str),
) -> Result<Digital> {
    let gpu = device.wanted().is_some();
    let own = |peaks: &peaks::Peaks| peaks.fma.best;
    let cpu_fma = match (gpu, &device.peaks) {
        (false, Some(peaks)) => own(peaks),
        _ => own(&peaks::of_cpu(&device.pool)),
    };
    let gpu_fma = device.peaks.as_ref().filter(|_| gpu).map(own);
    let (of_cpu, of_gpu) = (Meter::of_cpu(), device.wanted().map(meter_of_gpu));
    let meters =
        Meters { cpu: of_cpu.as_ref().ok(), gpu: of_gpu.as_ref().and_then(|m| m.as_ref().ok()) };
    let mut products = Vec::new();
    for &n in sizes {
        for &batch in batches {
            told(&format!("product of {n} x {n} by {n} x {batch}"));
            let fma = [Some(cpu_fma), gpu_fma];
            products.push(product(device, data, [n, batch], fma, meters, effort)?);
        }
    }
    let without_energy =
        of_cpu.err().into_iter().chain(of_gpu.and_then(std::result::Result::err)).collect();
    Ok(Digital { cpu_fma, gpu_fma, without_energy, products })
}

#[derive(Clone, Copy)]
struct Meters<'a> {
    cpu: Option<&'a Meter>,
    gpu: Option<&'a Meter>,
}

/// That of the adapter that products run on.
fn meter_of_gpu(wanted: Wanted) -> std::result::Result<Meter, String> {
    let fits = |a: &AdapterReport| wanted == Wanted::Any || !a.software;
    match adapters().into_iter().find(fits) {
        Some(a) if a.software => {
            Err(format!("no energy of the GPU is measured: {} runs on the CPU", a.name))
        }
        Some(a) => Meter::of_gpu(&a.pci),
        None => Err("no energy of the GPU is measured: there is none".into()),
    }
}

fn product(
    device: &Device,
    data: &Dataset,
    [n, batch]: [usize; 2],
    [cpu_fma, gpu_fma]: [Option<f64>; 2],
    meters: Meters,
    effort: Effort,
) -> Result<Product> {
    let (a, b) = (noise(n * n, 1), noise(n * batch, 2));
    let mut c = vec![0.0f32; n * batch];
    let mut refused = Vec::new();
    let mut refuse = |what: &str, error: Error| match error {
        Error::Device { what: why, .. } => {
            refused.push(Refused { what: format!("{n} x {n}, batch {batch}: {what}"), why });
            Ok(())
        }
        other => Err(other),
    };
    let mut on_gpu: Vec<(&str, GpuProduct)> = Vec::new();
    for (name, operands) in [(GPU, Operands::F32), (GPU_F16, Operands::F16)] {
        let Some(wanted) = device.wanted() else { continue };
        // The weights lie as [k, m] there; which of the two does not change the work.
        match GpuProduct::new(wanted, operands, [n, batch, n], &a, &b) {
            Ok(product) => on_gpu.push((name, product)),
            Err(error) => refuse(name, error)?,
        }
    }
    let mut light = if n <= LARGEST_MESH {
        match Light::new(device, data, n, batch) {
            Ok(light) => Some(light),
            Err(error) => {
                refuse(LIGHT, error)?;
                None
            }
        }
    } else {
        None
    };
    let mut names = vec![CPU, CONTROL];
    names.extend(on_gpu.iter().map(|(name, _)| *name));
    names.extend(light.as_ref().map(|_| LIGHT));
    let mut run = |turn: usize, repeats: usize| match names[turn] {
        name @ (GPU | GPU_F16) => match on_gpu.iter().find(|(n, _)| *n == name) {
            Some((_, product)) => product.run(repeats),
            None => Ok(0.0),
        },
        LIGHT => light.as_mut().map_or(Ok(0.0), |l| l.run(batch, repeats)),
        _ => {
            let started = Instant::now();
            for _ in 0..repeats {
                let (left, right) = (Matrix::new(n, n, &a), Matrix::new(n, batch, &b));
                matmul(left, right, &mut c, false, &device.pool);
            }
            Ok(started.elapsed().as_secs_f64())
        }
    };
    let times = interleave(names.len(), effort, &mut run)?;
    let macs = (n * n * batch) as f64;
    let mut contenders = Vec::new();
    for (turn, (&name, seconds)) in names.iter().zip(&times).enumerate() {
        let gflop_s = 2.0 * macs / seconds.median * 1e-9;
        let peak = match name {
            GPU | GPU_F16 => gpu_fma,
            LIGHT => None,
            _ => cpu_fma,
        };
        // One says nothing of the other. Light takes both, or shares them.
        let meter = match name {
            CPU => meters.cpu,
            GPU | GPU_F16 => meters.gpu,
            _ => None,
        };
        let joules = match meter {
            None => None,
            Some(meter) => metered(meter, seconds.median, &mut |repeats| run(turn, repeats))?,
        };
        contenders.push(Contender {
            name: name.to_owned(),
            ratio: seconds.over(&times[0]),
            seconds: seconds.clone(),
            gflop_s,
            peak_share: peak.map(|p| gflop_s / p),
            joules_per_mac: joules.map(|joules| joules / macs),
            energy_source: meter.filter(|_| joules.is_some()).map(|m| m.name().to_owned()),
        });
    }
    Ok(Product { n, batch, macs, contenders, refused })
}

/// Joules of one run.
fn metered(
    meter: &Meter,
    each: f64,
    run: &mut dyn FnMut(usize) -> Result<f64>,
) -> Result<Option<f64>> {
    let (ran, spent) = meter.measure_each(each, run);
    ran?;
    Ok(spent.map(|[joules, _]| joules))
}

/// A Haar-random mesh of n modes, its light simulated on the device.
struct Light {
    executor: Box<dyn Executor>,
    /// Read to wait for a run.
    scores: SlotId,
}

impl Light {
    fn new(device: &Device, data: &Dataset, n: usize, batch: usize) -> Result<Self> {
        let text = format!(
            "seed = 1\n\
             data = {{ name = \"mnist\", train_limit = 64 }}\n\
             [optic]\n\
             wavelength = \"1.55 um\"\n\
             modes = {n}\n\
             input = {{ front = \"vector\" }}\n\
             element = [{{ kind = \"mesh\" }}]\n\
             detector = {{}}\n\
             [train]\n\
             epochs = 1\n\
             batch = {batch}\n\
             optimizer = {{ kind = \"adam\", lr = 0.02 }}\n"
        );
        let experiment = load::from_text("the mesh", &text, Path::new(""), &[])?.experiment;
        let made = stack(&experiment, data, batch)?;
        let missing = || Error::Shape { op: "bench", what: "the mesh reads no scores".into() };
        let program = made.program;
        let image = made.machine.image.ok_or_else(missing)?;
        let values = super::stack::noise(batch * program.slot(image).shape.len(), 3);
        let scores = program.find("infer.scores").ok_or_else(missing)?;
        let program = if device.choice.fuses() { fuse(&program) } else { program };
        let mut executor = device.choice.compile(Arc::new(program))?;
        executor.write(image, &Data::Real(values.iter().map(|z| z.re + 0.5).collect()))?;
        Ok(Self { executor, scores })
    }

    fn run(&mut self, batch: usize, repeats: usize) -> Result<f64> {
        let started = Instant::now();
        for _ in 0..repeats {
            self.executor.run(INFER, batch)?;
        }
        self.executor.read(self.scores)?;
        Ok(started.elapsed().as_secs_f64())
    }
}
