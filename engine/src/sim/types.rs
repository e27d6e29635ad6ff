//! The types of the world: one for each way in which real ones differ.

use std::{marker::PhantomData, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cloud::{Reach, Things, error};
use crate::{
    address::{Address, ComponentId},
    error::{Class, Result},
    facts::{Facts, FoundBy, NameRule, Nature, OnRemove, Output, Rate, Settle, SettleTable},
    health::{Health, Symptom},
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Registry, Resource, Seen, Wanted},
};

/// The properties of every type of the world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Spec {
    /// The name, of types that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An ordinary field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// A create-only field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// A field that the create call does not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<i64>,
    /// What of others it takes; the place of a `Part`, the slot of a `Slotted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Value>,
}

/// What makes one type differ from another.
pub trait Kind: Send + Sync + 'static {
    /// Its name.
    const TYPE: &'static str;
    /// What is declared about it.
    const FACTS: Facts;
    /// How long it is on its way after its create.
    const SLOW: Duration = Duration::ZERO;
    /// The size with which it does not do what it is there for.
    const BAD: Option<i64> = None;
}

/// A type of the world, as one process reaches it.
pub struct Sim<K>(Reach, PhantomData<K>);

const FIELDS: &[(&str, Nature)] = &[
    ("/Name", Nature::CreateOnly),
    ("/Mode", Nature::CreateOnly),
    ("/Size", Nature::OnRemove(OnRemove::Reset("0"))),
    ("/Size", Nature::ServerDefault("0")),
    ("/Tags", Nature::ByKey("Key")),
];
const NAME: NameRule = NameRule { max: 40, ..NameRule::regional("/Name") };
const BASE: Facts = Facts {
    fields: FIELDS,
    outputs: &[Output::created("Id"), Output::ready("Endpoint")],
    rate: Rate { class: "sim", in_flight: 8 },
    settle: SettleTable { create: Settle { budget: Duration::from_secs(300), ..Settle::FAST }, ..SettleTable::FAST },
    ..Facts::NAMED
};

/// Has a unique name.
pub struct Named;
/// Has none: two creates make two things; found by tag.
pub struct Nameless;
/// An untaggable part of something else.
pub struct Part;
/// Takes a while, and others see it late.
pub struct Slow;
/// One at a time in its slot.
pub struct Slotted;
/// Has more to say than its properties: of size 13 it never does what it is there for.
pub struct Served;

impl Kind for Named {
    const TYPE: &'static str = "Sim::Named";
    const FACTS: Facts = Facts { name: Some(NAME), ..BASE };
}

impl Kind for Nameless {
    const TYPE: &'static str = "Sim::Nameless";
    const FACTS: Facts = Facts { found: FoundBy::Tag, ..BASE };
}

impl Kind for Part {
    const TYPE: &'static str = "Sim::Part";
    const FACTS: Facts = Facts {
        fields: &[("/Input", Nature::CreateOnly), ("/Size", Nature::OnRemove(OnRemove::Reset("0")))],
        outputs: BASE.outputs,
        rate: BASE.rate,
        ..Facts::PART
    };
}

impl Kind for Slow {
    const TYPE: &'static str = "Sim::Slow";
    const FACTS: Facts = Facts { name: Some(NAME), usable_after: Duration::from_secs(10), ..BASE };
    const SLOW: Duration = Duration::from_secs(60);
}

impl Kind for Slotted {
    const TYPE: &'static str = "Sim::Slotted";
    const FACTS: Facts = Facts {
        found: FoundBy::Tag,
        slots: |spec| spec.get("Input").map(Value::to_string).into_iter().collect(),
        ..BASE
    };
}

impl Kind for Served {
    const TYPE: &'static str = "Sim::Served";
    const FACTS: Facts = Facts { name: Some(NAME), probed: true, ..BASE };
    const BAD: Option<i64> = Some(13);
}

/// Holds data, unless it is a copy of another.
pub struct Kept;

impl Kind for Kept {
    const TYPE: &'static str = "Sim::Kept";
    const FACTS: Facts = Facts { name: Some(NAME), stateful: true, copy_of: Some("/Input"), ..BASE };
}

/// Takes as many seconds as its size says.
pub struct Timed;

impl Kind for Timed {
    const TYPE: &'static str = "Sim::Timed";
    const FACTS: Facts = Facts {
        name: Some(NAME),
        rate: Rate { class: "timed", in_flight: 1_000 },
        settle: SettleTable {
            create: Settle { budget: Duration::from_secs(3_600), ..Settle::FAST },
            ..SettleTable::FAST
        },
        ..BASE
    };
}

/// All types of the world.
pub fn registry(reach: &Reach) -> Registry {
    Registry::default()
        .with(Sim::<Named>(reach.clone(), PhantomData))
        .with(Sim::<Nameless>(reach.clone(), PhantomData))
        .with(Sim::<Part>(reach.clone(), PhantomData))
        .with(Sim::<Slow>(reach.clone(), PhantomData))
        .with(Sim::<Slotted>(reach.clone(), PhantomData))
        .with(Sim::<Served>(reach.clone(), PhantomData))
        .with(Sim::<Kept>(reach.clone(), PhantomData))
        .with(Sim::<Timed>(reach.clone(), PhantomData))
}

