//! `provider`: what an author of resource types asks. Never touches the network.

mod check;
mod list;
mod new;
mod one;
mod words;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{
    args::Global,
    exit::{Code, Failure},
    term::Term,
};

/// What to do with types.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// All types with what is declared of them; or one of them in full
    List {
        /// The type: AWS::SQS::Queue
        kind: Option<String>,
    },
    /// Write the file and the sample of a new type from CloudFormation's schema of it
    New {
        /// The type: AWS::Logs::MetricFilter
        kind: String,
        /// CloudFormation's schema of it, as JSON
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
        /// Where the files go [default: a folder named after the type]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Hold a type to what every type has to show, and print a table
    Check(CheckFlags),
}

/// What of a type is tried.
#[derive(Debug, Args)]
pub struct CheckFlags {
    /// The type: AWS::Logs::MetricFilter
    kind: String,
    /// Its samples [default: fixtures/resources here, else deployer's own]
    #[arg(long, value_name = "DIR")]
    samples: Option<PathBuf>,
    /// Every call with every fault, every field, and more combinations: minutes instead of seconds
    #[arg(long)]
    all: bool,
    /// Where chance begins, which picks what is tried
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// Runs it.
pub fn run(global: &Global, command: ProviderCommand, term: &Term) -> Result<Code, Failure> {
    match command {
        ProviderCommand::List { kind: None } => list::run(global, term),
        ProviderCommand::List { kind: Some(kind) } => one::run(global, &kind, term),
        ProviderCommand::Check(flags) => check::run(global, &flags, term),
        ProviderCommand::New { kind, schema, out } => new::run(global, &kind, &schema, out, term),
    }
}
