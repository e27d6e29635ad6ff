//! What `UpdateTable` has still to do, one call for each kind of change: DynamoDB takes one at a time.

use aws_sdk_dynamodb::{
    operation::update_table::builders::UpdateTableInputBuilder as Call,
    types::{
        AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction,
        GlobalSecondaryIndexUpdate, TableClass, UpdateGlobalSecondaryIndexAction,
    },
};
use deployer_engine::{
    diff::escape,
    error::{Class, Error, Result},
    resource::Changed,
};

use super::{
    convert::{self, built},
    spec::{Index, TableSpec},
};
use crate::call::not_yet;

/// What says that it was done already: reads do not tell the last change yet, and what is left is reckoned again.
const DONE: [(&str, &str); 5] = [
    ("ndex", "does not exist"),
    ("ndex", "already exists"),
    ("stream", "has no stream"),
    ("stream", "already has"),
    ("throughput", "will not change"),
];

/// An index, a stream or a capacity that reads still tell and that is another by now.
pub(super) fn late(error: Error) -> Error {
    let text = error.to_string();
    let done = DONE.iter().any(|(what, words)| text.contains(what) && text.contains(words));
    if done && error.class() == Class::Invalid { not_yet("UpdateTable", text) } else { error }
}

/// The calls that lead from `now` to `spec` as far as `changed` goes, in the order in which they have to be made: what goes makes
/// room for what comes, and an index is made when the billing that its capacity follows is right.
pub(super) fn left(now: &TableSpec, spec: &TableSpec, changed: &Changed) -> Result<Vec<Call>> {
    let mut calls: Vec<Call> = Vec::new();
    let mine = |name: &str| {
        let at = format!("/GlobalSecondaryIndexes/{}", escape(name));
        changed.0.iter().any(|path| *path == at || path == "/GlobalSecondaryIndexes")
    };
    let goes = |it: &Index| mine(&it.index_name) && !spec.index(&it.index_name).is_some_and(|to| alike(it, to));
    for it in now.indexes().iter().filter(|it| goes(it)) {
        calls.push(Call::default().global_secondary_index_updates(removed(it)?));
    }
    if changed.touches("TableClass") && class(now) != class(spec) {
        calls.push(Call::default().table_class(TableClass::from(class(spec))));
    }
    if ["BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexes"].iter().any(|field| changed.touches(field)) {
        calls.extend(capacity(now, spec)?);
    }
    if changed.touches("StreamSpecification") && now.stream_specification != spec.stream_specification {
        // Another view is another stream: the one that is there has to end first.
        let next = spec.stream_specification.as_ref().filter(|_| now.stream_specification.is_none());
        calls.push(Call::default().stream_specification(convert::stream(next)?));
        if next.is_none() && spec.stream_specification.is_some() {
            calls.push(Call::default().stream_specification(convert::stream(spec.stream_specification.as_ref())?));
        }
    }
    let protected = |it: &TableSpec| it.deletion_protection_enabled.unwrap_or(false);
    if changed.touches("DeletionProtectionEnabled") && protected(now) != protected(spec) {
        calls.push(Call::default().deletion_protection_enabled(protected(spec)));
    }
    let comes = |it: &&Index| mine(&it.index_name) && !now.index(&it.index_name).is_some_and(|from| alike(from, it));
    for it in spec.indexes().iter().filter(comes) {
        let update = GlobalSecondaryIndexUpdate::builder().create(added(it)?).build();
        calls.push(
            Call::default()
                .set_attribute_definitions(Some(definitions(now, spec, it)?))
                .global_secondary_index_updates(update),
        );
    }
    if changed.touches("SSESpecification") && !encrypted_alike(now, spec) {
        let to = spec.sse_specification.clone().unwrap_or_default();
        calls.push(Call::default().sse_specification(convert::encryption(&to)));
    }
    Ok(calls)
}

