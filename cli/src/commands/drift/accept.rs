//! `drift accept`: what a field is becomes what it was set to, in the state; and the place in the files that says otherwise is shown.

use std::sync::Arc;

use deployer_engine::{
    address::Address,
    drift::{Field, Verdict},
    session::Wish,
};
use serde_json::json;

use super::{look, names::Name};
use crate::{
    args::{Global, PlanFlags},
    commands::plan,
    context::{Context, Reach},
    exit::{Code, Failure},
    render::{progress::Progress, value},
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(global: &Global, text: &str, auto_approve: bool, term: &Term) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::Online, term).await?;
    let quiet = Term { level: -1, ..*term };
    let mut session = context.session(Arc::new(Progress::new(quiet, false, context.stores.clock.clone())))?;
    let memory = session.look().await?;
    let name = Name::new(text);
    let Some((address, _)) = name.exact() else {
        let failure = Failure::said(Code::Usage, format!("`{text}` does not say whose field it is"));
        return Err(failure.help("write it as `deployer drift detect` does: Kind.name/Role/Property"));
    };
    let report = look(&context, &mut session, &[address.component.to_string()]).await?;
    let thing = report.things.iter().find(|it| it.address == *address);
    let fields: Vec<Field> = match thing.map(|it| (it, &it.verdict)) {
        Some((thing, Verdict::Drifted { fields })) => {
            fields.iter().filter(|field| name.means(thing, Some(field))).cloned().collect()
        }
        _ => Vec::new(),
    };
    if fields.is_empty() {
        return Err(name.unknown(&report));
    }
    let places = places(&context, address, &fields);
    if !global.json {
        for field in &fields {
            let said = |it: &Option<serde_json::Value>| it.as_ref().map_or_else(|| "nothing".to_owned(), value::show);
            term.line(format!(
                "{} {}: {} stays, instead of {}",
                address,
                value::path(&field.path),
                said(&field.is),
                said(&field.set)
            ));
        }
        if !auto_approve && !(term.asks && term.confirm("\nKeep it in the state like this?")) {
            return Err(Failure::said(Code::Refused, "not approved; nothing was changed"));
        }
    } else if !auto_approve {
        return Err(Failure::said(Code::Refused, "nobody can be asked here, and --auto-approve was not given"));
    }
    let flags = PlanFlags::default();
    let wish = Wish { purpose: format!("accept {text}"), ..plan::wish(&context, &memory, &flags, false)? };
    let deployment = session.accept(address, &fields, &wish).await.map_err(|trouble| context.failure(trouble))?;
    if global.json {
        let places: Vec<_> =
            places.iter().map(|(field, at, _)| json!({"field": field.path, "is": field.is, "at": at})).collect();
        term.line(format!("{:#}", json!({"address": address, "deployment": deployment, "accepted": places})));
        return Ok(Code::Done);
    }
    term.say(format!("\nThe state says so now (deployment {deployment}). The files still say otherwise:\n"));
    for (field, at, line) in &places {
        let is = field.is.as_ref().map_or_else(|| "nothing".to_owned(), value::show);
        match at {
            Some(at) => term.say(format!("  {}\n      {}", term.paint(Tone::Strong, at), line.trim())),
            None => term.say(format!(
                "  {address} has {} from a built-in default, or not from the files",
                value::path(&field.path)
            )),
        }
        term.say(format!("      make it say what {} is: {is}\n", value::path(&field.path)));
    }
    term.say("Until then `deployer plan` shows it as a change, and `deployer apply` sets it back.");
    Ok(Code::Done)
}

/// Where in the files each field's value comes from, and the line there.
fn places<'a>(context: &Context, address: &Address, fields: &'a [Field]) -> Vec<(&'a Field, Option<String>, String)> {
    let origins = context.loaded.desired.resources.get(address).map(|it| &it.origins);
    let nearest = |path: &str| {
        let mut at = path.to_owned();
        loop {
            if let Some(found) = origins?.get(&at) {
                return Some(found);
            }
            at.truncate(at.rfind('/')?);
        }
    };
    let one = |field: &'a Field| {
        let found = nearest(&field.path);
        let line = found.and_then(|at| {
            let text = context.loaded.sources.text(&at.file)?;
            text.lines().nth(usize::try_from(at.line).ok()?.checked_sub(1)?)
        });
        (field, found.map(ToString::to_string), line.unwrap_or_default().to_owned())
    };
    fields.iter().map(one).collect()
}
