//! Reads an experiment file: TOML, overrides, then the rules; every error with its place.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Experiment, check, device};
use crate::error::{Error, Invalid, Place, Result};
use crate::methods::recipe::{Adam, Constant, Cosine, Sgd};
use crate::optics::element::{AmplitudeMask, Aperture, FreeSpace, Lens, Monitor, PhaseMask};
use crate::optics::mesh::imperfections::canonical;
use crate::optics::source::{FieldFile, Gaussian, PlaneWave};
use crate::units::Metres;

/// An experiment and where each of its keys stands.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub experiment: Experiment,
    /// What is doubtful but allowed.
    pub warnings: Vec<String>,
    file: String,
    text: String,
    overrides: Vec<(String, String)>,
}

/// Reads a file and applies overrides `a.b=c`.
pub fn load(path: &Path, overrides: &[String]) -> Result<Loaded> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, "read", e))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    from_text(&path.display().to_string(), &text, &folder, overrides)
}

/// `folder` is what relative paths in the file start from.
pub fn from_text(name: &str, text: &str, folder: &Path, overrides: &[String]) -> Result<Loaded> {
    let mut parts = Vec::new();
    for text in overrides {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Error::invalid("--set", format!("\"{text}\" has no ="))
                .help("write --set train.optimizer.lr=1e-3"));
        };
        if key.trim().is_empty() {
            return Err(Error::invalid("--set", format!("\"{text}\" names no key"))
                .help("write --set train.optimizer.lr=1e-3"));
        }
        parts.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    let source = Text { file: name, content: text, overrides: &parts };
    let document: toml::Table = toml::from_str(text).map_err(|e| {
        let place =
            Place { file: name.to_owned(), text: text.to_owned(), span: e.span().unwrap_or(0..0) };
        Error::Invalid(Box::new(Invalid {
            key: String::new(),
            rule: format!("not TOML: {}", e.message()),
            help: Some(
                "see https://toml.io for the format, and assets/experiments for examples".into(),
            ),
            place: Some(place),
        }))
    })?;
    let mut value = toml::Value::Table(document);
    let is_preset = |key: &str| steps(key) == steps("hardware.preset");
    if let Some((_, name)) = parts.iter().rfind(|(key, _)| is_preset(key)) {
        let name = parse_value(name);
        let room = name.as_str().map_or(Ok(()), |name| device::make_room(&mut value, name));
        room.map_err(|e| source.locate(e))?;
    }
    for (key, given) in &parts {
        let parsed = parse_value(given);
        set(&mut value, key, parsed).map_err(|e| source.locate(e))?;
    }
    default_kinds(&mut value);
    device::fill(&mut value).map_err(|e| source.locate(e))?;
    finite("", &value).map_err(|e| source.locate(e))?;
    let mut experiment: Experiment = deserialize(value.clone(), "")
        .map_err(|e| source.locate(per_axis(&value, refine(&value, e))))?;
    experiment.resolve_paths(folder);
    let warnings = check::check(&experiment).map_err(|e| source.locate(e))?;
    Ok(Loaded {
        experiment,
        warnings,
        file: name.to_owned(),
        text: text.to_owned(),
        overrides: parts,
    })
}

impl Loaded {
    /// Gives an error its place in the file, if it names a key.
    pub fn locate(&self, error: Error) -> Error {
        Text { file: &self.file, content: &self.text, overrides: &self.overrides }.locate(error)
    }

    /// The file with every default written out.
    pub fn resolved(&self) -> Result<String> {
        toml::to_string(&self.experiment)
            .map_err(|e| Error::invalid("", format!("cannot be written: {e}")))
    }
}

