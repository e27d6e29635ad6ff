//! What was done before, by the records of the deployments. One that cannot be read hides no other.

use futures::future;

use super::Session;
use crate::{
    error::{Error, Result},
    history::Deployment,
    record::RecordError,
    state::DeploymentId,
};

impl Session {
    /// One deployment's record, if there is such a one.
    pub async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>> {
        Ok(self.book.deployment::<Deployment>(id).await?.map(|held| held.record.body))
    }

    /// All deployments, newest first, at most `limit`; and why the record of one cannot be used.
    pub async fn history(&self, limit: usize) -> Result<(Vec<Deployment>, Vec<RecordError>)> {
        let Some(root) = self.book.root().await? else { return Ok(Default::default()) };
        let ids = (1..=root.record.body.last).rev().take(limit);
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for read in future::join_all(ids.map(|id| self.book.deployment::<Deployment>(id))).await {
            match read {
                Ok(held) => found.extend(held.map(|it| it.record.body)),
                Err(Error::Record(error)) => broken.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok((found, broken))
    }
}
