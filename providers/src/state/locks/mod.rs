//! Locks in a table: one item per holder, one per locked component, which names its holder.
//!
//! A transaction of conditional writes takes all of them or none, up to a hundred at once; its answer tells which of them another
//! holds. `expiresAt` lies days ahead and is for the table's janitor alone: it never decides who holds a lock.

mod components;
mod janitor;

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::{Client, config, primitives::Blob, types::AttributeValue};
use bytes::Bytes;
use deployer_engine::{
    address::ComponentId,
    desired::Scope,
    error::{Error, Result},
    store::{HolderId, LockStore, StoreError, Taken, Version},
};
use sha2::{Digest, Sha256};

use super::{EXPIRES, KEY, Place, code, trouble::Site};
use crate::{Aws, call::failed};
use janitor::Janitor;

const HOLDER: &str = "holder";
const RECORD: &str = "record";
const VERSION: &str = "version";

type Item = HashMap<String, AttributeValue>;

/// The locks of one stack and environment in a table.
pub struct TableLocks {
    dynamodb: Client,
    janitor: Janitor,
    table: String,
    site: Site,
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

impl TableLocks {
    /// The locks of `scope` over these clients, which have to be of the table's region.
    pub fn new(aws: &Aws, place: &Place, scope: &Scope) -> Self {
        let janitor = Janitor::default();
        let config = config::Builder::from(aws.config()).interceptor(janitor.clone()).build();
        Self {
            dynamodb: Client::from_conf(config),
            janitor,
            table: place.table.clone(),
            site: Site::new(format!("table {}", place.table), aws.region(), place),
            prefix: format!("{}/{}{}/{}/", place.bucket, place.prefix, scope.stack, scope.env),
        }
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

    /// An item of these attributes, with the janitor's date.
    async fn dated<const N: usize>(&self, key: String, attributes: [(&str, AttributeValue); N]) -> Result<Item> {
        if !self.janitor.knows_the_time() {
            // Any answer tells it, and this one's permission is there.
            self.item(key.clone()).await?;
        }
        let date = self.janitor.date().map(|date| (EXPIRES, date));
        let all = [(KEY, text(key))].into_iter().chain(attributes).chain(date);
        Ok(all.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn trouble(&self, action: &'static str, key: &str, operation: &str) -> impl FnOnce(Error) -> StoreError {
        let permission = format!("dynamodb:{operation}");
        move |error| self.site.trouble(action, key, &permission, error)
    }

    async fn item(&self, key: String) -> Result<Option<Item>> {
        let call = self.dynamodb.get_item().table_name(&self.table).key(KEY, text(key)).consistent_read(true);
        Ok(call.send().await.map_err(failed("GetItem"))?.item)
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
        let attributes = [(VERSION, text(&version)), (RECORD, AttributeValue::B(Blob::new(bytes)))];
        let item = self.dated(self.holder_key(id), attributes).await.map_err(self.trouble("read", id, "GetItem"))?;
        let call = self.dynamodb.put_item().table_name(&self.table).set_item(Some(item));
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
        self.free_all(holder, components).await.map_err(self.trouble("unlock", holder, "DeleteItem"))
    }

    async fn locks(&self) -> Result<BTreeMap<ComponentId, HolderId>, StoreError> {
        self.all().await.map_err(self.trouble("list", "locks", "Scan"))
    }
}
