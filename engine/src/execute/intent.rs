//! What a step means, once its references have values: the entry that is durable before its call.

use serde_json::Value;

use super::Run;
use crate::{
    address::Address,
    error::{Error, Result},
    expr::{self, Reference},
    journal::{Intent, Verb},
    plan::{Action, Step},
    resource::PhysicalId,
    state,
};

impl Run<'_> {
    /// The intent of a step whose needs are met: its references have values now.
    pub(super) fn intent(&self, step: &Step) -> Result<Intent> {
        let desired = match step.desired() {
            Some(desired) => Some(self.resolve(step, desired)?),
            None => None,
        };
        let (verb, id, replaces) = match &step.action {
            Action::Create { replaces, .. } => (Verb::Create, None, *replaces),
            Action::Update { id, .. } => (Verb::Update, Some(id.clone()), None),
            // What took its place got the very id that it had: it is gone, and deleting it would take the new one.
            Action::Delete { id, .. } if self.is_anothers(step, id) => (Verb::Forget, None, None),
            Action::Delete { id, .. } => (Verb::Delete, Some(id.clone()), None),
            Action::Retain => (Verb::Retain, None, None),
            Action::Forget => (Verb::Forget, None, None),
        };
        let fence = self.shards.get(&step.address().component).map_or(0, |held| held.record.fence);
        let input = |reference: &Reference| {
            let hash = state::hash_of(&self.output(reference)?);
            Some(state::Input { address: reference.address.clone(), output: reference.output.clone(), hash })
        };
        Ok(Intent {
            step: self.world.first_step + step.id,
            deployment: self.world.lease.deployment(),
            who: step.who.clone(),
            kind: step.kind.clone(),
            schema_version: self.world.types.get(&step.kind).map_or(1, |it| it.facts().schema_version),
            verb,
            id,
            name: step.name.clone(),
            desired,
            pre_image: step.pre_image.clone(),
            replaces,
            lifecycle: step.lifecycle,
            needs: step.needs.iter().cloned().collect(),
            inputs: step.inputs.iter().filter_map(input).collect(),
            instead: step.instead.clone(),
            fence,
        })
    }

    /// True if the current generation is another one, under the id of the one that is to be deleted.
    fn is_anothers(&self, step: &Step, id: &PhysicalId) -> bool {
        let Address { component, role } = step.address();
        let state = self.shards.get(component).and_then(|held| held.record.body.resources.get(role));
        state.is_some_and(|it| it.is_anothers(step.who.generation, id))
    }

    fn resolve(&self, step: &Step, desired: &Value) -> Result<Value> {
        let resolved = expr::resolve(desired, &|reference| self.output(reference));
        match expr::references(&resolved).first() {
            None => Ok(resolved),
            Some(missing) => Err(Error::Missing(format!("{} needs {missing}, which is not known", step.address()))),
        }
    }

    fn output(&self, reference: &Reference) -> Option<Value> {
        let Address { component, role } = &reference.address;
        self.shards.get(component)?.record.body.output(role, &reference.output).cloned()
    }
}
