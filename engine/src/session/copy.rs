//! Copies of a state: taken, checked, and put back.
//!
//! A copy is a store like any other (a folder, a file's records in memory), so it is read by the same code as the state
//! itself. What is put back is written as a new version over the one that is there: serials and fences only grow.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, TryStreamExt, stream};

use super::{Session, Trouble, Wish};
use crate::{
    address::ComponentId,
    book::AT_ONCE,
    error::{Error, Result},
    record::Record,
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
        self.is_of_this_state(&copy).await?;
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

    /// An error if a copy is of another state than the one that is here. Where none is yet, any copy may become it.
    pub async fn is_of_this_state(&self, copy: &Copied) -> Result<()> {
        let ours = self.book.root().await?.map(|root| root.record.lineage);
        match (ours, &copy.lineage) {
            (Some(ours), Some(theirs)) if ours != *theirs => Err(Error::Missing(format!(
                "the copy is of another state: its lineage is {theirs}, that of {} is {ours}; nothing was written",
                self.book.describe()
            ))),
            _ => Ok(()),
        }
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
        let pasts = self.book.pasts(id).await?;
        Ok(stream::iter(pasts).map(|past| self.content(past)).buffered(AT_ONCE).collect().await)
    }

    async fn content(&self, past: Past) -> Content {
        Content { record: self.book.past(&past).await, past }
    }

    /// What the shards of `components` were at a time; those that were not there then are left out.
    pub async fn contents_at(
        &self,
        components: &BTreeSet<ComponentId>,
        millis: u64,
    ) -> Result<Vec<(ComponentId, Content)>> {
        let then = |id: ComponentId| async move {
            let past = self.book.pasts(&id).await?.into_iter().find(|it| it.written_millis <= millis);
            let Some(past) = past else { return Ok(None) };
            Ok::<_, Error>(Some((id, self.content(past).await)))
        };
        let all = stream::iter(components.iter().cloned()).map(then).buffered(AT_ONCE);
        all.try_filter_map(async |it| Ok(it)).try_collect().await
    }
}
