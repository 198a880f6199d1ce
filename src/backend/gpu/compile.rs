//! A routine as dispatches: pipelines and bind groups of every node for every micro-batch.

use std::collections::BTreeSet;

use super::device::Device;
use super::list::{self, Listed, Place, Span};
use super::memory::{Memory, bytes};
use super::pipelines::Pipelines;
use crate::error::{Error, Result};
use crate::program::{Domain, Node, Program, Routine, Scope, Section, SlotId};

pub struct Dispatch {
    /// Of the routine's nodes.
    pub node: usize,
    /// Share of the node's traffic, in reals.
    pub reals: f64,
    pub pipeline: wgpu::ComputePipeline,
    pub group: wgpu::BindGroup,
    pub grid: [u32; 3],
}

/// What a submission is made of.
pub enum Command {
    Clear(wgpu::Buffer),
    Copy { from: wgpu::Buffer, from_at: u64, to: wgpu::Buffer, to_at: u64, size: u64 },
    Pass(Vec<Dispatch>),
}

impl Command {
    /// Traffic of its dispatches.
    pub fn reals(&self) -> f64 {
        let Self::Pass(dispatches) = self else { return 0.0 };
        dispatches.iter().map(|d| d.reals).sum()
    }
}

/// Slots with a window that a section reads as they were before it, and those that it makes.
fn moves(memory: &Memory, section: &Section) -> [BTreeSet<SlotId>; 2] {
    let nodes = || section.nodes.iter();
    let of = |ids: &mut dyn Iterator<Item = &SlotId>| -> BTreeSet<SlotId> {
        ids.copied().filter(|id| memory.windows.contains_key(id)).collect()
    };
    let made = of(&mut nodes().flat_map(|n| &n.outputs));
    let read = of(&mut nodes().flat_map(|n| &n.inputs));
    [&read - &made, made]
}

/// Everything that turns a routine into commands.
pub struct Compiler<'a> {
    pub device: &'a Device,
    pub program: &'a Program,
    pub pipelines: &'a mut Pipelines,
    pub values: &'a [Option<wgpu::Buffer>],
}

impl Compiler<'_> {
    /// The commands of a routine for the first `count` samples.
    pub fn commands(
        &mut self,
        routine: &Routine,
        memory: &Memory,
        count: usize,
    ) -> Result<Vec<Command>> {
        let mut commands = Vec::new();
        let mut before = 0;
        for section in &routine.sections {
            let nodes: Vec<(usize, &Node)> = (before..).zip(&section.nodes).collect();
            before += section.nodes.len();
            if section.nodes.is_empty() {
                continue;
            }
            if section.scope == Scope::Once {
                let all = Span { first: 0, count: count as u32 };
                commands.push(self.pass(routine, memory, &nodes, all)?);
                continue;
            }
            for (slab, buffer) in memory.plan.slabs.iter().zip(&memory.slabs) {
                if slab.domain == Domain::Leaf {
                    commands.push(Command::Clear(buffer.clone()));
                }
            }
            // A window holds what the last section left of its last micro-batch.
            let [read, made] = moves(memory, section);
            for first in (0..count).step_by(memory.micro) {
                let here = memory.micro.min(count - first);
                for &id in &read {
                    commands.push(self.copy(memory, id, first, here, true)?);
                }
                let span = Span { first: first as u32, count: here as u32 };
                commands.push(self.pass(routine, memory, &nodes, span)?);
                for &id in &made {
                    commands.push(self.copy(memory, id, first, here, false)?);
                }
            }
        }
        self.device.check()?;
        Ok(commands)
    }

    /// Between a batch and its micro-batch.
    fn copy(
        &self,
        memory: &Memory,
        id: SlotId,
        first: usize,
        here: usize,
        into: bool,
    ) -> Result<Command> {
        let missing = || Error::device("a per-sample slot has no memory");
        let batch = self.values[id.index()].clone().ok_or_else(missing)?;
        let window = memory.windows.get(&id).cloned().ok_or_else(missing)?;
        let one = bytes(self.program.slot(id));
        let (at, size) = (first as u64 * one, here as u64 * one);
        Ok(if into {
            Command::Copy { from: batch, from_at: at, to: window, to_at: 0, size }
        } else {
            Command::Copy { from: window, from_at: 0, to: batch, to_at: at, size }
        })
    }

    fn pass(
        &mut self,
        routine: &Routine,
        memory: &Memory,
        nodes: &[(usize, &Node)],
        span: Span,
    ) -> Result<Command> {
        let mut dispatches = Vec::new();
        for &(number, node) in nodes {
            let mut made = self.dispatches(routine, memory, node, span)?;
            for dispatch in &mut made {
                dispatch.node = number;
            }
            dispatches.extend(made);
        }
        Ok(Command::Pass(dispatches))
    }

    /// A node: one dispatch, or those of each kernel of a generated pass.
    pub fn dispatches(
        &mut self,
        routine: &Routine,
        memory: &Memory,
        node: &Node,
        span: Span,
    ) -> Result<Vec<Dispatch>> {
        let listed = list::node(self.program, &mut self.pipelines.kernels, routine, node, span)?;
        listed.into_iter().map(|one| self.bind(memory, one)).collect()
    }

    fn uniform(&self, label: &str, words: &[u32]) -> wgpu::Buffer {
        let uniform = self.device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: (words.len() * 4) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.device.queue.write_buffer(&uniform, 0, bytemuck::cast_slice(words));
        uniform
    }

    fn bind(&mut self, memory: &Memory, listed: Listed) -> Result<Dispatch> {
        let Listed { key, grid, words, bound, reals } = listed;
        let label = Some(key.1);
        let words = self.uniform(key.1, &words);
        let mut buffers = Vec::new();
        for &(place, _) in &bound {
            buffers.push(match place {
                Place::Slot(id) => {
                    let (buffer, size) = memory.bound(self.program, self.values, id)?;
                    (buffer.clone(), size)
                }
                Place::Twiddles(length) => (self.pipelines.twiddles(self.device, length), None),
                Place::Scratch(n) => (memory.scratch[n].clone(), None),
            });
        }
        let writes: Vec<bool> = bound.iter().map(|(_, w)| *w).collect();
        let (pipeline, layout) = self.pipelines.get(self.device, key, &writes)?;
        let mut entries =
            vec![wgpu::BindGroupEntry { binding: 0, resource: words.as_entire_binding() }];
        for (binding, (buffer, size)) in (1..).zip(&buffers) {
            let part = wgpu::BufferBinding { buffer, offset: 0, size: *size };
            entries.push(wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(part),
            });
        }
        let layout = &layout;
        let descriptor = wgpu::BindGroupDescriptor { label, layout, entries: &entries };
        let group = self.device.device.create_bind_group(&descriptor);
        Ok(Dispatch { node: 0, reals, pipeline, group, grid })
    }
}
