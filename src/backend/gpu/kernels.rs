//! The text of a program's kernels under given limits; no device is needed for it.

use std::collections::HashMap;

use super::fftgen::{self, Fill, LineKernels, LinePlan};
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

/// Why lines of these lengths have no kernels on a device.
fn refusal(padded: [usize; 2], limits: &fftgen::Limits, name: &str) -> Error {
    let factors = |n: usize| LinePlan::factors(n, &limits.table);
    let Some(rough) = padded.into_iter().find(|&n| !factors(n)) else {
        let most = padded[0].max(padded[1]);
        return Error::device(format!(
            "half a line of {most} samples does not fit the {} bytes of workgroup memory of {name}",
            limits.bytes
        ))
        .help("use --backend cpu, or a smaller window");
    };
    let below = (1..rough).rev().find(|&n| factors(n)).unwrap_or(1);
    let above = (rough..).find(|&n| factors(n)).unwrap_or(rough);
    Error::device(format!(
        "a prime above 7 divides {rough}, the length of a line in samples, and transforms on a GPU \
         are made of 2, 3, 5 and 7"
    ))
    .help(format!("use optic.samples of {below} or {above} there, or --backend cpu"))
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
            let made = made.ok_or_else(|| refusal(*padded, &limits, &self.bounds.name))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::kernel::LinePass;

    /// A length that no radices give says so, whatever memory there is; one that fits no memory says
    /// that.
    #[test]
    fn a_refused_line_names_its_rule() {
        let refused = |padded, bounds| {
            let source = Source::Lines { pass: LinePass::RowsIn, field: padded, padded };
            let error = Kernels::new(bounds).lines(&source).expect_err("no such line");
            let way_out =
                miette::Diagnostic::help(&error).map_or_else(String::new, |h| h.to_string());
            format!("{error}; {way_out}")
        };
        let web = Bounds::web();
        let small = Bounds { lines: fftgen::Limits { bytes: 8 * 7, ..web.lines }, ..web.clone() };
        for bounds in [web, small.clone()] {
            let text = refused([24, 22], bounds);
            assert!(text.contains("prime above 7 divides 22"), "{text}");
            assert!(text.contains("21 or 24") && !text.contains("memory"), "{text}");
        }
        let text = refused([64, 64], small);
        assert!(text.contains("64 samples") && text.contains("memory"), "{text}");
    }
}
