//! Presets of real devices: figures with unit, source and confidence that stand for the keys of a
//! `[hardware]` block that are left out.

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::optics::Hardware;
use crate::units::Confidence;

static PRESETS: Dir = include_dir!("$CARGO_MANIFEST_DIR/assets/devices/presets");

/// A kind of device that is sold or published.
#[derive(Debug, Clone)]
pub struct Preset {
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    /// Whether it is a chip; else a stack of planes.
    pub chip: bool,
    pub figures: Vec<Figure>,
}

/// One key of the block.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Below `hardware`, as `mask.levels`.
    pub key: String,
    /// As an experiment file has it: lengths with their unit.
    pub value: Value,
    pub unit: String,
    pub source: String,
    pub confidence: Confidence,
}

/// A preset's file.
#[derive(Deserialize)]
struct File {
    about: String,
    machine: Machine,
    #[serde(flatten)]
    rest: Table,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Machine {
    Stack,
    Chip,
}

/// A figure as a file gives it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    value: Value,
    unit: String,
    source: String,
    confidence: Confidence,
}

/// Units of lengths, which experiment files write with their numbers.
const LENGTHS: [&str; 4] = ["nm", "um", "mm", "m"];
/// Keys that say the same thing twice: of one that is given, the preset's other is left out.
const RIVALS: [(&str, &str); 5] = [
    ("mask.lookup", "mask.levels"),
    ("mesh.splitter_amplitude", "mesh.splitter_angle"),
    ("mesh.bs_error", "mesh.splitter_angle"),
    ("mesh.crosstalk_factor", "mesh.crosstalk"),
    ("mesh.voltage_bits", "mesh.phase_bits"),
];

impl Figure {
    /// Whether a block has this figure's value.
    pub fn is_in(&self, hardware: &Hardware) -> bool {
        let written = Value::try_from(hardware).ok();
        let at = self
            .key
            .split('.')
            .try_fold(written.as_ref(), |at, part| at.map(|value| value.get(part)));
        // A length is written in another unit perhaps.
        let length =
            |value: &Value| value.as_str().and_then(|text| crate::units::Metres::parse(text).ok());
        let number =
            |value: &Value| value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
        let Some(Some(there)) = at else { return false };
        match (length(there), length(&self.value)) {
            (Some(a), Some(b)) => (a.0 - b.0).abs() <= 1e-9 * b.0.abs(),
            _ => number(there) == number(&self.value),
        }
    }
}

/// The names of all presets.
pub fn names() -> Vec<String> {
    let stem = |f: &include_dir::File| f.path().file_stem()?.to_str().map(str::to_owned);
    let mut names: Vec<String> = PRESETS.files().filter_map(stem).collect();
    names.sort_unstable();
    names
}

/// The preset of this name.
pub fn named(name: &str) -> Result<Preset> {
    let file = PRESETS.get_file(format!("{name}.toml")).and_then(include_dir::File::contents_utf8);
    let Some(text) = file else {
        let help = format!("use one of {}", names().join(", "));
        return Err(
            Error::invalid("hardware.preset", format!("no preset is called \"{name}\"")).help(help)
        );
    };
    parse(name, text).map_err(|rule| Error::invalid("hardware.preset", format!("{name}: {rule}")))
}

fn parse(name: &str, text: &str) -> std::result::Result<Preset, String> {
    let file: File = toml::from_str(text).map_err(|e| e.message().to_owned())?;
    let mut figures = Vec::new();
    collect("", file.rest, &mut figures)?;
    let (name, chip) = (name.to_owned(), file.machine == Machine::Chip);
    Ok(Preset { name, about: file.about, chip, figures })
}

/// A table with a `value` is a figure, any other holds some.
fn collect(path: &str, table: Table, to: &mut Vec<Figure>) -> std::result::Result<(), String> {
    for (key, value) in table {
        let key = if path.is_empty() { key } else { format!("{path}.{key}") };
        match value {
            Value::Table(inner) if inner.contains_key("value") => {
                let Entry { value, unit, source, confidence } =
                    Value::Table(inner).try_into().map_err(|e| format!("{key}: {e}"))?;
                let value = if LENGTHS.contains(&unit.as_str()) {
                    Value::String(format!("{value} {unit}"))
                } else {
                    value
                };
                to.push(Figure { key, value, unit, source, confidence });
            }
            Value::Table(inner) => collect(&key, inner, to)?,
            _ => return Err(format!("{key} is no figure")),
        }
    }
    Ok(())
}

