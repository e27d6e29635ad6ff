//! The kit: what every resource type has to show, driven by its samples and by the generated list of its fields.
//!
//! Everything goes through the engine and the real SDK against the emulator. A field without a second value in any sample
//! fails the type.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use deployer_engine::{
    address::Address,
    clock::Clock,
    desired::{Desired, DesiredResource, Lifecycle, Scope},
    event::Nowhere,
    facts::{FoundBy, Nature, OnRemove},
    find::{Found, find},
    lock::{LockRules, Owner},
    plan::{Action, Plan},
    resource::{DeleteOptions, DynResource, PhysicalId, Registry, Seen, Wanted},
    safety::Safety,
    session::{Applied, Limits, Session, Wish, World},
    state::{self, Generation},
    stop::Stop,
    store::memory::MemoryStore,
    verdict::NoExaminer,
};
use deployer_providers::{Aws, registry};
use futures::future::{BoxFuture, FutureExt};
use serde_json::{Map, Value, json};

use crate::{Result, build, emulator::Client, permissions::Called};

/// One sample of a type.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its file, for messages.
    pub file: String,
    /// The type.
    pub kind: String,
    /// Resources that it needs, by address.
    pub needs: BTreeMap<String, (String, Value)>,
    /// Those of them that come first although no value is needed from them.
    pub after: Vec<String>,
    /// Properties that stay.
    pub base: Map<String, Value>,
    /// Fields that the type can do without, and this sample cannot.
    pub keep: BTreeSet<String>,
    /// Each field with a value and another one.
    pub fields: BTreeMap<String, (Value, Value)>,
    /// What has to change along with a field's second value; nothing: it goes.
    pub along: BTreeMap<String, Map<String, Value>>,
    /// Fields that have one value only.
    pub only: BTreeSet<String>,
}

/// What makes the types, over clients: deployer's own, or an author's.
pub type Types = dyn Fn(&Aws) -> Registry + Sync;

/// All samples, by type.
pub fn samples() -> Result<BTreeMap<String, Vec<Sample>>> {
    samples_in(&build::workspace().join("fixtures/resources"))
}

/// The same of another folder.
pub fn samples_in(root: &Path) -> Result<BTreeMap<String, Vec<Sample>>> {
    let mut found: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for folder in fs::read_dir(root)? {
        for file in fs::read_dir(folder?.path())? {
            let sample = sample(&file?.path())?;
            found.entry(sample.kind.clone()).or_default().push(sample);
        }
    }
    Ok(found)
}

impl Sample {
    /// Its type, and those that it needs.
    fn kinds(&self) -> BTreeSet<&str> {
        self.needs.values().map(|(kind, _)| kind.as_str()).chain([self.kind.as_str()]).collect()
    }

    /// Its properties with the first value of each field.
    fn first(&self) -> Map<String, Value> {
        let firsts = self.fields.iter().map(|(name, (first, _))| (name.clone(), first.clone()));
        self.base.clone().into_iter().chain(firsts).collect()
    }
}

fn sample(path: &Path) -> Result<Sample> {
    let value: Value = serde_yaml::from_str(&fs::read_to_string(path)?)?;
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| {
        value.as_array().cloned().unwrap_or_default().into_iter().filter_map(|it| it.as_str().map(str::to_owned))
    };
    let need = |(address, it): (String, Value)| (address, (text(&it["type"]), it["properties"].clone()));
    let pair = |(name, values): (String, Value)| (name, (values[0].clone(), values[1].clone()));
    Ok(Sample {
        file: path.strip_prefix(build::workspace()).unwrap_or(path).display().to_string(),
        kind: text(&value["type"]),
        needs: map(&value["needs"]).into_iter().map(need).collect(),
        after: texts(&value["after"]).collect(),
        base: map(&value["base"]),
        keep: texts(&value["keep"]).collect(),
        fields: map(&value["fields"]).into_iter().map(pair).collect(),
        along: map(&value["along"]).into_iter().map(|(name, others)| (name, map(&others))).collect(),
        only: texts(&value["only"]).collect(),
    })
}

