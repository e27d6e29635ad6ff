//! Locks in a table: one item per holder, one per locked component, which names its holder.
//!
//! A transaction of conditional writes takes all of them or none, up to a hundred at once; its answer tells which of them another
//! holds. `expiresAt` lies days ahead and is for the table's janitor alone: it never decides who holds a lock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    primitives::Blob,
    types::{AttributeValue, CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;
use deployer_engine::{
    address::ComponentId,
    clock::Clock,
    desired::Scope,
    error::{Class, Error, Result},
    store::{HolderId, LockStore, StoreError, Taken, Version},
};
use futures::future::try_join_all;
use sha2::{Digest, Sha256};

use super::{EXPIRES, KEY, Place, code, trouble};
use crate::{Aws, call::failed};

/// How many writes a transaction takes.
const PAGE: usize = 100;
/// When the janitor may take away what nobody took away.
const DAYS: Duration = Duration::from_secs(7 * 24 * 3_600);

const HOLDER: &str = "holder";
const RECORD: &str = "record";
const VERSION: &str = "version";

type Item = HashMap<String, AttributeValue>;

/// The locks of one stack and environment in a table.
pub struct TableLocks {
    dynamodb: Client,
    clock: Arc<dyn Clock>,
    table: String,
    /// The place, stack and environment: what stands before every key.
    prefix: String,
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn said<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn version(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::Missing(error.to_string())
}

/// A transaction that was cancelled for other reasons than a lock that another holds.
fn cancelled(reasons: &[CancellationReason]) -> Error {
    let codes: Vec<&str> = reasons.iter().filter_map(CancellationReason::code).filter(|it| *it != "None").collect();
    // A transaction of another's on the same item is on its way, or ours itself is.
    let conflict = codes.contains(&"TransactionConflict");
    Error::Call {
        operation: "TransactWriteItems",
        class: if conflict { Class::Ambiguous } else { Class::Other },
        code: if conflict { "TransactionConflictException" } else { "TransactionCanceledException" }.to_owned(),
        message: codes.join(", "),
        source: None,
    }
}

impl TableLocks {
    /// The locks of `scope` over these clients, which have to be of the table's region. The clock is for the janitor's date.
    pub fn new(aws: &Aws, place: &Place, scope: &Scope, clock: Arc<dyn Clock>) -> Self {
        let prefix = format!("{}/{}{}/{}/", place.bucket, place.prefix, scope.stack, scope.env);
        Self { dynamodb: Client::new(aws.config()), clock, table: place.table.clone(), prefix }
    }

    fn holder_key(&self, id: &str) -> String {
        format!("{}holders/{id}", self.prefix)
    }

    fn locks_prefix(&self) -> String {
        format!("{}locks/", self.prefix)
    }

    fn lock_key(&self, component: &ComponentId) -> String {
        format!("{}{component}", self.locks_prefix())
    }

    fn expires(&self) -> AttributeValue {
        let seconds = self.clock.wall_millis() / 1_000 + DAYS.as_secs();
        AttributeValue::N(seconds.to_string())
    }

    fn trouble(&self, action: &'static str, key: &str, operation: &str) -> impl FnOnce(Error) -> StoreError {
        let (key, place) = (key.to_owned(), format!("table {}", self.table));
        let permission = format!("dynamodb:{operation}");
        move |error| trouble(action, &key, &place, &permission, error)
    }

    async fn item(&self, key: String) -> Result<Option<Item>> {
        let call = self.dynamodb.get_item().table_name(&self.table).key(KEY, text(key)).consistent_read(true);
        Ok(call.send().await.map_err(failed("GetItem"))?.item)
    }

    /// Points one page of components to `holder`, or none of them.
    async fn take_page(&self, holder: &str, components: &[ComponentId]) -> Result<Taken> {
        let put = |component: &ComponentId| {
            let put = Put::builder()
                .table_name(&self.table)
                .item(KEY, text(self.lock_key(component)))
                .item(HOLDER, text(holder))
                .item(EXPIRES, self.expires())
                .condition_expression("attribute_not_exists(#key) OR #holder = :holder")
                .expression_attribute_names("#key", KEY)
                .expression_attribute_names("#holder", HOLDER)
                .expression_attribute_values(":holder", text(holder))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            put.build().map(|put| TransactWriteItem::builder().put(put).build())
        };
        let puts = components.iter().map(put).collect::<Result<Vec<_>, _>>().map_err(unbuilt)?;
        let answer = self.dynamodb.transact_write_items().set_transact_items(Some(puts)).send().await;
        let error = match answer {
            Ok(_) => return Ok(Taken::All),
            Err(error) => error,
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(why)) = error.as_service_error() else {
            return Err(failed("TransactWriteItems")(error));
        };
        let held = components.iter().zip(why.cancellation_reasons()).filter_map(|(component, reason)| {
            let by = reason.item().and_then(|item| said(item, HOLDER))?;
            (reason.code() == Some("ConditionalCheckFailed")).then(|| (component.clone(), by.to_owned()))
        });
        let held: BTreeMap<ComponentId, HolderId> = held.collect();
        if held.is_empty() { Err(cancelled(why.cancellation_reasons())) } else { Ok(Taken::HeldBy(held)) }
    }

    /// Takes page after page; what was taken before a page that another holds a part of is given back.
    async fn take_all(&self, holder: &str, components: &[ComponentId]) -> Result<Taken> {
        let mut sorted = components.to_vec();
        sorted.sort();
        sorted.dedup();
        let mut fresh = Vec::new();
        for page in sorted.chunks(PAGE) {
            // Only where there is a page before which something may have to be given back.
            let before = if sorted.len() > PAGE { self.all().await? } else { BTreeMap::new() };
            match self.take_page(holder, page).await? {
                Taken::All => {
                    fresh.extend(page.iter().filter(|it| before.get(*it).is_none_or(|by| by != holder)).cloned())
                }
                held => {
                    self.free_each(holder, &fresh).await?;
                    return Ok(held);
                }
            }
        }
        Ok(Taken::All)
    }

    async fn free_each(&self, holder: &str, components: &[ComponentId]) -> Result<()> {
        try_join_all(components.iter().map(|component| self.free_one(holder, component))).await.map(drop)
    }

    async fn free_one(&self, holder: &str, component: &ComponentId) -> Result<()> {
        let call = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .key(KEY, text(self.lock_key(component)))
            .condition_expression("attribute_not_exists(#key) OR #holder = :holder")
            .expression_attribute_names("#key", KEY)
            .expression_attribute_names("#holder", HOLDER)
            .expression_attribute_values(":holder", text(holder));
        match call.send().await.map_err(failed("DeleteItem")) {
            Err(error) if code(&error) != "ConditionalCheckFailedException" => Err(error),
            _ => Ok(()),
        }
    }

    /// Frees one page at once if all of it is `holder`'s; else one by one what is.
    async fn free_page(&self, holder: &str, components: &[ComponentId]) -> Result<()> {
        let delete = |component: &ComponentId| {
            let delete = Delete::builder()
                .table_name(&self.table)
                .key(KEY, text(self.lock_key(component)))
                .condition_expression("#holder = :holder")
                .expression_attribute_names("#holder", HOLDER)
                .expression_attribute_values(":holder", text(holder));
            delete.build().map(|delete| TransactWriteItem::builder().delete(delete).build())
        };
        let deletes = components.iter().map(delete).collect::<Result<Vec<_>, _>>().map_err(unbuilt)?;
        match self.dynamodb.transact_write_items().set_transact_items(Some(deletes)).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("TransactionCanceledException") => {
                self.free_each(holder, components).await
            }
            Err(error) => Err(failed("TransactWriteItems")(error)),
        }
    }

    /// Every lock of this stack and environment. Only what is locked just now has an item, so a scan is short.
    async fn all(&self) -> Result<BTreeMap<ComponentId, HolderId>> {
        let (mut found, mut from) = (BTreeMap::new(), None);
        loop {
            let call = self
                .dynamodb
                .scan()
                .table_name(&self.table)
                .consistent_read(true)
                .filter_expression("begins_with(#key, :prefix)")
                .expression_attribute_names("#key", KEY)
                .expression_attribute_values(":prefix", text(self.locks_prefix()))
                .set_exclusive_start_key(from);
            let page = call.send().await.map_err(failed("Scan"))?;
            for item in page.items.unwrap_or_default() {
                let component = said(&item, KEY).and_then(|key| key.strip_prefix(&self.locks_prefix())?.parse().ok());
                if let (Some(component), Some(holder)) = (component, said(&item, HOLDER)) {
                    found.insert(component, holder.to_owned());
                }
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(found);
            }
        }
    }
}

#[async_trait]
impl LockStore for TableLocks {
    async fn holder(&self, id: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        let item = self.item(self.holder_key(id)).await.map_err(self.trouble("read", id, "GetItem"))?;
        let record = |item: Item| {
            let version = Version(said(&item, VERSION)?.to_owned());
            Some((version, item.get(RECORD)?.as_b().ok()?.clone().into_inner().into()))
        };
        Ok(item.and_then(record))
    }

    async fn put_holder(&self, id: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        let version = version(&bytes);
        let call = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item(KEY, text(self.holder_key(id)))
            .item(VERSION, text(&version))
            .item(RECORD, AttributeValue::B(Blob::new(bytes)))
            .item(EXPIRES, self.expires());
        let call = match expected {
            None => call.condition_expression("attribute_not_exists(#key)").expression_attribute_names("#key", KEY),
            Some(expected) => call
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":version", text(&expected.0)),
        };
        let answer = call.send().await.map_err(failed("PutItem"));
        answer.map(|_| Version(version)).map_err(self.trouble("write", id, "PutItem"))
    }

    async fn drop_holder(&self, id: &str, expected: &Version) -> Result<(), StoreError> {
        let call = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .key(KEY, text(self.holder_key(id)))
            .condition_expression("attribute_not_exists(#key) OR #version = :version")
            .expression_attribute_names("#key", KEY)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":version", text(&expected.0));
        let answer = call.send().await.map_err(failed("DeleteItem"));
        answer.map(drop).map_err(self.trouble("remove", id, "DeleteItem"))
    }

    async fn take(&self, holder: &str, components: &[ComponentId]) -> Result<Taken, StoreError> {
        self.take_all(holder, components).await.map_err(self.trouble("lock", holder, "PutItem"))
    }

    async fn free(&self, holder: &str, components: &[ComponentId]) -> Result<(), StoreError> {
        for page in components.chunks(PAGE) {
            self.free_page(holder, page).await.map_err(self.trouble("unlock", holder, "DeleteItem"))?;
        }
        Ok(())
    }

    async fn locks(&self) -> Result<BTreeMap<ComponentId, HolderId>, StoreError> {
        self.all().await.map_err(self.trouble("list", "locks", "Scan"))
    }
}
