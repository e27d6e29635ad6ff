//! `init`: a stack that validates and plans as it is.

use std::path::Path;

use crate::{
    args::Global,
    exit::{Code, Failure},
    term::{Term, Tone},
};

/// The template's files; `STACK` stands for the stack's name.
const FILES: [(&str, &str); 4] = [
    ("stack.yaml", include_str!("../../templates/queue-worker/stack.yaml")),
    ("orders/components.yaml", include_str!("../../templates/queue-worker/orders/components.yaml")),
    ("overlays/prod/orders.yaml", include_str!("../../templates/queue-worker/overlays/prod/orders.yaml")),
    (".gitignore", include_str!("../../templates/queue-worker/gitignore")),
];

/// Runs it.
pub fn run(global: &Global, name: Option<String>, term: &Term) -> Result<Code, Failure> {
    let root = &global.dir;
    let name = match name {
        Some(name) => name,
        None => folder_name(root)?,
    };
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 30 && !name.ends_with('-');
    if !fits || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        let message =
            format!("`{name}` is no stack name: 1 to 30 lower-case letters, digits and `-`, starting with a letter");
        return Err(Failure::said(Code::Usage, message).help("`deployer init NAME` gives it one"));
    }
    if let Some((file, _)) = FILES.iter().find(|(file, _)| root.join(file).exists()) {
        return Err(Failure::said(
            Code::Failed,
            format!("{} exists already; nothing was written", root.join(file).display()),
        ));
    }
    for (file, text) in FILES {
        write(&root.join(file), &text.replace("STACK", &name))?;
    }
    if global.json {
        let files: Vec<&str> = FILES.iter().map(|(file, _)| *file).collect();
        term.line(serde_json::json!({"stack": name, "files": files}));
        return Ok(Code::Done);
    }
    term.say(format!("{} the stack `{name}` in {}", term.paint(Tone::Good, "made"), root.display()));
    FILES.iter().for_each(|(file, _)| term.say(format!("  {file}")));
    term.say("\nNext: `deployer validate -e dev`, then `deployer plan -e dev`");
    Ok(Code::Done)
}

fn folder_name(root: &Path) -> Result<String, Failure> {
    let full = std::fs::create_dir_all(root).and_then(|()| root.canonicalize());
    let full =
        full.map_err(|error| Failure::said(Code::Failed, format!("{} cannot be used: {error}", root.display())))?;
    Ok(full
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase().replace(['_', ' ', '.'], "-"))
        .unwrap_or_default())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| Failure::said(Code::Failed, format!("{} cannot be written: {error}", path.display())))
}
