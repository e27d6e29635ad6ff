//! A table as DynamoDB describes it, in the user's own shape; and the user's own shape as its calls take it.

use std::fmt::Display;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType,
    LocalSecondaryIndex, Projection as LiveProjection, ProjectionType, ProvisionedThroughput,
    ProvisionedThroughputDescription, ScalarAttributeType, SseSpecification, SseStatus, SseType, StreamSpecification,
    StreamViewType, TableDescription, TableStatus, Tag as DynamoTag,
};
use deployer_engine::error::{Error, Result};

use super::spec::{Attribute, Encryption, Index, Key, LocalIndex, Projection, Stream, TableSpec, Throughput};

/// What is under way, in AWS's words: nothing else is taken meanwhile.
pub(super) fn under_way(live: &TableDescription) -> Option<String> {
    let table = live.table_status.as_ref().filter(|it| {
        !matches!(
            it,
            TableStatus::Active
                | TableStatus::InaccessibleEncryptionCredentials
                | TableStatus::Archived
                | TableStatus::ReplicationNotAuthorized
        )
    });
    let index = || {
        let of = |it: &IndexStatus| Some(it.as_str().to_owned()).filter(|_| *it != IndexStatus::Active);
        let mut all = live.global_secondary_indexes.iter().flatten();
        all.find_map(|it| {
            let status = it.index_status.as_ref().and_then(of)?;
            Some(format!("index {}: {status}", it.index_name.as_deref().unwrap_or_default()))
        })
    };
    let encryption = || {
        let status = live.sse_description.as_ref()?.status.as_ref()?;
        let done = matches!(status, SseStatus::Enabled | SseStatus::Disabled);
        Some(format!("encryption: {}", status.as_str())).filter(|_| !done)
    };
    table.map(|it| it.as_str().to_owned()).or_else(index).or_else(encryption)
}

/// What it tells of itself; time to live, recovery and tags are asked for elsewhere.
pub(super) fn from_live(live: &TableDescription) -> TableSpec {
    let billing = live.billing_mode_summary.as_ref().and_then(|it| it.billing_mode.as_ref());
    let billing = billing.unwrap_or(&BillingMode::Provisioned).as_str().to_owned();
    // Under on-demand billing it tells zeros.
    let capacity = |it: &Option<ProvisionedThroughputDescription>| {
        let it = it.as_ref().filter(|_| billing == "PROVISIONED")?;
        Some(Throughput {
            read_capacity_units: it.read_capacity_units?,
            write_capacity_units: it.write_capacity_units?,
        })
    };
    let global = live.global_secondary_indexes.iter().flatten();
    let global = global.filter(|it| it.index_status != Some(IndexStatus::Deleting)).map(|it| Index {
        index_name: it.index_name.clone().unwrap_or_default(),
        key_schema: keys_of(it.key_schema.as_ref()),
        projection: projection_of(it.projection.as_ref()),
        provisioned_throughput: capacity(&it.provisioned_throughput),
    });
    let local = live.local_secondary_indexes.iter().flatten().map(|it| LocalIndex {
        index_name: it.index_name.clone().unwrap_or_default(),
        key_schema: keys_of(it.key_schema.as_ref()),
        projection: projection_of(it.projection.as_ref()),
    });
    let definitions = live.attribute_definitions.iter().flatten().map(|it| Attribute {
        attribute_name: it.attribute_name.clone(),
        attribute_type: it.attribute_type.as_str().to_owned(),
    });
    let stream = live.stream_specification.as_ref().filter(|it| it.stream_enabled);
    let class = live.table_class_summary.as_ref().and_then(|it| it.table_class.as_ref());
    TableSpec {
        table_name: live.table_name.clone().unwrap_or_default(),
        key_schema: keys_of(live.key_schema.as_ref()),
        attribute_definitions: definitions.collect(),
        provisioned_throughput: capacity(&live.provisioned_throughput),
        global_secondary_indexes: Some(global.collect::<Vec<_>>()).filter(|all| !all.is_empty()),
        local_secondary_indexes: Some(local.collect::<Vec<_>>()).filter(|all| !all.is_empty()),
        stream_specification: stream
            .and_then(|it| it.stream_view_type.as_ref())
            .map(|it| Stream { stream_view_type: it.as_str().to_owned() }),
        sse_specification: Some(encryption_of(live)),
        deletion_protection_enabled: live.deletion_protection_enabled,
        table_class: class.map(|it| it.as_str().to_owned()),
        billing_mode: Some(billing),
        ..TableSpec::default()
    }
}

fn keys_of(keys: Option<&Vec<KeySchemaElement>>) -> Vec<Key> {
    let key = |it: &KeySchemaElement| Key {
        attribute_name: it.attribute_name.clone(),
        key_type: it.key_type.as_str().to_owned(),
    };
    keys.into_iter().flatten().map(key).collect()
}

