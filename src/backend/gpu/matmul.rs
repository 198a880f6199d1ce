//! A product of matrices on the GPU, by kernels of our own: the baseline that light is held against.

use std::time::Instant;

use super::device::{Device, Wanted};
use super::memory::download;
use super::pipelines::Pipelines;
use crate::error::{Error, Result};
use crate::ops::kernel::Source;

/// What the operands are kept in; products and sums are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operands {
    F32,
    /// Each number rounded to the nearest f16, off by up to 2^-11 of itself. Asks for `shader-f16`.
    F16,
}

impl Operands {
    /// As the GPU reads them, in whole words.
    fn bytes(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::F32 => bytemuck::cast_slice(values).to_vec(),
            Self::F16 => {
                let bits = values.iter().map(|&v| half::f16::from_f32(v).to_bits());
                let even = values.len() % 2;
                let all: Vec<u16> = bits.chain(std::iter::repeat_n(0, even)).collect();
                bytemuck::cast_slice(&all).to_vec()
            }
        }
    }
}

/// c `[m, n]` = sum over k of a `[k, m]` b `[k, n]`: weights as they lie after being loaded once,
/// batch n fastest. Operands stay on the device.
pub struct Product {
    device: Device,
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    groups: [u32; 2],
    result: wgpu::Buffer,
    /// n, and as it lies in the result.
    columns: [usize; 2],
    rows: usize,
}

impl Product {
    /// `[m, n, k]`; m must be a multiple of 4.
    ///
    /// # Errors
    /// Where no adapter answers, or it has no f16 and that is asked for.
    pub fn new(
        wanted: Wanted,
        operands: Operands,
        [m, n, k]: [usize; 3],
        a: &[f32],
        b: &[f32],
    ) -> Result<Self> {
        assert_eq!([a.len(), b.len()], [k * m, k * n], "sizes of the operands");
        if !m.is_multiple_of(4) {
            return Err(Error::device(format!("{m} rows are no multiple of 4")));
        }
        let device = match operands {
            Operands::F32 => Device::open(wanted)?,
            Operands::F16 => Device::open_with(wanted, wgpu::Features::SHADER_F16)?,
        };
        let one = n == 1;
        let stem = match (one, operands) {
            (true, Operands::F32) => "bench_matvec",
            (true, Operands::F16) => "bench_matvec_f16",
            (false, Operands::F32) => "bench_matmul",
            (false, Operands::F16) => "bench_matmul_f16",
        };
        let padded = if one { 1 } else { n.next_multiple_of(4) };
        let entry = if one { "bench_matvec" } else { "bench_matmul" };
        let key = (Source::Shader(stem), entry, 0);
        let writes = [false, false, true];
        let (pipeline, layout) = Pipelines::new(&device).get(&device, key, &writes)?;
        let words = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(stem),
            size: 16,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let counts = [m / 4, padded.div_ceil(4), k, 0].map(|n| n as u32);
        device.queue.write_buffer(&words, 0, bytemuck::cast_slice(&counts));
        let wide: Vec<f32> = b
            .chunks(n)
            .flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, padded - n)))
            .collect();
        let upload = |values: &[f32]| {
            let bytes = operands.bytes(values);
            let buffer = device.storage(stem, bytes.len() as u64);
            device.queue.write_buffer(&buffer, 0, &bytes);
            buffer
        };
        let (a, b) = (upload(a), upload(&wide));
        let result = device.storage(stem, (m * padded) as u64 * 4);
        let buffers = [&words, &a, &b, &result].into_iter().zip(0..);
        let entries: Vec<_> = buffers
            .map(|(b, binding)| wgpu::BindGroupEntry { binding, resource: b.as_entire_binding() })
            .collect();
        let descriptor =
            wgpu::BindGroupDescriptor { label: Some(stem), layout: &layout, entries: &entries };
        let group = device.device.create_bind_group(&descriptor);
        let groups = if one {
            [m.div_ceil(64) as u32, 1]
        } else {
            [padded.div_ceil(64) as u32, m.div_ceil(64) as u32]
        };
        device.check()?;
        Ok(Self { device, pipeline, group, groups, result, columns: [n, padded], rows: m })
    }

    pub fn describe(&self) -> &str {
        &self.device.name
    }

    /// Seconds of so many products one after the other, finished.
    pub fn run(&self, repeats: usize) -> Result<f64> {
        let start = Instant::now();
        let mut encoder = self.device.encoder();
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        for _ in 0..repeats {
            pass.dispatch_workgroups(self.groups[0], self.groups[1], 1);
        }
        drop(pass);
        self.device.queue.submit([encoder.finish()]);
        self.device.wait()?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// c `[m, n]`.
    pub fn read(&self) -> Result<Vec<f32>> {
        let [n, padded] = self.columns;
        let raw = download(&self.device, &self.result, self.rows as u64 * padded as u64 * 4)?;
        let all: Vec<f32> = bytemuck::pod_collect_to_vec(&raw);
        Ok(all.chunks(padded).flat_map(|row| row[..n].to_vec()).collect())
    }
}
