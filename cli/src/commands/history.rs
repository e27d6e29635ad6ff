//! `history`: deployments, newest first; or one of them in full.

use std::sync::Arc;

use deployer_engine::{
    error::Error,
    event::Nowhere,
    history::{Deployment, Ending, StepRecord},
    verdict::Finding,
};
use serde_json::json;

use crate::{
    args::Global,
    context::{Context, Reach},
    duration,
    exit::{Code, Failure},
    render::plan,
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(global: &Global, one: Option<u64>, limit: usize, term: &Term) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::State, term).await?;
    let session = context.session(Arc::new(Nowhere))?;
    let (all, broken) = match one {
        Some(id) => (session.deployment(id).await?.into_iter().collect(), Vec::new()),
        None => session.history(limit).await?,
    };
    if let (Some(id), true) = (one, all.is_empty()) {
        return Err(
            Failure::said(Code::Usage, format!("there is no deployment {id}")).help("`deployer history` lists them")
        );
    }
    for error in broken {
        term.note(format!("{}; `deployer state verify` says how it is mended", Error::from(error).chain()));
    }
    if global.json {
        term.line(format!("{:#}", json!({"scope": context.scope(), "deployments": all})));
        return Ok(Code::Done);
    }
    term.line(term.paint(Tone::Strong, plan::place(context.scope())));
    if all.is_empty() {
        term.line("nothing was deployed yet");
    }
    for it in &all {
        print(it, term);
        if one.is_some() {
            print_steps(it, term);
        }
    }
    Ok(Code::Done)
}

fn print(it: &Deployment, term: &Term) {
    let (tone, word) = match it.result {
        Ending::Open => (Tone::Change, "open"),
        Ending::Succeeded => (Tone::Good, "succeeded"),
        Ending::Failed => (Tone::Bad, "failed"),
        Ending::Unverified => (Tone::Change, "not waited for"),
        Ending::RolledBack => (Tone::Change, "rolled back"),
        Ending::RollbackFailed => (Tone::Bad, "rollback failed"),
        Ending::Interrupted => (Tone::Change, "interrupted"),
        Ending::Recovered if it.forced.is_some() => (Tone::Change, "taken over"),
        Ending::Recovered => (Tone::Change, "killed, recovered"),
    };
    let took = it.finished_millis.map(|end| duration::show(end.saturating_sub(it.started_millis))).unwrap_or_default();
    let short = |text: &str| {
        let (commit, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
        format!("  {}{rest}", commit.chars().take(12).collect::<String>())
    };
    let revision = it.revision.as_deref().map(short).unwrap_or_default();
    term.line(format!(
        "{:>5}  {}  {}  {} by {} on {}  {took}  {}{revision}",
        it.id,
        duration::date(it.started_millis),
        term.paint(tone, format!("{word:<17}")),
        it.purpose,
        it.owner.user,
        it.owner.host,
        plan::counts(&it.counts),
    ));
}

fn print_steps(it: &Deployment, term: &Term) {
    if let Some(by) = &it.forced {
        term.line(format!("       its locks were taken away by {} on {}", by.user, by.host));
    }
    it.steps.iter().for_each(|step| print_step(step, term));
    it.verdict.iter().for_each(|finding| print_finding(finding, term));
    if let Some(rollback) = &it.rollback {
        term.line(format!("       taken back: {}", rollback.because));
        rollback.steps.iter().for_each(|step| print_step(step, term));
        rollback.verdict.iter().for_each(|finding| print_finding(finding, term));
        rollback.left.iter().for_each(|left| term.line(format!("       stays    {left}")));
        rollback.error.iter().for_each(|error| term.line(format!("       failed   {error}")));
    }
}

fn print_step(step: &StepRecord, term: &Term) {
    let took = step.millis.map(duration::show).unwrap_or_default();
    let why = step.why.as_deref().and_then(|why| why.lines().next()).map(|why| format!("  {why}")).unwrap_or_default();
    term.line(format!("       {:<8} {:<8} {}  {took}{why}", step.result, step.verb, step.address));
}

fn print_finding(it: &Finding, term: &Term) {
    let word = if it.good { "good" } else { "not good" };
    term.line(format!("       {word:<8} verdict  {}  {}  {}", it.what, duration::show(it.millis), it.why));
    it.details.iter().flat_map(|text| text.lines()).for_each(|line| term.line(format!("           {line}")));
}
