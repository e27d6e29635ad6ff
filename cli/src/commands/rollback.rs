//! `rollback`: back to what was good, by a person's wish.
//!
//! What is not known to be good is taken back from what the shards keep. A deployment that is named is gone back to by planning to the
//! input that it recorded: no files of then are needed.

use std::sync::Arc;

use deployer_engine::{
    history::{Deployment, Proven},
    plan::Plan,
    session::{Applied, Memory, Question, Session, Wish},
};
use futures::future::FutureExt;
use serde_json::json;

use super::{apply, plan};
use crate::{
    args::{Global, PlanFlags},
    context::{Context, Reach},
    exit::{Code, Failure},
    render::progress::Progress,
    term::Term,
};

/// Runs it.
pub async fn run(global: &Global, deployment: Option<u64>, auto_approve: bool, term: &Term) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::Online, term).await?;
    let mut session = context.session(Arc::new(Progress::new(*term, global.json, context.stores.clock.clone())))?;
    let memory = session.look().await?;
    let unproven = memory.shards.values().any(|held| held.record.body.before.is_some()) || !memory.open.is_empty();
    if deployment.is_none() && unproven {
        context.heed_interrupts(*term);
        let flags = PlanFlags { refresh: true, ..PlanFlags::default() };
        let wish = Wish { purpose: "rollback".to_owned(), ..plan::wish(&context, &memory, &flags, false)? };
        return take_back(&context, &mut session, &wish, auto_approve, term).await;
    }
    let record = match deployment {
        Some(id) => named(&session, &memory, id).await?,
        None => before_last(&session, &memory).await?,
    };
    if !global.json {
        term.say(format!("back to deployment {}\n", record.id));
    }
    let how = apply::How { auto_approve, rollback: true, wait: true, ..apply::How::default() };
    apply::run_to(global, &PlanFlags { refresh: true, ..PlanFlags::default() }, how, Some(&record), term).await
}

async fn take_back(
    context: &Context,
    session: &mut Session,
    wish: &Wish,
    auto_approve: bool,
    term: &Term,
) -> Result<Code, Failure> {
    let (asked, as_json) = (*term, context.global.json);
    let mut approve = |plan: &Plan, question: Question<'_>| {
        if !as_json {
            apply::show(plan, question, &asked);
        }
        let yes = auto_approve || asked.asks && asked.confirm("\nTake it back like this?");
        futures::future::ready(yes).boxed()
    };
    let because = "it is not known to be good, and going back was asked for";
    let applied = session.take_back(wish, because, &mut approve).await.map_err(|trouble| context.failure(trouble))?;
    Ok(match applied {
        Applied::TookBack { deployment, undone } => {
            match apply::took_back(context, deployment, &undone, term).await {
                // It is what was asked for.
                Code::RolledBack => Code::Done,
                other => other,
            }
        }
        Applied::NoChanges if as_json => {
            term.line(json!({"event": "summary", "result": "no-changes"}));
            Code::Done
        }
        Applied::NoChanges => {
            term.say(
                "everything is known to be good: name the deployment to go back to, as `deployer history` shows them",
            );
            Code::Done
        }
        _ => return Err(Failure::declined()),
    })
}

/// The deployment of this number, if it can be gone back to.
async fn named(session: &Session, memory: &Memory, id: u64) -> Result<Deployment, Failure> {
    let Some(record) = session.deployment(id).await? else {
        let failure = Failure::said(Code::Usage, format!("there is no deployment {id}; the newest is {}", memory.last));
        return Err(failure.help("`deployer history` shows them"));
    };
    if record.proven() != Proven::Good {
        let failure = Failure::said(Code::Refused, format!("deployment {id} was not found good itself"));
        return Err(failure.help("`deployer history` shows which were"));
    }
    usable(record)
}

/// The good one before the last good one.
async fn before_last(session: &Session, memory: &Memory) -> Result<Deployment, Failure> {
    let (all, _) = session.history(usize::MAX).await?;
    let good = |it: &&Deployment| it.proven() == Proven::Good && !it.input.is_null();
    let found = all.iter().filter(good).find(|it| Some(it.id) < memory.good);
    let nothing =
        || Failure::said(Code::Refused, "there is no good deployment before the last one: nothing to go back to");
    usable(found.cloned().ok_or_else(nothing)?)
}

/// An input that this version can plan to.
fn usable(record: Deployment) -> Result<Deployment, Failure> {
    if record.input["components"].as_object().is_none_or(serde_json::Map::is_empty) {
        let message = format!("deployment {} ({}) recorded no input to go back to", record.id, record.purpose);
        return Err(Failure::said(Code::Refused, message));
    }
    if newer(&record.version, env!("CARGO_PKG_VERSION")) {
        let message = format!(
            "deployment {} was made by deployer {}, and this is {}: its input may say what this version does not know",
            record.id,
            record.version,
            env!("CARGO_PKG_VERSION")
        );
        return Err(
            Failure::said(Code::Refused, message).help(format!("use deployer {} or a newer one", record.version))
        );
    }
    Ok(record)
}

/// True if version `one` is newer than `other`: numbers between dots.
fn newer(one: &str, other: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> { text.split(['.', '-']).map_while(|part| part.parse().ok()).collect() };
    numbers(one) > numbers(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(newer("0.10.0", "0.9.3"));
        assert!(!newer("0.1.0", "0.1.0"));
        assert!(!newer("0.1.0-rc", "0.1.0"));
    }
}
