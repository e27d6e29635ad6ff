//! `AWS::DynamoDB::Table`.
//!
//! A table takes one change at a time and is busy for a while after each: an update makes the next one of those that are left,
//! as the table is now, and asks to be called again. Time to live and recovery have calls and times of their own.

mod changes;
mod convert;
mod parts;
mod spec;

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{BillingMode, TableClass, TableDescription as Live, TableStatus},
};
use deployer_engine::{
    error::{Error, Result},
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CreateOnly, Document, OnRemove, OwnedElsewhereWhen, ServerDefault, Unordered},
        OnRemove::{Keep, Reset},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use serde_json::{Value, json};

pub use spec::TableSpec;

use super::RATE;
use crate::{
    Aws,
    call::{failed, found, gone, not_yet},
    tags::to_map,
};

/// A table.
pub struct Table {
    db: Client,
}

impl Table {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { db: Client::new(aws.config()) }
    }

    async fn describe(&self, name: &str) -> Result<Live> {
        let answer = self.db.describe_table().table_name(name).send().await.map_err(failed("DescribeTable"))?;
        answer.table.ok_or_else(|| Error::Missing(format!("DescribeTable tells nothing of {name}")))
    }
}

/// A change of an index of a big table takes hours; one of time to live waits for an hour.
const LONG: Settle = Settle {
    usual: Duration::from_secs(15),
    budget: Duration::from_secs(14_400),
    first: Duration::from_secs(2),
    every: Duration::from_secs(3),
    confirmations: 1,
};

