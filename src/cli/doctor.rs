//! `lightloom doctor`: the adapters there are, which would be used and why, and whether each op
//! computes on it what the CPU computes in f64.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::{Common, print, print_json};
use crate::backend::gpu::{AdapterReport, Wanted, adapters, compile};
use crate::backend::twin::{Twin, twin};
use crate::backend::{Backend, Precision};
use crate::error::{Error, Result};
use crate::ops;

#[derive(Debug, Args)]
pub struct Doctor {
    /// Only list, without running the ops.
    #[arg(long)]
    no_twins: bool,
}

#[derive(Serialize)]
struct Report {
    threads: usize,
    adapters: Vec<AdapterReport>,
    uses: String,
    why: &'static str,
    twins: Vec<Checked>,
}

#[derive(Serialize)]
struct Checked {
    device: String,
    #[serde(flatten)]
    twin: Twin,
    holds: bool,
}

impl Doctor {
    pub fn run(&self, common: &Common) -> Result<()> {
        let adapters = adapters();
        let choice = common.choice();
        let hardware = adapters.iter().find(|a| !a.software);
        let gpu = match choice.backend {
            Backend::Cpu => None,
            Backend::Gpu => adapters.first(),
            Backend::Auto => hardware,
        };
        let gpu = gpu.filter(|_| choice.precision == Precision::F32);
        let why = match (choice.backend, gpu.is_some()) {
            (Backend::Cpu, _) => "the CPU was asked for",
            (_, true) if choice.backend == Backend::Gpu => "a GPU was asked for",
            (_, true) => "the best real GPU",
            (Backend::Gpu, false) => "a GPU was asked for, and none will do",
            (Backend::Auto, false) if choice.precision == Precision::F64 => {
                "f64 is computed on the CPU"
            }
            (Backend::Auto, false) => {
                "there is no real GPU (a software adapter is used only with --backend gpu)"
            }
        };
        let uses = gpu.map_or_else(|| "CPU".to_owned(), |a| format!("{} ({})", a.name, a.api));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut twins = Vec::new();
        if !self.no_twins {
            for case in ops::cases() {
                let cpu = crate::backend::Choice { backend: Backend::Cpu, ..choice };
                let on_cpu = twin(&case, |p| cpu.compile(p))?;
                twins.push(Checked { device: "CPU".into(), holds: on_cpu.holds(), twin: on_cpu });
                if let Some(adapter) = gpu {
                    let wanted = if adapter.software { Wanted::Any } else { Wanted::Hardware };
                    let on_gpu = twin(&case, |p: Arc<_>| compile(p, wanted, true))?;
                    twins.push(Checked {
                        device: adapter.name.clone(),
                        holds: on_gpu.holds(),
                        twin: on_gpu,
                    });
                }
            }
        }
        let report = Report { threads, adapters, uses, why, twins };
        let failed = report.twins.iter().filter(|c| !c.holds).count();
        if common.json {
            print_json(&report)?;
        } else {
            print(&text(&report))?;
        }
        if failed > 0 {
            return Err(Error::device(format!("{failed} of {} checks failed", report.twins.len()))
                .help("the results of this device cannot be trusted: update its driver, or use --backend cpu"));
        }
        Ok(())
    }
}

fn text(report: &Report) -> String {
    use comfy_table::{Table, presets};
    let mut text = format!("CPU: {} threads\n", report.threads);
    if report.adapters.is_empty() {
        text += "GPU: no adapter answers through Vulkan, Metal or DX12\n";
    } else {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header([
            "adapter",
            "kind",
            "API",
            "driver",
            "largest binding",
            "workgroup",
            "workgroup memory",
        ]);
        for a in &report.adapters {
            table.add_row([
                a.name.clone(),
                if a.software { "software".into() } else { a.kind.clone() },
                a.api.clone(),
                a.driver.clone(),
                format!("{} MiB", a.max_binding_mib),
                format!("{} threads", a.max_workgroup_threads),
                format!("{} KiB", a.workgroup_storage_kib),
            ]);
        }
        text += &format!("{table}\n");
    }
    text += &format!("would use: {} ({})", report.uses, report.why);
    if !report.twins.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header(["case", "device", "largest error", "allowed", ""]);
        for c in &report.twins {
            let verdict = if c.holds { "ok" } else { "WRONG" };
            table.add_row([
                c.twin.case.clone(),
                c.device.clone(),
                format!("{:.1e}", c.twin.error),
                format!("{:.1e}", c.twin.tolerance),
                verdict.into(),
            ]);
        }
        let held = report.twins.iter().filter(|c| c.holds).count();
        text += &format!("\n{table}\n{held} of {} checks against f64 hold", report.twins.len());
    }
    text
}
