//! The text of a program's kernels under given limits; no device is needed for it.

use std::collections::HashMap;

use super::fftgen::{self, Fill, LineKernels};
use super::shaders;
use crate::error::{Error, Result};
use crate::ops::kernel::Source;

/// A kernel: its source, its entry point and, of a generated pass, which of its kernels.
pub type Key = (Source, &'static str, usize);

/// What kernels may use.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Whose bounds they are, for messages.
    pub name: String,
    pub lines: fftgen::Limits,
    /// Workgroups a dimension.
    pub groups: u32,
    /// Bytes of a binding that a micro-batch is cut to, and of one that it cannot be cut to.
    pub binding: [u64; 2],
}

impl Bounds {
    /// What every browser's WebGPU gives without asking: 256 threads, 16 KiB of workgroup memory,
    /// bindings of 128 MiB.
    pub fn web() -> Self {
        Self {
            name: "the web profile".into(),
            lines: fftgen::Limits::of(256, 16 << 10, fftgen::HARDWARE),
            groups: 65_535,
            binding: [128 << 20; 2],
        }
    }
}

pub struct Kernels {
    pub bounds: Bounds,
    lines: HashMap<Source, LineKernels>,
    /// Where the table's is not the fastest.
    fills: HashMap<Source, Fill>,
}

impl Kernels {
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, lines: HashMap::new(), fills: HashMap::new() }
    }

    /// Has a generated pass fill its workgroups in another way than the table says.
    pub fn fill(&mut self, source: &Source, fill: Fill) {
        self.fills.insert(source.clone(), fill);
        self.lines.remove(source);
    }

    /// The kernels of a generated pass.
    pub fn lines(&mut self, source: &Source) -> Result<&LineKernels> {
        if !self.lines.contains_key(source) {
            let Source::Lines { pass, field, padded } = source else {
                unreachable!("only line passes are generated")
            };
            let mut limits = self.bounds.lines;
            limits.table.fill = self.fills.get(source).copied().unwrap_or(limits.table.fill);
            let made = fftgen::kernels(pass, *field, *padded, &limits);
            let made = made.ok_or_else(|| {
                let most = padded[0].max(padded[1]);
                Error::device(format!(
                    "half a line of {most} samples does not fit the {} bytes of workgroup memory of {}",
                    limits.bytes, self.bounds.name
                ))
                .help("use --backend cpu, or a smaller window")
            })?;
            self.lines.insert(source.clone(), made);
        }
        Ok(&self.lines[source])
    }

    pub fn text(&mut self, (source, _, step): &Key) -> Result<String> {
        match source {
            Source::Shader(stem) => shaders::text(stem)
                .ok_or_else(|| Error::device(format!("no shader is called {stem}"))),
            Source::Lines { .. } => Ok(self.lines(source)?.kernels[*step].text.clone()),
        }
    }
}
