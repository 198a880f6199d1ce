//! What a device can do at most, measured: bytes a second that a copying kernel moves, by how many
//! it copies, and multiply-adds a second. A roofline stands on these two.

use std::time::Instant;

use super::device::Device;
use super::pipelines::Pipelines;
use crate::error::Result;
use crate::ops::kernel::Source;

/// Tries of a rate, whose best counts: a limit is what was reached once.
const REPEATS: usize = 7;

/// Seconds of a dispatch that copies, were it as fast as the next larger: a launch is some
/// microseconds of it, little even where a cache is four times as fast.
const COPY_SECONDS: f64 = 2e-3;

/// Tries of a copy.
pub struct Copied {
    /// Bytes read and written by one pass over them.
    pub working_set: usize,
    /// Bytes a second.
    pub rates: Vec<f64>,
}

/// A dispatch of one of these two shaders, to run once it is [`Self::set`].
struct Probe<'a> {
    device: &'a Device,
    pipeline: wgpu::ComputePipeline,
    words: wgpu::Buffer,
    group: wgpu::BindGroup,
    /// Workgroups, and how often each runs.
    groups: [u32; 2],
}

impl<'a> Probe<'a> {
    /// Over arrays of so many 16 bytes, the one that is read and the one that is written.
    fn new(device: &'a Device, stem: &'static str, [reads, len]: [u32; 2]) -> Result<Self> {
        let key = (Source::Shader(stem), stem, 0);
        let (pipeline, layout) = Pipelines::new(device).get(device, key, &[false, true])?;
        let words = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(stem),
            size: 16,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let from = device.storage(stem, u64::from(reads) * 16);
        let to = device.storage(stem, u64::from(len) * 16);
        // Neither zeros, which some memories compress, nor numbers that grow out of range.
        let fill: Vec<f32> = (0..reads * 4).map(|i| 0.1 + 0.5 * (i % 977) as f32 / 977.0).collect();
        device.queue.write_buffer(&from, 0, bytemuck::cast_slice(&fill));
        let buffers = [&words, &from, &to].into_iter().zip(0..);
        let entries: Vec<_> = buffers
            .map(|(b, binding)| wgpu::BindGroupEntry { binding, resource: b.as_entire_binding() })
            .collect();
        let descriptor =
            wgpu::BindGroupDescriptor { label: Some(stem), layout: &layout, entries: &entries };
        let group = device.device.create_bind_group(&descriptor);
        Ok(Self { device, pipeline, words, group, groups: [0; 2] })
    }

    /// Has it write `len` elements so many times, each after `count` rounds of the shader's loop.
    fn set(&mut self, len: u32, times: u32, count: u32) {
        let words = [0, count, 1, len];
        self.device.queue.write_buffer(&self.words, 0, bytemuck::cast_slice(&words));
        self.groups = [len.div_ceil(256), times];
    }

    /// Seconds of one dispatch, some times: each time as many dispatches as make submission small.
    fn seconds(&self) -> Result<Vec<f64>> {
        let run = |dispatches: usize| -> Result<f64> {
            let start = Instant::now();
            let mut encoder = self.device.encoder();
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &self.group, &[]);
            for _ in 0..dispatches {
                pass.dispatch_workgroups(self.groups[0], self.groups[1], 1);
            }
            drop(pass);
            self.device.queue.submit([encoder.finish()]);
            self.device.wait()?;
            Ok(start.elapsed().as_secs_f64())
        };
        run(1)?;
        let once = run(1)?;
        let dispatches = (0.02 / once).ceil().clamp(1.0, 200.0) as usize;
        (0..REPEATS).map(|_| Ok(run(dispatches)? / dispatches as f64)).collect()
    }
}

impl Device {
    /// Bytes a second read and written by a kernel that copies, from 1 MiB to far past any cache
    /// where a binding allows it, the smallest first.
    pub fn copy_rates(&self) -> Result<Vec<Copied>> {
        let most = self.limits.max_storage_buffer_binding_size.min(256 << 20) / 16;
        let most_groups = u64::from(self.limits.max_compute_workgroups_per_dimension);
        let most = most.min(256 * most_groups) as u32;
        let mut probe = Probe::new(self, "bench_copy", [most; 2])?;
        // The caches of a CPU are no secret, and it takes its time.
        let factor = if self.software { 4 } else { 2 };
        let from_1_mib = std::iter::successors(Some(1u32 << 15), |len| len.checked_mul(factor));
        let smaller: Vec<u32> = from_1_mib.take_while(|&len| len < most).collect();
        let (mut all, mut rate) = (Vec::new(), 0.0);
        // The farthest first: its rate tells how many passes over the next are long enough.
        for len in std::iter::once(most).chain(smaller.into_iter().rev()) {
            let working_set = 2.0 * 16.0 * f64::from(len);
            let passes = (COPY_SECONDS * rate / working_set).ceil();
            let passes = passes.clamp(1.0, most_groups as f64);
            probe.set(len, passes as u32, 0);
            let rates: Vec<f64> =
                probe.seconds()?.into_iter().map(|s| passes * working_set / s).collect();
            rate = rates.iter().copied().fold(0.0, f64::max);
            all.push(Copied { working_set: working_set as usize, rates });
        }
        all.reverse();
        Ok(all)
    }

    /// Floating-point operations a second of multiply-adds, two each; some tries.
    pub fn fma_rates(&self) -> Result<Vec<f64>> {
        let (len, count) = if self.software { (1 << 12, 64) } else { (1 << 18, 256) };
        let mut probe = Probe::new(self, "bench_fma", [4, len])?;
        probe.set(len, 1, count);
        let operations = 2.0 * 4.0 * 64.0 * f64::from(count) * f64::from(len);
        Ok(probe.seconds()?.into_iter().map(|s| operations / s).collect())
    }
}
