//! JSON that other commands leave in a run's folder, as tables; any JSON is shown, nothing is
//! asked of it but this:
//!
//! - an array of objects is a table, its columns the keys in order of appearance;
//! - an object is a list of its plain values, then its tables and objects under headings;
//! - an object with a `value` is one number: `value`, `unit`, `low`, `high`, and `source`,
//!   `confidence`, `note`, which a reader finds by pointing at it;
//! - `title` and `note` of an object stand above what it holds.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::render::ticks;

#[derive(Debug, Default, Serialize)]
pub struct Block {
    pub title: String,
    /// 3 and up, of the heading.
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
}

/// Rows of a table at most; a report is no archive.
const MOST_ROWS: usize = 200;
/// Numbers of a list that are still written out.
const MOST_LISTED: usize = 12;

pub fn blocks(value: &Value) -> Vec<Block> {
    let mut out = Vec::new();
    walk(String::new(), 3, value, &mut out);
    out
}

fn walk(title: String, level: usize, value: &Value, out: &mut Vec<Block>) {
    let mut block = Block { title, level, ..Block::default() };
    match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            table(items, &mut block);
            out.push(block);
        }
        Value::Object(map) if !is_quantity(map) => {
            let said = |key| map.get(key).and_then(Value::as_str);
            block.title = said("title").map_or(block.title, str::to_owned);
            block.note = said("note").unwrap_or_default().to_owned();
            let rest = || map.iter().filter(|(k, _)| *k != "title" && *k != "note");
            block.pairs = rest()
                .filter(|(_, v)| is_plain(v))
                .map(|(k, v)| (words(k), cell(v)))
                .collect();
            if !(block.title.is_empty() && block.note.is_empty() && block.pairs.is_empty()) {
                out.push(block);
            }
            for (key, value) in rest().filter(|(_, v)| !is_plain(v)) {
                walk(words(key), (level + 1).min(5), value, out);
            }
        }
        plain => {
            block.pairs = vec![(String::new(), cell(plain))];
            out.push(block);
        }
    }
}

fn is_quantity(map: &Map<String, Value>) -> bool {
    map.get("value").is_some_and(|v| !v.is_object() && !v.is_array())
}

/// Whether a value fits a cell.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(map) => is_quantity(map),
        Value::Array(items) => !items.iter().any(|v| v.is_object() || v.is_array()),
        _ => true,
    }
}

fn table(items: &[Value], block: &mut Block) {
    let mut keys: Vec<&String> = Vec::new();
    for key in items.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    block.columns = keys.iter().map(|k| words(k)).collect();
    let row = |item: &Value| {
        keys.iter().map(|&k| item.get(k).map_or_else(Cell::default, cell)).collect()
    };
    block.rows = items.iter().take(MOST_ROWS).map(row).collect();
    if items.len() > MOST_ROWS {
        block.note = format!("the first {MOST_ROWS} of {} rows", items.len());
    }
}

/// A key as people say it.
fn words(key: &str) -> String {
    key.replace('_', " ")
}

fn number(value: &Value) -> Option<String> {
    let whole = value.as_i64().filter(|n| n.abs() < 1_000_000).map(|n| n.to_string());
    whole.map(|n| n.replace('-', "−")).or_else(|| value.as_f64().map(ticks::short))
}

fn cell(value: &Value) -> Cell {
    let plain = |text: String| Cell { text, ..Cell::default() };
    match value {
        Value::Null => plain("–".into()),
        Value::Bool(yes) => plain(if *yes { "yes" } else { "no" }.into()),
        Value::String(text) => plain(text.clone()),
        Value::Number(_) => {
            Cell { text: number(value).unwrap_or_default(), is_number: true, hint: String::new() }
        }
        Value::Array(items) if items.len() > MOST_LISTED => {
            plain(format!("{} values", items.len()))
        }
        Value::Array(items) => {
            let all: Vec<String> = items.iter().map(|v| cell(v).text).collect();
            Cell { is_number: items.iter().all(Value::is_number), ..plain(all.join(", ")) }
        }
        Value::Object(map) if is_quantity(map) => quantity(map),
        Value::Object(map) => plain(format!("{} entries", map.len())),
    }
}

fn quantity(map: &Map<String, Value>) -> Cell {
    let mut shown = map.get("value").map(cell).unwrap_or_default();
    let said = |key| map.get(key).filter(|v| !v.is_null()).map(|v| cell(v).text);
    if let (Some(low), Some(high)) = (said("low"), said("high")) {
        shown.text += &format!(" ({low} to {high})");
    }
    if let Some(unit) = said("unit") {
        shown.text += &format!(" {unit}");
    }
    // [V2] and the like are part of the number.
    if let Some(mark) = said("mark") {
        shown.text += &format!(" {mark}");
    }
    let behind = ["source", "confidence", "note"].into_iter().filter_map(said);
    shown.hint = behind.collect::<Vec<_>>().join("; ");
    shown
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
            "total_energy": { "value": 2.5e-15, "unit": "J", "low": 1e-15, "high": 4e-15, "mark": "[V2]",
                              "source": "paper, table 2", "confidence": "assumed" },
            "rows": [{ "bits": 4, "n": 64 }, { "bits": 8, "loss_db": -0.5 }],
            "deep": { "er": { "x": [1, 2] } },
        });
        let all = blocks(&value);
        let titles: Vec<_> = all.iter().map(|b| (b.title.as_str(), b.level)).collect();
        assert_eq!(titles, [("Energy", 3), ("rows", 4), ("er", 5)]);
        assert_eq!(all[0].pairs[0].0, "machine");
        let total = &all[0].pairs[1].1;
        assert_eq!(total.text, "2.5×10⁻¹⁵ (1×10⁻¹⁵ to 4×10⁻¹⁵) J [V2]");
        assert_eq!(total.hint, "paper, table 2; assumed");
        assert_eq!(all[1].columns, ["bits", "n", "loss db"]);
        assert_eq!(all[1].rows[1][2].text, "−0.5");
        assert_eq!(all[1].rows[1][1], Cell::default());
        assert_eq!(all[2].pairs[0].1.text, "1, 2");
        assert!(blocks(&json!([])).len() == 1 && blocks(&json!(3)).len() == 1);
    }
}
