//! What training on the hardware takes, as tables for a terminal.

use comfy_table::Table;

use super::text::{range, spread, table};
use crate::energy::answer::{OfMachine, Priced, Trained};
use crate::energy::training::{missing, over_devices, without_figures};
use crate::energy::unit::{engineering, three_digits};
use crate::report::energy::count;

pub const TRAINING: &str = "Counts of each method's step as `lightloom compare` has them, all steps, and \
                        one load at least; at the first of the bits. Loads and shots wait for each \
                        other, the computer beside it is this CPU. Phases, panels and control take \
                        their power while loads and, of a method that sends light, the computer are \
                        waited for; sources, modulators, receivers and converters rest meanwhile. \
                        Every shot pays for the front end as a sample does.";

const LEDGER: &str = "Counts of `lightloom compare`, all steps of one device; one load at least, to \
                      use what was trained. A field is four exposures, which count among them. \
                      Phases, panels and control take their power while loads and, of a method that \
                      sends light, the computer are waited for. Every shot pays for the front end \
                      as a sample does.\n\
                      Accuracy on the device with its 95 % interval over devices (Student's t), with \
                      the noise of its experiment: not with that of the light which is paid for \
                      here. At the first of the bits.";

/// By each method's algorithm.
pub fn training(machine: &OfMachine) -> Option<Table> {
    let result = machine.results.first().filter(|r| !r.training.is_empty())?;
    let rows = result.training.iter().map(|Trained { plan: t, cost }| {
        if let Some(why) = &t.refused {
            let rest = [format!("does not suit: {why}")].into_iter().chain(vec![String::new(); 4]);
            return [t.method.clone()].into_iter().chain(rest).collect();
        }
        let (time, energy) = match cost {
            Some(c) => (duration(c.seconds), engineering(c.joules, "J")),
            None => ("-".into(), "its masks are printed".into()),
        };
        vec![
            t.method.clone(),
            count(t.counts.shots),
            count(t.counts.reconfigurations),
            count(t.counts.digital_macs),
            time,
            energy,
        ]
    });
    Some(table(&["method", "shots", "loads", "digital MACs", "time", "energy"], rows))
}

/// As `lightloom compare` counted it.
pub fn ledger(machine: &OfMachine) -> Option<Table> {
    let result = machine.results.first().filter(|r| !r.ledger.is_empty())?;
    let row = |p: &Priced| {
        let (t, c) = (&p.tally, &p.tally.counts);
        let start = [t.system.clone(), t.method.clone()];
        if let Some(why) = &t.refused {
            let why = without_figures(why, t.failed.as_ref());
            let rest = [why].into_iter().chain(vec![String::new(); 8]);
            return start.into_iter().chain(rest).collect();
        }
        let accuracy = over_devices(t.accuracy, t.interval, t.devices, t.failed.as_ref());
        let counts = [t.steps as f64, c.shots, c.reconfigurations, c.fields, c.digital_macs];
        let cost = match &p.cost {
            Some(c) => [
                range(&c.seconds, duration),
                spread(&c.joules, "J"),
                format!("{:.0} %", 100.0 * c.computer.typical),
            ],
            None => ["-".into(), "its masks are printed".into(), "-".into()],
        };
        start.into_iter().chain([accuracy]).chain(counts.map(count)).chain(cost).collect()
    };
    Some(table(
        &[
            "counted on",
            "method",
            "on its device",
            "steps",
            "exposures",
            "loads",
            "fields",
            "digital MACs",
            "time",
            "energy",
            "of it the computer",
        ],
        result.ledger.iter().map(row),
    ))
}

/// What a table of [`ledger`] is of, and why devices are missing.
pub fn ledger_note(machine: &OfMachine) -> String {
    let of = |p: &Priced| {
        let t = &p.tally;
        missing([&t.system, &t.method], t.devices, t.failed.as_ref()).map(|m| format!("\n{m}"))
    };
    let rows = machine.results.first().map_or(&[][..], |r| &r.ledger[..]);
    let failed: Vec<String> = rows.iter().filter_map(of).collect();
    LEDGER.to_owned() + &failed.concat()
}

/// Seconds as people count them.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => engineering(s, "s"),
        s if s < 7200.0 => format!("{} min", three_digits(s / 60.0)),
        s if s < 172_800.0 => format!("{} h", three_digits(s / 3600.0)),
        s if s < 63_115_200.0 => format!("{} days", three_digits(s / 86_400.0)),
        s => format!("{} years", three_digits(s / 31_557_600.0)),
    }
}
