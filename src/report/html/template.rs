//! The files of `assets/report`, compiled in, and templates filled.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use crate::error::{Error, Result};

static ASSETS: Dir = include_dir!("$CARGO_MANIFEST_DIR/assets/report");

pub fn asset(path: &str) -> &'static str {
    // A test renders every page: what is missing would show there.
    ASSETS.get_file(path).and_then(|f| f.contents_utf8()).unwrap_or_default()
}

/// Fills a template of `assets/report`.
pub fn render(template: &str, context: &impl Serialize) -> Result<String> {
    static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
        let mut all = Environment::new();
        for file in ASSETS.files().filter(|f| f.path().extension().is_some_and(|e| e == "html")) {
            let name = file.path().to_str().unwrap_or_default();
            // A template that does not parse is missed when it is asked for.
            let _ = all.add_template(name, file.contents_utf8().unwrap_or_default());
        }
        all
    });
    let fail = |e: minijinja::Error| Error::device(format!("the report cannot be made: {e:#}"));
    TEMPLATES.get_template(template).and_then(|t| t.render(Serde(context))).map_err(fail)
}

/// JSON that may stand inside a script element.
pub fn script_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default().replace('<', "\\u003c")
}
