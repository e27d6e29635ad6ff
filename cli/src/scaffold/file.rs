//! The file of a resource type, in the order of all of them: module doc, `Spec`, the client-holding struct, `impl Resource`.
//!
//! Its calls answer with an error that says that they are not written. Nothing in it has to be there for it to compile.

use super::{
    facts::{self, Found},
    names::{comes_back, pascal},
    schema::Schema,
    shape::{Part, Shape, parts},
};

/// The longest line.
const WIDTH: usize = 120;

/// The file's text.
pub fn text(schema: &Schema) -> String {
    let (name, kind) = (pascal(schema.name()), schema.kind());
    let parts = parts(schema);
    let mut text = format!(
        "//! `{kind}`.\n//!\n//! Made from CloudFormation's schema. Here goes the one fact of this type that shapes what stands below.\n\n"
    );
    text += &imports(schema, &parts);
    for (at, part) in parts.iter().enumerate() {
        text +=
            &structure(part, if at == 0 { format!("The properties of `{kind}`.") } else { "A part of it.".to_owned() });
    }
    text += &format!(
        "/// `{kind}`.\npub struct {name} {{\n    aws: Aws,\n}}\n\n\
         impl {name} {{\n    /// Over these clients.\n    pub fn new(aws: &Aws) -> Self {{\n        \
         // The SDK's client of the service is made of it: `Client::new(aws.config())`.\n        \
         Self {{ aws: aws.clone() }}\n    }}\n}}\n\n"
    );
    text += &format!("impl Resource for {name} {{\n    const TYPE: &'static str = \"{kind}\";\n");
    text += &format!("    // Not in the schema, and yours to say: {}.\n", left(schema));
    text += &constant(&facts::lines(schema));
    text += &format!("    type Spec = {name}Spec;\n\n");
    text += &calls(schema, &name);
    text += &format!(
        "}}\n\n/// Whoever calls what is not written is told so.\nfn unwritten<T>(call: &str) -> Result<T> {{\n    \
         Err(Error::Missing(format!(\"{{}}: `{{call}}` is not written yet\", {name}::TYPE)))\n}}\n"
    );
    text
}

/// On as few lines as rustfmt gives it.
fn constant(lines: &[String]) -> String {
    let one = format!("Facts {{ {} }};", lines.join(" "));
    if one.len() + 8 <= WIDTH && lines.iter().all(|line| line != "],") {
        return format!("    const FACTS: Facts =\n        {one}\n");
    }
    let lines: String = lines.iter().map(|line| format!("        {line}\n")).collect();
    format!("    const FACTS: Facts = Facts {{\n{lines}    }};\n")
}

fn left(schema: &Schema) -> &'static str {
    match facts::found(schema) {
        Found::Tag => "`settle`, `stateful`, `usable_after`, `OnRemove` of fields, `slots`",
        _ => "`settle`, `stateful`, `usable_after`, `OnRemove` of fields",
    }
}

/// One `use`, broken as rustfmt breaks it.
fn import(path: &str, names: &[String]) -> String {
    let one = format!("use {path}::{{{}}};\n", names.join(", "));
    match names {
        [only] => format!("use {path}::{only};\n"),
        _ if one.len() <= WIDTH + 1 => one,
        _ => format!("use {path}::{{\n{}}};\n", names.iter().map(|it| format!("    {it},\n")).collect::<String>()),
    }
}

fn imports(schema: &Schema, parts: &[Part]) -> String {
    let shapes = || parts.iter().flat_map(|part| &part.fields).map(|field| &field.shape);
    let has = |wanted: &dyn Fn(&Shape) -> bool| shapes().any(|shape| contains(shape, wanted));
    let facts = facts::imports(schema);
    let one = format!("    facts::{{{}}},\n", facts.join(", "));
    // As rustfmt has it: a list in a list stands on a line of its own.
    let facts = match facts.iter().position(|it| it.contains('{')) {
        None => one,
        Some(at) => {
            let lines = [facts[..at].join(", "), facts[at].clone(), facts[at + 1..].join(", ")];
            format!("    facts::{{\n{}    }},\n", lines.map(|it| format!("        {it},\n")).concat())
        }
    };
    let mut text = String::new();
    if has(&|it| matches!(it, Shape::Map(_))) {
        text += "use std::collections::BTreeMap;\n\n";
    }
    text += &format!(
        "use deployer_engine::{{\n    error::{{Error, Result}},\n{facts}    resource::{{Changed, Created, DeleteOptions, Identity, \
         PhysicalId, Resource, Seen, Wanted}},\n}};\n"
    );
    let tag = has(&|it| *it == Shape::Tag);
    let names: Vec<String> = ["Aws", "Tag"].into_iter().filter(|it| *it == "Aws" || tag).map(str::to_owned).collect();
    text += &import("deployer_providers", &names);
    text += "use schemars::JsonSchema;\nuse serde::{Deserialize, Serialize};\n";
    if has(&|it| *it == Shape::Json) {
        text += "use serde_json::Value;\n";
    }
    text + "\n"
}

