//! What a component's expansion may look at beside its own spec: the scope, its peers, the answers of look-ups.
//!
//! Peers are seen as they are written, references bound; what a peer is made of is asked of its kind, never guessed.

use std::{cell::RefCell, collections::BTreeMap};

use deployer_engine::{
    address::ComponentId,
    desired::Scope,
    lookup::{Answers, Lookup},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{directory::Directory, kinds::Kinds, node::Origins};

/// Another component.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Which.
    pub id: ComponentId,
    /// Its spec after all layers; `valueFrom` is bound.
    pub spec: Value,
    /// Where its values came from.
    pub(crate) origins: Origins,
}

impl Peer {
    /// Its spec as its kind's type.
    pub fn decode<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.spec.clone()).ok()
    }
}

/// A peer that cannot be given.
#[derive(Clone, Debug)]
pub enum NoPeer {
    /// There is none of this name; perhaps another name was meant.
    Unknown(Option<String>),
    /// It has problems of its own, which are told at its place.
    AtFault,
}

/// What can be seen from a component.
pub struct Around<'a> {
    /// Who is deployed where.
    pub scope: &'a Scope,
    kinds: &'a Kinds,
    directory: &'a Directory,
    peers: &'a BTreeMap<ComponentId, Peer>,
    answers: &'a Answers,
    used: RefCell<Answers>,
    asked: RefCell<Vec<Asked>>,
}

/// A question that was asked, and where in the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The question.
    pub lookup: Lookup,
    /// The component whose spec asks it.
    pub component: ComponentId,
    /// Where in that spec, as a JSON pointer.
    pub path: String,
    /// It has no answer yet.
    pub open: bool,
}

impl<'a> Around<'a> {
    pub(crate) fn new(
        scope: &'a Scope,
        kinds: &'a Kinds,
        directory: &'a Directory,
        peers: &'a BTreeMap<ComponentId, Peer>,
        answers: &'a Answers,
    ) -> Self {
        Self { scope, kinds, directory, peers, answers, used: RefCell::default(), asked: RefCell::default() }
    }

    /// The component of this name.
    pub fn peer(&self, name: &str) -> Result<&'a Peer, NoPeer> {
        let id = self.directory.find(name).map_err(NoPeer::Unknown)?;
        self.peers.get(id).ok_or(NoPeer::AtFault)
    }

    /// All components of a kind.
    pub fn of_kind<'k>(&self, kind: &'k str) -> impl Iterator<Item = &'a Peer> + use<'a, 'k> {
        self.peers.values().filter(move |peer| peer.id.kind == kind)
    }

    /// How many components of a kind there are, those at fault too.
    pub fn count(&self, kind: &str) -> usize {
        self.directory.ids().filter(|id| id.kind == kind).count()
    }

    /// The value of a peer's public output.
    pub fn output(&self, peer: &Peer, name: &str) -> Option<Value> {
        let outputs = (self.kinds.get(&peer.id.kind)?.outputs)(&peer.spec, self);
        outputs.get(name).map(|source| source.value(&peer.id))
    }

    /// The kinds.
    pub(crate) fn kinds(&self) -> &'a Kinds {
        self.kinds
    }

    /// What is known of a question that the spec of `component` asks at `path`. Without an answer, a stand-in of the same
    /// shape: good for checking files, never for a plan.
    pub fn ask(
        &self,
        component: &ComponentId,
        path: &str,
        lookup: Lookup,
        stand_in: impl FnOnce() -> Value,
    ) -> Answered {
        let key = lookup.key();
        let answer = self.answers.get(&key);
        if let Some(answer) = answer {
            self.used.borrow_mut().insert(key, answer.clone());
        }
        let (component, path, open) = (component.clone(), path.to_owned(), answer.is_none());
        self.asked.borrow_mut().push(Asked { lookup, component, path, open });
        answer.map_or_else(
            || Answered { value: stand_in(), known: false },
            |it| Answered { value: it.clone(), known: true },
        )
    }

    /// The answers that were used so far, and all that was asked.
    pub(crate) fn end(self) -> (Answers, Vec<Asked>) {
        (self.used.into_inner(), self.asked.into_inner())
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer, or what stands in for it.
    pub value: Value,
    /// It is the answer.
    pub known: bool,
}
