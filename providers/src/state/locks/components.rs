//! Taking and freeing components: pages of transactions.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deployer_engine::{
    address::ComponentId,
    error::{Class, Error, Result},
    store::{HolderId, Taken},
};
use futures::future::try_join_all;

use super::{HOLDER, Item, KEY, TableLocks, code, said, text};
use crate::call::failed;

/// How many writes a transaction takes.
const PAGE: usize = 100;

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
    /// Points one page of components to `holder`, or none of them.
    async fn take_page(&self, holder: &str, components: &[ComponentId]) -> Result<Taken> {
        let put = |item: Item| {
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(#key) OR #holder = :holder")
                .expression_attribute_names("#key", KEY)
                .expression_attribute_names("#holder", HOLDER)
                .expression_attribute_values(":holder", text(holder))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            put.build().map(|put| TransactWriteItem::builder().put(put).build())
        };
        let dated =
            async |component: &ComponentId| self.dated(self.lock_key(component), [(HOLDER, text(holder))]).await;
        let mut items = Vec::new();
        for component in components {
            items.push(dated(component).await?);
        }
        let puts = items.into_iter().map(put).collect::<Result<Vec<_>, _>>().map_err(unbuilt)?;
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
    pub(super) async fn take_all(&self, holder: &str, components: &[ComponentId]) -> Result<Taken> {
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

    /// Frees page after page.
    pub(super) async fn free_all(&self, holder: &str, components: &[ComponentId]) -> Result<()> {
        for page in components.chunks(PAGE) {
            self.free_page(holder, page).await?;
        }
        Ok(())
    }

    /// Every lock of this stack and environment. Only what is locked just now has an item, so a scan is short.
    pub(super) async fn all(&self) -> Result<BTreeMap<ComponentId, HolderId>> {
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
