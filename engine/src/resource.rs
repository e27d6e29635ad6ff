//! What a provider is: one type of thing that can be read, created, updated, deleted and found.
//!
//! Authors implement the typed `Resource` with plain `async fn`; the engine holds its object-safe twin `DynResource`, JSON in
//! and boxed futures out. The blanket impl here joins them and is the only place that (de)serializes a spec. A provider does
//! one thing per call: it never loops, sleeps, retries, logs or touches state; all of that is written once, above.

mod registry;

use std::{collections::BTreeMap, future::Future};

use futures::future::{BoxFuture, FutureExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    address::Address,
    error::{Error, Result},
    facts::Facts,
    health::Health,
};
pub use registry::Registry;

/// The id by which the cloud's API knows a thing: a queue's URL, a bucket's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhysicalId(pub String);

impl std::fmt::Display for PhysicalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Values that others may refer to, by CloudFormation attribute name.
pub type Outputs = BTreeMap<String, Value>;

/// Who a create is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The address.
    pub address: Address,
    /// Which generation of it, from 1.
    pub generation: u32,
    /// Unique to lineage, address and generation; at most 36 characters of `[a-z0-9-]`.
    pub token: String,
}

/// What a read saw. Absence is a value, not an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<S = Value> {
    /// Not there, or there in name only.
    Absent,
    /// On its way.
    Pending {
        /// The cloud's own word for it.
        status: String,
        /// What it is so far, if that can be told.
        spec: Option<S>,
        /// The outputs known so far.
        outputs: Outputs,
    },
    /// There, and usable.
    Ready {
        /// What it is, in the user's own shape.
        spec: S,
        /// All outputs.
        outputs: Outputs,
    },
    /// There, but it will not get ready by itself: a change in place may help.
    Stuck {
        /// The cloud's own reason.
        reason: String,
        /// What it is.
        spec: S,
        /// The outputs known so far.
        outputs: Outputs,
    },
    /// In a state that it cannot leave by itself.
    Failed {
        /// The cloud's own reason.
        reason: String,
    },
}

impl<S> Seen<S> {
    /// A ready thing.
    pub fn ready(spec: S, outputs: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Self::Ready { spec, outputs: told(outputs) }
    }

    /// A thing on its way, as far as it can be told.
    pub fn pending(
        status: impl Into<String>,
        spec: S,
        outputs: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Self {
        Self::Pending { status: status.into(), spec: Some(spec), outputs: told(outputs) }
    }

    /// A thing that a change in place may help.
    pub fn stuck(reason: impl Into<String>, spec: S, outputs: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Self::Stuck { reason: reason.into(), spec, outputs: told(outputs) }
    }

    /// The same with another shape of spec.
    fn map<T>(self, how: impl Fn(S) -> Result<T>) -> Result<Seen<T>> {
        Ok(match self {
            Self::Absent => Seen::Absent,
            Self::Pending { status, spec, outputs } => {
                Seen::Pending { status, spec: spec.map(how).transpose()?, outputs }
            }
            Self::Ready { spec, outputs } => Seen::Ready { spec: how(spec)?, outputs },
            Self::Stuck { reason, spec, outputs } => Seen::Stuck { reason, spec: how(spec)?, outputs },
            Self::Failed { reason } => Seen::Failed { reason },
        })
    }

    /// What it is, as far as that is told.
    pub fn spec(&self) -> Option<&S> {
        match self {
            Self::Ready { spec, .. } | Self::Stuck { spec, .. } | Self::Pending { spec: Some(spec), .. } => Some(spec),
            Self::Absent | Self::Pending { spec: None, .. } | Self::Failed { .. } => None,
        }
    }

    /// The cloud's word for where it is.
    pub fn status(&self) -> &str {
        match self {
            Self::Absent => "absent",
            Self::Pending { status, .. } => status,
            Self::Ready { .. } => "ready",
            Self::Stuck { reason, .. } | Self::Failed { reason } => reason,
        }
    }
}

/// What AWS told. A null is an output that is not known (yet): as a value it would be planned with.
fn told(outputs: impl IntoIterator<Item = (&'static str, Value)>) -> Outputs {
    outputs.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a create call did.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The new thing's id.
    pub id: PhysicalId,
    /// The outputs that its answer told.
    pub outputs: Outputs,
    /// The top-level properties that the call did not carry; `update` brings them.
    pub unsent: Vec<&'static str>,
}

impl Created {
    /// Created with all of its properties.
    pub fn whole(id: impl Into<String>) -> Self {
        Self { id: PhysicalId(id.into()), outputs: Outputs::new(), unsent: Vec::new() }
    }

    /// The same, but these top-level properties have still to be sent.
    #[must_use]
    pub fn without(mut self, unsent: &[&'static str]) -> Self {
        self.unsent.extend_from_slice(unsent);
        self
    }

    /// The same with an output that is known already.
    #[must_use]
    pub fn output(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.outputs.extend(told([(name, value.into())]));
        self
    }
}

/// The top-level properties that somebody compares: those that the user names or named. A read may leave the others out,
/// which saves a call each where a service answers them one by one.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Everything that can be read.
    All,
    /// These.
    Only(std::collections::BTreeSet<String>),
}

impl Wanted {
    /// The top-level properties of these values.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        Self::Only(values.into_iter().filter_map(Value::as_object).flat_map(|map| map.keys().cloned()).collect())
    }

    /// True if `property` is compared.
    pub fn has(&self, property: &str) -> bool {
        !matches!(self, Self::Only(names) if !names.contains(property))
    }
}

/// Paths that differ, as JSON pointers into the properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changed(pub Vec<String>);

impl Changed {
    /// True if something at or under the top-level `property` differs.
    pub fn touches(&self, property: &str) -> bool {
        self.0.iter().any(|path| path.trim_start_matches('/').split('/').next() == Some(property))
    }
}

/// How something is to be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeleteOptions {
    /// Its contents may go.
    pub empty: bool,
    /// The name of a last copy to take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_snapshot: Option<String>,
}

