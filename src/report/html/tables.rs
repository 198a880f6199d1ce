//! JSON that other commands leave in a run's folder, as tables. Any JSON is shown; nothing is asked
//! of it, and this is understood:
//!
//! - an object is a list of its plain values, then its tables and objects under headings; its `title`
//!   and `note` stand above them;
//! - an array of objects is a table, its columns the keys in order of appearance; where the objects
//!   hold tables of their own, a part for each, headed by its `name` or first value;
//! - an object with a number `value` (or `typical`) is one number, from `low` (or `p5`) to `high` (or
//!   `p95`), with its `unit` and its `mark`, as "[V2]"; a column of such numbers is drawn as well;
//! - `source`, `confidence` and `note` of a number are what a reader finds by pointing at it; a text
//!   that is the `key` of an object with a `source` shows that object alike.

mod scale;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::render::ticks;

#[derive(Debug, Default, Serialize)]
pub struct Block {
    pub title: String,
    /// 3 to 5, of the heading.
    pub level: usize,
    pub note: String,
    pub pairs: Vec<(String, Cell)>,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct Cell {
    pub text: String,
    pub is_number: bool,
    /// What stands behind it.
    pub hint: String,
    /// Low, value, high.
    #[serde(skip)]
    range: Option<[f64; 3]>,
    /// The same in hundredths of its column's scale.
    pub drawn: Option<[f64; 3]>,
}

impl Cell {
    /// A text, to the right where it begins with a digit.
    pub fn text(text: String) -> Self {
        Self { is_number: text.starts_with(|c: char| c.is_ascii_digit()), text, ..Self::default() }
    }
}

/// Rows of a table at most; a report is no archive.
const MOST_ROWS: usize = 200;
/// Numbers of a list that are still written out.
const MOST_LISTED: usize = 12;

pub fn blocks(value: &Value) -> Vec<Block> {
    let mut reader = Reader::default();
    reader.note_sources(value);
    reader.walk(String::new(), 3, value);
    reader.out
}

#[derive(Default)]
struct Reader {
    /// What stands behind a key.
    sources: HashMap<String, String>,
    out: Vec<Block>,
}

/// Whether a value fits a cell.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(map) => quantity(map).is_some(),
        Value::Array(items) => !items.iter().any(|v| v.is_object() || v.is_array()),
        _ => true,
    }
}

/// Low, value and high of an object that is one number.
fn quantity(map: &Map<String, Value>) -> Option<[f64; 3]> {
    let of = |key: &str| map.get(key).and_then(Value::as_f64);
    let either = |a, b| of(a).or_else(|| of(b));
    let value = either("value", "typical")?;
    // A row of a table has a name besides.
    let is_row = map.contains_key("key") || map.contains_key("name");
    (!is_row).then(|| {
        [either("low", "p5").unwrap_or(value), value, either("high", "p95").unwrap_or(value)]
    })
}

/// What a part of a list is called, and whether that key has said it.
fn heading(item: &Value) -> (String, Option<&str>) {
    let Some(map) = item.as_object() else { return (String::new(), None) };
    for key in ["title", "name", "what"] {
        if let Some(text) = map.get(key).and_then(Value::as_str) {
            return (text.to_owned(), Some(key));
        }
    }
    let first = map.iter().find(|(_, v)| v.is_number() || v.is_string());
    first.map_or((String::new(), None), |(k, v)| {
        (format!("{} {}", words(k), plain(v)), Some(k.as_str()))
    })
}

/// A key as people say it.
fn words(key: &str) -> String {
    key.replace('_', " ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::String(text) => text.clone(),
        Value::Number(n) => match n.as_i64().filter(|n| n.abs() < 1_000_000) {
            Some(n) => n.to_string().replace('-', "−"),
            None => ticks::short(n.as_f64().unwrap_or(f64::NAN)),
        },
        Value::Array(items) => format!("{} values", items.len()),
        Value::Object(map) => format!("{} entries", map.len()),
    }
}

