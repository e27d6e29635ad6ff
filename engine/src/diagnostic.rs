//! Problems in a user's input, collected rather than returned at the first.
//!
//! The engine and the providers name a *place in the data*; only the loader knows lines and columns, and only the
//! command line draws them.

use serde::{Deserialize, Serialize};

use crate::address::{Address, ComponentId};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is deployed while this stands.
    Error,
    /// Worth reading; goes on.
    Warning,
}

/// A position in a file: both count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The file, relative to the stack's folder.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// In a file.
    File(Position),
    /// In a component, at a JSON pointer into its document (`/spec/delay`).
    Component {
        /// Which component.
        component: ComponentId,
        /// A JSON pointer into its document; empty: the whole.
        path: String,
    },
    /// In a resource's properties, at a JSON pointer.
    Resource {
        /// Which resource.
        address: Address,
        /// A JSON pointer into its properties; empty: the whole.
        path: String,
    },
    /// In the input as a whole (command line, environment).
    Input,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for scripts: `unknown-field`, `duplicate-name`.
    pub code: String,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Where.
    pub at: Place,
    /// Other places that belong to it, each with what is there ("first defined here").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<(Place, String)>,
    /// The way out, if there is an obvious one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `at`.
    pub fn error(code: &str, at: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
            at,
            related: Vec::new(),
            help: None,
        }
    }

    /// A warning at `at`.
    pub fn warning(code: &str, at: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, at, message) }
    }

    /// The same with a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with another place that belongs to it.
    #[must_use]
    pub fn related(mut self, at: Place, what: impl Into<String>) -> Self {
        self.related.push((at, what.into()));
        self
    }
}
