//! The `FACTS` of a type, as far as its schema tells them.
//!
//! How a thing is found follows from its shape: by its name, by our token among its tags, or by where it is.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::Schema;

/// How it is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has a name.
    Name,
    /// It has tags.
    Tag,
    /// It has neither.
    Content,
}

/// How things of this type are found.
pub fn found(schema: &Schema) -> Found {
    match (schema.name_property(), schema.tags()) {
        (_, None) => Found::Content,
        (Some(_), Some(_)) => Found::Name,
        (None, Some(_)) => Found::Tag,
    }
}

/// The natures of fields: pointer and what stands in the file.
fn natures(schema: &Schema) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |path: &str, nature: &str| all.push((path.to_owned(), nature.to_owned()));
    schema.stated("createOnlyProperties").iter().for_each(|path| add(path, "CreateOnly"));
    schema.stated("writeOnlyProperties").iter().for_each(|path| add(path, "WriteOnly"));
    for (property, at) in schema.properties() {
        let path = format!("/{property}");
        let (at, _) = schema.follow(at);
        if schema.tags() == Some(property) {
            add(&path, "ByKey(\"Key\")");
        } else if at["type"] == "array" && at["insertionOrder"] == false {
            add(&path, "Unordered");
        }
        match &at["default"] {
            Value::Null => {}
            // A long text tells what AWS writes, not what is there.
            Value::Object(_) => {}
            Value::String(text) if text.len() > 60 => {}
            default => add(&path, &format!("ServerDefault({:?})", default.to_string())),
        }
    }
    // By property, in the schema's order of natures within one.
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// The names that the file imports of the engine's `facts`.
pub fn imports(schema: &Schema) -> Vec<String> {
    let used: BTreeSet<String> = natures(schema)
        .into_iter()
        .map(|(_, nature)| nature.split('(').next().unwrap_or_default().to_owned())
        .collect();
    let mut all = vec!["Facts".to_owned()];
    all.extend((found(schema) == Found::Tag).then(|| "FoundBy".to_owned()));
    all.extend(schema.name_property().is_some().then(|| "NameRule".to_owned()));
    let used: Vec<String> = used.into_iter().collect();
    match used.as_slice() {
        [] => {}
        [only] => all.push(format!("Nature::{only}")),
        several => all.push(format!("Nature::{{{}}}", several.join(", "))),
    }
    all.extend((!schema.outputs().is_empty()).then(|| "Output".to_owned()));
    all.push("Rate".to_owned());
    all
}

/// The lines of `FACTS` between its braces.
pub fn lines(schema: &Schema) -> Vec<String> {
    let mut lines = Vec::new();
    let natures = natures(schema);
    match natures.as_slice() {
        [] => {}
        [(path, nature)] => lines.push(format!("fields: &[({path:?}, {nature})],")),
        several => {
            let one =
                several.iter().map(|(path, nature)| format!("({path:?}, {nature})")).collect::<Vec<_>>().join(", ");
            // As rustfmt has it: a short list stays on its line.
            if one.len() <= SHORT {
                lines.push(format!("fields: &[{one}],"));
            } else {
                lines.push("fields: &[".to_owned());
                lines.extend(several.iter().map(|(path, nature)| format!("    ({path:?}, {nature}),")));
                lines.push("],".to_owned());
            }
        }
    }
    lines.extend(outputs(schema));
    if let Some(name) = schema.name_property() {
        let at = schema.root()["properties"].get(name).map(|it| schema.follow(it).0);
        let rule = format!("NameRule::regional(\"/{name}\")");
        lines.push(match at.and_then(|it| it["maxLength"].as_u64()) {
            Some(most) if most != 255 => format!("name: Some(NameRule {{ max: {most}, ..{rule} }}),"),
            _ => format!("name: Some({rule}),"),
        });
    }
    if let (None, Some(place)) = (schema.name_property(), schema.place()) {
        lines.extend(slots(&place));
    }
    lines.extend((found(schema) == Found::Tag).then(|| "found: FoundBy::Tag,".to_owned()));
    lines.extend(schema.tags().filter(|it| *it != "Tags").map(|it| format!("tags: Some(\"/{it}\"),")));
    lines.push(format!("rate: Rate {{ class: \"{}\", in_flight: 4 }},", schema.service()));
    lines.push(if found(schema) == Found::Content { "..Facts::PART" } else { "..Facts::NAMED" }.to_owned());
    lines
}

/// What fits on a line beside the rest of it.
const SHORT: usize = 120 - 12 - "fields: &[],".len();

fn outputs(schema: &Schema) -> Vec<String> {
    let all: Vec<String> = schema
        .outputs()
        .into_iter()
        .map(|(name, known_by)| format!("Output::{}({name:?})", if known_by { "created" } else { "ready" }))
        .collect();
    let one = format!("outputs: &[{}],", all.join(", "));
    match all.len() {
        0 => Vec::new(),
        _ if one.len() <= 108 => vec![one],
        _ => {
            let mut lines = vec!["outputs: &[".to_owned()];
            lines.extend(all.into_iter().map(|it| format!("    {it},")));
            lines.push("],".to_owned());
            lines
        }
    }
}

fn slots(place: &[String]) -> Vec<String> {
    let pattern = vec!["{}"; place.len()].join("|");
    let values = place.iter().map(|it| format!("spec[{it:?}]")).collect::<Vec<_>>().join(", ");
    let one = format!("slots: |spec| vec![format!(\"{pattern}\", {values})],");
    if one.len() <= 108 {
        return vec![one];
    }
    vec![
        "slots: |spec| {".to_owned(),
        format!("    let parts = {place:?}.map(|it| spec[it].to_string());"),
        "    vec![parts.join(\"|\")]".to_owned(),
        "},".to_owned(),
    ]
}
