//! Who may know whom, read off the sources: the arrows of the architecture page.
//!
//! ```text
//! cli -> energy -> optics
//! cli -> report, render, bench -> train -> methods -> lower -> { optics, program + ops } -> { math, units, error }
//!                       train -> backend -> program + ops
//! ```

use std::fs;
use std::path::{Path, PathBuf};

/// What the sources below a path must not name.
struct Rule {
    /// Prefixes of paths inside `src`, `/` between folders.
    below: &'static [&'static str],
    /// Prefixes that the rule leaves out.
    but: &'static [&'static str],
    /// Modules of this crate.
    modules: &'static [&'static str],
    /// Other words: crates, macros, functions.
    words: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        below: &["optics/"],
        but: &[],
        modules: &[
            "program",
            "ops",
            "backend",
            "lower",
            "methods",
            "train",
            "cli",
            "report",
            "render",
            "experiment",
            "data",
        ],
        words: &[],
    },
    Rule {
        below: &["ops/", "program/"],
        but: &[],
        modules: &[
            "optics",
            "backend",
            "lower",
            "methods",
            "train",
            "cli",
            "report",
            "render",
            "experiment",
            "data",
        ],
        words: &[],
    },
    // Where threads run leaves, a kernel must not wait for them: `ops::kernel::each` asks.
    Rule {
        below: &["ops/"],
        but: &["ops/kernel.rs", "ops/lines.rs"],
        modules: &[],
        words: &["rayon"],
    },
    Rule {
        below: &["backend/"],
        but: &[],
        modules: &[
            "optics",
            "lower",
            "methods",
            "train",
            "cli",
            "report",
            "render",
            "experiment",
            "data",
        ],
        words: &[],
    },
    Rule {
        below: &["lower/"],
        but: &[],
        modules: &["methods", "train", "cli", "backend", "report", "render", "data"],
        words: &[],
    },
    Rule {
        below: &["methods/"],
        but: &[],
        modules: &["train", "cli", "report", "render", "data"],
        words: &[],
    },
    Rule {
        below: &["train/", "data/", "experiment/"],
        but: &[],
        modules: &["cli", "report", "render"],
        words: &[],
    },
    Rule {
        below: &["math/", "units.rs", "error.rs", "files/"],
        but: &[],
        modules: &[
            "optics",
            "program",
            "ops",
            "backend",
            "lower",
            "methods",
            "train",
            "cli",
            "report",
            "render",
            "experiment",
            "data",
        ],
        words: &[],
    },
    Rule {
        below: &["lab/"],
        but: &[],
        modules: &["cli", "report", "render", "lower", "methods", "train", "optics"],
        words: &[],
    },
    Rule {
        below: &["energy/"],
        but: &[],
        modules: &[
            "program",
            "ops",
            "backend",
            "lower",
            "methods",
            "train",
            "cli",
            "report",
            "render",
            "experiment",
            "data",
            "baseline",
            "files",
        ],
        words: &[],
    },
    Rule {
        below: &["baseline/"],
        but: &[],
        modules: &[
            "optics",
            "program",
            "ops",
            "lower",
            "methods",
            "train",
            "cli",
            "report",
            "render",
            "experiment",
            "energy",
        ],
        words: &[],
    },
    Rule {
        below: &[""],
        but: &["baseline/", "bench/", "cli/"],
        modules: &["baseline"],
        words: &[],
    },
    Rule { below: &[""], but: &["energy/", "cli/", "report/"], modules: &["energy"], words: &[] },
    Rule { below: &["bench/"], but: &[], modules: &["cli", "report", "render"], words: &[] },
    Rule { below: &[""], but: &["bench/", "cli/"], modules: &["bench"], words: &[] },
    Rule { below: &["report/", "render/"], but: &[], modules: &["cli"], words: &[] },
    Rule { below: &[""], but: &["backend/gpu/"], modules: &[], words: &["wgpu"] },
    Rule {
        below: &[""],
        but: &["cli/", "main.rs"],
        modules: &[],
        words: &["println!", "eprintln!", "print!", "eprint!", "dbg!", "clap", "process::exit"],
    },
];

/// The text without comments and string literals, lines kept. Char literals of a quote and raw
/// strings with hashes are understood.
fn code(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    let at = |i: usize| bytes.get(i).copied().unwrap_or('\0');
    let blank = |out: &mut String, from: usize, to: usize| {
        for &c in &bytes[from..to.min(bytes.len())] {
            out.push(if c == '\n' { '\n' } else { ' ' });
        }
    };
    while i < bytes.len() {
        let start = i;
        if at(i) == '/' && at(i + 1) == '/' {
            while i < bytes.len() && at(i) != '\n' {
                i += 1;
            }
            blank(&mut out, start, i);
        } else if at(i) == '/' && at(i + 1) == '*' {
            while i < bytes.len() && !(at(i) == '*' && at(i + 1) == '/') {
                i += 1;
            }
            i += 2;
            blank(&mut out, start, i);
        } else if at(i) == 'r' && at(i + 1) == '#' && at(i + 2) == '"' {
            i += 3;
            while i < bytes.len() && !(at(i) == '"' && at(i + 1) == '#') {
                i += 1;
            }
            i += 2;
            blank(&mut out, start, i);
        } else if at(i) == '\'' && at(i + 1) == '"' && at(i + 2) == '\'' {
            i += 3;
            blank(&mut out, start, i);
        } else if at(i) == '"' {
            i += 1;
            while i < bytes.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
            blank(&mut out, start, i);
        } else {
            out.push(at(i));
            i += 1;
        }
    }
    out
}