impl Reader {
    /// Remembers every object with a key and a source.
    fn note_sources(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|v| self.note_sources(v)),
            Value::Object(map) => {
                let said = |key: &str| map.get(key).and_then(Value::as_str);
                if let (Some(key), Some(source)) = (said("key"), said("source")) {
                    let number = map.get("typical").or_else(|| map.get("value"));
                    let number = number.map_or(String::new(), |v| {
                        format!(" = {} {}", plain(v), said("unit").unwrap_or_default())
                    });
                    let known = said("confidence").map_or(String::new(), |c| format!("; {c}"));
                    self.sources.insert(key.to_owned(), format!("{key}{number}: {source}{known}"));
                }
                map.values().for_each(|v| self.note_sources(v));
            }
            _ => {}
        }
    }

    fn walk(&mut self, title: String, level: usize, value: &Value) {
        let mut block = Block { title, level, ..Block::default() };
        let below = (level + 1).min(5);
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let nests =
                    |v: &Value| v.as_object().is_some_and(|m| m.values().any(|v| !is_plain(v)));
                if !items.iter().any(nests) {
                    self.table(items, &mut block);
                    return self.out.push(block);
                }
                if !block.title.is_empty() {
                    self.out.push(block);
                }
                for item in items.iter().take(MOST_ROWS) {
                    let (title, said) = heading(item);
                    let mut rest = item.clone();
                    if let (Some(map), Some(key)) = (rest.as_object_mut(), said) {
                        map.remove(key);
                    }
                    self.walk(title, below, &rest);
                }
            }
            Value::Object(map) if quantity(map).is_none() => {
                let said = |key| map.get(key).and_then(Value::as_str);
                block.title = said("title").map_or(block.title, str::to_owned);
                said("note").unwrap_or_default().clone_into(&mut block.note);
                let rest = || map.iter().filter(|(k, _)| *k != "title" && *k != "note");
                let pairs = rest().filter(|(_, v)| is_plain(v));
                block.pairs = pairs.map(|(k, v)| (words(k), self.cell(v))).collect();
                if !(block.title.is_empty() && block.note.is_empty() && block.pairs.is_empty()) {
                    self.out.push(block);
                }
                for (key, value) in rest().filter(|(_, v)| !is_plain(v)) {
                    self.walk(words(key), below, value);
                }
            }
            one => {
                block.pairs = vec![(String::new(), self.cell(one))];
                self.out.push(block);
            }
        }
    }

    fn table(&self, items: &[Value], block: &mut Block) {
        let mut keys: Vec<&String> = Vec::new();
        for key in items.iter().filter_map(Value::as_object).flat_map(Map::keys) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        block.columns = keys.iter().map(|k| words(k)).collect();
        let row = |item: &Value| -> Vec<Cell> {
            let one = |&k: &&String| item.get(k).map_or_else(Cell::default, |v| self.cell(v));
            keys.iter().map(one).collect()
        };
        block.rows = items.iter().take(MOST_ROWS).map(row).collect();
        for column in 0..keys.len() {
            scale::draw(block.rows.iter_mut().map(|row| &mut row[column]));
        }
        if items.len() > MOST_ROWS {
            block.note = format!("the first {MOST_ROWS} of {} rows", items.len());
        }
    }

    fn cell(&self, value: &Value) -> Cell {
        let text = plain(value);
        let hint = value.as_str().and_then(|t| self.sources.get(t)).cloned().unwrap_or_default();
        let shown = Cell { is_number: value.is_number(), text, hint, ..Cell::default() };
        match value {
            Value::Array(items) if items.len() <= MOST_LISTED => {
                let all: Vec<Cell> = items.iter().map(|v| self.cell(v)).collect();
                let join = |part: fn(&Cell) -> &String, between: &str| {
                    let parts = all.iter().map(part).filter(|t| !t.is_empty());
                    parts.map(String::as_str).collect::<Vec<_>>().join(between)
                };
                // Sentences hold commas.
                let between = if items.iter().all(Value::is_number) { ", " } else { "; " };
                let (text, hint) = (join(|c| &c.text, between), join(|c| &c.hint, "\n"));
                Cell { text, hint, is_number: items.iter().all(Value::is_number), ..shown }
            }
            Value::Object(map) => quantity(map).map_or(shown, |range| number(map, range)),
            _ => shown,
        }
    }
}