/// TOML, or a bare string where it is none: `--set data.name=mnist`.
fn parse_value(text: &str) -> toml::Value {
    let table = toml::from_str::<toml::Table>(&format!("v = {text}"));
    let parsed = table.ok().filter(|t| t.len() == 1).and_then(|mut t| t.remove("v"));
    parsed.unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

/// One step of a dotted path.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

fn steps(path: &str) -> Option<Vec<Step>> {
    let mut out = Vec::new();
    for part in path.split('.').filter(|p| !p.is_empty()) {
        let mut pieces = part.split('[');
        let key = pieces.next()?;
        if !key.is_empty() {
            // `optic.element.2.z` and `optic.element[2].z` are the same.
            out.push(key.parse().map_or_else(|_| Step::Key(key.to_owned()), Step::Index));
        }
        for index in pieces {
            out.push(Step::Index(index.strip_suffix(']')?.parse().ok()?));
        }
    }
    Some(out)
}

/// Likewise, keys under the names by which the rules know them.
fn canonical_steps(path: &str) -> Option<Vec<Step>> {
    let canonical = |step| match step {
        Step::Key(key) => Step::Key(canonical(&key).to_owned()),
        step @ Step::Index(_) => step,
    };
    steps(path).map(|all| all.into_iter().map(canonical).collect())
}

fn set(root: &mut toml::Value, path: &str, new: toml::Value) -> Result<()> {
    let bad = |rule: String| {
        Error::invalid(path, rule)
            .help("name a key of the file, as train.optimizer.lr or optic.element[2].z")
    };
    let steps =
        steps(path).filter(|s| !s.is_empty()).ok_or_else(|| bad("not a path of keys".into()))?;
    let mut at = root;
    for step in &steps {
        at = match (step, at) {
            (Step::Key(key), toml::Value::Table(table)) => {
                table.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()))
            }
            (Step::Index(i), toml::Value::Array(list)) => {
                let n = list.len();
                list.get_mut(*i).ok_or_else(|| {
                    bad(format!("there are {n} entries, 0 to {}", n.saturating_sub(1)))
                })?
            }
            (Step::Key(key), _) => {
                return Err(bad(format!("`{key}` would lie in something that is no table")));
            }
            (Step::Index(i), _) => {
                return Err(bad(format!("[{i}] would lie in something that is no list")));
            }
        };
    }
    *at = new;
    Ok(())
}

/// Tables whose `kind` may be left out, and what it then is.
pub const DEFAULT_KINDS: [([&str; 2], &str); 3] = [
    (["train", "optimizer"], "adam"),
    (["train", "schedule"], "cosine"),
    (["optic", "source"], "plane"),
];

/// So that `--set train.optimizer.lr=1e-3` works on a file that says nothing of its optimiser.
fn default_kinds(root: &mut toml::Value) {
    for ([block, name], kind) in DEFAULT_KINDS {
        let table = root.get_mut(block).and_then(|b| b.get_mut(name));
        if let Some(table) = table.and_then(toml::Value::as_table_mut) {
            table.entry("kind").or_insert_with(|| toml::Value::String(kind.to_owned()));
        }
    }
}

/// No NaN and no infinity anywhere.
fn finite(path: &str, value: &toml::Value) -> Result<()> {
    match value {
        toml::Value::Float(x) if !x.is_finite() => {
            Err(Error::invalid(path, format!("{x} is not a finite number"))
                .help("give a finite number"))
        }
        toml::Value::Table(table) => table.iter().try_for_each(|(key, v)| {
            let dot = if path.is_empty() { "" } else { "." };
            finite(&format!("{path}{dot}{key}"), v)
        }),
        toml::Value::Array(list) => {
            list.iter().enumerate().try_for_each(|(i, v)| finite(&format!("{path}[{i}]"), v))
        }
        _ => Ok(()),
    }
}

