//! Who may start: the ready queue.
//!
//! Longest remaining path first, within an overall limit and one per request-rate class. It holds no time and does nothing.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    address::ComponentId,
    plan::{Action, Plan, Step, StepId},
    resource::Registry,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Running,
    Finished,
    Failed,
}

/// Where every step is.
pub(super) struct Progress {
    phase: Vec<Phase>,
    /// How many steps each one still waits for.
    blocked: Vec<usize>,
    /// Who waits for it: and whether its create call's answer is enough.
    waiting: Vec<Vec<(StepId, bool)>>,
    answered: BTreeSet<StepId>,
    rank: Vec<u64>,
    /// What a step shares with others, and how many of them may run at once.
    shares: Vec<Vec<(String, usize)>>,
    ready: BTreeSet<(Reverse<u64>, StepId)>,
    busy: BTreeMap<String, usize>,
    running: BTreeMap<ComponentId, usize>,
    components: Vec<ComponentId>,
    in_flight: usize,
    parallelism: usize,
    /// Steps that must be done before there can be a verdict.
    before_last: usize,
    /// Steps that wait for a good verdict.
    last: BTreeSet<StepId>,
    /// The verdict was good.
    judged: bool,
}

impl Progress {
    pub(super) fn new(plan: &Plan, types: &Registry, parallelism: usize) -> Self {
        let count = plan.steps.len();
        let mut waiting = vec![Vec::new(); count];
        for step in &plan.steps {
            for edge in &step.after {
                waiting[edge.step].push((step.id, edge.created));
            }
        }
        let last: BTreeSet<StepId> = plan.steps.iter().filter(|step| step.last).map(|step| step.id).collect();
        let mut progress = Self {
            phase: vec![Phase::Waiting; count],
            blocked: plan.steps.iter().map(|step| step.after.len()).collect(),
            // One after another takes equally long in any order: that of their numbers is the same each time.
            rank: if parallelism > 1 { ranks(plan, &waiting) } else { vec![0; count] },
            waiting,
            answered: BTreeSet::new(),
            shares: plan.steps.iter().map(|step| shares(step, types)).collect(),
            ready: BTreeSet::new(),
            busy: BTreeMap::new(),
            running: BTreeMap::new(),
            components: plan.steps.iter().map(|step| step.address().component.clone()).collect(),
            in_flight: 0,
            parallelism: parallelism.max(1),
            before_last: count - last.len(),
            last,
            judged: false,
        };
        (0..count).for_each(|id| progress.offer(id));
        progress
    }

    fn offer(&mut self, id: StepId) {
        let held_back = self.last.contains(&id) && !self.judged;
        if self.phase[id] == Phase::Waiting && self.blocked[id] == 0 && !held_back {
            self.ready.insert((Reverse(self.rank[id]), id));
        }
    }

    /// The next step that may start, counted as running from now on.
    pub(super) fn next(&mut self) -> Option<StepId> {
        if self.in_flight >= self.parallelism {
            return None;
        }
        let free = |(_, id): &&(Reverse<u64>, StepId)| {
            self.shares[*id].iter().all(|(key, limit)| self.busy.get(key).copied().unwrap_or(0) < *limit)
        };
        let entry = *self.ready.iter().find(free)?;
        self.ready.remove(&entry);
        let id = entry.1;
        self.phase[id] = Phase::Running;
        self.in_flight += 1;
        for (key, _) in &self.shares[id] {
            *self.busy.entry(key.clone()).or_default() += 1;
        }
        *self.running.entry(self.components[id].clone()).or_default() += 1;
        Some(id)
    }

    fn leave(&mut self, id: StepId, to: Phase) {
        if self.phase[id] != Phase::Running {
            return;
        }
        self.phase[id] = to;
        self.in_flight -= 1;
        for (key, _) in &self.shares[id] {
            *self.busy.entry(key.clone()).or_insert(1) -= 1;
        }
        *self.running.entry(self.components[id].clone()).or_insert(1) -= 1;
    }

    /// True while a step of the component is under way.
    pub(super) fn is_busy(&self, component: &ComponentId) -> bool {
        self.running.get(component).is_some_and(|count| *count > 0)
    }

    /// True if somebody waits for more than its create call's answer.
    pub(super) fn is_awaited(&self, id: StepId) -> bool {
        self.waiting[id].iter().any(|(_, created)| !created)
    }