impl Resource for Table {
    const TYPE: &'static str = "AWS::DynamoDB::Table";
    const FACTS: Facts = Facts {
        fields: &[
            ("/TableName", CreateOnly),
            ("/KeySchema", CreateOnly),
            // Attributes come and go with the indexes that they are keys of; what one is never changes.
            ("/AttributeDefinitions", ByKey("AttributeName")),
            ("/AttributeDefinitions/*/AttributeType", CreateOnly),
            ("/LocalSecondaryIndexes", CreateOnly),
            ("/LocalSecondaryIndexes", Unordered),
            ("/LocalSecondaryIndexes/*/Projection/NonKeyAttributes", Unordered),
            ("/GlobalSecondaryIndexes", ByKey("IndexName")),
            ("/GlobalSecondaryIndexes/*/Projection/NonKeyAttributes", Unordered),
            ("/GlobalSecondaryIndexes/*/ProvisionedThroughput", OwnedElsewhereWhen(on_demand)),
            ("/GlobalSecondaryIndexes/*/ProvisionedThroughput", OnRemove(Keep)),
            ("/BillingMode", ServerDefault("\"PROVISIONED\"")),
            ("/BillingMode", OnRemove(Reset("\"PROVISIONED\""))),
            ("/ProvisionedThroughput", OwnedElsewhereWhen(on_demand)),
            ("/ProvisionedThroughput", OnRemove(Keep)),
            ("/SSESpecification", ServerDefault("{\"SSEEnabled\": false}")),
            ("/SSESpecification", OnRemove(Reset("{\"SSEEnabled\": false}"))),
            ("/SSESpecification/SSEType", ServerDefault("\"KMS\"")),
            ("/SSESpecification/KMSMasterKeyId", OwnedElsewhereWhen(plain)),
            ("/SSESpecification/KMSMasterKeyId", Document(key)),
            // AWS goes back to its own key only by way of no key at all.
            ("/SSESpecification/KMSMasterKeyId", OnRemove(Keep)),
            ("/TimeToLiveSpecification", ServerDefault("{\"Enabled\": false}")),
            ("/TimeToLiveSpecification", OnRemove(Reset("{\"Enabled\": false}"))),
            ("/TimeToLiveSpecification/AttributeName", OwnedElsewhereWhen(lasting)),
            ("/PointInTimeRecoverySpecification", ServerDefault("{\"PointInTimeRecoveryEnabled\": false}")),
            ("/PointInTimeRecoverySpecification", OnRemove(Reset("{\"PointInTimeRecoveryEnabled\": false}"))),
            ("/PointInTimeRecoverySpecification/RecoveryPeriodInDays", OwnedElsewhereWhen(unrecovered)),
            ("/PointInTimeRecoverySpecification/RecoveryPeriodInDays", OnRemove(Reset("35"))),
            ("/DeletionProtectionEnabled", ServerDefault("false")),
            ("/DeletionProtectionEnabled", OnRemove(Reset("false"))),
            ("/TableClass", ServerDefault("\"STANDARD\"")),
            ("/TableClass", OnRemove(Reset("\"STANDARD\""))),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[
            Output::created("Arn"),
            Output::created("TableName"),
            Output { changed_by: &["/StreamSpecification"], ..Output::ready("StreamArn") },
        ],
        name: Some(NameRule::regional("/TableName")),
        found: FoundBy::Name,
        settle: SettleTable {
            create: Settle { budget: Duration::from_secs(1_800), first: Duration::from_secs(5), ..LONG },
            update: LONG,
            delete: Settle { budget: Duration::from_secs(1_200), ..LONG },
        },
        rate: RATE,
        stateful: true,
        ..Facts::NAMED
    };
    type Spec = TableSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<TableSpec>> {
        let Some(live) = found(self.describe(&id.0).await)? else { return Ok(Seen::Absent) };
        let mut spec = convert::from_live(&live);
        if wanted.has("TimeToLiveSpecification") {
            spec.time_to_live_specification = Some(self.time_to_live(&id.0).await?);
        }
        if wanted.has("PointInTimeRecoverySpecification") {
            spec.point_in_time_recovery_specification = Some(self.recovery(&id.0).await?);
        }
        let arn = live.table_arn.clone().unwrap_or_default();
        if wanted.has("Tags") {
            let Some(tags) = found(self.tags(&arn).await)? else { return Ok(Seen::Absent) };
            spec.tags = tags;
        }
        // The ARN of a stream that has ended is told as well.
        let stream = live.latest_stream_arn.as_ref().filter(|_| spec.stream_specification.is_some());
        let outputs = [("Arn", json!(arn)), ("TableName", json!(id)), ("StreamArn", json!(stream))];
        Ok(match (convert::under_way(&live), live.table_status) {
            (Some(status), _) => Seen::pending(status, spec, outputs),
            (None, Some(TableStatus::Active)) => Seen::ready(spec, outputs),
            (None, status) => Seen::stuck(status.map_or_else(String::new, |it| it.to_string()), spec, outputs),
        })
    }

    async fn create(&self, _: &Identity, spec: &TableSpec) -> Result<Created> {
        spec.check("CreateTable")?;
        let call = self
            .db
            .create_table()
            .table_name(&spec.table_name)
            .set_key_schema(Some(convert::keys(&spec.key_schema)?))
            .set_attribute_definitions(Some(convert::definitions(&spec.attribute_definitions)?))
            .set_billing_mode(spec.billing_mode.as_deref().map(BillingMode::from))
            .set_provisioned_throughput(convert::throughput(spec.provisioned_throughput.as_ref())?)
            .set_global_secondary_indexes(convert::global(spec.indexes())?)
            .set_local_secondary_indexes(convert::local(spec.local_secondary_indexes.as_deref().unwrap_or_default())?)
            .set_stream_specification(
                spec.stream_specification.as_ref().map(|it| convert::stream(Some(it))).transpose()?,
            )
            .set_sse_specification(spec.sse_specification.as_ref().filter(|it| it.enabled).map(convert::encryption))
            .set_deletion_protection_enabled(spec.deletion_protection_enabled)
            .set_table_class(spec.table_class.as_deref().map(TableClass::from))
            .set_tags(Some(convert::tags(to_map(spec.tags.as_ref()))?));
        let made = call.send().await.map_err(failed("CreateTable"))?.table_description;
        Ok(Created::whole(spec.table_name.clone())
            .without(&["PointInTimeRecoverySpecification", "TimeToLiveSpecification"])
            .output("Arn", made.and_then(|it| it.table_arn))
            .output("TableName", spec.table_name.clone()))
    }

    async fn update(&self, id: &PhysicalId, _: &TableSpec, spec: &TableSpec, changed: &Changed) -> Result<()> {
        spec.check("UpdateTable")?;
        let live = self.describe(&id.0).await?;
        if let Some(status) = convert::under_way(&live) {
            return Err(not_yet("UpdateTable", format!("another change is under way ({status})")));
        }
        let mut calls = changes::left(&convert::from_live(&live), spec, changed)?.into_iter();
        if let Some(call) = calls.next() {
            let answer = call.table_name(&id.0).send_with(&self.db).await.map_err(failed("UpdateTable"));
            answer.map_err(changes::late)?;
        }
        if calls.len() > 0 {
            return Err(not_yet(
                "UpdateTable",
                format!("a table takes one change at a time, {} are left", calls.len()),
            ));
        }
        if changed.touches("PointInTimeRecoverySpecification") {
            self.recover(&id.0, spec.point_in_time_recovery_specification.as_ref()).await?;
        }
        if changed.touches("TimeToLiveSpecification") {
            self.expire(&id.0, spec.time_to_live_specification.as_ref()).await?;
        }
        self.retag(&live.table_arn.unwrap_or_default(), changed, spec.tags.as_ref()).await
    }

    /// What is protected loses its protection first, which is a change like any other; a table that is busy is not deleted.
    async fn delete(&self, id: &PhysicalId, applied: &TableSpec, _: &DeleteOptions) -> Result<()> {
        let Some(live) = found(self.describe(&id.0).await)? else { return Ok(()) };
        if live.table_status == Some(TableStatus::Deleting) {
            return Ok(());
        }
        if live.deletion_protection_enabled == Some(true) && applied.deletion_protection_enabled == Some(true) {
            let call = self.db.update_table().table_name(&id.0).deletion_protection_enabled(false);
            gone(call.send().await.map_err(failed("UpdateTable")))?;
        }
        gone(self.db.delete_table().table_name(&id.0).send().await.map_err(failed("DeleteTable")))
    }

    async fn find(&self, _: &Identity, spec: &TableSpec) -> Result<Option<PhysicalId>> {
        Ok(found(self.describe(&spec.table_name).await)?.map(|_| PhysicalId(spec.table_name.clone())))
    }
}

fn on_demand(spec: &Value) -> bool {
    spec["BillingMode"] == "PAY_PER_REQUEST"
}

fn plain(spec: &Value) -> bool {
    spec["SSESpecification"]["SSEEnabled"] != true
}

fn lasting(spec: &Value) -> bool {
    spec["TimeToLiveSpecification"]["Enabled"] != true
}

fn unrecovered(spec: &Value) -> bool {
    spec["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] != true
}

fn key(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |it| changes::key_id(it).into())
}
