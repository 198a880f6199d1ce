//! A trained machine as a program that anyone with WebGPU can run: the exported routine with its
//! buffers, what goes in and what comes out, as one JSON document.
//!
//! ```text
//! shaders      WGSL texts
//! kernels      shader, entry point, storage bindings from 1 on ("read", "write")
//! buffers      name, bytes, data: little-endian f32 or u32, complex numbers re im re im;
//!              a buffer without data may hold anything before the first dispatch
//! dispatches   kernel, uniform block (binding 0) as u32 words, buffers from binding 1 on, workgroups
//! inputs       image: [height, width] f32, 0..1, row 0 at the top
//! outputs      scores: one f32 a class, the largest is the answer; regions: power in each region of
//!              the detector; planes: the complex field [y, x] at each plane
//! ```
//! To run it: fill the buffers that have data, write the image, dispatch in order, read an output.

use serde::Serialize;

use crate::backend::gpu::export::{Bounds, Buffer, Exported, export};
use crate::error::{Error, Result};
use crate::program::{Program, SlotId};
use crate::train::Session;
use crate::train::watch::{WATCH, Watch};

const FORMAT: &str = "lightloom-program-1";

#[derive(Serialize)]
pub struct Document<D> {
    format: &'static str,
    version: &'static str,
    pub classes: Vec<String>,
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    pub shaders: Vec<String>,
    kernels: Vec<Kernel>,
    pub buffers: Vec<Named<D>>,
    dispatches: Vec<Dispatch>,
}

/// What goes in or comes out.
#[derive(Serialize)]
pub struct Port {
    pub name: String,
    pub buffer: usize,
    pub dims: Vec<usize>,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Metres from the first plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z: Option<f64>,
}

#[derive(Serialize)]
struct Kernel {
    shader: usize,
    entry: &'static str,
    bindings: Vec<&'static str>,
}

#[derive(Serialize)]
pub struct Named<D> {
    pub name: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<D>,
}

#[derive(Serialize)]
struct Dispatch {
    kernel: usize,
    uniform: Vec<u32>,
    buffers: Vec<usize>,
    workgroups: [u32; 3],
}

/// A machine that is watched, and its program under the web profile.
pub struct Made {
    pub watch: Watch,
    pub fused: Program,
    pub exported: Exported,
}

impl Made {
    pub fn of(session: &mut Session) -> Result<Self> {
        let watch = session.watch()?;
        let fused = watch.fused();
        let exported = export(&fused, WATCH, Bounds::web())?;
        Ok(Self { watch, fused, exported })
    }

    fn port(&self, name: &str, slot: SlotId, z: Option<f64>) -> Result<Port> {
        let missing = || Error::device(format!("no kernel of the program touches {name}"));
        let buffer = self.exported.buffer(slot).ok_or_else(missing)?;
        let shape = &self.fused.slot(slot).shape;
        let kind = if shape.kind == crate::program::Kind::Complex { "complex f32" } else { "f32" };
        Ok(Port { name: name.to_owned(), buffer, dims: shape.dims.clone(), kind, z })
    }

    /// `data` says how the content of a buffer is written.
    pub fn document<D>(
        &self,
        classes: &[String],
        mut data: impl FnMut(&Buffer) -> Option<D>,
    ) -> Result<Document<D>> {
        let (watch, exported) = (&self.watch, &self.exported);
        let mut outputs = vec![
            self.port("scores", watch.scores, None)?,
            self.port("regions", watch.regions, None)?,
        ];
        for plane in &watch.planes {
            outputs.push(self.port(&plane.name, plane.field, Some(plane.z))?);
        }
        let kernel = |k: &crate::backend::gpu::export::Kernel| Kernel {
            shader: k.shader,
            entry: k.entry,
            bindings: k.writes.iter().map(|&w| if w { "write" } else { "read" }).collect(),
        };
        let dispatches = exported.dispatches.iter().map(|d| Dispatch {
            kernel: d.kernel,
            uniform: d.words.clone(),
            buffers: d.buffers.clone(),
            workgroups: d.grid,
        });
        let buffers = exported.buffers.iter();
        let buffers =
            buffers.map(|b| Named { name: b.name.clone(), bytes: b.bytes, data: data(b) });
        Ok(Document {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            classes: classes.to_vec(),
            inputs: vec![self.port("image", watch.image, None)?],
            outputs,
            shaders: exported.shaders.clone(),
            kernels: exported.kernels.iter().map(kernel).collect(),
            buffers: buffers.collect(),
            dispatches: dispatches.collect(),
        })
    }
}
