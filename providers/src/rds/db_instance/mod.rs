//! `AWS::RDS::DBInstance`.
//!
//! Every change is applied at once, and its status lags: several reads in a row have to say that it is ready. What guards data is the plan.

mod create;
mod spec;

use std::time::Duration;

use aws_sdk_rds::{
    Client,
    types::{DbInstance as Live, Filter},
};
use deployer_engine::{
    error::{Class, Error, Result},
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{
            ByKey, CaseFolded, CreateOnly, OnRemove, OnlyGrows, OwnedElsewhereWhen, PrefixVersion, Sensitive,
            Unordered, WriteOnly,
        },
        OnRemove::{Keep, Reset},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};

pub use spec::DbInstanceSpec;
use spec::from_live;

use super::{RATE, retag};
use crate::{
    Aws,
    call::{failed, found, gone, invalid, known},
    many::{all_or_each, one, read},
    secret::Secrets,
};

/// A database.
pub struct DbInstance {
    rds: Client,
    secrets: Secrets,
}

impl DbInstance {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { rds: Client::new(aws.config()), secrets: Secrets::new(aws) }
    }

    async fn describe(&self, name: &str) -> Result<Option<Live>> {
        let answer = self.rds.describe_db_instances().db_instance_identifier(name).send().await;
        let all = found(answer.map_err(failed("DescribeDBInstances")))?.and_then(|it| it.db_instances);
        Ok(all.into_iter().flatten().next())
    }

    /// A refusal that passes, unless it is for a status that does not.
    async fn stuck(&self, id: &PhysicalId, error: Error) -> Error {
        match error.class() {
            Class::Conflict => match self.describe(&id.0).await.map(|it| it.map(from_live)) {
                Ok(Some(Seen::Stuck { reason, .. })) => invalid("ModifyDBInstance", format!("{reason}: {error}")),
                _ => error,
            },
            _ => error,
        }
    }

    async fn password(&self, spec: &DbInstanceSpec) -> Result<Option<String>> {
        match &spec.master_user_password {
            Some(place) => self.secrets.value(place).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Slow, and seen three times in a row: the status stays `available` for a while after a change.
const SLOW: Settle = Settle {
    usual: Duration::from_secs(390),
    budget: Duration::from_secs(2_400),
    first: Duration::from_secs(30),
    every: Duration::from_secs(10),
    confirmations: 3,
};

impl Resource for DbInstance {
    const TYPE: &'static str = "AWS::RDS::DBInstance";
    const FACTS: Facts = Facts {
        fields: &[
            ("/DBInstanceIdentifier", CreateOnly),
            ("/DBInstanceIdentifier", CaseFolded),
            ("/Engine", CreateOnly),
            ("/DBName", CreateOnly),
            ("/MasterUsername", CreateOnly),
            ("/StorageEncrypted", CreateOnly),
            ("/KmsKeyId", CreateOnly),
            ("/DBSubnetGroupName", CreateOnly),
            ("/DBSubnetGroupName", CaseFolded),
            ("/SourceDBInstanceIdentifier", CreateOnly),
            ("/EngineVersion", PrefixVersion),
            ("/EngineVersion", OnRemove(Keep)),
            // Under storage autoscaling AWS grows it: a size that is there is not taken back.
            ("/AllocatedStorage", OwnedElsewhereWhen(grows)),
            ("/AllocatedStorage", OnlyGrows),
            ("/AllocatedStorage", OnRemove(Keep)),
            ("/MaxAllocatedStorage", OnRemove(Keep)),
            ("/StorageType", OnRemove(Keep)),
            ("/Iops", OnRemove(Keep)),
            ("/DBParameterGroupName", CaseFolded),
            ("/DBParameterGroupName", OnRemove(Keep)),
            ("/VPCSecurityGroups", Unordered),
            ("/VPCSecurityGroups", OnRemove(Keep)),
            ("/Port", OnRemove(Keep)),
            ("/BackupRetentionPeriod", OnRemove(Reset("1"))),
            ("/PreferredBackupWindow", OnRemove(Keep)),
            ("/PreferredMaintenanceWindow", CaseFolded),
            ("/PreferredMaintenanceWindow", OnRemove(Keep)),
            ("/MultiAZ", OnRemove(Reset("false"))),
            ("/DeletionProtection", OnRemove(Reset("false"))),
            ("/PubliclyAccessible", OnRemove(Reset("false"))),
            ("/AutoMinorVersionUpgrade", OnRemove(Reset("true"))),
            ("/CopyTagsToSnapshot", OnRemove(Reset("false"))),
            ("/ManageMasterUserPassword", OnRemove(Keep)),
            ("/MasterUserPassword", Sensitive),
            ("/MasterUserPassword", WriteOnly),
            ("/MasterUserPassword", OnRemove(Keep)),
            ("/EnableCloudwatchLogsExports", Unordered),
            ("/EnablePerformanceInsights", OnRemove(Reset("false"))),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[
            Output::created("DBInstanceIdentifier"),
            Output::created("DBInstanceArn"),
            Output::created("DbiResourceId"),
            Output { changed_by: &["/Port"], ..Output::ready("Endpoint.Address") },
            Output { changed_by: &["/Port"], ..Output::ready("Endpoint.Port") },
            Output { changed_by: &["/ManageMasterUserPassword"], ..Output::ready("MasterUserSecret.SecretArn") },
        ],
        name: Some(NameRule { max: 63, ..NameRule::regional("/DBInstanceIdentifier") }),
        found: FoundBy::Name,
        settle: SettleTable {
            // It takes several minutes until a new one is there.
            create: Settle { first: Duration::from_secs(150), ..SLOW },
            update: Settle { budget: Duration::from_secs(4_800), ..SLOW },
            delete: Settle { budget: Duration::from_secs(3_600), confirmations: 1, ..SLOW },
        },
        rate: RATE,
        stateful: true,
        copy_of: Some("/SourceDBInstanceIdentifier"),
        // What one answer tells.
        page: 100,
        ..Facts::NAMED
    };
    type Spec = DbInstanceSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<DbInstanceSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<DbInstanceSpec>>> {
        // AWS tells names in lower case, however they were written.
        let lower = |(id, wanted): &(PhysicalId, Wanted)| (PhysicalId(id.0.to_ascii_lowercase()), wanted.clone());
        let ids: Vec<(PhysicalId, Wanted)> = ids.iter().map(lower).collect();
        let live = all_or_each(&ids, |names| async {
            let filter = Filter::builder().name("db-instance-id").set_values(Some(names)).build();
            let answer = self.rds.describe_db_instances().filters(filter).send().await;
            Ok(answer.map_err(failed("DescribeDBInstances"))?.db_instances.unwrap_or_default())
        });
        read(&ids, live.await, |it| it.db_instance_identifier.as_deref(), from_live)
    }

    async fn create(&self, _: &Identity, spec: &DbInstanceSpec) -> Result<Created> {
        let name = spec.identifier.to_ascii_lowercase();
        let created = Created::whole(name.clone()).output("DBInstanceIdentifier", name);
        let (made, created) = match &spec.source_identifier {
            Some(source) => (self.create_replica(spec, source).await?, created.without(spec::AFTER_A_REPLICA)),
            None => (self.create_alone(spec).await?, created),
        };
        let (arn, resource) = made.map(|it| (it.db_instance_arn, it.dbi_resource_id)).unwrap_or_default();
        Ok(created.output("DBInstanceArn", arn).output("DbiResourceId", resource))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        live: &DbInstanceSpec,
        spec: &DbInstanceSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.0.iter().any(|path| !path.starts_with("/Tags")) {
            let call = self.rds.modify_db_instance().db_instance_identifier(&id.0).apply_immediately(true);
            let mut call = spec::changes(call, live, spec, changed);
            if changed.touches("MasterUserPassword") {
                call = call.set_master_user_password(self.password(spec).await?).manage_master_user_password(false);
            }
            let answer = call.send().await.map_err(failed("ModifyDBInstance"));
            if let Err(error) = answer {
                return Err(self.stuck(id, error).await);
            }
        }
        if changed.touches("Tags") {
            let arn = known("DescribeDBInstances", self.describe(&id.0).await?.and_then(|it| it.db_instance_arn))?;
            retag(&self.rds, &arn, changed, spec.tags.as_ref()).await?;
        }
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, applied: &DbInstanceSpec, how: &DeleteOptions) -> Result<()> {
        if applied.deletion_protection == Some(true) {
            let call = self.rds.modify_db_instance().db_instance_identifier(&id.0).apply_immediately(true);
            let answer = call.deletion_protection(false).send().await;
            gone(answer.map_err(failed("ModifyDBInstance")))?;
        }
        let snapshot = how.final_snapshot.clone().filter(|_| applied.source_identifier.is_none());
        let call = self
            .rds
            .delete_db_instance()
            .db_instance_identifier(&id.0)
            .skip_final_snapshot(snapshot.is_none())
            .set_final_db_snapshot_identifier(snapshot);
        match gone(call.send().await.map_err(failed("DeleteDBInstance"))) {
            Err(error) if error.to_string().contains("is already being deleted") => Ok(()),
            other => other,
        }
    }

    async fn find(&self, _: &Identity, spec: &DbInstanceSpec) -> Result<Option<PhysicalId>> {
        let name = spec.identifier.to_ascii_lowercase();
        Ok(self.describe(&name).await?.map(|_| PhysicalId(name)))
    }
}

/// Storage autoscaling is on.
fn grows(spec: &serde_json::Value) -> bool {
    spec.get("MaxAllocatedStorage").is_some_and(|it| !it.is_null())
}
