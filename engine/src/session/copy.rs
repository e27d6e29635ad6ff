//! Copies of a state: taken, checked, and put back.
//!
//! A copy is a store like any other (a folder, a file's records in memory), so it is read by the same code as the state
//! itself. What is put back is written as a new version over the one that is there: serials and fences only grow.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{Session, Trouble, Wish};
use crate::{
    address::ComponentId,
    error::{Error, Result},
    record::{Record, RecordError},
    state::{DeploymentId, Shard},
    store::{ObjectStore, Past},
};

/// One content that a component's shard has or had.
pub struct Content {
    /// Where it is kept.
    pub past: Past,
    /// The record; or why it cannot be used.
    pub record: Result<Record<Shard>>,
}

/// A record that cannot be used.
pub struct Fault {
    /// Which.
    pub key: String,
    /// Its component, if it is a shard.
    pub component: Option<ComponentId>,
    /// Why.
    pub why: String,
    /// Its newest content that can be used.
    pub good: Option<Past>,
}

/// What came of a push.
#[derive(Debug, Default)]
pub struct Pushed {
    /// The deployment that wrote; none if there was nothing to write.
    pub deployment: Option<DeploymentId>,
    /// What was written.
    pub written: BTreeSet<ComponentId>,
    /// What the state has as the copy has it.
    pub equal: BTreeSet<ComponentId>,
}

/// Shards that a copy holds, and whose state they are of.
pub struct Copied {
    /// The lineage; none if the copy is empty.
    pub lineage: Option<String>,
    /// The shards.
    pub shards: BTreeMap<ComponentId, Record<Shard>>,
}

impl Session {
    /// Writes every record to another store; their number.
    pub async fn copy_to(&self, to: &dyn ObjectStore) -> Result<usize> {
        let records = self.book.records().await?;
        for (key, bytes) in &records {
            let before = to.get(key).await?;
            if before.as_ref().is_none_or(|(_, there)| there != bytes) {
                to.put_if(key, before.map(|(version, _)| version).as_ref(), bytes.clone()).await?;
            }
        }
        Ok(records.len())
    }

    /// What a copy holds of this stack and environment.
    pub async fn copied(&self, from: Arc<dyn ObjectStore>) -> Result<Copied> {
        let book = self.book.over(from);
        let (mut lineage, mut shards) = (None, BTreeMap::new());
        for id in book.components().await? {
            let held = book.any_shard(&id, lineage.as_deref()).await?;
            lineage.get_or_insert_with(|| held.record.lineage.clone());
            let mut record = held.record;
            // What was before is a matter of the state that it was copied from.
            record.body.before = None;
            shards.insert(id, record);
        }
        Ok(Copied { lineage, shards })
    }

    /// Writes what a copy has newer than the state. Refused as a whole where the state is newer, or another one.
    pub async fn push(&mut self, copy: Copied, wish: &Wish) -> Result<Pushed, Trouble> {
        self.recover_dead(true).await?;
        let memory = self.look().await?;
        let ours = self.book.root().await?.map(|root| root.record.lineage);
        if let (Some(ours), Some(theirs)) = (&ours, &copy.lineage)
            && ours != theirs
        {
            let key = self.book.describe();
            return Err(Error::from(RecordError::Lineage { key, found: theirs.clone(), expected: ours.clone() }).into());
        }
        let (mut pushed, mut older) = (Pushed::default(), Vec::new());
        for (id, theirs) in &copy.shards {
            match memory.shards.get(id).map(|held| &held.record) {
                Some(ours) if (Shard { before: None, ..ours.body.clone() }) == theirs.body => {
                    pushed.equal.insert(id.clone());
                }
                Some(ours) if ours.serial >= theirs.serial => {
                    older.push(format!("{id} (serial {}, the state has {})", theirs.serial, ours.serial));
                }
                _ => {
                    pushed.written.insert(id.clone());
                }
            }
        }
        if !older.is_empty() {
            let message = format!(
                "the copy is older than the state: {}; nothing was written. `deployer state restore` puts an older content back on purpose",
                older.join(", ")
            );
            return Err(Error::Missing(message).into());
        }
        if !pushed.written.is_empty() {
            let shards: BTreeMap<ComponentId, Shard> = copy
                .shards
                .into_iter()
                .filter(|(id, _)| pushed.written.contains(id))
                .map(|(id, it)| (id, it.body))
                .collect();
            pushed.deployment = Some(self.replace(&shards, wish, copy.lineage.as_deref()).await?);
        }
        Ok(pushed)
    }

