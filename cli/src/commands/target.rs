//! What a person means by a component: `Kind.name`, or the bare name where it is unique.

use std::collections::BTreeSet;

use deployer_engine::{address::ComponentId, session::Memory};

use crate::{
    args::PlanFlags,
    context::Context,
    exit::{Code, Failure},
};

/// The component that `text` means, among those of the files and of the state.
pub fn component(context: &Context, memory: &Memory, text: &str) -> Result<ComponentId, Failure> {
    let all: BTreeSet<&ComponentId> = context.loaded.desired.components.keys().chain(memory.shards.keys()).collect();
    let fits = |id: &&&ComponentId| id.to_string() == text || id.name == text;
    let found: Vec<&&ComponentId> = all.iter().filter(fits).collect();
    match found.as_slice() {
        [one] => Ok((**one).clone()),
        [] => {
            let near = all.iter().map(|id| id.to_string()).min_by_key(|id| strsim::levenshtein(id, text));
            let failure = Failure::said(Code::Usage, format!("there is no component `{text}`"));
            Err(near.map_or(failure, |near| {
                Failure::said(Code::Usage, format!("there is no component `{text}`"))
                    .help(format!("did you mean `{near}`?"))
            }))
        }
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Failure::said(Code::Usage, format!("`{text}` is several components: {}", names.join(", "))))
        }
    }
}

/// The components that the flags name; none: all of them.
pub fn targets(
    context: &Context,
    memory: &Memory,
    flags: &PlanFlags,
) -> Result<Option<BTreeSet<ComponentId>>, Failure> {
    if flags.targets.is_empty() && flags.services.is_empty() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for text in &flags.targets {
        found.insert(component(context, memory, text)?);
    }
    for service in &flags.services {
        let named = context.loaded.desired.components.iter().filter(|(_, it)| it.service.as_ref() == Some(service));
        let recorded = memory.shards.iter().filter(|(_, it)| it.record.body.service.as_ref() == Some(service));
        let of: BTreeSet<ComponentId> =
            named.map(|(id, _)| id.clone()).chain(recorded.map(|(id, _)| id.clone())).collect();
        if of.is_empty() {
            return Err(Failure::said(Code::Usage, format!("no component belongs to a service `{service}`")));
        }
        found.extend(of);
    }
    Ok(Some(found))
}
