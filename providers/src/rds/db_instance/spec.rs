//! An instance's properties, how changes of them are sent, and how they are told.

use aws_sdk_rds::{
    operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder,
    types::{CloudwatchLogsExportConfiguration, DbInstance as Live},
};
use deployer_engine::resource::{Changed, Seen};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::live_tags;
use crate::tags::Tag;

/// A database.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DbInstanceSpec {
    /// Its name.
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: String,
    /// Its size: `db.t4g.medium`.
    #[serde(rename = "DBInstanceClass")]
    pub class: String,
    /// `postgres`, `mysql`, `mariadb` ..
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// `16`, or `16.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// The database that is made in it.
    #[serde(rename = "DBName", skip_serializing_if = "Option::is_none")]
    pub db_name: Option<String>,
    /// The first user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_username: Option<String>,
    /// AWS makes, keeps and rotates the first user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manage_master_user_password: Option<bool>,
    /// The first user's password, where AWS does not make it: a secret's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_user_password: Option<Value>,
    /// GiB, as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_storage: Option<String>,
    /// The most that AWS lets it grow to, in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_allocated_storage: Option<i32>,
    /// `gp3`, `io1` ..
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_type: Option<String>,
    /// Operations a second that are kept for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops: Option<i32>,
    /// It is encrypted at rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_encrypted: Option<bool>,
    /// By this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Where it stands.
    #[serde(rename = "DBSubnetGroupName", skip_serializing_if = "Option::is_none")]
    pub subnet_group_name: Option<String>,
    /// Its parameters.
    #[serde(rename = "DBParameterGroupName", skip_serializing_if = "Option::is_none")]
    pub parameter_group_name: Option<String>,
    /// The groups that guard it.
    #[serde(rename = "VPCSecurityGroups", skip_serializing_if = "Option::is_none")]
    pub vpc_security_groups: Option<Vec<String>>,
    /// Its port, as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// A second one stands by in another zone.
    #[serde(rename = "MultiAZ", skip_serializing_if = "Option::is_none")]
    pub multi_az: Option<bool>,
    /// Days that backups are kept; 0: none are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_retention_period: Option<i32>,
    /// When backups are made: `03:00-04:00`, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_backup_window: Option<String>,
    /// When it is maintained: `sun:05:00-sun:06:00`, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_maintenance_window: Option<String>,
    /// Minor versions are brought in by AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_minor_version_upgrade: Option<bool>,
    /// It has a public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publicly_accessible: Option<bool>,
    /// Deleting it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<bool>,
    /// Snapshots carry its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_tags_to_snapshot: Option<bool>,
    /// Logs that go to CloudWatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_cloudwatch_logs_exports: Option<Vec<String>>,
    /// Its load is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_performance_insights: Option<bool>,
    /// It is a read replica of this one.
    #[serde(rename = "SourceDBInstanceIdentifier", skip_serializing_if = "Option::is_none")]
    pub source_identifier: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

impl DbInstanceSpec {
    pub(super) fn allocated(&self) -> Option<i32> {
        self.allocated_storage.as_ref()?.parse().ok()
    }

    pub(super) fn port(&self) -> Option<i32> {
        self.port.as_ref()?.parse().ok()
    }
}

/// What the call that makes a replica does not carry.
pub(super) const AFTER_A_REPLICA: &[&str] = &[
    "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod",
    "CopyTagsToSnapshot",
    "DBParameterGroupName",
    "EnableCloudwatchLogsExports",
    "EnablePerformanceInsights",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
];

