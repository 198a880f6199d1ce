//! P.json → a chip, each rule with the place that breaks it.
//!
//! Values are first cut out of the text as they stand and then read one by one, so that an error
//! inside the 400th cell is found in its line and says `mzi[399].phi`.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Document;
use super::place::Source;
use crate::error::Result;
use crate::optics::mesh::svd::SvdLayer;
use crate::optics::mesh::{MAX_MODES, Mesh, Settings, Topology};

/// Which of the two forms a text has.
#[derive(Deserialize)]
#[serde(expecting = "an object with n, topology, mzi and gamma")]
struct Probe {
    rows: Option<IgnoredAny>,
    columns: Option<IgnoredAny>,
    right: Option<IgnoredAny>,
    left: Option<IgnoredAny>,
    attenuation: Option<IgnoredAny>,
    mzi: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with n, topology, mzi and gamma")]
struct RawMesh<'a> {
    #[serde(borrow)]
    n: &'a RawValue,
    topology: &'a RawValue,
    symmetric: Option<&'a RawValue>,
    three_splitters: Option<&'a RawValue>,
    mzi: &'a RawValue,
    gamma: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with rows, columns, gain, right, attenuation and left"
)]
struct RawSvd<'a> {
    #[serde(borrow)]
    rows: &'a RawValue,
    columns: &'a RawValue,
    gain: &'a RawValue,
    right: &'a RawValue,
    attenuation: &'a RawValue,
    left: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a cell with column, row, theta and phi")]
struct RawCell {
    column: u32,
    row: u32,
    theta: f64,
    phi: f64,
}

/// Reads the text of a P.json; `name` is that of its file.
pub fn parse(name: &str, text: &str) -> Result<Document> {
    let source = Source { name, text };
    let probe: Probe = source.read(text, 0, "")?;
    let layer = [&probe.rows, &probe.columns, &probe.right, &probe.left, &probe.attenuation];
    if probe.mzi.is_none() && layer.iter().any(|part| part.is_some()) {
        return Ok(Document::Svd(Box::new(source.layer()?)));
    }
    let (mesh, settings) = source.mesh(text, 0, "")?;
    Ok(Document::Mesh(mesh, settings))
}

