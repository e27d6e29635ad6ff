//! Answers to look-ups: what is in the account already, asked before the files are expanded.
//!
//! What cannot be answered in one way only is no error but a problem of the question, told in words that lead on. Of secrets and
//! parameters nothing is asked but where they are.

use std::collections::BTreeMap;

use aws_sdk_ec2::{
    Client,
    types::{AvailabilityZone, AvailabilityZoneOptInStatus, AvailabilityZoneState, Filter, SecurityGroup, Subnet, Vpc},
};
use deployer_engine::{
    error::Result,
    lookup::{ENGINE_VERSIONS, GROUP, Lookup, NETWORK, PARAMETER, SECRET, ZONES},
};
use serde_json::{Value, json};

use crate::{
    Aws,
    call::{failed, found},
};

/// What came of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The answer.
    Answer(Value),
    /// Why there is none, in words.
    Problem(String),
}

/// Asks AWS. An error says that it could not be asked.
pub async fn answer(aws: &Aws, lookup: &Lookup) -> Result<Found> {
    let ask = &lookup.ask;
    match lookup.kind.as_str() {
        ZONES => zones(&Client::new(aws.config())).await,
        NETWORK => network(&Client::new(aws.config()), ask).await,
        GROUP => group(&Client::new(aws.config()), ask).await,
        SECRET => secret(aws, text(ask, "name")).await,
        PARAMETER => parameter(aws, text(ask, "name")).await,
        ENGINE_VERSIONS => engine_versions(aws, text(ask, "engine")).await,
        other => Ok(Found::Problem(format!("nobody can look up {other}"))),
    }
}

fn text<'a>(ask: &'a Value, name: &str) -> &'a str {
    ask[name].as_str().unwrap_or_default()
}

fn problem(message: impl Into<String>) -> Result<Found> {
    Ok(Found::Problem(message.into()))
}

/// Zones that every account has: no local zones, none that has to be asked for.
async fn zones(ec2: &Client) -> Result<Found> {
    let answer = ec2.describe_availability_zones().send().await.map_err(failed("DescribeAvailabilityZones"))?;
    let plain = |zone: &AvailabilityZone| {
        zone.state == Some(AvailabilityZoneState::Available)
            && zone.zone_type.as_deref() == Some("availability-zone")
            && zone.opt_in_status == Some(AvailabilityZoneOptInStatus::OptInNotRequired)
    };
    let all = answer.availability_zones.into_iter().flatten().filter(plain);
    let mut names: Vec<String> = all.filter_map(|zone| zone.zone_name).collect();
    names.sort();
    Ok(Found::Answer(json!(names)))
}

fn filter(name: impl Into<String>, value: impl Into<String>) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// What a question knows of a thing: filters, and the same in words.
fn known(ask: &Value, fields: &[(&str, &str, &str)]) -> (Vec<Filter>, String) {
    let by_field = |(field, of, words): &(&str, &str, &str)| {
        let value = ask[*field].as_str()?;
        Some((filter(*of, value), format!("{words} {value}")))
    };
    let (mut filters, mut words): (Vec<Filter>, Vec<String>) = fields.iter().filter_map(by_field).unzip();
    let tags: BTreeMap<&str, &str> = ask["tags"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, it)| Some((key.as_str(), it.as_str()?)))
        .collect();
    for (key, value) in tags {
        filters.push(filter(format!("tag:{key}"), value));
        words.push(format!("the tag {key} = {value}"));
    }
    (filters, words.join(" and "))
}

async fn network(ec2: &Client, ask: &Value) -> Result<Found> {
    let (filters, what) = known(ask, &[("vpcId", "vpc-id", "the id")]);
    if filters.is_empty() {
        return problem("a VPC is looked up by vpcId or tags; neither is said");
    }
    let found = vpcs(ec2, filters).await?;
    let [vpc] = found.as_slice() else {
        let ids = |all: &[Vpc]| listed(all.iter().filter_map(|it| it.vpc_id.clone()));
        return match found.len() {
            0 => problem(format!("no VPC has {what}; VPCs here: {}", ids(&vpcs(ec2, Vec::new()).await?))),
            many => problem(format!("{many} VPCs have {what}: {}; say which by vpcId", ids(&found))),
        };
    };
    let id = vpc.vpc_id.clone().unwrap_or_default();
    let mut subnets = Vec::new();
    let mut pages = ec2.describe_subnets().filters(filter("vpc-id", &id)).into_paginator().send();
    while let Some(page) = pages.next().await {
        subnets.extend(page.map_err(failed("DescribeSubnets"))?.subnets.into_iter().flatten());
    }
    subnets.sort_by(|a, b| a.subnet_id.cmp(&b.subnet_id));
    let subnets: Vec<Value> = subnets.into_iter().map(subnet).collect();
    Ok(Found::Answer(json!({"VpcId": id, "CidrBlock": vpc.cidr_block, "Subnets": subnets})))
}

