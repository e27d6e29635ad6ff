//! `init --bootstrap`: the state's bucket and table and the role that deploys, created or adopted and corrected.
//!
//! Its own state is in memory: what is there is found by its names, so the command can be run again at any time, from anywhere.

use std::{collections::BTreeMap, sync::Arc};

use deployer_engine::{
    address::{Address, ComponentId},
    desired::{Desired, Scope},
    error::Class,
    lookup::Lookup,
    plan::{self, Plan},
    resource::{PhysicalId, Registry, Seen, Wanted},
    session::{Applied, Question, Session, Wish},
    state::{ResourceState, Shard, identity},
    store::memory::MemoryStore,
};
use deployer_providers::{
    Aws, AwsOptions,
    permissions::{self, Kept, Needs},
    state::{
        Place, TABLE,
        bootstrap::{self, ATTACHED, Bootstrap},
    },
    sts,
};
use deployer_schemas::{StatePlace, partition};
use futures::future::FutureExt;
use serde_json::{Value, json};

use super::ended;
use crate::{
    args::{BootstrapFlags, Global},
    context::{Context, Reach},
    exit::{Code, Failure},
    render::{plan as drawn, progress::Progress},
    stores::{self, Stores, time_scale},
    term::{Term, Tone},
};

/// All runs have the same lineage: what one made, the next one knows by its tags.
const LINEAGE: &str = "bootstrap";

/// Runs it.
pub async fn run(global: &Global, flags: &BootstrapFlags, term: &Term) -> Result<Code, Failure> {
    let stack = stack(global, term).await?;
    let region = region(global, stack.as_ref())?;
    let aws =
        Aws::load(AwsOptions { region: region.clone(), time_scale: Some(time_scale()?), ..AwsOptions::default() })
            .await;
    let caller = sts::caller_identity(&aws).await?;
    if let Some(guard) =
        stack.as_ref().and_then(|it| it.loaded.stack.account.as_deref()).filter(|guard| *guard != caller.account)
    {
        let message = format!(
            "the environment belongs to account {guard}, and these credentials are of account {}",
            caller.account
        );
        return Err(Failure::said(Code::Refused, message));
    }
    let types = global.deployer.types(&aws);
    let mut wanted = wanted(global, flags, stack.as_ref(), &types, &caller.account, &region)?;
    let provider = Bootstrap::provider();
    if let Some(it) = wanted.desired().resources.get(&provider) {
        let read = types.need(&it.kind)?.read(&PhysicalId(wanted.provider_arn()), &Wanted::All).await?;
        if let Seen::Ready { spec, .. } = read {
            let all = spec["ClientIdList"].as_array().into_iter().flatten().filter_map(Value::as_str);
            wanted.audiences = all.map(str::to_owned).collect();
        }
    }
    let desired = wanted.desired();
    if flags.print {
        term.line(format!("{:#}", bootstrap::template(&desired)));
        return Ok(Code::Done);
    }
    let applied = make(global, flags, &desired, types, term).await?;
    if global.json {
        term.line(summary(&applied, &wanted.place, &region));
        // Stdout is JSON lines, and this was the last one.
        return end(&applied, &Term { level: -1, ..*term });
    }
    let code = end(&applied, term)?;
    say_next(&wanted.place, &region, stack.as_ref(), term);
    Ok(code)
}