impl<'a> Source<'a> {
    /// Reads a mesh from `part` of the text; `key` is where it lies in the file.
    fn mesh(&self, part: &'a str, from: usize, key: &str) -> Result<(Mesh, Settings)> {
        let raw: RawMesh = self.read(part, from, key)?;
        let name = |k: &str| if key.is_empty() { k.to_owned() } else { format!("{key}.{k}") };
        let n: usize = self.value(raw.n, &name("n"))?;
        let topology: Topology = self.value(raw.topology, &name("topology"))?;
        let flag = |value: Option<&'a RawValue>, k: &str| {
            value.map_or(Ok(false), |v| self.value(v, &name(k)))
        };
        let symmetric = flag(raw.symmetric, "symmetric")?;
        let three = flag(raw.three_splitters, "three_splitters")?;
        let mesh = Mesh::new(n, topology)
            .map_err(|e| self.at(self.span(raw.n), &name("n"), e))?
            .with_symmetric(symmetric)
            .with_three_splitters(three);
        let gamma: Vec<f64> = self.value(raw.gamma, &name("gamma"))?;
        if gamma.len() != n {
            let rule = format!("{} output phases are given for {n} modes", gamma.len());
            let help = "give one a mode, 0 for none";
            return Err(self.error(self.span(raw.gamma), &name("gamma"), rule, help));
        }
        let mut settings = Settings { gamma, ..mesh.zero_settings() };
        self.cells(raw.mzi, &name("mzi"), &mesh, &mut settings)?;
        Ok((mesh, settings))
    }

    /// Reads the cells: each place of the layout once, in order of passage.
    fn cells(
        &self,
        raw: &'a RawValue,
        key: &str,
        mesh: &Mesh,
        settings: &mut Settings,
    ) -> Result<()> {
        let list: Vec<&'a RawValue> = self.read(raw.get(), self.span(raw).start, key)?;
        let layout = &mesh.layout;
        let kind = format!("a {} mesh of {} modes", name_of(mesh.topology), mesh.n);
        let mut given: Vec<Option<usize>> = vec![None; layout.cells.len()];
        let mut last = None;
        for (k, value) in list.iter().enumerate() {
            let key = format!("{key}[{k}]");
            let cell: RawCell = self.value(value, &key)?;
            let (column, row) = (cell.column as usize, cell.row as usize);
            let wrong = |rule: String, help: &str| self.error(self.span(value), &key, rule, help);
            let Some(at) = layout.find(column, row) else {
                let rule = format!("{kind} has no cell at column {column}, row {row}");
                return Err(wrong(rule, &rows_of(mesh, column)));
            };
            if let Some(other) = given[at] {
                let rule = format!("column {column}, row {row} is taken by mzi[{other}] already");
                return Err(wrong(rule, "give every cell once"));
            }
            if last.is_some_and(|last| at < last) {
                let rule = format!(
                    "column {column}, row {row} comes after a cell that the light passes later"
                );
                return Err(wrong(rule, "sort the cells by column, then by row"));
            }
            (given[at], last) = (Some(k), Some(at));
            (settings.theta[at], settings.phi[at]) = (cell.theta, cell.phi);
        }
        let Some(missing) = given.iter().position(Option::is_none) else { return Ok(()) };
        let (column, row, _) = layout.cells[missing].at();
        let rule = format!(
            "{kind} has {} cells, and {} are given: none for column {column}, row {row}",
            layout.cells.len(),
            list.len()
        );
        // The cell in front of which it should stand, or the end of the list.
        let next = given[missing..].iter().flatten().next();
        let (span, key) = match next {
            Some(&k) => (self.span(list[k]), format!("{key}[{k}]")),
            None => (self.span(raw).end - 1..self.span(raw).end, key.to_owned()),
        };
        Err(self.error(span, &key, rule, "add it here; theta = pi is straight through"))
    }

    fn layer(&self) -> Result<SvdLayer> {
        let raw: RawSvd = self.read(self.text, 0, "")?;
        let size = |value: &'a RawValue, key: &str| -> Result<usize> {
            let n: usize = self.value(value, key)?;
            if (1..=MAX_MODES).contains(&n) {
                return Ok(n);
            }
            let rule = format!("{n} is not in 1..{MAX_MODES}");
            Err(self.error(self.span(value), key, rule, "split a larger matrix into blocks"))
        };
        let (rows, columns) = (size(raw.rows, "rows")?, size(raw.columns, "columns")?);
        let gain: f64 = self.value(raw.gain, "gain")?;
        if gain < 0.0 {
            let rule = format!("the largest singular value is {gain}, and cannot be negative");
            let help = "give its size: the sign is for the phases of a mesh";
            return Err(self.error(self.span(raw.gain), "gain", rule, help));
        }
        let attenuation: Vec<f64> = self.value(raw.attenuation, "attenuation")?;
        let wrong = |rule: String, help: &str| {
            self.error(self.span(raw.attenuation), "attenuation", rule, help)
        };
        if attenuation.len() != rows.min(columns) {
            let rule = format!(
                "{} amplitudes are given, and a {rows} x {columns} layer has {}",
                attenuation.len(),
                rows.min(columns)
            );
            return Err(wrong(rule, "give one a singular value"));
        }
        if let Some(k) = attenuation.iter().position(|a| !(0.0..=1.0).contains(a)) {
            let rule = format!("[{k}] is {}, and must lie in 0..1", attenuation[k]);
            return Err(wrong(rule, "an attenuator gives no light: put the size into gain"));
        }
        let side = |value: &'a RawValue, key: &str, size: usize, of: &str| {
            let (mesh, settings) = self.mesh(value.get(), self.span(value).start, key)?;
            if mesh.n == size {
                return Ok((mesh, settings));
            }
            let rule = format!("it has {} modes, and the layer has {size} {of}", mesh.n);
            let span = self.span(value);
            Err(self.error(span.start..span.start + 1, key, rule, "give a mesh of this size"))
        };
        let right = side(raw.right, "right", columns, "columns")?;
        let left = side(raw.left, "left", rows, "rows")?;
        Ok(SvdLayer { rows, columns, right, attenuation, left, gain })
    }
}

pub(super) fn name_of(topology: Topology) -> String {
    format!("{topology:?}").to_lowercase()
}

/// Where the cells of a column are.
fn rows_of(mesh: &Mesh, column: usize) -> String {
    let layout = &mesh.layout;
    if layout.depth == 0 {
        return "one mode has no cells: leave the list empty".into();
    }
    if column >= layout.depth {
        return format!("its columns are 0 to {}", layout.depth - 1);
    }
    let rows: Vec<String> =
        layout.cells[layout.column(column)].iter().map(|c| c.a.to_string()).collect();
    if rows.is_empty() {
        return format!("column {column} has no cells");
    }
    if rows.len() > 8 {
        let ends = (&rows[..3].join(", "), &rows[rows.len() - 1]);
        return format!("the cells of column {column} are on rows {}, .. {}", ends.0, ends.1);
    }
    format!("the cells of column {column} are on rows {}", rows.join(", "))
}