/// Only an index's capacity can be changed.
fn alike(from: &Index, to: &Index) -> bool {
    let projected = |it: &Index| {
        let mut names = it.projection.non_key_attributes.clone().unwrap_or_default();
        names.sort();
        (it.projection.projection_type.clone(), names)
    };
    from.key_schema == to.key_schema && projected(from) == projected(to)
}

fn class(spec: &TableSpec) -> &str {
    spec.table_class.as_deref().unwrap_or("STANDARD")
}

/// How requests are paid, and what is kept for them. A table that becomes provisioned needs a capacity for each index as well.
fn capacity(now: &TableSpec, spec: &TableSpec) -> Result<Option<Call>> {
    let switched = now.billing() != spec.billing();
    let billing = switched.then(|| BillingMode::from(spec.billing()));
    if spec.billing() != "PROVISIONED" {
        return Ok(billing.map(|it| Call::default().billing_mode(it)));
    }
    let wanted = spec.provisioned_throughput.as_ref().filter(|it| Some(*it) != now.provisioned_throughput.as_ref());
    let mut updates = Vec::new();
    for it in spec.indexes() {
        let from = now.index(&it.index_name).filter(|from| alike(from, it));
        let units = it.provisioned_throughput.as_ref();
        if from.is_some_and(|from| units.is_some() && units != from.provisioned_throughput.as_ref()) {
            let action = UpdateGlobalSecondaryIndexAction::builder().index_name(&it.index_name);
            let action = built(action.set_provisioned_throughput(convert::throughput(units)?).build())?;
            updates.push(GlobalSecondaryIndexUpdate::builder().update(action).build());
        }
    }
    if !switched && wanted.is_none() && updates.is_empty() {
        return Ok(None);
    }
    let call = Call::default().set_billing_mode(billing).set_provisioned_throughput(convert::throughput(wanted)?);
    Ok(Some(call.set_global_secondary_index_updates(Some(updates).filter(|all| !all.is_empty()))))
}

fn removed(it: &Index) -> Result<GlobalSecondaryIndexUpdate> {
    let action = built(DeleteGlobalSecondaryIndexAction::builder().index_name(&it.index_name).build())?;
    Ok(GlobalSecondaryIndexUpdate::builder().delete(action).build())
}

fn added(it: &Index) -> Result<CreateGlobalSecondaryIndexAction> {
    let action = CreateGlobalSecondaryIndexAction::builder()
        .index_name(&it.index_name)
        .set_key_schema(Some(convert::keys(&it.key_schema)?))
        .projection(convert::projection(&it.projection))
        .set_provisioned_throughput(convert::throughput(it.provisioned_throughput.as_ref())?);
    built(action.build())
}

/// The attributes that are keys once `new` is there, and no others: DynamoDB demands exactly these.
fn definitions(now: &TableSpec, spec: &TableSpec, new: &Index) -> Result<Vec<AttributeDefinition>> {
    let indexed = now.indexes().iter().chain([new]).flat_map(|it| &it.key_schema);
    let keys: Vec<&str> = now.keys().chain(indexed.map(|key| key.attribute_name.as_str())).collect();
    let stated = |name: &str| spec.attribute_definitions.iter().any(|it| it.attribute_name == name);
    let foreign = now.attribute_definitions.iter().filter(|it| !stated(&it.attribute_name));
    let all = spec.attribute_definitions.iter().chain(foreign);
    convert::definitions(all.filter(|it| keys.contains(&it.attribute_name.as_str())))
}

/// An id and an ARN may mean one key.
fn encrypted_alike(now: &TableSpec, spec: &TableSpec) -> bool {
    let (now, spec) =
        (now.sse_specification.clone().unwrap_or_default(), spec.sse_specification.clone().unwrap_or_default());
    let key = |it: Option<String>| it.map(|key| key_id(&key).to_owned());
    now.enabled == spec.enabled && (!spec.enabled || spec.key.is_none() || key(now.key) == key(spec.key))
}

/// The id of a key that may be told by its ARN.
pub(super) fn key_id(key: &str) -> &str {
    key.rsplit_once(":key/").map_or(key, |(_, id)| id)
}
