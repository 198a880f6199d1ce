//! Errors with their place in a text.

use std::ops::Range;

use serde_json::value::RawValue;

use crate::error::{Error, Invalid, Place};

/// Lines longer than this are not shown whole: files of other programs have all on one.
const LONG: usize = 300;

/// A text and the name of its file.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// `span` is in bytes of the text; an empty help leaves the usual one.
    pub fn error(
        &self,
        span: Range<usize>,
        key: &str,
        rule: impl Into<String>,
        help: impl Into<String>,
    ) -> Error {
        self.at(span, key, Error::invalid("", rule).help(help))
    }

    /// Gives an error of a rule its key and its place.
    pub fn at(&self, span: Range<usize>, key: &str, error: Error) -> Error {
        let Error::Invalid(inner) = error else { return error };
        let rule = inner.rule;
        let start = span.start.min(self.text.len());
        let before = &self.text.as_bytes()[..start];
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let length = self.text.as_bytes()[line_start..]
            .iter()
            .position(|&b| b == b'\n')
            .unwrap_or(self.text.len() - line_start);
        if length <= LONG {
            let place = Place { file: self.name.into(), text: self.text.into(), span };
            return Error::Invalid(Box::new(Invalid {
                key: key.into(),
                rule,
                help: inner.help,
                place: Some(place),
            }));
        }
        let line = before.split(|&b| b == b'\n').count();
        let colon = if key.is_empty() { "" } else { ": " };
        let what = format!("line {line}, column {}: {key}{colon}{rule}", start - line_start + 1);
        let error = Error::format(std::path::Path::new(self.name), what);
        match inner.help {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// Where a value that was read from this text stands in it.
    pub fn span(&self, value: &RawValue) -> Range<usize> {
        let start = value.get().as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + value.get().len()
    }
}

/// Byte of a line and a column, both from 1, as `serde_json` counts them.
pub fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}
