//! A program on a GPU.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use num_complex::Complex;

use super::compile::{Command, Compiler};
use super::device::Device;
use super::layout::{self, gather};
use super::memory::{Buffers, Memory, bytes, download, with_fewer_leaves};
use super::pipelines::Pipelines;
use super::submit;
use super::tune::{self, Choices, Tuning};
use crate::backend::{Executor, NodeTime, fits, routine_index, temporary};
use crate::error::{Error, Result};
use crate::program::{Data, Domain, Kind, Program, Role, Slot, SlotId};

pub struct Gpu {
    program: Arc<Program>,
    device: Arc<Device>,
    pipelines: Pipelines,
    /// Memory of everything but temporaries, by slot.
    values: Vec<Option<wgpu::Buffer>>,
    memory: Vec<Memory>,
    /// By routine and number of samples.
    commands: HashMap<(usize, usize), Compiled>,
    /// Seconds a real moved, of what was measured last: a first guess for what was not yet.
    pace: f64,
    /// In which plans are not the table's.
    tuned: Choices,
    submissions: u64,
}

struct Compiled {
    commands: Vec<Command>,
    runs: u64,
    /// Seconds a real moved, once it was measured. Not one for all: a routine with next to nothing to
    /// do pays for its launches, and by its pace a training step would go in many parts.
    pace: Option<f64>,
}

impl Gpu {
    pub fn new(program: Arc<Program>, device: Arc<Device>, tuning: &Tuning) -> Result<Self> {
        let mut pipelines = Pipelines::new(&device);
        let program = with_fewer_leaves(program, pipelines.kernels.bounds.binding[1]);
        let Buffers { values, routines: memory } =
            Buffers::new(&device, &mut pipelines.kernels, &program)?;
        let mut gpu = Self {
            program,
            device,
            pipelines,
            values,
            memory,
            commands: HashMap::new(),
            pace: submit::UNKNOWN_PACE,
            tuned: Choices::new(),
            submissions: 0,
        };
        let program = Arc::clone(&gpu.program);
        let mut compiler = Compiler {
            device: &gpu.device,
            program: &program,
            pipelines: &mut gpu.pipelines,
            values: &gpu.values,
        };
        gpu.tuned = tune::tune(&mut compiler, &gpu.memory, tuning)?;
        for (i, slot) in program.slots.iter().enumerate() {
            if let Role::Const(data) | Role::Param(data) | Role::State(data) = &slot.role {
                gpu.write(SlotId(i as u32), data)?;
            }
            if let Role::Formula(formula) = &slot.role {
                let all = (0..slot.shape.len()).map(|n| formula.at(n)).collect();
                gpu.write(SlotId(i as u32), &Data::Complex(all))?;
            }
        }
        gpu.device.check()?;
        Ok(gpu)
    }

    /// Place of each natural element in the device's order, for slots that the device reorders.
    fn order(&self, slot: &Slot) -> Option<Vec<usize>> {
        layout::axes(slot, &self.pipelines.kernels.bounds.lines).map(|axes| layout::order(&axes))
    }

