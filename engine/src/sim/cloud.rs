//! The cloud of the world: things by id, with its own sense of time.
//!
//! A call takes a second, and arrives whatever becomes of its caller meanwhile; one may arrive long after its caller died. A new thing
//! is invisible for three seconds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Site, deeds::Sort, lock, process::Way};
use crate::{
    address::ComponentId,
    clock::Clock,
    error::{Class, Error, Result},
};

/// How long a mutating call takes.
const CALL: Duration = Duration::from_secs(1);
/// How long a new thing is invisible.
const HIDDEN: Duration = Duration::from_secs(3);
/// How long a call that outlives its caller is on its way.
const LATE: Duration = Duration::from_secs(10);

/// Everything that exists.
#[derive(Clone, Default)]
pub struct Cloud {
    inner: Arc<Mutex<Things>>,
}

/// Things by id, and what is on its way.
#[derive(Default)]
pub struct Things {
    /// What exists.
    pub things: BTreeMap<String, Thing>,
    under_way: Vec<(Duration, Call)>,
    now: Duration,
}

type Call = Box<dyn FnOnce(&mut Things) + Send>;

/// One thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    /// Its type.
    pub kind: &'static str,
    /// Its properties.
    pub spec: Value,
    /// When it was made.
    pub since: Duration,
}

/// The cloud as one process reaches it.
#[derive(Clone)]
pub struct Reach {
    cloud: Cloud,
    site: Site,
}

impl Cloud {
    /// The cloud as `site` reaches it.
    pub fn reach(&self, site: &Site) -> Reach {
        Reach { cloud: self.clone(), site: site.clone() }
    }

    fn at(&self, now: Duration) -> std::sync::MutexGuard<'_, Things> {
        let mut things = lock(&self.inner);
        things.under_way.sort_by_key(|(at, _)| *at);
        while things.under_way.first().is_some_and(|(at, _)| *at <= now) {
            let (at, arrives) = things.under_way.remove(0);
            things.now = at;
            arrives(&mut things);
        }
        things.now = now;
        things
    }

    /// All that exists, without ids: what two runs are compared by.
    pub fn inventory(&self, now: Duration) -> Vec<Value> {
        let things = self.at(now);
        let mut all: Vec<Value> =
            things.things.values().map(|thing| json!({"kind": thing.kind, "spec": thing.spec})).collect();
        all.sort_by_key(Value::to_string);
        all
    }

    /// Changes a thing from outside.
    pub fn tamper(&self, change: impl FnOnce(&mut BTreeMap<String, Thing>)) {
        change(&mut lock(&self.inner).things);
    }

    /// A copy that lives on its own.
    #[must_use]
    pub fn fork(&self) -> Self {
        let things = lock(&self.inner).things.clone();
        Self { inner: Arc::new(Mutex::new(Things { things, ..Things::default() })) }
    }
}

impl Things {
    /// Adds a thing.
    pub fn add(&mut self, id: &str, kind: &'static str, spec: Value) {
        self.things.insert(id.to_owned(), Thing { kind, spec, since: self.now });
    }
}

impl Reach {
    /// One mutating call, for a thing of this component.
    pub async fn call(
        &self,
        operation: &'static str,
        what: String,
        whose: Option<ComponentId>,
        change: impl FnOnce(&mut Things) -> Result<Value> + Send + 'static,
    ) -> Result<Value> {
        let (doer, holding, label) =
            (self.site.doer().clone(), self.site.doer().holding(), format!("{operation} {what}"));
        let way = self.site.pass(&label).await;
        let at = self.site.world().now() + if way == Way::Late { LATE } else { CALL };
        if way == Way::Refuse {
            self.site.world().until(at).await;
            return Err(error(operation, Class::Other, "Refused"));
        }
        let answer = Arc::new(Mutex::new(Err(error(operation, Class::Ambiguous, "NotArrived"))));
        let told = answer.clone();
        let arrives = move |things: &mut Things| {
            let result = change(things);
            if let (Ok(_), Some(component)) = (&result, whose) {
                doer.did(at, holding, (component, Sort::Call), label);
            }
            *lock(&told) = result;
        };
        lock(&self.cloud.inner).under_way.push((at, Box::new(arrives)));
        if way == Way::Late {
            return self.site.die().await;
        }
        self.site.world().until(at).await;
        drop(self.cloud.at(self.site.world().now()));
        match way {
            Way::DoAndDie => self.site.die().await,
            Way::Mute => Err(error(operation, Class::Ambiguous, "ConnectionReset")),
            _ => std::mem::replace(&mut *lock(&answer), Ok(Value::Null)),
        }
    }

    /// One read: the thing, unless it is too new to be seen.
    pub async fn look(&self, id: &str) -> Option<(Thing, Duration)> {
        self.site.sleep(Duration::from_millis(100)).await;
        let now = self.site.world().now();
        let things = self.cloud.at(now);
        let thing = things.things.get(id)?;
        let age = now.saturating_sub(thing.since);
        (age >= HIDDEN).then(|| (thing.clone(), age))
    }

    /// The id of the first visible thing of this kind that fits.
    pub async fn search(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Option<String> {
        self.site.sleep(Duration::from_millis(100)).await;
        let now = self.site.world().now();
        let things = self.cloud.at(now);
        let visible = |thing: &Thing| thing.kind == kind && now.saturating_sub(thing.since) >= HIDDEN;
        things.things.iter().find(|(_, thing)| visible(thing) && fits(&thing.spec)).map(|(id, _)| id.clone())
    }
}

/// A refusal.
pub fn error(operation: &'static str, class: Class, code: &str) -> Error {
    Error::Call { operation, class, code: code.to_owned(), message: "the world wills it".to_owned(), source: None }
}