fn number(map: &Map<String, Value>, range: [f64; 3]) -> Cell {
    let [low, value, high] = range.map(ticks::short);
    let said = |key| map.get(key).and_then(Value::as_str);
    let mut text = value;
    if range[0] < range[2] {
        text += &format!(" ({low} to {high})");
    }
    // A mark such as [V2] is part of the number.
    for part in ["unit", "mark"].into_iter().filter_map(said) {
        text += &format!(" {part}");
    }
    let behind = ["source", "confidence", "note"].into_iter().filter_map(said);
    let hint = behind.collect::<Vec<_>>().join("; ");
    Cell { text, is_number: true, hint, range: Some(range), drawn: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_json_is_shown() {
        let value = json!({
            "title": "Energy",
            "note": "modelled",
            "machine": "chip",
            "total_energy": { "value": 2.5e-15, "unit": "J", "low": 1e-15, "high": 4e-15,
                              "mark": "[V2]", "source": "paper, table 2", "confidence": "assumed" },
            "rows": [{ "bits": 4, "n": 64 }, { "bits": 8, "loss_db": -0.5 }],
            "deep": { "er": { "x": [1, 2] } },
        });
        let all = blocks(&value);
        let titles: Vec<_> = all.iter().map(|b| (b.title.as_str(), b.level)).collect();
        assert_eq!(titles, [("Energy", 3), ("rows", 4), ("deep", 4), ("er", 5)]);
        assert_eq!(all[0].pairs[0].0, "machine");
        let total = &all[0].pairs[1].1;
        assert_eq!(total.text, "2.5×10⁻¹⁵ (1×10⁻¹⁵ to 4×10⁻¹⁵) J [V2]");
        assert_eq!(total.hint, "paper, table 2; assumed");
        assert_eq!(all[1].columns, ["bits", "n", "loss db"]);
        assert_eq!(all[1].rows[1][2].text, "−0.5");
        assert_eq!(all[1].rows[1][1], Cell::default());
        assert_eq!(all[3].pairs[0].1.text, "1, 2");
        assert!(blocks(&json!([])).len() == 1 && blocks(&json!(3)).len() == 1);
    }

    /// Lists of machines with tables of their own; figures that are named have their sources.
    #[test]
    fn parts_are_headed_and_sources_are_found() {
        let value = json!({
            "machines": [
                { "name": "chip", "results": [
                    { "bits": 4, "wall": { "typical": 1e-9, "p5": 1e-10, "p95": 1e-8 }, "figures": ["laser.wpe"] },
                    { "bits": 8, "wall": { "typical": 1e-7, "p5": 1e-8, "p95": 1e-6 }, "figures": [] },
                ] },
            ],
            "figures": [
                { "key": "laser.wpe", "low": 0.05, "typical": 0.1, "high": 0.2, "unit": "1",
                  "source": "a book", "confidence": "verified" },
            ],
        });
        let all = blocks(&value);
        let titles: Vec<_> = all.iter().map(|b| b.title.as_str()).collect();
        assert_eq!(titles, ["machines", "chip", "results", "figures"]);
        let results = &all[2].rows;
        assert_eq!(results[0][2].hint, "laser.wpe = 0.1 1: a book; verified");
        // Four decades of a logarithm: 1e-10 to 1e-6.
        assert_eq!(results[0][1].drawn, Some([0.0, 25.0, 50.0]));
        assert_eq!(results[1][1].drawn, Some([50.0, 75.0, 100.0]));
        assert_eq!(all[3].columns.len(), 7, "a figure is a row, not a number");
    }
}
