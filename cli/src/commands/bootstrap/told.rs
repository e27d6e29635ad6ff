//! What `init --bootstrap` says: what it leaves as it is, what came of it, and what a Stack needs to keep its state there.

use std::collections::BTreeMap;

use deployer_engine::{address::Address, plan::Plan, session::Applied};
use deployer_providers::state::{
    TABLE,
    bootstrap::{Bootstrap, Live},
};
use serde_json::{Value, json};

use crate::{
    commands::ended,
    context::Context,
    exit::{Code, Failure},
    render::plan as drawn,
    term::{Term, Tone},
};

/// What came of it.
pub(super) struct Made {
    /// What was there already: its id.
    pub(super) adopted: BTreeMap<Address, String>,
    /// How it ended.
    pub(super) applied: Applied,
    /// Nobody could be asked.
    pub(super) missing: bool,
}

/// The last line of `--json`.
pub(super) fn summary(made: &Made, wanted: &Bootstrap, left: &[String]) -> Value {
    let Bootstrap { place, scope, .. } = wanted;
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
        "left": left,
        "state": {
            "bucket": place.bucket,
            "prefix": place.prefix,
            "table": place.table,
            "region": scope.region,
            "account": scope.account,
        },
    })
}

/// The last words, and how the process ends.
pub(super) fn end(made: &Made, wanted: &Bootstrap, term: &Term) -> Result<Code, Failure> {
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
            Err(Failure::said(Code::Refused, "what is there would have to be replaced; nothing was changed")
                .help(instead(plan, wanted)))
        }
        Applied::Declined if made.missing => Err(Failure::unasked()),
        Applied::Declined => Err(Failure::declined()),
    }
}

/// Another name, for what stands there under this one and cannot become what is needed.
fn instead(plan: &Plan, wanted: &Bootstrap) -> String {
    let refused = |part: &str| plan.steps.iter().any(|it| it.address().component.name == part);
    if refused("locks") {
        let (bucket, table) = (&wanted.place.bucket, &wanted.place.table);
        format!(
            "the table {table} cannot become one of locks: name another that is not there yet, in the Stack's `state: {{table: ..}}` or as --state 's3://{bucket}?table=NAME'"
        )
    } else {
        "--role NAME makes another role with its policies; another bucket is named with --state s3://BUCKET".to_owned()
    }
}

/// What the role has, or keeps, beside what is asked for.
pub(super) fn left(wanted: &Bootstrap, live: &Live) -> Vec<String> {
    let role = &wanted.role;
    let inline = live.inline.iter().map(|name| {
        let way = format!("aws iam delete-role-policy --role-name {role} --policy-name {name}");
        format!("{role} has the inline policy {name}, which stays; `{way}` deletes it")
    });
    let jobs = wanted.kept_jobs.iter().map(|it| {
        let way = "--github REPOSITORY names another, --github none ends it";
        format!("{role} can still be taken by GitHub's jobs of {}; {way}", subjects(it))
    });
    let policies =
        wanted.kept_policies.iter().map(|arn| format!("{role} keeps {arn}: no stack is here that says what it needs"));
    inline.chain(jobs).chain(policies).collect()
}

/// Whose tokens a statement lets in.
fn subjects(statement: &Value) -> String {
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    let pairs = conditions.filter_map(|(_, pairs)| pairs.as_object()).flatten();
    let of_token = pairs.filter(|(key, _)| key.ends_with(":sub"));
    let words = of_token.map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    words.collect::<Vec<_>>().join(", ")
}

/// The lines that a Stack needs to keep its state there.
pub(super) fn say_next(wanted: &Bootstrap, stack: Option<&Context>, term: &Term) {
    let Bootstrap { place, scope, .. } = wanted;
    let stated = stack.and_then(|it| it.loaded.stack.state.as_ref());
    if stated.is_some() {
        if place.account.is_none() {
            let account = &scope.account;
            term.say(format!(
                "\n`account: \"{account}\"` in the Stack's `state` has every other account's bucket refused."
            ));
        }
        return;
    }
    let said = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!(", {name}: {value}") };
    let (prefix, table) = (
        said("prefix", place.prefix.trim_end_matches('/')),
        said("table", Some(place.table.as_str()).filter(|it| *it != TABLE).unwrap_or_default()),
    );
    term.say(format!(
        "\nIn the Stack's spec:\n  state: {{bucket: {}, region: {}, account: \"{}\"{prefix}{table}}}",
        place.bucket, scope.region, scope.account
    ));
    term.say("`deployer state pull DIR` before, and `deployer state push DIR` after it, takes along what a folder remembers.");
}
