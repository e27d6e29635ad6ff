//! `unlock`: who holds what and since when; and taking over what a dead holder left, or what a living one will not give.
//!
//! A takeover is never a mere removal of a lock: the journal is sealed, fences are raised, and what the holder left open is
//! settled by reads, exactly as the next apply would do it.

use std::{collections::BTreeSet, sync::Arc};

use deployer_engine::{
    address::ComponentId,
    lock::{Holder, Life},
};
use serde_json::json;

use super::target;
use crate::{
    args::Global,
    context::{Context, Reach},
    duration,
    exit::{Code, Failure},
    render::{plan, progress::Progress},
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(
    global: &Global,
    components: &[String],
    force: bool,
    auto_approve: bool,
    term: &Term,
) -> Result<Code, Failure> {
    // What is left open is settled by asking AWS.
    let reach = if force { Reach::Online } else { Reach::State };
    let context = Context::load(global, reach, term).await?;
    // Under --json stdout is one document: what else there is to say is left out.
    let term = &Term { level: if global.json { -1 } else { term.level }, ..*term };
    let mut session = context.session(Arc::new(Progress::new(*term, false, context.stores.clock.clone())))?;
    let memory = session.look().await?;
    let named = components.iter().map(|text| target::component(&context, &memory, text));
    let named: BTreeSet<ComponentId> = named.collect::<Result<_, _>>()?;
    let mut holders = session.holders().await?;
    holders.retain(|(holder, _)| named.is_empty() || !holder.components.is_disjoint(&named));
    if global.json && !force {
        let rows: Vec<_> =
            holders.iter().map(|(holder, life)| json!({"holder": holder, "life": word(*life)})).collect();
        term.line(format!("{:#}", json!({"scope": context.scope(), "holders": rows})));
        return Ok(Code::Done);
    }
    term.say(term.paint(Tone::Strong, plan::place(context.scope())));
    if holders.is_empty() && !global.json {
        term.say("nobody holds a lock");
        return Ok(Code::Done);
    }
    holders.iter().for_each(|(holder, life)| show(holder, *life, term));
    if !force {
        term.say("\nThe next apply takes over what a dead run holds, by itself. A living one ends, or is stopped where it runs;");
        term.say("`deployer unlock --force` takes its locks away: it starts no further step, and what it left open is settled.");
        return Ok(Code::Done);
    }
    let question = "Take the locks away? A call that is on the wire just now cannot be called back.";
    if !auto_approve && !term.asks {
        return Err(Failure::unasked());
    }
    if !auto_approve && !term.confirm(question) {
        return Err(Failure::declined());
    }
    for (holder, _) in &holders {
        session.force(holder.deployment).await.map_err(|trouble| context.failure(trouble))?;
        term.say(format!(
            "{}  deployment {}: its locks are free, what it left open is settled",
            term.paint(Tone::Good, "unlocked"),
            holder.deployment
        ));
    }
    if global.json {
        let freed: Vec<u64> = holders.iter().map(|(holder, _)| holder.deployment).collect();
        term.line(format!("{:#}", json!({"scope": context.scope(), "unlocked": freed})));
    }
    Ok(Code::Done)
}

fn word(life: Life) -> &'static str {
    match life {
        Life::Alive => "alive",
        Life::Dead => "dead",
        Life::Unknown => "unknown",
    }
}

fn show(holder: &Holder, life: Life, term: &Term) {
    let life = match life {
        Life::Alive => term.paint(Tone::Good, "alive"),
        Life::Dead => term.paint(Tone::Bad, "dead"),
        Life::Unknown => "not known to be alive: only watching it for a while tells".to_owned(),
    };
    let (owner, since) = (&holder.owner, duration::date(holder.since_millis));
    term.say(format!(
        "\n  deployment {}  {} by {} on {} (process {}) since {since}: {life}",
        holder.deployment, holder.purpose, owner.user, owner.host, owner.pid
    ));
    for component in &holder.components {
        term.say(format!("    {component}"));
    }
}
