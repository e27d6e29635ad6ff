//! `state list | show | versions | verify`: nothing is changed.

use deployer_engine::{
    address::ComponentId,
    error::Error,
    session::{
        Session,
        copy::Content,
        mend::{Fault, Which},
    },
};
use serde_json::json;

use super::Desk;
use crate::{
    context::Context,
    duration,
    exit::{Code, Failure},
    render::plan,
    term::{Term, Tone},
};

/// Every record of a component: how often it was written, and what stands.
pub fn list(desk: &Desk) -> Result<Code, Failure> {
    let rows = desk.memory.shards.iter().map(|(id, held)| {
        let standing: usize = held.record.body.resources.values().map(|it| it.standing().count()).sum();
        json!({"component": id, "serial": held.record.serial, "fence": held.record.fence, "resources": standing, "deployment": held.record.body.deployment})
    });
    let rows: Vec<_> = rows.collect();
    if desk.json() {
        let all = json!({"scope": desk.context.scope(), "lineage": desk.memory.lineage, "components": rows});
        desk.term.line(format!("{all:#}"));
        return Ok(Code::Done);
    }
    desk.term.line(desk.term.paint(Tone::Strong, plan::place(desk.context.scope())));
    if rows.is_empty() {
        desk.term.line("nothing is remembered yet");
    }
    for row in &rows {
        let last = row["deployment"].as_u64().map(|id| format!("  by deployment {id}")).unwrap_or_default();
        let standing = duration::count(
            usize::try_from(row["resources"].as_u64().unwrap_or_default()).unwrap_or_default(),
            "resource",
        );
        desk.term.line(format!(
            "  {:<32} serial {:<5} {standing}{last}",
            row["component"].as_str().unwrap_or_default(),
            row["serial"]
        ));
    }
    Ok(Code::Done)
}

/// One component's shard, as it is kept.
pub fn show(desk: &Desk, text: &str) -> Result<Code, Failure> {
    let id = desk.component(text)?;
    let Some(held) = desk.memory.shards.get(&id) else {
        return Err(Failure::said(Code::Usage, format!("nothing is remembered of {id}: it was never deployed")));
    };
    desk.term.line(format!("{:#}", serde_json::to_value(&held.record).unwrap_or_default()));
    Ok(Code::Done)
}

/// What a component's shard has and had.
pub async fn versions(context: &Context, session: &Session, text: &str, term: &Term) -> Result<Code, Failure> {
    let id: ComponentId = match text.parse() {
        Ok(id) => id,
        // A bare name: the files know its kind.
        Err(_) => super::target::component(context, &Default::default(), text)?,
    };
    let all = session.contents(&id).await?;
    if all.is_empty() {
        return Err(Failure::said(Code::Usage, format!("nothing is remembered of {id}")));
    }
    if context.global.json {
        let rows: Vec<_> = all.iter().map(row).collect();
        term.line(format!("{:#}", json!({"component": id, "versions": rows})));
        return Ok(Code::Done);
    }
    term.line(term.paint(Tone::Strong, &id));
    for it in &all {
        let now = if it.past.current { "  now" } else { "" };
        let what = match &it.record {
            Ok(record) => {
                let by = record.body.deployment.map(|id| format!("deployment {id}")).unwrap_or_default();
                let standing: usize = record.body.resources.values().map(|it| it.standing().count()).sum();
                format!("serial {:<5} {by:<16} {}", record.serial, duration::count(standing, "resource"))
            }
            Err(error) => term.paint(Tone::Bad, format!("cannot be used: {}", error.chain())),
        };
        term.line(format!(
            "  {}  {what}{now}  {}",
            duration::date(it.past.written_millis),
            term.paint(Tone::Faint, &it.past.id)
        ));
    }
    term.say(format!("\n`deployer state restore {id} --to VERSION` puts one of them back."));
    Ok(Code::Done)
}

fn row(it: &Content) -> serde_json::Value {
    let record = it.record.as_ref().ok();
    json!({
        "version": it.past.id,
        "writtenMillis": it.past.written_millis,
        "current": it.past.current,
        "serial": record.map(|it| it.serial),
        "deployment": record.and_then(|it| it.body.deployment),
        "error": it.record.as_ref().err().map(deployer_engine::error::Error::chain),
    })
}

