//! The commands, one file each.

mod apply;
mod bootstrap;
mod drift;
mod ended;
mod graph;
mod history;
mod iam_policy;
mod init;
mod list;
mod logs;
mod plan;
pub mod provider;
mod rollback;
mod show;
mod state;
mod target;
mod unlock;
mod validate;
mod watch;

use clap::CommandFactory;

use crate::{
    args::{Cli, Command},
    exit::{Code, Failure},
    term::Term,
};

/// Runs one.
pub async fn run(cli: Cli, term: &Term) -> Result<Code, Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Init { bootstrap: true, flags, .. } => bootstrap::run(global, &flags, term).await,
        Command::Init { name, .. } => init::run(global, name, term),
        Command::Validate => validate::run(global, term).await,
        Command::Plan { flags, destroy, detailed_exitcode } => {
            plan::run(global, &flags, destroy, detailed_exitcode, term).await
        }
        Command::Apply { flags, auto_approve, no_rollback, no_wait, logs, watch } => {
            let (rollback, wait) = (!no_rollback, !no_wait);
            let how = apply::How { destroy: false, auto_approve, rollback, wait, logs, watch };
            apply::run(global, &flags, how, term).await
        }
        Command::Destroy { targets, auto_approve } => {
            let flags = crate::args::PlanFlags { refresh: true, targets, ..Default::default() };
            let how = apply::How { destroy: true, auto_approve, wait: true, ..apply::How::default() };
            apply::run(global, &flags, how, term).await
        }
        Command::Drift { command } => drift::run(global, command, term).await,
        Command::Rollback { deployment, auto_approve } => rollback::run(global, deployment, auto_approve, term).await,
        Command::List { kind, service } => list::run(global, kind.as_deref(), service.as_deref(), term).await,
        Command::Show { what, origin } => show::run(global, &what, origin, term).await,
        Command::Logs { component, follow, since } => logs::run(global, &component, follow, &since, term).await,
        Command::Graph { format } => graph::run(global, format, term).await,
        Command::IamPolicy => iam_policy::run(global, term).await,
        Command::Provider { command } => provider::run(global, command, term),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "deployer", &mut script);
            term.line(String::from_utf8_lossy(&script).trim_end());
            Ok(Code::Done)
        }
        Command::State { command } => state::run(global, command, term).await,
        Command::Unlock { components, force, auto_approve } => {
            unlock::run(global, &components, force, auto_approve, term).await
        }
        Command::History { deployment, limit } => history::run(global, deployment, limit, term).await,
    }
}
