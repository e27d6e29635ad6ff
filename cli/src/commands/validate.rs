//! `validate`: parse, merge, interpolate, expand, check. Never touches the network.

use serde_json::json;

use crate::{
    args::Global,
    context::{Context, Reach},
    duration,
    exit::{Code, Failure},
    render::plan,
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(global: &Global, term: &Term) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::Files, term).await?;
    let desired = &context.loaded.desired;
    let graph = deployer_engine::plan::check(desired);
    graph.map_err(|found| Failure::Problems(Box::new(context.problems(found))))?;
    if global.json {
        let document = json!({
            "valid": true,
            "scope": desired.scope,
            "components": desired.components.len(),
            "resources": desired.resources.len(),
            "warnings": context.loaded.warnings,
        });
        term.line(format!("{document:#}"));
        return Ok(Code::Done);
    }
    let (components, resources) = (desired.components.len(), desired.resources.len());
    term.say(format!(
        "{}  {}  {}, {}",
        term.paint(Tone::Good, "valid"),
        plan::place(&desired.scope),
        duration::count(components, "component"),
        duration::count(resources, "resource"),
    ));
    Ok(Code::Done)
}
