//! How a drift report reads: what is not as it was left, by component, with the command for each way on.

use std::collections::BTreeMap;

use deployer_engine::{
    address::ComponentId,
    drift::{Field, Orphan, Report, Tally, Thing, Verdict, Why},
};
use serde_json::{Value, json};

use super::{plan, value};
use crate::{
    duration,
    term::{Term, Tone, cut},
};

/// Prints it for people.
pub fn print(report: &Report, term: &Term) {
    let head = format!("{}  {}", plan::place(&report.scope), since(report));
    term.line(format!("{}    {}", term.paint(Tone::Strong, head), summary(&report.tally())));
    let mut by_component: BTreeMap<&ComponentId, Vec<&Thing>> = BTreeMap::new();
    for thing in report.things.iter().filter(|it| it.verdict != Verdict::InSync || said_of(it, term)) {
        by_component.entry(&thing.address.component).or_default().push(thing);
    }
    for (component, things) in by_component {
        term.line(format!("\n  {}", term.paint(Tone::Strong, component)));
        if things.iter().any(|it| it.moving) {
            term.line("      a deployment is at work on it: what differs may be its doing");
        }
        things.into_iter().for_each(|thing| print_thing(thing, term));
    }
    if !report.orphans.is_empty() {
        term.line(format!("\n  {}", term.paint(Tone::Strong, "Not in the state, but with the stack's tags")));
        report.orphans.iter().for_each(|orphan| print_orphan(orphan, term));
    }
    if !report.unmanaged.is_empty() {
        let head = "Put into what is ours by somebody else, and left alone";
        term.line(format!("\n  {}", term.paint(Tone::Strong, head)));
        report.unmanaged.iter().for_each(|it| term.line(format!("    +  {}  {}  in {}", it.id, it.what, it.address)));
    }
    for why in &report.unsearched {
        term.line(format!(
            "\n{}  what is not in the state could not be looked for everywhere: {why}",
            term.paint(Tone::Bad, "Note")
        ));
    }
    ways_on(report, term);
}

/// `as deployment 3 left it`.
fn since(report: &Report) -> String {
    match report.deployment {
        0 => "nothing is deployed".to_owned(),
        number => format!("as deployment {number} left it"),
    }
}

/// True of what is in sync and has still something to be said of it.
fn said_of(thing: &Thing, term: &Term) -> bool {
    thing.status.is_some() || thing.moving || term.level > 0 && !thing.apart.is_empty()
}

/// `2 drifted (3 fields), 51 in sync`.
pub fn summary(tally: &Tally) -> String {
    let fields = duration::count(tally.fields, "field");
    let words = [
        (tally.drifted, format!("drifted ({fields})")),
        (tally.missing, "gone".to_owned()),
        (tally.strangers, "not ours any more".to_owned()),
        (tally.failed, "failed".to_owned()),
        (tally.not_compared, "not compared".to_owned()),
        (tally.orphans, "not in the state".to_owned()),
        (tally.in_sync, "in sync".to_owned()),
        (tally.unmanaged, "put in by others".to_owned()),
    ];
    let some: Vec<String> =
        words.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if some.is_empty() { "nothing deployed".to_owned() } else { some.join(", ") }
}

fn print_thing(thing: &Thing, term: &Term) {
    let (sign, tone, what) = match &thing.verdict {
        Verdict::InSync => ("=", Tone::Faint, "in sync".to_owned()),
        Verdict::Drifted { .. } => ("~", Tone::Change, format!("not as deployment {} set it", thing.deployment)),
        Verdict::Missing => ("-", Tone::Bad, "gone: it was deleted outside of deployer".to_owned()),
        Verdict::Stranger { why } => ("!", Tone::Bad, format!("not ours any more: {why}")),
        Verdict::Failed { why } => ("!", Tone::Bad, format!("failed: {why}")),
        Verdict::NotCompared { why } => ("?", Tone::Bad, format!("not compared: {why}")),
    };
    let head = format!(
        "    {sign:<2} {:<16} {what}{}",
        thing.address.role,
        term.paint(Tone::Faint, format!("  {}", thing.id))
    );
    term.line(term.paint(tone, head));
    thing
        .status
        .iter()
        .for_each(|status| detail(&format!("it is {status}: compared as far as that can be told"), term));
    if let Verdict::Drifted { fields } = &thing.verdict {
        fields.iter().for_each(|field| print_field(field, term));
    }
    let apart = thing.apart.iter().filter(|it| term.level > 0 || it.why == Why::Ignored && it.is != it.set);
    for it in apart {
        let path = value::path(&it.path);
        detail(
            &match it.why {
                Why::OwnedElsewhere => format!("{path}: {} now; AWS moves it, which is no drift", side(it.is.as_ref())),
                Why::NotReadable => format!("{path}: not compared, since AWS never tells it"),
                Why::Ignored => {
                    format!("{path}: {} now; left alone, as lifecycle.ignoreChanges says", side(it.is.as_ref()))
                }
            },
            term,
        );
    }
    if let Verdict::Stranger { .. } = &thing.verdict {
        let (address, id) = (&thing.address, &thing.id);
        way(
            &format!("`deployer state rm {address}` and then `deployer state import {address} {id}` takes it over"),
            term,
        );
    }
}

