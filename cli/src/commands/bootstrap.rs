//! `init --bootstrap`: the state's bucket and table and the role that deploys, created or adopted and corrected.
//!
//! Its own state is in memory: what is there is found by its names, so the command can be run again at any time, from anywhere.

mod told;

use std::{collections::BTreeMap, sync::Arc};

use deployer_engine::{
    address::{Address, ComponentId},
    desired::{Desired, Scope},
    error::Class,
    lookup::Lookup,
    plan::{self, Plan},
    resource::{PhysicalId, Registry, Seen, Wanted},
    session::{Question, Session, Wish},
    state::{ResourceState, Shard, identity},
    store::memory::MemoryStore,
};
use deployer_providers::{
    Aws, AwsOptions,
    permissions::{self, Kept, Needs},
    state::{
        Place, TABLE,
        bootstrap::{self, ATTACHED, Bootstrap, Live, Whose},
    },
    sts,
};
use deployer_schemas::partition;
use futures::future::FutureExt;
use serde_json::Value;

use self::told::Made;
use crate::{
    args::{BootstrapFlags, Global},
    context::{Context, Reach},
    exit::{Code, Failure},
    render::{plan as drawn, progress::Progress},
    stores::{self, Stores, time_scale},
    term::Term,
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
    guarded(stack.as_ref(), &caller.account)?;
    let types = global.deployer.types(&aws);
    let mut wanted = wanted(global, flags, stack.as_ref(), &types, &caller.account, &region)?;
    let live = Live::read(&aws, &flags.role).await?.unwrap_or_default();
    met(&mut wanted, &live, flags)?;
    wanted.audiences = audiences(&wanted, &types).await?;
    if flags.print {
        term.line(format!("{:#}", bootstrap::template(&wanted.desired())));
        return Ok(Code::Done);
    }
    owned(&aws, &wanted.place.bucket, &caller.account, &region).await?;
    let left = told::left(&wanted, &live);
    if !global.json {
        left.iter().for_each(|line| term.say(line));
    }
    let made = make(global, flags, &wanted, types, term).await?;
    if global.json {
        term.line(told::summary(&made, &wanted, &left));
        // Stdout is JSON lines, and this was the last one.
        return told::end(&made, &wanted, &Term { level: -1, ..*term });
    }
    let code = told::end(&made, &wanted, term)?;
    told::say_next(&wanted, stack.as_ref(), term);
    Ok(code)
}

/// The environment's account is that of the credentials.
fn guarded(stack: Option<&Context>, account: &str) -> Result<(), Failure> {
    match stack.and_then(|it| it.loaded.stack.account.as_deref()).filter(|guard| *guard != account) {
        None => Ok(()),
        Some(guard) => Err(Failure::said(
            Code::Refused,
            format!("the environment belongs to account {guard}, and these credentials are of account {account}"),
        )),
    }
}

/// What the role has by now is taken in. A role deploys one stack in one environment: what it may do and who may take it are theirs.
fn met(wanted: &mut Bootstrap, live: &Live, flags: &BootstrapFlags) -> Result<(), Failure> {
    wanted.meet(live, flags.github.is_none()).map_err(|other| {
        let message = format!("the role {} deploys {other} already; nothing was changed", wanted.role);
        let help = format!(
            "--role NAME makes another for this one; or, if {other} does not need it any more, take its policies from it (`aws iam detach-role-policy`)"
        );
        Failure::said(Code::Refused, message).help(help)
    })
}

/// Whom the account's provider for GitHub is for already.
async fn audiences(wanted: &Bootstrap, types: &Registry) -> Result<Vec<String>, Failure> {
    let desired = wanted.desired();
    let Some(it) = desired.resources.get(&Bootstrap::provider()) else { return Ok(Vec::new()) };
    let read = types.need(&it.kind)?.read(&PhysicalId(wanted.provider_arn()), &Wanted::All).await?;
    let Seen::Ready { spec, .. } = read else { return Ok(Vec::new()) };
    let all = spec["ClientIdList"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(all.map(str::to_owned).collect())
}

/// The bucket is this account's, or nobody's yet.
async fn owned(aws: &Aws, bucket: &str, account: &str, region: &str) -> Result<(), Failure> {
    let (message, help) = match bootstrap::whose(aws, bucket, account).await? {
        Whose::Ours | Whose::Nobodys => return Ok(()),
        Whose::NotOurs => (
            format!(
                "the bucket {bucket} does not belong to account {account}, or s3:ListBucket on it is not permitted; nothing was changed"
            ),
            "bucket names are everybody's: name another in the Stack's `state: {bucket: ..}` or as --state s3://BUCKET",
        ),
        Whose::Elsewhere => (
            format!("the bucket {bucket} is in another region than {region}; nothing was changed"),
            "say its region with --region or in the Stack's `state: {region: ..}`, or name another bucket",
        ),
    };
    Err(Failure::said(Code::Refused, message).help(help))
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
    let github = match flags.github.as_deref() {
        None | Some("none") => None,
        Some(text) => Some(bootstrap::subject(text).ok_or_else(|| {
            Failure::said(
                Code::Usage,
                format!("--github {text}: write OWNER/REPO, OWNER/REPO:environment:NAME, or none"),
            )
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
    let deploys = stack.map(|it| format!("{}.{}", it.scope().stack, it.scope().env));
    Ok(Bootstrap { place, scope, role: flags.role.clone(), github, deploys, policies, ..Bootstrap::default() })
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

async fn make(
    global: &Global,
    flags: &BootstrapFlags,
    wanted: &Bootstrap,
    types: Registry,
    term: &Term,
) -> Result<Made, Failure> {
    let desired = wanted.desired();
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
    );
    let mut session = Session::new(world, &desired.scope);
    let wish = Wish {
        refresh: true,
        purpose: "bootstrap".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Wish::default()
    };
    let found = adopt(&mut session, &wanted.with_stale(), &types, &wish).await?;
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
    let applied = session.apply(&desired, &wish, &mut approve).await.map_err(trouble)?;
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
