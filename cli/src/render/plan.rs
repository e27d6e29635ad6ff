//! How a plan reads: by service and component, every change with its reason, field by field.

use std::collections::{BTreeMap, BTreeSet};

use deployer_engine::{
    address::{Address, ComponentId},
    desired::Scope,
    diff::{FieldChange, How},
    expr,
    plan::{Action, Counts, Plan, Step},
};
use serde_json::{Value, json};

use super::value;
use crate::term::{Term, Tone, cut};

/// Prints it for people.
pub fn print(plan: &Plan, term: &Term) {
    term.line(header(plan, term));
    let mut by_service: BTreeMap<Option<&String>, Vec<&ComponentId>> = BTreeMap::new();
    for (id, component) in &plan.components {
        if plan.steps.iter().any(|step| step.address().component == *id) {
            by_service.entry(component.service.as_ref()).or_default().push(id);
        }
    }
    for (service, components) in by_service {
        term.line("");
        if let Some(service) = service {
            term.line(term.paint(Tone::Strong, service));
        }
        for id in components {
            print_component(plan, id, term);
        }
    }
    print_notes(plan, term);
    for refusal in &plan.refusals {
        term.line(format!("\n{} {}", term.paint(Tone::Bad, "Refused"), refusal.message));
        refusal.help.iter().for_each(|help| term.line(format!("        {help}")));
    }
}

/// What is to be known beside the steps.
pub fn print_notes(plan: &Plan, term: &Term) {
    for note in &plan.notes {
        term.line(format!("\n{}    {}", term.paint(Tone::Bad, "Note"), note.message));
    }
}

fn header(plan: &Plan, term: &Term) -> String {
    let from =
        if plan.from == 0 { "nothing deployed yet".to_owned() } else { format!("from deployment {}", plan.from) };
    let line = format!("{}  {from}", place(&plan.scope));
    format!("{}    {}", term.paint(Tone::Strong, line), counts(&plan.counts()))
}

/// `shop / prod  eu-west-1  account 222222222222`.
pub fn place(scope: &Scope) -> String {
    let account = if scope.account.is_empty() { String::new() } else { format!("  account {}", scope.account) };
    format!("{} / {}  {}{account}", scope.stack, scope.env, scope.region)
}

/// `3 to create, 2 to change`.
pub fn counts(counts: &Counts) -> String {
    let words = [
        (counts.create, "to create"),
        (counts.change, "to change"),
        (counts.replace, "to replace"),
        (counts.delete, "to delete"),
        (counts.retain, "to leave in AWS"),
    ];
    let some: Vec<String> =
        words.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if some.is_empty() { "nothing to do".to_owned() } else { some.join(", ") }
}

fn print_component(plan: &Plan, id: &ComponentId, term: &Term) {
    let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.address().component == *id).collect();
    let replaced = replaced(&steps);
    let signs: BTreeSet<&str> = steps.iter().filter(|step| !is_half(step, &replaced)).map(|step| sign(step)).collect();
    let sign = match signs.len() {
        1 => signs.first().copied().unwrap_or("~"),
        _ if signs.contains("+/-") => "+/-",
        _ => "~",
    };
    let data = steps.iter().any(|step| step.stateful && matches!(step.action, Action::Delete { .. }));
    let wave = plan.components.get(id).map_or(0, |it| it.wave);
    let left = format!("  {sign:<3} {id}");
    let right = format!("{}wave {wave}", if data { "! data       " } else { "" });
    let gap = term.width.saturating_sub(left.chars().count() + right.chars().count()).max(2);
    term.line(format!("{}{}{}", term.paint(tone(sign), left), " ".repeat(gap), term.paint(Tone::Faint, right)));
    for step in steps.iter().filter(|step| !is_half(step, &replaced)) {
        print_step(step, term);
    }
}

/// The generations whose delete belongs to a replacement: shown with the create.
fn replaced<'a>(steps: &[&'a Step]) -> BTreeSet<(&'a Address, u32)> {
    let of = |step: &&'a Step| match &step.action {
        Action::Create { replaces: Some(old), .. } => Some((step.address(), *old)),
        _ => None,
    };
    steps.iter().filter_map(of).collect()
}

fn is_half(step: &Step, replaced: &BTreeSet<(&Address, u32)>) -> bool {
    !matches!(step.action, Action::Create { .. } | Action::Update { .. })
        && replaced.contains(&(step.address(), step.who.generation))
}

fn sign(step: &Step) -> &'static str {
    match &step.action {
        Action::Create { replaces: None, .. } => "+",
        Action::Create { .. } => "+/-",
        Action::Update { .. } => "~",
        Action::Delete { .. } => "-",
        Action::Retain | Action::Forget => ".",
    }
}

fn tone(sign: &str) -> Tone {
    match sign {
        "+" => Tone::Good,
        "~" => Tone::Change,
        "." => Tone::Faint,
        _ => Tone::Bad,
    }
}

