//! The figures by key: built-in files, a user's file over them, `--set` over both.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::figure::{Confidence, Figure};
use super::unit::{Quantity, Unit};
use crate::error::{Error, Invalid, Place, Result};

static DEVICES: Dir = include_dir!("$CARGO_MANIFEST_DIR/assets/devices");

#[derive(Debug, Clone, Default)]
pub struct Library {
    figures: Vec<Figure>,
    index: HashMap<String, usize>,
    /// Keys that a user gave: no measurement takes their place.
    given: HashSet<String>,
}

/// A figure as a file gives it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    value: Option<f64>,
    low: Option<f64>,
    typical: Option<f64>,
    high: Option<f64>,
    unit: Option<String>,
    source: Option<String>,
    confidence: Option<Confidence>,
}

/// A text whose values are read, to say where an error is.
#[derive(Clone, Copy)]
struct Text<'a> {
    name: &'a str,
    text: &'a str,
}

impl Text<'_> {
    fn error(self, span: Range<usize>, key: &str, rule: impl Into<String>, help: &str) -> Error {
        Error::Invalid(Box::new(Invalid {
            key: key.to_owned(),
            rule: rule.into(),
            help: Some(help.to_owned()),
            place: Some(Place { file: self.name.to_owned(), text: self.text.to_owned(), span }),
        }))
    }
}

const FORM: &str = "write key = { value = 0.5, unit = \"dB\", source = \"...\", confidence = \"assumed\" }, \
                    or low, typical and high in place of value";

impl Library {
    /// The files that are compiled in.
    pub fn built_in() -> Result<Self> {
        let mut library = Self::default();
        let mut files: Vec<_> = DEVICES.files().collect();
        files.sort_by_key(|f| f.path());
        for file in files {
            let name = file.path().display().to_string();
            let is_toml = file.path().extension().is_some_and(|e| e == "toml");
            if let (true, Some(text)) = (is_toml, file.contents_utf8()) {
                library.read(Text { name: &format!("{name} (built in)"), text }, true)?;
            }
        }
        Ok(library)
    }