fn contains(shape: &Shape, wanted: &dyn Fn(&Shape) -> bool) -> bool {
    wanted(shape) || matches!(shape, Shape::List(inner) | Shape::Map(inner) if contains(inner, wanted))
}

fn rust(shape: &Shape) -> String {
    match shape {
        Shape::Text => "String".to_owned(),
        Shape::Integer => "i64".to_owned(),
        Shape::Number => "f64".to_owned(),
        Shape::Boolean => "bool".to_owned(),
        Shape::Json => "Value".to_owned(),
        Shape::Tag => "Tag".to_owned(),
        Shape::List(inner) => format!("Vec<{}>", rust(inner)),
        Shape::Map(inner) => format!("BTreeMap<String, {}>", rust(inner)),
        Shape::Part(name) => name.clone(),
    }
}

fn structure(part: &Part, about: String) -> String {
    let mut text = format!(
        "/// {about}\n#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]\n\
         #[serde(rename_all = \"PascalCase\", deny_unknown_fields)]\npub struct {} {{\n",
        part.name
    );
    for field in &part.fields {
        wrapped(&field.about).iter().for_each(|line| text += &format!("    /// {line}\n"));
        let mut says = Vec::new();
        says.extend((!comes_back(&field.property, &field.ident)).then(|| format!("rename = {:?}", field.property)));
        says.extend((!field.required).then(|| "skip_serializing_if = \"Option::is_none\"".to_owned()));
        if !says.is_empty() {
            text += &format!("    #[serde({})]\n", says.join(", "));
        }
        let plain = rust(&field.shape);
        let held = if field.boxed { format!("Box<{plain}>") } else { plain };
        let stated = if field.required { held } else { format!("Option<{held}>") };
        text += &format!("    pub {}: {stated},\n", field.ident);
    }
    text + "}\n\n"
}

/// Words in lines of a comment.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH - 12 => *line = format!("{line} {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The five calls, each with what it has to do and what AWS's own provider calls for it.
fn calls(schema: &Schema, name: &str) -> String {
    let spec = format!("{name}Spec");
    let found = match facts::found(schema) {
        Found::Name => "What stands under its name, whoever made it.",
        Found::Tag => "What bears our token among its tags.",
        Found::Content => "What stands where it would be, whoever made it.",
    };
    let all = [
        (
            "read",
            vec!["id: &PhysicalId", "wanted: &Wanted"],
            format!("Seen<{spec}>"),
            "What is there, in the shape of the spec; what is not there is `Seen::Absent`.",
        ),
        (
            "create",
            vec!["who: &Identity", "spec: &SPEC"],
            "Created".to_owned(),
            "One call with all that it takes; what it does not take goes into `Created::without`.",
        ),
        (
            "update",
            vec!["id: &PhysicalId", "live: &SPEC", "spec: &SPEC", "changed: &Changed"],
            "()".to_owned(),
            "What `changed` names, from `live` to `spec`; what `spec` lacks is taken away.",
        ),
        (
            "delete",
            vec!["id: &PhysicalId", "applied: &SPEC", "how: &DeleteOptions"],
            "()".to_owned(),
            "What is gone already is done.",
        ),
        ("find", vec!["who: &Identity", "spec: &SPEC"], "Option<PhysicalId>".to_owned(), found),
    ];
    let mut text = Vec::new();
    for (call, arguments, answer, what) in all {
        let arguments: Vec<String> = arguments.iter().map(|it| it.replace("SPEC", &spec)).collect();
        let names = arguments.iter().filter_map(|it| it.split(':').next()).collect::<Vec<_>>().join(", ");
        let mut body = format!("        // {what}\n");
        let handler = if call == "find" { "list" } else { call };
        let asked: Vec<String> = schema.permissions(Some(handler)).into_iter().collect();
        if !asked.is_empty() {
            let told = format!("AWS's own provider may: {}.", asked.join(", "));
            wrapped(&told).iter().for_each(|line| body += &format!("        // {line}\n"));
        }
        body += &format!("        let _ = (&self.aws, {names});\n        unwritten(\"{call}\")\n");
        let line = format!("    async fn {call}(&self, {}) -> Result<{answer}> {{", arguments.join(", "));
        let head = if line.len() <= WIDTH {
            line
        } else {
            let all: String = arguments.iter().map(|it| format!("        {it},\n")).collect();
            format!("    async fn {call}(\n        &self,\n{all}    ) -> Result<{answer}> {{")
        };
        text.push(format!("{head}\n{body}    }}\n"));
    }
    text.join("\n")
}
