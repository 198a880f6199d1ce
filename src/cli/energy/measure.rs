//! The rate and the power of this CPU and this GPU in place of their figures, with notes on what was
//! measured, what was taken from elsewhere and what is not there.

use super::Energy;
use crate::backend::gpu::matmul::Operands;
use crate::backend::gpu::{AdapterReport, Wanted};
use crate::backend::{Backend, cpu};
use crate::baseline::power::Meter;
use crate::baseline::{gpu, matmul};
use crate::cli::Common;
use crate::energy::library::Library;
use crate::error::{Error, Result};

/// N of the products that are timed.
const ON_CPU: usize = 768;
const ON_GPU: usize = 2048;

/// Figures of rate and power by the operands.
const GPU: [(Operands, &str, [&str; 2]); 2] = [
    (Operands::F32, "f32", ["gpu.rate32", "gpu.power32"]),
    (Operands::F16, "f16", ["gpu.rate16", "gpu.power16"]),
];

/// Cards whose power is a figure, by a word of the adapter's name.
const KNOWN: [(&str, &str); 3] =
    [("A100", "a100.power"), ("H100", "h100.power"), ("B200", "b200.power")];

/// A figure that was given, by `--set` or `--devices`, stays.
pub fn measure(energy: &Energy, common: &Common, library: &mut Library) -> Result<Vec<String>> {
    if energy.no_measure {
        return Ok(vec![
            "this CPU and GPU were not measured (--no-measure): their figures stand".into(),
        ]);
    }
    let mut notes = of_cpu(common, library)?;
    notes.extend(match common.choice().backend {
        Backend::Cpu => vec!["this GPU is left out (--backend cpu)".into()],
        Backend::Auto | Backend::Gpu => of_gpu(library)?,
    });
    Ok(notes)
}

/// No machine is the same to more than three digits.
fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

fn of_cpu(common: &Common, library: &mut Library) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    let pool = cpu::pool(common.threads.map(usize::from))?;
    let cores = pool.current_num_threads() as f64;
    let meter = Meter::of_cpu();
    let got = matmul::measure(ON_CPU, &pool, meter.as_ref().ok());
    let source = format!("measured in this run: sgemm of {ON_CPU} x {ON_CPU}, {cores} threads");
    let mut note = |key: &str, value: f64, source: &str| {
        if library.measured(key, value, source) {
            notes.push(format!("{key}: {source}"));
        }
    };
    note("cpu.core_rate", three_digits(got.rate / cores), &source);
    note("cpu.cores", cores, "threads of this run");
    match (got.watts, meter) {
        (Some(watts), Ok(meter)) => {
            let source = format!("measured in this run: {}", meter.name());
            note("cpu.core_power", three_digits(watts / cores), &source);
        }
        (_, Err(why)) => notes.push(format!("{why}; cpu.core_power is assumed")),
        (_, Ok(meter)) => {
            notes.push(format!("{} counted nothing; cpu.core_power is assumed", meter.name()));
        }
    }
    Ok(notes)
}

fn of_gpu(library: &mut Library) -> Result<Vec<String>> {
    let card = match gpu::at_hand() {
        Ok(card) => card,
        Err(why) => return Ok(vec![format!("this GPU is left out: {why}")]),
    };
    let meter = Meter::of_gpu(&card.pci);
    let mut notes = Vec::new();
    for (operands, name, [rate, power]) in GPU {
        if operands == Operands::F16 && !card.f16 {
            notes.push(format!("{} has no f16", card.name));
            continue;
        }
        match gpu::measure(Wanted::Hardware, operands, ON_GPU, meter.as_ref().ok()) {
            Ok(got) => {
                let source = format!(
                    "measured in this run: our WGSL matmul of {ON_GPU} x {ON_GPU} in {name} on {}",
                    card.name
                );
                if library.measured(rate, three_digits(got.rate), &source) {
                    notes.push(format!("{rate}: {source}"));
                }
                notes.extend(watts(library, power, got.watts, meter.as_ref(), &card));
            }
            Err(Error::Device { what, .. }) => {
                notes.push(format!("this GPU is left out in {name}: {what}"));
            }
            Err(other) => return Err(other),
        }
    }
    Ok(notes)
}

/// The board's power: measured, else of a data sheet, else not known, which is said.
fn watts(
    library: &mut Library,
    key: &str,
    measured: Option<f64>,
    meter: Result<&Meter, &String>,
    card: &AdapterReport,
) -> Option<String> {
    let why = match (measured, meter) {
        (Some(watts), Ok(meter)) => {
            let source = format!("measured in this run: {}", meter.name());
            let taken = library.measured(key, three_digits(watts), &source);
            return taken.then(|| format!("{key}: {source}"));
        }
        (_, Ok(meter)) => format!("{} counted nothing", meter.name()),
        (_, Err(why)) => why.clone(),
    };
    let known = KNOWN.iter().find(|(word, _)| card.name.contains(word));
    match known {
        Some((_, from)) => {
            library.taken(key, from, &why).then(|| format!("{key}: {why}; {from} stands in"))
        }
        None if library.figure_of(key).is_some_and(|f| f.typical() > 0.0) => None,
        None => Some(format!(
            "{why}; no figure gives the power of {}, so it is left out: --set {key}=W takes one",
            card.name
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str) -> AdapterReport {
        AdapterReport {
            name: name.into(),
            api: String::new(),
            driver: String::new(),
            kind: String::new(),
            software: false,
            max_binding_mib: 0,
            max_workgroup_threads: 0,
            workgroup_storage_kib: 0,
            timestamps: false,
            f16: true,
            pci: String::new(),
        }
    }

    /// Without a meter a card that is known has its data sheet's power, marked; another has none,
    /// and what was set stays.
    #[test]
    fn power_is_not_guessed() {
        let mut library = Library::built_in().expect("they are right");
        let why = String::from("no meter");
        let key = "gpu.power32";
        let said = watts(&mut library, key, None, Err(&why), &card("Some Card")).expect("a note");
        assert!(said.contains("no meter") && said.contains("--set gpu.power32=W"), "{said}");
        assert_eq!(library.figure_of(key).expect("there").typical(), 0.0);
        let h100 = card("NVIDIA H100 80GB HBM3");
        let said = watts(&mut library, key, None, Err(&why), &h100).expect("a note");
        assert!(said.contains("h100.power stands in"), "{said}");
        let figure = library.figure_of(key).expect("there");
        assert_eq!(figure.typical(), 700.0);
        assert!(figure.source.starts_with("not measured (no meter): h100.power"), "{figure:?}");
        library.set("gpu.power32=250").expect("a power");
        assert_eq!(watts(&mut library, key, None, Err(&why), &h100), None);
        assert_eq!(library.figure_of(key).expect("there").typical(), 250.0);
    }
}
