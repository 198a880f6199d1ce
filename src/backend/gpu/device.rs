//! Adapters and the device that a program runs on.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::fftgen;
use super::kernels::Bounds;
use crate::error::{Error, Result};

/// Which adapters will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The best there is, a software adapter too.
    Any,
    /// A real GPU.
    Hardware,
}

/// An adapter as `doctor` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct AdapterReport {
    pub name: String,
    pub api: String,
    pub driver: String,
    pub kind: String,
    pub software: bool,
    pub max_binding_mib: u64,
    pub max_workgroup_threads: u32,
    pub workgroup_storage_kib: u32,
    pub timestamps: bool,
    pub f16: bool,
    /// Address on the bus, as `0000:01:00.0`; empty where the driver does not tell it.
    pub pci: String,
}

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    descriptor.flags = wgpu::InstanceFlags::empty();
    wgpu::Instance::new(descriptor)
}

/// Real GPUs first, discrete before integrated.
fn rank(info: &wgpu::AdapterInfo) -> u8 {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu
}

fn ranked() -> Vec<wgpu::Adapter> {
    let instance = instance();
    let mut all = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    all.sort_by_key(|a| rank(&a.get_info()));
    all
}

/// Every adapter, best first.
pub fn adapters() -> Vec<AdapterReport> {
    let report = |adapter: &wgpu::Adapter| {
        let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
        AdapterReport {
            software: is_software(&info),
            kind: format!("{:?}", info.device_type),
            api: format!("{:?}", info.backend),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            pci: info.device_pci_bus_id,
            name: info.name,
            max_binding_mib: limits.max_storage_buffer_binding_size >> 20,
            max_workgroup_threads: limits.max_compute_invocations_per_workgroup,
            workgroup_storage_kib: limits.max_compute_workgroup_storage_size >> 10,
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            f16: features.contains(wgpu::Features::SHADER_F16),
        }
    };
    ranked().iter().map(report).collect()
}

/// Whether there is a real GPU.
pub fn has_hardware() -> bool {
    ranked().first().is_some_and(|a| !is_software(&a.get_info()))
}

#[derive(Debug)]
pub struct Device {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub name: String,
    /// Name and driver, by which plans are remembered.
    pub driver: String,
    pub limits: wgpu::Limits,
    /// Bytes that a program's buffers may take together, where the device is to be smaller than it is.
    pub memory: u64,
    pub software: bool,
    /// What line plans are made by.
    pub table: fftgen::Table,
    /// The first error that no call returned.
    failure: Arc<Mutex<Option<String>>>,
}

impl Device {
    pub fn open(wanted: Wanted) -> Result<Self> {
        Self::open_with(wanted, wgpu::Features::empty())
    }

    /// # Errors
    /// Where none answers, or the best of them lacks a feature that is needed.
    pub fn open_with(wanted: Wanted, needed: wgpu::Features) -> Result<Self> {
        let fits = |a: &wgpu::Adapter| wanted == Wanted::Any || !is_software(&a.get_info());
        let Some(adapter) = ranked().into_iter().find(fits) else {
            return Err(Error::device("no GPU answers through Vulkan, Metal or DX12").help(
                "install the vendor's driver (or apt-get install mesa-vulkan-drivers for a software one), or use --backend cpu; `lightloom doctor` shows what is there",
            ));
        };
        let info = adapter.get_info();
        let limits = adapter.limits();
        let lacks = needed - adapter.features();
        if !lacks.is_empty() {
            let names: Vec<String> =
                lacks.iter_names().map(|(n, _)| n.to_lowercase().replace('_', "-")).collect();
            return Err(Error::device(format!("{} has no {}", info.name, names.join(", "))));
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("lightloom"),
            required_features: needed | adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|e| Error::device(format!("{} does not open: {e}", info.name)))?;
        let failure = Arc::new(Mutex::new(None));
        let keep = |failure: &Arc<Mutex<Option<String>>>, text: String| {
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
        };
        let errors = Arc::clone(&failure);
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| keep(&errors, e.to_string())));
        let lost = Arc::clone(&failure);
        device.set_device_lost_callback(move |reason, text| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                keep(&lost, format!("the device was lost: {text}"));
            }
        });
        let name = format!("{} ({:?})", info.name, info.backend);
        let software = is_software(&info);
        let driver = format!("{name}, {} {}", info.driver, info.driver_info);
        let table = if software { fftgen::SOFTWARE } else { fftgen::HARDWARE };
        let memory = u64::MAX;
        Ok(Self { device, queue, name, driver, limits, memory, software, table, failure })
    }

    pub fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    /// What kernels may use.
    pub fn bounds(&self) -> Bounds {
        let threads = self.limits.max_compute_invocations_per_workgroup as usize;
        let bytes = self.limits.max_compute_workgroup_storage_size as usize;
        let binding = self.limits.max_storage_buffer_binding_size;
        Bounds {
            name: self.name.clone(),
            lines: fftgen::Limits::of(threads, bytes, self.table),
            groups: self.limits.max_compute_workgroups_per_dimension,
            binding: [
                binding.min(self.limits.max_buffer_size),
                self.device.limits().max_storage_buffer_binding_size,
            ],
        }
    }

    /// The first error since the device was opened, if any.
    pub fn check(&self) -> Result<()> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(text) => Err(Error::device(format!("{}: {text}", self.name))
                .help("a smaller train.batch needs less memory; --backend cpu needs no GPU")),
        }
    }

    /// Buffers of so many bytes together, as `make` makes them; none where the device has no memory
    /// for all of them, and then none stays.
    pub fn within_memory<T>(&self, bytes: u64, make: impl FnOnce() -> T) -> Option<T> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let made = make();
        let lacks = pollster::block_on(scope.pop()).is_some() || bytes > self.memory;
        (!lacks).then_some(made)
    }

    /// A buffer that kernels bind.
    pub fn storage(&self, label: &str, size: u64) -> wgpu::Buffer {
        use wgpu::BufferUsages as U;
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            // A binding may not be empty, and copies go by words.
            size: size.max(4).next_multiple_of(4),
            usage: U::STORAGE | U::COPY_SRC | U::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// Waits for everything that was submitted.
    pub fn wait(&self) -> Result<()> {
        let waited = self.device.poll(wgpu::PollType::wait_indefinitely());
        waited.map_err(|e| Error::device(format!("{}: {e}", self.name)))?;
        self.check()
    }
}