fn print_field(field: &Field, term: &Term) {
    let inside = field.inside();
    // What is compared as a whole is long, and little of it differs.
    let lines = if inside.len() > 4 { vec![field.clone()] } else { inside };
    for it in lines {
        let note = if it.create_only { "  (create-only)" } else { "" };
        detail(
            &format!("{}: set to {}, is {}{note}", value::path(&it.path), side(it.set.as_ref()), side(it.is.as_ref())),
            term,
        );
    }
}

fn side(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), value::show)
}

fn detail(text: &str, term: &Term) {
    let line = format!("            {text}");
    term.line(if term.level > 0 { line } else { cut(&line, term.width) });
}

/// A way on: commands are there to be copied, and never cut.
fn way(text: &str, term: &Term) {
    term.line(format!("            {text}"));
}

fn print_orphan(orphan: &Orphan, term: &Term) {
    let kind = orphan.kind.as_deref().unwrap_or("of a type that this version does not know");
    term.line(term.paint(Tone::Bad, format!("    +  {}  {kind}", orphan.id)));
    if orphan.other_state {
        detail("another state of a stack of this name made it: look there before you take it", term);
    }
    match (&orphan.kind, orphan.address.is_empty()) {
        (Some(_), false) => {
            let (address, id) = (&orphan.address, &orphan.id);
            way(&format!("it says that it is {address}: `deployer state import {address} {id}` takes it over;"), term);
            detail("what is imported and not in the files is deleted by the next apply", term);
        }
        _ => detail("delete it with AWS's own tools, or take its deployer:* tags off", term),
    }
}

fn ways_on(report: &Report, term: &Term) {
    let tally = report.tally();
    if tally.drifted + tally.missing + tally.failed > 0 {
        term.say("\n`deployer drift remediate` sets it back to what was applied last.");
    }
    let first = report.things.iter().find_map(|thing| match &thing.verdict {
        Verdict::Drifted { fields } => fields.first().map(|field| name(thing, field)),
        _ => None,
    });
    if let Some(field) = first {
        term.say(format!("`deployer drift accept {field}` keeps what it is, and shows where the files say otherwise."));
    }
}

/// A field as `--only` and `accept` take it.
pub fn name(thing: &Thing, field: &Field) -> String {
    format!("{}{}", thing.address, field.path)
}

/// The report as data.
pub fn json(report: &Report) -> Value {
    let mut document = json!(report);
    document["tally"] = json!(report.tally());
    document["drift"] = json!(report.has_drift());
    document
}

/// The report as a page for a ticket or a pull request.
pub fn markdown(report: &Report) -> String {
    let mut lines = vec![
        format!("## Drift of {} / {}", report.scope.stack, report.scope.env),
        String::new(),
        format!("{}, {}, {}.", report.scope.region, summary(&report.tally()), since(report)),
        String::new(),
    ];
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let mut rows = Vec::new();
    for thing in &report.things {
        let moving = if thing.moving { " (a deployment is at work on it)" } else { "" };
        let one = |field: &str, set: &str, is: &str| {
            format!("| `{}`{moving} | {} | {} | {} |", thing.address, cell(field), cell(set), cell(is))
        };
        match &thing.verdict {
            Verdict::InSync => {}
            Verdict::Drifted { fields } => rows.extend(
                fields
                    .iter()
                    .flat_map(Field::inside)
                    .map(|it| one(&value::path(&it.path), &side(it.set.as_ref()), &side(it.is.as_ref()))),
            ),
            Verdict::Missing => rows.push(one("", "there", "gone")),
            Verdict::Stranger { why } => rows.push(one("", "ours", why)),
            Verdict::Failed { why } => rows.push(one("", "good", why)),
            Verdict::NotCompared { why } => rows.push(one("", "", &format!("not compared: {why}"))),
        }
    }
    if !rows.is_empty() {
        lines.extend(["| resource | field | set to | is |".to_owned(), "|---|---|---|---|".to_owned()]);
        lines.append(&mut rows);
    }
    if !report.orphans.is_empty() {
        lines.extend([String::new(), "Not in the state, but with the stack's tags:".to_owned(), String::new()]);
        lines.extend(
            report.orphans.iter().map(|it| format!("- `{}` ({})", it.id, it.kind.as_deref().unwrap_or("unknown type"))),
        );
    }
    if !report.unmanaged.is_empty() {
        lines.extend([
            String::new(),
            "Put into what is ours by somebody else, and left alone:".to_owned(),
            String::new(),
        ]);
        lines.extend(report.unmanaged.iter().map(|it| format!("- `{}` in `{}`: {}", it.id, it.address, it.what)));
    }
    lines.extend(report.unsearched.iter().map(|why| format!("\nNot looked for everywhere: {why}")));
    lines.join("\n")
}