    /// Puts other contents of shards in the place of what they have. Numbers of generations only grow, and roles only come.
    pub async fn replace(
        &mut self,
        shards: &BTreeMap<ComponentId, Shard>,
        wish: &Wish,
        lineage: Option<&str>,
    ) -> Result<DeploymentId, Trouble> {
        let mut change = |_: DeploymentId, now: &mut BTreeMap<ComponentId, Shard>| {
            for (id, shard) in shards {
                let before = std::mem::replace(now.entry(id.clone()).or_default(), shard.clone());
                let Some(after) = now.get_mut(id) else { continue };
                for (role, was) in before.resources {
                    let generation = was.generation;
                    // What was not there then stays: forgetting it would leave it in AWS with nobody to delete it.
                    let is = after.resources.entry(role).or_insert(was);
                    is.generation = is.generation.max(generation);
                }
            }
            Ok(())
        };
        self.edit(&shards.keys().cloned().collect(), wish, lineage, &mut change).await
    }

    /// Everything that a component's shard has and had, the newest first.
    pub async fn contents(&self, id: &ComponentId) -> Result<Vec<Content>> {
        let mut found = Vec::new();
        for past in self.book.pasts(id).await? {
            let record = self.book.past(&past).await;
            found.push(Content { past, record });
        }
        Ok(found)
    }

    /// Every record that cannot be used, each with its newest good content.
    pub async fn verify(&self) -> Result<(usize, Vec<Fault>)> {
        let records = self.book.records().await?;
        let root =
            records.get(&self.book.root_key()).and_then(|bytes| Record::<Value>::decode("root", bytes, None).ok());
        let lineage = root.map(|it| it.lineage);
        let mut faults = Vec::new();
        for (key, bytes) in &records {
            let Err(error) = Record::<Value>::decode(key, bytes, lineage.as_deref()) else { continue };
            let mut good = None;
            for past in self.book.versions(key).await?.into_iter().filter(|it| it.key == *key && !it.current) {
                if self.book.past::<Value>(&past).await.is_ok() {
                    good = Some(past);
                    break;
                }
            }
            let component = self.book.component(key);
            faults.push(Fault { key: key.clone(), component, why: Error::from(error).chain(), good });
        }
        for (deployment, missing) in gaps(records.keys().filter_map(|key| self.book.journal_place(key))) {
            let key = self.book.journal_key(deployment, missing);
            let why = "it is missing: what was meant there is not known any more".to_owned();
            faults.push(Fault { key, component: None, why, good: None });
        }
        Ok((records.len(), faults))
    }
}

/// Places of journals that are free although later ones are taken.
fn gaps(places: impl Iterator<Item = (DeploymentId, u64)>) -> Vec<(DeploymentId, u64)> {
    let mut journals: BTreeMap<DeploymentId, BTreeSet<u64>> = BTreeMap::new();
    for (deployment, seq) in places {
        journals.entry(deployment).or_default().insert(seq);
    }
    let missing = |(deployment, taken): (DeploymentId, BTreeSet<u64>)| {
        let last = taken.last().copied().unwrap_or_default();
        (1..last).filter(move |seq| !taken.contains(seq)).map(move |seq| (deployment, seq)).collect::<Vec<_>>()
    };
    journals.into_iter().flat_map(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_free_place_before_a_taken_one() {
        assert_eq!(gaps([(1, 1), (1, 2), (2, 1), (2, 4)].into_iter()), [(2, 2), (2, 3)]);
        assert_eq!(gaps([].into_iter()), []);
    }
}