    /// Its create call has answered.
    pub(super) fn created(&mut self, id: StepId) {
        if self.answered.insert(id) {
            self.release(id, true);
        }
    }

    fn release(&mut self, id: StepId, created: bool) {
        let freed: Vec<StepId> =
            self.waiting[id].iter().filter(|(_, early)| *early == created).map(|(next, _)| *next).collect();
        for next in freed {
            self.blocked[next] -= 1;
            self.offer(next);
        }
    }

    /// It is confirmed; its place is free, but others may have to wait until they can see it.
    pub(super) fn finished(&mut self, id: StepId) {
        self.leave(id, Phase::Finished);
    }

    /// It is confirmed, and can be seen.
    pub(super) fn done(&mut self, id: StepId) {
        self.leave(id, Phase::Finished);
        self.created(id);
        self.release(id, false);
        if !self.last.contains(&id) {
            self.before_last -= 1;
        }
    }

    /// True if everything is done that a verdict waits for.
    pub(super) fn is_to_be_judged(&self) -> bool {
        self.before_last == 0 && !self.judged
    }

    /// The verdict is good: the last steps may start.
    pub(super) fn judged(&mut self) {
        self.judged = true;
        self.last.clone().into_iter().for_each(|id| self.offer(id));
    }

    pub(super) fn failed(&mut self, id: StepId) {
        self.leave(id, Phase::Failed);
    }

    /// It was about to start and will not.
    pub(super) fn unready(&mut self, id: StepId) {
        self.leave(id, Phase::Waiting);
        self.ready.retain(|(_, ready)| *ready != id);
    }

    /// What never started, each with a failed step that it waited for, if there is one.
    pub(super) fn not_started(&self, plan: &Plan) -> Vec<(StepId, Option<StepId>)> {
        let any_failed = (0..self.phase.len()).find(|id| self.phase[*id] == Phase::Failed);
        let mut blocker: BTreeMap<StepId, StepId> = BTreeMap::new();
        let mut queue: Vec<StepId> = (0..self.phase.len()).filter(|id| self.phase[*id] == Phase::Failed).collect();
        while let Some(from) = queue.pop() {
            let cause = blocker.get(&from).copied().unwrap_or(from);
            for (next, _) in &self.waiting[from] {
                if self.phase[*next] == Phase::Waiting && !blocker.contains_key(next) {
                    blocker.insert(*next, cause);
                    queue.push(*next);
                }
            }
        }
        let because = |id: StepId| blocker.get(&id).copied().or(any_failed.filter(|_| plan.steps[id].last));
        (0..self.phase.len()).filter(|id| self.phase[*id] == Phase::Waiting).map(|id| (id, because(id))).collect()
    }
}

/// The request-rate class of a step, and the key of writes that are made one after another.
fn shares(step: &Step, types: &Registry) -> Vec<(String, usize)> {
    let Some(facts) = types.get(&step.kind).map(|it| it.facts()) else { return vec![("unknown".to_owned(), 1)] };
    let properties = match &step.action {
        Action::Delete { applied, .. } => Some(applied),
        _ => step.desired(),
    };
    let serial = facts.serial.zip(properties).and_then(|(key, properties)| key(properties));
    let class = (facts.rate.class.to_owned(), facts.rate.in_flight);
    std::iter::once(class).chain(serial.map(|key| (format!("serial {key}"), 1))).collect()
}

/// How long the longest way from each step to an end usually takes, in milliseconds.
fn ranks(plan: &Plan, waiting: &[Vec<(StepId, bool)>]) -> Vec<u64> {
    let mut missing: Vec<usize> = waiting.iter().map(Vec::len).collect();
    let mut before: Vec<Vec<StepId>> = vec![Vec::new(); waiting.len()];
    for (id, next) in waiting.iter().enumerate() {
        next.iter().for_each(|(later, _)| before[*later].push(id));
    }
    let mut rank: Vec<u64> = plan.steps.iter().map(|step| step.usual.max(1)).collect();
    let mut queue: Vec<StepId> = (0..waiting.len()).filter(|id| missing[*id] == 0).collect();
    while let Some(id) = queue.pop() {
        for first in &before[id] {
            rank[*first] = rank[*first].max(plan.steps[*first].usual.max(1).saturating_add(rank[id]));
            missing[*first] -= 1;
            if missing[*first] == 0 {
                queue.push(*first);
            }
        }
    }
    rank
}
