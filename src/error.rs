//! One error type: what is wrong, where, which rule it breaks, and the way out.
//!
//! An error is made where the rule is known and gains its place in the file where the file is
//! known ([`crate::experiment`]); `main` prints it once and turns it into an exit code.

use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where in a text an error stands.
#[derive(Debug, Clone)]
pub struct Place {
    /// File name as the user gave it, or `--set` for an override.
    pub file: String,
    pub text: String,
    /// Byte range in `text`.
    pub span: std::ops::Range<usize>,
}

impl Place {
    /// 1-based line of the start of the span.
    pub fn line(&self) -> usize {
        let end = self.span.start.min(self.text.len());
        self.text.get(..end).map_or(1, |before| before.split('\n').count())
    }
}

/// A request that breaks a rule: a key of an experiment file, a flag, a value.
#[derive(Debug, Clone)]
pub struct Invalid {
    /// Dotted path of the key, `optic.element[2].z`; empty for the file as a whole.
    pub key: String,
    /// What is wrong and the rule that it breaks.
    pub rule: String,
    /// What to do about it.
    pub help: Option<String>,
    pub place: Option<Place>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", invalid_text(.0))]
    Invalid(Box<Invalid>),

    /// A file that cannot be read or written.
    #[error("{}: cannot {doing}: {why}", path.display())]
    File { path: PathBuf, doing: &'static str, why: std::io::Error, help: Option<String> },

    /// A file that is there but does not hold what it should.
    #[error("{}: {what}", path.display())]
    Format { path: PathBuf, what: String, help: Option<String> },

    /// Shapes or types that do not fit, found when a program is built.
    #[error("{op}: {what}")]
    Shape { op: &'static str, what: String },

    #[error("{op} has no adjoint, and a trainable parameter lies before it")]
    NoAdjoint { op: &'static str },

    #[error("{what}")]
    Device { what: String, help: Option<String> },

    /// The first slot in which a NaN or an infinity appeared.
    #[error("step {step}: {slot} is not finite, first seen after {op}")]
    NotFinite { step: u64, op: String, slot: String, help: Option<String> },
}

fn invalid_text(e: &Invalid) -> String {
    let mut text = String::new();
    if let Some(p) = &e.place {
        text.push_str(&format!("{}:{}: ", p.file, p.line()));
    }
    if !e.key.is_empty() {
        text.push_str(&e.key);
        text.push_str(": ");
    }
    text + &e.rule
}

impl Error {
    pub fn invalid(key: impl Into<String>, rule: impl Into<String>) -> Self {
        let invalid = Invalid { key: key.into(), rule: rule.into(), help: None, place: None };
        Self::Invalid(Box::new(invalid))
    }

    /// `doing` is `read` or `write`.
    pub fn file(path: &Path, doing: &'static str, why: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), doing, why, help: None }
    }

    pub fn format(path: &Path, what: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), what: what.into(), help: None }
    }

    pub fn device(what: impl Into<String>) -> Self {
        Self::Device { what: what.into(), help: None }
    }

    /// Adds the way out.
    pub fn help(mut self, way_out: impl Into<String>) -> Self {
        match &mut self {
            Self::Invalid(e) => e.help = Some(way_out.into()),
            Self::File { help, .. }
            | Self::Format { help, .. }
            | Self::Device { help, .. }
            | Self::NotFinite { help, .. } => {
                *help = Some(way_out.into());
            }
            Self::Shape { .. } | Self::NoAdjoint { .. } => {}
        }
        self
    }

    /// For an error that was given none of its own.
    fn usual_way_out(&self) -> &'static str {
        use std::io::ErrorKind as K;
        match self {
            Self::File { doing: "read", why, .. } => match why.kind() {
                K::NotFound => {
                    "check the path: it starts from the folder of the file that names it, or from where you are"
                }
                K::PermissionDenied => "give yourself the right to read it",
                K::IsADirectory => "name a file in this folder",
                K::InvalidData => "give a text file in UTF-8",
                _ => "check that the file is there and whole",
            },
            Self::File { why, .. } => match why.kind() {
                K::AlreadyExists | K::NotADirectory | K::IsADirectory => {
                    "something else is in the way: choose another place, or move it"
                }
                K::StorageFull | K::QuotaExceeded => "make room, or choose another place",
                _ => "choose a place that you may write to",
            },
            Self::Format { .. } => {
                "check that this is the file you mean and that it is whole; get or make it again"
            }
            Self::Device { .. } => "try --backend cpu, and `lightloom doctor`",
            Self::NotFinite { .. } => "look at the source, the masks and the learning rate",
            Self::Invalid(_) => "see `lightloom schema`, and the examples in assets/experiments",
            Self::Shape { .. } | Self::NoAdjoint { .. } => {
                "no request should come this far: please report it with the experiment file"
            }
        }
    }

    /// Names the key of a rule as the user knows it: the rule may know only its own.
    pub fn renamed(mut self, name: impl FnOnce(&str) -> String) -> Self {
        if let Self::Invalid(e) = &mut self {
            e.key = name(&e.key);
        }
        self
    }

    /// 2 when the request is wrong, 1 when a right request could not be carried out.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Invalid(_) | Self::Format { .. } => 2,
            Self::File { doing, .. } if *doing == "read" => 2,
            // That a program does not fit together is our fault, not the request's.
            Self::File { .. }
            | Self::Device { .. }
            | Self::NotFinite { .. }
            | Self::NoAdjoint { .. }
            | Self::Shape { .. } => 1,
        }
    }
}

impl miette::Diagnostic for Error {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let given = match self {
            Self::Invalid(e) => e.help.as_ref(),
            Self::File { help, .. }
            | Self::Format { help, .. }
            | Self::Device { help, .. }
            | Self::NotFinite { help, .. } => help.as_ref(),
            Self::Shape { .. } | Self::NoAdjoint { .. } => None,
        };
        match given {
            Some(help) => Some(Box::new(help)),
            None => Some(Box::new(self.usual_way_out())),
        }
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        match self {
            Self::Invalid(e) => e.place.as_ref().map(|p| &p.text as &dyn miette::SourceCode),
            _ => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let Self::Invalid(e) = self else { return None };
        let place = e.place.as_ref()?;
        let label = miette::LabeledSpan::new_with_span(Some("here".into()), place.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_ours_are_no_wrong_requests() {
        let ours = [
            Error::Shape { op: "dense", what: "no matrix".into() },
            Error::NoAdjoint { op: "dense" },
        ];
        assert!(ours.iter().all(|error| error.exit_code() == 1));
        assert_eq!(Error::invalid("optic", "wrong").exit_code(), 2);
    }
}
