//! What every backend has to do, as properties over two clients of one empty place.
//!
//! `store_contract!(name, clients)` makes a test of each; `clients` gives two clients of a new place, and whatever keeps the
//! place alive.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it is wrong")]

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream};

use super::{LockStore, ObjectStore, StoreError, Taken, Version};
use crate::address::ComponentId;

/// A client: both halves.
pub type Client = (Arc<dyn ObjectStore>, Arc<dyn LockStore>);

/// Two clients of one place that is empty at first.
pub struct Two {
    /// The first.
    pub one: Client,
    /// The second.
    pub two: Client,
}

/// Makes a test of each property. `$clients` is an expression of `Result<(Two, impl Sized), impl Debug>`.
#[macro_export]
macro_rules! store_contract {
    ($name:ident, $clients:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "what the expression names may stand beside the macro")]
            use super::*;
            $crate::store_contract!(@each $clients;
                a_write_is_read_by_the_other
                what_is_absent_is_none
                only_one_creates
                put_of_a_stale_version_changes_nothing
                a_listing_is_sorted_and_tells_versions
                what_was_written_over_can_be_had_again
                of_many_writers_one_wins_each_round
                all_locks_or_none
                second_client_is_told_who_holds_the_lock
                only_the_holder_frees
                a_holder_is_changed_by_version_only
                many_locks_at_once
                of_many_takers_one_wins
            );
        }
    };
    (@each $clients:expr; $($property:ident)*) => {
        $(
            #[test]
            fn $property() {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2).enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    let (two, _place) = $clients.await.expect("two clients");
                    $crate::store::contract::$property(&two).await;
                });
            }
        )*
    };
}

fn bytes(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

fn component(name: &str) -> ComponentId {
    ComponentId { region: None, kind: "K".to_owned(), name: name.to_owned() }
}

fn components(names: &[&str]) -> Vec<ComponentId> {
    names.iter().map(|name| component(name)).collect()
}

async fn text(store: &dyn ObjectStore, key: &str) -> Option<String> {
    let found = store.get(key).await.unwrap();
    found.map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap())
}

fn is_stale<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Stale { .. })), "{result:?}");
}

/// Written by one, read by the other, at the version that the writer was told.
pub async fn a_write_is_read_by_the_other(it: &Two) {
    let version = it.one.0.put_if("s/e/root.json", None, bytes("{}")).await.unwrap();
    assert_eq!(it.two.0.get("s/e/root.json").await.unwrap(), Some((version.clone(), bytes("{}"))));
    let next = it.two.0.put_if("s/e/root.json", Some(&version), bytes("[]")).await.unwrap();
    assert_ne!(version, next);
    assert_eq!(text(it.one.0.as_ref(), "s/e/root.json").await.as_deref(), Some("[]"));
}

/// Absence is an answer.
pub async fn what_is_absent_is_none(it: &Two) {
    assert_eq!(it.one.0.get("s/e/none.json").await.unwrap(), None);
    assert_eq!(it.one.0.list("s/none/").await.unwrap(), Vec::new());
    assert_eq!(it.one.0.versions("s/none/").await.unwrap(), Vec::new());
    assert_eq!(it.one.1.holder("00000001").await.unwrap(), None);
    assert_eq!(it.one.1.locks().await.unwrap(), BTreeMap::new());
    it.one.1.free("00000001", &components(&["a"])).await.unwrap();
    it.one.1.drop_holder("00000001", &Version("any".to_owned())).await.unwrap();
}

/// A create is refused where something stands.
pub async fn only_one_creates(it: &Two) {
    it.one.0.put_if("s/e/journal/1.json", None, bytes("first")).await.unwrap();
    is_stale(it.two.0.put_if("s/e/journal/1.json", None, bytes("second")).await);
    assert_eq!(text(it.two.0.as_ref(), "s/e/journal/1.json").await.as_deref(), Some("first"));
}

