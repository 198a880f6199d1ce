//! `lightloom schema`: what editors need to check and complete experiment files.
//!
//! schemars knows the types; what the reader allows beside them is added here.

use serde_json::{Value, json};

use crate::error::Result;
use crate::experiment::Experiment;
use crate::experiment::load::DEFAULT_KINDS;
use crate::optics::mesh::{imperfections, topology};

pub fn run() -> Result<()> {
    super::print_json(&schema())
}

fn schema() -> Value {
    let mut schema = schemars::schema_for!(Experiment).to_value();
    let types = &mut schema["$defs"];
    for (alias, name) in imperfections::ALIASES {
        let keys = &mut types["Imperfections"]["properties"];
        keys[alias] = keys[name].clone();
    }
    for (alias, name) in topology::ALIASES {
        if let Some(variant) = variant(&mut types["Topology"], |v| v["const"] == name) {
            variant.remove("const");
            variant.insert("enum".into(), json!([name, alias]));
        }
    }
    for ([_, key], kind) in DEFAULT_KINDS {
        // A type is called as its key.
        let name = key[..1].to_uppercase() + &key[1..];
        let of_kind = |v: &Value| v["properties"]["kind"]["const"] == kind;
        if let Some(variant) = variant(&mut types[name], of_kind)
            && let Some(required) = variant.get_mut("required").and_then(Value::as_array_mut)
        {
            required.retain(|key| key != "kind");
        }
    }
    plain(&mut schema);
    schema
}

/// The one of a type's variants that is meant.
fn variant(
    of: &mut Value,
    meant: impl Fn(&Value) -> bool,
) -> Option<&mut serde_json::Map<String, Value>> {
    let variants = of.get_mut("oneOf")?.as_array_mut()?;
    variants.iter_mut().find(|v| meant(v))?.as_object_mut()
}

/// Takes the links of rustdoc out of descriptions: ` ([`crate::lab`])`.
fn plain(at: &mut Value) {
    match at {
        Value::Object(keys) => {
            if let Some(Value::String(text)) = keys.get_mut("description") {
                while let Some((before, rest)) = text.split_once(" ([`")
                    && let Some((_, after)) = rest.split_once("`])")
                {
                    *text = format!("{before}{after}");
                }
            }
            keys.values_mut().for_each(plain);
        }
        Value::Array(all) => all.iter_mut().for_each(plain),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every alias that serde takes is in the schema, with what the type says of the name itself.
    #[test]
    fn aliases_are_in_the_schema() {
        let schema = schema();
        let [keys, topologies] = [
            &schema["$defs"]["Imperfections"]["properties"],
            &schema["$defs"]["Topology"]["oneOf"],
        ];
        assert!(keys["bs_error"].is_object() && keys["bs_error"] == keys["splitter_angle"]);
        assert!(keys["crosstalk_factor"].is_object());
        let names =
            topologies.as_array().expect("variants").iter().filter_map(|v| v["enum"].as_array());
        let names: Vec<&Value> = names.flatten().collect();
        let sources = [
            include_str!("../optics/mesh/imperfections.rs"),
            include_str!("../optics/mesh/topology.rs"),
        ];
        let mut count = 0;
        for alias in sources.iter().flat_map(|s| s.split("serde(alias = \"").skip(1)) {
            let alias = alias.split('"').next().expect("a name");
            assert!(keys[alias].is_object() || names.iter().any(|n| *n == alias), "{alias}");
            count += 1;
        }
        assert_eq!(count, imperfections::ALIASES.len() + topology::ALIASES.len());
    }

    /// `kind` may be left out where the reader puts it in, and there alone.
    #[test]
    fn default_kinds_need_not_be_given() {
        let schema = schema();
        for (name, kind) in [("Source", "plane"), ("Optimizer", "adam"), ("Schedule", "cosine")] {
            for variant in schema["$defs"][name]["oneOf"].as_array().expect("variants") {
                let required = variant["required"].as_array().expect("a list");
                let given = required.iter().any(|key| key == "kind");
                assert_eq!(given, variant["properties"]["kind"]["const"] != kind, "{variant}");
                assert_eq!(variant["additionalProperties"], false, "{variant}");
            }
        }
    }

    #[test]
    fn descriptions_hold_no_links() {
        let text = schema().to_string();
        assert!(text.contains("A process that speaks the lab protocol."));
        assert!(!text.contains("[`") && !text.contains("::"));
    }
}
