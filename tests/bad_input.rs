//! Wrong requests: each gets exit code 2 (or 1 where a right request could not be carried out) and
//! one message with the place, the rule and the way out; none panics, none leaves half a result.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use lightloom::files::npy;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use tempfile::TempDir;

/// A right experiment, which each case spoils in one place.
const GOOD: &str = r#"seed = 1
[data]
name = "mnist"
train_limit = 64
[optic]
wavelength = "0.75 mm"
pitch = "0.4 mm"
samples = 16
pad = 2
source = { kind = "plane" }
input = { encoding = "amplitude", aperture = 0.7 }
element = [
  { kind = "free_space", z = "10 mm" },
  { kind = "phase_mask", init = "zero" },
  { kind = "free_space", z = "10 mm" },
]
detector = { size = "0.8 mm", spread = 0.9 }
[train]
epochs = 1
batch = 32
optimizer = { kind = "adam", lr = 0.02 }
"#;

/// What a run of the program said.
struct Said {
    code: Option<i32>,
    /// Standard error on one line, without the frames that are drawn around it.
    text: String,
}

fn run(folder: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightloom"));
    let output = command.current_dir(folder).args(args).output().expect("the program starts");
    let raw = String::from_utf8_lossy(&output.stderr).into_owned();
    let plain: String = raw.chars().filter(|c| !"│×╭╰─▶".contains(*c)).collect();
    let text = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    Said { code: output.status.code(), text }
}

impl Said {
    /// The whole contract; what is broken comes back.
    fn broken(&self, code: i32, says: &[&str]) -> Vec<String> {
        let mut broken = Vec::new();
        if self.code != Some(code) {
            broken.push(format!("exit {:?} instead of {code}", self.code));
        }
        if self.text.contains("panicked") {
            broken.push("a panic".into());
        }
        // The parser of the command line words its own way out.
        let way_out = ["help: ", "For more information, try '--help'"];
        if !way_out.iter().any(|w| self.text.contains(w)) {
            broken.push("no way out".into());
        }
        for say in says {
            if !self.text.contains(say) {
                broken.push(format!("does not say \"{say}\""));
            }
        }
        broken
    }
}

/// Runs cases and fails once, with all that is broken.
#[derive(Default)]
struct Cases {
    count: usize,
    broken: Vec<String>,
}

impl Cases {
    fn expect(&mut self, name: &str, said: &Said, code: i32, says: &[&str]) {
        self.count += 1;
        for what in said.broken(code, says) {
            self.broken.push(format!("{name}: {what}\n    {}", said.text));
        }
    }

    fn unwritten(&mut self, name: &str, out: &Path) {
        if out.exists() {
            self.broken.push(format!("{name}: {} was made", out.display()));
            fs::remove_dir_all(out).expect("a folder");
        }
    }

