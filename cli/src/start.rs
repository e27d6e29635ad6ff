//! How a run begins and ends: arguments, logs, the runtime, the exit code.
//!
//! What went wrong is told here and nowhere else, after everything that was in flight has landed.

use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use crate::{
    args::{Cli, Command, LogFormat},
    author::Deployer,
    commands,
    exit::{Code, Failure},
    render,
    term::{self, Term, Tone},
};

/// Does what the arguments of this process ask for.
pub fn run(deployer: Deployer) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(mut cli) => {
            cli.global.deployer = deployer;
            cli
        }
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { code(Code::Usage) } else { code(Code::Done) };
        }
    };
    let term = Term::new(&cli.global);
    let (json, quiet) = (cli.global.json, matches!(cli.command, Command::Apply { .. } | Command::Destroy { .. }));
    let result = log(&cli).and_then(|()| runtime()).and_then(|runtime| runtime.block_on(commands::run(cli, &term)));
    match result {
        Ok(ended) => code(ended),
        Err(failure) => {
            tell(&failure, &term, json, quiet);
            code(failure.code())
        }
    }
}

fn code(code: Code) -> ExitCode {
    ExitCode::from(code as u8)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Failure::said(Code::Failed, format!("the runtime could not be started: {error}")))
}

/// Logs go to stderr or a file, never to stdout.
fn log(cli: &Cli) -> Result<(), Failure> {
    use tracing_subscriber::{EnvFilter, fmt};
    let level = match (cli.global.verbose, cli.global.quiet) {
        (_, true) => "error",
        // Where credentials are looked for in vain is no warning: the error says it in its own words.
        (0 | 1, _) => "warn,aws_config=error",
        (2, _) => "info,aws_config=warn",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("DEPLOYER_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let writer: fmt::writer::BoxMakeWriter = match &cli.global.log_file {
        Some(path) => match std::fs::File::options().create(true).append(true).open(path) {
            Ok(file) => fmt::writer::BoxMakeWriter::new(std::sync::Arc::new(file)),
            Err(error) => {
                let message = format!("the log file {} cannot be written: {error}", path.display());
                return Err(Failure::said(Code::Usage, message));
            }
        },
        None => fmt::writer::BoxMakeWriter::new(|| term::Notes),
    };
    let builder = fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    match cli.global.log_format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}

/// What happened, and the way on: on stderr for people, on stdout where JSON was asked for.
fn tell(failure: &Failure, term: &Term, as_json: bool, lines: bool) {
    let (document, text) = match failure {
        Failure::Problems(problems) => (render::problems::json(&problems.diagnostics), None),
        Failure::Said { message, help, .. } => (json!({"error": message, "help": help}), Some((message, help))),
    };
    if as_json {
        let printed = if lines { document.to_string() } else { format!("{document:#}") };
        return term.line(printed);
    }
    match (failure, text) {
        (Failure::Problems(problems), _) => render::problems::print(problems, term),
        (_, Some((message, help))) => {
            term.note(format!("{} {message}", term.paint(Tone::Bad, "error:")));
            help.iter().for_each(|help| term.note(format!("       {help}")));
        }
        _ => {}
    }
}
