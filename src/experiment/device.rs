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
        matches!(at, Some(Some(there)) if same(there, &self.value))
    }

    /// Whether a table has this figure's key, or one in whose place it is not taken.
    fn is_decided(&self, hardware: &Table) -> bool {
        let rival = |(own, other): &(&str, &str)| *other == self.key && has(hardware, own);
        has(hardware, &self.key) || RIVALS.iter().any(rival)
    }
}

/// Whether two values of a block say the same; a length is written in another unit perhaps.
fn same(a: &Value, b: &Value) -> bool {
    let length =
        |value: &Value| value.as_str().and_then(|text| crate::units::Metres::parse(text).ok());
    let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
    match (length(a), length(b)) {
        (Some(a), Some(b)) => (a.0 - b.0).abs() <= 1e-9 * b.0.abs(),
        _ => number(a).map_or_else(|| a == b, |a| number(b) == Some(a)),
    }
}

/// Whether a table has a dotted key.
fn has(table: &Table, key: &str) -> bool {
    let mut parts = key.split('.');
    let first = parts.next().and_then(|part| table.get(part));
    first.is_some_and(|value| parts.try_fold(value, |at, part| at.get(part)).is_some())
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
    for figure in preset.figures.into_iter().filter(|figure| !figure.is_decided(&given)) {
        put(hardware, &figure.key, figure.value);
    }
    Ok(())
}

/// Makes room in a file's `[hardware]` for the preset `name`, which is set from outside: where defaults
/// are written out, as in a checkpoint, they are no keys that were given.
///
/// # Errors
/// When the figures of another preset are written out, which cannot be told from given ones.
pub fn make_room(root: &mut Value, name: &str) -> Result<()> {
    let Some(Value::Table(hardware)) = root.get_mut("hardware") else { return Ok(()) };
    if let Some(before) = hardware.get("preset").and_then(Value::as_str) {
        if before == name {
            return Ok(());
        }
        let written = |preset: Preset| preset.figures.iter().all(|f| f.is_decided(hardware));
        if named(before).is_ok_and(written) {
            let rule = format!(
                "the file has the figures of \"{before}\" written out, over which those of \"{name}\" do not go"
            );
            return Err(Error::invalid("hardware.preset", rule).help(format!(
                "set the preset in the file that this one was made from, or replace the block: --set 'hardware={{ preset = \"{name}\" }}'"
            )));
        }
    }
    if let Ok(Value::Table(defaults)) = Value::try_from(Hardware::default())
        && holds_all(hardware, &defaults)
    {
        drop_defaults(hardware, &defaults);
    }
    Ok(())
}

/// Whether every key of `defaults` is written out, as nobody does by hand.
fn holds_all(table: &Table, defaults: &Table) -> bool {
    defaults.iter().all(|(key, default)| match (table.get(key), default) {
        (Some(Value::Table(inner)), Value::Table(defaults)) => holds_all(inner, defaults),
        (found, _) => found.is_some(),
    })
}

fn drop_defaults(table: &mut Table, defaults: &Table) {
    table.retain(|key, value| match (value, defaults.get(key)) {
        (Value::Table(inner), Some(Value::Table(defaults))) => {
            drop_defaults(inner, defaults);
            true
        }
        (value, Some(default)) => !same(value, default),
        (_, None) => true,
    });
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

    /// Of a file with every default written out, `--set` takes all that a preset says, and stands over
    /// it; the figures of another preset are refused.
    #[test]
    fn a_preset_is_set_on_a_resolved_file() {
        let text = "[optic]\nwavelength = \"532 nm\"\npitch = \"8 um\"\nsamples = 16\nelement = [{ kind = \"phase_mask\" }]\n[hardware]\n";
        let with = |text: &str, set: &[&str]| {
            let set: Vec<String> = set.iter().map(|&s| s.to_owned()).collect();
            from_text("test.toml", text, std::path::Path::new(""), &set)
        };
        let taken = |hardware: &Hardware, name: &str| {
            let figures = named(name).expect("a preset").figures.into_iter();
            let left = figures.filter(|figure| !figure.is_in(hardware));
            left.map(|figure| figure.key).collect::<Vec<_>>()
        };
        let own = format!("{text}seed = 3\nmask = {{ phase_std = 0.2 }}\n");
        let resolved = with(&own, &[]).expect("valid").resolved().expect("a text");
        let set = ["hardware.preset=lcos", "hardware.mask.crosstalk=0.0"];
        let switched = with(&resolved, &set).expect("valid");
        let hardware = switched.experiment.hardware.clone().expect("a block");
        assert_eq!(taken(&hardware, "lcos"), ["mask.crosstalk", "mask.phase_std"]);
        assert_eq!((hardware.seed, hardware.mask.phase_std), (3, 0.2));

        let resolved = switched.resolved().expect("a text");
        let error = with(&resolved, &["hardware.preset=dmd"]).expect_err("figures of lcos");
        assert_eq!(error.exit_code(), 2);
        let said = format!("{error:?}");
        assert!(said.contains("\\\"lcos\\\" written out") && said.contains("hardware={"), "{said}");
        let block = ["hardware={ preset = \"dmd\" }"];
        for (text, set) in [(&*resolved, &block[..]), (text, &["hardware.preset=dmd"][..])] {
            let hardware = with(text, set).expect("valid").experiment.hardware.expect("a block");
            assert!(taken(&hardware, "dmd").is_empty());
        }
        // What is given by hand stays, also where it is the default.
        let given = format!("{text}mask = {{ crosstalk = 0.0 }}\n");
        let hardware = with(&given, &["hardware.preset=lcos"]).expect("valid").experiment.hardware;
        assert_eq!(taken(&hardware.expect("a block"), "lcos"), ["mask.crosstalk"]);
        // The same preset again changes nothing.
        let again = with(&resolved, &["hardware.preset=lcos"]).expect("valid");
        assert_eq!(again.resolved().expect("a text"), resolved);
        let named = format!("{text}preset = \"lcos\"\n");
        let hardware = with(&named, &["hardware.preset=dmd"]).expect("valid").experiment.hardware;
        assert!(taken(&hardware.expect("a block"), "dmd").is_empty());
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
