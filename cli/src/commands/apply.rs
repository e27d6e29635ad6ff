//! `apply` and `destroy`: plan, ask, lock, execute, and say what came of it.

use std::sync::Arc;

use deployer_engine::{
    execute::Report,
    plan::Plan,
    session::{Applied, Wish},
    store::{ObjectStore, local::LocalStore},
};
use futures::future::FutureExt;
use serde_json::json;

use super::plan::{no_changes, wish};
use crate::{
    args::{Global, PlanFlags},
    context::{Context, Reach},
    duration,
    exit::{Code, Failure},
    render::{outputs, plan, progress::Progress},
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(
    global: &Global,
    flags: &PlanFlags,
    destroy: bool,
    auto_approve: bool,
    term: &Term,
) -> Result<Code, Failure> {
    if flags.offline {
        return Err(Failure::said(Code::Usage, "apply calls AWS: --offline is for plan"));
    }
    let context = Context::load(global, if destroy { Reach::Destroy } else { Reach::Online }, term).await?;
    context.heed_interrupts(*term);
    let mut session = context.session(Arc::new(Progress::new(*term, global.json)))?;
    let memory = session.look().await?;
    let wish = wish(&context, &memory, flags, destroy)?;
    let asked = *term;
    let (as_json, mut missing) = (global.json, false);
    let mut approve = |plan: &Plan| {
        if !as_json {
            plan::print(plan, &asked);
        }
        let yes = auto_approve
            || asked.asks && asked.confirm(if destroy { "\nTake all of this down?" } else { "\nDo this?" });
        missing = !auto_approve && !asked.asks;
        if !as_json && yes {
            asked.say("");
        }
        futures::future::ready(yes).boxed()
    };
    let applied = session
        .apply(&context.loaded.desired, &wish, &mut approve)
        .await
        .map_err(|trouble| context.failure(trouble))?;
    match applied {
        Applied::Ran { deployment, plan, report } => {
            let shown = match session.look().await {
                Ok(memory) if !destroy => outputs::known(&context.loaded, &memory),
                // A state that cannot be read now is said by the report.
                _ => Vec::new(),
            };
            end(global, &wish, deployment, &plan, &report, &shown, term);
            if !report.unwritten.is_empty() {
                emergency(&context, deployment, &report, term).await;
            }
            Ok(code(&report))
        }
        Applied::NoChanges => {
            let plan = session
                .plan(&context.loaded.desired, &Wish { refresh: false, ..wish })
                .await
                .map_err(|trouble| context.failure(trouble))?;
            if as_json {
                term.line(json!({"event": "summary", "result": "no-changes"}));
            } else {
                term.line(no_changes(&plan, term));
            }
            Ok(Code::Done)
        }
        Applied::Refused(plan) => {
            if as_json {
                term.line(json!({"event": "summary", "result": "refused", "plan": plan::json(&plan)}));
            } else {
                plan::print(&plan, term);
            }
            Err(Failure::said(Code::Refused, "protected data would go; nothing was changed"))
        }
        Applied::Declined if missing => {
            let failure = Failure::said(
                Code::Refused,
                "nobody can be asked here, and --auto-approve was not given; nothing was changed",
            );
            Err(failure.help("read the plan above, then run the same command with --auto-approve"))
        }
        Applied::Declined => Err(Failure::said(Code::Refused, "not approved; nothing was changed")),
    }
}

/// What could not be written where it belongs is kept beside the files, so that nothing of it depends on this process any more.
async fn emergency(context: &Context, deployment: u64, report: &Report, term: &Term) {
    let scope = context.scope();
    let folder =
        context.global.dir.join(".deployer").join(format!("unwritten-{}-{}-{deployment}", scope.stack, scope.env));
    let store = LocalStore::new(&folder, scope);
    for (key, bytes) in &report.unwritten {
        if let Err(error) = store.put_if(key, None, bytes.clone()).await {
            term.note(format!("  and no copy of it could be kept in {}: {error}", folder.display()));
            return;
        }
    }
    term.note(format!("A copy of what was not written is in {}.", folder.display()));
    term.note(format!(
        "Once the state's place can be written: `deployer state push {}`, or simply the next apply, which finds out by reads.",
        folder.display()
    ));
}

fn code(report: &Report) -> Code {
    match () {
        () if report.is_success() => Code::Done,
        () if report.interrupted => Code::Interrupted,
        () => Code::Failed,
    }
}

/// What was done, what is left, and the command that goes on.
fn end(
    global: &Global,
    wish: &Wish,
    deployment: u64,
    plan: &Plan,
    report: &Report,
    shown: &[outputs::Shown],
    term: &Term,
) {
    if global.json {
        let address = |id: &usize| plan.steps[*id].address().to_string();
        let why = |(id, why): &(usize, String)| json!({"address": address(id), "why": why});
        let result = match code(report) {
            Code::Done => "succeeded",
            Code::Interrupted => "interrupted",
            _ => "failed",
        };
        term.line(json!({
            "event": "summary",
            "result": result,
            "deployment": deployment,
            "done": report.done.iter().map(|(id, _)| address(id)).collect::<Vec<_>>(),
            "failed": report.failed.iter().map(why).collect::<Vec<_>>(),
            "skipped": report.skipped.iter().map(why).collect::<Vec<_>>(),
            "outputs": outputs::json(shown),
            "stateError": report.broken.as_ref().map(deployer_engine::error::Error::chain),
        }));
        return;
    }
    let (done, failed, skipped) = (report.done.len(), report.failed.len(), report.skipped.len());
    if report.is_success() {
        let what = if wish.destroy { "destroyed" } else { "deployed" };
        term.say(format!(
            "\n{}  deployment {deployment}: {} done, each confirmed by a read",
            term.paint(Tone::Good, what),
            duration::count(done, "step"),
        ));
        outputs::print(shown, term);
        return;
    }
    let head = if report.interrupted { "interrupted" } else { "failed" };
    term.note(format!(
        "\n{}  deployment {deployment}: {} done, {failed} failed, {skipped} not started",
        term.paint(Tone::Bad, head),
        duration::count(done, "step"),
    ));
    for (id, why) in &report.failed {
        let step = &plan.steps[*id];
        term.note(format!("  {} {}: {why}", step.verb(), step.address()));
    }
    for (id, because) in &report.skipped {
        term.note(format!("  not started {}: {because}", plan.steps[*id].address()));
    }
    if let Some(error) = &report.broken {
        term.note(format!("  the state could not be written: {}", error.chain()));
    }
    let command = if wish.destroy { "deployer destroy" } else { "deployer apply" };
    term.note(format!("What is done is recorded. Mend the cause, then `{command}` goes on from here."));
}