fn projection_of(it: Option<&LiveProjection>) -> Projection {
    Projection {
        projection_type: it.and_then(|it| it.projection_type.as_ref()).map_or("ALL", ProjectionType::as_str).to_owned(),
        non_key_attributes: it.and_then(|it| it.non_key_attributes.clone()).filter(|all| !all.is_empty()),
    }
}

/// A key of DynamoDB's own is told by silence.
fn encryption_of(live: &TableDescription) -> Encryption {
    let off = |it: &SseStatus| matches!(it, SseStatus::Disabled | SseStatus::Disabling);
    match live.sse_description.as_ref().filter(|it| !it.status.as_ref().is_some_and(off)) {
        None => Encryption::default(),
        Some(it) => Encryption {
            enabled: true,
            kind: it.sse_type.as_ref().map(|kind| kind.as_str().to_owned()),
            key: it.kms_master_key_arn.clone(),
        },
    }
}

/// The SDK's builders refuse what lacks a part; a spec never does.
pub(super) fn built<T>(it: Result<T, impl Display>) -> Result<T> {
    it.map_err(|error| Error::Missing(error.to_string()))
}

pub(super) fn keys(all: &[Key]) -> Result<Vec<KeySchemaElement>> {
    let one = |it: &Key| {
        let key = KeySchemaElement::builder().attribute_name(&it.attribute_name);
        built(key.key_type(KeyType::from(it.key_type.as_str())).build())
    };
    all.iter().map(one).collect()
}

pub(super) fn definitions<'a>(all: impl IntoIterator<Item = &'a Attribute>) -> Result<Vec<AttributeDefinition>> {
    let one = |it: &Attribute| {
        let definition = AttributeDefinition::builder().attribute_name(&it.attribute_name);
        built(definition.attribute_type(ScalarAttributeType::from(it.attribute_type.as_str())).build())
    };
    all.into_iter().map(one).collect()
}

pub(super) fn throughput(it: Option<&Throughput>) -> Result<Option<ProvisionedThroughput>> {
    let one = |it: &Throughput| {
        let units = ProvisionedThroughput::builder().read_capacity_units(it.read_capacity_units);
        built(units.write_capacity_units(it.write_capacity_units).build())
    };
    it.map(one).transpose()
}

pub(super) fn projection(it: &Projection) -> LiveProjection {
    let kind = ProjectionType::from(it.projection_type.as_str());
    LiveProjection::builder().projection_type(kind).set_non_key_attributes(it.non_key_attributes.clone()).build()
}

pub(super) fn global(all: &[Index]) -> Result<Option<Vec<GlobalSecondaryIndex>>> {
    let one = |it: &Index| {
        let index = GlobalSecondaryIndex::builder()
            .index_name(&it.index_name)
            .set_key_schema(Some(keys(&it.key_schema)?))
            .projection(projection(&it.projection))
            .set_provisioned_throughput(throughput(it.provisioned_throughput.as_ref())?);
        built(index.build())
    };
    all.iter().map(one).collect::<Result<Vec<_>>>().map(|all| Some(all).filter(|all| !all.is_empty()))
}

pub(super) fn local(all: &[LocalIndex]) -> Result<Option<Vec<LocalSecondaryIndex>>> {
    let one = |it: &LocalIndex| {
        let index = LocalSecondaryIndex::builder().index_name(&it.index_name);
        let index = index.set_key_schema(Some(keys(&it.key_schema)?)).projection(projection(&it.projection));
        built(index.build())
    };
    all.iter().map(one).collect::<Result<Vec<_>>>().map(|all| Some(all).filter(|all| !all.is_empty()))
}

pub(super) fn stream(it: Option<&Stream>) -> Result<StreamSpecification> {
    let view = it.map(|it| StreamViewType::from(it.stream_view_type.as_str()));
    built(StreamSpecification::builder().stream_enabled(view.is_some()).set_stream_view_type(view).build())
}

/// A key of DynamoDB's own takes no kind and no key.
pub(super) fn encryption(it: &Encryption) -> SseSpecification {
    let kind = it.kind.as_deref().map(SseType::from).filter(|_| it.enabled).or(it.key.as_ref().map(|_| SseType::Kms));
    let key = it.key.clone().filter(|_| it.enabled);
    SseSpecification::builder()
        .enabled(it.enabled)
        .set_sse_type(kind.filter(|_| it.enabled))
        .set_kms_master_key_id(key)
        .build()
}

pub(super) fn tags(all: impl IntoIterator<Item = (String, String)>) -> Result<Vec<DynamoTag>> {
    all.into_iter().map(|(key, value)| built(DynamoTag::builder().key(key).value(value).build())).collect()
}