/// How far back each component can be put.
pub async fn all_versions(desk: &Desk) -> Result<Code, Failure> {
    let mut rows = Vec::new();
    for id in desk.memory.shards.keys() {
        let all = desk.session.contents(id).await?;
        let (newest, oldest) =
            (all.first().map(|it| it.past.written_millis), all.last().map(|it| it.past.written_millis));
        rows.push(json!({"component": id, "versions": all.len(), "newestMillis": newest, "oldestMillis": oldest}));
    }
    if desk.json() {
        desk.term.line(format!("{:#}", json!({"components": rows})));
        return Ok(Code::Done);
    }
    desk.term.line(desk.term.paint(Tone::Strong, plan::place(desk.context.scope())));
    for row in &rows {
        let date = |key: &str| duration::date(row[key].as_u64().unwrap_or_default());
        let (name, count) =
            (row["component"].as_str().unwrap_or_default(), row["versions"].as_u64().unwrap_or_default());
        desk.term.line(format!(
            "  {name:<32} {count:>4} versions  {} to {}",
            date("oldestMillis"),
            date("newestMillis")
        ));
    }
    desk.term.say("\n`deployer state versions COMPONENT` lists them.");
    Ok(Code::Done)
}

/// How a broken record is mended.
pub fn way(fault: &Fault) -> String {
    let key = &fault.key;
    match (&fault.what, &fault.good) {
        (Which::Shard(id), Some(good)) => format!(
            "its newest good content is of {}: deployer state restore {id} --to {}",
            duration::date(good.written_millis),
            good.id
        ),
        (Which::Shard(id), None) => format!(
            "no earlier content of it is known here: a backup has to help: deployer state restore {id} --from FILE"
        ),
        (Which::Root, _) => format!("it is made again from what is known: deployer state restore {key}"),
        (Which::Deployment(_), Some(good)) => format!(
            "its newest good content is of {}: deployer state restore {key}",
            duration::date(good.written_millis)
        ),
        (Which::Deployment(id), None) => {
            format!("no earlier content of it is known here: of deployment {id} the history tells nothing")
        }
        (Which::Journal { open: true, deployment }, _) => format!(
            "deployment {deployment} is open, and this is part of what it meant: where it was killed, `deployer unlock --force` settles what can be read of it and goes on"
        ),
        (Which::Journal { open: false, .. }, _) => "its deployment has ended: nothing reads it any more".to_owned(),
        (Which::Other, _) => "no run reads it".to_owned(),
    }
}

/// Every record is read and checked.
pub async fn verify(context: &Context, session: &Session, term: &Term) -> Result<Code, Failure> {
    let (records, faults) = session.verify().await?;
    // Who may not ask is told so, and what was asked for goes on.
    let kept = context.stores.objects.keeps_versions().await.map_err(Error::from);
    match &kept {
        Ok(true) => {}
        Ok(false) => term.note(format!(
            "{} keeps no earlier versions: a broken record could not be put back. `deployer init --bootstrap` corrects that",
            context.stores.objects.describe()
        )),
        Err(error) => term.note(format!("whether earlier versions are kept is not known: {}", error.chain())),
    }
    if context.global.json {
        let rows = faults.iter().map(|it| {
            let component = if let Which::Shard(id) = &it.what { Some(id) } else { None };
            json!({"record": it.key, "component": component, "why": it.why, "newestGood": it.good.as_ref().map(|it| &it.id)})
        });
        term.line(format!(
            "{:#}",
            json!({"records": records, "faults": rows.collect::<Vec<_>>(), "keepsVersions": kept.ok()})
        ));
        return Ok(if faults.is_empty() { Code::Done } else { Code::Failed });
    }
    if faults.is_empty() {
        let checked = duration::count(records, "record");
        term.line(format!(
            "{}  {checked}: each is whole and belongs to this state",
            term.paint(Tone::Good, "verified")
        ));
        return Ok(Code::Done);
    }
    for fault in &faults {
        term.line(format!("{}  {}\n  {}", term.paint(Tone::Bad, "broken"), fault.key, fault.why));
        term.line(format!("  {}", way(fault)));
    }
    let message =
        format!("{} of {} cannot be used; nothing was changed", faults.len(), duration::count(records, "record"));
    Err(Failure::said(Code::Failed, message))
}
