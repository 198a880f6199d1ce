//! Pipelines by kernel, and the tables that generated kernels read.

use std::collections::HashMap;

use super::device::Device;
use super::fftgen::{self, Fill};
use super::kernels::{Kernels, Key};
use crate::error::Result;
use crate::ops::kernel::Source;

pub struct Pipelines {
    pub kernels: Kernels,
    made: HashMap<Key, (wgpu::ComputePipeline, wgpu::BindGroupLayout)>,
    twiddles: HashMap<usize, wgpu::Buffer>,
}

impl Pipelines {
    pub fn new(device: &Device) -> Self {
        let kernels = Kernels::new(device.bounds());
        Self { kernels, made: HashMap::new(), twiddles: HashMap::new() }
    }

    /// Has a generated pass fill its workgroups in another way than the table says.
    pub fn fill(&mut self, source: &Source, fill: Fill) {
        self.kernels.fill(source, fill);
        self.made.retain(|(made, ..), _| made != source);
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
        let entry = key.1;
        let text = self.kernels.text(&key)?;
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