fn value(spec: &Spec) -> Value {
    serde_json::to_value(spec).unwrap_or_default()
}

/// Whose thing it is, of types that have tags.
fn component(spec: &Spec) -> Option<ComponentId> {
    let address = spec.tags.iter().find(|tag| tag["Key"] == "deployer:address")?["Value"].as_str()?;
    Some(address.parse::<Address>().ok()?.component)
}

impl<K: Kind> Sim<K> {
    fn is(&self, kind: &str) -> bool {
        K::TYPE == kind
    }

    fn id(&self, who: &Identity, spec: &Spec) -> String {
        match &spec.input {
            Some(place) if self.is("Sim::Part") => format!("part-{place}"),
            _ => spec.name.clone().unwrap_or_else(|| format!("id-{}", who.token)),
        }
    }
}

/// What the cloud refuses, and what it does.
fn create<K: Kind>(things: &mut Things, mut id: String, spec: Spec) -> Result<Value> {
    let refuse = |class, code| Err(error("Create", class, code));
    let there = things.things.contains_key(&id);
    match K::TYPE {
        "Sim::Named" | "Sim::Slow" | "Sim::Served" | "Sim::Kept" if there => {
            return refuse(Class::AlreadyExists, "NameTaken");
        }
        "Sim::Slotted"
            if things.things.values().any(|it| it.kind == K::TYPE && it.spec.get("Input") == spec.input.as_ref()) =>
        {
            return refuse(Class::Invalid, "SlotTaken");
        }
        "Sim::Nameless" | "Sim::Slotted" if there => id.push_str("-again"),
        _ => {}
    }
    things.add(&id, K::TYPE, value(&Spec { late: None, ..spec }));
    Ok(json!(id))
}

impl<K: Kind> Resource for Sim<K> {
    const TYPE: &'static str = K::TYPE;
    const FACTS: Facts = K::FACTS;
    type Spec = Spec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<Spec>> {
        let Some((thing, age)) = self.0.look(&id.0).await else { return Ok(Seen::Absent) };
        let spec: Spec = serde_json::from_value(thing.spec).unwrap_or_default();
        let endpoint = format!("{id}.example");
        let timed = spec.size.filter(|_| self.is("Sim::Timed")).and_then(|it| u64::try_from(it).ok());
        if age < timed.map_or(K::SLOW, Duration::from_secs) {
            // As AWS does: what is not known yet is told as nothing.
            return Ok(Seen::pending("creating", spec, [("Id", json!(id)), ("Endpoint", Value::Null)]));
        }
        Ok(Seen::ready(spec, [("Id", json!(id)), ("Endpoint", json!(endpoint))]))
    }

    async fn create(&self, who: &Identity, spec: &Spec) -> Result<Created> {
        let (id, wanted) = (self.id(who, spec), spec.clone());
        let change = move |things: &mut Things| create::<K>(things, id, wanted);
        let whose = Some(who.address.component.clone());
        let made = self.0.call("Create", who.address.to_string(), whose, change).await?;
        let id = made.as_str().unwrap_or_default();
        Ok(Created::whole(id).without(&["Late"]).output("Id", id))
    }

    async fn update(&self, id: &PhysicalId, _: &Spec, spec: &Spec, _: &Changed) -> Result<()> {
        let (key, whose, spec) = (id.0.clone(), component(spec), spec.clone());
        let change = move |things: &mut Things| {
            let Some(thing) = things.things.get_mut(&key) else {
                return Err(error("Update", Class::NotFound, "NotFound"));
            };
            thing.spec = value(&spec);
            Ok(Value::Null)
        };
        self.0.call("Update", id.0.clone(), whose, change).await.map(drop)
    }

    async fn delete(&self, id: &PhysicalId, spec: &Spec, _: &DeleteOptions) -> Result<()> {
        let key = id.0.clone();
        let change = move |things: &mut Things| Ok(things.things.remove(&key).map_or(Value::Null, |it| it.spec));
        self.0.call("Delete", id.0.clone(), component(spec), change).await.map(drop)
    }

    async fn probe(&self, id: &PhysicalId, _: &Spec) -> Result<Health> {
        let seen = self.0.look(&id.0).await;
        let size = seen.and_then(|(thing, _)| thing.spec["Size"].as_i64());
        Ok(match K::BAD {
            Some(bad) if size == Some(bad) => Health::Bad(Symptom::of("its tasks crash")),
            Some(_) if size.is_none() => Health::NotYet(Symptom::of("it is not there")),
            _ => Health::Good,
        })
    }

    async fn find(&self, who: &Identity, spec: &Spec) -> Result<Option<PhysicalId>> {
        let id = self.id(who, spec);
        let by_tag = matches!(K::FACTS.found, FoundBy::Tag);
        let carries = |spec: &Value| {
            spec["Tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag["Value"] == who.token.as_str()))
        };
        let found = if by_tag { self.0.search(K::TYPE, carries).await } else { self.0.look(&id).await.map(|_| id) };
        Ok(found.map(PhysicalId))
    }
}
