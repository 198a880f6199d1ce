//! The command line: one file a sub-command, each thin.

mod bench;
mod calibrate;
mod compare;
mod completions;
mod data;
mod doctor;
mod energy;
mod eval;
mod export;
mod lab;
mod mesh;
mod render;
mod report;
mod schema;
mod show;
mod simulate;
mod train;
mod validate;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::backend::{Backend, Choice, Precision};
use crate::error::{Error, Result};
use crate::experiment::{Loaded, preset};
use crate::math::lanes::Isa;

/// Simulate light that computes, and train it.
#[derive(Debug, Parser)]
#[command(name = "lightloom", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Propagate the light of a scene and write every monitor plane.
    Simulate(simulate::Simulate),
    /// Train an experiment's optic on its data.
    Train(train::Train),
    /// Evaluate a checkpoint on any split, with any change to its experiment.
    Eval(eval::Eval),
    /// Training methods on the same machines with the same faults, and what each asks of them.
    Compare(compare::Compare),
    /// Where the planes of a device stand, fitted to what its camera sees.
    Calibrate(calibrate::Calibrate),
    /// A device behind another process: the protocol's reference server.
    Lab(lab::Lab),
    /// Meshes of interferometers: phases for a matrix, chips with errors, pictures.
    Mesh(mesh::MeshArgs),
    /// Draw masks and light from a checkpoint, or a field from a .npy file.
    Render(render::Render),
    /// Write a trained machine as a program for WebGPU: WGSL, buffers, dispatches.
    Export(export::Export),
    /// Make the page of a run, or of several side by side.
    Report(report::Report),
    /// Measure this device: times, rates, shares of its roofline, and what limits each line.
    Bench(bench::Bench),
    /// Does light win? Joules and seconds of an optical inference against a digital one.
    Energy(energy::Energy),
    /// The data sets that are known, and where they lie.
    Data(data::DataCommand),
    /// What this machine can run, and whether it computes what it should.
    Doctor(doctor::Doctor),
    /// Check experiment files without running them.
    Validate(validate::Validate),
    /// Print the JSON schema of experiment files.
    Schema,
    /// Print a completion script for a shell.
    Completions(completions::Completions),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BackendArg {
    /// A real GPU, else the CPU.
    Auto,
    Cpu,
    /// The best adapter there is, a software one too.
    Gpu,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PrecisionArg {
    F32,
    /// On the CPU alone.
    F64,
}

/// Flags of every command.
#[derive(Debug, Args)]
struct Common {
    #[arg(long, value_enum, default_value = "auto", global = true)]
    backend: BackendArg,
    #[arg(long, value_enum, default_value = "f32", global = true)]
    precision: PrecisionArg,
    /// CPU threads; all cores when absent.
    #[arg(long, global = true, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Run each op on its own: the oracle of the fused passes.
    #[arg(long, global = true)]
    no_fuse: bool,
    /// Overrides the file's seed.
    #[arg(
        long,
        global = true,
        value_parser = clap::value_parser!(u64).range(..=i64::MAX.unsigned_abs())
    )]
    seed: Option<u64>,
    /// Overrides a key of the experiment: --set train.optimizer.lr=1e-3.
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    set: Vec<String>,
    /// Print results as JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl Common {
    fn choice(&self) -> Choice {
        Choice {
            backend: match self.backend {
                BackendArg::Auto => Backend::Auto,
                BackendArg::Cpu => Backend::Cpu,
                BackendArg::Gpu => Backend::Gpu,
            },
            precision: match self.precision {
                PrecisionArg::F32 => Precision::F32,
                PrecisionArg::F64 => Precision::F64,
            },
            threads: self.threads.map(usize::from),
            fuse: !self.no_fuse,
            tune: true,
        }
    }

    /// CPU threads in use.
    fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(all, usize::from)
    }

    fn overrides(&self) -> Vec<String> {
        let seed = self.seed.map(|s| format!("seed={s}"));
        self.set.iter().cloned().chain(seed).collect()
    }

    fn open(&self, path: &Path) -> Result<Loaded> {
        let loaded = preset::open(path, &self.overrides())?;
        for warning in &loaded.warnings {
            eprintln!("warning: {warning}");
        }
        Ok(loaded)
    }
}

/// Runs what the user asked for.
pub fn run(cli: &Cli) -> Result<()> {
    let common = &cli.common;
    if let Some(name) = Isa::named().filter(|name| Isa::by_name(name).is_none()) {
        let known: Vec<_> = Isa::available().into_iter().map(Isa::name).collect();
        let rule = format!("{name} is no instruction set that this machine runs");
        return Err(Error::invalid("LIGHTLOOM_ISA", rule)
            .help(format!("use {}, or leave it unset", known.join(", "))));
    }
    match &cli.command {
        Command::Simulate(c) => c.run(common),
        Command::Train(c) => c.run(common),
        Command::Eval(c) => c.run(common),
        Command::Compare(c) => c.run(common),
        Command::Calibrate(c) => c.run(common),
        Command::Lab(c) => c.run(common),
        Command::Mesh(c) => c.run(common),
        Command::Render(c) => c.run(common),
        Command::Export(c) => c.run(common),
        Command::Report(c) => c.run(common),
        Command::Bench(c) => c.run(common),
        Command::Energy(c) => c.run(common),
        Command::Data(c) => c.run(common),
        Command::Doctor(c) => c.run(common),
        Command::Validate(c) => c.run(common),
        Command::Schema => schema::run(),
        Command::Completions(c) => c.run(),
    }
}

fn unprinted(why: std::io::Error) -> Error {
    Error::file(Path::new("standard output"), "write", why)
}

/// Prints to standard output; a reader that went away is no error.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
    {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(unprinted(e)),
        _ => Ok(()),
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<()> {
    print(&serde_json::to_string_pretty(value).map_err(|e| unprinted(e.into()))?)
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    crate::files::atomic::write(path, |out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Refuses factors that make no size of an error.
fn check_scales(scales: &[f64]) -> Result<()> {
    let fits = |scale: &&f64| scale.is_finite() && **scale >= 0.0;
    let Some(scale) = scales.iter().find(|scale| !fits(scale)) else { return Ok(()) };
    Err(Error::invalid("--scales", format!("errors cannot be {scale} times as large"))
        .help("give numbers from 0 on, as 0,0.5,1,2"))
}

/// Makes a folder for results.
fn make_folder(path: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(path).map_err(|e| Error::file(path, "write", e))?;
    Ok(path.to_owned())
}

/// Peak resident memory of this process in MB, where the system tells it.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}
