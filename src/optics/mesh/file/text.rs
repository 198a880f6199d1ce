//! A chip → P.json: one cell a line, so that files can be read and compared by eye.

use std::fmt::Write;

use super::Document;
use crate::error::{Error, Result};
use crate::optics::mesh::{Mesh, Settings};

/// The text of a P.json.
pub fn text(document: &Document) -> Result<String> {
    let mut out = String::new();
    match document {
        Document::Mesh(mesh, settings) => mesh_text(&mut out, mesh, settings, "")?,
        Document::Svd(layer) => {
            let _ = write!(
                out,
                "{{\n  \"rows\": {},\n  \"columns\": {},\n  \"gain\": {},\n  \"right\": ",
                layer.rows,
                layer.columns,
                number(layer.gain)?
            );
            mesh_text(&mut out, &layer.right.0, &layer.right.1, "  ")?;
            out += ",\n  \"attenuation\": ";
            list(&mut out, &layer.attenuation)?;
            out += ",\n  \"left\": ";
            mesh_text(&mut out, &layer.left.0, &layer.left.1, "  ")?;
            out += "\n}";
        }
    }
    out.push('\n');
    Ok(out)
}

fn mesh_text(out: &mut String, mesh: &Mesh, settings: &Settings, indent: &str) -> Result<()> {
    mesh.check(settings)?;
    let topology = serde_json::to_string(&mesh.topology).unwrap_or_default();
    let _ = write!(out, "{{\n{indent}  \"n\": {},\n{indent}  \"topology\": {topology}", mesh.n);
    for (key, on) in [("symmetric", mesh.symmetric), ("three_splitters", mesh.three_splitters)] {
        if on {
            let _ = write!(out, ",\n{indent}  \"{key}\": true");
        }
    }
    let _ = write!(out, ",\n{indent}  \"mzi\": [");
    for (k, cell) in mesh.layout.cells.iter().enumerate() {
        let (column, row, _) = cell.at();
        let (theta, phi) = (number(settings.theta[k])?, number(settings.phi[k])?);
        let comma = if k == 0 { "" } else { "," };
        let _ = write!(
            out,
            "{comma}\n{indent}    {{\"column\": {column}, \"row\": {row}, \"theta\": {theta}, \"phi\": {phi}}}"
        );
    }
    if mesh.layout.cells.is_empty() {
        let _ = write!(out, "],\n{indent}  \"gamma\": ");
    } else {
        let _ = write!(out, "\n{indent}  ],\n{indent}  \"gamma\": ");
    }
    list(out, &settings.gamma)?;
    let _ = write!(out, "\n{indent}}}");
    Ok(())
}

fn list(out: &mut String, values: &[f64]) -> Result<()> {
    let numbers: Vec<String> = values.iter().map(|&v| number(v)).collect::<Result<_>>()?;
    let _ = write!(out, "[{}]", numbers.join(", "));
    Ok(())
}

/// The shortest text that reads back to the same bits; JSON has none for a NaN.
fn number(value: f64) -> Result<String> {
    if value.is_finite() {
        return Ok(format!("{value:?}"));
    }
    Err(Error::invalid("mesh", format!("a phase or an amplitude is {value}, and must be finite"))
        .help("look for where it was made"))
}
