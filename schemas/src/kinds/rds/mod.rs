//! `kind: RDS`: a database, where it stands, what guards it, its parameters and its read replicas.
//!
//! Encrypted, private, backed up, in two zones and protected from deletion unless the user says otherwise. The password is
//! AWS's: nobody types it, and nothing here ever sees it.

mod check;
mod classes;
mod engines;
mod networks;
mod spec;
mod use_of;
mod versions;
mod windows;

use deployer_engine::{desired::OnDelete, expr};
use serde_json::{Value, json};

use self::spec::{Encryption, RdsSpec, Replica, Service};
use super::{Expansion, Kind, Outputs, of, pascal};
use crate::{
    around::{Around, Peer},
    node::Layer,
    uses::{Access, Connection},
};

/// The kind.
pub(in crate::kinds) struct Rds;

impl Kind for Rds {
    const KIND: &'static str = "RDS";
    const MERGE_KEYS: &'static [(&'static str, &'static str)] = &[("readReplicas", "name")];
    const SHOWN: &'static [&'static str] = &["host", "port"];
    type Spec = RdsSpec;

    fn defaults() -> Value {
        json!({
            "username": "master",
            "storage": {"type": "gp3"},
            "multiAz": true,
            "backups": {"retention": 7},
            "encryption": "rds",
            "deletionProtection": true,
            "finalSnapshot": true,
            "public": false,
            "copyTagsToSnapshots": true,
        })
    }

    fn outputs(spec: &Value, _: &Around<'_>) -> Outputs {
        let mut outputs = Outputs::from([
            of("host", "Instance", "Endpoint.Address"),
            of("port", "Instance", "Endpoint.Port"),
            of("arn", "Instance", "DBInstanceArn"),
            of("identifier", "Instance", "DBInstanceIdentifier"),
            of("securityGroupId", "SecurityGroup", "GroupId"),
        ]);
        // A replica has its source's users, and no secret of its own; neither has one whose password is named.
        if spec.get("replicaOf").is_none() && spec.get("password").is_none() {
            outputs.extend([of("secretArn", "Instance", "MasterUserSecret.SecretArn")]);
        }
        let replicas = spec.get("readReplicas").and_then(Value::as_array).into_iter().flatten();
        let names = replicas.filter_map(|it| it["name"].as_str());
        outputs.extend(names.map(|name| of(&format!("{name}.host"), &replica_role(name), "Endpoint.Address")));
        outputs
    }

    fn connect(spec: &RdsSpec, peer: &Peer, access: Access, around: &Around<'_>) -> Option<Connection> {
        use_of::connection(spec, peer, access, around)
    }

    fn expand(spec: &RdsSpec, to: &mut Expansion<'_>) {
        let source = spec.replica_of.as_ref().and_then(|name| to.peer_of::<Self>("/replicaOf", name));
        check::check(spec, source.as_ref(), to);
        let Some(guarded) = networks::add(spec, to) else { return };
        parameters(spec, source.as_ref().map_or(spec, |(_, source)| source), to);
        let mut properties = common(spec, &guarded, to);
        match (&spec.replica_of, source) {
            (None, _) => {
                extend(&mut properties, own(spec, to));
                let instance = to.add("Instance", "AWS::RDS::DBInstance", properties);
                instance.lifecycle.protect = spec.deletion_protection == Some(true);
                instance.lifecycle.on_delete =
                    if spec.final_snapshot == Some(true) { OnDelete::Snapshot } else { OnDelete::Delete };
            }
            (Some(_), Some((source, _))) => {
                let instance = source.id.at("Instance");
                let identifier = expr::reference(&instance, "DBInstanceIdentifier");
                extend(&mut properties, json!({"SourceDBInstanceIdentifier": identifier}));
                let replica = to.add("Instance", "AWS::RDS::DBInstance", properties);
                // Its name is known before it can be copied.
                replica.after.push(instance);
                replica.lifecycle.protect = spec.deletion_protection == Some(true);
            }
            (Some(_), None) => {}
        }
        spec.read_replicas.iter().flatten().for_each(|it| add_replica(it, spec, &guarded, to));
    }
}