/// The stack that the role will deploy, if we are in its folder.
async fn stack(global: &Global, term: &Term) -> Result<Option<Context>, Failure> {
    match Context::load(global, Reach::Files, term).await {
        Ok(context) => Ok(Some(context)),
        Err(Failure::Problems(problems)) if problems.diagnostics.iter().all(|it| it.code == "no-stack") => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn region(global: &Global, stack: Option<&Context>) -> Result<String, Failure> {
    let of_state = stack.and_then(|it| it.loaded.stack.state.as_ref()?.region.clone());
    let of_stack = stack.map(|it| it.scope().region.clone());
    let of_machine = || std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION")).ok();
    global.region.clone().or(of_state).or(of_stack).or_else(of_machine).ok_or_else(|| {
        Failure::said(Code::Usage, "in which region? No stack is here that says it")
            .help("give --region, or set AWS_REGION")
    })
}

fn wanted(
    global: &Global,
    flags: &BootstrapFlags,
    stack: Option<&Context>,
    types: &Registry,
    account: &str,
    region: &str,
) -> Result<Bootstrap, Failure> {
    let place = place(global, stack, account, region)?;
    let github = match &flags.github {
        None => None,
        Some(text) => Some(bootstrap::subject(text).ok_or_else(|| {
            Failure::said(Code::Usage, format!("--github {text}: write OWNER/REPO, or OWNER/REPO:environment:NAME"))
        })?),
    };
    let scope = bootstrap::scope(account, region, partition(region));
    // Without a stack to look at, the role may read and write the state of any, and deploy nothing yet.
    let any = Scope { stack: "*".to_owned(), env: "*".to_owned(), ..scope.clone() };
    let nothing = Desired { scope: any, ..Desired::default() };
    let asked: Vec<Lookup> =
        stack.into_iter().flat_map(|it| it.loaded.asked.iter().map(|it| it.lookup.clone())).collect();
    let table = global.deployer.permissions()?;
    let needs = Needs {
        table: &table,
        types,
        desired: stack.map_or(&nothing, |it| &it.loaded.desired),
        lookups: &asked.iter().collect::<Vec<_>>(),
        state: Some(Kept { place: &place, region }),
        account: Some(account),
    };
    let policies = permissions::policies(&needs)?;
    if policies.len() > ATTACHED {
        let message = format!("this stack's permissions take {} policies, and a role takes {ATTACHED}", policies.len());
        let help =
            "several roles, each for a part of the stack, have room for it: `deployer iam-policy` prints the policies";
        return Err(Failure::said(Code::Refused, message).help(help));
    }
    Ok(Bootstrap { place, scope, role: flags.role.clone(), github, audiences: Vec::new(), policies })
}

/// Where the stack or the command line says, else a bucket of the account's own.
fn place(global: &Global, stack: Option<&Context>, account: &str, region: &str) -> Result<Place, Failure> {
    let said = match stack {
        Some(context) => stores::Kept::of(global, &context.loaded)?,
        None => stores::Kept::said(global)?,
    };
    Ok(match said {
        stores::Kept::Bucket(place) => stores::place(&place),
        stores::Kept::Folder(_) => {
            Place { bucket: format!("deployer-state-{account}-{region}"), table: TABLE.to_owned(), ..Place::default() }
        }
    })
}

/// What came of it.
struct Made {
    adopted: BTreeMap<Address, String>,
    applied: Applied,
    missing: bool,
}

async fn make(
    global: &Global,
    flags: &BootstrapFlags,
    desired: &Desired,
    types: Registry,
    term: &Term,
) -> Result<Made, Failure> {
    let memory = Arc::new(MemoryStore::default());
    let stores = Stores { objects: memory.clone(), locks: memory, clock: Stores::clock()? };
    let stop = deployer_engine::stop::Stop::default();
    let world = crate::context::world(
        global,
        &stores,
        types.clone(),
        &stop,
        Arc::new(Progress::new(*term, global.json, stores.clock.clone())),
        LINEAGE.to_owned(),
    )?;
    let mut session = Session::new(world, &desired.scope);
    let wish = Wish {
        refresh: true,
        purpose: "bootstrap".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Wish::default()
    };
    let found = adopt(&mut session, desired, &types, &wish).await?;
    let shown = *term;
    let (auto, as_json, mut missing) = (flags.auto_approve, global.json, false);
    let there = found.clone();
    let mut approve = |plan: &Plan, _: Question<'_>| {
        if !as_json {
            there.iter().for_each(|(address, id)| shown.say(format!("{address} is there already: {id}")));
            drawn::print(plan, &shown);
        }
        missing = !auto && !shown.asks;
        let yes = auto || shown.asks && shown.confirm("\nDo this?");
        futures::future::ready(yes).boxed()
    };
    let applied = session.apply(desired, &wish, &mut approve).await.map_err(trouble)?;
    Ok(Made { adopted: found, applied, missing })
}

/// What stands there already, under the names that are wanted, is remembered as if it were ours from the start.
async fn adopt(
    session: &mut Session,
    desired: &Desired,
    types: &Registry,
    wish: &Wish,
) -> Result<BTreeMap<Address, String>, Failure> {
    let mut states: BTreeMap<Address, ResourceState> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for node in plan::graph(desired).unwrap_or_default() {
        let Some(wanted) = desired.resources.get(&node.address) else { continue };
        let (who, resource) = (identity(LINEAGE, &node.address, 1), types.need(&wanted.kind)?);
        let there = match resource.find(&who, &wanted.properties).await {
            Ok(Some(id)) => resource.read(&id, &Wanted::of([&wanted.properties])).await.map(|seen| (id, seen)),
            Ok(None) => continue,
            Err(error) => Err(error),
        };
        let id = match there {
            Ok((_, Seen::Absent)) => continue,
            Ok((id, _)) => id,
            // What it is a part of is not there either.
            Err(error) if error.class() == Class::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let state = session.adopted(desired, &node.address, &id.0).await.map_err(trouble)?;
        found.insert(node.address.clone(), id.0);
        states.insert(node.address.clone(), state);
    }
    if states.is_empty() {
        return Ok(found);
    }
    let components = states.keys().map(|address| address.component.clone()).collect();
    let mut change = |_: u64, shards: &mut BTreeMap<ComponentId, Shard>| {
        for (address, state) in &states {
            shards.entry(address.component.clone()).or_default().resources.insert(address.role.clone(), state.clone());
        }
        Ok(())
    };
    session.edit(&components, wish, Some(LINEAGE), &mut change).await.map_err(trouble)?;
    Ok(found)
}

fn trouble(it: deployer_engine::session::Trouble) -> Failure {
    match it {
        deployer_engine::session::Trouble::Failed(error) => error.into(),
        deployer_engine::session::Trouble::Problems(found) => {
            let words: Vec<String> = found.iter().map(|it| it.message.clone()).collect();
            Failure::said(Code::Invalid, words.join("\n"))
        }
    }
}

/// The last line of `--json`.
fn summary(made: &Made, place: &Place, region: &str) -> Value {
    let result = match &made.applied {
        Applied::NoChanges => "no-changes",
        Applied::Ran { report, .. } if report.is_success() => "succeeded",
        Applied::Ran { .. } | Applied::TookBack { .. } => "failed",
        Applied::Refused(_) => "refused",
        Applied::Declined => "declined",
    };
    let adopted: BTreeMap<String, &String> =
        made.adopted.iter().map(|(address, id)| (address.to_string(), id)).collect();
    json!({
        "event": "summary",
        "result": result,
        "adopted": adopted,
        "state": {"bucket": place.bucket, "prefix": place.prefix, "table": place.table, "region": region},
    })
}

fn end(made: &Made, term: &Term) -> Result<Code, Failure> {
    let adopted = match made.adopted.len() {
        0 => String::new(),
        count => format!(", {} taken over", crate::duration::count(count, "resource")),
    };
    match &made.applied {
        Applied::NoChanges => {
            term.say(format!(
                "{}  bucket, table and role are as they have to be",
                term.paint(Tone::Good, "No changes")
            ));
            Ok(Code::Done)
        }
        Applied::Ran { report, plan, .. } if report.is_success() => {
            term.say(format!(
                "{}  {} done, each confirmed by a read{adopted}",
                term.paint(Tone::Good, "bootstrapped"),
                crate::duration::count(plan.steps.len(), "step")
            ));
            Ok(Code::Done)
        }
        Applied::Ran { report, plan, .. } => {
            for (id, why) in &report.failed {
                term.note(format!("  {} {}: {why}", plan.steps[*id].verb(), plan.steps[*id].address()));
            }
            let message = format!("{} done, {} failed", report.done.len(), report.failed.len() + report.skipped.len());
            Err(Failure::said(ended::code(report, None), message)
                .help("mend the cause and run the same command again: it goes on from what is there"))
        }
        // There is never anything to take back: a bootstrap has no state.
        Applied::TookBack { .. } => Ok(Code::Failed),
        Applied::Refused(plan) => {
            if term.level >= 0 {
                drawn::print(plan, term);
            }
            Err(Failure::said(Code::Refused, "what is there would have to be replaced; nothing was changed"))
        }
        Applied::Declined if made.missing => Err(Failure::said(
            Code::Refused,
            "nobody can be asked here, and --auto-approve was not given; nothing was changed",
        )),
        Applied::Declined => Err(Failure::said(Code::Refused, "not approved; nothing was changed")),
    }
}

/// The lines that a Stack needs to keep its state there.
fn say_next(place: &Place, region: &str, stack: Option<&Context>, term: &Term) {
    let stated: Option<&StatePlace> = stack.and_then(|it| it.loaded.stack.state.as_ref());
    if stated.is_some() {
        return;
    }
    let table = if place.table == TABLE { String::new() } else { format!(", table: {}", place.table) };
    term.say(format!("\nIn the Stack's spec:\n  state: {{bucket: {}, region: {region}{table}}}", place.bucket));
    term.say("`deployer state pull DIR` before, and `deployer state push DIR` after it, takes along what a folder remembers.");
}
