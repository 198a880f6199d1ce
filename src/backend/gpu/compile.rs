//! A routine as dispatches: pipelines and bind groups of every node for every micro-batch.

use std::collections::HashMap;

use super::device::Device;
use super::fftgen::{self, LineKernel};
use super::shaders;
use crate::error::{Error, Result};
use crate::ops::kernel::{Grid, LinePass, Source};
use crate::program::plan::{Plain, Plan};
use crate::program::{Domain, Kind, Node, Program, Role, Routine, Scope, Slot, SlotId};

/// Bytes of one copy on the device.
pub fn bytes(slot: &Slot) -> u64 {
    slot.shape.bytes(4) as u64
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

pub fn storage(device: &Device, label: &str, size: u64) -> wgpu::Buffer {
    use wgpu::BufferUsages as U;
    device.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        // A binding may not be empty, and copies go by words.
        size: size.max(4).next_multiple_of(4),
        usage: U::STORAGE | U::COPY_SRC | U::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Which samples a dispatch sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Span {
    first: u32,
    count: u32,
}

pub struct Dispatch {
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

#[derive(Default)]
pub struct Pipelines {
    made: HashMap<(Source, &'static str), (wgpu::ComputePipeline, wgpu::BindGroupLayout)>,
    lines: HashMap<Source, LineKernel>,
    twiddles: HashMap<usize, wgpu::Buffer>,
}

impl Pipelines {
    fn line_kernel(&mut self, device: &Device, source: &Source) -> Result<&LineKernel> {
        if !self.lines.contains_key(source) {
            let Source::Lines { pass, field, padded } = source.clone() else {
                unreachable!("only line passes are generated")
            };
            let limits = fftgen::Limits::of(
                device.limits.max_compute_invocations_per_workgroup as usize,
                device.limits.max_compute_workgroup_storage_size as usize,
            );
            let kernel = fftgen::kernel(pass, field, padded, limits).ok_or_else(|| {
                let most = padded[0].max(padded[1]);
                Error::device(format!(
                    "a line of {most} samples does not fit the {} bytes of workgroup memory of {}",
                    device.limits.max_compute_workgroup_storage_size, device.name
                ))
                .help("use --backend cpu, or a smaller window")
            })?;
            self.lines.insert(source.clone(), kernel);
        }
        Ok(&self.lines[source])
    }

    fn twiddle(&mut self, device: &Device, length: usize) -> wgpu::Buffer {
        let make = || {
            let table = fftgen::twiddles(length);
            let buffer = storage(device, "twiddles", (table.len() * 8) as u64);
            device.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&table));
            buffer
        };
        self.twiddles.entry(length).or_insert_with(make).clone()
    }

    /// `reads` and `writes`: storage bindings after the uniform block, in order.
    fn get(
        &mut self,
        device: &Device,
        source: &Source,
        entry: &'static str,
        writes: &[bool],
    ) -> Result<(wgpu::ComputePipeline, wgpu::BindGroupLayout)> {
        if let Some(made) = self.made.get(&(source.clone(), entry)) {
            return Ok(made.clone());
        }
        let text = match source {
            Source::Shader(stem) => shaders::text(stem)
                .ok_or_else(|| Error::device(format!("no shader is called {stem}")))?,
            Source::Lines { .. } => self.line_kernel(device, source)?.text.clone(),
        };
        let module = device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(entry),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        let binding = |binding: u32, ty: wgpu::BufferBindingType| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let mut entries = vec![binding(0, wgpu::BufferBindingType::Uniform)];
        for (i, &write) in writes.iter().enumerate() {
            let ty = wgpu::BufferBindingType::Storage { read_only: !write };
            entries.push(binding(i as u32 + 1, ty));
        }
        let layout = device.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(entry),
            entries: &entries,
        });
        let pipeline_layout =
            device.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(entry),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
        let pipeline = device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(entry),
            // Every kernel writes its workgroup memory before it reads it.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        device.check()?;
        self.made.insert((source.clone(), entry), (pipeline.clone(), layout.clone()));
        Ok((pipeline, layout))
    }
}

/// A routine's memory on the device.
pub struct Memory {
    plan: Plan,
    slabs: Vec<wgpu::Buffer>,
    /// Copies of per-sample inputs and outputs for one micro-batch, where it is less than a batch.
    windows: HashMap<SlotId, wgpu::Buffer>,
    /// Samples of a micro-batch.
    pub micro: usize,
}

