//! What a device can do at most, measured: bytes a second that a copying kernel moves, multiply-adds
//! a second. A roofline stands on these two.

use std::time::Instant;

use super::device::Device;
use super::pipelines::Pipelines;
use crate::error::Result;
use crate::ops::kernel::Source;

/// Repetitions whose best counts: a limit is what was reached once.
const REPEATS: usize = 7;

/// A dispatch of these two shaders, ready to run.
struct Probe<'a> {
    device: &'a Device,
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    groups: u32,
}

impl<'a> Probe<'a> {
    /// `len` and `reads` in 16 bytes; `count` is the shader's loop.
    fn new(
        device: &'a Device,
        stem: &'static str,
        [reads, len]: [u32; 2],
        count: u32,
    ) -> Result<Self> {
        let key = (Source::Shader(stem), stem, 0);
        let (pipeline, layout) = Pipelines::new(device).get(device, key, &[false, true])?;
        let words = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(stem),
            size: 16,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        device.queue.write_buffer(&words, 0, bytemuck::cast_slice(&[0, count, 1, len]));
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
        Ok(Self { device, pipeline, group, groups: len.div_ceil(256) })
    }

    /// Seconds of one dispatch: the best of some, each of as many dispatches as make submission
    /// small.
    fn seconds(&self) -> Result<f64> {
        let run = |dispatches: usize| -> Result<f64> {
            let start = Instant::now();
            let mut encoder = self.device.encoder();
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &self.group, &[]);
            for _ in 0..dispatches {
                pass.dispatch_workgroups(self.groups, 1, 1);
            }
            drop(pass);
            self.device.queue.submit([encoder.finish()]);
            self.device.wait()?;
            Ok(start.elapsed().as_secs_f64())
        };
        run(1)?;
        let once = run(1)?;
        let dispatches = (0.02 / once).ceil().clamp(1.0, 200.0) as usize;
        let mut best = f64::INFINITY;
        for _ in 0..REPEATS {
            best = best.min(run(dispatches)? / dispatches as f64);
        }
        Ok(best)
    }
}

impl Device {
    /// Bytes a second read and written by a kernel that copies, far past any cache where a binding
    /// allows it.
    pub fn copy_bandwidth(&self) -> Result<f64> {
        let most = self.limits.max_storage_buffer_binding_size.min(256 << 20) / 16;
        let most_groups = u64::from(self.limits.max_compute_workgroups_per_dimension);
        let len = most.min(256 * most_groups) as u32;
        let seconds = Probe::new(self, "bench_copy", [len, len], 0)?.seconds()?;
        Ok(2.0 * 16.0 * f64::from(len) / seconds)
    }

    /// Floating-point operations a second of multiply-adds, two each.
    pub fn fma_rate(&self) -> Result<f64> {
        let (len, count) = if self.software { (1 << 12, 64) } else { (1 << 18, 256) };
        let seconds = Probe::new(self, "bench_fma", [4, len], count)?.seconds()?;
        Ok(2.0 * 4.0 * 64.0 * f64::from(count) * f64::from(len) / seconds)
    }
}
