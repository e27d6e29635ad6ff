//! `plan`: what it would take. Takes no lock and changes nothing.

use std::sync::Arc;

use deployer_engine::session::{Memory, Wish};

use super::target;
use crate::{
    args::{Global, PlanFlags},
    context::{Context, Reach},
    exit::{Code, Failure},
    render::{plan, progress::Progress},
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(
    global: &Global,
    flags: &PlanFlags,
    destroy: bool,
    detailed: bool,
    term: &Term,
) -> Result<Code, Failure> {
    let reach = if flags.offline { Reach::Offline } else { Reach::Online };
    let context = Context::load(global, reach, term).await?;
    let quiet = Term { level: -1, ..*term };
    let session = context.session(Arc::new(Progress::new(quiet, false, context.stores.clock.clone())))?;
    let memory = session.look().await?;
    let wish = wish(&context, &memory, flags, destroy)?;
    let plan = session.plan(&context.loaded.desired, &wish).await.map_err(|trouble| context.failure(trouble))?;
    if global.json {
        term.line(format!("{:#}", plan::json(&plan)));
    } else {
        say_open(&memory, term);
        if plan.is_empty() && plan.refusals.is_empty() {
            term.line(no_changes(&plan, term));
            plan::print_notes(&plan, term);
        } else {
            plan::print(&plan, term);
            let looked = flags.refresh && !flags.offline;
            term.say(match plan.refusals.is_empty() {
                true if looked => "\n`deployer apply` does this.",
                true => "\n`deployer apply` does this (AWS was not read: apply looks first).",
                false => "\n`deployer apply` does nothing of this until what is refused is settled.",
            });
        }
    }
    let changes = !plan.is_empty();
    match () {
        () if !plan.refusals.is_empty() => Ok(Code::Refused),
        () if changes && detailed => Ok(Code::Changes),
        () => Ok(Code::Done),
    }
}

/// The words for an empty plan.
pub fn no_changes(plan: &deployer_engine::plan::Plan, term: &Term) -> String {
    format!(
        "{}  {}  {} resources are as the files say",
        term.paint(Tone::Good, "No changes"),
        plan::place(&plan.scope),
        plan.unchanged
    )
}

/// Deployments that run or were killed, for those who only look.
fn say_open(memory: &Memory, term: &Term) {
    for id in &memory.open {
        term.say(format!(
            "Note    deployment {id} is under way, or was killed; if so, the next apply settles it first"
        ));
    }
}

/// What the flags ask for.
pub fn wish(context: &Context, memory: &Memory, flags: &PlanFlags, destroy: bool) -> Result<Wish, Failure> {
    Ok(Wish {
        targets: target::targets(context, memory, flags)?,
        destroy,
        refresh: flags.refresh && !flags.offline,
        purpose: if destroy { "destroy" } else { "apply" }.to_owned(),
        input: context.loaded.input.clone(),
        revision: revision(&context.global.dir),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mending: None,
    })
}

/// The commit that the files are at, if they are under git.
fn revision(dir: &std::path::Path) -> Option<String> {
    let git = |args: &[&str]| {
        let output = std::process::Command::new("git").arg("-C").arg(dir).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let clean = git(&["status", "--porcelain", "--", "."]).is_some_and(|changes| changes.is_empty());
    Some(if clean { commit } else { format!("{commit} with changes") })
}
