//! Changes of what is remembered, by a person: import, move, forget, restore, push.
//!
//! They are deployments like any other - numbered, locked, recorded - that make no call. All new shards are durable in the
//! journal before the first is written, so a change of two of them is done or not done, whenever the process is killed.

use std::collections::{BTreeMap, BTreeSet};

use futures::future;

use super::{Session, Trouble, Wish, deploy::hold_on};
use crate::{
    address::ComponentId,
    error::Result,
    history::Ending,
    journal::{Entry, Journal},
    lock::{Holder, holder_id},
    state::{DeploymentId, Shard},
};

/// Changes shards, all at once; what it leaves as it was is not written.
pub type Change<'a> = &'a mut (dyn FnMut(DeploymentId, &mut BTreeMap<ComponentId, Shard>) -> Result<()> + Send);

impl Session {
    /// Changes the shards of `components` under their locks. `lineage` is for a state that is made now.
    pub async fn edit(
        &mut self,
        components: &BTreeSet<ComponentId>,
        wish: &Wish,
        lineage: Option<&str>,
        change: Change<'_>,
    ) -> Result<DeploymentId, Trouble> {
        self.recover_dead(true).await?;
        let known = self.book.root().await?.map(|root| root.record.lineage);
        let lineage = known.as_deref().or(lineage).unwrap_or(&self.world.new_lineage).to_owned();
        let opened = self.open(&lineage, wish, Default::default(), None).await?;
        let deployment = opened.lease.deployment();
        let holding = self.hold(&opened.lease, components, &opened.lineage);
        let held = hold_on(&opened.lease, holding).await;
        let work = async {
            held?;
            let read = components.iter().map(|id| self.book.shard(id, &opened.lineage));
            let held = future::try_join_all(read).await?;
            let before: BTreeMap<ComponentId, Shard> =
                components.iter().zip(&held).map(|(id, it)| (id.clone(), it.record.body.clone())).collect();
            let mut after = before.clone();
            change(deployment, &mut after)?;
            after.retain(|id, shard| before.get(id) != Some(shard));
            // What a person says it is, it is: nobody goes back behind that.
            after.values_mut().for_each(|shard| shard.before = None);
            let entries =
                after.iter().map(|(id, shard)| Entry::Edit { component: id.clone(), shard: Box::new(shard.clone()) });
            let mut journal = Journal::open(&self.book, deployment, &opened.lineage);
            journal.append(entries.collect()).await?;
            for (id, it) in components.iter().zip(&held) {
                let Some(shard) = after.remove(id) else { continue };
                opened.lease.sure().await?;
                self.book.write_shard(id, it, it.record.fence, shard).await?;
            }
            Ok(journal.append(vec![Entry::Closed]).await?)
        };
        let result: Result<(), Trouble> = hold_on(&opened.lease, work).await;
        let ending = if result.is_ok() { Ending::Succeeded } else { Ending::Failed };
        self.close(opened, |record| record.result = ending).await?;
        result.map(|()| deployment)
    }

    /// Who holds what, and what is known of them.
    pub async fn holders(&mut self) -> Result<Vec<(Holder, crate::lock::Life)>> {
        let Some(root) = self.book.root().await? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (deployment, owner) in root.record.body.open {
            let id = holder_id(deployment);
            let held = self.book.holder::<Holder>(&id).await?;
            let life = self.watch.life(&id, held.as_ref(), Some(&owner));
            let gone = Holder { deployment, owner, purpose: "nothing yet".to_owned(), ..Holder::default() };
            found.push((held.map_or(gone, |it| it.record.body), life));
        }
        Ok(found)
    }

    /// Takes a deployment over although its owner may be alive: the owner starts no further step, and what it left open is
    /// settled. What of its journal cannot be read is passed over. The deployment's record says who did it.
    pub async fn force(&mut self, deployment: DeploymentId) -> Result<(), Trouble> {
        let Some(root) = self.book.root().await? else { return Ok(()) };
        let id = holder_id(deployment);
        loop {
            let held = self.book.holder::<Holder>(&id).await?;
            self.recover(deployment, held, &root.record.lineage, true).await?;
            // A sign of life that came in between makes a takeover void: once more.
            let open = self.book.root().await?.is_some_and(|root| root.record.body.open.contains_key(&deployment));
            if !open {
                return Ok(());
            }
        }
    }
}