/// The fields of a type, as its schema lists them, and which of them it cannot do without.
pub fn fields(it: &dyn DynResource) -> (BTreeSet<String>, BTreeSet<String>) {
    let schema = it.schema();
    let names = schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    let required =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    (names, required)
}

/// The name that calls for a type carry: each type of a sample is a client of its own to the emulator.
fn name_of(kind: &str, client: &Client) -> String {
    format!("{}.{}", client.account(), kind.replace("::", "."))
}

/// How long a lock lives, in AWS's time.
const LOCK: Duration = Duration::from_secs(1_200);

/// The machine's clock, scaled like the emulator's.
struct Scaled(Instant, f64);

impl Clock for Scaled {
    fn monotonic(&self) -> Duration {
        self.0.elapsed().div_f64(self.1)
    }

    fn wall_millis(&self) -> u64 {
        0
    }

    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time.mul_f64(self.1)).boxed()
    }
}

/// One type on the bench: a session of its own over the emulator.
pub struct Bench {
    sample: Sample,
    types: Registry,
    session: Session,
    address: Address,
}

impl Bench {
    /// A bench for one sample, in the client's account.
    #[allow(clippy::disallowed_methods, reason = "the start of the clock")]
    pub async fn new(sample: &Sample, client: &Client, make: &Types) -> Result<Self> {
        let aws = client.aws().await;
        let named = |all: Registry, kind: &str| match make(&aws.named(&name_of(kind, client))).get(kind) {
            Some(it) => all.with_shared(it.clone()),
            None => all,
        };
        let types = sample.kinds().into_iter().fold(make(&aws), named);
        let store = Arc::new(MemoryStore::default());
        let world = World {
            types: types.clone(),
            clock: Arc::new(Scaled(Instant::now(), client.scale())),
            objects: store.clone(),
            locks: store,
            events: Arc::new(Nowhere),
            owner: Owner { run: "kit".to_owned(), ..Owner::default() },
            probe: Arc::new(|_| Some(false)),
            stop: Stop::default(),
            examiner: Arc::new(NoExaminer),
            // Nothing here is about locks: one outlives any pause of a busy machine, however fast time goes.
            limits: Limits { lock: LockRules { ttl: LOCK, ..LockRules::default() }, ..Limits::default() },
            new_lineage: "kit".to_owned(),
            safety: Safety::ON,
        };
        let scope = scope(client);
        let address = "Kit.sample/Thing".parse()?;
        Ok(Self { sample: sample.clone(), types, session: Session::new(world, &scope), address })
    }

    fn resource(&self) -> Result<&dyn DynResource> {
        Ok(self.types.need(&self.sample.kind)?.as_ref())
    }

    fn desired(&self, properties: &Map<String, Value>, scope: &Scope) -> Result<Desired> {
        let mut desired = Desired { scope: scope.clone(), ..Desired::default() };
        let resource = |kind: &str, properties: Value| DesiredResource {
            kind: kind.to_owned(),
            properties,
            name_part: None,
            chosen: None,
            lifecycle: Lifecycle::default(),
            after: Vec::new(),
            origins: BTreeMap::new(),
        };
        for (address, (kind, properties)) in &self.sample.needs {
            desired.resources.insert(address.parse()?, resource(kind, properties.clone()));
        }
        let after = self.sample.after.iter().map(|it| it.parse()).collect::<std::result::Result<_, _>>()?;
        let mine = DesiredResource { after, ..resource(&self.sample.kind, Value::Object(properties.clone())) };
        desired.resources.insert(self.address.clone(), mine);
        Ok(desired)
    }

    async fn plan(&self, properties: &Map<String, Value>, scope: &Scope) -> Result<Plan> {
        let wish = Wish { refresh: true, ..Wish::default() };
        let plan = self.session.plan(&self.desired(properties, scope)?, &wish).await;
        plan.map_err(|trouble| format!("{}: no plan: {trouble:?}", self.sample.file).into())
    }