/// Deserialises with the path of what is wrong, below `prefix`.
fn deserialize<T: DeserializeOwned>(value: toml::Value, prefix: &str) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|e| {
        let inner = e.path().to_string();
        let mut key = match (prefix, inner.as_str()) {
            (_, ".") => prefix.to_owned(),
            ("", _) => inner,
            _ => format!("{prefix}.{inner}"),
        };
        let message = e.into_inner().message().trim().to_owned();
        let mut quoted = message.split('`').skip(1).step_by(2);
        let name = quoted.next().unwrap_or("").to_owned();
        let known: Vec<&str> = quoted.collect();
        let mut help = "see `lightloom schema` for every key and its type".to_owned();
        let rule;
        if message.starts_with("unknown field") || message.starts_with("unknown variant") {
            let what = if message.starts_with("unknown field") { "key" } else { "value" };
            if what == "key" && !key.ends_with(&name) {
                key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            }
            rule = format!("unknown {what} `{name}`");
            let near = known.iter().max_by(|a, b| {
                strsim::jaro_winkler(a, &name).total_cmp(&strsim::jaro_winkler(b, &name))
            });
            help = match known[..] {
                [] => "leave it out".to_owned(),
                _ => format!("use one of {}", known.join(", ")),
            };
            if let Some(near) = near.filter(|n| strsim::jaro_winkler(n, &name) > 0.75) {
                help = format!("did you mean `{near}`? {help}");
            }
        } else if message.starts_with("missing field") {
            key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            rule = format!("missing key `{name}`");
            help = format!("add `{name} = ...`; {help}");
        } else {
            rule = message;
        }
        Error::invalid(key, rule).help(help)
    })
}

/// Whether a table reads as a `T`.
fn read<T: DeserializeOwned>(value: &toml::Value, outer: &str) -> Result<()> {
    deserialize::<T>(value.clone(), outer).map(drop)
}

/// Finds the inner path of an error inside a tagged table, which serde loses: the table is read
/// again as what its `kind` says.
fn refine(root: &toml::Value, error: Error) -> Error {
    let Error::Invalid(invalid) = &error else { return error };
    let mut outer = String::new();
    let mut at = root;
    for step in steps(&invalid.key).unwrap_or_default() {
        let name = match &step {
            Step::Key(key) if outer.is_empty() => key.clone(),
            Step::Key(key) => format!(".{key}"),
            Step::Index(i) => format!("[{i}]"),
        };
        let next = match step {
            Step::Key(key) => at.get(&key),
            Step::Index(i) => at.get(i),
        };
        match next {
            Some(next) if next.is_table() || next.is_array() => at = next,
            _ => break,
        }
        outer += &name;
    }
    let Some(table) = at.as_table() else { return error };
    let mut table = table.clone();
    let Some(toml::Value::String(kind)) = table.remove("kind") else { return error };
    let value = toml::Value::Table(table);
    let again = |result: Result<()>| result.err();
    let inner = match (outer.rsplit('.').next().unwrap_or(""), kind.as_str()) {
        (_, "free_space") => again(read::<FreeSpace>(&value, &outer)),
        (_, "phase_mask") => again(read::<PhaseMask>(&value, &outer)),
        (_, "amplitude_mask") => again(read::<AmplitudeMask>(&value, &outer)),
        (_, "aperture") => again(read::<Aperture>(&value, &outer)),
        (_, "lens") => again(read::<Lens>(&value, &outer)),
        (_, "monitor") => again(read::<Monitor>(&value, &outer)),
        ("source", "plane") => again(read::<PlaneWave>(&value, &outer)),
        ("source", "gaussian") => again(read::<Gaussian>(&value, &outer)),
        ("source", "file") => again(read::<FieldFile>(&value, &outer)),
        (_, "adam") => again(read::<Adam>(&value, &outer)),
        (_, "sgd") => again(read::<Sgd>(&value, &outer)),
        (_, "constant") => again(read::<Constant>(&value, &outer)),
        (_, "cosine") => again(read::<Cosine>(&value, &outer)),
        _ => None,
    };
    inner.unwrap_or(error)
}