    fn finish(self, least: usize) {
        assert!(self.broken.is_empty(), "{}", self.broken.join("\n"));
        assert!(self.count >= least, "only {} cases ran", self.count);
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Line of the first place where `needle` stands, 1-based.
fn line_of(text: &str, needle: &str) -> usize {
    let at = text.find(needle).unwrap_or_else(|| panic!("{needle} is not there"));
    text[..at].matches('\n').count() + 1
}

/// (name, what is replaced, by what, text on the line that is blamed, what is said)
type Edit = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const EDITS: &[Edit] = &[
    (
        "missing key",
        "wavelength = \"0.75 mm\"\n",
        "",
        "[optic]",
        &["optic.wavelength: missing key"],
    ),
    (
        "missing block",
        "[train]\nepochs = 1\n",
        "[train]\n",
        "[train]",
        &["train.epochs: missing key"],
    ),
    ("unknown key", "pitch =", "pich =", "pich", &["unknown key `pich`", "did you mean `pitch`"]),
    (
        "unknown block",
        "[train]",
        "[trian]",
        "[trian]",
        &["unknown key `trian`", "did you mean `train`"],
    ),
    (
        "unknown key in an element",
        "init = \"zero\"",
        "innit = \"zero\"",
        "innit",
        &["optic.element[1].innit", "unknown key `innit`", "did you mean `init`", "[14:"],
    ),
    (
        "wrong unit",
        "\"0.75 mm\"",
        "\"0.75 kg\"",
        "0.75 kg",
        &["optic.wavelength", "\"kg\" is not a unit of length", "use pm, nm"],
    ),
    (
        "wrong unit in an element",
        "{ kind = \"free_space\", z = \"10 mm\" },\n  { kind = \"p",
        "{ kind = \"free_space\", z = \"10 parsec\" },\n  { kind = \"p",
        "parsec",
        &["optic.element[0].z", "\"parsec\" is not a unit of length", "[13:30]"],
    ),
    ("no unit", "\"0.4 mm\"", "\"0.4\"", "\"0.4\"", &["optic.pitch", "has no unit"]),
    (
        "a bare number for a length",
        "\"0.4 mm\"",
        "0.4",
        "pitch = 0.4",
        &["optic.pitch", "a length with its unit"],
    ),
    (
        "NaN",
        "lr = 0.02",
        "lr = nan",
        "lr = nan",
        &["train.optimizer.lr", "NaN is not a finite number"],
    ),
    (
        "infinity",
        "spread = 0.9",
        "spread = inf",
        "spread = inf",
        &["optic.detector.spread", "inf is not a finite number"],
    ),
    (
        "NaN length",
        "\"0.4 mm\"",
        "\"nan mm\"",
        "nan mm",
        &["optic.pitch", "is not a unit of length"],
    ),
    ("negative pitch", "\"0.4 mm\"", "\"-0.4 mm\"", "-0.4 mm", &["optic.pitch", "is not positive"]),
    (
        "zero wavelength",
        "\"0.75 mm\"",
        "\"0 mm\"",
        "\"0 mm\"",
        &["optic.wavelength", "is not positive"],
    ),
    (
        "no samples",
        "samples = 16",
        "samples = 0",
        "samples = 0",
        &["optic.samples", "is not positive"],
    ),
    ("negative samples", "samples = 16", "samples = -16", "samples = -16", &["optic.samples"]),
    ("three axes", "samples = 16", "samples = [16, 16, 16]", "samples = [", &["optic.samples"]),
    (
        "too little padding",
        "pad = 2",
        "pad = 1.5",
        "pad = 1.5",
        &["optic.pad", "boundary = \"periodic\""],
    ),
    ("absurd padding", "pad = 2", "pad = 1e9", "pad = 1e9", &["GiB", "fewer samples"]),
    (
        "absurd size",
        "samples = 16",
        "samples = 1000000",
        "samples = 1000000",
        &["optic.samples", "GiB", "fewer samples"],
    ),
    (
        "a size that overflows",
        "samples = 16",
        "samples = 9223372036854775807",
        "samples = 9223372036854775807",
        &["optic.samples"],
    ),
    (
        "a pitch that cannot sample the wavelength",
        "\"0.75 mm\"",
        "\"532 nm\"",
        "532 nm",
        &["optic.wavelength", "cannot sample the diffraction", "use pitch <="],
    ),
    (
        "a wave longer than the window",
        "\"0.75 mm\"",
        "\"1 m\"",
        "\"1 m\"",
        &["optic.wavelength", "longer than the window"],
    ),
    (
        "strong lens",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"lens\", f = \"1 mm\" }",
        "lens",
        &["optic.element[2].f", "limit π", "or f >="],
    ),
    (
        "lens of no focal length",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"lens\", f = \"0 mm\" }",
        "lens",
        &["optic.element[2].f", "no focal length"],
    ),
    (
        "steep tilt",
        "{ kind = \"plane\" }",
        "{ kind = \"plane\", tilt = [0.0, 1.4] }",
        "tilt",
        &["optic.source.tilt", "limit π", "use a tilt <="],
    ),
    (
        "tilts that are steep together",
        "pitch = \"0.4 mm\"\nsamples = 16\npad = 2\nsource = { kind = \"plane\" }",
        "pitch = \"0.3 mm\"\nsamples = 16\npad = 2\nsource = { kind = \"plane\", tilt = [-0.8, 0.8] }",
        "tilt",
        &["optic.source.tilt", "must be below 1", "sum to less than π/2"],
    ),
    (
        "a mask that is too oblique",
        "[data]\nname = \"mnist\"\ntrain_limit = 64\n[optic]\nwavelength = \"0.75 mm\"",
        "hardware.alignment.tilt = 0.5\n[data]\nname = \"mnist\"\ntrain_limit = 64\n[optic]\nwavelength = \"0.3 mm\"",
        "tilt = 0.5",
        &["hardware.alignment.tilt", "limit π", "use a tilt <= 0.384", "or a pitch <= 312 um"],
    ),
    (
        "a beam with a steep front",
        "{ kind = \"plane\" }",
        "{ kind = \"gaussian\", waist = \"0.5 mm\", z = \"2.1 mm\" }",
        "2.1 mm",
        &["optic.source.z", "limit π", "use pitch <= "],
    ),
    (
        "thin beam",
        "{ kind = \"plane\" }",
        "{ kind = \"gaussian\", waist = \"0.1 mm\" }",
        "gaussian",
        &["optic.source.waist", "smaller than one sample"],
    ),
    (
        "missing source file",
        "{ kind = \"plane\" }",
        "{ kind = \"file\", path = \"nothing.npy\" }",
        "nothing.npy",
        &["nothing.npy", "cannot read"],
    ),
    (
        "missing mask file",
        "init = \"zero\"",
        "file = \"nothing.npy\"",
        "nothing.npy",
        &["nothing.npy", "cannot read"],
    ),
    (
        "a window that slides out of the light",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"free_space\", z = \"1 um\", offset = [\"1 m\", \"0 m\"] }",
        "offset",
        &["optic.element[2].offset", "use an offset below"],
    ),
    (
        "free space beyond what the padding resolves",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"free_space\", z = \"-100 mm\" }",
        "-100 mm",
        // 12.8 mm squared over 75 mm²; sqrt(8 x 75 mm²) = 24.49 mm of a window of 6.4 mm.
        &[
            "optic.element[2].z",
            "(pad W)² / (λ z) = 2.18 samples along each axis",
            "pad >= 3.9",
            "12.3 mm",
        ],
    ),
    (
        "empty bounds",
        "init = \"zero\"",
        "bounds = [3.0, 1.0]",
        "bounds",
        &["optic.element[1].bounds", "lower bound first"],
    ),
    (
        "a region below a sample",
        "\"0.8 mm\"",
        "\"0.1 mm\"",
        "0.1 mm",
        &["optic.detector.size", "less than one sample"],
    ),
    (
        "overlapping regions",
        "\"0.8 mm\"",
        "\"1.5 mm\"",
        "1.5 mm",
        &["optic.detector.size", "overlap"],
    ),
    (
        "regions outside",
        "\"0.8 mm\"",
        "\"30 mm\"",
        "30 mm",
        &["optic.detector.size", "the window ends at"],
    ),
    (
        "negative region",
        "\"0.8 mm\"",
        "\"-1 mm\"",
        "-1 mm",
        &["optic.detector.size", "is not positive"],
    ),
    (
        "a grid that does not fit the classes",
        "spread = 0.9",
        "spread = 0.9, grid = [2, 4]",
        "grid = [2, 4]",
        &["optic.detector.grid", "2 x 4 is not the 10 regions of 10 classes"],
    ),
    (
        "a grid of nothing",
        "spread = 0.9",
        "spread = 0.9, grid = [0, 4]",
        "grid",
        &["optic.detector.grid", "0 x 4 regions"],
    ),
    (
        "a grid that overflows",
        "spread = 0.9",
        "spread = 0.9, grid = [9223372036854775807, 4]",
        "grid",
        &["optic.detector.grid", "regions on a window"],
    ),
    (
        "a missing key of an element, named once",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"lens\" }",
        "lens",
        &["].f: missing key `f`", "add `f = ...`"],
    ),
    (
        "an aperture outside the window",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"aperture\", shape = \"circle\", size = \"2 mm\", centre = [\"1 m\", \"0 m\"] }",
        "circle",
        &["].size", "no light passes"],
    ),
    (
        "monitors that differ by case alone",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"monitor\", name = \"a\" }, { kind = \"monitor\", name = \"A\" }",
        "monitor",
        &["].name", "\"A\" is taken"],
    ),
    (
        "a monitor behind a coupler",
        "  { kind = \"phase_mask\", init = \"zero\" },",
        "  { kind = \"couple\", modes = 16 },\n  { kind = \"monitor\", name = \"../a\" },",
        "\"../a\"",
        &["optic.element[2].name", "cannot name a file"],
    ),
    (
        "duplicate monitors",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"monitor\", name = \"a\" }, { kind = \"monitor\", name = \"a\" }",
        "monitor",
        &["optic.element[3].name", "\"a\" is taken"],
    ),
    (
        "a monitor that leaves the folder",
        "{ kind = \"phase_mask\", init = \"zero\" }",
        "{ kind = \"phase_mask\" }, { kind = \"monitor\", name = \"../a\" }",
        "monitor",
        &["optic.element[2].name", "cannot name a file"],
    ),
    (
        "bad value of an enum",
        "\"amplitude\"",
        "\"amplitud\"",
        "amplitud",
        &["unknown value `amplitud`", "did you mean `amplitude`"],
    ),
    (
        "unknown element",
        "\"phase_mask\"",
        "\"phase_mosk\"",
        "phase_mosk",
        &["unknown value `phase_mosk`", "did you mean `phase_mask`"],
    ),
    (
        "element without a kind",
        "kind = \"phase_mask\", ",
        "",
        "init",
        &["optic.element[1]", "missing key `kind`"],
    ),
    ("wrong type", "samples = 16", "samples = \"many\"", "many", &["optic.samples"]),
    (
        "aperture beyond the window",
        "aperture = 0.7",
        "aperture = 1.5",
        "aperture",
        &["optic.input.aperture", "0..1"],
    ),
    (
        "no elements",
        "  { kind = \"free_space\", z = \"10 mm\" },\n  { kind = \"phase_mask\", init = \"zero\" },\n  { kind = \"free_space\", z = \"10 mm\" },\n",
        "",
        "element",
        &["optic.element", "without elements"],
    ),
    (
        "nothing to train",
        "init = \"zero\"",
        "trainable = false",
        "element = [",
        &["optic.element", "nothing in it is trainable"],
    ),
    (
        "no data",
        "[data]\nname = \"mnist\"\ntrain_limit = 64\n",
        "",
        "seed",
        &["data", "training needs data"],
    ),
    (
        "two data",
        "train_limit = 64",
        "path = \"a\"",
        "[data]",
        &["data", "exactly one of `name` and `path`"],
    ),
    ("unknown data", "\"mnist\"", "\"mnits\"", "mnits", &["data.name", "mnist"]),
    (
        "too many samples asked for",
        "train_limit = 64",
        "train_limit = 99999",
        "99999",
        &["data.train_limit", "55000"],
    ),
    (
        "no training samples",
        "train_limit = 64",
        "train_limit = 0",
        "train_limit = 0",
        &["data.train_limit"],
    ),
    (
        "batch beyond the data",
        "batch = 32",
        "batch = 320",
        "batch = 320",
        &["train.batch", "more than the 64 training samples"],
    ),
    ("no batch", "batch = 32", "batch = 0", "batch = 0", &["train.batch", "is not positive"]),
    ("no epochs", "epochs = 1", "epochs = 0", "epochs = 0", &["train.epochs", "is not positive"]),
    (
        "a generation of one",
        "[train]",
        "[train]\nsearch = { population = 1 }",
        "search = { population = 1 }",
        &["train.search.population", "no better half", "at least 2"],
    ),
    (
        "a generation that no memory holds",
        "[train]",
        "[train]\nsearch = { population = 4000000000 }",
        "search = { population",
        &["train.search.population", "4000000000 does not lie in 2..4096"],
    ),
    (
        "probes that no memory holds",
        "[train]",
        "[train]\nmethod = \"spsa\"\nspsa = { probes = 3000000 }",
        "probes",
        &["train.spsa.probes", "3000000 does not lie in 1..2048"],
    ),
    (
        "heaters of a stack",
        "[train]",
        "[hardware.mesh]\ntheta_std = 0.1\n[train]",
        "[hardware.mesh]",
        &["hardware.mesh: ", "this machine has none", "[hardware.mask]"],
    ),
    (
        "a search that stands",
        "[train]",
        "[train]\nsearch = { rate = 0.0 }",
        "search = { rate = 0.0 }",
        &["train.search.rate", "0 is not positive"],
    ),
    (
        "a search that runs away",
        "[train]",
        "[train]\nsearch = { rate = -1.0 }",
        "search = { rate = -1.0 }",
        &["train.search.rate", "-1 is not positive"],
    ),
    (
        "a search of nothing",
        "[train]",
        "[train]\nsearch = { active = 0.0 }",
        "search = { active = 0.0 }",
        &["train.search.active", "0 is not positive"],
    ),
    (
        "a search of more than all",
        "[train]",
        "[train]\nsearch = { active = 1.5 }",
        "search = { active = 1.5 }",
        &["train.search.active", "0..1"],
    ),
    (
        "more skipped than all",
        "[train]",
        "[train]\nsearch = { skip = -0.1 }",
        "search = { skip = -0.1 }",
        &["train.search.skip", "0..1"],
    ),
    (
        "no superpixels",
        "[train]",
        "[train]\nreduced = { across = 0 }",
        "reduced = { across = 0 }",
        &["train.reduced.across", "0 is not positive"],
    ),
    (
        "a silent echo",
        "[train]",
        "[train]\necho = { epsilon = 0.0 }",
        "echo = { epsilon = 0.0 }",
        &["train.echo.epsilon", "carries no error back"],
    ),
    (
        "no feedback",
        "[train]",
        "[train]\nfeedback = { scale = 0.0 }",
        "feedback = { scale = 0.0 }",
        &["train.feedback.scale", "carries no error back"],
    ),
    (
        "no number for feedback",
        "[train]",
        "[train]\nfeedback = { scale = nan }",
        "feedback = { scale = nan }",
        &["train.feedback.scale", "not a finite number"],
    ),
    (
        "a key of a constant schedule",
        "[train]",
        "[train]\nschedule = { kind = \"constant\", whatever = 3 }",
        "whatever",
        &["train.schedule.whatever", "unknown key `whatever`", "leave it out", "[19:"],
    ),
    ("no steps", "epochs = 1", "epochs = 1\nsteps = 0", "steps = 0", &["train.steps", "0 steps"]),
    (
        "negative rate",
        "lr = 0.02",
        "lr = -0.02",
        "lr = -0.02",
        &["train.optimizer.lr", "is not positive"],
    ),
    (
        "beta of 1",
        "lr = 0.02",
        "lr = 0.02, beta1 = 1.0",
        "beta1",
        &["train.optimizer.beta1", "0..1"],
    ),
    (
        "temperature of 0",
        "[train]",
        "[train]\nloss = { temperature = 0.0 }",
        "temperature",
        &["train.loss.temperature", "is not positive"],
    ),
    (
        "a contrast that shows no label",
        "[train]",
        "[train]\ncontrast = { rows = 0 }",
        "rows",
        &["train.contrast.rows", "is not positive"],
    ),
    (
        "a contrast as flat as it goes",
        "[train]",
        "[train]\ncontrast = { steepness = 0.0 }",
        "steepness",
        &["train.contrast.steepness", "is not positive"],
    ),
    (
        "a perturbation of nothing",
        "[train]",
        "[train]\nspsa = { size = 0.0 }",
        "spsa = {",
        &["train.spsa.size", "is not positive"],
    ),
    (
        "no direction",
        "[train]",
        "[train]\nmethod = \"flops\"\nflops = { probes = 0 }",
        "probes",
        &["train.flops.probes", "is not positive"],
    ),
    (
        "a perturbation that levels swallow",
        "[train]",
        "[hardware]\nmask = { levels = 16 }\n[train]\nmethod = \"spsa\"\nspsa = { size = 0.05 }",
        "spsa = {",
        &["train.spsa.size", "moves no phase from its level", "0.3927 rad apart", "one level"],
    ),
    (
        "a search's step that levels swallow",
        "[train]",
        "[hardware]\nmask = { levels = 8 }\n[train]\nmethod = \"mixed\"\nsearch = { size = 0.3 }",
        "search = {",
        &["train.search.size", "moves no phase from its level", "0.7854 rad apart"],
    ),
    (
        "an unknown slope",
        "[train]",
        "[train]\nfeedback = { slope = \"sinus\" }",
        "sinus",
        &["train.feedback.slope", "sinus", "sine"],
    ),
    (
        "alignment of a stack without cameras",
        "[train]",
        "[train]\nmethod = \"adfa\"",
        "adfa",
        &["train.method", "no camera", "{ kind = \"detect\" }"],
    ),
    ("a key twice", "pad = 2", "pad = 2\npad = 2", "pad = 2\n", &["not TOML", "duplicate"]),
    ("not TOML", "[optic]", "[optic", "[optic", &["not TOML"]),
];

#[test]
fn wrong_experiment_files() {
    let folder = folder();
    let mut cases = Cases::default();
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    let good = run(folder.path(), &["validate", "good.toml"]);
    assert_eq!(good.code, Some(0), "{}", good.text);
    for (name, old, new, blamed, says) in EDITS {
        assert_eq!(GOOD.matches(old).count().min(1), 1, "{name}: {old} is not in the file");
        let text = GOOD.replacen(old, new, 1);
        fs::write(folder.path().join("bad.toml"), &text).unwrap();
        let said = run(
            folder.path(),
            &["train", "bad.toml", "--backend", "cpu", "--no-images", "--out", "out"],
        );
        // A key twice is blamed on its second place.
        let twice = text.matches("pad = 2\n").count() == 2;
        let line = line_of(&text, blamed) + usize::from(twice);
        // A file that is named in the experiment is its own place.
        let place = if said.text.contains("nothing.npy: cannot read") {
            "nothing.npy".to_owned()
        } else {
            format!("bad.toml:{line}: ")
        };
        let mut all = vec![place.as_str()];
        all.extend(*says);
        cases.expect(name, &said, 2, &all);
        cases.unwritten(name, &folder.path().join("out"));
    }
    cases.finish(50);
}

/// Where a phase turns too fast from sample to sample, the pitch that the error names would do.
#[test]
fn the_pitch_that_is_named_would_do() {
    let folder = folder();
    let validate = |pitch: &str, [old, new]: [&str; 2]| {
        assert!(GOOD.contains(old));
        let text = GOOD.replace(old, new).replace("\"0.4 mm\"", pitch);
        fs::write(folder.path().join("steep.toml"), text).unwrap();
        run(folder.path(), &["validate", "steep.toml"]).text
    };
    let plane = "{ kind = \"plane\" }";
    let beam = "{ kind = \"gaussian\", waist = \"0.5 mm\", z = \"2.1 mm\" }";
    let steep = "{ kind = \"plane\", tilt = [0.0, 1.4] }";
    for edit in [
        [plane, beam],
        [plane, steep],
        ["init = \"zero\" }", "init = \"zero\" }, { kind = \"lens\", f = \"1 mm\" }"],
    ] {
        let said = validate("\"0.4 mm\"", edit);
        let (_, named) = said.split_once("pitch <= ").unwrap_or_else(|| panic!("{said}"));
        let named = named.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let again = validate(&format!("{:?}", named.trim_end_matches(',')), edit);
        assert!(said.contains("limit π") && !again.contains("limit π"), "{named}: {said}; {again}");
    }
}

/// A chip, and what it becomes by one edit each: name, old, new, what is blamed.
const CHIP: &str = r#"seed = 1
data = { name = "mnist", train_limit = 100 }
[optic]
wavelength = "1.55 um"
modes = 16
input = { front = "fourier", power = 1.0 }
element = [
  { kind = "mesh" },
  { kind = "activation", function = "kerr", gamma = 0.1 },
]
detector = {}
[hardware.mesh]
theta_std = 0.01
[train]
epochs = 1
batch = 10
"#;

#[test]
fn wrong_chips() {
    let folder = folder();
    let mut cases = Cases::default();
    let said = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .env("LIGHTLOOM_ISA", "SSE9")
        .args(["validate", "mnist"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    let isa = Said { code: said.status.code(), text };
    cases.expect("no such instruction set", &isa, 2, &["LIGHTLOOM_ISA", "SSE9", "portable"]);
    let edits: &[(&str, &str, &str, &[&str])] = &[
        ("chip and plane", "modes = 16", "modes = 16\nsamples = 64", &["optic.samples", "drop"]),
        ("neither", "modes = 16\n", "", &["optic.samples", "missing", "optic.modes"]),
        ("no modes", "modes = 16", "modes = 0", &["bad.toml:5: ", "optic.modes", "1 to 1024"]),
        ("too many", "modes = 16", "modes = 2000", &["bad.toml:5: ", "2000 guides"]),
        ("no square", "modes = 16", "modes = 15", &["bad.toml:5: ", "no square"]),
        (
            "too few ports",
            "modes = 16",
            "modes = 9",
            &["bad.toml:5: ", "10 classes", "at least 10"],
        ),
        (
            "free space",
            "kind = \"mesh\"",
            "kind = \"free_space\", z = \"1 mm\"",
            &["bad.toml:8: ", "guides"],
        ),
        ("a lens", "kind = \"mesh\"", "kind = \"lens\", f = \"1 mm\"", &["bad.toml:8: ", "guides"]),
        ("topology", "\"mesh\"", "\"mesh\", topology = \"ring\"", &["bad.toml:8: ", "ring"]),
        ("function", "\"kerr\", gamma", "\"magic\", gamma", &["bad.toml:9: ", "magic"]),
        ("no outputs", "\"mesh\"", "\"svd\", outputs = 0", &["bad.toml:8: ", "1 to 1024"]),
        (
            "too few outputs",
            "\"mesh\"",
            "\"svd\", outputs = 8",
            &["optic.element", "10 classes", "at least 10"],
        ),
        (
            "a chip's padding",
            "modes = 16",
            "modes = 16\npad = 1.0",
            &["bad.toml:6: ", "optic.pad: ", "guides"],
        ),
        (
            "a chip's boundary",
            "modes = 16",
            "modes = 16\nboundary = \"periodic\"",
            &["bad.toml:6: ", "optic.boundary: ", "guides"],
        ),
        (
            "a chip's source",
            "modes = 16",
            "modes = 16\nsource = { kind = \"plane\", tilt = [0.0, 0.1] }",
            &["bad.toml:6: ", "optic.source: ", "drop [data]"],
        ),
        (
            "a chip's resampling",
            "power = 1.0",
            "power = 1.0, resample = \"bilinear\"",
            &["bad.toml:6: ", "optic.input.resample: ", "guides"],
        ),
        (
            "a chip's aperture",
            "power = 1.0",
            "power = 1.0, aperture = 0.5",
            &["bad.toml:6: ", "optic.input.aperture: ", "guides"],
        ),
        (
            "a chip's regions",
            "detector = {}",
            "detector = { grid = [3, 7] }",
            &["bad.toml:11: ", "optic.detector.grid: ", "guide by guide"],
        ),
        (
            "a chip's ring",
            "detector = {}",
            "detector = { layout = \"ring\" }",
            &["bad.toml:11: ", "optic.detector.layout: "],
        ),
        (
            "a chip's size",
            "detector = {}",
            "detector = { size = \"1 mm\" }",
            &["bad.toml:11: ", "optic.detector.size: "],
        ),
        (
            "a chip's spread",
            "detector = {}",
            "detector = { spread = 5.0 }",
            &["bad.toml:11: ", "optic.detector.spread: "],
        ),
        (
            "faults of masks on guides",
            "[hardware.mesh]\n",
            "[hardware.mask]\nlevels = 8\n[hardware.mesh]\n",
            &["bad.toml:12: ", "hardware.mask: ", "planes", "[hardware.mesh]"],
        ),
        (
            "planes of a chip that stand wrong",
            "[hardware.mesh]\n",
            "[hardware.alignment]\naxial = \"1 um\"\n[hardware.mesh]\n",
            &["bad.toml:13: ", "hardware.alignment.axial: ", "guides", "[hardware.mesh]"],
        ),
        (
            "masks of a chip that are turned",
            "[hardware.mesh]\n",
            "[hardware.alignment]\nrotation = 0.1\n[hardware.mesh]\n",
            &["bad.toml:13: ", "hardware.alignment.rotation: ", "this machine has none"],
        ),
        (
            "another wavelength in guides",
            "[hardware.mesh]\n",
            "[hardware]\nwavelength_error = 0.01\n[hardware.mesh]\n",
            &["bad.toml:13: ", "hardware.wavelength_error: ", "guides"],
        ),
        (
            "a chip's monitor that leaves the folder",
            "\"mesh\" }",
            "\"mesh\" }, { kind = \"monitor\", name = \"../escaped\" }",
            &["bad.toml:8: ", "optic.element[1].name", "cannot name a file"],
        ),
        (
            "a chip's monitors of one name",
            "\"mesh\" }",
            "\"mesh\" }, { kind = \"monitor\", name = \"a\" }, { kind = \"monitor\", name = \"A\" }",
            &["bad.toml:8: ", "optic.element[2].name", "\"A\" is taken"],
        ),
        (
            "a chip's monitor called output",
            "\"mesh\" }",
            "\"mesh\" }, { kind = \"monitor\", name = \"Output\" }",
            &["bad.toml:8: ", "optic.element[1].name", "\"Output\" is taken"],
        ),
        (
            "a chip's empty bounds",
            "\"mesh\" }",
            "\"mesh\" }, { kind = \"phase_mask\", bounds = [2.0, 1.0] }",
            &["bad.toml:8: ", "optic.element[1].bounds", "[2, 1] is empty"],
        ),
        (
            "outputs of a butterfly",
            "\"mesh\"",
            "\"svd\", topology = \"fft\", outputs = 12",
            &["bad.toml:8: ", "optic.element[0].topology: ", "power of two", "16", "[8:30]"],
        ),
        (
            "images as vectors",
            "front = \"fourier\"",
            "front = \"vector\"",
            &["bad.toml:5: ", "784 numbers", "16 guides", "pca"],
        ),
        (
            "real numbers as complex ones",
            "front = \"fourier\"",
            "front = \"complex\"",
            &["bad.toml:6: ", "real numbers", "data.complex"],
        ),
        (
            "pairs of no table",
            "train_limit = 100",
            "train_limit = 100, complex = \"polar\"",
            &["data.complex", ".csv"],
        ),
        (
            "phases of components",
            "front = \"fourier\", power = 1.0",
            "front = \"pca\", encoding = \"phase\"",
            &["bad.toml:6: ", "optic.input.encoding", "components"],
        ),
        (
            "more components than samples",
            "modes = 16\ninput = { front = \"fourier\", power = 1.0 }",
            "modes = 100\ninput = { front = \"pca\" }",
            &["100 principal components", "at most 99"],
        ),
        (
            "nothing trains",
            "\"mesh\"",
            "\"mesh\", trainable = false",
            &["nothing in it is trainable"],
        ),
        (
            "hardware",
            "theta_std = 0.01",
            "theta_std = -1",
            &["bad.toml:13: ", "hardware.mesh.theta_std: ", "-1", "[13:13]"],
        ),
        (
            "hardware by another name",
            "theta_std = 0.01",
            "bs_error = -1",
            &["bad.toml:13: ", "hardware.mesh.splitter_angle: ", "-1", "[13:12]"],
        ),
        (
            "time",
            "theta_std = 0.01",
            "step_s = -1.0",
            &["bad.toml:13: ", "hardware.mesh.step_s: ", "-1", "[13:10]"],
        ),
        ("hardware key", "theta_std", "theta_sdt", &["bad.toml:13: ", "theta_sdt", "theta_std"]),
        (
            "no preset",
            "[hardware.mesh]\n",
            "[hardware]\npreset = \"silicn\"\n[hardware.mesh]\n",
            &["bad.toml:13: ", "hardware.preset", "silicn", "lcos"],
        ),
        (
            "another's preset",
            "[hardware.mesh]\n",
            "[hardware]\npreset = \"lcos\"\n[hardware.mesh]\n",
            &["bad.toml:13: ", "hardware.preset", "a stack", "silicon"],
        ),
        (
            "a preset's kind",
            "[hardware.mesh]\n",
            "[hardware]\npreset = 3\n[hardware.mesh]\n",
            &["bad.toml:13: ", "hardware.preset"],
        ),
        (
            "aberrations",
            "[hardware.mesh]\n",
            "[hardware.mask]\naberration_std = -0.1\n[hardware.mesh]\n",
            &["bad.toml:13: ", "hardware.mask.aberration_std", "-0.1"],
        ),
        ("attenuation", "\"mesh\"", "\"svd\", attenuation = 2.0", &["bad.toml:8: ", "0..1"]),
        (
            "phases of coefficients",
            "power = 1.0",
            "encoding = \"phase\"",
            &["bad.toml:6: ", "optic.input.encoding", "Fourier"],
        ),
        ("power", "power = 1.0", "power = 0.0", &["bad.toml:6: ", "optic.input.power"]),
    ];
    let train = |text: &str| {
        fs::write(folder.path().join("bad.toml"), text).unwrap();
        let args = ["train", "bad.toml", "--backend", "cpu", "--no-images", "--out", "out"];
        run(folder.path(), &args)
    };
    let butterfly = CHIP
        .replace("modes = 16", "modes = 25")
        .replace("\"mesh\"", "\"mesh\", topology = \"fft\"");
    let says = ["bad.toml:8: ", "optic.element[0].topology: ", "power of two", "32", "[8:31]"];
    cases.expect("butterfly", &train(&butterfly), 2, &says);
    for (name, old, new, says) in edits {
        assert!(CHIP.contains(old), "{name}: {old} is not in the file");
        cases.expect(name, &train(&CHIP.replacen(old, new, 1)), 2, says);
        cases.unwritten(name, &folder.path().join("out"));
    }
    let fine = train(CHIP);
    assert_eq!(fine.code, Some(0), "{}", fine.text);
    let eval = |more: &[&str]| {
        let mut args = vec!["eval", "out/checkpoint.safetensors", "--range", "0..20"];
        args.extend(more);
        run(folder.path(), &args)
    };
    cases.expect("no chips", &eval(&["--chips", "0"]), 2, &["--chips"]);
    for (name, more, says) in [
        ("negative errors", ["--scales", "0,-1"], "--scales"),
        ("a share of 5", ["--at-least", "5"], "--at-least"),
    ] {
        let said = eval(&[&["--chips", "2"][..], &more].concat());
        cases.expect(name, &said, 2, &[says]);
    }
    let of_none = eval(&["--at-least", "0.5"]);
    cases.expect("yield of nothing", &of_none, 2, &["--chips"]);
    cases.finish(30);
}

#[test]
fn wrong_requests_on_the_command_line() {
    let folder = folder();
    let at = folder.path();
    let mut cases = Cases::default();
    fs::write(at.join("good.toml"), GOOD).unwrap();
    fs::create_dir(at.join("a_folder")).unwrap();
    fs::write(at.join("in_the_way"), "a file").unwrap();
    fs::write(at.join("bytes.toml"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(at.join("empty.toml"), "").unwrap();
    fs::write(at.join("scene.toml"), GOOD.split("[train]").next().unwrap()).unwrap();
    let train = |more: &[&str]| {
        let mut args =
            vec!["train", "good.toml", "--backend", "cpu", "--no-images", "--out", "out"];
        args.extend(more);
        run(at, &args)
    };
    let wrong: &[(&str, &[&str], &[&str])] = &[
        (
            "--set of an unknown key",
            &["--set", "train.optimiser.lr=1"],
            &["--set:1: ", "unknown key `optimiser`", "did you mean `optimizer`"],
        ),
        (
            "--set of a bad value",
            &["--set", "train.optimizer.lr=fast"],
            &["--set:1: ", "train.optimizer.lr"],
        ),
        (
            "--set of a bad length",
            &["--set", "optic.pitch=0.4 miles"],
            &["--set:1: ", "optic.pitch", "not a unit of length"],
        ),
        ("--set without =", &["--set", "optic.pitch"], &["--set", "has no =", "write --set"]),
        ("--set of nothing", &["--set", "=3"], &["--set"]),
        ("--set beyond a list", &["--set", "optic.element[7].z=1 mm"], &["--set:1: ", "3 entries"]),
        (
            "--set inside a number",
            &["--set", "train.batch.size=3"],
            &["--set:1: ", "train.batch.size", "no table"],
        ),
        (
            "--set NaN",
            &["--set", "optic.pad=nan"],
            &["--set:1: ", "optic.pad", "not a finite number"],
        ),
        (
            "--set of a rule broken",
            &["--set", "optic.pad=1"],
            &["--set:1: ", "optic.pad", "use pad = 2"],
        ),
        ("--threads 0", &["--threads", "0"], &["--threads", "0 is not in 1.."]),
        ("--backend of a name", &["--backend", "tpu"], &["--backend", "tpu"]),
        ("--seed of a word", &["--seed", "lucky"], &["--seed", "lucky"]),
        (
            "--seed past that of files",
            &["--seed", "18446744073709551615"],
            &["--seed", "9223372036854775807"],
        ),
        ("f64 on the GPU", &["--precision", "f64", "--backend", "gpu"], &["f64", "--backend cpu"]),
        ("an unknown flag", &["--fast"], &["--fast"]),
    ];
    for (name, more, says) in wrong {
        // clap refuses the same flag twice, in its own words.
        let mut args = vec!["train", "good.toml", "--no-images", "--out", "out"];
        if !more.contains(&"--backend") {
            args.extend(["--backend", "cpu"]);
        }
        args.extend(*more);
        cases.expect(name, &run(at, &args), 2, says);
        cases.unwritten(name, &at.join("out"));
    }
    let files: &[(&str, &[&str], &[&str])] = &[
        ("a missing file", &["train", "none.toml"], &["none.toml", "cannot read", "built-in"]),
        ("a missing preset", &["validate", "minst"], &["minst", "cannot read", "mnist"]),
        ("a folder", &["validate", "a_folder"], &["a_folder", "cannot read"]),
        ("bytes", &["validate", "bytes.toml"], &["bytes.toml", "cannot read", "UTF-8"]),
        ("an empty file", &["validate", "empty.toml"], &["empty.toml:1: ", "missing key `optic`"]),
        (
            "a scene to train",
            &["train", "scene.toml"],
            &["scene.toml:1: ", "train: missing", "simulate"],
        ),
        (
            "a sample that is not",
            &["simulate", "good.toml", "--backend", "cpu", "--sample", "10000", "--out", "out"],
            &["--sample", "10000 test samples"],
        ),
        (
            "a sample of a scene",
            &["simulate", "circular-aperture", "--backend", "cpu", "--sample", "0", "--out", "out"],
            &["--sample", "no data"],
        ),
        ("no command", &["trian"], &["trian"]),
        (
            "nothing to resume",
            &["train", "good.toml", "--backend", "cpu", "--out", "none", "--resume"],
            &["checkpoint.safetensors", "cannot read"],
        ),
        ("a range backwards", &["eval", "x", "--range", "5..3"], &["--range", "smaller end first"]),
        ("no range", &["eval", "x", "--range", "5-3"], &["--range", "write 0..100"]),
        ("no checkpoint", &["eval", "x.safetensors"], &["x.safetensors", "cannot read"]),
        (
            "no checkpoint to export",
            &["export", "x.safetensors", "--out", "out"],
            &["x.safetensors", "cannot read"],
        ),
        ("no run", &["report", "none"], &["summary.json", "cannot read", "`lightloom train`"]),
        (
            "no run among several",
            &["report", "none", "nothing", "--out", "out"],
            &["summary.json", "cannot read"],
        ),
    ];
    for (name, args, says) in files {
        cases.expect(name, &run(at, args), 2, says);
        cases.unwritten(name, &at.join("out"));
        cases.unwritten(name, &at.join("none"));
    }
    let compare: &[(&str, &[&str], &[&str])] = &[
        (
            "drift of a still device",
            &["--drift", "5"],
            &["hardware.mask.drift_std", "--drift", "--set"],
        ),
        ("a rate without drift", &["--drift-rate", "0.1"], &["--drift"]),
        (
            "a rate of nothing",
            &["--drift", "5", "--drift-rate", "0"],
            &["--drift-rate", "no factor on a learning rate"],
        ),
        (
            "no faults to scale",
            &["--scales", "0,1"],
            &["hardware", "nothing whose size", "phase_std"],
        ),
        (
            "counts alone to scale",
            &["--scales", "2", "--set", "hardware.mask.levels=8"],
            &["hardware", "nothing whose size"],
        ),
        (
            "faults past their range",
            &["--scales", "1,20", "--set", "hardware.mask.crosstalk=0.02"],
            &["--scales", "at 20 times the faults", "hardware.mask.crosstalk", "0..0.2"],
        ),
        ("negative faults", &["--scales", "1,-1"], &["--scales", "-1 times"]),
    ];
    for (name, more, says) in compare {
        let args =
            [&["compare", "good.toml", "--methods", "pat", "--out", "out"][..], more].concat();
        cases.expect(name, &run(at, &args), 2, says);
        cases.unwritten(name, &at.join("out"));
    }
    // A right request that no memory holds: 300 planes of 3 GiB are looked at.
    let plane = |n| {
        format!(
            "{{ kind = \"free_space\", z = \"1 m\" }}, {{ kind = \"monitor\", name = \"p{n}\" }}"
        )
    };
    let planes = (0..300).map(plane).collect::<Vec<_>>().join(", ");
    let huge = format!(
        "[optic]\nwavelength = \"532 nm\"\npitch = \"8 um\"\nsamples = 20000\nelement = [{planes}]\n"
    );
    fs::write(at.join("huge.toml"), huge).unwrap();
    let said = run(at, &["simulate", "huge.toml", "--backend", "cpu", "--out", "out"]);
    cases.expect("a field past the memory", &said, 1, &["GiB", "are free", "fewer optic.samples"]);
    cases.unwritten("a field past the memory", &at.join("out"));
    // Right requests that the file system refuses.
    for out in ["in_the_way", "in_the_way/deeper"] {
        let said = train(&["--set", "data.train_limit=32"]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        fs::remove_dir_all(at.join("out")).unwrap();
        for command in ["train", "simulate"] {
            let said = run(at, &[command, "good.toml", "--backend", "cpu", "--out", out]);
            cases.expect(&format!("{command} --out {out}"), &said, 1, &[out, "cannot write"]);
        }
    }
    assert_eq!(fs::read(at.join("in_the_way")).unwrap(), b"a file");
    cases.finish(30);
}

/// A 2 x 2 IDX set: two classes of four samples.
fn idx_set(at: &Path) {
    let images = |n: u8| {
        let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 2];
        bytes.extend((0..4 * n).map(|i| i * 3));
        bytes
    };
    let labels = |n: u8| {
        let mut bytes = vec![0, 0, 8, 1, 0, 0, 0, n];
        bytes.extend((0..n).map(|i| i % 2));
        bytes
    };
    fs::create_dir_all(at).unwrap();
    for (part, n) in [("train", 8), ("t10k", 4)] {
        fs::write(at.join(format!("{part}-images-idx3-ubyte")), images(n)).unwrap();
        fs::write(at.join(format!("{part}-labels-idx1-ubyte")), labels(n)).unwrap();
    }
}

fn png(path: &Path, side: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::GrayImage::new(side, side).save(path).unwrap();
}

#[test]
fn wrong_data() {
    let folder = folder();
    let at = folder.path();
    let mut cases = Cases::default();
    let text = GOOD
        .replace("name = \"mnist\"\ntrain_limit = 64", "path = \"set\"")
        .replace("batch = 32", "batch = 2");
    fs::write(at.join("own.toml"), text).unwrap();
    let set = at.join("set");
    let mut wrong = |name: &str, spoil: &dyn Fn(), says: &[&str]| {
        let _ = fs::remove_dir_all(&set);
        idx_set(&set);
        spoil();
        let args = ["train", "own.toml", "--backend", "cpu", "--no-images", "--out", "out"];
        let said = run(at, &args);
        if says.is_empty() {
            assert_eq!(said.code, Some(0), "{name}: {}", said.text);
            fs::remove_dir_all(at.join("out")).unwrap();
        } else {
            cases.expect(name, &said, 2, says);
            cases.unwritten(name, &at.join("out"));
        }
    };
    let images = set.join("train-images-idx3-ubyte");
    let edit = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(&images).unwrap();
        change(&mut bytes);
        fs::write(&images, bytes).unwrap();
    };
    wrong("a right set", &|| (), &[]);
    wrong("a truncated IDX", &|| edit(&|b| b.truncate(40)), &["train-images-idx3-ubyte"]);
    wrong("an IDX of a header's half", &|| edit(&|b| b.truncate(6)), &["train-images-idx3-ubyte"]);
    wrong("a wrong magic", &|| edit(&|b| b[0] = 7), &["train-images-idx3-ubyte"]);
    wrong("an IDX that is too long", &|| edit(&|b| b.push(0)), &["train-images-idx3-ubyte"]);
    wrong(
        "an IDX of absurd size",
        &|| edit(&|b| b[4..16].fill(0xff)),
        &["train-images-idx3-ubyte"],
    );
    wrong(
        "labels for other images",
        &|| {
            edit(&|b| {
                b[7] = 7;
                b.truncate(16 + 28);
            });
        },
        &["labels"],
    );
    wrong(
        "an empty folder",
        &|| {
            fs::remove_dir_all(&set).unwrap();
            fs::create_dir(&set).unwrap();
        },
        &["set"],
    );
    wrong(
        "a folder that is not there",
        &|| fs::remove_dir_all(&set).unwrap(),
        &["set", "cannot read"],
    );
    wrong(
        "a file that is no set",
        &|| {
            fs::remove_dir_all(&set).unwrap();
            fs::write(&set, "x").unwrap();
        },
        &["set", "not a kind of data set"],
    );
    let _ = fs::remove_file(&set);
    wrong(
        "pictures of unequal sizes",
        &|| {
            fs::remove_dir_all(&set).unwrap();
            for k in 0..6 {
                png(&set.join(format!("a/{k}.png")), 4);
                png(&set.join(format!("b/{k}.png")), if k == 5 { 6 } else { 4 });
            }
        },
        &["5.png", "6 x 6", "4 x 4"],
    );
    wrong(
        "a picture that is none",
        &|| {
            fs::remove_dir_all(&set).unwrap();
            png(&set.join("a/0.png"), 4);
            png(&set.join("b/0.png"), 4);
            fs::write(set.join("b/1.png"), "no picture").unwrap();
        },
        &["1.png"],
    );
    cases.finish(11);
}

#[test]
fn wrong_masks_and_fields() {
    let folder = folder();
    let at = folder.path();
    let mut cases = Cases::default();
    fs::write(at.join("mask.toml"), GOOD.replace("init = \"zero\"", "file = \"mask.npy\""))
        .unwrap();
    let amplitude = GOOD.replace(
        "kind = \"phase_mask\", init = \"zero\"",
        "kind = \"amplitude_mask\", trainable = true, file = \"mask.npy\"",
    );
    fs::write(at.join("amplitude.toml"), amplitude).unwrap();
    let source = GOOD.replace("kind = \"plane\"", "kind = \"file\", path = \"mask.npy\"");
    fs::write(at.join("source.toml"), source).unwrap();
    let mask = at.join("mask.npy");
    let mut wrong = |name: &str, file: &str, says: &[&str]| {
        for command in ["train", "simulate"] {
            let said = run(at, &[command, file, "--backend", "cpu", "--out", "out"]);
            cases.expect(&format!("{name}, {command}"), &said, 2, says);
            cases.unwritten(name, &at.join("out"));
        }
    };
    npy::write_f64(&mask, &[16, 8], &[0.0; 128]).unwrap();
    wrong("a mask of the wrong shape", "mask.toml", &["mask.npy", "16 x 8", "16 x 16"]);
    wrong("a field of the wrong shape", "source.toml", &["mask.npy", "16 x 8", "16 x 16"]);
    npy::write_f64(&mask, &[256], &[0.0; 256]).unwrap();
    wrong("a mask of one axis", "mask.toml", &["mask.npy"]);
    let mut values = [0.5; 256];
    values[17] = f64::NAN;
    npy::write_f64(&mask, &[16, 16], &values).unwrap();
    wrong("a mask with NaN", "mask.toml", &["mask.npy", "NaN"]);
    wrong("an amplitude with NaN", "amplitude.toml", &["mask.npy", "NaN"]);
    wrong("a field with NaN", "source.toml", &["mask.npy", "NaN"]);
    values[17] = 1.5;
    npy::write_f64(&mask, &[16, 16], &values).unwrap();
    wrong("an amplitude above 1", "amplitude.toml", &["mask.npy", "1.5"]);
    fs::write(&mask, "not an array").unwrap();
    wrong("a mask that is no array", "mask.toml", &["mask.npy"]);
    fs::write(&mask, "").unwrap();
    wrong("an empty mask", "mask.toml", &["mask.npy"]);
    cases.finish(16);
}

/// A checkpoint's tensors by name: type, shape, bytes.
type Tensors = HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn spoil(from: &Path, to: &Path, change: impl Fn(&mut Tensors, &mut HashMap<String, String>)) {
    let bytes = fs::read(from).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let mut tensors: Tensors = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(n, v)| (n.to_owned(), (v.dtype(), v.shape().to_vec(), v.data().to_vec())))
        .collect();
    change(&mut tensors, &mut metadata);
    let views = tensors
        .iter()
        .map(|(n, (t, s, b))| (n, TensorView::new(*t, s.clone(), b).expect("a tensor")));
    fs::write(to, serialize(views, Some(metadata)).unwrap()).unwrap();
}

#[test]
fn wrong_checkpoints() {
    const PHASE: &str = "optic.element.1.phase";
    let folder = folder();
    let at = folder.path();
    let mut cases = Cases::default();
    fs::write(at.join("good.toml"), GOOD).unwrap();
    let said = run(at, &["train", "good.toml", "--backend", "cpu", "--no-images", "--out", "run"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    let (good, bad) = (at.join("run/checkpoint.safetensors"), at.join("bad.safetensors"));
    let eval = |file: &str, more: &[&str]| {
        let mut args = vec!["eval", file, "--backend", "cpu", "--range", "0..64"];
        args.extend(more);
        run(at, &args)
    };
    let said = eval("run/checkpoint.safetensors", &[]);
    assert_eq!(said.code, Some(0), "{}", said.text);

    fs::write(&bad, "no tensors at all").unwrap();
    cases.expect(
        "not safetensors",
        &eval("bad.safetensors", &[]),
        2,
        &["bad.safetensors", "not a safetensors file"],
    );
    fs::write(&bad, "").unwrap();
    cases.expect(
        "empty",
        &eval("bad.safetensors", &[]),
        2,
        &["bad.safetensors", "not a safetensors file"],
    );
    cases.expect("a folder", &eval("run", &[]), 2, &["run", "cannot read"]);
    let whole = fs::read(&good).unwrap();
    for length in [100, whole.len() / 2, whole.len() - 1] {
        fs::write(&bad, &whole[..length]).unwrap();
        cases.expect(
            "truncated",
            &eval("bad.safetensors", &[]),
            2,
            &["bad.safetensors", "cut short"],
        );
    }
    let mut wrong =
        |name: &str, says: &[&str], change: &dyn Fn(&mut Tensors, &mut HashMap<String, String>)| {
            spoil(&good, &bad, change);
            let mut all = vec!["bad.safetensors"];
            all.extend(says);
            cases.expect(name, &eval("bad.safetensors", &[]), 2, &all);
        };
    wrong("foreign", &["metadata", "`format`"], &|_, m| m.clear());
    wrong("of another version", &["format is x"], &|_, m| {
        m.insert("format".into(), "x".into());
    });
    wrong("without progress", &["progress"], &|_, m| {
        m.insert("progress".into(), "{}".into());
    });
    wrong("with a broken experiment", &["(experiment):1: ", "not TOML"], &|_, m| {
        m.insert("experiment".into(), "[".into());
    });
    wrong("with a scene for an experiment", &["data"], &|_, m| {
        let scene = "[optic]\nwavelength='1 mm'\npitch='1 mm'\nsamples=16\nelement=[{kind='free_space',z='1 mm'}]";
        m.insert("experiment".into(), scene.into());
    });
    wrong("with NaN", &[PHASE, "NaN", "element 5"], &|t, _| {
        t.get_mut(PHASE).unwrap().2[20..24].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    wrong("without a tensor", &["no tensor", PHASE], &|t, _| {
        t.remove(PHASE);
    });
    wrong("of another shape", &[PHASE, "[256]", "[16, 16]"], &|t, _| {
        t.get_mut(PHASE).unwrap().1 = vec![256];
    });
    wrong("of another type", &[PHASE], &|t, _| t.get_mut(PHASE).unwrap().0 = Dtype::U32);
    wrong("of a type that is not read", &[PHASE, "f32, f64 and u32"], &|t, _| {
        t.get_mut(PHASE).unwrap().0 = Dtype::I32;
    });

    let run_file = "run/checkpoint.safetensors";
    let of_another = eval(run_file, &["--set", "optic.samples=20"]);
    cases.expect("of another optic", &of_another, 2, &[run_file, PHASE, "[16, 16]", "[20, 20]"]);
    let beyond = run(at, &["eval", run_file, "--backend", "cpu", "--range", "0..10001"]);
    cases.expect("a range beyond the split", &beyond, 2, &["--range", "10000 samples"]);
    fs::write(at.join("in_the_way"), "a file").unwrap();
    for (name, args) in [
        ("export in a file", &["export", run_file, "--backend", "cpu", "--out", "in_the_way"][..]),
        (
            "a report in a file",
            &["report", "run", "--backend", "cpu", "--out", "in_the_way/r.html"],
        ),
    ] {
        cases.expect(name, &run(at, args), 1, &["in_the_way", "cannot write"]);
    }
    for (file, text, says) in [
        ("summary.json", "{}", "not the summary of a run"),
        ("energy.json", "{", "not JSON"),
        ("experiment.toml", "[", "not TOML"),
    ] {
        let path = at.join("run").join(file);
        let before = fs::read(&path).ok();
        fs::write(&path, text).unwrap();
        let said = run(at, &["report", "run", "--backend", "cpu", "--out", "page.html"]);
        cases.expect(&format!("a report of a spoilt {file}"), &said, 2, &[file, says]);
        cases.unwritten(file, &at.join("page.html"));
        match before {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    let dump = eval(run_file, &["--dump-fields", "in_the_way"]);
    cases.expect("--dump-fields in a file", &dump, 1, &["in_the_way", "cannot write"]);

    // A resumed run goes on with what it began with, and what is there stays as it was.
    let resume = |more: &[&str]| {
        let mut args = vec![
            "train",
            "good.toml",
            "--backend",
            "cpu",
            "--no-images",
            "--out",
            "run",
            "--resume",
        ];
        args.extend(more);
        run(at, &args)
    };
    let before = fs::read(at.join("run/experiment.toml")).unwrap();
    for (set, key) in [
        ("optic.pad=3", "optic"),
        ("optic.samples=20", "optic"),
        ("data.train_limit=96", "data"),
        ("train.batch=16", "train.batch"),
        ("train.optimizer.lr=0.1", "train.optimizer"),
        ("seed=2", "seed"),
    ] {
        let said = resume(&["--set", set]);
        let rule = format!("was trained with another `{key}`");
        cases.expect(&format!("resume with {set}"), &said, 2, &["checkpoint.safetensors", &rule]);
    }
    spoil(&good, &bad, |t, _| t.retain(|name, _| name == PHASE));
    fs::copy(&bad, &good).unwrap();
    cases.expect(
        "resume without the optimiser",
        &resume(&[]),
        2,
        &["checkpoint.safetensors", "no tensor"],
    );
    assert_eq!(fs::read(at.join("run/experiment.toml")).unwrap(), before);
    assert_eq!(fs::read(&bad).unwrap(), fs::read(&good).unwrap());
    cases.finish(25);
}
