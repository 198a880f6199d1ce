//! H.toml → [`Imperfections`]: keys alone, or under `[hardware]` or `[hardware.mesh]` of an
//! experiment file.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::place::Source;
use crate::error::{Error, Result};
use crate::optics::mesh::Imperfections;
use crate::optics::mesh::imperfections::canonical;

/// A kind of chip, and the seed that an experiment file gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Hardware {
    pub spec: Imperfections,
    pub seed: Option<u64>,
}

const WHERE: &str =
    "write the keys of a mesh alone, or under [hardware] or [hardware.mesh] of an experiment file";

/// Reads a H.toml with overrides `loss_db=0.2` or `hardware.mesh.loss_db=0.2`.
pub fn read(path: &Path, overrides: &[String]) -> Result<Hardware> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, "read", e))?;
    parse(&path.display().to_string(), &text, overrides)
}

/// Reads the text of a H.toml; `name` is that of its file.
pub fn parse(name: &str, text: &str, overrides: &[String]) -> Result<Hardware> {
    let source = Source { name, text };
    let root = DeTable::parse(text).map_err(|e| {
        let rule = format!("not TOML: {}", e.message());
        source.error(e.span().unwrap_or(0..0), "", rule, "see https://toml.io for the format")
    })?;
    let (prefix, table) = locate(&source, &root)?;
    let seed = root.get_ref().get("seed").filter(|_| !prefix.is_empty());
    let seed = seed.map(|value| seed_of(&source, value)).transpose()?;
    let mut spec = Imperfections::deserialize(ValueDeserializer::from(table.clone()))
        .map_err(|e| refused(&source, e.span().unwrap_or(table.span()), prefix, e.message()))?;
    let mut keys = keys_of(&table);
    // The values of the file, and overrides in their place.
    let mut values = toml::Table::try_from(&spec).unwrap_or_default();
    values.retain(|key, _| keys.iter().any(|(k, _)| canonical(k) == key));
    let mut given: Vec<(String, String)> = Vec::new();
    for text in overrides {
        let (key, value) = split(text)?;
        let source = Source { name: "--set", text };
        let parsed: toml::Table = toml::from_str(&format!("v = {value}"))
            .map_err(|e| source.error(0..text.len(), &key, e.message(), "give a TOML value"))?;
        values.insert(canonical(&key).into(), parsed.get("v").cloned().unwrap_or(value.into()));
        spec = values
            .clone()
            .try_into()
            .map_err(|e: toml::de::Error| refused(&source, 0..text.len(), "", e.message()))?;
        given.push((canonical(&key).into(), text.clone()));
    }
    spec.check().map_err(|e| {
        let key = if let Error::Invalid(inner) = &e { inner.key.clone() } else { String::new() };
        if let Some((_, text)) = given.iter().rev().find(|(k, _)| *k == key) {
            return Source { name: "--set", text }.at(0..text.len(), &key, e);
        }
        let at = keys.drain(..).find(|(k, _)| canonical(k) == key);
        let span = at.map_or(table.span(), |(_, span)| span);
        source.at(span, &format!("{prefix}{key}"), e)
    })?;
    Ok(Hardware { spec, seed })
}

