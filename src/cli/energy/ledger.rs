//! `--ledger`: the rows of `lightloom compare`, handed to the machines.

use std::path::Path;

use serde::Deserialize;

use super::plans::counts;
use crate::energy::answer::Asked;
use crate::energy::training::{Failed, Tally};
use crate::error::{Error, Result};
use crate::report::compare::Row;

#[derive(Deserialize)]
struct Compared {
    rows: Vec<Row>,
}

/// # Errors
/// Where the file is not there, is not what `compare` writes, or has no row.
pub fn read(path: &Path) -> Result<Vec<Tally>> {
    let help = "give the compare.json in the --out folder of `lightloom compare`";
    let text =
        std::fs::read_to_string(path).map_err(|e| Error::file(path, "read", e).help(help))?;
    let mut json = serde_json::Deserializer::from_str(&text);
    let all: Compared = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let at = e.path().to_string();
        Error::format(path, format!("not the JSON of a comparison: {at}: {}", e.inner())).help(help)
    })?;
    if all.rows.is_empty() {
        return Err(Error::format(path, "a comparison without rows").help(help));
    }
    Ok(all.rows.into_iter().map(tally).collect())
}

fn tally(row: Row) -> Tally {
    let of_scale = |scale: f64| format!(", faults × {scale}");
    Tally {
        method: row.method.name() + &row.scale.map_or_else(String::new, of_scale),
        system: row.system,
        devices: row.devices,
        failed: row.failed.map(|f| Failed { devices: f.devices, why: f.why }),
        accuracy: row.accuracy.mean,
        interval: row.accuracy.interval,
        steps: row.steps,
        counts: counts(row.charge, 1.0),
        refused: row.refused,
    }
}

/// A machine takes the rows of its own name, and all of them where there are none.
pub fn hand_out(rows: &[Tally], machines: &mut [Asked]) {
    for asked in machines {
        let own = |t: &&Tally| t.system == asked.machine.name;
        let some = rows.iter().filter(own).cloned().collect::<Vec<_>>();
        asked.ledger = if some.is_empty() { rows.to_vec() } else { some };
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A device that failed is not forgotten.
    #[test]
    fn rows_keep_what_failed() {
        let mean = json!({ "mean": 0.534, "interval": null });
        let mut row = json!({
            "system": "a", "method": "spsa", "devices": 1, "accuracy": mean, "twin_accuracy": mean,
            "steps": 2, "seconds": 1.0, "layers": [],
            "charge": crate::methods::Charge::default(),
        });
        let of = |row: &serde_json::Value| tally(Row::deserialize(row).expect("a row"));
        assert_eq!(of(&row).failed, None);
        row["failed"] = json!({ "devices": 1, "why": "no rise" });
        assert_eq!(of(&row).failed, Some(Failed { devices: 1, why: "no rise".into() }));
    }
}
