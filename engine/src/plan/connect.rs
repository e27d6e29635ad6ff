//! The order of the steps, and the waves in which they are shown.

use super::{Edge, StepId, planner::Planner};
use crate::{address::Address, expr::Reference, facts::Known};

impl Planner<'_> {
    /// The order of the steps, and the waves in which they are shown.
    pub(super) fn connect(&mut self) {
        for id in 0..self.plan.steps.len() {
            if self.plan.steps[id].desired().is_none() {
                continue;
            }
            let mut edges = Vec::new();
            for need in &self.plan.steps[id].needs {
                let Some(step) = self.forward.get(need).copied() else { continue };
                edges.push(Edge { step, created: self.answer_is_enough(id, need) });
            }
            self.plan.steps[id].after.extend(edges);
        }
        self.connect_removals();
        self.waves();
    }

    /// True if all that step `id` takes from `need` is known with its create call's answer.
    fn answer_is_enough(&self, id: StepId, need: &Address) -> bool {
        let step = &self.plan.steps[id];
        let Some(target) = self.input.desired.resources.get(need) else { return false };
        let by_order = self.input.desired.resources.get(step.address()).is_some_and(|it| it.after.contains(need));
        let by_barrier = self.input.desired.components.get(&step.address().component);
        let by_barrier = by_barrier.is_some_and(|it| it.depends_on.contains(&need.component));
        let early = |reference: &Reference| {
            let facts = self.input.types.get(&target.kind).map(|it| it.facts());
            facts.and_then(|it| it.output(&reference.output)).is_some_and(|output| output.known == Known::Created)
        };
        !by_order && !by_barrier && step.inputs.iter().filter(|it| it.address == *need).all(early)
    }

    /// Waves are how the plan is shown: the longest way from a start. Edges point backwards except those from deletes that
    /// free a slot, so a few rounds settle it.
    fn waves(&mut self) {
        let count = self.plan.steps.len();
        let mut waves = vec![1_usize; count];
        for _ in 0..count {
            let mut moved = false;
            for id in 0..count {
                let deepest = self.plan.steps[id].after.iter().map(|edge| waves[edge.step] + 1).max().unwrap_or(1);
                moved |= deepest > waves[id];
                waves[id] = waves[id].max(deepest);
            }
            if !moved {
                break;
            }
        }
        let deepest = self.plan.steps.iter().filter(|step| !step.last).map(|step| waves[step.id]).max().unwrap_or(0);
        for step in &mut self.plan.steps {
            step.wave = waves[step.id] + if step.last { deepest } else { 0 };
        }
    }
}
