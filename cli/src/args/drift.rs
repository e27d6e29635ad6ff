//! The words of `drift`.

use clap::{Subcommand, ValueEnum};

/// How a drift report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DriftFormat {
    /// For people.
    Text,
    /// For a page.
    Markdown,
    /// For programs.
    Json,
}

/// What to do about drift.
#[derive(Debug, Subcommand)]
pub enum DriftCommand {
    /// Compare what is live with what was applied last, field by field; takes no lock and changes nothing
    Detect {
        /// Only this component (repeatable)
        #[arg(long = "target", value_name = "COMPONENT")]
        targets: Vec<String>,
        /// Exit with 2 if something is not as it was left, with 1 if something could not be compared
        #[arg(long)]
        detailed_exitcode: bool,
        /// What it looks like
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: DriftFormat,
        /// Look again after each such time, and tell what is new: 30s, 10m
        #[arg(long, value_name = "TIME")]
        interval: Option<String>,
    },
    /// Set back what is not as it was left, and nothing else: pending changes of the files stay pending
    Remediate {
        /// Only this component (repeatable)
        #[arg(long = "target", value_name = "COMPONENT")]
        targets: Vec<String>,
        /// Only this: Kind.name/Role/Property, Kind.name/Role, or a property of whatever has it (repeatable)
        #[arg(long, value_name = "FIELD")]
        only: Vec<String>,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
        /// Take nothing back if it fails, whatever the environment says
        #[arg(long)]
        no_rollback: bool,
    },
    /// Keep what a field is, in the state, and show the line of the files that says otherwise
    Accept {
        /// As `drift detect` names it: Kind.name/Role/Property
        field: String,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
}
