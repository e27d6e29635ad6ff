//! The bench: one sample's type with a session of its own over the emulator.
//!
//! The thing stands at one address; what it needs stands beside it, and both go through the engine as a user's would.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use deployer_engine::{
    address::Address,
    desired::{Desired, DesiredResource, Scope},
    event::Nowhere,
    expr,
    facts::{Nature, OnRemove},
    lock::{LockRules, Owner},
    plan::{Plan, Step},
    resource::{DynResource, Identity, Registry, Seen, Wanted},
    safety::Safety,
    session::{Applied, Limits, Session, Wish, World},
    state::{self, Generation},
    stop::Stop,
    store::memory::MemoryStore,
    verdict::NoExaminer,
};
use futures::future::FutureExt;
use serde_json::{Map, Value};

use super::{Sample, Types};
use crate::{Result, clock::Scaled, emulator::Client};

/// The name that calls for a type carry: each type of a sample is a client of its own to the emulator.
pub(super) fn name_of(kind: &str, client: &Client) -> String {
    format!("{}.{}", client.account(), kind.replace("::", "."))
}

/// Properties as a user writes them.
pub(super) type Properties = Map<String, Value>;

/// How much longer budgets last than AWS's time: a call takes the emulator seconds of it.
const PATIENCE: f64 = 4.0;

/// Seconds after which AWS has forgotten what was deleted: a queue's name stays taken for a minute.
const FORGOTTEN: u64 = 60;

/// How long a lock lives, in AWS's time.
const LOCK: Duration = Duration::from_secs(1_200);

/// One type on the bench: a session of its own over the emulator.
pub struct Bench {
    pub(super) sample: Sample,
    pub(super) client: Client,
    pub(super) address: Address,
    types: Registry,
    session: Session,
    scope: Scope,
    lineage: String,
}

/// Benches so far.
static BENCHES: AtomicU32 = AtomicU32::new(1);

impl Bench {
    /// A bench for one sample, in the client's account.
    pub async fn new(sample: &Sample, client: &Client, types: &Types) -> Result<Self> {
        let aws = client.aws().await;
        let named = |all: Registry, kind: &str| match types(&aws.named(&name_of(kind, client))).get(kind) {
            Some(it) => all.with_shared(it.clone()),
            None => all,
        };
        let types = sample.kinds().into_iter().fold(types(&aws), named);
        // Tokens come of the lineage, and AWS remembers them longer than what was made by them.
        let lineage = format!("kit{}", BENCHES.fetch_add(1, Ordering::Relaxed));
        let store = Arc::new(MemoryStore::default());
        let world = World {
            types: types.clone(),
            clock: Arc::new(Scaled::patient(client.scale(), PATIENCE)),
            objects: store.clone(),
            locks: store,
            events: Arc::new(Nowhere),
            owner: Owner { run: "kit".to_owned(), ..Owner::default() },
            probe: Arc::new(|_| Some(false)),
            stop: Stop::default(),
            examiner: Arc::new(NoExaminer),
            // Nothing here is about locks: one outlives any pause of a busy machine, however fast time goes.
            limits: Limits { lock: LockRules { ttl: LOCK, ..LockRules::default() }, ..Limits::default() },
            new_lineage: lineage.clone(),
            safety: Safety::ON,
        };
        let scope = scope(client);
        let address = "Kit.sample/Thing".parse()?;
        let session = Session::new(world, &scope);
        Ok(Self { sample: sample.clone(), client: client.clone(), address, types, session, scope, lineage })
    }

    /// Which state it is.
    pub(super) fn lineage(&self) -> &str {
        &self.lineage
    }

    /// Who a generation of the thing is.
    pub(super) fn identity(&self, generation: u32) -> Identity {
        state::identity(&self.lineage, &self.address, generation)
    }

    /// The emulator's client that the type's own calls count for, and whose faults meet them alone.
    pub(super) fn mine(&self) -> Client {
        self.client.named(&name_of(&self.sample.kind, &self.client))
    }

    pub(crate) fn resource(&self) -> Result<&dyn DynResource> {
        Ok(self.types.need(&self.sample.kind)?.as_ref())
    }

    /// What is desired: the thing with these properties, or what it needs alone.
    fn desired(&self, properties: Option<&Properties>) -> Result<Desired> {
        let mut desired = Desired { scope: self.scope.clone(), ..Desired::default() };
        for (address, (kind, properties)) in &self.sample.needs {
            desired.resources.insert(address.parse()?, DesiredResource::new(kind, properties.clone()));
        }
        if let Some(properties) = properties {
            let after = self.sample.after.iter().map(|it| it.parse()).collect::<std::result::Result<_, _>>()?;
            let mine =
                DesiredResource { after, ..DesiredResource::new(&self.sample.kind, Value::Object(properties.clone())) };
            desired.resources.insert(self.address.clone(), mine);
        }
        Ok(desired)
    }

