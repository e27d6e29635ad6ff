//! The end of a run: what never started, what is still to be written, and what could not be.

use super::{Report, Run};
use crate::{error::Error, event::Event, lock::LockError};

impl Run<'_> {
    /// What never started, and why; what is still to be written.
    pub(super) async fn end(mut self) -> Report {
        self.report.interrupted = self.world.stop.is_wished();
        if self.world.lease.is_lost() {
            self.break_off(LockError::Lost.into());
        }
        for (id, blocker) in self.progress.not_started(self.plan) {
            if !self.world.wait && self.plan.steps[id].last && blocker.is_none() && !self.report.interrupted {
                self.report.later.push(id);
                continue;
            }
            let because = match blocker {
                Some(blocker) => format!("{} did not succeed", self.plan.steps[blocker].address()),
                None if self.report.interrupted => "the deployment was interrupted".to_owned(),
                None if self.report.verdict.is_some() => "what was deployed was not found good".to_owned(),
                None => "the deployment was broken off".to_owned(),
            };
            let step = &self.plan.steps[id];
            self.world.events.send(Event::StepSkipped {
                address: step.address().clone(),
                verb: step.verb().to_owned(),
                because: because.clone(),
            });
            self.report.skipped.push((id, because));
        }
        self.write_late().await;
        self.report
    }

    /// What could not be written while steps ran is tried once more now that none does; what still cannot is handed out. A lost
    /// lock is no such case: what we know is another's to find out.
    async fn write_late(&mut self) {
        let lost = self.world.lease.is_lost();
        if lost || !matches!(self.report.broken, Some(Error::Store(_))) {
            return;
        }
        for id in std::mem::take(&mut self.dirty) {
            let Some(held) = self.shards.get(&id) else { continue };
            let (fence, body) = (held.record.fence, held.record.body.clone());
            if self.world.book.write_shard(&id, held, fence, body.clone()).await.is_err() {
                self.report.unwritten.extend(self.world.book.unwritten(&id, &held.record, body));
            }
        }
    }
}