async fn vpcs(ec2: &Client, filters: Vec<Filter>) -> Result<Vec<Vpc>> {
    let filters = Some(filters).filter(|all| !all.is_empty());
    let mut pages = ec2.describe_vpcs().set_filters(filters).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(page.map_err(failed("DescribeVpcs"))?.vpcs.into_iter().flatten());
    }
    Ok(all)
}

fn subnet(it: Subnet) -> Value {
    let tags = it.tags.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
    let tags: BTreeMap<String, String> = tags.collect();
    json!({
        "SubnetId": it.subnet_id, "AvailabilityZone": it.availability_zone, "CidrBlock": it.cidr_block, "Tags": tags,
    })
}

async fn group(ec2: &Client, ask: &Value) -> Result<Found> {
    let (filters, what) = known(ask, &[("id", "group-id", "the id"), ("name", "group-name", "the name")]);
    if filters.is_empty() {
        return problem("a security group is looked up by id, name or tags; none is said");
    }
    let vpc = text(ask, "vpcId");
    let found = groups(ec2, vpc, filters).await?;
    let [group] = found.as_slice() else {
        let told = |it: &SecurityGroup| Some(format!("{} ({})", it.group_id.as_ref()?, it.group_name.as_ref()?));
        let all = |all: &[SecurityGroup]| listed(all.iter().filter_map(told));
        return match found.len() {
            0 => {
                let there = all(&groups(ec2, vpc, Vec::new()).await?);
                problem(format!("no security group of {vpc} has {what}; groups there: {there}"))
            }
            many => problem(format!("{many} security groups of {vpc} have {what}: {}; say which by id", all(&found))),
        };
    };
    Ok(Found::Answer(json!(group.group_id)))
}

async fn groups(ec2: &Client, vpc: &str, mut filters: Vec<Filter>) -> Result<Vec<SecurityGroup>> {
    filters.push(filter("vpc-id", vpc));
    let mut pages = ec2.describe_security_groups().set_filters(Some(filters)).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(page.map_err(failed("DescribeSecurityGroups"))?.security_groups.into_iter().flatten());
    }
    Ok(all)
}

/// In order, or a word for none.
fn listed(all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = all.collect();
    all.sort();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

async fn secret(aws: &Aws, name: &str) -> Result<Found> {
    let secrets = aws_sdk_secretsmanager::Client::new(aws.config());
    let answer = found(secrets.describe_secret().secret_id(name).send().await.map_err(failed("DescribeSecret")))?;
    match answer {
        None => problem(format!("there is no secret {name}")),
        Some(it) if it.deleted_date.is_some() => problem(format!("the secret {name} is scheduled for deletion")),
        Some(it) => Ok(Found::Answer(json!(it.arn))),
    }
}

/// The value comes along, encrypted if it is secret, and is dropped here.
async fn parameter(aws: &Aws, name: &str) -> Result<Found> {
    let ssm = aws_sdk_ssm::Client::new(aws.config());
    let answer = ssm.get_parameter().name(name).with_decryption(false).send().await;
    match found(answer.map_err(failed("GetParameter")))?.and_then(|it| it.parameter?.arn) {
        None => problem(format!("there is no parameter {name}")),
        Some(arn) => Ok(Found::Answer(json!(arn))),
    }
}

async fn engine_versions(aws: &Aws, engine: &str) -> Result<Found> {
    let rds = aws_sdk_rds::Client::new(aws.config());
    let mut pages = rds.describe_db_engine_versions().engine(engine).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed("DescribeDBEngineVersions"))?;
        all.extend(page.db_engine_versions.into_iter().flatten().filter_map(|it| it.engine_version));
    }
    if all.is_empty() {
        return problem(format!("RDS has no versions of {engine}"));
    }
    Ok(Found::Answer(json!(all)))
}