fn print_step(step: &Step, term: &Term) {
    let what = match &step.action {
        Action::Create { replaces: None, .. } => "new".to_owned(),
        Action::Create { delete_first: true, .. } => {
            "replaced: the old one goes first, because both cannot stand together".to_owned()
        }
        Action::Create { .. } => "replaced: the new one first, the old one is deleted last".to_owned(),
        Action::Update { .. } => "in place".to_owned(),
        Action::Delete { how, .. } if how.empty => "emptied, then deleted".to_owned(),
        Action::Delete { .. } => "deleted".to_owned(),
        Action::Retain => "left in AWS, kept in state".to_owned(),
        Action::Forget => "gone already, taken out of state".to_owned(),
    };
    let sign = sign(step);
    let name = step.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
    let head = format!("      {sign:<3} {:<16} {what}{}", step.address().role, term.paint(Tone::Faint, name));
    term.line(term.paint(tone(sign), head));
    for reason in &step.reasons {
        term.line(format!("            because {reason}"));
    }
    if let Action::Create { desired, replaces: None, .. } = &step.action {
        print_new(desired, term);
    }
    for change in &step.changes {
        print_change(change, term);
    }
}

/// What a new thing will be; our own tags are the same everywhere and only counted.
fn print_new(desired: &Value, term: &Term) {
    let fields = desired.as_object().into_iter().flatten().filter(|(key, _)| *key != "Tags");
    for (key, field) in fields {
        long_line(&format!("{key}: {}", value::show(field)), term);
    }
    let tags = desired.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let (ours, theirs): (Vec<&Value>, Vec<&Value>) = tags.partition(|tag| is_ours(tag));
    if !ours.is_empty() {
        let list: Vec<String> =
            theirs.iter().map(|tag| format!("{}={}", value::show(&tag["Key"]), value::show(&tag["Value"]))).collect();
        let list = if list.is_empty() { String::new() } else { format!("{}, ", list.join(", ")) };
        long_line(&format!("Tags: {list}and {} of deployer's own", ours.len()), term);
    }
}

fn is_ours(tag: &Value) -> bool {
    tag["Key"].as_str().is_some_and(|key| key.starts_with("deployer:"))
}

fn print_change(change: &FieldChange, term: &Term) {
    let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), value::show);
    let create_only = if change.how == How::Replace { " (create-only)" } else { "" };
    let line = match change.how {
        How::Keep => format!("{}: stays {}; AWS cannot take it away", value::path(&change.path), side(&change.before)),
        _ => format!("{}: {} -> {}{create_only}", value::path(&change.path), side(&change.before), side(&change.after)),
    };
    long_line(&line, term);
}

/// One line, cut at the terminal's edge unless more was asked for.
fn long_line(text: &str, term: &Term) {
    let line = format!("            {text}");
    term.line(if term.level > 0 { line } else { cut(&line, term.width) });
}

/// The plan as data: Terraform's shape beside our own.
pub fn json(plan: &Plan) -> Value {
    let change = |step: &Step| {
        let before = step.pre_image.clone().or_else(|| match &step.action {
            Action::Update { applied, .. } | Action::Delete { applied, .. } => Some(applied.clone()),
            _ => None,
        });
        let (after, unknown) = step.desired().map_or((Value::Null, Value::Null), split);
        json!({
            "address": step.address(),
            "type": step.kind,
            "name": step.name,
            "reasons": step.reasons,
            "changes": step.changes,
            "wave": step.wave,
            "change": {"actions": step.verbs(), "before": before, "after": after, "after_unknown": unknown},
        })
    };
    let replaced = replaced(&plan.steps.iter().collect::<Vec<_>>());
    json!({
        "format_version": "1.0",
        "scope": plan.scope,
        "from_deployment": plan.from,
        "counts": plan.counts(),
        "unchanged": plan.unchanged,
        "components": plan.components,
        "resource_changes": plan.steps.iter().filter(|step| !is_half(step, &replaced)).map(change).collect::<Vec<_>>(),
        "notes": plan.notes,
        "refusals": plan.refusals,
    })
}

/// A value without what is not known yet, and a tree of `true` where that is.
fn split(value: &Value) -> (Value, Value) {
    match value {
        _ if expr::hole(value).is_some() => (Value::Null, json!(true)),
        Value::Object(map) => {
            let parts: Vec<(&String, (Value, Value))> = map.iter().map(|(key, item)| (key, split(item))).collect();
            let known = parts
                .iter()
                .filter(|(_, (_, unknown))| *unknown != json!(true))
                .map(|(key, (known, _))| ((*key).clone(), known.clone()));
            let unknown = parts
                .iter()
                .filter(|(_, (_, unknown))| !is_known(unknown))
                .map(|(key, (_, unknown))| ((*key).clone(), unknown.clone()));
            (Value::Object(known.collect()), Value::Object(unknown.collect()))
        }
        Value::Array(items) => {
            let (known, unknown): (Vec<Value>, Vec<Value>) = items.iter().map(split).unzip();
            let all_known = unknown.iter().all(is_known);
            (known.into(), if all_known { json!({}) } else { unknown.into() })
        }
        plain => (plain.clone(), json!({})),
    }
}

fn is_known(unknown: &Value) -> bool {
    unknown.as_object().is_some_and(serde_json::Map::is_empty)
}
