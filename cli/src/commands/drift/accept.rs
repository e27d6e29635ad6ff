//! `drift accept`: what a field is becomes what it was set to, in the state; and the place in the files that says otherwise is shown.

use std::sync::Arc;

use deployer_engine::{
    drift::{Field, Verdict},
    session::Wish,
};
use serde_json::json;

use super::{look, names::Name, place};
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
    let places: Vec<(&Field, Option<place::Found>)> =
        fields.iter().map(|field| (field, place::of(&context, address, field))).collect();
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
        let yes = auto_approve || term.asks && term.confirm("\nKeep it in the state like this?");
        if !yes {
            return Err(Failure::declined());
        }
    } else if !auto_approve {
        return Err(Failure::unasked());
    }
    let flags = PlanFlags::default();
    let wish = Wish { purpose: format!("accept {text}"), ..plan::wish(&context, &memory, &flags, false)? };
    let deployment = session.accept(address, &fields, &wish).await.map_err(|trouble| context.failure(trouble))?;
    if global.json {
        let at = |it: &Option<place::Found>| it.as_ref().map(|it| it.at.to_string());
        let accepted: Vec<_> =
            places.iter().map(|(field, it)| json!({"field": field.path, "is": field.is, "at": at(it)})).collect();
        term.line(format!("{:#}", json!({"address": address, "deployment": deployment, "accepted": accepted})));
        return Ok(Code::Done);
    }
    term.say(format!("\nThe state says so now (deployment {deployment}). The files still say otherwise:\n"));
    for (field, found) in &places {
        let is = field.is.as_ref().map_or_else(|| "nothing".to_owned(), value::show);
        let path = value::path(&field.path);
        match found {
            Some(it) => {
                term.say(format!("  {}\n      {}", term.paint(Tone::Strong, &it.at), it.line));
                let what = if it.exact { "make it say" } else { "somewhere in it: make it say" };
                term.say(format!("      {what} what {path} is: {is}\n"));
            }
            None => term.say(format!("  {} is not in the files: {path} is {is}\n", address.component)),
        }
    }
    term.say("Until then `deployer plan` shows it as a change, and `deployer apply` sets it back.");
    Ok(Code::Done)
}