impl Memory {
    pub fn new(device: &Device, program: &Program, routine: &Routine) -> Result<Self> {
        let plan = Plan::of(program, routine, &Plain);
        let limit =
            device.limits.max_storage_buffer_binding_size.min(device.limits.max_buffer_size);
        let kind_bytes = |kind: Kind| if kind == Kind::Complex { 8 } else { 4 };
        // A slab of the micro-batch, and every per-sample slot, must fit one binding.
        let slabs = plan.slabs.iter();
        let sample_slabs = slabs.filter(|s| s.domain == Domain::Sample);
        let slab_bytes = sample_slabs.map(|s| s.len as u64 * kind_bytes(s.kind)).max();
        let used = routine.sections.iter().flat_map(|s| &s.nodes);
        let used: Vec<SlotId> =
            used.flat_map(|n| n.inputs.iter().chain(&n.outputs)).copied().collect();
        let per_sample =
            used.iter().map(|&i| program.slot(i)).filter(|s| s.domain == Domain::Sample);
        let largest = per_sample.map(bytes).chain(slab_bytes).max().unwrap_or(1).max(1);
        let once = used.iter().map(|&i| program.slot(i)).filter(|s| s.domain == Domain::Once);
        let too_large = once.map(bytes).chain([largest]).max().unwrap_or(0);
        if too_large > limit {
            return Err(Error::device(format!(
                "one slot takes {:.1} MiB, a binding of {} holds {:.1} MiB",
                mib(too_large),
                device.name,
                mib(limit)
            ))
            .help("use --backend cpu, or a smaller window"));
        }
        let micro = ((limit / largest) as usize).clamp(1, routine.batch);
        let slabs = plan.slabs.iter().enumerate().map(|(i, slab)| {
            let copies = match slab.domain {
                Domain::Once => 1,
                Domain::Sample => micro,
                Domain::Leaf => routine.leaves.count,
            };
            let size = (copies * slab.len) as u64 * kind_bytes(slab.kind);
            storage(device, &format!("{}.slab.{i}", routine.name), size)
        });
        let slabs = slabs.collect();
        let mut windows = HashMap::new();
        if micro < routine.batch {
            for id in used {
                let slot = program.slot(id);
                if slot.domain == Domain::Sample && !matches!(slot.role, Role::Temp) {
                    let size = micro as u64 * bytes(slot);
                    windows.entry(id).or_insert_with(|| storage(device, &slot.name, size));
                }
            }
        }
        device.check()?;
        Ok(Self { plan, slabs, windows, micro })
    }

    fn buffer<'a>(
        &'a self,
        values: &'a [Option<wgpu::Buffer>],
        id: SlotId,
    ) -> Result<&'a wgpu::Buffer> {
        let slab = self.plan.slab_of.get(&id).map(|&s| &self.slabs[s]);
        let window = || self.windows.get(&id);
        let value = || values[id.index()].as_ref();
        slab.or_else(window).or_else(value).ok_or_else(|| Error::device("a slot has no memory"))
    }
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
        for section in &routine.sections {
            if section.nodes.is_empty() {
                continue;
            }
            if section.scope == Scope::Once {
                let all = Span { first: 0, count: count as u32 };
                commands.push(self.pass(routine, memory, &section.nodes, all)?);
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
                commands.push(self.pass(routine, memory, &section.nodes, span)?);
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
        nodes: &[Node],
        span: Span,
    ) -> Result<Command> {
        let dispatches = nodes.iter().map(|node| self.dispatch(routine, memory, node, span));
        dispatches.collect::<Result<_>>().map(Command::Pass)
    }

    fn dispatch(
        &mut self,
        routine: &Routine,
        memory: &Memory,
        node: &Node,
        span: Span,
    ) -> Result<Dispatch> {
        let operands: Vec<&Slot> = node.inputs.iter().map(|&i| self.program.slot(i)).collect();
        let kernel = node.op.gpu(&operands);
        let output = node.outputs.first().map(|&o| self.program.slot(o).domain);
        let copies = match output {
            Some(Domain::Sample) => span.count,
            Some(Domain::Leaf) => routine.leaves.count as u32,
            _ => 1,
        };
        let mut bound: Vec<(wgpu::Buffer, bool)> = Vec::new();
        for (&id, write) in
            node.inputs.iter().map(|i| (i, false)).chain(node.outputs.iter().map(|o| (o, true)))
        {
            bound.push((memory.buffer(self.values, id)?.clone(), write));
        }
        let leaf = routine.leaves.size as u32;
        // A node that runs once sees one copy, whatever the batch.
        let count = if output == Some(Domain::Once) { 1 } else { span.count };
        let mut words = vec![span.first, count, leaf, kernel.len as u32];
        words.extend(kernel.words.iter().map(|(_, w)| w.bits(routine.leaves.count)));
        let grid = match (&kernel.source, kernel.grid) {
            (Source::Lines { .. }, _) => {
                let line = self.pipelines.line_kernel(self.device, &kernel.source)?;
                let (grid, length) = (line.grid(count as usize, routine.leaves.count), line.length);
                let twiddles = (self.pipelines.twiddle(self.device, length), false);
                // The order of `LineKernel`: a transfer function goes behind what it acts on.
                if let Source::Lines { pass: LinePass::Columns { .. }, .. } = kernel.source {
                    bound.swap(1, 2);
                }
                bound.insert(2, twiddles);
                grid
            }
            (_, Grid::Elements(n)) => [(n as u32).div_ceil(256), copies, 1],
            (_, Grid::Sample) => [count.div_ceil(64), 1, 1],
            (_, Grid::Groups(n)) => [n as u32, copies, 1],
        };
        let most = self.device.limits.max_compute_workgroups_per_dimension;
        if grid.iter().any(|&g| g > most) {
            let what = format!(
                "{} needs {grid:?} workgroups, {} has {most} a dimension",
                node.op.name(),
                self.device.name
            );
            return Err(Error::device(what).help("use --backend cpu, or a smaller window"));
        }
        let writes: Vec<bool> = bound.iter().map(|(_, w)| *w).collect();
        let (pipeline, layout) =
            self.pipelines.get(self.device, &kernel.source, kernel.entry, &writes)?;
        // Uniform blocks are a multiple of 16 bytes.
        words.resize(words.len().next_multiple_of(4), 0);
        let uniform = self.device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(kernel.entry),
            size: (words.len() * 4) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.device.queue.write_buffer(&uniform, 0, bytemuck::cast_slice(&words));
        let mut entries =
            vec![wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() }];
        for (i, (buffer, _)) in bound.iter().enumerate() {
            let binding = i as u32 + 1;
            entries.push(wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() });
        }
        let group = self.device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(kernel.entry),
            layout: &layout,
            entries: &entries,
        });
        Ok(Dispatch { pipeline, group, grid })
    }
}
