//! `drift remediate`: plans to what was applied last for what is not as it was left, asks, and does it like any other deployment.

use std::sync::Arc;

use deployer_engine::{
    drift::{Field, Thing, Verdict},
    plan::Plan,
    session::{Applied, Question, Wish},
};
use futures::future::FutureExt;
use serde_json::json;

use super::{look, names::Name};
use crate::{
    args::{Global, PlanFlags},
    commands::{
        apply::{self, Asker},
        plan,
    },
    context::{Context, Reach},
    exit::{Code, Failure},
    render::{drift, progress::Progress},
    term::Term,
};

/// Runs it.
pub async fn run(
    global: &Global,
    targets: Vec<String>,
    only: &[String],
    auto_approve: bool,
    rollback: bool,
    term: &Term,
) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::Online, term).await?;
    context.heed_interrupts(*term);
    let progress = Arc::new(Progress::new(*term, global.json, context.stores.clock.clone()));
    let mut session = context.session_that(progress.clone(), rollback, true)?;
    let memory = session.look().await?;
    let report = look(&context, &mut session, &targets).await?;
    let only: Vec<Name> = only.iter().map(|text| Name::new(text)).collect();
    if let Some(unknown) = only.iter().find(|name| !name.finds(&report)) {
        return Err(unknown.unknown(&report));
    }
    if let Some(thing) = report.things.iter().find(|it| it.moving && it.verdict != Verdict::InSync) {
        let message = format!("a deployment is at work on {}: what differs may be its doing", thing.address.component);
        return Err(
            Failure::said(Code::Locked, message).help("`deployer unlock` shows who; run this again when it has ended")
        );
    }
    for thing in report
        .things
        .iter()
        .filter(|it| !global.json && matches!(it.verdict, Verdict::NotCompared { .. } | Verdict::Stranger { .. }))
    {
        term.note(format!("{} is left alone: `deployer drift detect` says why", thing.address));
    }
    let chosen = |thing: &Thing, field: Option<&Field>| only.is_empty() || only.iter().any(|it| it.means(thing, field));
    let flags = PlanFlags { refresh: true, ..PlanFlags::default() };
    let wish = Wish { purpose: "remediate drift".to_owned(), ..plan::wish(&context, &memory, &flags, false)? };
    let mut asker = Asker::new(progress, *term, global.json, auto_approve, "\nSet it back?");
    let mut approve = |plan: &Plan, question: Question<'_>| futures::future::ready(asker.ask(plan, question)).boxed();
    let tests = &context.loaded.desired.tests;
    let applied = session.remediate(&report, &chosen, tests, &wish, &mut approve).await;
    match applied.map_err(|trouble| context.failure(trouble))? {
        Applied::NoChanges => {
            match global.json {
                true => term.line(json!({"event": "summary", "result": "no-changes"})),
                false => term.line(format!("Nothing to set back: {}", drift::summary(&report.tally()))),
            }
            Ok(Code::Done)
        }
        applied => apply::ended(&context, &session, applied, false, asker.missing, term).await,
    }
}
