//! `provider`: what an author of resource types asks. Never touches the network.

mod list;
mod new;
mod one;
mod words;

use std::path::PathBuf;

use clap::Subcommand;

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
}

/// Runs it.
pub fn run(global: &Global, command: ProviderCommand, term: &Term) -> Result<Code, Failure> {
    match command {
        ProviderCommand::List { kind: None } => list::run(global, term),
        ProviderCommand::List { kind: Some(kind) } => one::run(global, &kind, term),
        ProviderCommand::New { kind, schema, out } => new::run(global, &kind, &schema, out, term),
    }
}