    async fn apply(&mut self, properties: &Map<String, Value>, scope: &Scope, destroy: bool) -> Result<()> {
        let wish = Wish { refresh: true, destroy, ..Wish::default() };
        let desired = self.desired(properties, scope)?;
        let applied = self.session.apply(&desired, &wish, &mut |_, _| futures::future::ready(true).boxed()).await;
        match applied {
            Ok(Applied::Ran { report, .. }) if report.is_success() => Ok(()),
            Ok(Applied::NoChanges) => Ok(()),
            Ok(Applied::Ran { report, .. }) => Err(format!("{}: failed: {:?}", self.sample.file, report.failed).into()),
            other => Err(format!("{}: {other:?}", self.sample.file).into()),
        }
    }

    /// Applies, and demands that a second plan is empty.
    async fn settle(&mut self, properties: &Map<String, Value>, scope: &Scope, what: &str) -> Result<()> {
        self.apply(properties, scope, false).await.map_err(|error| format!("{what}: {error}"))?;
        let plan = self.plan(properties, scope).await?;
        if plan.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = plan.steps.iter().map(|step| (step.address(), &step.reasons, &step.changes)).collect();
        Err(format!("{}: {what}: the second plan is not empty: {changes:?}", self.sample.file).into())
    }

    /// What state knows of the thing on the bench.
    async fn generation(&self) -> Result<Generation> {
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

/// The whole contract on one sample; what was called for it.
pub async fn contract(sample: &Sample, client: &Client) -> Result<Called> {
    contract_of(sample, client, &registry).await
}

/// The same with other types.
pub async fn contract_of(sample: &Sample, client: &Client, types: &Types) -> Result<Called> {
    let scope = scope(client);
    let mut bench = Bench::new(sample, client, types).await?;
    let mut first = sample.first();
    let mut now = first.clone();
    // Its first create's answer is lost: one thing all the same.
    let mine = client.named(&name_of(&sample.kind, client));
    mine.options(json!({"rules": [{"match": {"mutating": true, "nth": 1}, "fault": "lost_answer"}]}))?;
    bench.settle(&now, &scope, "create, its answer lost").await?;
    mine.options(json!({"rules": []}))?;
    for (name, (_, second)) in &sample.fields {
        changed(&mut bench, &mut now, &scope, name, second).await?;
        removed(&mut bench, &mut now, &scope, name).await?;
        // What never shrinks stays as it has grown.
        if bench.resource()?.facts().natures(&format!("/{name}")).any(|it| matches!(it, Nature::OnlyGrows)) {
            first.insert(name.clone(), second.clone());
        }
        now.clone_from(&first);
        bench.settle(&now, &scope, &format!("{name} put back")).await?;
    }
    by_itself(&bench).await?;
    bench.settle(&now, &scope, "made again after it was deleted outside").await?;
    bench.apply(&now, &scope, true).await?;
    let called = |kind: &str| {
        let calls = client.named(&name_of(kind, client)).calls()?;
        Ok((kind.to_owned(), calls.by_operation.into_keys().collect()))
    };
    sample.kinds().into_iter().map(called).collect()
}

/// Another value: in place, or a replacement if it is create-only.
async fn changed(
    bench: &mut Bench,
    now: &mut Map<String, Value>,
    scope: &Scope,
    name: &str,
    second: &Value,
) -> Result<()> {
    let facts = bench.resource()?.facts();
    if second.is_null() && facts.on_remove(&format!("/{name}")) == OnRemove::Keep {
        return Ok(());
    }
    now.insert(name.to_owned(), second.clone());
    now.extend(bench.sample.along.get(name).cloned().unwrap_or_default());
    now.retain(|field, value| field == name || !value.is_null());
    let plan = bench.plan(now, scope).await?;
    let create_only = facts.create_only(&format!("/{name}"));
    let steps: Vec<&Action> =
        plan.steps.iter().filter(|step| *step.address() == bench.address).map(|step| &step.action).collect();
    let replaced = steps.iter().any(|action| matches!(action, Action::Create { replaces: Some(_), .. }));
    let updated = steps.iter().any(|action| matches!(action, Action::Update { .. }));
    if create_only != replaced || create_only == updated {
        return Err(format!(
            "{}: {name} changed: create-only {create_only}, the plan replaces {replaced}, updates {updated}",
            bench.sample.file
        )
        .into());
    }
    bench.settle(now, scope, &format!("{name} changed")).await
}

/// Taken out of the YAML: what `on_remove` declares.
async fn removed(bench: &mut Bench, now: &mut Map<String, Value>, scope: &Scope, name: &str) -> Result<()> {
    let (_, required) = fields(bench.resource()?);
    let facts = bench.resource()?.facts();
    let is_name = facts.name.is_some_and(|rule| rule.field == format!("/{name}"));
    // A second value of nothing was its removal already.
    let was_removed = now.get(name).is_none_or(Value::is_null);
    if required.contains(name) || bench.sample.keep.contains(name) || is_name || was_removed {
        return Ok(());
    }
    now.remove(name);
    let plan = bench.plan(now, scope).await?;
    let wanted = facts.on_remove(&format!("/{name}"));
    let mine = plan.steps.iter().filter(|step| *step.address() == bench.address);
    let actions: Vec<&Action> = mine.map(|step| &step.action).collect();
    let replaced = actions.iter().any(|action| matches!(action, Action::Create { replaces: Some(_), .. }));
    let fits = match wanted {
        OnRemove::Replace => replaced,
        OnRemove::Keep => actions.is_empty(),
        OnRemove::Reset(_) | OnRemove::Clear => !replaced,
    };
    if !fits {
        return Err(format!(
            "{}: {name} removed: {wanted:?} is declared, the plan says {actions:?}",
            bench.sample.file
        )
        .into());
    }
    bench.settle(now, scope, &format!("{name} removed")).await
}

/// The provider by itself: find, create twice, delete twice, read what is gone and what never was.
async fn by_itself(bench: &Bench) -> Result<()> {
    let it = bench.resource()?;
    let file = &bench.sample.file;
    let generation = bench.generation().await?;
    let who = state::identity("kit", &bench.address, generation.number);
    let (id, spec) = (&generation.id, &generation.applied);
    match find(it, &who, spec).await? {
        Found::Ours { id: found, .. } if found == *id => {}
        other => return Err(format!("{file}: find does not see what was made: {other:?}").into()),
    }
    // What has neither name nor token is kept one by the engine, which asks first; the lost answer above showed that.
    if it.facts().found != FoundBy::Tag
        && let Ok(made) = it.create(&who, spec).await
        && made.id != *id
    {
        return Err(format!("{file}: a second create made a second thing: {}", made.id).into());
    }
    for round in ["first", "second"] {
        it.delete(id, spec, &DeleteOptions::default())
            .await
            .map_err(|error| format!("{file}: the {round} delete failed: {error}"))?;
        gone(it, id).await.map_err(|error| format!("{file}: after the {round} delete: {error}"))?;
    }
    match find(it, &who, spec).await? {
        Found::Nothing => {}
        other => return Err(format!("{file}: find sees what is gone: {other:?}").into()),
    }
    let never = PhysicalId(id.0.replace("kit-test", "kit-never").replace("stated", "never"));
    if never != *id && it.read(&never, &Wanted::All).await? != Seen::Absent {
        return Err(format!("{file}: what never was is not absent: {never}").into());
    }
    Ok(())
}

/// Reads until it is absent; things linger.
#[allow(clippy::disallowed_methods, reason = "waits for another process")]
async fn gone(it: &dyn DynResource, id: &PhysicalId) -> Result<()> {
    for _ in 0..100 {
        if it.read(id, &Wanted::All).await? == Seen::Absent {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("it is still there".into())
}