/// One type of thing. One file each; see `CONTRIBUTING.md` for the order of its parts.
pub trait Resource: Send + Sync + 'static {
    /// Its CloudFormation type name.
    const TYPE: &'static str;
    /// What is declared about it.
    const FACTS: Facts;
    /// Its properties, in CloudFormation's names and shapes.
    type Spec: Serialize + DeserializeOwned + JsonSchema + Send + Sync;

    /// What is there, in the user's own shape. `wanted` may be used to leave out calls.
    fn read(&self, id: &PhysicalId, wanted: &Wanted) -> impl Future<Output = Result<Seen<Self::Spec>>> + Send;

    /// One mutating call with every property that it accepts. It is not asked to cope with what exists.
    fn create(&self, who: &Identity, spec: &Self::Spec) -> impl Future<Output = Result<Created>> + Send;

    /// Brings `changed` from `live` to `spec`; what `spec` lacks is taken away.
    fn update(
        &self,
        id: &PhysicalId,
        live: &Self::Spec,
        spec: &Self::Spec,
        changed: &Changed,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Starts its removal. Absent is done.
    fn delete(
        &self,
        id: &PhysicalId,
        applied: &Self::Spec,
        how: &DeleteOptions,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The id of what stands where this create would put it - by name, token, tag or place, as `FACTS.found` says - whoever
    /// made it. The engine judges whose it is.
    fn find(&self, who: &Identity, spec: &Self::Spec) -> impl Future<Output = Result<Option<PhysicalId>>> + Send;

    /// Whether it does what it is there for: types that declare `probed` say so beyond their properties. Asked once reads have
    /// confirmed it as `spec`, and when they did not, for the reasons.
    fn probe(&self, id: &PhysicalId, spec: &Self::Spec) -> impl Future<Output = Result<Health>> + Send {
        let _ = (id, spec);
        async { Ok(Health::Good) }
    }

    /// Reads many at once, in the order given; types whose API describes lists override it.
    fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> impl Future<Output = Vec<Result<Seen<Self::Spec>>>> + Send {
        futures::future::join_all(ids.iter().map(|(id, wanted)| self.read(id, wanted)))
    }
}

/// The object-safe twin of `Resource`. Nobody implements it by hand.
pub trait DynResource: Send + Sync {
    /// The type's name.
    fn kind(&self) -> &'static str;
    /// What is declared about it.
    fn facts(&self) -> &'static Facts;
    /// The JSON Schema of its properties.
    fn schema(&self) -> Value;
    /// The same properties as the type itself writes them; an error if they are not of its shape.
    fn shaped(&self, properties: &Value) -> Result<Value>;
    /// See `Resource::read`.
    fn read<'a>(&'a self, id: &'a PhysicalId, wanted: &'a Wanted) -> BoxFuture<'a, Result<Seen>>;
    /// See `Resource::create`.
    fn create<'a>(&'a self, who: &'a Identity, spec: &'a Value) -> BoxFuture<'a, Result<Created>>;
    /// See `Resource::update`.
    fn update<'a>(
        &'a self,
        id: &'a PhysicalId,
        live: &'a Value,
        spec: &'a Value,
        changed: &'a Changed,
    ) -> BoxFuture<'a, Result<()>>;
    /// See `Resource::delete`.
    fn delete<'a>(
        &'a self,
        id: &'a PhysicalId,
        applied: &'a Value,
        how: &'a DeleteOptions,
    ) -> BoxFuture<'a, Result<()>>;
    /// See `Resource::find`.
    fn find<'a>(&'a self, who: &'a Identity, spec: &'a Value) -> BoxFuture<'a, Result<Option<PhysicalId>>>;
    /// See `Resource::probe`.
    fn probe<'a>(&'a self, id: &'a PhysicalId, spec: &'a Value) -> BoxFuture<'a, Result<Health>>;
    /// See `Resource::read_many`.
    fn read_many<'a>(&'a self, ids: &'a [(PhysicalId, Wanted)]) -> BoxFuture<'a, Vec<Result<Seen>>>;
}

