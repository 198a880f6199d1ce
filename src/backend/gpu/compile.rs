//! A routine as dispatches: pipelines and bind groups of every node for every micro-batch.

use super::device::Device;
use super::fftgen::Operand;
use super::memory::{Memory, bytes};
use super::pipelines::Pipelines;
use crate::error::{Error, Result};
use crate::ops::kernel::{Grid, Source};
use crate::program::{Domain, Node, Program, Role, Routine, Scope, Slot, SlotId};

/// Which samples a dispatch sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    pub first: u32,
    pub count: u32,
}

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

/// What a node reads and writes for so many copies.
fn node_reals(node: &Node, operands: &[&Slot], copies: u32) -> f64 {
    node.op.cost(operands).reals * f64::from(copies)
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
            for first in (0..count).step_by(memory.micro) {
                let here = memory.micro.min(count - first);
                let moves = |role: fn(&Role) -> bool| {
                    let mut ids: Vec<_> = memory.windows.keys().copied().collect();
                    ids.sort_unstable();
                    ids.retain(|&id| role(&self.program.slot(id).role));
                    ids
                };
                let inputs = moves(|r| matches!(r, Role::Input));
                let outputs = moves(|r| matches!(r, Role::Output));
                for id in inputs {
                    commands.push(self.copy(memory, id, first, here, true)?);
                }
                let span = Span { first: first as u32, count: here as u32 };
                commands.push(self.pass(routine, memory, &nodes, span)?);
                for id in outputs {
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

    /// A node: one dispatch, or one for each kernel of a generated pass.
    pub fn dispatches(
        &mut self,
        routine: &Routine,
        memory: &Memory,
        node: &Node,
        span: Span,
    ) -> Result<Vec<Dispatch>> {
        let operands: Vec<&Slot> = node.inputs.iter().map(|&i| self.program.slot(i)).collect();
        let kernel = node.op.gpu(&operands);
        let domains = || node.outputs.iter().map(|&o| self.program.slot(o).domain);
        let output = domains().next();
        let copies = match output {
            Some(Domain::Sample) => span.count,
            Some(Domain::Leaf) => routine.leaves.count as u32,
            _ => 1,
        };
        // A node that runs once sees one copy, whatever the batch.
        let count = if output == Some(Domain::Once) { 1 } else { span.count };
        let leaves = routine.leaves;
        let mut words = vec![span.first, count, leaves.size as u32, kernel.len as u32];
        words.extend(kernel.words.iter().map(|(_, w)| w.bits(leaves.count)));
        let words = self.uniform(kernel.entry, words);
        let slot = |id: SlotId| memory.buffer(self.values, id).cloned();
        if let Source::Lines { .. } = &kernel.source {
            let lines = self.pipelines.lines(self.device, &kernel.source)?.clone();
            let mut made = Vec::new();
            for (step, line) in lines.kernels.iter().enumerate() {
                let mut bound = Vec::new();
                for &(operand, write) in &line.bindings {
                    let buffer = match operand {
                        Operand::Twiddles => self.pipelines.twiddles(self.device, line.length),
                        Operand::Input(n) => slot(node.inputs[n])?,
                        Operand::Output(n) => slot(node.outputs[n])?,
                        Operand::Scratch(n) => memory.scratch[n].clone(),
                    };
                    bound.push((buffer, write));
                }
                let grid = line.grid(count as usize, leaves.count);
                let key = (kernel.source.clone(), kernel.entry, step);
                made.push(self.bind(node, key, grid, &words, &bound)?);
            }
            let share = node_reals(node, &operands, count) / made.len() as f64;
            for dispatch in &mut made {
                dispatch.reals = share;
            }
            return Ok(made);
        }
        let grid = match kernel.grid {
            Grid::Elements(n) => [(n as u32).div_ceil(256), copies, 1],
            Grid::Sample => [count.div_ceil(64), 1, 1],
            Grid::Groups(n) => [n as u32, copies, 1],
            Grid::Shared { per_copy, group } => {
                [(count as usize * per_copy).div_ceil(group) as u32, 1, 1]
            }
        };
        let mut bound = Vec::new();
        for &id in &node.inputs {
            bound.push((slot(id)?, false));
        }
        for &id in &node.outputs {
            bound.push((slot(id)?, true));
        }
        let key = (kernel.source.clone(), kernel.entry, 0);
        let mut made = self.bind(node, key, grid, &words, &bound)?;
        made.reals = node_reals(node, &operands, count);
        Ok(vec![made])
    }

    fn uniform(&self, label: &str, mut words: Vec<u32>) -> wgpu::Buffer {
        // Uniform blocks are a multiple of 16 bytes.
        words.resize(words.len().next_multiple_of(4), 0);
        let uniform = self.device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: (words.len() * 4) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.device.queue.write_buffer(&uniform, 0, bytemuck::cast_slice(&words));
        uniform
    }

    fn bind(
        &mut self,
        node: &Node,
        key: (Source, &'static str, usize),
        grid: [u32; 3],
        words: &wgpu::Buffer,
        bound: &[(wgpu::Buffer, bool)],
    ) -> Result<Dispatch> {
        let most = self.device.limits.max_compute_workgroups_per_dimension;
        if grid.iter().any(|&g| g > most) {
            let what = format!(
                "{} needs {grid:?} workgroups, {} has {most} a dimension",
                node.op.name(),
                self.device.name
            );
            return Err(Error::device(what).help("use --backend cpu, or a smaller window"));
        }
        let label = Some(key.1);
        let writes: Vec<bool> = bound.iter().map(|(_, w)| *w).collect();
        let (pipeline, layout) = self.pipelines.get(self.device, key, &writes)?;
        let mut entries =
            vec![wgpu::BindGroupEntry { binding: 0, resource: words.as_entire_binding() }];
        for (i, (buffer, _)) in bound.iter().enumerate() {
            let binding = i as u32 + 1;
            entries.push(wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() });
        }
        let layout = &layout;
        let descriptor = wgpu::BindGroupDescriptor { label, layout, entries: &entries };
        let group = self.device.device.create_bind_group(&descriptor);
        Ok(Dispatch { node: 0, reals: 0.0, pipeline, group, grid })
    }
}