/// Whether `word` stands in `line` as a whole.
fn holds(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_none_or(|c| !part(c));
        let after = line[at + word.len()..].chars().next();
        before && (word.ends_with('!') || after.is_none_or(|c| !part(c)))
    })
}

/// Modules of this crate that a source names: `crate::a`, `crate::{a, b::c}`, `lightloom::a`.
fn named(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for root in ["crate::", "lightloom::"] {
        for (at, _) in code.match_indices(root) {
            let line = code[..at].matches('\n').count() + 1;
            let rest = code[at + root.len()..].trim_start();
            let word = |text: &str| -> String {
                text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
            };
            let Some(inner) = rest.strip_prefix('{') else {
                found.push((line, word(rest)));
                continue;
            };
            let (mut depth, mut item) = (1, String::new());
            for c in inner.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 || (depth == 1 && c == ',') {
                    found.push((line, word(&item)));
                    item.clear();
                } else {
                    item.push(c);
                }
                if depth == 0 {
                    break;
                }
            }
        }
    }
    found
}

/// What a file breaks: `path:line: names x`.
fn broken(file: &str, text: &str) -> Vec<String> {
    let code = code(text);
    // Unit tests at the end of a file may use what they like.
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
    let mut out = Vec::new();
    for rule in RULES {
        let starts = |list: &[&str]| list.iter().any(|p| file.starts_with(p));
        if !starts(rule.below) || starts(rule.but) {
            continue;
        }
        for (line, module) in named(code) {
            if rule.modules.contains(&module.as_str()) {
                out.push(format!("src/{file}:{line}: names {module}"));
            }
        }
        for (n, line) in code.lines().enumerate() {
            for word in rule.words.iter().filter(|w| holds(line, w)) {
                out.push(format!("src/{file}:{}: names {word}", n + 1));
            }
        }
    }
    out
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn the_arrows_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 80, "{} sources", files.len());
    let mut all = Vec::new();
    for path in files {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        all.extend(broken(&name, &fs::read_to_string(&path).unwrap()));
    }
    all.sort();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// The rules catch what they are for, and nothing else.
#[test]
fn the_rules_can_fail() {
    for (file, text, what) in [
        ("optics/grid.rs", "use crate::program::Slot;", "src/optics/grid.rs:1: names program"),
        (
            "ops/add.rs",
            "\nuse crate::{\n error::Result,\n optics::Grid};",
            "src/ops/add.rs:2: names optics",
        ),
        ("ops/add.rs", "fn f() -> crate::backend::Cpu {}", "src/ops/add.rs:1: names backend"),
        ("ops/add.rs", "use rayon::prelude::*;", "src/ops/add.rs:1: names rayon"),
        ("program/plan.rs", "use crate::lower::X;", "src/program/plan.rs:1: names lower"),
        ("backend/cpu/mod.rs", "use wgpu::Device;", "src/backend/cpu/mod.rs:1: names wgpu"),
        (
            "backend/choice.rs",
            "use crate::experiment::X;",
            "src/backend/choice.rs:1: names experiment",
        ),
        ("lower/mod.rs", "use crate::train::X;", "src/lower/mod.rs:1: names train"),
        ("train/run.rs", "    println!(\"{}\", 1);", "src/train/run.rs:1: names println!"),
        ("render/mod.rs", "std::process::exit(1)", "src/render/mod.rs:1: names process::exit"),
        ("units.rs", "use clap::Parser;", "src/units.rs:1: names clap"),
    ] {
        assert_eq!(broken(file, text), [what], "{text}");
    }
    for (file, text) in [
        ("optics/grid.rs", "// use crate::program::Slot;\nlet s = \"crate::program wgpu\";"),
        ("ops/add.rs", "use crate::program::Slot; let program_wgpux = '\"'; let s = \"wgpu\";"),
        ("backend/gpu/device.rs", "use wgpu::Device;"),
        ("cli/mod.rs", "println!(\"{}\", clap::x());"),
        ("train/run.rs", "#[cfg(test)]\nmod tests {\n println!(); }"),
        ("units.rs", "let pixel_print = 1; sprint!(x);"),
    ] {
        assert_eq!(broken(file, text), Vec::<String>::new(), "{text}");
    }
}