/// Puts a preset's figures in the place of the keys that the file's `[hardware]` leaves out.
pub fn fill(root: &mut Value) -> Result<()> {
    let chip = root.get("optic").and_then(|optic| optic.get("modes")).is_some();
    let Some(Value::Table(hardware)) = root.get_mut("hardware") else { return Ok(()) };
    // What is no text is refused where the block is read.
    let Some(name) = hardware.get("preset").and_then(Value::as_str) else { return Ok(()) };
    let preset = named(name)?;
    if preset.chip != chip {
        let kind = |chip| if chip { "a chip" } else { "a stack" };
        let rule = format!("\"{name}\" is {}, and this optic is {}", kind(preset.chip), kind(chip));
        let fits = |name: &String| named(name).is_ok_and(|p| p.chip == chip);
        let others: Vec<String> = names().into_iter().filter(fits).collect();
        return Err(
            Error::invalid("hardware.preset", rule).help(format!("use {}", others.join(" or ")))
        );
    }
    let given = hardware.clone();
    let has = |key: &str| {
        let found = key.split('.').try_fold(None, |at: Option<&Value>, part| match at {
            None => given.get(part).map(Some),
            Some(value) => value.get(part).map(Some),
        });
        found.is_some()
    };
    for figure in preset.figures {
        let rival = RIVALS.iter().any(|(own, other)| *other == figure.key && has(own));
        if !rival && !has(&figure.key) {
            put(hardware, &figure.key, figure.value);
        }
    }
    Ok(())
}

/// Sets a dotted key; what is no table on its way is refused where the block is read.
fn put(table: &mut Table, key: &str, value: Value) {
    let Some((first, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::load::from_text;

    fn loaded(preset: &str, more: &str, chip: bool) -> Result<crate::experiment::Experiment> {
        let optic = if chip {
            "wavelength = \"1.55 um\"\nmodes = 4\nelement = [{ kind = \"mesh\" }]"
        } else {
            "wavelength = \"532 nm\"\npitch = \"8 um\"\nsamples = 16\nelement = [{ kind = \"phase_mask\" }]"
        };
        let text = format!("[optic]\n{optic}\n[hardware]\npreset = \"{preset}\"\n{more}\n");
        from_text("test.toml", &text, std::path::Path::new(""), &[]).map(|l| l.experiment)
    }

    /// Every file says everything, every value keeps the rules of the block and arrives in it, and
    /// what is written out reads as the same.
    #[test]
    fn presets_are_valid_blocks() {
        assert_eq!(names(), ["dmd", "lcos", "silicon", "thz"]);
        for name in names() {
            let preset = named(&name).expect("a preset");
            assert!(preset.figures.len() > 8 && !preset.about.is_empty(), "{name}");
            let hardware = loaded(&name, "", preset.chip).expect(&name).hardware.expect("a block");
            assert!(!hardware.is_ideal());
            for figure in &preset.figures {
                assert!(!figure.source.is_empty() && !figure.unit.is_empty(), "{}", figure.key);
                assert!(figure.is_in(&hardware), "{name}: {}", figure.key);
            }
            let written = toml::to_string(&hardware).expect("a block");
            let again: Hardware = toml::from_str(&written).expect("the same block");
            assert_eq!(toml::to_string(&again).expect("a block"), written);
        }
    }

    #[test]
    fn given_keys_stand_over_a_preset() {
        let more = "seed = 7\nmask = { levels = 16 }\nalignment = { lateral = \"1 um\" }";
        let hardware = loaded("lcos", more, false).expect("valid").hardware.expect("a block");
        assert_eq!((hardware.seed, hardware.mask.levels), (7, Some(16)));
        assert!((hardware.alignment.lateral.0 - 1e-6).abs() < 1e-18);
        assert_eq!(hardware.mask.crosstalk, 0.02);
        let more = "mesh = { voltage_bits = 6 }";
        let hardware = loaded("silicon", more, true).expect("valid").hardware.expect("a block");
        assert_eq!((hardware.mesh.voltage_bits, hardware.mesh.phase_bits), (Some(6), None));
    }

    #[test]
    fn wrong_presets_are_refused() {
        for (name, chip, says) in
            [("lcso", false, "lcos"), ("silicon", false, "a stack"), ("thz", true, "silicon")]
        {
            let error = loaded(name, "", chip).expect_err(name);
            let text = format!("{error:?}");
            assert!(text.contains("hardware.preset") && text.contains(says), "{text}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
