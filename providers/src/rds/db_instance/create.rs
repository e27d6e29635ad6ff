//! The two calls that make a database: one of its own, and one that follows another.

use aws_sdk_rds::types::DbInstance as Live;
use deployer_engine::error::Result;

use super::{DbInstance, DbInstanceSpec};
use crate::{call::failed, rds::rds_tags, tags::to_map};

impl DbInstance {
    pub(super) async fn create_alone(&self, spec: &DbInstanceSpec) -> Result<Option<Live>> {
        let call = self
            .rds
            .create_db_instance()
            .db_instance_identifier(&spec.identifier)
            .db_instance_class(&spec.class)
            .set_engine(spec.engine.clone())
            .set_engine_version(spec.engine_version.clone())
            .set_db_name(spec.db_name.clone())
            .set_master_username(spec.master_username.clone())
            .set_manage_master_user_password(spec.manage_master_user_password)
            .set_master_user_password(self.password(spec).await?)
            .set_allocated_storage(spec.allocated())
            .set_max_allocated_storage(spec.max_allocated_storage)
            .set_storage_type(spec.storage_type.clone())
            .set_iops(spec.iops)
            .set_storage_encrypted(spec.storage_encrypted)
            .set_kms_key_id(spec.kms_key_id.clone())
            .set_db_subnet_group_name(spec.subnet_group_name.clone())
            .set_db_parameter_group_name(spec.parameter_group_name.clone())
            .set_vpc_security_group_ids(spec.vpc_security_groups.clone())
            .set_port(spec.port())
            .set_multi_az(spec.multi_az)
            .set_backup_retention_period(spec.backup_retention_period)
            .set_preferred_backup_window(spec.preferred_backup_window.clone())
            .set_preferred_maintenance_window(spec.preferred_maintenance_window.clone())
            .set_auto_minor_version_upgrade(spec.auto_minor_version_upgrade)
            .set_publicly_accessible(spec.publicly_accessible)
            .set_deletion_protection(spec.deletion_protection)
            .set_copy_tags_to_snapshot(spec.copy_tags_to_snapshot)
            .set_enable_cloudwatch_logs_exports(spec.enable_cloudwatch_logs_exports.clone())
            .set_enable_performance_insights(spec.enable_performance_insights)
            .set_tags(Some(rds_tags(to_map(spec.tags.as_ref()))));
        Ok(call.send().await.map_err(failed("CreateDBInstance"))?.db_instance)
    }

    pub(super) async fn create_replica(&self, spec: &DbInstanceSpec, source: &str) -> Result<Option<Live>> {
        let call = self
            .rds
            .create_db_instance_read_replica()
            .db_instance_identifier(&spec.identifier)
            .source_db_instance_identifier(source)
            .set_db_instance_class(Some(spec.class.clone()))
            .set_multi_az(spec.multi_az)
            .set_vpc_security_group_ids(spec.vpc_security_groups.clone())
            .set_publicly_accessible(spec.publicly_accessible)
            .set_deletion_protection(spec.deletion_protection)
            .set_tags(Some(rds_tags(to_map(spec.tags.as_ref()))));
        Ok(call.send().await.map_err(failed("CreateDBInstanceReadReplica"))?.db_instance)
    }
}