/// One call with what changed, and nothing else: a value that is sent again may start work of its own.
pub(super) fn changes(
    call: ModifyDBInstanceFluentBuilder,
    live: &DbInstanceSpec,
    spec: &DbInstanceSpec,
    changed: &Changed,
) -> ModifyDBInstanceFluentBuilder {
    let on = |name: &str| changed.touches(name);
    let older = live.engine_version.as_deref().map(major) != spec.engine_version.as_deref().map(major);
    call.set_db_instance_class(Some(spec.class.clone()).filter(|_| on("DBInstanceClass")))
        .set_engine_version(spec.engine_version.clone().filter(|_| on("EngineVersion")))
        .set_allow_major_version_upgrade(Some(true).filter(|_| on("EngineVersion") && older))
        .set_allocated_storage(spec.allocated().filter(|_| on("AllocatedStorage")))
        .set_max_allocated_storage(spec.max_allocated_storage.filter(|_| on("MaxAllocatedStorage")))
        .set_storage_type(spec.storage_type.clone().filter(|_| on("StorageType")))
        .set_iops(spec.iops.filter(|_| on("Iops")))
        .set_db_parameter_group_name(spec.parameter_group_name.clone().filter(|_| on("DBParameterGroupName")))
        .set_vpc_security_group_ids(spec.vpc_security_groups.clone().filter(|_| on("VPCSecurityGroups")))
        .set_db_port_number(spec.port().filter(|_| on("Port")))
        .set_multi_az(spec.multi_az.filter(|_| on("MultiAZ")))
        .set_backup_retention_period(spec.backup_retention_period.filter(|_| on("BackupRetentionPeriod")))
        .set_preferred_backup_window(spec.preferred_backup_window.clone().filter(|_| on("PreferredBackupWindow")))
        .set_preferred_maintenance_window(
            spec.preferred_maintenance_window.clone().filter(|_| on("PreferredMaintenanceWindow")),
        )
        .set_auto_minor_version_upgrade(spec.auto_minor_version_upgrade.filter(|_| on("AutoMinorVersionUpgrade")))
        .set_publicly_accessible(spec.publicly_accessible.filter(|_| on("PubliclyAccessible")))
        .set_deletion_protection(spec.deletion_protection.filter(|_| on("DeletionProtection")))
        .set_copy_tags_to_snapshot(spec.copy_tags_to_snapshot.filter(|_| on("CopyTagsToSnapshot")))
        .set_manage_master_user_password(spec.manage_master_user_password.filter(|_| on("ManageMasterUserPassword")))
        .set_enable_performance_insights(spec.enable_performance_insights.filter(|_| on("EnablePerformanceInsights")))
        .set_cloudwatch_logs_export_configuration(logs(live, spec).filter(|_| on("EnableCloudwatchLogsExports")))
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

fn logs(live: &DbInstanceSpec, spec: &DbInstanceSpec) -> Option<CloudwatchLogsExportConfiguration> {
    let of = |it: &DbInstanceSpec| it.enable_cloudwatch_logs_exports.clone().unwrap_or_default();
    let (there, wanted) = (of(live), of(spec));
    let beside = |all: &[String], others: &[String]| all.iter().filter(|it| !others.contains(it)).cloned().collect();
    Some(
        CloudwatchLogsExportConfiguration::builder()
            .set_enable_log_types(Some(beside(&wanted, &there)))
            .set_disable_log_types(Some(beside(&there, &wanted)))
            .build(),
    )
}

/// Statuses that it never leaves.
const FAILED: [&str; 3] = ["failed", "incompatible-restore", "restore-error"];
/// Statuses in which it is there and not well: something has to be changed, often beside it - its parameters, its network, its key.
const STUCK: [&str; 5] = [
    "incompatible-parameters",
    "incompatible-network",
    "incompatible-option-group",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
];

pub(super) fn from_live(live: Live) -> Seen<DbInstanceSpec> {
    let endpoint = live.endpoint.as_ref();
    let outputs = [
        ("DBInstanceIdentifier", json!(live.db_instance_identifier)),
        ("DBInstanceArn", json!(live.db_instance_arn)),
        ("DbiResourceId", json!(live.dbi_resource_id)),
        ("Endpoint.Address", json!(endpoint.and_then(|it| it.address.clone()))),
        ("Endpoint.Port", json!(endpoint.and_then(|it| it.port).map(|port| port.to_string()))),
        ("MasterUserSecret.SecretArn", json!(live.master_user_secret.as_ref().and_then(|it| it.secret_arn.clone()))),
    ];
    let status = live.db_instance_status.clone().unwrap_or_default();
    let groups = live.vpc_security_groups.into_iter().flatten().filter_map(|it| it.vpc_security_group_id).collect();
    let parameters = live.db_parameter_groups.into_iter().flatten().find_map(|it| it.db_parameter_group_name);
    let spec = DbInstanceSpec {
        identifier: live.db_instance_identifier.unwrap_or_default(),
        class: live.db_instance_class.unwrap_or_default(),
        engine: live.engine,
        engine_version: live.engine_version,
        db_name: live.db_name,
        master_username: live.master_username,
        manage_master_user_password: Some(live.master_user_secret.is_some()),
        master_user_password: None,
        allocated_storage: live.allocated_storage.map(|size| size.to_string()),
        max_allocated_storage: live.max_allocated_storage,
        storage_type: live.storage_type,
        iops: live.iops,
        storage_encrypted: live.storage_encrypted,
        kms_key_id: live.kms_key_id,
        subnet_group_name: live.db_subnet_group.and_then(|it| it.db_subnet_group_name),
        parameter_group_name: parameters,
        vpc_security_groups: Some(groups),
        port: live.endpoint.and_then(|it| it.port).or(live.db_instance_port).map(|port| port.to_string()),
        multi_az: live.multi_az,
        backup_retention_period: live.backup_retention_period,
        preferred_backup_window: live.preferred_backup_window,
        preferred_maintenance_window: live.preferred_maintenance_window,
        auto_minor_version_upgrade: live.auto_minor_version_upgrade,
        publicly_accessible: live.publicly_accessible,
        deletion_protection: live.deletion_protection,
        copy_tags_to_snapshot: live.copy_tags_to_snapshot,
        enable_cloudwatch_logs_exports: live.enabled_cloudwatch_logs_exports.filter(|all| !all.is_empty()),
        enable_performance_insights: live.performance_insights_enabled,
        source_identifier: live.read_replica_source_db_instance_identifier,
        tags: live_tags(live.tag_list),
    };
    match status.as_str() {
        "available" | "storage-optimization" => Seen::ready(spec, outputs),
        status if FAILED.contains(&status) => Seen::Failed { reason: format!("its status is {status}") },
        status if STUCK.contains(&status) => Seen::stuck(format!("its status is {status}"), spec, outputs),
        status => Seen::pending(status, spec, outputs),
    }
}
