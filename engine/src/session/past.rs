//! What was done before, by the records of the deployments. One that cannot be read hides no other.

use futures::future;

use super::Session;
use crate::{
    error::{Error, Result},
    execute::Report,
    history::{Deployment, StepRecord},
    plan::Plan,
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

/// What a run did, as its record keeps it.
pub(super) fn step_records(plan: &Plan, report: &Report) -> Vec<StepRecord> {
    let record = |id: usize, result: &str, millis, why| {
        let step = &plan.steps[id];
        let verb = step.verb().to_owned();
        StepRecord { address: step.address().clone(), verb, result: result.to_owned(), millis, why }
    };
    let done = report.done.iter().map(|(id, millis)| record(*id, "done", Some(*millis), None));
    let failed = report.failed.iter().map(|(id, why)| record(*id, "failed", None, Some(why.clone())));
    let skipped = report.skipped.iter().map(|(id, why)| record(*id, "skipped", None, Some(why.clone())));
    done.chain(failed).chain(skipped).collect()
}
