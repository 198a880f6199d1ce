//! A piece of JSON → a value, or what is wrong with it in the words of the file.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::place::{Source, offset};
use crate::error::{Error, Result};

const ANEW: &str = "write it anew with `lightloom mesh decompose`";

impl<'a> Source<'a> {
    /// Reads `part`, which starts at byte `from` and is the value of `key`.
    pub fn read<T: Deserialize<'a>>(&self, part: &'a str, from: usize, key: &str) -> Result<T> {
        serde_json::from_str(part).map_err(|e| self.refused(part, from, key, &e))
    }

    pub fn value<T: DeserializeOwned>(&self, value: &'a RawValue, key: &str) -> Result<T> {
        let part = value.get();
        let mut reader = serde_json::Deserializer::from_str(part);
        serde_path_to_error::deserialize(&mut reader).map_err(|e| {
            let inner = e.path().to_string();
            let dot = if inner.starts_with('[') { "" } else { "." };
            let whole = if inner == "." { key.to_owned() } else { format!("{key}{dot}{inner}") };
            self.refused(part, self.span(value).start, &whole, e.inner())
        })
    }

    /// What serde says, in the words of this file.
    fn refused(&self, part: &str, from: usize, key: &str, e: &serde_json::Error) -> Error {
        let at = offset(part, e.line(), e.column());
        let span = from + at..(from + at + 1).min(self.text.len());
        let message = e.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let last = from + at + 1 >= self.text.trim_end().len();
        if e.is_eof() || (last && message == "invalid number") {
            let rule = "the text ends in the middle: the file is cut short";
            return self.error(span, key, rule, ANEW);
        }
        let word = self.word(from + at);
        if e.is_syntax() {
            if word.chars().any(char::is_alphabetic) && !word.contains('"') {
                let rule = format!("{word} is no JSON value: every number must be finite");
                return self.error(span, key, rule, "look for where the phase was made");
            }
            return self.error(span, key, format!("not JSON: {message}"), ANEW);
        }
        let mut quoted = message.split('`').skip(1).step_by(2);
        let name = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        if message.starts_with("unknown field") {
            let rule = format!("unknown key `{name}`");
            return self.error(span, key, rule, format!("use {}", known.join(", ")));
        }
        if message.starts_with("unknown variant") {
            let rule = format!("no topology is called \"{name}\"");
            return self.error(span, key, rule, format!("use {}", known.join(", ")));
        }
        if message.starts_with("missing field") {
            let whole = from..from + part.len().min(1);
            return self.error(whole, key, format!("missing key `{name}`"), "add it");
        }
        if message.starts_with("duplicate field") {
            return self.error(span, key, format!("the key `{name}` stands twice"), "remove one");
        }
        let rule = message
            .replace("null", "null (which is how a NaN is often written)")
            .replace("expected f64", "expected a number")
            .replace("expected usize", "expected a whole number from 0 on")
            .replace("expected u32", "expected a whole number from 0 on");
        self.error(span, key, rule, "give a value of the right type")
    }

    /// The letters, digits and signs around a byte.
    fn word(&self, at: usize) -> &'a str {
        let bytes = self.text.as_bytes();
        let part = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
        let at = at.min(bytes.len());
        let start = bytes[..at].iter().rposition(|b| !part(b)).map_or(0, |k| k + 1);
        let end = bytes[at..].iter().position(|b| !part(b)).map_or(bytes.len(), |k| at + k);
        self.text.get(start..end).unwrap_or_default()
    }
}
