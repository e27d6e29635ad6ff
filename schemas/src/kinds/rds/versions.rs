//! Versions of engines: their shape, and whether AWS has them.

use deployer_engine::lookup::{ENGINE_VERSIONS, Lookup};
use serde_json::{Value, json};

use super::{
    super::{Expansion, Problem},
    engines::Engine,
};

/// Says what is wrong with a version. What AWS has is asked; nothing is said without an answer.
pub(super) fn check(engine: Engine, version: &str, to: &mut Expansion<'_>) {
    let facts = engine.facts();
    let name = facts.word;
    let parts: Vec<&str> = version.split('.').collect();
    let starts_with_a_number = |it: &&str| it.chars().next().is_some_and(|c| c.is_ascii_digit());
    // `5.7.44-rds.20240408` is a version, so the tail may be anything.
    let shaped = parts.iter().take(facts.major).all(starts_with_a_number) && parts.iter().all(|it| !it.is_empty());
    if !shaped || parts.len() < facts.major {
        let help = Some(format!("write it as \"{}\", or with the minor version", facts.example));
        let error = Problem::error("/version", format!("`{version}` is no version of {name}"));
        to.problems.push(Problem { help, ..error });
        return;
    }
    let question = Lookup::new(ENGINE_VERSIONS, json!({"engine": name}));
    let answer = to.around.ask(to.id, "/version", question, || json!([]));
    let all: Vec<&str> = answer.value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let is_there = all.iter().any(|it| it.strip_prefix(version).is_some_and(|it| it.is_empty() || it.starts_with('.')));
    if answer.known && !is_there {
        let help = Some(format!("the newest are {}", newest(&all, version, facts.major).join(", ")));
        let error = Problem::error("/version", format!("AWS has no version {version} of {name}"));
        to.problems.push(Problem { help: help.filter(|_| !all.is_empty()), ..error });
    }
}

/// The newest few: of the same major version, if there are any.
fn newest<'a>(all: &[&'a str], version: &str, major: usize) -> Vec<&'a str> {
    const FEW: usize = 4;
    let line = |it: &str| it.split('.').take(major).map(str::to_owned).collect::<Vec<_>>();
    let mut near: Vec<&str> = all.iter().copied().filter(|it| line(it) == line(version)).collect();
    if near.is_empty() {
        near = all.to_vec();
    }
    near.sort_by_key(|it| std::cmp::Reverse(numbers(it)));
    near.truncate(FEW);
    near
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|it| it.parse().ok()).collect()
}
