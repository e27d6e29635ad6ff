//! `lifecycle.ignoreChanges`: properties that are set when a thing is made, and left alone ever after.
//!
//! A name that means nothing would leave nothing alone, silently: it is a problem of the file.

use std::collections::BTreeMap;

use deployer_engine::{address::Address, desired::DesiredResource, diff::escape};
use serde_json::Value;

use crate::{load::TypeCatalog, near::nearest};

/// Marks what `stated` names (`Role/Property`, deeper with dots); what is wrong with them, by position.
pub(crate) fn mark(
    stated: &[String],
    resources: &mut BTreeMap<Address, DesiredResource>,
    types: &dyn TypeCatalog,
) -> Vec<(usize, String, Option<String>)> {
    let mut wrong = Vec::new();
    for (index, text) in stated.iter().enumerate() {
        if let Err((message, help)) = one(text, resources, types) {
            wrong.push((index, message, help));
        }
    }
    wrong
}

type Wrong = (String, Option<String>);

fn one(text: &str, resources: &mut BTreeMap<Address, DesiredResource>, types: &dyn TypeCatalog) -> Result<(), Wrong> {
    let Some((role, path)) = text.split_once('/') else {
        return Err((
            format!("`{text}` is not `Role/Property`"),
            Some("write Service/DesiredCount, or Queue/Tags.team".to_owned()),
        ));
    };
    let roles: Vec<String> = resources.keys().map(|it| it.role.clone()).collect();
    let Some((_, resource)) = resources.iter_mut().find(|(address, _)| address.role == role) else {
        let help = match nearest(role, roles.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", roles.join(", ")),
        };
        return Err((format!("this component has no `{role}`"), Some(help)));
    };
    let segments: Vec<&str> = path.split(['.', '/']).collect();
    let schema = types.schema(&resource.kind).unwrap_or_default();
    let known: Vec<&str> =
        schema["properties"].as_object().into_iter().flat_map(serde_json::Map::keys).map(String::as_str).collect();
    let first = segments.first().copied().unwrap_or_default();
    if !known.is_empty() && !known.contains(&first) {
        let help = nearest(first, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        return Err((format!("{} has no property `{first}`", resource.kind), help));
    }
    if schema["required"].as_array().is_some_and(|all| all.contains(&Value::from(first)))
        && types.name(&resource.kind).is_some_and(|name| name == format!("/{first}"))
    {
        return Err((format!("`{first}` is its name: another one is another thing"), None));
    }
    resource.ignored.push(segments.iter().fold(String::new(), |at, segment| format!("{at}/{}", escape(segment))));
    Ok(())
}
