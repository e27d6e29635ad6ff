//! `drift`: what is not as it was left: found, set back, or taken over.

mod accept;
mod detect;
mod names;
mod place;
mod remediate;

use deployer_engine::{
    drift::{Census, Report},
    session::{Session, drift::Search},
};
use deployer_providers::tagging::Tagging;

use super::target;
use crate::{
    args::{DriftCommand, Global, PlanFlags},
    context::Context,
    exit::{Code, Failure},
    term::Term,
};

/// Runs one of them.
pub async fn run(global: &Global, command: DriftCommand, term: &Term) -> Result<Code, Failure> {
    match command {
        DriftCommand::Detect { targets, detailed_exitcode, format, interval } => {
            detect::run(global, targets, detailed_exitcode, format, interval.as_deref(), term).await
        }
        DriftCommand::Remediate { targets, only, auto_approve, no_rollback } => {
            remediate::run(global, targets, &only, auto_approve, !no_rollback, term).await
        }
        DriftCommand::Accept { field, auto_approve } => accept::run(global, &field, auto_approve, term).await,
    }
}

/// Looks for drift of `targets`, or of everything; of everything, what is not in the state as well.
async fn look(context: &Context, session: &mut Session, targets: &[String]) -> Result<Report, Failure> {
    let memory = session.look().await?;
    let flags = PlanFlags { targets: targets.to_vec(), ..PlanFlags::default() };
    let targets = target::targets(context, &memory, &flags)?;
    let tagging = context.aws.as_ref().filter(|_| targets.is_none()).map(Tagging::new);
    let resources = context.loaded.desired.resources.iter().filter(|(_, it)| !it.ignored.is_empty());
    let search = Search {
        targets,
        ignored: resources.map(|(address, it)| (address.clone(), it.ignored.clone())).collect(),
        census: tagging.as_ref().map(|it| it as &dyn Census),
    };
    Ok(session.drift(&search).await?)
}
