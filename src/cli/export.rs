//! `lightloom export CHECKPOINT --out DIR|FILE.json`: a trained machine as a WebGPU program.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Common, eval, make_folder, print, write_json};
use crate::error::{Error, Result};
use crate::files::atomic;
use crate::report::html::base64;
use crate::report::program::Made;

/// Writes one sample's way through a trained machine as a program for WebGPU: WGSL texts, buffers
/// (masks, tables, the transfer function made in doubles), dispatches in order. The document says
/// what goes in (an image) and what comes out (scores, regions, the field at every plane).
#[derive(Debug, Args)]
pub struct Export {
    /// The checkpoint.safetensors of a run.
    checkpoint: PathBuf,
    /// A .json that holds everything, or a folder for program.json, .wgsl and .bin files.
    #[arg(long)]
    out: PathBuf,
}

impl Export {
    pub fn run(&self, common: &Common) -> Result<()> {
        let (mut session, data) = eval::open(&self.checkpoint, common)?;
        let made = Made::of(&mut session)?;
        let classes = &data.classes;
        let is_file = self.out.extension().is_some_and(|e| e == "json");
        if is_file {
            let document = made.document(classes, |b| b.content.as_deref().map(base64))?;
            write_json(&self.out, &document)?;
        } else {
            self.folder(&made, classes)?;
        }
        let program = &made.exported;
        if common.json {
            return super::print_json(&json!({
                "out": self.out,
                "dispatches": program.dispatches.len(),
                "shaders": program.shaders.len(),
                "buffers": program.buffers.len(),
            }));
        }
        print(&format!(
            "{}: {} dispatches of {} shaders on {} buffers",
            self.out.display(),
            program.dispatches.len(),
            program.shaders.len(),
            program.buffers.len()
        ))
    }

    /// Texts and contents in files of their own, named in the document in their places.
    fn folder(&self, made: &Made, classes: &[String]) -> Result<()> {
        let program = &made.exported;
        make_folder(&self.out)?;
        let file = |n: usize| format!("buffer_{n}.bin");
        let mut number = 0..;
        let mut document = made.document(classes, |b| {
            let n = number.next().unwrap_or_default();
            b.content.as_ref().map(|_| json!({ "file": file(n) }))
        })?;
        for (n, buffer) in program.buffers.iter().enumerate() {
            if let Some(content) = &buffer.content {
                write(&self.out.join(file(n)), content)?;
            }
        }
        for (n, text) in document.shaders.iter_mut().enumerate() {
            let name = format!("shader_{n}.wgsl");
            write(&self.out.join(&name), text.as_bytes())?;
            *text = name;
        }
        write_json(&self.out.join("program.json"), &document)?;
        let is_named = |kind: &str, n: usize| match kind {
            "buffer" => program.buffers.get(n).is_some_and(|b| b.content.is_some()),
            _ => n < program.shaders.len(),
        };
        sweep(&self.out, is_named)
    }
}

/// Removes files of an earlier program that this one does not name.
fn sweep(folder: &Path, is_named: impl Fn(&str, usize) -> bool) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::file(folder, "read", e))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((kind, n)) = numbered(&name) else { continue };
        if !is_named(kind, n) {
            std::fs::remove_file(&path).map_err(|e| Error::file(&path, "write", e))?;
        }
    }
    Ok(())
}

/// Kind and number of a file that [`Export`] writes beside its document.
fn numbered(name: &str) -> Option<(&str, usize)> {
    let (kind, rest) = name.split_once('_')?;
    let end = match kind {
        "buffer" => ".bin",
        "shader" => ".wgsl",
        _ => return None,
    };
    let digits = rest.strip_suffix(end)?;
    let is_number = digits.bytes().all(|b| b.is_ascii_digit());
    if is_number { digits.parse().ok().map(|n| (kind, n)) } else { None }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    atomic::write(path, |out| out.write_all(bytes))
}
