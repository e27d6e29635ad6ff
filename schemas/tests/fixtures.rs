//! Three kinds of folders: `fixtures/invalid/NAME` (a stack that cannot be loaded, and every word that is said about it),
//! `fixtures/merge/NAME` (a stack with layers, and what comes out of them) and `fixtures/expand/NAME` (a stack, and the
//! resources that it comes to, with its warnings). `lookups.json` answers look-ups. `UPDATE_EXPECT=1` writes what is; read the diff.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{collections::BTreeMap, fmt::Write, path::Path};

use deployer_engine::{
    desired::{DesiredResource, Lifecycle},
    diagnostic::{Diagnostic, Place},
};
use deployer_schemas::{
    Around, Expansion, Kind, Kinds, LoadOptions, Loaded, Outputs, Problems, TypeCatalog, Use, User, expand_uses, load,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// A few types are enough here. Of some the names of properties are known, as their providers have them.
struct Catalog;

const INSTANCE: [&str; 29] = [
    "DBInstanceIdentifier",
    "DBInstanceClass",
    "Engine",
    "EngineVersion",
    "DBName",
    "MasterUsername",
    "ManageMasterUserPassword",
    "MasterUserPassword",
    "AllocatedStorage",
    "MaxAllocatedStorage",
    "StorageType",
    "Iops",
    "StorageEncrypted",
    "KmsKeyId",
    "DBSubnetGroupName",
    "DBParameterGroupName",
    "VPCSecurityGroups",
    "Port",
    "MultiAZ",
    "BackupRetentionPeriod",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
    "AutoMinorVersionUpgrade",
    "PubliclyAccessible",
    "DeletionProtection",
    "CopyTagsToSnapshot",
    "EnableCloudwatchLogsExports",
    "EnablePerformanceInsights",
    "SourceDBInstanceIdentifier",
];

/// Services whose types are taken as they are.
const NETWORKED: [&str; 5] = [
    "AWS::EC2::",
    "AWS::ECS::",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::ApplicationAutoScaling::",
    "AWS::ServiceDiscovery::",
];

impl TypeCatalog for Catalog {
    fn types(&self) -> Vec<String> {
        vec!["AWS::Logs::LogGroup".into(), "AWS::SQS::Queue".into()]
    }

    fn schema(&self, kind: &str) -> Option<Value> {
        let of = |names: &[&str], required: &str| {
            let all: BTreeMap<&str, Value> = names
                .iter()
                .map(|name| (*name, json!({"type": if name.contains("Days") { "integer" } else { "string" }})))
                .collect();
            json!({"type": "object", "properties": all, "required": [required], "additionalProperties": false})
        };
        let named = |names: &[&str], required: &[&str]| {
            let all: BTreeMap<&str, Value> = names.iter().chain(&["Tags"]).map(|name| (*name, json!({}))).collect();
            Some(json!({"type": "object", "properties": all, "required": required, "additionalProperties": false}))
        };
        match kind {
            "AWS::RDS::DBInstance" => named(&INSTANCE, &["DBInstanceClass"]),
            "AWS::RDS::DBSubnetGroup" => named(
                &["DBSubnetGroupName", "DBSubnetGroupDescription", "SubnetIds"],
                &["DBSubnetGroupDescription", "SubnetIds"],
            ),
            "AWS::RDS::DBParameterGroup" => {
                named(&["DBParameterGroupName", "Family", "Description", "Parameters"], &["Family", "Description"])
            }
            "AWS::EC2::SecurityGroup" => {
                named(&["GroupName", "GroupDescription", "VpcId", "SecurityGroupEgress"], &["GroupDescription"])
            }
            "AWS::EC2::SecurityGroupIngress" | "Test::Used" => Some(json!({"type": "object"})),
            "AWS::Logs::LogGroup" => Some(of(&["LogGroupName", "RetentionInDays", "KmsKeyId"], "LogGroupName")),
            "AWS::SQS::Queue"
            | "AWS::SQS::QueuePolicy"
            | "AWS::S3::Bucket"
            | "AWS::S3::BucketPolicy"
            | "AWS::IAM::Role"
            | "AWS::IAM::RolePolicy" => Some(json!({"type": "object"})),
            other => NETWORKED.iter().any(|service| other.starts_with(service)).then(|| json!({"type": "object"})),
        }
    }

    fn name(&self, kind: &str) -> Option<String> {
        let named = [
            ("AWS::RDS::DBInstance", "/DBInstanceIdentifier"),
            ("AWS::RDS::DBSubnetGroup", "/DBSubnetGroupName"),
            ("AWS::RDS::DBParameterGroup", "/DBParameterGroupName"),
            ("AWS::EC2::SecurityGroup", "/GroupName"),
            ("AWS::Logs::LogGroup", "/LogGroupName"),
        ];
        named.into_iter().find(|(it, _)| *it == kind).map(|(_, field)| field.to_owned())
    }

    fn outputs(&self, _: &str) -> Option<Vec<String>> {
        Some(vec!["Arn".into()])
    }
}

/// A kind of somebody else's, which uses others and shows what it got.
struct Probe;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProbeSpec {
    uses: Vec<Use>,
}

impl Kind for Probe {
    const KIND: &'static str = "Probe";
    type Spec = ProbeSpec;

    fn outputs(_: &Value, _: &Around<'_>) -> Outputs {
        Outputs::new()
    }

    fn expand(spec: &ProbeSpec, to: &mut Expansion<'_>) {
        let user = User { role_name: json!("a-role"), group: json!("sg-1") };
        let used = expand_uses(&spec.uses, &user, to);
        let map = |all: Vec<(String, Value)>| all.into_iter().collect::<BTreeMap<_, _>>();
        let (env, secrets) = (map(used.env), map(used.secrets));
        let properties = json!({"Env": env, "Secrets": secrets, "Reads": used.reads, "First": used.first});
        to.add("Used", "Test::Used", properties);
    }
}

fn loaded(folder: &Path) -> Result<Loaded, Problems> {
    let answers = std::fs::read_to_string(folder.join("lookups.json"))
        .ok()
        .map(|text| serde_json::from_str(&text).expect("lookups.json is a map"))
        .unwrap_or_default();
    let account = Some("111122223333".into());
    let options = LoadOptions { root: folder.to_owned(), account, answers, ..LoadOptions::default() };
    // A folder with two environments says which one is meant.
    let env = std::fs::read_to_string(folder.join("env.txt")).ok().map(|text| text.trim().to_owned());
    load(&LoadOptions { env, ..options }, &Kinds::standard().with::<Probe>(), &Catalog)
}

fn place(it: &Place) -> String {
    match it {
        Place::File(at) => at.to_string(),
        Place::Component { component, path } => format!("{component}{path}"),
        Place::Resource { address, path } => format!("{address}{path}"),
        Place::Input => "input".to_owned(),
    }
}

fn words(problems: &[Diagnostic], folder: &Path) -> String {
    let mut text = String::new();
    for it in problems {
        let message = it.message.replace(&folder.display().to_string(), "FOLDER");
        writeln!(text, "{} {}: {message}", place(&it.at), it.code).expect("writes");
        it.related.iter().for_each(|(at, what)| writeln!(text, "  {}: {what}", place(at)).expect("writes"));
        it.help.iter().for_each(|help| writeln!(text, "  help: {help}").expect("writes"));
    }
    text
}

fn compare(file: &Path, found: &str) -> datatest_stable::Result<()> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(file, found)?;
        return Ok(());
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    if expected == found { Ok(()) } else { Err(format!("found:\n{found}\nexpected:\n{expected}").into()) }
}