    /// Figures of a user's file in place of those that are there.
    pub fn overlay(&mut self, path: &Path) -> Result<()> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, "read", e))?;
        self.read(Text { name: &path.display().to_string(), text: &text }, false)
    }

    fn read(&mut self, file: Text, new: bool) -> Result<()> {
        let root = DeTable::parse(file.text).map_err(|e| {
            let rule = format!("not TOML: {}", e.message());
            file.error(e.span().unwrap_or(0..0), "", rule, "see https://toml.io for the format")
        })?;
        for (table, values) in root.get_ref() {
            let table_name = table.get_ref().as_ref();
            let DeValue::Table(values) = values.get_ref() else {
                return Err(file.error(table.span(), table_name, "is no table of figures", FORM));
            };
            for (key, value) in values {
                let key_name = format!("{table_name}.{}", key.get_ref());
                if !new && !self.index.contains_key(&key_name) {
                    let help = self.nearest(&key_name);
                    return Err(file.error(key.span(), &key_name, "no such figure", &help));
                }
                let entry = Entry::deserialize(ValueDeserializer::from(value.clone()));
                let entry = entry
                    .map_err(|e| file.error(value.span(), &key_name, e.message().trim(), FORM))?;
                let span = || Spanned::span(value);
                let figure = self.figure(&key_name, entry, file.name);
                self.insert(
                    figure.map_err(|(rule, help)| file.error(span(), &key_name, rule, &help))?,
                );
                if !new {
                    self.given.insert(key_name);
                }
            }
        }
        Ok(())
    }

    /// `table.key=value`: a number in the figure's unit, three of them, or a string with a unit.
    pub fn set(&mut self, text: &str) -> Result<()> {
        let source = Text { name: "--set", text };
        let whole = 0..text.len();
        let Some((key, value)) = text.split_once('=') else {
            let help = "write --set silicon.mzi_loss=0.2";
            return Err(source.error(whole, "", format!("\"{text}\" has no ="), help));
        };
        let (key, value) = (key.trim(), value.trim());
        let (name, part) = match key.rsplit_once('.') {
            Some((front, part @ ("low" | "typical" | "high"))) => (front, Some(part)),
            _ => (key, None),
        };
        let Some(old) = self.figure_of(name).cloned() else {
            return Err(source.error(whole, key, "no such figure", &self.nearest(name)));
        };
        let given = numbers(value, old.unit).map_err(|rule| {
            let unit = old.unit.name;
            let help = format!(
                "give a number in {unit}, three of them as [low, typical, high], or \"0.5 {unit}\""
            );
            source.error(whole.clone(), key, rule, &help)
        })?;
        let mut range = old.range;
        match (part, &given[..]) {
            (None, [all]) => range = [*all; 3],
            (None, [low, typical, high]) => range = [*low, *typical, *high],
            (Some(part), [one]) => {
                let at = ["low", "typical", "high"].iter().position(|p| *p == part);
                range[at.unwrap_or(1)] = *one;
            }
            _ => {
                let help = "give one number, or [low, typical, high]";
                return Err(source.error(whole, key, "as many numbers mean nothing here", help));
            }
        }
        allowed(name, old.unit, range)
            .map_err(|(rule, help)| source.error(whole, key, rule, &help))?;
        self.given.insert(name.to_owned());
        let source = format!("--set {text}");
        self.insert(Figure { range, source, confidence: Confidence::Assumed, ..old });
        Ok(())
    }

    /// Whether a user gave it, in a file or by `--set`.
    pub fn is_given(&self, key: &str) -> bool {
        self.given.contains(key)
    }

    /// Puts a measurement, in SI, in place of a figure; one that was given stays, and `false` says so.
    pub fn measured(&mut self, key: &str, value: f64, source: &str) -> bool {
        let position = self.position(key);
        let figure = &mut self.figures[position];
        if self.given.contains(key) || !value.is_finite() || value <= 0.0 {
            return false;
        }
        figure.range = [value; 3];
        source.clone_into(&mut figure.source);
        figure.confidence = Confidence::Verified;
        true
    }

    /// Puts a figure in place of another that could not be measured, marked with why; one that was
    /// given stays, and `false` says so.
    pub fn taken(&mut self, key: &str, from: &str, why: &str) -> bool {
        let other = self.figures[self.position(from)].clone();
        let position = self.position(key);
        let figure = &mut self.figures[position];
        if self.given.contains(key) {
            return false;
        }
        figure.range = other.range;
        figure.source = format!("not measured ({why}): {from}, {}", other.source);
        figure.confidence = other.confidence;
        true
    }

    /// Whether a key `table.key` begins with a table of figures.
    pub fn has_table(&self, key: &str) -> bool {
        let table = key.split('.').next().unwrap_or("");
        self.figures.iter().any(|f| f.key.split('.').next() == Some(table))
    }

    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    pub fn figure_of(&self, key: &str) -> Option<&Figure> {
        self.index.get(key).map(|&i| &self.figures[i])
    }

    pub fn position(&self, key: &str) -> usize {
        *self.index.get(key).unwrap_or_else(|| unreachable!("the built-in files hold {key}"))
    }

    fn insert(&mut self, figure: Figure) {
        if let Some(&i) = self.index.get(&figure.key) {
            self.figures[i] = figure;
        } else {
            self.index.insert(figure.key.clone(), self.figures.len());
            self.figures.push(figure);
        }
    }

    /// An entry as a figure; what it leaves out is as it was.
    fn figure(&self, key: &str, entry: Entry, file: &str) -> Result<Figure, (String, String)> {
        let old = self.figure_of(key);
        let form = |rule: &str| (rule.to_owned(), FORM.to_owned());
        let unit = match (&entry.unit, old) {
            (Some(name), _) => Unit::named(name).ok_or_else(|| {
                let names: Vec<_> = super::unit::UNITS.iter().map(|u| u.name).collect();
                (
                    format!("\"{name}\" is no unit that is known"),
                    format!("use {}", names.join(", ")),
                )
            })?,
            (None, Some(old)) => old.unit,
            (None, None) => return Err(form("no unit")),
        };
        if let Some(old) = old.filter(|old| old.unit.quantity != unit.quantity) {
            let rule = format!("is in {}, which \"{}\" is not", old.unit.name, unit.name);
            return Err((rule, format!("use {}", old.unit.fellows())));
        }
        let range = match (entry.value, entry.low, entry.typical, entry.high) {
            (Some(v), None, None, None) => [v; 3],
            (None, Some(low), Some(typical), Some(high)) => [low, typical, high],
            _ => return Err(form("neither one value nor low, typical and high")),
        };
        let range = range.map(|v| v * unit.si);
        allowed(key, unit, range)?;
        let source = entry.source.unwrap_or_else(|| file.to_owned());
        let confidence = entry.confidence.unwrap_or(Confidence::Assumed);
        Ok(Figure { key: key.to_owned(), range, unit, source, confidence })
    }

    fn nearest(&self, key: &str) -> String {
        let near = self.figures.iter().max_by(|a, b| {
            strsim::jaro_winkler(&a.key, key).total_cmp(&strsim::jaro_winkler(&b.key, key))
        });
        let near = near.filter(|n| strsim::jaro_winkler(&n.key, key) > 0.75);
        let guess = near.map_or_else(String::new, |n| format!("did you mean `{}`? ", n.key));
        format!("{guess}`lightloom energy --figures` lists them all")
    }
}

/// Numbers of a `--set` in SI.
fn numbers(text: &str, unit: Unit) -> Result<Vec<f64>, String> {
    let wrong = || format!("\"{text}\" is no number in {}", unit.name);
    let parsed: toml::Table = toml::from_str(&format!("v = {text}"))
        .or_else(|_| toml::from_str(&format!("v = {text:?}")))
        .map_err(|_| wrong())?;
    let one = |value: &toml::Value| match value {
        toml::Value::Integer(v) => Some(*v as f64 * unit.si),
        toml::Value::Float(v) => Some(v * unit.si),
        toml::Value::String(text) => {
            let (number, name) = text.trim().split_once(char::is_whitespace)?;
            let given = Unit::named(name.trim()).filter(|u| u.quantity == unit.quantity)?;
            Some(number.parse::<f64>().ok()? * given.si)
        }
        _ => None,
    };
    match parsed.get("v") {
        Some(toml::Value::Array(list)) => {
            list.iter().map(one).collect::<Option<Vec<_>>>().ok_or_else(wrong)
        }
        Some(value) => one(value).map(|v| vec![v]).ok_or_else(wrong),
        None => Err(wrong()),
    }
}

