//! A routine's memory: slabs for temporaries, windows for what does not fit a binding whole.

use std::collections::HashMap;

use super::device::Device;
use super::pipelines::Pipelines;
use crate::error::{Error, Result};
use crate::ops::kernel::Source;
use crate::program::plan::{Plain, Plan};
use crate::program::{Domain, Kind, Program, Role, Routine, Slot, SlotId};

/// Bytes of one copy on the device.
pub fn bytes(slot: &Slot) -> u64 {
    slot.shape.bytes(4) as u64
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Reads a buffer back, after everything that was submitted.
pub fn download(device: &Device, buffer: &wgpu::Buffer, size: u64) -> Result<Vec<u8>> {
    let size = size.next_multiple_of(4);
    let staging = device.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("read"),
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.encoder();
    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, size);
    device.queue.submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.wait()?;
    let failed = |e| Error::device(format!("{}: cannot read back: {e:?}", device.name));
    let view = staging.get_mapped_range(..).map_err(failed)?;
    Ok(view.to_vec())
}

/// A routine's memory on the device.
pub struct Memory {
    pub plan: Plan,
    pub slabs: Vec<wgpu::Buffer>,
    /// Between the two parts of a line that fits no workgroup.
    pub scratch: Vec<wgpu::Buffer>,
    /// Copies of per-sample inputs and outputs for one micro-batch, where it is less than a batch.
    pub windows: HashMap<SlotId, wgpu::Buffer>,
    /// Samples of a micro-batch.
    pub micro: usize,
}

impl Memory {
    pub fn new(
        device: &Device,
        pipelines: &mut Pipelines,
        program: &Program,
        routine: &Routine,
    ) -> Result<Self> {
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
        let scratch = scratch(device, pipelines, program, routine)?;
        let scratch_bytes = scratch.iter().map(|n| 8 * *n as u64);
        let largest = per_sample.map(bytes).chain(slab_bytes).chain(scratch_bytes);
        let largest = largest.max().unwrap_or(1).max(1);
        let once = used.iter().map(|&i| program.slot(i)).filter(|s| s.domain == Domain::Once);
        let leaves = routine.leaves.count as u64;
        let per_leaf = plan.slabs.iter().filter(|s| s.domain == Domain::Leaf);
        let sums = per_leaf.map(|s| leaves * s.len as u64 * kind_bytes(s.kind)).max().unwrap_or(0);
        // The sums of all leaves are bound at once: no micro-batch makes them smaller.
        let bound = device.device.limits().max_storage_buffer_binding_size;
        let too_large = once.map(bytes).chain([largest]).max().unwrap_or(0);
        if sums > bound {
            return Err(Error::device(format!(
                "the sums of {leaves} leaves take {:.1} MiB, a binding of {} holds {:.1} MiB",
                mib(sums),
                device.name,
                mib(bound)
            ))
            .help("use --backend cpu, or a smaller mesh or window"));
        }
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
            device.storage(&format!("{}.slab.{i}", routine.name), size)
        });
        let slabs = slabs.collect();
        let scratch = scratch.iter().map(|n| device.storage("scratch", (micro * n * 8) as u64));
        let scratch = scratch.collect();
        let mut windows = HashMap::new();
        if micro < routine.batch {
            for id in used {
                let slot = program.slot(id);
                if slot.domain == Domain::Sample && !matches!(slot.role, Role::Temp) {
                    let size = micro as u64 * bytes(slot);
                    windows.entry(id).or_insert_with(|| device.storage(&slot.name, size));
                }
            }
        }
        device.check()?;
        Ok(Self { plan, slabs, scratch, windows, micro })
    }

    pub fn buffer<'a>(
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

/// Complex numbers a sample of each scratch that the routine's passes share.
fn scratch(
    device: &Device,
    pipelines: &mut Pipelines,
    program: &Program,
    routine: &Routine,
) -> Result<Vec<usize>> {
    let mut sizes: Vec<usize> = Vec::new();
    for node in routine.sections.iter().flat_map(|s| &s.nodes) {
        let operands: Vec<&Slot> = node.inputs.iter().map(|&i| program.slot(i)).collect();
        let source = node.op.gpu(&operands).source;
        if !matches!(source, Source::Lines { .. }) {
            continue;
        }
        for (n, &size) in pipelines.lines(device, &source)?.scratch.iter().enumerate() {
            if n == sizes.len() {
                sizes.push(0);
            }
            sizes[n] = sizes[n].max(size);
        }
    }
    Ok(sizes)
}
