//! Whose is it? What stands where a create would put its thing, judged by tags or content.

use serde_json::Value;

use crate::{
    diff,
    error::{Error, Result},
    facts::FoundBy,
    resource::{DynResource, Identity, Outputs, PhysicalId, Seen, Wanted},
};

/// What stands there.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// This very generation.
    Ours {
        /// Its id.
        id: PhysicalId,
        /// The outputs that it told.
        outputs: Outputs,
    },
    /// Something else.
    Foreign {
        /// Its id.
        id: PhysicalId,
        /// How we know.
        why: String,
    },
}

/// Asks the cloud what stands where the create of `who` with `desired` would put its thing.
pub async fn find(it: &dyn DynResource, who: &Identity, desired: &Value) -> Result<Found> {
    let Some(id) = it.find(who, desired).await? else { return Ok(Found::Nothing) };
    let mut wanted = Wanted::of([desired]);
    if let (Wanted::Only(names), Some(tags)) = (&mut wanted, it.facts().tags) {
        names.insert(tags.trim_start_matches('/').to_owned());
    }
    match it.read(&id, &wanted).await {
        Ok(Seen::Absent) => Ok(Found::Nothing),
        Ok(Seen::Ready { spec, outputs } | Seen::Stuck { spec, outputs, .. }) => {
            Ok(judge(it, who, desired, id, &spec, outputs))
        }
        Ok(Seen::Pending { spec: Some(spec), outputs, .. }) => Ok(judge(it, who, desired, id, &spec, outputs)),
        // What cannot be looked into was found by our token, or is in the way.
        Ok(Seen::Pending { outputs, .. }) if by_token(it) => Ok(Found::Ours { id, outputs }),
        Ok(Seen::Failed { .. }) if by_token(it) => Ok(Found::Ours { id, outputs: Outputs::new() }),
        Ok(other) => Ok(Found::Foreign { id, why: format!("its status is {}", other.status()) }),
        Err(error) => Err(error),
    }
}

fn by_token(it: &dyn DynResource) -> bool {
    matches!(it.facts().found, FoundBy::Token | FoundBy::Tag)
}

fn judge(
    it: &dyn DynResource,
    who: &Identity,
    desired: &Value,
    id: PhysicalId,
    spec: &Value,
    outputs: Outputs,
) -> Found {
    let why = match it.facts().tags {
        Some(at) => foreign_by_tags(spec.pointer(at), who),
        None if by_token(it) => None,
        None => foreign_by_content(it, desired, spec),
    };
    match why {
        None => Found::Ours { id, outputs },
        Some(why) => Found::Foreign { id, why },
    }
}

fn foreign_by_tags(tags: Option<&Value>, who: &Identity) -> Option<String> {
    let tag = |key: &str| {
        let all = tags.and_then(Value::as_array).into_iter().flatten();
        all.filter(|tag| tag["Key"] == key).find_map(|tag| tag["Value"].as_str())
    };
    match tag("deployer:token") {
        Some(token) if token == who.token => None,
        Some(_) => Some(format!(
            "its tags say that it is {} of the stack {} in {}",
            tag("deployer:address").unwrap_or("something else"),
            tag("deployer:stack").unwrap_or("?"),
            tag("deployer:env").unwrap_or("?")
        )),
        None => Some("it does not carry our tags".to_owned()),
    }
}

/// Untaggable things are ours if their content is what we would write.
fn foreign_by_content(it: &dyn DynResource, desired: &Value, spec: &Value) -> Option<String> {
    let differs = diff::diff(it.facts(), desired, &Value::Null, spec);
    let first = differs.first()?;
    Some(format!("its {} is not what we would write", first.path.trim_start_matches('/')))
}

/// The error for something in the way.
pub fn not_ours(who: &Identity, id: PhysicalId, why: String) -> Error {
    Error::NotOurs { address: who.address.clone(), id: id.0, why }
}