/// An old version, and a version of what does not exist.
pub async fn put_of_a_stale_version_changes_nothing(it: &Two) {
    let old = it.one.0.put_if("s/e/a.json", None, bytes("1")).await.unwrap();
    it.two.0.put_if("s/e/a.json", Some(&old), bytes("2")).await.unwrap();
    is_stale(it.one.0.put_if("s/e/a.json", Some(&old), bytes("3")).await);
    is_stale(it.one.0.put_if("s/e/b.json", Some(&old), bytes("3")).await);
    assert_eq!(text(it.one.0.as_ref(), "s/e/a.json").await.as_deref(), Some("2"));
    assert_eq!(text(it.one.0.as_ref(), "s/e/b.json").await, None);
}

/// What stands under the prefix, and nothing beside it; more than one page of it.
pub async fn a_listing_is_sorted_and_tells_versions(it: &Two) {
    let write = async |number: usize| {
        let key = format!("s/e/components/r/K.{number:04}.json");
        let version = it.one.0.put_if(&key, None, bytes("{}")).await.unwrap();
        (key, version)
    };
    let mut written: Vec<(String, Version)> = stream::iter(0..1_005).map(write).buffer_unordered(16).collect().await;
    it.one.0.put_if("s/e/componentsX.json", None, bytes("{}")).await.unwrap();
    written.sort();
    assert_eq!(it.two.0.list("s/e/components/").await.unwrap(), written);
}

/// Each content, the newest first, and which of them is there now.
pub async fn what_was_written_over_can_be_had_again(it: &Two) {
    let mut version = None;
    for content in ["1", "2", "3"] {
        version = Some(it.one.0.put_if("s/e/components/r/K.a.json", version.as_ref(), bytes(content)).await.unwrap());
    }
    it.one.0.put_if("s/e/components/r/K.b.json", None, bytes("b")).await.unwrap();
    assert!(it.two.0.keeps_versions().await.unwrap());
    let all = it.two.0.versions("s/e/components/").await.unwrap();
    let (mut contents, mut current) = (Vec::new(), Vec::new());
    for past in &all {
        contents.push(it.two.0.past(&past.key, &past.id).await.unwrap().expect("a content"));
        current.push(past.current);
    }
    assert_eq!(contents, [bytes("3"), bytes("2"), bytes("1"), bytes("b")]);
    assert_eq!(current, [true, false, false, true]);
    assert!(all[..3].windows(2).all(|pair| pair[0].written_millis >= pair[1].written_millis), "{all:?}");
    assert_eq!(it.two.0.versions("s/e/components/r/K.a.json").await.unwrap(), all[..3]);
    assert_eq!(it.one.0.past("s/e/components/r/K.b.json", &all[1].id).await.unwrap(), None);
}

/// Eight writers from one version, five times: each round has one winner, and its content stands.
pub async fn of_many_writers_one_wins_each_round(it: &Two) {
    let mut version = None;
    for round in 0..5 {
        let write = |writer: usize| {
            let (store, version) = (if writer.is_multiple_of(2) { &it.one.0 } else { &it.two.0 }, version.clone());
            async move {
                let content = bytes(&format!("{round} of {writer}"));
                store.put_if("s/e/race.json", version.as_ref(), content.clone()).await.map(|it| (it, content))
            }
        };
        let won: Vec<(Version, Bytes)> = join_all((0..8).map(write)).await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(it.one.0.get("s/e/race.json").await.unwrap(), Some(won[0].clone()));
        version = Some(won[0].0.clone());
    }
}

/// One that is held by another leaves all the others free.
pub async fn all_locks_or_none(it: &Two) {
    assert_eq!(it.one.1.take("00000001", &components(&["a", "b"])).await.unwrap(), Taken::All);
    let held = it.two.1.take("00000002", &components(&["b", "c"])).await.unwrap();
    assert_eq!(held, Taken::HeldBy(BTreeMap::from([(component("b"), "00000001".to_owned())])));
    // Once more, and more than before: what is ours stays.
    assert_eq!(it.one.1.take("00000001", &components(&["b", "c"])).await.unwrap(), Taken::All);
    let all = components(&["a", "b", "c"]).into_iter().map(|it| (it, "00000001".to_owned()));
    assert_eq!(it.two.1.locks().await.unwrap(), all.collect());
}

