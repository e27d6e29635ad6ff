//! `apply` and `destroy`: plan, ask, lock, execute, and say what came of it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use deployer_engine::{
    history::Deployment,
    plan::Plan,
    session::{Applied, Memory, Question, Session, Undone, Wish},
    store::{ObjectStore, local::LocalStore},
};
use futures::future::FutureExt;
use serde_json::json;

use super::{
    ended::{self, Ended},
    plan::{no_changes, wish},
    watch,
};
use crate::{
    args::{Global, PlanFlags},
    context::{Context, Reach},
    exit::{Code, Failure},
    render::{outputs, plan, progress::Progress},
    tail::{self, Beside, Tail},
    term::{Term, Tone},
};

/// How it is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// Everything is taken down.
    pub destroy: bool,
    /// Nobody is asked.
    pub auto_approve: bool,
    /// What fails is taken back, if the environment says so.
    pub rollback: bool,
    /// What was changed is waited for, and verified.
    pub wait: bool,
    /// Log lines of what is being deployed are shown.
    pub logs: bool,
    /// It stays, and follows health.
    pub watch: bool,
}

/// Runs it.
pub async fn run(global: &Global, flags: &PlanFlags, how: How, term: &Term) -> Result<Code, Failure> {
    run_to(global, flags, how, None, term).await
}

/// Runs it on what the files say, or on what a deployment recorded.
pub async fn run_to(
    global: &Global,
    flags: &PlanFlags,
    how: How,
    to: Option<&Deployment>,
    term: &Term,
) -> Result<Code, Failure> {
    let How { destroy, auto_approve, logs, watch, .. } = how;
    if flags.offline {
        return Err(Failure::said(Code::Usage, "apply calls AWS: --offline is for plan"));
    }
    if global.json && (logs || watch) {
        return Err(Failure::said(Code::Usage, "--logs and --watch are for people: --json says nothing of them"));
    }
    let reach = if destroy { Reach::Destroy } else { Reach::Online };
    let context = Context::load_recorded(global, reach, to.map(|it| &it.input), term).await?;
    context.heed_interrupts(*term);
    let progress = Arc::new(Progress::new(*term, global.json, context.stores.clock.clone()));
    let mut session = context.session_that(progress.clone(), how.rollback, how.wait)?;
    let memory = session.look().await?;
    let mut wish = wish(&context, &memory, flags, destroy)?;
    if let Some(record) = to {
        wish.purpose = format!("rollback to {}", record.id);
        wish.revision.clone_from(&record.revision);
    }
    let mut asker = Asker::new(
        progress,
        *term,
        global.json,
        auto_approve,
        if destroy { "\nTake all of this down?" } else { "\nDo this?" },
    );
    let mut beside = None;
    let mut approve = |plan: &Plan, question: Question<'_>| {
        let yes = asker.ask(plan, question);
        if logs && yes && beside.is_none() {
            beside = tail(&context, &memory, plan, term);
        }
        futures::future::ready(yes).boxed()
    };
    let applied =
        session.apply(&context.loaded.desired, &wish, &mut approve).await.map_err(|trouble| context.failure(trouble));
    if let Some(beside) = beside {
        beside.end().await;
    }
    let code = match applied? {
        Applied::NoChanges => {
            let plan = session
                .plan(&context.loaded.desired, &Wish { refresh: false, ..wish })
                .await
                .map_err(|trouble| context.failure(trouble))?;
            if global.json {
                term.line(json!({"event": "summary", "result": "no-changes"}));
            } else {
                term.line(no_changes(&plan, term));
            }
            Code::Done
        }
        applied => ended(&context, &session, applied, destroy, asker.missing, term).await?,
    };
    if watch && code == Code::Done { watch::run(&context, &session, term).await } else { Ok(code) }
}

/// Shows plans, and asks for a yes unless it is given already.
pub struct Asker {
    progress: Arc<Progress>,
    term: Term,
    json: bool,
    auto_approve: bool,
    words: &'static str,
    /// A yes was needed, and nobody could be asked.
    pub missing: bool,
}

impl Asker {
    /// One that asks with these `words`.
    pub fn new(progress: Arc<Progress>, term: Term, json: bool, auto_approve: bool, words: &'static str) -> Self {
        Self { progress, term, json, auto_approve, words, missing: false }
    }

    /// True if it is to be done.
    pub fn ask(&mut self, plan: &Plan, question: Question<'_>) -> bool {
        self.progress.plan(plan);
        if !self.json {
            show(plan, question, &self.term);
        }
        let (decided, words) = match question {
            Question::Apply => (self.auto_approve, self.words),
            Question::Rollback { decided, .. } => (decided, "\nTake it back like this?"),
        };
        let yes = decided || self.term.asks && self.term.confirm(words);
        self.missing |= !decided && !self.term.asks;
        if !self.json && yes {
            self.term.say("");
        }
        yes
    }
}

