//! `provider new`: the file and the sample of a new type, and what is left to do. Nothing is written over.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::{
    args::Global,
    exit::{Code, Failure},
    scaffold::{Scaffold, Schema, scaffold},
    term::{Term, Tone},
};

/// Lines that a resource file may have here: longer ones become a folder.
const LIMIT: usize = 250;

/// Runs it.
pub fn run(global: &Global, kind: &str, schema: &Path, out: Option<PathBuf>, term: &Term) -> Result<Code, Failure> {
    let text = fs::read_to_string(schema)
        .map_err(|error| Failure::said(Code::Usage, format!("{} cannot be read: {error}", schema.display())))?;
    let schema = Schema::read(&text, kind).map_err(|why| {
        Failure::said(Code::Usage, format!("{}: {why}", schema.display())).help(
            "`aws cloudformation describe-type --type RESOURCE --type-name TYPE --query Schema --output text` prints one",
        )
    })?;
    let made = scaffold(&schema);
    let folder = out.unwrap_or_else(|| global.dir.join(&made.module));
    let written = write(&made, &folder)?;
    let (registered, tested) =
        (format!(".with_type({}::new)", made.name), format!("cargo run -- provider check {kind}"));
    if global.json {
        let document = json!({
            "type": kind,
            "written": written,
            "registration": registered,
            "permissions": made.permissions,
            "test": tested,
        });
        term.line(format!("{document:#}"));
        return Ok(Code::Done);
    }
    for (path, lines) in written.iter().zip(made.files.iter().map(|(_, text)| text.lines().count())) {
        term.line(format!("{}  {path}  {lines} lines", term.paint(Tone::Good, "wrote")));
        if path.ends_with(".rs") && lines > LIMIT {
            term.line(format!("       longer than {LIMIT} lines: give its parts a file of their own"));
        }
    }
    term.line("\nWhat is left:");
    term.line(format!(
        "  1. src/{}.rs: `mod` and `pub use` lines for it, and its calls: read, find, create, delete, update",
        made.module
    ));
    term.line(format!("  2. main.rs: {registered}"));
    term.line("     in deployer itself: `crate::` for `deployer_providers::`, and `.with(..)` in providers/src/lib.rs");
    term.line(
        "  3. permissions.json, in deployer itself providers/permissions: what `arn` it has, and what it really calls",
    );
    format!("{:#}", made.permissions).lines().for_each(|line| term.line(format!("     {line}")));
    term.line(format!("  4. fixtures/resources/{}/one.yaml: what belongs together", made.module));
    term.line(format!("  5. {tested}: the kit, as docs/providers.md sets it up"));
    Ok(Code::Done)
}

/// Writes the files, all or none of them as far as that can be told before.
fn write(made: &Scaffold, folder: &Path) -> Result<Vec<String>, Failure> {
    let paths: Vec<PathBuf> = made.files.iter().map(|(path, _)| folder.join(path)).collect();
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        let message = format!("{} is there already, and nothing is written over", there.display());
        return Err(Failure::said(Code::Failed, message).help("move it away, or name another folder with --out"));
    }
    for (path, (_, text)) in paths.iter().zip(&made.files) {
        let failed = |error: std::io::Error| {
            let message = format!("{} cannot be written: {error}", path.display());
            Failure::said(Code::Failed, message).help("name another folder with --out")
        };
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        let mut file = fs::File::create_new(path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
    }
    Ok(paths.iter().map(|it| it.display().to_string()).collect())
}
