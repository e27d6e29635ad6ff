//! Batched reads: one describe call's answers, in the order that was asked.

use std::collections::BTreeMap;

use deployer_engine::{
    error::{Class, Error, Result},
    resource::{PhysicalId, Seen, Wanted},
};

use crate::call::found;

/// What one call tells of all of them; where it is refused because one is gone, one call each.
pub(crate) async fn all_or_each<L, F: Future<Output = Result<Vec<L>>>>(
    ids: &[(PhysicalId, Wanted)],
    describe: impl Fn(Vec<String>) -> F,
) -> Result<Vec<L>> {
    let all: Vec<String> = ids.iter().map(|(id, _)| id.0.clone()).collect();
    match describe(all.clone()).await {
        Err(error) if error.class() == Class::NotFound && ids.len() > 1 => {
            let each = futures::future::join_all(all.into_iter().map(|id| describe(vec![id]))).await;
            let each: Result<Vec<Option<Vec<L>>>> = each.into_iter().map(found).collect();
            Ok(each?.into_iter().flatten().flatten().collect())
        }
        answer => Ok(found(answer)?.unwrap_or_default()),
    }
}

/// For each id what a call told of it; what it did not tell is not there. A call that failed failed for all.
pub(crate) fn in_order<L>(
    ids: &[(PhysicalId, Wanted)],
    answer: Result<Vec<L>>,
    id: impl Fn(&L) -> Option<&str>,
) -> Vec<Result<Option<L>>> {
    match answer {
        Ok(all) => {
            let mut all: BTreeMap<String, L> =
                all.into_iter().filter_map(|it| Some((id(&it)?.to_owned(), it))).collect();
            ids.iter().map(|(id, _)| Ok(all.remove(&id.0))).collect()
        }
        Err(error) => copies(ids.len(), error),
    }
}

/// A call that failed, as the answer for each of those who shared it.
pub(crate) fn copies<T>(count: usize, error: Error) -> Vec<Result<T>> {
    let mut all: Vec<Result<T>> = (1..count).map(|_| Err(error.without_source())).collect();
    all.push(Err(error));
    all
}

/// The same, each made of what was told of it alone.
pub(crate) fn read<L, S>(
    ids: &[(PhysicalId, Wanted)],
    answer: Result<Vec<L>>,
    id: impl Fn(&L) -> Option<&str>,
    seen: impl Fn(L) -> Seen<S>,
) -> Vec<Result<Seen<S>>> {
    in_order(ids, answer, id).into_iter().map(|live| Ok(live?.map_or(Seen::Absent, &seen))).collect()
}

/// The answer of a batch of one.
pub(crate) fn one<S>(answers: Vec<Result<Seen<S>>>) -> Result<Seen<S>> {
    answers.into_iter().next().unwrap_or(Ok(Seen::Absent))
}