/// What an instance has, be it a replica or not.
fn common(spec: &RdsSpec, groups: &Value, to: &Expansion<'_>) -> Value {
    let maintenance = spec.maintenance.as_ref();
    // A replica has no backups of its own unless somebody wants them: those that are built in are for what can be written.
    let backups = spec.backups.as_ref();
    let retention = backups.and_then(|it| it.retention);
    let retention = retention.filter(|_| spec.replica_of.is_none() || is_stated("/backups/retention", to));
    let group = spec.parameters.as_ref().filter(|all| !all.is_empty());
    json!({
        "DBInstanceIdentifier": spec.name,
        "DBInstanceClass": spec.class,
        "MultiAZ": spec.multi_az,
        "VPCSecurityGroups": groups,
        "DBParameterGroupName": group.map(|_| to.sibling("ParameterGroup", "DBParameterGroupName")),
        "BackupRetentionPeriod": retention,
        "PreferredBackupWindow": backups.and_then(|it| it.window.as_ref()),
        "PreferredMaintenanceWindow": maintenance.and_then(|it| it.window.as_ref()),
        "AutoMinorVersionUpgrade": maintenance.and_then(|it| it.auto_minor_upgrade),
        "PubliclyAccessible": spec.public,
        "DeletionProtection": spec.deletion_protection,
        "CopyTagsToSnapshot": spec.copy_tags_to_snapshots,
        "EnableCloudwatchLogsExports": spec.logs,
        "EnablePerformanceInsights": spec.performance_insights,
        "Tags": to.tag_list(),
    })
}

/// What only an instance has that is no replica.
fn own(spec: &RdsSpec, to: &Expansion<'_>) -> Value {
    let storage = spec.storage.as_ref();
    let encrypted = spec.encryption.as_ref().map(|it| !matches!(it, Encryption::Named(Service::None)));
    let key = match &spec.encryption {
        Some(Encryption::Kms(kms)) => Some(&kms.kms_key_id.value),
        _ => None,
    };
    json!({
        "Engine": spec.engine.map(|it| it.facts().word),
        "EngineVersion": spec.version,
        "DBName": use_of::database(spec, to.id),
        "MasterUsername": spec.username,
        "ManageMasterUserPassword": Some(true).filter(|_| spec.password.is_none()),
        "MasterUserPassword": spec.password.as_ref().map(|it| use_of::place(it, to.id, to.around)),
        "AllocatedStorage": storage.and_then(|it| it.size).map(|size| size.to_string()),
        "MaxAllocatedStorage": storage.and_then(|it| it.max),
        "StorageType": storage.and_then(|it| it.kind).unwrap_or_default().word(),
        "Iops": storage.and_then(|it| it.iops),
        "StorageEncrypted": encrypted,
        "KmsKeyId": key,
        "DBSubnetGroupName": to.sibling("SubnetGroup", "DBSubnetGroupName"),
        "Port": use_of::port(spec).map(|port| port.to_string()),
    })
}

/// The group of its parameters. The family is that of `whose` engine.
fn parameters(spec: &RdsSpec, whose: &RdsSpec, to: &mut Expansion<'_>) {
    let Some(all) = spec.parameters.as_ref().filter(|all| !all.is_empty()) else { return };
    let (Some(engine), Some(version)) = (whose.engine, &whose.version) else { return };
    let values: Value = all.iter().map(|(name, value)| (name.clone(), json!(value.text()))).collect();
    let family = engine.family(version);
    let properties = json!({
        "Family": family,
        "Description": format!("Parameters of {}", to.id),
        "Parameters": values,
        "Tags": to.tag_list(),
    });
    // A name holds one family: with another major version, a new group stands beside the old one until it is left.
    to.add("ParameterGroup", "AWS::RDS::DBParameterGroup", properties).name_part = Some(family.replace('.', "-"));
}

fn replica_role(name: &str) -> String {
    format!("Replica{}", pascal(name))
}

/// A read replica can be made again from its source: it is not protected, and leaves no snapshot.
fn add_replica(it: &Replica, spec: &RdsSpec, groups: &Value, to: &mut Expansion<'_>) {
    let properties = json!({
        "SourceDBInstanceIdentifier": to.sibling("Instance", "DBInstanceIdentifier"),
        "DBInstanceClass": it.class.as_ref().unwrap_or(&spec.class),
        "MultiAZ": it.multi_az.unwrap_or(false),
        "VPCSecurityGroups": groups,
        "PubliclyAccessible": spec.public,
        "DeletionProtection": false,
        "Tags": to.tag_list(),
    });
    let source = to.id.at("Instance");
    let replica = to.add(&replica_role(&it.name), "AWS::RDS::DBInstance", properties);
    replica.name_part = Some(it.name.clone());
    // The source's name is known before it can be copied.
    replica.after.push(source);
}

/// True if a field was written in the component or an overlay of it, not taken from defaults.
fn is_stated(path: &str, to: &Expansion<'_>) -> bool {
    let Ok(own) = to.around.peer(&to.id.to_string()) else { return false };
    own.origins.get(path).is_some_and(|(_, value)| matches!(value.layer, Layer::Component | Layer::Overlay))
}

fn extend(properties: &mut Value, more: Value) {
    if let (Some(map), Value::Object(more)) = (properties.as_object_mut(), more) {
        map.extend(more);
    }
}
