//! `provider list`: every type with the facts that are declared of it, by service.

use deployer_engine::resource::DynResource;
use deployer_providers::Aws;
use serde_json::{Value, json};

use super::words;
use crate::{
    args::Global,
    duration,
    exit::{Code, Failure},
    term::{Term, Tone, cut},
};

/// What stands above the columns; the last one takes what is left of the line.
const HEAD: [&str; 9] = ["", "props", "fixed", "found", "tags", "data", "rate", "settles", "outputs"];

/// What the columns mean.
const LEGEND: [&str; 3] = [
    "fixed: properties whose change needs a new thing   found: how it is known again",
    "data: deleting it loses some   rate: its class and how many steps at once",
    "settles: the longest that a verb may take",
];

/// Runs it.
pub fn run(global: &Global, term: &Term) -> Result<Code, Failure> {
    let types = global.deployer.types(&Aws::offline());
    if global.json {
        let all: Vec<Value> = types.iter().map(|it| words::json(it.as_ref())).collect();
        term.line(format!("{:#}", json!({"types": all})));
        return Ok(Code::Done);
    }
    let rows: Vec<(String, [String; 9])> = types.iter().map(|it| row(it.as_ref())).collect();
    let widths: [usize; 9] = std::array::from_fn(|at| {
        rows.iter().map(|(_, row)| row[at].len()).chain([HEAD[at].len()]).max().unwrap_or_default()
    });
    term.line(term.paint(Tone::Faint, line(&HEAD.map(str::to_owned), &widths, term.width)));
    let mut last = "";
    for (service, row) in &rows {
        if service != last {
            last = service;
            term.line(term.paint(Tone::Strong, service));
        }
        term.line(line(row, &widths, term.width));
    }
    term.say(format!("\n{}", duration::count(rows.len(), "type")));
    LEGEND.iter().for_each(|text| term.say(term.paint(Tone::Faint, text)));
    Ok(Code::Done)
}

/// The service that it stands under, and what is told of it.
fn row(it: &dyn DynResource) -> (String, [String; 9]) {
    let facts = it.facts();
    let (service, name) = it.kind().rsplit_once("::").unwrap_or(("", it.kind()));
    let yes = |is: bool| if is { "yes" } else { "-" }.to_owned();
    let settles = [facts.settle.create, facts.settle.update, facts.settle.delete].map(|it| it.budget);
    let outputs: Vec<&str> = facts.outputs.iter().map(|output| output.name).collect();
    let row = [
        format!("  {name}"),
        words::properties(it).len().to_string(),
        words::create_only(it).len().to_string(),
        words::found(facts.found).to_owned(),
        yes(facts.tags.is_some()),
        yes(facts.stateful),
        format!("{} {}", facts.rate.class, facts.rate.in_flight),
        words::time(settles.into_iter().max().unwrap_or_default()),
        outputs.join(" "),
    ];
    (service.to_owned(), row)
}

fn line(row: &[String; 9], widths: &[usize; 9], width: usize) -> String {
    let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    cut(cells.join("  ").trim_end(), width)
}
