//! The end of an apply or destroy: what was done, what reads say of it, what was taken back, what is left, and the way on.

use deployer_engine::{
    error::Error,
    execute::Report,
    plan::Plan,
    session::Undone,
    verdict::{Finding, Verdict},
};
use serde_json::{Value, json};

use crate::{
    duration,
    exit::Code,
    render::outputs,
    term::{Term, Tone},
};

/// What came to its end.
pub struct Ended<'a> {
    /// The deployment's number.
    pub deployment: u64,
    /// It took everything down.
    pub destroy: bool,
    /// What was planned.
    pub plan: &'a Plan,
    /// What came of it.
    pub report: &'a Report,
    /// What taking it back came to.
    pub undone: Option<&'a Undone>,
    /// Addresses and endpoints.
    pub shown: &'a [outputs::Shown],
}

/// How the process ends.
pub fn code(report: &Report, undone: Option<&Undone>) -> Code {
    match undone {
        Some(undone) if undone.is_success() => Code::RolledBack,
        Some(undone) if undone.report.interrupted => Code::Interrupted,
        Some(_) => Code::RollbackFailed,
        None if report.is_success() => Code::Done,
        None if report.interrupted => Code::Interrupted,
        None => Code::Failed,
    }
}

/// The word for it.
fn word(code: Code) -> &'static str {
    match code {
        Code::Done => "succeeded",
        Code::Interrupted => "interrupted",
        Code::RolledBack => "rolled-back",
        Code::RollbackFailed => "rollback-failed",
        _ => "failed",
    }
}

/// The last line of `--json`.
pub fn json(it: &Ended<'_>) -> Value {
    let mut summary = run(it.plan, it.report);
    summary["event"] = json!("summary");
    summary["result"] = json!(word(code(it.report, it.undone)));
    summary["deployment"] = json!(it.deployment);
    summary["outputs"] = outputs::json(it.shown);
    if let Some(undone) = it.undone {
        summary["rollback"] = taken_back(undone);
    }
    summary
}

/// A rollback, as `--json` tells it.
pub fn taken_back(undone: &Undone) -> Value {
    let mut told = run(&undone.plan, &undone.report);
    told["because"] = json!(undone.because);
    told["left"] = json!(undone.left);
    told["error"] = json!(undone.error);
    told
}

fn run(plan: &Plan, report: &Report) -> Value {
    let address = |id: &usize| plan.steps[*id].address().to_string();
    let why = |(id, why): &(usize, String)| json!({"address": address(id), "why": why});
    json!({
        "done": report.done.iter().map(|(id, _)| address(id)).collect::<Vec<_>>(),
        "failed": report.failed.iter().map(why).collect::<Vec<_>>(),
        "skipped": report.skipped.iter().map(why).collect::<Vec<_>>(),
        "notWaitedFor": report.sent.iter().chain(&report.later).map(address).collect::<Vec<_>>(),
        "verdict": report.verdict.as_ref().map(|it| &it.findings),
        "stateError": report.broken.as_ref().map(deployer_engine::error::Error::chain),
    })
}

/// The same for a person.
pub fn print(it: &Ended<'_>, term: &Term) {
    let done = duration::count(it.report.done.len(), "step");
    let deployment = it.deployment;
    let code = code(it.report, it.undone);
    if code == Code::Done {
        let what = if it.destroy { "destroyed" } else { "deployed" };
        let proof = match &it.report.verdict {
            Some(verdict) if !verdict.findings.is_empty() => {
                ", each confirmed by a read, and it does what it is there for"
            }
            _ if !it.report.good => "",
            _ => ", each confirmed by a read",
        };
        let what = term.paint(Tone::Good, what);
        term.say(format!("\n{what}  deployment {deployment}: {done} done{proof}"));
        outputs::print(it.shown, term);
        if !it.report.good {
            let (sent, later) = (it.report.sent.len(), it.report.later.len());
            term.note(format!(
                "\nNot waited for: {} on the way, and no verdict. The next `deployer apply` verifies it{}.",
                duration::count(sent, "step"),
                if later > 0 {
                    format!(" and does {} that wait for that", duration::count(later, "delete"))
                } else {
                    String::new()
                }
            ));
        }
        return;
    }
    let bad = it.report.verdict.as_ref().is_some_and(|it| !it.is_good());
    let (head, what) = match (code, bad) {
        (Code::Interrupted, _) => ("interrupted", counts(it.report)),
        (_, true) => ("not good", "and it does not do what it is there for".to_owned()),
        _ => ("failed", counts(it.report)),
    };
    let head = term.paint(Tone::Bad, head);
    term.note(format!("\n{head}  deployment {deployment}: {done} done, {what}"));
    details(it.plan, it.report, it.undone.is_none(), term);
    let command = if it.destroy { "deployer destroy" } else { "deployer apply" };
    match it.undone {
        None => {
            let known = match it.report.broken {
                None => "What is done is recorded.",
                Some(_) => "What was begun is recorded, and what came of it is found out by reads.",
            };
            term.note(format!("{known} Mend the cause, then `{command}` goes on from here."));
        }
        Some(undone) => print_undone(undone, term),
    }
}

fn counts(report: &Report) -> String {
    format!("{} failed, {} not started", report.failed.len(), report.skipped.len())
}

/// What failed and why; what was not found good; what did not start, if that is of use.
fn details(plan: &Plan, report: &Report, with_skipped: bool, term: &Term) {
    for (id, why) in &report.failed {
        let step = &plan.steps[*id];
        block(&format!("{} {}", step.verb(), step.address()), why, term);
    }
    for finding in report.verdict.iter().filter(|it| !it.interrupted).flat_map(Verdict::bad) {
        bad(finding, term);
    }
    for (id, because) in report.skipped.iter().filter(|_| with_skipped) {
        term.note(format!("  not started {}: {because}", plan.steps[*id].address()));
    }
    match &report.broken {
        Some(lost @ Error::Lock(_)) => term.note(format!("  {}", lost.chain())),
        Some(error) => term.note(format!("  the state could not be written: {}", error.chain())),
        None => {}
    }
}

fn bad(finding: &Finding, term: &Term) {
    let text = std::iter::once(&finding.why).chain(&finding.details).cloned().collect::<Vec<_>>().join("\n");
    block(&finding.what, &text, term);
}

/// A heading and its first line; the others are indented under it.
fn block(what: &str, text: &str, term: &Term) {
    let mut lines = text.lines();
    term.note(format!("  {what}: {}", lines.next().unwrap_or_default()));
    lines.for_each(|line| term.note(format!("      {line}")));
}

/// How taking back ended.
pub fn print_undone(undone: &Undone, term: &Term) {
    let steps = duration::count(undone.report.done.len(), "step");
    if undone.is_success() {
        term.note(format!(
            "{}  {steps} taken back, each confirmed by a read: what was there before is in place again, and does what it is there for",
            term.paint(Tone::Good, "rolled back")
        ));
        left(undone, term);
        return term.note("Mend the cause, then `deployer apply` again.");
    }
    term.note(format!("{}  {steps} taken back, and not all of it", term.paint(Tone::Bad, "rollback failed")));
    if let Some(error) = &undone.error {
        term.note(format!("  it could not be planned: {error}"));
    }
    details(&undone.plan, &undone.report, true, term);
    left(undone, term);
    term.note("What is done is recorded. `deployer rollback` goes on taking it back; with changed files, `deployer apply` goes forward.");
}

fn left(undone: &Undone, term: &Term) {
    undone.left.iter().for_each(|it| term.note(format!("  stays as it is: {it}")));
}
