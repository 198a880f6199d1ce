//! CSV with a header: one sample a row, its label in `class`, `label` or the last column.
//!
//! Columns may come in pairs, as amplitude and phase or as real and imaginary part. A column `split` says `train` or `test`; without it every sixth sample of each class is test.

use std::path::Path;

use csv::{Reader, StringRecord};

use super::split::{Part, Pixels, every_sixth, spread};
use super::{Pairs, Source, folder, labels, outside, outside_disc};
use crate::error::{Error, Result};

struct Columns {
    names: Vec<String>,
    label: usize,
    split: Option<usize>,
    features: Vec<usize>,
    pairs: Option<Pairs>,
}

/// Rows in the order of the file.
#[derive(Default)]
struct Rows {
    lines: Vec<u64>,
    labels: Vec<String>,
    /// One a row where the file has a column `split`.
    test: Vec<bool>,
    /// `[row, feature]`.
    values: Vec<f32>,
}

pub(super) fn load(path: &Path, pairs: Option<Pairs>) -> Result<Source> {
    let file = std::fs::File::open(path).map_err(|e| Error::file(path, "read", e))?;
    from_stream(path, file, pairs)
}

/// Reads a CSV from anywhere; `path` names it in errors.
pub(super) fn from_stream(
    path: &Path,
    stream: impl std::io::Read,
    pairs: Option<Pairs>,
) -> Result<Source> {
    let broken = |e: csv::Error| match e.into_kind() {
        csv::ErrorKind::Io(e) => Error::file(path, "read", e),
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.map_or(0, |p| p.line());
            let what = format!("line {line}: {len} fields, but the header has {expected_len}");
            Error::format(path, what)
        }
        csv::ErrorKind::Utf8 { pos, err } => {
            Error::format(path, format!("line {}: {err}", pos.map_or(0, |p| p.line())))
                .help("save it as UTF-8")
        }
        other => Error::format(path, format!("not a readable CSV: {other:?}")),
    };
    let mut reader: Reader<_> = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(stream);
    let columns = columns(path, reader.headers().map_err(broken)?, pairs)?;
    let mut rows = Rows::default();
    for record in reader.records() {
        add_row(path, &columns, &record.map_err(broken)?, &mut rows)?;
    }
    if rows.labels.is_empty() {
        return Err(Error::format(path, "no row follows after the header"));
    }
    set(path, &columns, &rows)
}

fn columns(path: &Path, header: &StringRecord, pairs: Option<Pairs>) -> Result<Columns> {
    let names: Vec<String> =
        header.iter().map(|n| n.trim_start_matches('\u{feff}').to_owned()).collect();
    if names.iter().all(|n| n.parse::<f64>().is_ok()) {
        let what = "line 1: a header with the names of the columns is needed";
        return Err(Error::format(path, what).help("add one, for example a,b,c,class"));
    }
    let is = |i: usize, name: &str| names[i].eq_ignore_ascii_case(name);
    let split = (0..names.len()).find(|&i| is(i, "split"));
    let label = (0..names.len())
        .find(|&i| is(i, "class") || is(i, "label"))
        .or_else(|| (0..names.len()).rev().find(|&i| Some(i) != split));
    let features: Vec<usize> =
        (0..names.len()).filter(|&i| Some(i) != split && Some(i) != label).collect();
    if pairs.is_some() && !features.len().is_multiple_of(2) {
        let what = format!("line 1: {} columns of features make no pairs", features.len());
        return Err(Error::format(path, what)
            .help("give two columns for each complex number, or leave data.complex out"));
    }
    match label {
        Some(label) if !features.is_empty() => Ok(Columns { names, label, split, features, pairs }),
        _ => Err(Error::format(path, "line 1: a column of features and one of labels are needed")),
    }
}

fn add_row(path: &Path, columns: &Columns, record: &StringRecord, rows: &mut Rows) -> Result<()> {
    let line = record.position().map_or(0, csv::Position::line);
    let wrong = |column: usize, what: &str| {
        Error::format(path, format!("line {line}, column {}: {what}", columns.names[column]))
    };
    if record[columns.label].is_empty() {
        return Err(wrong(columns.label, "no label"));
    }
    if let Some(split) = columns.split {
        let value = &record[split];
        let test = value.eq_ignore_ascii_case("test");
        if !test && !value.eq_ignore_ascii_case("train") {
            return Err(wrong(split, &format!("`{value}` is neither train nor test")));
        }
        rows.test.push(test);
    }
    let number = |column: usize| -> Result<f64> {
        record[column].parse().map_err(|_| {
            wrong(column, &format!("`{}` is not a number", &record[column])).help(
                "every column but `split` and the label (`class`, `label` or the last) is a feature",
            )
        })
    };
    if let Some(pairs) = columns.pairs {
        for pair in columns.features.chunks_exact(2) {
            let [a, b] = [number(pair[0])?, number(pair[1])?];
            let (re, im) = match pairs {
                Pairs::Polar if a < 0.0 => {
                    return Err(wrong(pair[0], &format!("an amplitude of {a}"))
                        .help("give amplitudes from 0 to 1, and a phase of π for a minus"));
                }
                Pairs::Polar => (a * b.cos(), a * b.sin()),
                Pairs::Cartesian => (a, b),
            };
            if let Some((what, help)) = outside_disc(re, im) {
                return Err(wrong(pair[0], &what).help(help));
            }
            rows.values.extend([re as f32, im as f32]);
        }
    } else {
        for &column in &columns.features {
            let value = number(column)?;
            if let Some((what, help)) = outside(value) {
                return Err(wrong(column, &what).help(help));
            }
            rows.values.push(value as f32);
        }
    }
    rows.lines.push(line);
    rows.labels.push(record[columns.label].to_owned());
    Ok(())
}

fn set(path: &Path, columns: &Columns, rows: &Rows) -> Result<Source> {
    let too_many = || Error::format(path, "more than 65,535 classes");
    let test = if columns.split.is_some() {
        rows.test.clone()
    } else {
        every_sixth(&labels::number(&rows.labels, &[]).map_err(|_| too_many())?.train)
    };
    let rows_where =
        |side: bool| -> Vec<usize> { (0..test.len()).filter(|&row| test[row] == side).collect() };
    let [train, test] = [rows_where(false), rows_where(true)];
    let texts =
        |of: &[usize]| of.iter().map(|&row| rows.labels[row].clone()).collect::<Vec<String>>();
    let train_texts = texts(&train);
    let numbered = labels::number(&train_texts, &texts(&test)).map_err(|at| {
        let Some(row) = at.map(|at| test[at]) else { return too_many() };
        let (line, label) = (rows.lines[row], &rows.labels[row]);
        Error::format(path, format!("line {line}: class {label} has no training row"))
    })?;
    let n = columns.features.len();
    let part = |of: &[usize], labels: &[u16]| {
        let order = spread(labels);
        let values = order.iter().flat_map(|&i| &rows.values[of[i] * n..(of[i] + 1) * n]);
        Part {
            pixels: Pixels::Floats(values.copied().collect()),
            labels: order.iter().map(|&i| labels[i]).collect(),
        }
    };
    Ok(Source {
        name: folder::name_of(path),
        image: [1, n],
        complex: columns.pairs.is_some(),
        train: part(&train, &numbered.train),
        test: part(&test, &numbered.test),
        classes: numbered.classes,
    })
}