/// The table of the mesh's keys, and what stands before them.
fn locate<'i>(
    source: &Source,
    root: &Spanned<DeTable<'i>>,
) -> Result<(&'static str, Spanned<DeValue<'i>>)> {
    let whole = |table: &Spanned<DeTable<'i>>| {
        Spanned::new(table.span(), DeValue::Table(table.get_ref().clone()))
    };
    let top = root.get_ref();
    let Some((key, hardware)) = top.iter().find(|(k, _)| k.get_ref() == "hardware") else {
        if let Some((key, _)) = top.iter().find(|(k, _)| EXPERIMENT.contains(&k.get_ref().as_ref()))
        {
            let rule = "this experiment file says nothing of its hardware";
            return Err(source.error(key.span(), "hardware", rule, WHERE));
        }
        return Ok(("", whole(root)));
    };
    // Two places for the same keys: one of them would be ignored.
    let mut fields = known();
    fields.retain(|f| top.iter().any(|(k, _)| canonical(k.get_ref()) == f));
    if let Some(stray) =
        top.iter().find(|(k, _)| fields.iter().any(|f| canonical(k.get_ref()) == f))
    {
        let key = stray.0.get_ref().to_string();
        let rule = "this key stands outside of [hardware], where it means nothing";
        return Err(source.error(stray.0.span(), &key, rule, WHERE));
    }
    let Some(inner) = hardware.get_ref().as_table() else {
        let rule = "[hardware] must be a table";
        return Err(source.error(key.span(), "hardware", rule, WHERE));
    };
    if let Some((key, _)) = inner.iter().find(|(k, _)| k.get_ref() == "preset") {
        let rule = "presets are for experiments, and this command reads the keys of a mesh alone";
        let help = "write the preset's keys under [hardware.mesh]: `lightloom validate` lists them";
        return Err(source.error(key.span(), "hardware.preset", rule, help));
    }
    match inner.iter().find(|(k, _)| k.get_ref() == "mesh") {
        Some((_, mesh)) if mesh.get_ref().is_table() => Ok(("hardware.mesh.", mesh.clone())),
        Some((key, _)) => {
            let rule = "[hardware.mesh] must be a table";
            Err(source.error(key.span(), "hardware.mesh", rule, WHERE))
        }
        None => Ok(("hardware.", hardware.clone())),
    }
}

/// Keys of an experiment file beside `hardware`.
const EXPERIMENT: [&str; 4] = ["seed", "data", "optic", "train"];

fn seed_of(source: &Source, value: &Spanned<DeValue>) -> Result<u64> {
    u64::deserialize(ValueDeserializer::from(value.clone())).map_err(|e| {
        source.error(value.span(), "seed", e.message(), "give a whole number from 0 on")
    })
}

fn keys_of(table: &Spanned<DeValue>) -> Vec<(String, Range<usize>)> {
    let inner = table.get_ref().as_table().into_iter().flatten();
    inner.map(|(k, v)| (k.get_ref().to_string(), v.span())).collect()
}

/// Names of all keys.
fn known() -> Vec<String> {
    let full = Imperfections {
        extinction_db: Some(1.0),
        phase_bits: Some(1),
        voltage_bits: Some(1),
        ..Default::default()
    };
    toml::Table::try_from(full).unwrap_or_default().keys().cloned().collect()
}

/// `hardware.mesh.loss_db=0.2` → `loss_db` and `0.2`.
fn split(text: &str) -> Result<(String, String)> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(
            Error::invalid("--set", format!("\"{text}\" has no =")).help("write --set loss_db=0.2")
        );
    };
    let key = key.trim();
    let key = key.strip_prefix("hardware.").unwrap_or(key);
    let key = key.strip_prefix("mesh.").unwrap_or(key);
    Ok((key.to_owned(), value.trim().to_owned()))
}

/// What serde says, with the key it is about.
fn refused(source: &Source, span: Range<usize>, prefix: &str, message: &str) -> Error {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let name = quoted.next().unwrap_or_default().to_owned();
    if message.starts_with("unknown field") {
        let keys = known();
        let near = keys.iter().max_by(|a, b| {
            strsim::jaro_winkler(a, &name).total_cmp(&strsim::jaro_winkler(b, &name))
        });
        let mut help = format!("use {}", keys.join(", "));
        if let Some(near) = near.filter(|n| strsim::jaro_winkler(n, &name) > 0.75) {
            help = format!("did you mean `{near}`? {help}");
        }
        let key = format!("{prefix}{name}");
        return source.error(span, &key, format!("unknown key `{name}`"), help);
    }
    // The key whose line this is.
    let text = &source.text[..span.start.min(source.text.len())];
    let line = text.rsplit(['\n', '{', ',']).next().unwrap_or_default();
    let key = line.split('=').next().unwrap_or_default().trim();
    source.error(span, &format!("{prefix}{key}"), message.trim(), "give a value of the right type")
}