/// Figures that are shares.
const SHARES: [&str; 4] = ["wall_plug", "on_detector", "svd_transmission", "quantum_efficiency"];

/// What a quantity may be; else the rule and the way out.
fn allowed(key: &str, unit: Unit, range: [f64; 3]) -> Result<(), (String, String)> {
    let [low, typical, high] = range;
    if !range.iter().all(|v| v.is_finite()) {
        return Err(("is not a finite number".into(), "give finite numbers".into()));
    }
    if !(low <= typical && typical <= high) {
        let rule = "low, typical and high must not fall".to_owned();
        return Err((rule, "give all three in rising order, or one value".into()));
    }
    let name = key.rsplit('.').next().unwrap_or("");
    if SHARES.contains(&name) && !(low > 0.0 && high <= 1.0) {
        return Err(("is a share: above 0 and at most 1".into(), "give for example 0.1".into()));
    }
    // What something is divided by; all else may be nothing, but not less.
    let divides = matches!(
        unit.quantity,
        Quantity::Frequency
            | Quantity::OperationRate
            | Quantity::Responsivity
            | Quantity::Length
            | Quantity::Temperature
    ) || (unit.quantity == Quantity::Number && name != "hold")
        || key == "thermo.product"
        || name == "full_well"
        || name.starts_with("b4")
        || name.starts_with("b8");
    // Those of a GPU that is not there are 0.
    let divides = divides && !key.starts_with("gpu.");
    if divides && low <= 0.0 {
        return Err(("must be positive".into(), "give a number above 0".into()));
    }
    if low < 0.0 {
        return Err(("must not be negative".into(), "give a number from 0 on".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_files_say_everything() {
        let library = Library::built_in().expect("they are right");
        assert!(library.figures().len() > 60);
        for f in library.figures() {
            assert!(!f.source.is_empty() && !f.source.contains("built in"), "{}", f.key);
        }
    }

    #[test]
    fn a_figure_is_set_in_its_unit_or_another() {
        let mut library = Library::built_in().expect("they are right");
        for (text, range) in [
            ("silicon.mzi_loss=0.2", [0.2; 3]),
            ("silicon.mzi_loss=[0.1, 0.2, 0.4]", [0.1, 0.2, 0.4]),
            ("silicon.mzi_loss.high=0.6", [0.1, 0.2, 0.6]),
            ("silicon.mzi_loss=0.3 dB", [0.3; 3]),
        ] {
            library.set(text).expect(text);
            assert_eq!(library.figure_of("silicon.mzi_loss").expect("there").range, range);
        }
        library.set("dac.b8=2000 fJ").expect("another unit");
        let dac = library.figure_of("dac.b8").expect("there");
        assert!((dac.typical() / 2e-12 - 1.0).abs() < 1e-12);
        assert_eq!(dac.confidence, Confidence::Assumed);
    }

    /// What a user gave, in a file or by --set, is not measured over; what they left is.
    #[test]
    fn given_figures_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mine.toml");
        let mine = "[cpu]\ncore_rate = { value = 7, unit = \"GOPS\", source = \"ours\" }\n";
        std::fs::write(&file, mine).expect("a file");
        let mut library = Library::built_in().expect("they are right");
        library.overlay(&file).expect("it is right");
        library.set("cpu.core_power=3").expect("a power");
        assert!(!library.measured("cpu.core_rate", 1e9, "a run"));
        assert!(!library.taken("cpu.core_rate", "cpu.core_rate", "a test"));
        assert!(!library.measured("cpu.core_power", 9.0, "a run"));
        assert_eq!(library.figure_of("cpu.core_rate").expect("there").source, "ours");
        assert!(library.measured("cpu.cores", 2.0, "a run"));
        assert_eq!(library.figure_of("cpu.cores").expect("there").range, [2.0; 3]);
    }

    #[test]
    fn wrong_figures_are_refused() {
        let mut library = Library::built_in().expect("they are right");
        for (text, says) in [
            ("silicon.mzi_los=0.2", "no such figure"),
            ("silicon.mzi_loss", "has no ="),
            ("silicon.mzi_loss=-1", "negative"),
            ("silicon.mzi_loss=much", "no number"),
            ("silicon.mzi_loss=3 pJ", "no number in dB"),
            ("silicon.mzi_loss=[1, 2]", "as many numbers"),
            ("silicon.mzi_loss=[3, 2, 1]", "must not fall"),
            ("silicon.wall_plug=1.5", "share"),
            ("silicon.symbol_rate=0", "positive"),
            ("silicon.symbol_rate=nan", "finite"),
        ] {
            let error = library.set(text).expect_err(text);
            assert!(error.to_string().contains(says), "{text}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