    pub(super) async fn plan(&self, properties: impl Into<Option<&Properties>>) -> Result<Plan> {
        let wish = Wish { refresh: true, ..Wish::default() };
        let plan = self.session.plan(&self.desired(properties.into())?, &wish).await;
        plan.map_err(|trouble| format!("{}: no plan: {trouble:?}", self.sample.file).into())
    }

    pub(crate) async fn apply(&mut self, properties: impl Into<Option<&Properties>>, destroy: bool) -> Result<()> {
        let wish = Wish { refresh: true, destroy, ..Wish::default() };
        let desired = self.desired(properties.into())?;
        let applied = self.session.apply(&desired, &wish, &mut |_, _| futures::future::ready(true).boxed()).await;
        match applied {
            Ok(Applied::Ran { report, .. }) if report.is_success() => Ok(()),
            Ok(Applied::NoChanges) => Ok(()),
            Ok(Applied::Ran { report, .. }) => Err(format!("{}: failed: {:?}", self.sample.file, report.failed).into()),
            other => Err(format!("{}: {other:?}", self.sample.file).into()),
        }
    }

    /// Applies, and demands that a second plan is empty.
    pub(crate) async fn settle(&mut self, properties: impl Into<Option<&Properties>>, what: &str) -> Result<()> {
        let properties = properties.into();
        self.apply(properties, false).await.map_err(|error| format!("{what}: {error}"))?;
        let plan = self.plan(properties).await.map_err(|error| format!("{what}: {error}"))?;
        if plan.is_empty() {
            if properties.is_none() {
                self.client.advance(FORGOTTEN)?;
            }
            return Ok(());
        }
        let changes: Vec<_> = plan.steps.iter().map(|step| (step.address(), &step.reasons, &step.changes)).collect();
        Err(format!("{}: {what}: the second plan is not empty: {changes:?}", self.sample.file).into())
    }

    /// The steps of a plan that are about the thing itself.
    pub(super) async fn steps(&self, properties: &Properties) -> Result<Vec<Step>> {
        let steps = self.plan(properties).await?.steps;
        Ok(steps.into_iter().filter(|step| *step.address() == self.address).collect())
    }

    /// Fields that are changed in place from their first value to their second, each with the properties that it has then.
    pub(super) fn in_place(&self) -> Result<Vec<(String, Properties)>> {
        let (facts, first, mut found) = (self.resource()?.facts(), self.sample.first(), Vec::new());
        let create_only = |name: &String| facts.create_only(&format!("/{name}"));
        for name in self.sample.fields.keys() {
            let at = format!("/{name}");
            let along = self.sample.along.get(name);
            let stays =
                |it: Nature| matches!(it, Nature::OnlyGrows | Nature::InitialOnly | Nature::OwnedElsewhereWhen(_));
            // What comes along may need another thing too.
            let another = create_only(name) || along.is_some_and(|others| others.keys().any(create_only));
            let changed = self.sample.second(name, &first);
            let kept = changed[name].is_null() && facts.on_remove(&at) == OnRemove::Keep;
            if !another && !kept && !facts.natures(&at).any(stays) {
                found.push((name.clone(), changed));
            }
        }
        Ok(found)
    }

    /// A value of the sample with its references as they are in state.
    pub(crate) async fn resolved(&self, value: &Value) -> Result<Value> {
        let memory = self.session.look().await?;
        let known = |it: &expr::Reference| {
            let shard = &memory.shards.get(&it.address.component)?.record.body;
            shard.output(&it.address.role, &it.output).cloned()
        };
        Ok(expr::resolve(value, &known))
    }

    /// The session, for what is not the kit's own.
    pub(crate) fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The thing's address.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The thing's type.
    pub(crate) fn kind(&self) -> &str {
        &self.sample.kind
    }

    /// The thing as it is read, all of it.
    pub(super) async fn live(&self) -> Result<Value> {
        let id = self.generation().await?.id;
        match self.resource()?.read(&id, &Wanted::All).await? {
            Seen::Ready { spec, .. } => Ok(spec),
            other => Err(format!("{}: {id} is {}", self.sample.file, other.status()).into()),
        }
    }

    /// What state knows of the thing on the bench.
    pub(crate) async fn generation(&self) -> Result<Generation> {
        let memory = self.session.look().await?;
        let shard = memory.shards.get(&self.address.component).ok_or("there is no shard")?;
        let state = shard.record.body.resources.get(&self.address.role).ok_or("there is no state")?;
        state.current.clone().ok_or_else(|| "there is no generation".into())
    }
}

fn scope(client: &Client) -> Scope {
    Scope {
        stack: "kit".to_owned(),
        env: "test".to_owned(),
        region: "eu-west-1".to_owned(),
        account: client.account().to_owned(),
        partition: "aws".to_owned(),
    }
}
