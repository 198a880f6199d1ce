//! A routine's memory: slabs for temporaries, windows for what does not fit a binding whole.

use std::collections::HashMap;
use std::sync::Arc;

use super::device::Device;
use super::kernels::Kernels;
use crate::error::{Error, Result};
use crate::ops::kernel::Source;
use crate::program::plan::{Plain, Plan};
use crate::program::{Domain, Kind, Leaves, Program, Role, Routine, Slot, SlotId};

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

/// The program with batches cut into fewer leaves where the sums of all leaves of a routine, which are
/// bound at once, would take more than `bound` bytes.
pub fn with_fewer_leaves(mut program: Arc<Program>, bound: u64) -> Arc<Program> {
    for r in 0..program.routines.len() {
        let routine = &program.routines[r];
        let nodes = routine.sections.iter().flat_map(|s| &s.nodes);
        let slots = nodes.flat_map(|n| &n.outputs).map(|&id| program.slot(id));
        let sums = slots.filter(|s| s.domain == Domain::Leaf).map(bytes).max().unwrap_or(0);
        let most = (bound / sums.max(1)).max(1);
        if (routine.leaves.count as u64) > most {
            let leaves = Leaves::at_most(most as usize, routine.batch);
            Arc::make_mut(&mut program).routines[r].leaves = leaves;
        }
    }
    program
}

/// How a routine's memory is cut, before there is any.
pub struct Cut {
    pub plan: Plan,
    /// Bytes.
    pub slabs: Vec<u64>,
    /// Bytes, of what lies between the two parts of a line that fits no workgroup.
    pub scratch: Vec<u64>,
    /// Per-sample slots that need a copy for one micro-batch, where that is less than a batch.
    pub windows: Vec<SlotId>,
    /// Samples of a micro-batch.
    pub micro: usize,
}

impl Cut {
    /// Micro-batches as large as bindings allow, of `most` samples at most.
    pub fn of(
        kernels: &mut Kernels,
        program: &Program,
        routine: &Routine,
        most: usize,
    ) -> Result<Self> {
        let plan = Plan::of(program, routine, &Plain);
        let [limit, bound] = kernels.bounds.binding;
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
        let scratch = scratch(kernels, program, routine)?;
        let name = &kernels.bounds.name;
        let scratch_bytes = scratch.iter().map(|n| 8 * *n as u64);
        let largest = per_sample.map(bytes).chain(slab_bytes).chain(scratch_bytes);
        let largest = largest.max().unwrap_or(1).max(1);
        let once = used.iter().map(|&i| program.slot(i)).filter(|s| s.domain == Domain::Once);
        let leaves = routine.leaves.count as u64;
        let per_leaf = plan.slabs.iter().filter(|s| s.domain == Domain::Leaf);
        let sums = per_leaf.map(|s| leaves * s.len as u64 * kind_bytes(s.kind)).max().unwrap_or(0);
        // The sums of all leaves are bound at once: no micro-batch makes them smaller, fewer leaves do.
        let too_large = once.map(bytes).chain([largest]).max().unwrap_or(0);
        if sums > bound {
            return Err(Error::device(format!(
                "the sums of {leaves} leaves take {:.1} MiB, a binding of {name} holds {:.1} MiB",
                mib(sums),
                mib(bound)
            ))
            .help("use --backend cpu, or a smaller mesh or window"));
        }
        if too_large > limit {
            return Err(Error::device(format!(
                "one slot takes {:.1} MiB, a binding of {name} holds {:.1} MiB",
                mib(too_large),
                mib(limit)
            ))
            .help("use --backend cpu, or a smaller window"));
        }
        let micro = ((limit / largest) as usize).min(most).clamp(1, routine.batch);
        let slabs = plan.slabs.iter().map(|slab| {
            let copies = match slab.domain {
                Domain::Once => 1,
                Domain::Sample => micro,
                Domain::Leaf => routine.leaves.count,
            };
            (copies * slab.len) as u64 * kind_bytes(slab.kind)
        });
        let slabs = slabs.collect();
        let scratch = scratch.iter().map(|n| (micro * n * 8) as u64).collect();
        let mut windows = Vec::new();
        if micro < routine.batch {
            let of_host = |&id: &SlotId| {
                let slot = program.slot(id);
                slot.domain == Domain::Sample && !matches!(slot.role, Role::Temp)
            };
            windows.extend(used.into_iter().filter(of_host));
            windows.sort_unstable();
            windows.dedup();
        }
        Ok(Self { plan, slabs, scratch, windows, micro })
    }

    /// Of everything together.
    fn bytes(&self, program: &Program) -> u64 {
        let windows = self.windows.iter().map(|&id| self.micro as u64 * bytes(program.slot(id)));
        self.slabs.iter().chain(&self.scratch).copied().chain(windows).sum()
    }
}

/// A program's memory on the device.
pub struct Buffers {
    /// Of everything but temporaries, by slot.
    pub values: Vec<Option<wgpu::Buffer>>,
    /// By routine.
    pub routines: Vec<Memory>,
}