    /// Compiles a routine for so many samples, once; its index.
    fn prepare(&mut self, routine: &str, count: usize) -> Result<usize> {
        let index = routine_index(&self.program, routine)?;
        let known = &self.program.routines[index];
        if count == 0 || count > known.batch {
            let what = format!("{count} samples of a batch of {}", known.batch);
            return Err(Error::Shape { op: "run", what });
        }
        if !self.commands.contains_key(&(index, count)) {
            let mut compiler = Compiler {
                device: &self.device,
                program: &self.program,
                pipelines: &mut self.pipelines,
                values: &self.values,
            };
            let commands = compiler.commands(known, &self.memory[index], count)?;
            self.commands.insert((index, count), Compiled { commands, runs: 0, pace: None });
        }
        Ok(index)
    }

    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl Executor for Gpu {
    fn program(&self) -> &Program {
        &self.program
    }

    fn describe(&self) -> String {
        let micro = self.memory.iter().map(|m| m.micro.to_string()).collect::<Vec<_>>().join("/");
        let kind = if self.device.software { ", software" } else { "" };
        let tuned = tune::name(&self.tuned).map_or_else(String::new, |n| format!(", plans {n}"));
        format!("GPU, f32, {}{kind}, micro-batches {micro}{tuned}", self.device.name)
    }

    fn write(&mut self, slot: SlotId, data: &Data) -> Result<()> {
        let known = self.program.slot(slot);
        let Some(buffer) = &self.values[slot.index()] else {
            return Err(temporary("write", known));
        };
        let copies = if known.domain == Domain::Sample {
            (buffer.size() / bytes(known).max(1)) as usize
        } else {
            1
        };
        fits(known, data, copies)?;
        let raw = layout::bytes(data, self.order(known).as_deref());
        self.device.queue.write_buffer(buffer, 0, &raw);
        Ok(())
    }

    fn read(&mut self, slot: SlotId) -> Result<Data> {
        let known = self.program.slot(slot);
        let Some(buffer) = &self.values[slot.index()] else {
            return Err(temporary("read", known));
        };
        let copies =
            if known.domain == Domain::Sample { buffer.size() / bytes(known).max(1) } else { 1 };
        let raw = download(&self.device, buffer, copies * bytes(known))?;
        let reordered = self.order(known);
        Ok(match known.shape.kind {
            Kind::Index => Data::Index(bytemuck::pod_collect_to_vec(&raw)),
            Kind::Real => {
                let v: Vec<f32> = bytemuck::pod_collect_to_vec(&raw);
                let v = reordered.map_or(v.clone(), |o| gather(&v, &o));
                Data::Real(v.into_iter().map(f64::from).collect())
            }
            Kind::Half => {
                let what = format!("{} is stored in f16, for hops alone", known.name);
                return Err(Error::Shape { op: "read", what });
            }
            Kind::Complex => {
                let v: Vec<[f32; 2]> = bytemuck::pod_collect_to_vec(&raw);
                let v = reordered.map_or(v.clone(), |o| gather(&v, &o));
                Data::Complex(
                    v.into_iter().map(|[re, im]| Complex::new(re.into(), im.into())).collect(),
                )
            }
        })
    }

    fn submissions(&self) -> u64 {
        self.submissions
    }

    fn micro_batch(&self, routine: &str) -> Option<usize> {
        let index = routine_index(&self.program, routine).ok()?;
        Some(self.memory[index].micro)
    }

    fn profile(&mut self, routine: &str, count: usize) -> Result<Vec<NodeTime>> {
        let index = self.prepare(routine, count)?;
        let mut times = Vec::new();
        for node in self.program.routines[index].sections.iter().flat_map(|s| &s.nodes) {
            times.push(NodeTime { op: node.op.name(), seconds: 0.0, launches: 0 });
        }
        submit::timed(&self.device, &self.commands[&(index, count)].commands, |d, seconds| {
            times[d.node].seconds += seconds;
            times[d.node].launches += 1;
        })?;
        Ok(times)
    }

    fn run(&mut self, routine: &str, count: usize) -> Result<()> {
        let index = self.prepare(routine, count)?;
        let Some(compiled) = self.commands.get_mut(&(index, count)) else {
            unreachable!("it was prepared")
        };
        compiled.runs += 1;
        let pace = compiled.pace.unwrap_or(self.pace);
        // The first run compiles shaders; the second says how fast the device is.
        if compiled.runs == 2 {
            self.device.wait()?;
            let start = Instant::now();
            self.submissions += submit::submit(&self.device, &compiled.commands, pace);
            self.device.wait()?;
            let reals: f64 = compiled.commands.iter().map(Command::reals).sum();
            self.pace = start.elapsed().as_secs_f64() / reals.max(1.0);
            compiled.pace = Some(self.pace);
            return Ok(());
        }
        self.submissions += submit::submit(&self.device, &compiled.commands, pace);
        let polled = self.device.device.poll(wgpu::PollType::Poll);
        polled.map_err(|e| Error::device(format!("{}: {e}", self.device.name)))?;
        self.device.check()
    }
}
