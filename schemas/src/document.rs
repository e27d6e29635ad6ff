//! Documents: what every one of them has, and which of them belong to the stack.

use deployer_engine::diagnostic::{Diagnostic, Place};

use crate::{
    near::nearest,
    node::{Layer, Node, Yaml},
    parse::parse,
    source::{API_VERSION, Sources},
};

/// One document of ours.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its kind.
    pub kind: String,
    /// Its `metadata.name`.
    pub name: String,
    /// The whole document.
    pub node: Node,
    /// Its `spec`; an empty map if there is none.
    pub spec: Node,
    /// Where its name stands.
    pub name_at: Place,
    /// The file that it is in.
    pub file: String,
    /// The environment whose overlay it is.
    pub overlay: Option<String>,
}

/// All documents of ours, in order of files.
pub(crate) fn documents(sources: &Sources, kinds: &[&str], problems: &mut Vec<Diagnostic>) -> Vec<Document> {
    let mut found = Vec::new();
    for (file, text) in sources.iter() {
        let overlay = overlay_of(file);
        for node in parse(file, text, problems) {
            found.extend(document(file, node, overlay.clone(), kinds, problems));
        }
    }
    found
}

/// `overlays/ENV/..`, wherever the folder stands.
fn overlay_of(file: &str) -> Option<String> {
    let mut parts = file.split('/').skip_while(|part| *part != "overlays").skip(1);
    let env = parts.next()?;
    parts.next().map(|_| env.to_owned())
}

fn document(
    file: &str,
    node: Node,
    overlay: Option<String>,
    kinds: &[&str],
    problems: &mut Vec<Diagnostic>,
) -> Option<Document> {
    let version = node.get("apiVersion")?;
    let said = version.text().unwrap_or_default();
    if said != API_VERSION {
        if said.starts_with("deployer.dev/") {
            let problem = Diagnostic::error(
                "unknown-version",
                version.origin.place(),
                format!("this version of deployer does not know `{said}`"),
            );
            problems.push(problem.help(format!("write `{API_VERSION}`")));
        }
        return None;
    }
    let mut say = |code: &str, place: Place, message: &str| problems.push(Diagnostic::error(code, place, message));
    let Some(kind) = node.get("kind") else {
        say("missing-field", node.origin.place(), "`kind` is missing");
        return None;
    };
    let name = node.get("metadata").and_then(|it| it.get("name"));
    let Some(name) = name.filter(|it| it.text().is_some()) else {
        say(
            "missing-field",
            node.entry("metadata").map_or(node.origin.place(), |it| it.origin.place()),
            "`metadata.name` is missing, or is no text",
        );
        return None;
    };
    for (entries, known) in [
        (Some(&node), &["apiVersion", "kind", "metadata", "spec"][..]),
        (node.get("metadata"), &["name", "labels", "description"]),
    ] {
        if let Some(Yaml::Map(entries)) = entries.map(|it| &it.value) {
            for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
                let problem = Diagnostic::error(
                    "unknown-field",
                    entry.origin.place(),
                    format!("there is no field `{}` here", entry.key),
                );
                let near = nearest(&entry.key, known.iter().copied());
                problems.push(problem.help(near.map_or_else(
                    || format!("there are {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                )));
            }
        }
    }
    let word = kind.text().unwrap_or_default().to_owned();
    if !kinds.contains(&word.as_str()) {
        let problem = Diagnostic::error("unknown-kind", kind.origin.place(), format!("there is no kind `{word}`"));
        let near = nearest(&word, kinds.iter().copied());
        problems.push(problem.help(
            near.map_or_else(|| format!("there are {}", kinds.join(", ")), |near| format!("did you mean `{near}`?")),
        ));
        return None;
    }
    let text = name.text().unwrap_or_default().to_owned();
    check_name(&text, name, problems);
    let name_at = name.origin.place();
    let layer = if overlay.is_some() { Layer::Overlay } else { Layer::Component };
    let spec = node.get("spec").cloned().filter(|it| it.value != Yaml::Null);
    let spec = spec.unwrap_or_else(|| Node { value: Yaml::Map(Vec::new()), origin: node.origin.clone() });
    if !matches!(spec.value, Yaml::Map(_)) {
        problems.push(Diagnostic::error("wrong-type", spec.origin.place(), "`spec` is a map"));
        return None;
    }
    Some(Document { kind: word, name: text, spec: spec.in_layer(layer), node, name_at, file: file.to_owned(), overlay })
}

fn check_name(text: &str, node: &Node, problems: &mut Vec<Diagnostic>) {
    let letters = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
    if !letters || !starts || text.ends_with('-') || text.len() > 63 {
        let message = format!(
            "`{text}` is no name: 1 to 63 lower-case letters, digits and `-`, starting with a letter, not ending in `-`"
        );
        problems.push(Diagnostic::error("invalid-name", node.origin.place(), message));
    }
}
