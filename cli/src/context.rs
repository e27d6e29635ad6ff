//! What a command works with: the stack's files, AWS, the state's place; made from flags and environment.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deployer_engine::{
    desired::Scope,
    diagnostic::Diagnostic,
    event::{Nowhere, Sink},
    lock::LockRules,
    lookup::{self, Answers},
    resource::Registry,
    safety::Safety,
    session::{Limits, OnFailure, Session, Trouble, World},
    stop::Stop,
};
use deployer_providers::{Aws, AwsOptions, sts};
use deployer_schemas::{LoadOptions, Loaded, Problems, Rollback, TypeCatalog, load};
use serde_json::Value;

use crate::{
    args::Global,
    examine::Here,
    exit::{Code, Failure},
    lookups, machine,
    metrics::Measured,
    render::problems,
    stores::{Stores, time_scale},
    term::Term,
};

/// The loaded stack and what it runs with.
pub struct Context {
    /// The flags.
    pub global: Global,
    /// The stack.
    pub loaded: Loaded,
    /// The types.
    pub types: Registry,
    /// The wish to stop.
    pub stop: Stop,
    /// Where state and locks are kept.
    pub stores: Stores,
    /// The clients, if AWS is called.
    pub aws: Option<Aws>,
    /// Nothing is changed any more: an interrupt simply ends it.
    only_looks: Arc<AtomicBool>,
}

/// How much of AWS a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The files alone are read.
    Files,
    /// The state's records may be read, whatever is in them: its place is opened, and no look-up's answer is taken from it.
    Records,
    /// The state is read too; no socket is opened. Look-ups that were never answered are stood in for.
    State,
    /// The same, but a look-up that was never answered is a failure: a plan is no guess.
    Offline,
    /// Calls are made.
    Online,
    /// Calls are made; what is taken down needs no look-up that AWS cannot answer any more.
    Destroy,
}

/// The types as the loader asks for them.
struct Catalog<'a>(&'a Registry);

impl TypeCatalog for Catalog<'_> {
    fn types(&self) -> Vec<String> {
        self.0.iter().map(|it| it.kind().to_owned()).collect()
    }

    fn schema(&self, kind: &str) -> Option<Value> {
        self.0.get(kind).map(|it| it.schema())
    }

    fn name(&self, kind: &str) -> Option<String> {
        self.0.get(kind)?.facts().name.map(|rule| rule.field.to_owned())
    }

    fn outputs(&self, kind: &str) -> Option<Vec<String>> {
        self.0.get(kind).map(|it| it.facts().outputs.iter().map(|output| output.name.to_owned()).collect())
    }
}

fn options(
    global: &Global,
    recorded: Option<&Value>,
    account: Option<String>,
    answers: Answers,
) -> Result<LoadOptions, Failure> {
    let mut vars = BTreeMap::new();
    for text in &global.vars {
        let pair = text
            .split_once('=')
            .ok_or_else(|| Failure::said(Code::Usage, format!("--var {text}: write NAME=VALUE")))?;
        vars.insert(pair.0.to_owned(), pair.1.to_owned());
    }
    let env_vars = std::env::vars()
        .filter_map(|(name, value)| Some((name.strip_prefix("DEPLOYER_VAR_")?.to_owned(), value)))
        .collect();
    let root = global.dir.clone();
    if !root.is_dir() {
        return Err(Failure::said(Code::Usage, format!("{} is not a folder", root.display())));
    }
    let (env, region, recorded) = (global.env.clone(), global.region.clone(), recorded.cloned());
    Ok(LoadOptions { root, env, vars, env_vars, account, region, answers, recorded })
}

fn read(
    global: &Global,
    types: &Registry,
    recorded: Option<&Value>,
    account: Option<String>,
    answers: Answers,
) -> Result<Loaded, Failure> {
    load(&options(global, recorded, account, answers)?, global.deployer.kinds(), &Catalog(types))
        .map_err(|problems| Failure::Problems(Box::new(problems)))
}

impl Context {
    /// Loads the stack, with the answers of its look-ups; online, asks AWS who is calling and holds it against the
    /// environment's guard.
    pub async fn load(global: &Global, reach: Reach, term: &Term) -> Result<Self, Failure> {
        Self::load_recorded(global, reach, None, term).await
    }

    /// The same with the components as a deployment `recorded` them, if one is given.
    pub async fn load_recorded(
        global: &Global,
        reach: Reach,
        recorded: Option<&Value>,
        term: &Term,
    ) -> Result<Self, Failure> {
        let offline = global.deployer.types(&Aws::offline());
        let loaded = read(global, &offline, recorded, None, Answers::new())?;
        let stores = Stores::open(global, &loaded, reach).await?;
        let (stop, only_looks) = (Stop::default(), Arc::default());
        let first =
            Self { global: global.clone(), loaded, types: offline.clone(), stop, stores, aws: None, only_looks };
        if matches!(reach, Reach::Files | Reach::Records) {
            return Ok(first.warned(term));
        }
        let remembered = first.remembered().await?;
        let online = reach == Reach::Online || reach == Reach::Destroy;
        if !online {
            let loaded = read(global, &offline, recorded, None, remembered)?;
            if reach == Reach::Offline {
                lookups::need_none(&loaded)?;
            }
            return Ok(Self { loaded, ..first }.warned(term));
        }
        let (aws, account) = first.clients().await?;
        let read = |answers: &Answers| read(global, &offline, recorded, Some(account.clone()), answers.clone());
        let loaded = lookups::answered(&aws, &remembered, reach == Reach::Destroy, read).await?;
        Ok(Self { loaded, types: global.deployer.types(&aws), aws: Some(aws), ..first }.warned(term))
    }

