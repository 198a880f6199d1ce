//! CSV of plain numbers, without a header.

use std::path::Path;

use crate::error::{Error, Result};

/// The rows of a file with their lines; lines that begin with `#` are left out.
pub fn read(path: &Path) -> Result<Vec<(u64, Vec<f64>)>> {
    let file = std::fs::File::open(path).map_err(|e| Error::file(path, "read", e))?;
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true).comment(Some(b'#')).trim(csv::Trim::All);
    let mut rows = Vec::new();
    for record in reader.from_reader(file).records() {
        let record = record.map_err(|e| Error::format(path, format!("not a readable CSV: {e}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |field: &str| {
            field.parse::<f64>().map_err(|_| {
                Error::format(path, format!("line {line}: \"{field}\" is not a number"))
                    .help("give numbers alone; a line that begins with # is a comment")
            })
        };
        rows.push((line, record.iter().map(number).collect::<Result<_>>()?));
    }
    Ok(rows)
}