/// Says what is wrong with a value that is one for both axes or `[y, x]`: serde only says that it
/// is neither.
fn per_axis(root: &toml::Value, error: Error) -> Error {
    fn read<T: DeserializeOwned>(value: &toml::Value, key: &str) -> Result<()> {
        match value {
            toml::Value::Array(_) => deserialize::<[T; 2]>(value.clone(), key).map(drop),
            _ => deserialize::<T>(value.clone(), key).map(drop),
        }
    }
    let Error::Invalid(invalid) = &error else { return error };
    if !invalid.rule.contains("untagged enum PerAxis") {
        return error;
    }
    let key = invalid.key.clone();
    let value = steps(&key).unwrap_or_default().iter().try_fold(root, |at, step| match step {
        Step::Key(key) => at.get(key),
        Step::Index(i) => at.get(i),
    });
    let again = value.map(|value| {
        if key.ends_with("samples") {
            read::<usize>(value, &key)
        } else {
            read::<Metres>(value, &key)
        }
    });
    again.and_then(Result::err).unwrap_or(error)
}

/// A file's text and the overrides on it.
struct Text<'a> {
    file: &'a str,
    content: &'a str,
    overrides: &'a [(String, String)],
}

impl Text<'_> {
    fn locate(&self, mut error: Error) -> Error {
        // A flag of the command line stands in no file.
        if let Error::Invalid(invalid) = &mut error
            && invalid.place.is_none()
            && !invalid.key.starts_with("--")
        {
            invalid.place = Some(self.place(&invalid.key));
        }
        error
    }

    fn place(&self, key: &str) -> Place {
        let wanted = canonical_steps(key).unwrap_or_default();
        // An override stands for the key itself and for all below it.
        for (given, value) in self.overrides.iter().rev() {
            if canonical_steps(given).is_some_and(|g| !g.is_empty() && wanted.starts_with(&g)) {
                let text = format!("{given}={value}");
                return Place { file: "--set".into(), span: 0..text.len(), text };
            }
        }
        let (span, there) = span_of(self.content, &wanted).unwrap_or((0..0, false));
        // A key that the file does not have may be one that an override goes through.
        for (given, value) in self.overrides.iter().rev().filter(|_| !there) {
            if canonical_steps(given).is_some_and(|g| !wanted.is_empty() && g.starts_with(&wanted))
            {
                let text = format!("{given}={value}");
                return Place { file: "--set".into(), span: 0..text.len(), text };
            }
        }
        Place { file: self.file.to_owned(), text: self.content.to_owned(), span }
    }
}

/// Bytes of a key's value, or of the nearest table around it that is there; whether the key is.
fn span_of(text: &str, path: &[Step]) -> Option<(Range<usize>, bool)> {
    let root = DeTable::parse(text).ok()?;
    let mut span = 0..0;
    let mut table: Option<&DeTable> = Some(root.get_ref());
    let mut value: Option<&Spanned<DeValue>> = None;
    for step in path {
        let next = match (step, table, value.map(Spanned::get_ref)) {
            (Step::Key(key), Some(t), _) => {
                t.iter().find(|(k, _)| canonical(k.get_ref()) == key).map(|(k, v)| (k.span(), v))
            }
            (Step::Index(i), _, Some(DeValue::Array(list))) => list.get(*i).map(|v| (v.span(), v)),
            _ => None,
        };
        let Some((key_span, found)) = next else { return Some((span, false)) };
        table = match found.get_ref() {
            DeValue::Table(t) => Some(t),
            _ => None,
        };
        // A table's own span is all of it or only its header; its key says where it begins.
        span =
            if table.is_some() && matches!(step, Step::Key(_)) { key_span } else { found.span() };
        value = Some(found);
    }
    Some((span, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_in_no_file() {
        let text = "[optic]\nwavelength = \"532 nm\"\npitch = \"8 um\"\nsamples = 16\nelement = [{ kind = \"phase_mask\" }]\n";
        let loaded = from_text("test.toml", text, Path::new(""), &[]).expect("valid");
        let said = |key: &str| loaded.locate(Error::invalid(key, "wrong")).to_string();
        assert_eq!(said("--range"), "--range: wrong");
        assert_eq!(said("optic.pitch"), "test.toml:3: optic.pitch: wrong");
    }
}
