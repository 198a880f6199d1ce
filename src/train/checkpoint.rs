//! Checkpoints: a safetensors file with every parameter and optimiser state under its slot's
//! name, and what a resumed run needs to go on to the same bits.

use std::collections::HashMap;
use std::path::Path;

use num_complex::Complex;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};

use crate::backend::{Executor, Precision};
use crate::error::{Error, Result};
use crate::files::atomic;
use crate::lower::front;
use crate::program::{Data, Kind, Role, SlotId};

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub step: u64,
    /// Sum of the mean losses of the steps of the epoch so far.
    pub epoch_loss: f64,
    /// Seconds of training so far, all sessions together.
    pub seconds: f64,
    /// The device and the choices that decide the bits.
    pub plan: String,
}

/// A checkpoint in memory.
#[derive(Debug)]
pub struct Checkpoint {
    /// The experiment file as resolved.
    pub experiment: String,
    pub progress: Progress,
    /// By slot name: dimensions and values.
    pub tensors: HashMap<String, (Vec<usize>, Data)>,
}

/// Format of the file's metadata.
const FORMAT: &str = "lightloom-checkpoint-1";

/// What the states of a device begin with: its drift, and the exposures so far.
const DEVICE: &str = "device.";

/// Writes all that an executor keeps.
pub fn write(
    path: &Path,
    executor: &mut dyn Executor,
    experiment: &str,
    progress: &Progress,
    precision: Precision,
) -> Result<()> {
    let kept: Vec<(SlotId, String, Vec<usize>)> = executor
        .program()
        .kept()
        .map(|(id, slot)| (id, slot.name.clone(), slot.shape.dims.clone()))
        .collect();
    let mut tensors: Vec<(String, Vec<usize>, Dtype, Vec<u8>)> = Vec::new();
    for (id, name, mut dims) in kept {
        let values = match executor.read(id)? {
            Data::Index(v) => {
                tensors.push((name, dims, Dtype::U32, bytemuck::cast_slice(&v).to_vec()));
                continue;
            }
            Data::Real(v) => v,
            Data::Complex(v) => {
                // Real and imaginary parts along a last axis.
                dims.push(2);
                v.iter().flat_map(|z| [z.re, z.im]).collect()
            }
        };
        let (dtype, bytes) = match precision {
            Precision::F64 => (Dtype::F64, bytemuck::cast_slice(&values).to_vec()),
            Precision::F32 => {
                let single: Vec<f32> = values.iter().map(|&x| x as f32).collect();
                (Dtype::F32, bytemuck::cast_slice(&single).to_vec())
            }
        };
        tensors.push((name, dims, dtype, bytes));
    }
    let fail =
        |e: safetensors::SafeTensorError| Error::format(path, format!("cannot be written: {e}"));
    let mut views = Vec::new();
    for (name, dims, dtype, bytes) in &tensors {
        views.push((name, TensorView::new(*dtype, dims.clone(), bytes).map_err(fail)?));
    }
    let progress =
        serde_json::to_string(progress).map_err(|e| Error::file(path, "write", e.into()))?;
    let metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("experiment".to_owned(), experiment.to_owned()),
        ("progress".to_owned(), progress),
    ]);
    let bytes = serialize(views, Some(metadata)).map_err(fail)?;
    atomic::write(path, |out| out.write_all(&bytes))
}

/// Reads a checkpoint; tensors may have been edited elsewhere.
pub fn read(path: &Path) -> Result<Checkpoint> {
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, "read", e))?;
    let not_one = |what: String| {
        Error::format(path, what).help("give the checkpoint.safetensors of a `lightloom train` run")
    };
    let (_, header) = SafeTensors::read_metadata(&bytes)
        .map_err(|e| not_one(format!("not a safetensors file, or cut short: {e}")))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let field = |key: &str| {
        metadata.get(key).cloned().ok_or_else(|| not_one(format!("its metadata have no `{key}`")))
    };
    if field("format")? != FORMAT {
        return Err(not_one(format!("its format is {}, not {FORMAT}", field("format")?)));
    }
    let progress = serde_json::from_str(&field("progress")?)
        .map_err(|e| not_one(format!("its progress is unreadable: {e}")))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| not_one(format!("not a safetensors file, or cut short: {e}")))?;
    let mut tensors = HashMap::new();
    for (name, view) in file.iter() {
        let raw = view.data();
        let words = |n: usize| raw.chunks_exact(n);
        let data = match view.dtype() {
            Dtype::F32 => Data::Real(
                words(4).map(|w| f64::from(f32::from_le_bytes([w[0], w[1], w[2], w[3]]))).collect(),
            ),
            Dtype::F64 => Data::Real(
                words(8)
                    .map(|w| f64::from_le_bytes([w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]]))
                    .collect(),
            ),
            Dtype::U32 => Data::Index(
                words(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect(),
            ),
            other => {
                return Err(not_one(format!(
                    "tensor {name} is {other:?}; f32, f64 and u32 are read"
                )));
            }
        };
        tensors.insert(name.to_owned(), (view.shape().to_vec(), data));
    }
    Ok(Checkpoint { experiment: field("experiment")?, progress, tensors })
}

impl Checkpoint {
    /// Whether it holds the states of the very device that an executor has.
    pub fn holds_device(&self, executor: &dyn Executor) -> bool {
        let mut states = executor.program().kept().filter(|(_, s)| s.name.starts_with(DEVICE));
        states.all(|(_, s)| self.tensors.contains_key(&s.name))
    }

    /// Puts the tensors into an executor: parameters, what the front end learnt and where the device
    /// stands, and with `all` the optimiser too. Another device stands as it was built.
    pub fn load(&self, path: &Path, executor: &mut dyn Executor, all: bool) -> Result<()> {
        let wanted: Vec<(SlotId, String, Vec<usize>, Kind)> = executor
            .program()
            .kept()
            .filter(|(_, s)| {
                let stands = s.name.starts_with(DEVICE) && self.tensors.contains_key(&s.name);
                let learnt = s.name.starts_with(front::STATES);
                all || matches!(s.role, Role::Param(_)) || learnt || stands
            })
            .map(|(id, s)| (id, s.name.clone(), s.shape.dims.clone(), s.shape.kind))
            .collect();
        for (id, name, dims, kind) in wanted {
            let misfit = |what: String| {
                Error::format(path, what)
                    .help("a checkpoint fits the optic that it was trained with; compare `experiment` in its metadata")
            };
            let Some((given, data)) = self.tensors.get(&name) else {
                return Err(misfit(format!("holds no tensor {name}, which this optic trains")));
            };
            let pairs = kind == Kind::Complex && given[..] == [&dims[..], &[2]].concat();
            if !pairs && (*given != dims || data.kind() != kind) {
                let what = format!(
                    "tensor {name} is {given:?} {:?}, this optic has {dims:?} {kind:?}",
                    data.kind()
                );
                return Err(misfit(what));
            }
            if let Some(at) = data.reals().iter().position(|x| !x.is_finite()) {
                let what = format!("tensor {name} holds {} at element {at}", data.reals()[at]);
                return Err(Error::format(path, what).help("repair the tensor, or train again"));
            }
            if pairs {
                let pairs = data.reals().chunks_exact(2);
                let complex = pairs.map(|z| Complex::new(z[0], z[1])).collect();
                executor.write(id, &Data::Complex(complex))?;
            } else {
                executor.write(id, data)?;
            }
        }
        Ok(())
    }
}