fn says(stack: &Path) -> datatest_stable::Result<()> {
    let folder = stack.parent().ok_or("a stack lives in a folder")?;
    match loaded(folder) {
        Ok(_) => Err("it was loaded".into()),
        Err(problems) => compare(&folder.join("expected.txt"), &words(&problems.diagnostics, folder)),
    }
}

fn becomes(stack: &Path) -> datatest_stable::Result<()> {
    let folder = stack.parent().ok_or("a stack lives in a folder")?;
    let loaded = loaded(folder).map_err(|problems| words(&problems.diagnostics, folder))?;
    let specs: BTreeMap<String, &Value> =
        loaded.components.iter().map(|(id, it)| (id.to_string(), &it.value)).collect();
    compare(&folder.join("expected.json"), &format!("{:#}\n", json!(specs)))
}

fn expands(stack: &Path) -> datatest_stable::Result<()> {
    let folder = stack.parent().ok_or("a stack lives in a folder")?;
    let loaded = loaded(folder).map_err(|problems| words(&problems.diagnostics, folder))?;
    if !loaded.warnings.is_empty() || folder.join("expected.txt").exists() {
        compare(&folder.join("expected.txt"), &words(&loaded.warnings, folder))?;
    }
    let resource = |it: &DesiredResource| {
        let after: Vec<String> = it.after.iter().map(ToString::to_string).collect();
        let mut found = json!({"type": it.kind, "properties": it.properties});
        let mut add = |name: &str, value: Value| drop(found.as_object_mut().map(|map| map.insert(name.into(), value)));
        it.name_part.iter().for_each(|part| add("namePart", json!(part)));
        if it.lifecycle != Lifecycle::default() {
            add("lifecycle", json!(it.lifecycle));
        }
        if !after.is_empty() {
            add("after", json!(after));
        }
        found
    };
    let all: BTreeMap<String, Value> =
        loaded.desired.resources.iter().map(|(address, it)| (address.to_string(), resource(it))).collect();
    compare(&folder.join("expected.json"), &format!("{:#}\n", json!(all)))
}

fn refused_bytes(_: &Path) -> datatest_stable::Result<()> {
    let stack =
        "apiVersion: deployer.dev/v1\nkind: Stack\nmetadata: {name: s}\nspec: {environments: {dev: {region: r}}}\n";
    let cases: [(&str, Vec<u8>, &str); 2] = [
        ("latin.yaml", [stack.as_bytes(), b"# caf\xe9\n"].concat(), "latin.yaml:5:6 not-utf8"),
        (
            "big.yaml",
            [stack.as_bytes(), &b"# x\n".repeat(13_000_000)].concat(),
            "big.yaml:1:1 too-large: the file has 52 MB",
        ),
    ];
    for (name, bytes, expected) in cases {
        let folder = std::env::temp_dir().join(format!("deployer-bytes-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), bytes)?;
        let said = loaded(&folder).err().map(|problems| words(&problems.diagnostics, &folder)).unwrap_or_default();
        std::fs::remove_dir_all(&folder)?;
        if !said.contains(expected) {
            return Err(format!("{name}: {said}").into());
        }
    }
    Ok(())
}

datatest_stable::harness! {
    { test = says, root = "../fixtures/invalid", pattern = r"/stack\.yaml$" },
    { test = becomes, root = "../fixtures/merge", pattern = r"/stack\.yaml$" },
    { test = expands, root = "../fixtures/expand", pattern = r"/stack\.yaml$" },
    { test = refused_bytes, root = "../fixtures/merge", pattern = r"nulls_are_not_refilled/stack\.yaml$" },
}
