//! A program as text: stable, so that it can be compared, and short, so that it is read.

use std::fmt;

use super::types::{Domain, Kind, Layout, Program, Role, Scope, Slot, SlotId};

struct Operands<'a>(&'a Program, &'a [SlotId]);

impl fmt::Display for Operands<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, id) in self.1.iter().enumerate() {
            write!(f, "{}%{} {}", if i > 0 { ", " } else { "" }, id.0, self.0.slot(*id).name)?;
        }
        Ok(())
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.shape.kind {
            Kind::Real => "real",
            Kind::Complex => "complex",
            Kind::Half => "half",
            Kind::Index => "index",
        };
        let layout = match self.shape.layout {
            Layout::Natural => "",
            Layout::Blocked => " blocked",
            Layout::Hybrid => " hybrid",
            Layout::Spectrum => " spectrum",
        };
        let copies = match self.domain {
            Domain::Once => "",
            Domain::Sample => " per sample",
            Domain::Leaf => " per leaf",
        };
        let role = match self.role {
            Role::Const(_) => "const",
            Role::Formula(_) => "formula",
            Role::Input => "input",
            Role::Output => "output",
            Role::Param(_) => "param",
            Role::State(_) => "state",
            Role::Temp => "temp",
        };
        write!(f, "{} {role} {kind}{:?}{layout}{copies}", self.name, self.shape.dims)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, slot) in self.slots.iter().enumerate() {
            if !matches!(slot.role, Role::Temp) {
                writeln!(f, "%{i} {slot}")?;
            }
        }
        for routine in &self.routines {
            let (count, size) = (routine.leaves.count, routine.leaves.size);
            writeln!(
                f,
                "routine {} batch {} leaves {count} x {size}",
                routine.name, routine.batch
            )?;
            for section in &routine.sections {
                let scope = match section.scope {
                    Scope::Once => "once",
                    Scope::PerSample => "per sample",
                };
                writeln!(f, "  {} ({scope})", section.name)?;
                for node in &section.nodes {
                    let (outputs, inputs) =
                        (Operands(self, &node.outputs), Operands(self, &node.inputs));
                    writeln!(f, "    {outputs} = {:?}({inputs})", node.op)?;
                }
            }
        }
        Ok(())
    }
}
