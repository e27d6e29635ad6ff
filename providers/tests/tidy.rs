//! Rules that a machine keeps: how long files are, who may depend on what, who may wait and print.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let (mut found, mut next) = (Vec::new(), vec![root().join(folder)]);
    while let Some(at) = next.pop() {
        for entry in fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                next.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).expect("inside").display().to_string();
                found.push((name, fs::read_to_string(&path).expect("text")));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

/// Files of `folder` whose code (comments left out) has one of `words`.
fn with_words(folder: &str, words: &[&str]) -> Vec<String> {
    let code =
        |text: &str| text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let bad = |(name, text): (String, String)| {
        words
            .iter()
            .filter(|word| code(&text).contains(**word))
            .map(|word| format!("{name}: {word}"))
            .collect::<Vec<_>>()
    };
    sources(folder).into_iter().flat_map(bad).collect()
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let folders = [
        ("providers/src", 250),
        ("fixtures/out-of-tree/src", 250),
        ("engine/src", 400),
        ("schemas/src", 400),
        ("cli/src", 400),
        ("tests/src", 400),
    ];
    for (folder, limit) in folders {
        for (name, text) in sources(folder) {
            assert!(
                text.lines().count() <= limit,
                "{name} has {} lines, more than {limit}: split it",
                text.lines().count()
            );
            assert!(text.starts_with("//!"), "{name} does not open with what it is for");
        }
    }
}

#[test]
fn the_engine_knows_no_cloud_and_no_machine() {
    let manifest = fs::read_to_string(root().join("engine/Cargo.toml")).expect("a manifest");
    assert!(!manifest.contains("aws"), "the engine depends on an AWS crate");
    let bad =
        with_words("engine/src", &["aws_", "SystemTime::now", "Instant::now", "std::env", "println!", "tokio::time"]);
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn planning_never_awaits_and_providers_never_wait() {
    let bad = with_words("engine/src/plan", &[".await", "async "]);
    assert!(bad.is_empty(), "{bad:#?}");
    let bad = with_words("providers/src", &["sleep(", "tracing", "println!", "Instant"]);
    assert!(bad.is_empty(), "{bad:#?}");
}