/// Says how a deployment ended.
pub async fn ended(
    context: &Context,
    session: &Session,
    applied: Applied,
    destroy: bool,
    missing: bool,
    term: &Term,
) -> Result<Code, Failure> {
    let as_json = context.global.json;
    match applied {
        Applied::Ran { deployment, plan, report, undone } => {
            let shown = match session.look().await {
                Ok(memory) if !destroy => outputs::known(&context.loaded, &memory),
                // A state that cannot be read now is said by the report.
                _ => Vec::new(),
            };
            let undone = undone.as_ref();
            let it = Ended { deployment, destroy, plan: &plan, report: &report, undone, shown: &shown };
            match as_json {
                true => term.line(ended::json(&it)),
                false => ended::print(&it, term),
            }
            let unwritten = report.unwritten.iter().chain(undone.into_iter().flat_map(|it| &it.report.unwritten));
            emergency(context, deployment, unwritten.collect(), term).await;
            Ok(ended::code(&report, undone))
        }
        Applied::TookBack { deployment, undone } => Ok(took_back(context, deployment, &undone, term).await),
        Applied::Refused(plan) => {
            if as_json {
                term.line(json!({"event": "summary", "result": "refused", "plan": plan::json(&plan)}));
            } else {
                plan::print(&plan, term);
            }
            Err(Failure::said(Code::Refused, refused(&plan)))
        }
        Applied::NoChanges => Ok(Code::Done),
        Applied::Declined if missing => {
            let failure = Failure::unasked();
            Err(failure.help("read the plan above, then run the same command with --auto-approve"))
        }
        Applied::Declined => Err(Failure::declined()),
    }
}

/// Why a plan is refused, in a line.
fn refused(plan: &Plan) -> &'static str {
    let all = |code: &str| plan.refusals.iter().all(|it| it.code == code);
    match () {
        () if all("not-ours") => "something that is not ours is in the way; nothing was changed",
        () if all("failed") => "what holds data has failed; nothing was changed",
        () => "protected data would go; nothing was changed",
    }
}

/// Shows the log lines of what a plan changes, if it changes something that writes some.
fn tail(context: &Context, memory: &Memory, plan: &Plan, term: &Term) -> Option<Beside> {
    let places = tail::planned(plan, memory);
    let aws = context.aws.clone().filter(|_| !places.is_empty())?;
    let clock = context.stores.clock.clone();
    Some(Beside::start(Tail::new(aws, places, clock.wall_millis()), clock, *term))
}

/// A plan, and what it is for.
pub fn show(plan: &Plan, question: Question<'_>, term: &Term) {
    if let Question::Rollback { because, left, .. } = question {
        term.say(format!("\n{}  {because}\nIt is taken back:\n", term.paint(Tone::Bad, "not good")));
        left.iter().for_each(|it| term.say(format!("stays as it is: {it}")));
    }
    plan::print(plan, term);
}

/// What an earlier run left half taken back, or not good, was taken back.
pub async fn took_back(context: &Context, deployment: u64, undone: &Undone, term: &Term) -> Code {
    if context.global.json {
        let mut told = ended::taken_back(undone);
        told["event"] = json!("summary");
        told["result"] = json!(if undone.is_success() { "rolled-back" } else { "rollback-failed" });
        told["deployment"] = json!(deployment);
        term.line(told);
    } else {
        ended::print_undone(undone, term);
    }
    emergency(context, deployment, undone.report.unwritten.iter().collect(), term).await;
    ended::code(&undone.report, Some(undone))
}

/// What could not be written where it belongs is kept beside the files, so that nothing of it depends on this process any more.
async fn emergency(context: &Context, deployment: u64, unwritten: BTreeMap<&String, &Bytes>, term: &Term) {
    if unwritten.is_empty() {
        return;
    }
    let scope = context.scope();
    let folder =
        context.global.dir.join(".deployer").join(format!("unwritten-{}-{}-{deployment}", scope.stack, scope.env));
    let store = LocalStore::new(&folder, scope);
    for (key, bytes) in unwritten {
        if let Err(error) = store.put_if(key, None, bytes.clone()).await {
            term.note(format!("  and no copy of it could be kept in {}: {error}", folder.display()));
            return;
        }
    }
    term.note(format!("A copy of what was not written is in {}.", folder.display()));
    term.note(format!(
        "The next apply needs none of it; should the state be lost by then, `deployer state push {}` writes it back.",
        folder.display()
    ));
}
