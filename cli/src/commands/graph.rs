//! `graph`: what needs what, with waves.

use std::collections::BTreeMap;

use deployer_engine::{
    desired::Scope,
    plan::{Node, graph},
};
use serde_json::json;

use crate::{
    args::{Global, GraphFormat},
    context::{Context, Reach},
    exit::{Code, Failure},
    render::{drawn, plan},
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(global: &Global, format: GraphFormat, term: &Term) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::Files, term).await?;
    let nodes = graph(&context.loaded.desired).map_err(|found| Failure::Problems(Box::new(context.problems(found))))?;
    if format == GraphFormat::Json || global.json {
        term.line(format!("{:#}", json!({"scope": context.scope(), "nodes": nodes})));
        return Ok(Code::Done);
    }
    match format {
        GraphFormat::Dot => term.line(drawn::dot(&nodes)),
        GraphFormat::Mermaid => term.line(drawn::mermaid(&nodes)),
        GraphFormat::Tree | GraphFormat::Json => tree(context.scope(), &nodes, term),
    }
    Ok(Code::Done)
}

fn tree(scope: &Scope, nodes: &[Node], term: &Term) {
    term.line(term.paint(Tone::Strong, plan::place(scope)));
    let mut waves: BTreeMap<usize, Vec<&Node>> = BTreeMap::new();
    nodes.iter().for_each(|node| waves.entry(node.wave).or_default().push(node));
    for (wave, nodes) in waves {
        term.line(format!("\nwave {wave}"));
        for node in nodes {
            term.line(format!("  {}  {}", node.address, term.paint(Tone::Faint, &node.kind)));
            node.needs.iter().for_each(|need| term.line(format!("    needs {need}")));
        }
    }
}
