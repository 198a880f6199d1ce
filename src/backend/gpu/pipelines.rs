//! Pipelines by kernel, and the tables that generated kernels read.

use std::collections::HashMap;

use super::device::Device;
use super::fftgen::{self, Fill, LineKernels};
use super::shaders;
use crate::error::{Error, Result};
use crate::ops::kernel::Source;

/// A kernel: its source, its entry point and, of a generated pass, which of its kernels.
type Key = (Source, &'static str, usize);

#[derive(Default)]
pub struct Pipelines {
    made: HashMap<Key, (wgpu::ComputePipeline, wgpu::BindGroupLayout)>,
    lines: HashMap<Source, LineKernels>,
    /// Where the table's is not the fastest.
    fills: HashMap<Source, Fill>,
    twiddles: HashMap<usize, wgpu::Buffer>,
}

impl Pipelines {
    /// Has a generated pass fill its workgroups in another way than the table says.
    pub fn fill(&mut self, source: &Source, fill: Fill) {
        self.fills.insert(source.clone(), fill);
        self.lines.remove(source);
        self.made.retain(|(made, ..), _| made != source);
    }

    /// The kernels of a generated pass.
    pub fn lines(&mut self, device: &Device, source: &Source) -> Result<&LineKernels> {
        if !self.lines.contains_key(source) {
            let Source::Lines { pass, field, padded } = source else {
                unreachable!("only line passes are generated")
            };
            let mut limits = device.lines();
            limits.table.fill = self.fills.get(source).copied().unwrap_or(limits.table.fill);
            let made = fftgen::kernels(pass, *field, *padded, &limits);
            let made = made.ok_or_else(|| {
                let most = padded[0].max(padded[1]);
                Error::device(format!(
                    "half a line of {most} samples does not fit the {} bytes of workgroup memory of {}",
                    device.limits.max_compute_workgroup_storage_size, device.name
                ))
                .help("use --backend cpu, or a smaller window")
            })?;
            self.lines.insert(source.clone(), made);
        }
        Ok(&self.lines[source])
    }

    pub fn twiddles(&mut self, device: &Device, length: usize) -> wgpu::Buffer {
        let make = || {
            let table = fftgen::twiddles(length);
            let buffer = device.storage("twiddles", (table.len() * 8) as u64);
            device.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&table));
            buffer
        };
        self.twiddles.entry(length).or_insert_with(make).clone()
    }

    /// `writes`: the storage bindings after the uniform block, in order.
    pub fn get(
        &mut self,
        device: &Device,
        key: Key,
        writes: &[bool],
    ) -> Result<(wgpu::ComputePipeline, wgpu::BindGroupLayout)> {
        if let Some(made) = self.made.get(&key) {
            return Ok(made.clone());
        }
        let (source, entry, step) = &key;
        let entry = *entry;
        let text = match source {
            Source::Shader(stem) => shaders::text(stem)
                .ok_or_else(|| Error::device(format!("no shader is called {stem}")))?,
            Source::Lines { .. } => self.lines(device, source)?.kernels[*step].text.clone(),
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
        self.made.insert(key, (pipeline.clone(), layout.clone()));
        Ok((pipeline, layout))
    }
}