    /// The answers that the state keeps; none are looked for where nothing was asked.
    async fn remembered(&self) -> Result<Answers, Failure> {
        if self.loaded.asked.is_empty() {
            return Ok(Answers::new());
        }
        let memory = self.session(Arc::new(Nowhere))?.look().await?;
        Ok(lookup::remembered(memory.shards.iter().map(|(id, held)| (id, &held.record))))
    }

    /// The same with AWS's clients.
    pub async fn with_clients(self) -> Result<Self, Failure> {
        let (aws, _) = self.clients().await?;
        Ok(Self { types: self.global.deployer.types(&aws), aws: Some(aws), ..self })
    }

    async fn clients(&self) -> Result<(Aws, String), Failure> {
        let region = self.scope().region.clone();
        let aws = Aws::load(AwsOptions { region, time_scale: Some(time_scale()?), ..AwsOptions::default() }).await;
        let account = self.guarded(&aws).await?;
        Ok((aws, account))
    }

    /// The account that is called, held against the environment's guard.
    async fn guarded(&self, aws: &Aws) -> Result<String, Failure> {
        let caller = sts::caller_identity(aws).await?;
        let guard = self.loaded.stack.account.as_deref().filter(|guard| *guard != caller.account);
        let Some(guard) = guard else { return Ok(caller.account) };
        let message = format!(
            "the environment {} belongs to account {guard}, and these credentials are of account {} ({})",
            self.scope().env,
            caller.account,
            caller.arn
        );
        Err(Failure::said(Code::Refused, message)
            .help("use the other account's credentials (AWS_PROFILE), or another environment (-e)"))
    }

    fn warned(self, term: &Term) -> Self {
        if !self.global.quiet && !self.global.json {
            self.loaded.warnings.iter().for_each(|warning| problems::draw(warning, &self.loaded.sources, term));
        }
        self
    }

    /// Problems of the engine or a provider, at their places in the files.
    pub fn problems(&self, found: Vec<Diagnostic>) -> Problems {
        let diagnostics = found.into_iter().map(|it| self.loaded.located(it)).collect();
        Problems { diagnostics, sources: self.loaded.sources.clone() }
    }

    /// Why there is no plan, in a user's words.
    pub fn failure(&self, trouble: Trouble) -> Failure {
        match trouble {
            Trouble::Problems(found) => Failure::Problems(Box::new(self.problems(found))),
            Trouble::Failed(error) => error.into(),
        }
    }

    /// Whose stack, where.
    pub fn scope(&self) -> &Scope {
        &self.loaded.desired.scope
    }

    /// A run on this stack.
    pub fn session(&self, events: Arc<dyn Sink>) -> Result<Session, Failure> {
        self.session_that(events, true, true)
    }

    /// The same; without `rollback` nothing is taken back, whatever the environment says; without `wait` nothing is waited for.
    pub fn session_that(&self, events: Arc<dyn Sink>, rollback: bool, wait: bool) -> Result<Session, Failure> {
        let lineage = uuid::Uuid::new_v4().to_string();
        let events = match self.global.metrics.clone() {
            Some(file) => Arc::new(Measured::new(events, file, self.scope(), self.stores.clock.clone())),
            None => events,
        };
        let mut world = world(&self.global, &self.stores, self.types.clone(), &self.stop, events, lineage);
        world.examiner = Arc::new(Here { folder: self.global.dir.clone(), aws: self.aws.clone() });
        world.limits.on_failure = self.on_failure(rollback);
        world.limits.wait = wait;
        Ok(Session::new(world, self.scope()))
    }

    fn on_failure(&self, rollback: bool) -> OnFailure {
        match self.loaded.stack.rollback {
            Rollback::Automatic if rollback => OnFailure::Automatic,
            Rollback::Ask if rollback => OnFailure::Ask,
            _ => OnFailure::Never,
        }
    }

    /// Nothing is changed from now on.
    pub fn only_looks(&self) {
        self.only_looks.store(true, Ordering::Relaxed);
    }

    /// The first interrupt lets what is in flight land, the second leaves at once.
    pub fn heed_interrupts(&self, term: Term) {
        let (stop, only_looks) = (self.stop.clone(), self.only_looks.clone());
        tokio::spawn(async move {
            let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
            loop {
                let terminated = async {
                    match &mut terminate {
                        Some(signal) => drop(signal.recv().await),
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    () = terminated => {}
                }
                if stop.is_wished() {
                    term.note("interrupted twice: leaving at once; the next run settles what was in flight");
                    std::process::exit(Code::Interrupted as i32);
                }
                if only_looks.load(Ordering::Relaxed) {
                    stop.wish();
                    continue;
                }
                term.note("interrupted: nothing new is started, calls in flight are awaited and recorded; once more leaves at once");
                stop.wish();
            }
        });
    }
}

/// What a run works with, as the flags say. `lineage` is that of a state that is made now.
pub fn world(
    global: &Global,
    stores: &Stores,
    types: Registry,
    stop: &Stop,
    events: Arc<dyn Sink>,
    lineage: String,
) -> World {
    World {
        types,
        clock: stores.clock.clone(),
        objects: stores.objects.clone(),
        locks: stores.locks.clone(),
        events,
        owner: machine::owner(),
        probe: Arc::new(machine::lives),
        stop: stop.clone(),
        examiner: Arc::new(Here { folder: global.dir.clone(), aws: None }),
        limits: Limits {
            parallelism: usize::from(global.parallelism),
            call_timeout: deployer_providers::CALL_TIMEOUT,
            lock: LockRules { timeout: global.lock_timeout, ttl: Duration::from_secs(60) },
            on_failure: OnFailure::Never,
            wait: true,
        },
        new_lineage: lineage,
        safety: Safety::ON,
    }
}
