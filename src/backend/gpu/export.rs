//! A routine as plain data, for whoever has WebGPU and not this program: shader texts, buffers,
//! dispatches in order. Made without a device.

use std::collections::HashMap;

use super::fftgen;
use super::kernels::{Kernels, Key};
use super::layout;
use super::list::{self, Place, Span};
use super::memory::{Cut, bytes};
use crate::backend::routine_index;
use crate::error::{Error, Result};
use crate::program::{Data, Domain, Program, Role, SlotId};

pub use super::kernels::Bounds;

/// One run of a routine over one sample.
#[derive(Debug, Clone)]
pub struct Exported {
    pub buffers: Vec<Buffer>,
    /// WGSL; none names override constants.
    pub shaders: Vec<String>,
    pub kernels: Vec<Kernel>,
    pub dispatches: Vec<Dispatch>,
}

#[derive(Debug, Clone)]
pub struct Buffer {
    pub name: String,
    pub bytes: u64,
    /// None of what several temporaries share, or no slot has.
    pub slot: Option<SlotId>,
    /// What lies there before the first dispatch, little-endian f32 or u32; else it may hold
    /// anything.
    pub content: Option<Vec<u8>>,
    /// The natural row and column at each of the buffer's, where they are reordered, `[y, x]`.
    pub axes: Option<[Vec<u32>; 2]>,
}

#[derive(Debug, Clone)]
pub struct Kernel {
    /// Of `shaders`.
    pub shader: usize,
    pub entry: &'static str,
    /// Storage bindings from 1 on, each with whether it is written; binding 0 is the uniform block.
    pub writes: Vec<bool>,
}

#[derive(Debug, Clone)]
pub struct Dispatch {
    /// Of `kernels`.
    pub kernel: usize,
    /// The uniform block.
    pub words: Vec<u32>,
    /// Of `buffers`, by binding from 1 on.
    pub buffers: Vec<usize>,
    /// Workgroups.
    pub grid: [u32; 3],
}

impl Exported {
    /// The buffer of a slot that the host writes or reads.
    pub fn buffer(&self, slot: SlotId) -> Option<usize> {
        self.buffers.iter().position(|b| b.slot == Some(slot))
    }
}

/// Lists a routine for one sample; parameters hold what their roles say.
pub fn export(program: &Program, routine: &str, bounds: Bounds) -> Result<Exported> {
    let routine = &program.routines[routine_index(program, routine)?];
    let mut kernels = Kernels::new(bounds);
    let cut = Cut::of(&mut kernels, program, routine, 1)?;
    if cut.plan.slabs.iter().any(|s| s.domain == Domain::Leaf) {
        let what = format!("{} sums over samples and cannot be exported", routine.name);
        return Err(Error::Shape { op: "export", what });
    }
    let mut made =
        Maker { program, cut, found: HashMap::new(), known: HashMap::new(), out: empty() };
    let span = Span { first: 0, count: 1 };
    for node in routine.sections.iter().flat_map(|s| &s.nodes) {
        for one in list::node(program, &mut kernels, routine, node, span)? {
            let writes = one.bound.iter().map(|(_, w)| *w).collect();
            let buffers = one.bound.iter().map(|&(place, _)| made.buffer(place, &kernels));
            let buffers = buffers.collect();
            let kernel = made.kernel(one.key, writes, &mut kernels)?;
            made.out.dispatches.push(Dispatch {
                kernel,
                words: one.words,
                buffers,
                grid: one.grid,
            });
        }
    }
    Ok(made.out)
}

fn empty() -> Exported {
    Exported { buffers: vec![], shaders: vec![], kernels: vec![], dispatches: vec![] }
}

/// Where a buffer's number is kept.
#[derive(PartialEq, Eq, Hash)]
enum Memory {
    Slab(usize),
    Slot(SlotId),
    Twiddles(usize),
    Scratch(usize),
}

struct Maker<'a> {
    program: &'a Program,
    cut: Cut,
    found: HashMap<Memory, usize>,
    known: HashMap<(Key, Vec<bool>), usize>,
    out: Exported,
}

impl Maker<'_> {
    fn buffer(&mut self, place: Place, kernels: &Kernels) -> usize {
        let memory = match place {
            Place::Slot(id) => match self.cut.plan.slab_of.get(&id) {
                Some(&slab) => Memory::Slab(slab),
                None => Memory::Slot(id),
            },
            Place::Twiddles(length) => Memory::Twiddles(length),
            Place::Scratch(n) => Memory::Scratch(n),
        };
        if let Some(&number) = self.found.get(&memory) {
            return number;
        }
        let plain = |name: String, bytes: u64, content| Buffer {
            name,
            bytes: bytes.max(4).next_multiple_of(4),
            slot: None,
            content,
            axes: None,
        };
        let buffer = match memory {
            Memory::Slab(n) => plain(format!("slab.{n}"), self.cut.slabs[n], None),
            Memory::Scratch(n) => plain(format!("scratch.{n}"), self.cut.scratch[n], None),
            Memory::Twiddles(length) => {
                let table = fftgen::twiddles(length);
                let content: Vec<u8> = bytemuck::cast_slice(&table).to_vec();
                plain(format!("twiddles.{length}"), content.len() as u64, Some(content))
            }
            Memory::Slot(id) => {
                let slot = self.program.slot(id);
                let axes = layout::axes(slot, &kernels.bounds.lines);
                let order = axes.as_ref().map(layout::order);
                let content = match &slot.role {
                    Role::Const(data) | Role::Param(data) | Role::State(data) => {
                        Some(layout::bytes(data, order.as_deref()))
                    }
                    Role::Formula(formula) => {
                        let all = (0..slot.shape.len()).map(|n| formula.at(n)).collect();
                        Some(layout::bytes(&Data::Complex(all), order.as_deref()))
                    }
                    Role::Input | Role::Output | Role::Temp => None,
                };
                Buffer { slot: Some(id), axes, ..plain(slot.name.clone(), bytes(slot), content) }
            }
        };
        self.out.buffers.push(buffer);
        self.found.insert(memory, self.out.buffers.len() - 1);
        self.out.buffers.len() - 1
    }

    fn kernel(&mut self, key: Key, writes: Vec<bool>, kernels: &mut Kernels) -> Result<usize> {
        let entry = key.1;
        let key = (key, writes);
        if let Some(&number) = self.known.get(&key) {
            return Ok(number);
        }
        let text = kernels.text(&key.0)?;
        let shaders = &mut self.out.shaders;
        let shader = shaders.iter().position(|t| *t == text).unwrap_or_else(|| {
            shaders.push(text);
            shaders.len() - 1
        });
        self.out.kernels.push(Kernel { shader, entry, writes: key.1.clone() });
        self.known.insert(key, self.out.kernels.len() - 1);
        Ok(self.out.kernels.len() - 1)
    }
}
