//! `iam-policy`: the permissions that deploying this stack needs, and no others. Never touches the network.

use std::collections::BTreeMap;

use deployer_engine::lookup::Lookup;
use deployer_providers::permissions::{self, Kept, LIMIT, Needs};

use crate::{
    args::Global,
    context::{Context, Reach},
    exit::{Code, Failure},
    stores,
    term::Term,
};

/// Runs it.
pub async fn run(global: &Global, term: &Term) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::Files, term).await?;
    let desired = &context.loaded.desired;
    let graph = deployer_engine::plan::check(desired);
    graph.map_err(|found| Failure::Problems(Box::new(context.problems(found))))?;
    let asked: BTreeMap<String, &Lookup> =
        context.loaded.asked.iter().map(|it| (it.lookup.key(), &it.lookup)).collect();
    let asked: Vec<&Lookup> = asked.into_values().collect();
    let kept = match stores::Kept::of(global, &context.loaded)? {
        stores::Kept::Folder(_) => None,
        stores::Kept::Bucket(state) => {
            let region = state.region.clone().unwrap_or_else(|| desired.scope.region.clone());
            Some((stores::place(&state), region))
        }
    };
    let table = global.deployer.permissions()?;
    let needs = Needs {
        table: &table,
        types: &context.types,
        desired,
        lookups: &asked,
        state: kept.as_ref().map(|(place, region)| Kept { place, region }),
        account: context.loaded.stack.account.as_deref(),
    };
    let mut documents = permissions::policies(&needs)?;
    let count = documents.len();
    if count > 1 && term.level >= 0 {
        term.note(format!(
            "{count} documents: IAM takes {LIMIT} characters in one managed policy; attach each as a policy of its own"
        ));
    }
    if needs.account.is_none() && term.level >= 0 {
        term.note(
            "the account is not known and stands as *: name it in the environment (`account`) for a narrower policy",
        );
    }
    let printed = match documents.pop() {
        Some(only) if documents.is_empty() => only,
        last => documents.into_iter().chain(last).collect(),
    };
    term.line(format!("{printed:#}"));
    Ok(Code::Done)
}
