//! Records that cannot be used: found, and written over with what they were.
//!
//! A broken root would hide everything, so it can be made again from the records of the deployments. What a broken entry of a journal
//! meant is lost; passing over it is a takeover's matter, if a person wishes it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Session, Trouble, Wish, deploy::hold_on};
use crate::{
    address::ComponentId,
    error::{Error, Result},
    history::{Deployment, Ending},
    record::Record,
    state::{DeploymentId, Root, Shard},
    store::Past,
};

/// A record that cannot be used.
pub struct Fault {
    /// Which.
    pub key: String,
    /// What is kept there.
    pub what: Which,
    /// Why.
    pub why: String,
    /// Its newest content that can be used.
    pub good: Option<Past>,
}

/// What a record keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// A component's shard.
    Shard(ComponentId),
    /// The root.
    Root,
    /// A deployment's record.
    Deployment(DeploymentId),
    /// An entry of a deployment's journal.
    Journal {
        /// Whose.
        deployment: DeploymentId,
        /// The deployment is open, so its journal will be read; or that is not known.
        open: bool,
    },
    /// Nothing that a run would read.
    Other,
}

impl Session {
    /// Every record that cannot be used, each with its newest good content.
    pub async fn verify(&self) -> Result<(usize, Vec<Fault>)> {
        let records = self.book.records().await?;
        let root =
            records.get(&self.book.root_key()).and_then(|bytes| Record::<Root>::decode("root", bytes, None).ok());
        let lineage = root.as_ref().map(|it| it.lineage.as_str());
        let root = root.as_ref().map(|it| &it.body);
        let mut faults = Vec::new();
        for (key, bytes) in &records {
            let Err(error) = Record::<Value>::decode(key, bytes, lineage) else { continue };
            let (what, good) = (self.which(key, root), self.newest_good(key).await?);
            faults.push(Fault { key: key.clone(), what, why: Error::from(error).chain(), good });
        }
        for (deployment, missing) in gaps(records.keys().filter_map(|key| self.book.journal_place(key))) {
            let key = self.book.journal_key(deployment, missing);
            let why = "it is missing: what was meant there is not known any more".to_owned();
            faults.push(Fault { what: self.which(&key, root), key, why, good: None });
        }
        Ok((records.len(), faults))
    }

    /// What is kept at `key`; `root` as far as it is known.
    fn which(&self, key: &str, root: Option<&Root>) -> Which {
        let journal = |(deployment, _)| Which::Journal {
            deployment,
            open: root.is_none_or(|it| it.open.contains_key(&deployment)),
        };
        match self.book.component(key) {
            Some(id) => Which::Shard(id),
            None if key == self.book.root_key() => Which::Root,
            None => self
                .book
                .deployment_of(key)
                .map(Which::Deployment)
                .or_else(|| self.book.journal_place(key).map(journal))
                .unwrap_or(Which::Other),
        }
    }

    /// The newest earlier content of a record that can be used.
    async fn newest_good(&self, key: &str) -> Result<Option<Past>> {
        for past in self.book.versions(key).await?.into_iter().filter(|it| !it.current) {
            if self.book.past::<Value>(&past).await.is_ok() {
                return Ok(Some(past));
            }
        }
        Ok(None)
    }

    /// Writes shards over some that cannot be read, under their locks.
    pub async fn mend(&mut self, shards: &BTreeMap<ComponentId, Shard>, wish: &Wish) -> Result<DeploymentId, Trouble> {
        let lineage = self.book.root().await?.map(|root| root.record.lineage);
        let lineage = lineage.as_deref().unwrap_or(&self.world.new_lineage).to_owned();
        let opened = self.open(&lineage, wish, Default::default(), None).await?;
        let (deployment, lineage) = (opened.lease.deployment(), opened.lineage.clone());
        let wanted: BTreeSet<ComponentId> = shards.keys().cloned().collect();
        let holding = self.hold(&opened.lease, &wanted, &lineage);
        let held = hold_on(&opened.lease, holding).await;
        let work = async {
            held?;
            for (id, shard) in shards {
                opened.lease.sure().await?;
                self.book.mend_shard(id, &lineage, shard.clone()).await?;
            }
            Ok(())
        };
        let result: Result<(), Trouble> = hold_on(&opened.lease, work).await;
        let ending = if result.is_ok() { Ending::Succeeded } else { Ending::Failed };
        self.close(opened, |record| record.result = ending).await?;
        result.map(|()| deployment)
    }

    /// Writes a broken deployment's record over with what it was; or the root, as the deployments' records say it is by now, from what it
    /// was if that is known.
    pub async fn mend_record(&self, fault: &Fault) -> Result<()> {
        match (&fault.what, &fault.good) {
            (Which::Root, good) => self.mend_root(good.as_ref()).await,
            (Which::Deployment(_), Some(good)) => {
                let was = self.book.past::<Value>(good).await?;
                self.book.mend(&fault.key, &was.lineage, was.body).await
            }
            _ => Err(Error::Missing(format!("no earlier content of {} is known", fault.key))),
        }
    }

    async fn mend_root(&self, good: Option<&Past>) -> Result<()> {
        let (mut body, lineage) = match good {
            Some(good) => {
                let was = self.book.past::<Root>(good).await?;
                (was.body, was.lineage)
            }
            None => (Root::default(), self.lineage_of_shards().await?),
        };
        let newer = self.book.deployments().await?.into_iter().filter(|id| *id > body.last);
        let asked: BTreeSet<DeploymentId> = body.open.keys().copied().chain(newer).collect();
        for id in asked {
            body.last = body.last.max(id);
            let record = match self.book.deployment::<Deployment>(id).await {
                Ok(held) => held.map(|it| it.record.body).unwrap_or_default(),
                // Nobody knows how it ended: the next run looks.
                Err(Error::Record(_)) => Deployment::default(),
                Err(error) => return Err(error),
            };
            match record.result {
                Ending::Open => drop(body.open.insert(id, record.owner)),
                _ => body.close(id, record.proven()),
            }
        }
        self.book.mend(&self.book.root_key(), &lineage, body).await
    }

    async fn lineage_of_shards(&self) -> Result<String> {
        for id in self.book.components().await? {
            if let Ok(held) = self.book.any_shard(&id, None).await {
                return Ok(held.record.lineage);
            }
        }
        Err(Error::Missing("no record is left that tells which state this is".to_owned()))
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