/// And what for, by the holder's record.
pub async fn second_client_is_told_who_holds_the_lock(it: &Two) {
    it.one.1.put_holder("00000001", None, bytes("ann")).await.unwrap();
    it.one.1.take("00000001", &components(&["a"])).await.unwrap();
    let Taken::HeldBy(held) = it.two.1.take("00000002", &components(&["a"])).await.unwrap() else { panic!("taken") };
    let (_, record) = it.two.1.holder(&held[&component("a")]).await.unwrap().expect("a record");
    assert_eq!(record, bytes("ann"));
}

/// What another holds is not freed by us, and what we hold is, whatever else was asked for.
pub async fn only_the_holder_frees(it: &Two) {
    it.one.1.take("00000001", &components(&["a"])).await.unwrap();
    it.two.1.take("00000002", &components(&["b"])).await.unwrap();
    it.two.1.free("00000002", &components(&["a", "b", "c"])).await.unwrap();
    assert_eq!(it.two.1.locks().await.unwrap(), BTreeMap::from([(component("a"), "00000001".to_owned())]));
    it.one.1.free("00000001", &components(&["a"])).await.unwrap();
    assert_eq!(it.two.1.take("00000002", &components(&["a"])).await.unwrap(), Taken::All);
}

/// Created once, changed by who knows it, taken away by who knows it.
pub async fn a_holder_is_changed_by_version_only(it: &Two) {
    let first = it.one.1.put_holder("00000001", None, bytes("1")).await.unwrap();
    is_stale(it.two.1.put_holder("00000001", None, bytes("2")).await);
    let second = it.two.1.put_holder("00000001", Some(&first), bytes("2")).await.unwrap();
    is_stale(it.one.1.put_holder("00000001", Some(&first), bytes("3")).await);
    is_stale(it.one.1.drop_holder("00000001", &first).await);
    assert_eq!(it.one.1.holder("00000001").await.unwrap(), Some((second.clone(), bytes("2"))));
    it.one.1.drop_holder("00000001", &second).await.unwrap();
    it.two.1.drop_holder("00000001", &second).await.unwrap();
    is_stale(it.one.1.put_holder("00000001", Some(&second), bytes("4")).await);
    assert_eq!(it.two.1.holder("00000001").await.unwrap(), None);
}

/// More than one transaction takes, and the last of them held by another.
pub async fn many_locks_at_once(it: &Two) {
    let names: Vec<String> = (0..130).map(|number| format!("c{number:03}")).collect();
    let many: Vec<ComponentId> = names.iter().map(|name| component(name)).collect();
    it.two.1.take("00000002", &components(&["c129"])).await.unwrap();
    it.one.1.take("00000001", &components(&["c005"])).await.unwrap();
    let held = it.one.1.take("00000001", &many).await.unwrap();
    assert_eq!(held, Taken::HeldBy(BTreeMap::from([(component("c129"), "00000002".to_owned())])));
    let expected =
        BTreeMap::from([(component("c005"), "00000001".to_owned()), (component("c129"), "00000002".to_owned())]);
    assert_eq!(it.one.1.locks().await.unwrap(), expected);
    it.two.1.free("00000002", &components(&["c129"])).await.unwrap();
    assert_eq!(it.one.1.take("00000001", &many).await.unwrap(), Taken::All);
    assert_eq!(it.two.1.locks().await.unwrap().len(), 130);
    it.one.1.free("00000001", &many).await.unwrap();
    assert_eq!(it.two.1.locks().await.unwrap(), BTreeMap::new());
}

/// Sixteen takers of one component: one has it. A refusal for other reasons than a holder is tried again, as the book does.
pub async fn of_many_takers_one_wins(it: &Two) {
    let take = |taker: usize| {
        let locks = if taker.is_multiple_of(2) { &it.one.1 } else { &it.two.1 };
        async move {
            loop {
                match locks.take(&format!("{taker:08}"), &components(&["a", "b"])).await {
                    Err(StoreError::Unanswered { .. }) => {}
                    other => break other.unwrap(),
                }
            }
        }
    };
    let taken = join_all((0..16).map(take)).await;
    let winners: Vec<usize> = (0..16).filter(|taker| taken[*taker] == Taken::All).collect();
    assert_eq!(winners.len(), 1, "{taken:?}");
    let holder = format!("{:08}", winners[0]);
    let expected = components(&["a", "b"]).into_iter().map(|it| (it, holder.clone())).collect();
    assert_eq!(it.one.1.locks().await.unwrap(), expected);
}