fn decode<R: Resource>(value: &Value) -> Result<R::Spec> {
    R::Spec::deserialize(value).map_err(|source| Error::Shape { kind: R::TYPE, source })
}

fn shape<R: Resource>(spec: R::Spec) -> Result<Value> {
    serde_json::to_value(spec).map_err(|source| Error::Shape { kind: R::TYPE, source })
}

fn encode<R: Resource>(seen: Seen<R::Spec>) -> Result<Seen> {
    seen.map(shape::<R>)
}

impl<R: Resource> DynResource for R {
    fn kind(&self) -> &'static str {
        R::TYPE
    }

    fn facts(&self) -> &'static Facts {
        const { &R::FACTS }
    }

    fn schema(&self) -> Value {
        schemars::schema_for!(R::Spec).to_value()
    }

    fn shaped(&self, properties: &Value) -> Result<Value> {
        shape::<R>(decode::<R>(properties)?)
    }

    fn read<'a>(&'a self, id: &'a PhysicalId, wanted: &'a Wanted) -> BoxFuture<'a, Result<Seen>> {
        async move { encode::<R>(Resource::read(self, id, wanted).await?) }.boxed()
    }

    fn create<'a>(&'a self, who: &'a Identity, spec: &'a Value) -> BoxFuture<'a, Result<Created>> {
        async move { Resource::create(self, who, &decode::<R>(spec)?).await }.boxed()
    }

    fn update<'a>(
        &'a self,
        id: &'a PhysicalId,
        live: &'a Value,
        spec: &'a Value,
        changed: &'a Changed,
    ) -> BoxFuture<'a, Result<()>> {
        async move { Resource::update(self, id, &decode::<R>(live)?, &decode::<R>(spec)?, changed).await }.boxed()
    }

    fn delete<'a>(
        &'a self,
        id: &'a PhysicalId,
        applied: &'a Value,
        how: &'a DeleteOptions,
    ) -> BoxFuture<'a, Result<()>> {
        async move { Resource::delete(self, id, &decode::<R>(applied)?, how).await }.boxed()
    }

    fn find<'a>(&'a self, who: &'a Identity, spec: &'a Value) -> BoxFuture<'a, Result<Option<PhysicalId>>> {
        async move { Resource::find(self, who, &decode::<R>(spec)?).await }.boxed()
    }

    fn probe<'a>(&'a self, id: &'a PhysicalId, spec: &'a Value) -> BoxFuture<'a, Result<Health>> {
        async move { Resource::probe(self, id, &decode::<R>(spec)?).await }.boxed()
    }

    fn read_many<'a>(&'a self, ids: &'a [(PhysicalId, Wanted)]) -> BoxFuture<'a, Vec<Result<Seen>>> {
        async move { Resource::read_many(self, ids).await.into_iter().map(|seen| encode::<R>(seen?)).collect() }.boxed()
    }
}
