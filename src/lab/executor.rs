//! An executor whose device is a lab: before a routine that needs readings runs, the lab is told the
//! parameters that changed, exposes the batch in the inputs, and its readings are written.

use std::collections::HashMap;

use super::client::Client;
use crate::backend::{Executor, NodeTime};
use crate::error::{Error, Result};
use crate::program::{Data, Program, Role, SlotId};

pub struct LabExecutor {
    inner: Box<dyn Executor>,
    client: Client,
    image: SlotId,
    readings: SlotId,
    /// What the lab was told last.
    told: HashMap<SlotId, Vec<f64>>,
    params: Vec<(SlotId, String)>,
}

impl LabExecutor {
    /// `image`: the data in the inputs, `readings`: where those of the lab go.
    pub fn new(
        inner: Box<dyn Executor>,
        client: Client,
        (image, readings): (SlotId, SlotId),
    ) -> Result<Self> {
        let program = inner.program();
        let hello = &client.hello;
        let differs = |what: String| {
            Err(Error::invalid("hardware.lab", what)
                .help("the server and the experiment must be of one machine"))
        };
        let size = program.slot(image).shape.dims.clone();
        if size != hello.image {
            return differs(format!(
                "it takes samples of {:?}, the data are {size:?}",
                hello.image
            ));
        }
        let count = program.slot(readings).shape.len();
        if count != hello.readings {
            return differs(format!("it reads {} numbers, the detector {count}", hello.readings));
        }
        let mut params = Vec::new();
        for (id, slot) in program.kept().filter(|(_, s)| matches!(s.role, Role::Param(_))) {
            match hello.parameters.get(&slot.name) {
                Some(dims) if *dims == slot.shape.dims => params.push((id, slot.name.clone())),
                Some(dims) => {
                    let (name, own) = (&slot.name, &slot.shape.dims);
                    return differs(format!("its {name} is {dims:?}, the experiment's {own:?}"));
                }
                // A digital layer is the computer's own.
                None if slot.name.starts_with("optic.") => {
                    return differs(format!("it cannot be told {}", slot.name));
                }
                None => {}
            }
        }
        Ok(Self { inner, client, image, readings, told: HashMap::new(), params })
    }

    fn measure(&mut self, count: usize) -> Result<()> {
        for (id, name) in &self.params {
            let values = self.inner.read(*id)?.reals().to_vec();
            if self.told.get(id) != Some(&values) {
                self.client.set(name, &values)?;
                self.told.insert(*id, values);
            }
        }
        let images = self.inner.read(self.image)?;
        let each = self.inner.program().slot(self.image).shape.len();
        let readings = self.client.expose(count, &images.reals()[..count * each])?;
        self.inner.write(self.readings, &Data::Real(readings))
    }

    /// Whether a routine reads what a lab measures.
    fn needs(&self, routine: &str) -> bool {
        let reads = |r: &crate::program::Routine| {
            let nodes = r.sections.iter().flat_map(|s| &s.nodes);
            nodes.into_iter().any(|n| n.inputs.contains(&self.readings))
        };
        self.inner.program().routine(routine).is_some_and(reads)
    }
}

impl Executor for LabExecutor {
    fn program(&self) -> &Program {
        self.inner.program()
    }

    fn describe(&self) -> String {
        format!("{}, the lab {}", self.inner.describe(), self.client.hello.name)
    }

    fn micro_batch(&self, routine: &str) -> Option<usize> {
        self.inner.micro_batch(routine)
    }

    fn write(&mut self, slot: SlotId, data: &Data) -> Result<()> {
        self.inner.write(slot, data)
    }

    fn read(&mut self, slot: SlotId) -> Result<Data> {
        self.inner.read(slot)
    }

    fn run(&mut self, routine: &str, count: usize) -> Result<()> {
        if self.needs(routine) {
            self.measure(count)?;
        }
        self.inner.run(routine, count)
    }

    fn profile(&mut self, routine: &str, count: usize) -> Result<Vec<NodeTime>> {
        if self.needs(routine) {
            self.measure(count)?;
        }
        self.inner.profile(routine, count)
    }
}
