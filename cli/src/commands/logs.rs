//! `logs`: what the containers of a component's tasks write, as CloudWatch keeps it.
//!
//! Where they write stands in what was applied, so the state answers that, and AWS is asked for lines alone.

use std::sync::Arc;

use deployer_engine::{address::ComponentId, event::Nowhere, session::Memory};
use serde_json::{Value, json};

use super::target;
use crate::{
    args::Global,
    context::{Context, Reach},
    duration,
    exit::{Code, Failure},
    tail::{self, Tail, Told},
    term::Term,
};

/// Runs it.
pub async fn run(global: &Global, component: &str, follow: bool, since: &str, term: &Term) -> Result<Code, Failure> {
    let since = duration::parse(since)
        .ok_or_else(|| Failure::said(Code::Usage, format!("--since {since}: write how long ago: 30s, 10m or 2h")))?;
    let context = Context::load(global, Reach::Online, term).await?;
    let memory = context.session(Arc::new(Nowhere))?.look().await?;
    let id = target::component(&context, &memory, component)?;
    let places = tail::places(&memory, &id, &context.scope().region);
    if places.is_empty() {
        return Err(without(&context, &memory, &id));
    }
    let Some(aws) = context.aws.clone() else { return Err(Failure::said(Code::Failed, "AWS cannot be called")) };
    let clock = &context.stores.clock;
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let mut tail = Tail::new(aws, places, clock.wall_millis().saturating_sub(millis));
    if !follow {
        let lines = tail.next().await?;
        match global.json {
            true => {
                let lines: Vec<Value> = lines.iter().map(document).collect();
                term.line(format!("{:#}", json!({"component": id, "lines": lines})));
            }
            false => lines.iter().for_each(|it| term.line(it.text())),
        }
        return Ok(Code::Done);
    }
    loop {
        for it in tail.next().await? {
            term.line(if global.json { document(&it).to_string() } else { it.text() });
        }
        clock.sleep(tail::PAUSE).await;
    }
}

fn document(it: &Told) -> Value {
    json!({"at": it.line.at_millis, "container": it.container, "task": it.line.task, "text": it.line.text.trim_end()})
}

/// It has none: why, and who has some.
fn without(context: &Context, memory: &Memory, id: &ComponentId) -> Failure {
    let region = &context.scope().region;
    let others = memory.shards.keys().filter(|it| !tail::places(memory, it, region).is_empty());
    let others: Vec<String> = others.map(ToString::to_string).collect();
    let message = match memory.shards.contains_key(id) {
        true => format!("{id} has no containers that write to CloudWatch"),
        false => format!("{id} is not deployed"),
    };
    let failure = Failure::said(Code::Usage, message);
    match others.is_empty() {
        true => failure.help("nothing that is deployed here has some; `deployer list` shows what there is"),
        false => failure.help(format!("these have some: {}", others.join(", "))),
    }
}