impl Buffers {
    /// With micro-batches as large as bindings allow, halved until the device has memory for them:
    /// it cannot tell how much it has.
    pub fn new(device: &Device, kernels: &mut Kernels, program: &Program) -> Result<Self> {
        let sizes: Vec<Option<u64>> = program
            .slots
            .iter()
            .zip(program.copies())
            .map(|(s, copies)| (!matches!(s.role, Role::Temp)).then(|| copies as u64 * bytes(s)))
            .collect();
        let stored: u64 = sizes.iter().flatten().sum();
        let mut most = usize::MAX;
        loop {
            let cut = |r| Cut::of(kernels, program, r, most);
            let cuts = program.routines.iter().map(cut).collect::<Result<Vec<_>>>()?;
            let passing: u64 = cuts.iter().map(|c| c.bytes(program)).sum();
            let largest = cuts.iter().map(|c| c.micro).max().unwrap_or(1);
            let made = device.within_memory(stored + passing, || {
                let store = |(slot, &size): (&Slot, &Option<u64>)| {
                    size.map(|size| device.storage(&slot.name, size))
                };
                let values = program.slots.iter().zip(&sizes).map(store).collect();
                let routines = cuts.into_iter().zip(&program.routines);
                let routines = routines.map(|(c, r)| Memory::new(device, program, r, c)).collect();
                Self { values, routines }
            });
            device.check()?;
            match made {
                Some(made) => return Ok(made),
                None if largest > 1 => most = largest / 2,
                None => {
                    return Err(Error::device(format!(
                        "{} has no memory for {:.1} MiB: {:.1} MiB for a batch and what all samples \
                         share, {:.1} MiB for what one sample at a time takes on its way",
                        device.name,
                        mib(stored + passing),
                        mib(stored),
                        mib(passing)
                    ))
                    .help("use --backend cpu, or a smaller train.batch or window"));
                }
            }
        }
    }
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
    fn new(device: &Device, program: &Program, routine: &Routine, cut: Cut) -> Self {
        let Cut { plan, slabs, scratch, windows, micro } = cut;
        let slabs = slabs.iter().enumerate();
        let slabs =
            slabs.map(|(i, &size)| device.storage(&format!("{}.slab.{i}", routine.name), size));
        let slabs = slabs.collect();
        let scratch = scratch.iter().map(|&size| device.storage("scratch", size)).collect();
        let window = |id| {
            let slot = program.slot(id);
            (id, device.storage(&slot.name, micro as u64 * bytes(slot)))
        };
        let windows = windows.into_iter().map(window).collect();
        Self { plan, slabs, scratch, windows, micro }
    }

    /// What a kernel binds of a slot, and how many bytes; none for all.
    pub fn bound<'a>(
        &'a self,
        program: &Program,
        values: &'a [Option<wgpu::Buffer>],
        id: SlotId,
    ) -> Result<(&'a wgpu::Buffer, Option<wgpu::BufferSize>)> {
        let slab = self.plan.slab_of.get(&id).map(|&s| &self.slabs[s]);
        if let Some(own) = slab.or_else(|| self.windows.get(&id)) {
            return Ok((own, None));
        }
        let missing = || Error::device("a slot has no memory");
        let value = values[id.index()].as_ref().ok_or_else(missing)?;
        // Another routine may have more samples than a binding holds.
        let slot = program.slot(id);
        let here = (slot.domain == Domain::Sample).then(|| self.micro as u64 * bytes(slot));
        Ok((value, here.and_then(wgpu::BufferSize::new)))
    }
}

/// Complex numbers a sample of each scratch that the routine's passes share.
fn scratch(kernels: &mut Kernels, program: &Program, routine: &Routine) -> Result<Vec<usize>> {
    let mut sizes: Vec<usize> = Vec::new();
    for node in routine.sections.iter().flat_map(|s| &s.nodes) {
        let operands: Vec<&Slot> = node.inputs.iter().map(|&i| program.slot(i)).collect();
        let source = node.op.gpu(&operands).source;
        if !matches!(source, Source::Lines { .. }) {
            continue;
        }
        for (n, &size) in kernels.lines(&source)?.scratch.iter().enumerate() {
            if n == sizes.len() {
                sizes.push(0);
            }
            sizes[n] = sizes[n].max(size);
        }
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Op;
    use crate::ops::sample_sum::SampleSum;
    use crate::program::{Builder, Shape};

    /// Sums of 4 KiB a leaf: as many leaves as a binding holds, one at least, all where all fit.
    #[test]
    fn leaves_fit_a_binding() {
        let mut b = Builder::default();
        let x = b.input("x", Shape::real(&[1024]));
        b.routine("sum", 256);
        let sum = b.leaf("sum".into(), Shape::real(&[1024]));
        b.emit_into(Op::SampleSum(SampleSum { weight: 1.0 }), &[x], &[sum]).expect("a sum");
        let program = Arc::new(b.finish());
        let leaves = |bound| with_fewer_leaves(Arc::clone(&program), bound).routines[0].leaves;
        for (bound, expected) in [(1 << 20, 16), (65_536, 16), (65_535, 15), (8192, 2), (100, 1)] {
            let leaves = leaves(bound);
            assert_eq!(leaves.count, expected, "{bound}");
            assert!(leaves.count * leaves.size >= 256);
        }
    }
}
