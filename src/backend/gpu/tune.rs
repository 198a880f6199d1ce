//! Which way lines lie on workgroups is fastest on this adapter: measured once, kept on disk.
//!
//! Only how lines fill a workgroup is tried: radices, and with them the order of everything in
//! memory and every rounding, stay. Software adapters are not tuned; their table is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::compile::Compiler;
use super::device::Device;
use super::fftgen::Fill;
use super::list::Span;
use super::memory::Memory;
use super::submit;
use crate::error::Result;
use crate::files::atomic;
use crate::ops::kernel::{LinePass, Source};
use crate::program::{Node, Routine, Slot};

/// Choices by pass, in words that do not change between runs.
pub type Choices = BTreeMap<String, Fill>;

/// Choices by adapter and driver, as they lie on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known(BTreeMap<String, Choices>);

/// What a pass is called on disk.
fn key(source: &Source) -> String {
    format!("{source:?}")
}

/// `$XDG_CACHE_HOME/lightloom/plans.json`, or below `~/.cache`, or on Windows below
/// `%LOCALAPPDATA%`; none without any of them.
pub fn path() -> Option<PathBuf> {
    below(|name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from))
}

fn below(set: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    Some(cache.or_else(|| set("LOCALAPPDATA"))?.join("lightloom").join("plans.json"))
}

fn known(path: &Path) -> Known {
    // A file that is not there or not ours is as good as none: it is only a cache.
    let text = std::fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// What is on disk for a device.
fn recall(path: &Path, device: &Device) -> Choices {
    known(path).0.remove(&device.driver).unwrap_or_default()
}

/// Adds choices to those on disk. A cache that cannot be written is not missed.
fn remember(path: &Path, device: &Device, choices: &Choices) {
    let mut all = known(path);
    all.0.entry(device.driver.clone()).or_default().extend(choices.clone());
    if let (Some(folder), Ok(text)) = (path.parent(), serde_json::to_vec_pretty(&all))
        && std::fs::create_dir_all(folder).is_ok()
    {
        let _ = atomic::write(path, |out| out.write_all(&text));
    }
}

/// Where choices come from.
#[derive(Debug, Clone, Default)]
pub enum Tuning {
    /// The table alone.
    #[default]
    Table,
    /// A file: what it does not have goes by the table.
    Recalled(PathBuf),
    /// A file: what it does not have is measured and added.
    Measured(PathBuf),
}

/// What may be tried for a pass besides the table's own way.
fn candidates(source: &Source, table: Fill) -> Vec<Fill> {
    let Source::Lines { pass, .. } = source else { return Vec::new() };
    let rows = matches!(pass, LinePass::RowsIn | LinePass::RowsOut | LinePass::Hop(..));
    let sizes: &[usize] = if rows { &[64, 128, 256] } else { &[4, 8, 16, 32] };
    let fill = |&size: &usize, pairs| {
        if rows {
            Fill { row_threads: size, pairs, ..table }
        } else {
            Fill { beside: size, pairs, ..table }
        }
    };
    let tried = [true, false].into_iter().flat_map(|p| sizes.iter().map(move |s| fill(s, p)));
    std::iter::once(table).chain(tried.filter(|f| *f != table)).collect()
}

/// Chooses for every generated pass of a program, and returns what was chosen.
pub fn tune(compiler: &mut Compiler, memory: &[Memory], tuning: &Tuning) -> Result<Choices> {
    let (path, measure) = match tuning {
        Tuning::Table => return Ok(Choices::new()),
        Tuning::Recalled(path) => (path, false),
        Tuning::Measured(path) => (path, true),
    };
    let (known, mut chosen, mut fresh) =
        (recall(path, compiler.device), Choices::new(), Choices::new());
    for (routine, memory) in compiler.program.routines.iter().zip(memory) {
        for node in routine.sections.iter().flat_map(|s| &s.nodes) {
            let operands: Vec<&Slot> =
                node.inputs.iter().map(|&i| compiler.program.slot(i)).collect();
            let source = node.op.gpu(&operands).source;
            let key = key(&source);
            if !matches!(source, Source::Lines { .. }) || chosen.contains_key(&key) {
                continue;
            }
            let fill = match known.get(&key) {
                Some(&fill) => fill,
                None if measure => {
                    let fill = fastest(compiler, routine, memory, node, &source)?;
                    fresh.insert(key.clone(), fill);
                    fill
                }
                None => continue,
            };
            compiler.pipelines.fill(&source, fill);
            chosen.insert(key, fill);
        }
    }
    if !fresh.is_empty() {
        remember(path, compiler.device, &fresh);
    }
    Ok(chosen)
}

/// The fill whose best of three runs is the shortest, on the routine's own memory, which holds
/// nothing yet.
fn fastest(
    compiler: &mut Compiler,
    routine: &Routine,
    memory: &Memory,
    node: &Node,
    source: &Source,
) -> Result<Fill> {
    let table = compiler.device.table.fill;
    let span = Span { first: 0, count: memory.micro as u32 };
    let mut best = (f64::INFINITY, table);
    for fill in candidates(source, table) {
        compiler.pipelines.fill(source, fill);
        let dispatches = compiler.dispatches(routine, memory, node, span)?;
        // The first run compiles.
        submit::seconds(compiler.device, &dispatches)?;
        for _ in 0..3 {
            let seconds: f64 = submit::seconds(compiler.device, &dispatches)?.iter().sum();
            if seconds < best.0 {
                best = (seconds, fill);
            }
        }
    }
    Ok(best.1)
}

/// A short name of choices, the same for the same ones; none for none.
pub fn name(choices: &Choices) -> Option<String> {
    if choices.is_empty() {
        return None;
    }
    // FNV-1a.
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let text = format!("{choices:?}");
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    Some(format!("{:08x}", hash as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_lies_where_the_system_keeps_them() {
        let found = |set: &[(&str, &str)]| {
            below(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| PathBuf::from(v)))
        };
        let at = |folder: &str| Some(Path::new(folder).join("lightloom").join("plans.json"));
        let (xdg, home, local) =
            (("XDG_CACHE_HOME", "x"), ("HOME", "h"), ("LOCALAPPDATA", "AppData"));
        assert_eq!(found(&[local, home, xdg]), at("x"));
        assert_eq!(found(&[local, home]), at("h/.cache"));
        assert_eq!(found(&[local]), at("AppData"));
        assert_eq!(found(&[]), None);
    }
}
