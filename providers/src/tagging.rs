//! What carries a stack's tags: one question to the tagging API for all services, and roles, which it does not know.
//!
//! The tagging API is behind the services by minutes and lists what was deleted a moment ago: its answer says where to look, and the
//! thing itself is asked before anything is said of it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_resourcegroupstagging::types::{ResourceTagMapping, TagFilter};
use deployer_engine::{
    desired::Scope,
    drift::{Census, Part, Tagged},
    error::Result,
};

use crate::{Aws, call::failed, inside};

/// How an ARN's end becomes the id that a type goes by.
#[derive(Clone, Copy)]
enum Id {
    /// What follows the prefix.
    Rest,
    /// The whole ARN.
    Arn,
    /// What follows the prefix: cluster and name.
    Pair,
    /// What follows the prefix; a path keeps its first slash.
    Path,
    /// A queue's URL, which only the queue service knows.
    Url,
}

/// Service and start of an ARN's end, the type that it means, and its id.
const TYPES: &[(&str, &str, &str, Id)] = &[
    ("dynamodb", "table/", "AWS::DynamoDB::Table", Id::Rest),
    ("ec2", "elastic-ip/", "AWS::EC2::EIP", Id::Rest),
    ("ec2", "internet-gateway/", "AWS::EC2::InternetGateway", Id::Rest),
    ("ec2", "natgateway/", "AWS::EC2::NatGateway", Id::Rest),
    ("ec2", "route-table/", "AWS::EC2::RouteTable", Id::Rest),
    ("ec2", "security-group/", "AWS::EC2::SecurityGroup", Id::Rest),
    ("ec2", "subnet/", "AWS::EC2::Subnet", Id::Rest),
    ("ec2", "vpc-endpoint/", "AWS::EC2::VPCEndpoint", Id::Rest),
    ("ec2", "vpc/", "AWS::EC2::VPC", Id::Rest),
    ("ecs", "cluster/", "AWS::ECS::Cluster", Id::Rest),
    ("ecs", "service/", "AWS::ECS::Service", Id::Pair),
    ("ecs", "task-definition/", "AWS::ECS::TaskDefinition", Id::Arn),
    ("elasticloadbalancing", "listener-rule/", "AWS::ElasticLoadBalancingV2::ListenerRule", Id::Arn),
    ("elasticloadbalancing", "listener/", "AWS::ElasticLoadBalancingV2::Listener", Id::Arn),
    ("elasticloadbalancing", "loadbalancer/", "AWS::ElasticLoadBalancingV2::LoadBalancer", Id::Arn),
    ("elasticloadbalancing", "targetgroup/", "AWS::ElasticLoadBalancingV2::TargetGroup", Id::Arn),
    ("iam", "oidc-provider/", "AWS::IAM::OIDCProvider", Id::Arn),
    ("iam", "policy/", "AWS::IAM::ManagedPolicy", Id::Arn),
    ("logs", "log-group:", "AWS::Logs::LogGroup", Id::Rest),
    ("rds", "db:", "AWS::RDS::DBInstance", Id::Rest),
    ("rds", "pg:", "AWS::RDS::DBParameterGroup", Id::Rest),
    ("rds", "subgrp:", "AWS::RDS::DBSubnetGroup", Id::Rest),
    ("s3", "", "AWS::S3::Bucket", Id::Rest),
    ("servicediscovery", "service/", "AWS::ServiceDiscovery::Service", Id::Rest),
    ("sqs", "", "AWS::SQS::Queue", Id::Url),
    ("ssm", "parameter/", "AWS::SSM::Parameter", Id::Path),
];

/// Asks by tags.
#[derive(Clone, Debug)]
pub struct Tagging {
    aws: Aws,
    tagging: aws_sdk_resourcegroupstagging::Client,
    iam: aws_sdk_iam::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Tagging {
    /// With these clients.
    pub fn new(aws: &Aws) -> Self {
        let config = aws.config();
        Self {
            aws: aws.clone(),
            tagging: aws_sdk_resourcegroupstagging::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
        }
    }

    async fn everywhere(&self, scope: &Scope) -> Result<Vec<Tagged>> {
        let filter = |key: &str, value: &str| TagFilter::builder().key(key).values(value).build();
        let call = self
            .tagging
            .get_resources()
            .tag_filters(filter("deployer:stack", &scope.stack))
            .tag_filters(filter("deployer:env", &scope.env))
            .resources_per_page(100);
        let mut pages = call.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.extend(self.told(item.map_err(failed("GetResources"))?).await?);
        }
        Ok(found)
    }

    async fn told(&self, item: ResourceTagMapping) -> Result<Option<Tagged>> {
        let Some(arn) = item.resource_arn else { return Ok(None) };
        let tags = item.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        let Some((kind, id, how)) = meaning(&arn) else { return Ok(Some(Tagged { kind: None, id: arn, tags })) };
        let id = match how {
            Id::Arn => arn.clone(),
            Id::Rest => id.to_owned(),
            Id::Pair => id.replacen('/', "|", 1),
            Id::Path if id.contains('/') => format!("/{id}"),
            Id::Path => id.to_owned(),
            Id::Url => match self.sqs.get_queue_url().queue_name(id).send().await {
                Ok(answer) => answer.queue_url.unwrap_or(arn),
                // Gone since.
                Err(_) => return Ok(None),
            },
        };
        Ok(Some(Tagged { kind: Some(kind.to_owned()), id, tags }))
    }

    /// The tagging API does not tell of roles. Those of a stack are told by their names' start, then by their tags.
    async fn roles(&self, scope: &Scope) -> Result<Vec<Tagged>> {
        let start = format!("{}-{}-", scope.stack, scope.env);
        let mut pages = self.iam.list_roles().into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(role) = pages.next().await {
            let name = role.map_err(failed("ListRoles"))?.role_name;
            if !name.starts_with(&start) {
                continue;
            }
            let answer = self.iam.list_role_tags().role_name(&name).send().await.map_err(failed("ListRoleTags"))?;
            let tags: BTreeMap<String, String> = answer.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
            let is = |key: &str, value: &str| tags.get(key).is_some_and(|it| it == value);
            if is("deployer:stack", &scope.stack) && is("deployer:env", &scope.env) {
                found.push(Tagged { kind: Some("AWS::IAM::Role".to_owned()), id: name, tags });
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Census for Tagging {
    async fn tagged(&self, scope: &Scope) -> Vec<Result<Vec<Tagged>>> {
        let (everywhere, roles) = futures::join!(self.everywhere(scope), self.roles(scope));
        vec![everywhere, roles]
    }

    async fn inside(&self, things: &[(String, String)]) -> Vec<Result<Vec<Part>>> {
        vec![inside::rules(&self.aws, things).await]
    }
}

/// The type that an ARN means, and the part of it that follows its start.
fn meaning(arn: &str) -> Option<(&'static str, &str, Id)> {
    let mut parts = arn.splitn(6, ':');
    let (service, end) = (parts.nth(2)?, parts.nth(2)?);
    let of = |(name, start, kind, how): &(&str, &str, &'static str, Id)| {
        Some((*kind, end.strip_prefix(start)?, *how)).filter(|_| *name == service)
    };
    TYPES.iter().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_means_a_type() {
        let (kind, id, _) =
            meaning("arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/vpce-1").unwrap_or(("", "", Id::Arn));
        assert_eq!((kind, id), ("AWS::EC2::VPCEndpoint", "vpce-1"));
        let (kind, id, _) =
            meaning("arn:aws:logs:eu-west-1:111122223333:log-group:/shop/api").unwrap_or(("", "", Id::Arn));
        assert_eq!((kind, id), ("AWS::Logs::LogGroup", "/shop/api"));
        assert!(meaning("arn:aws:glue:eu-west-1:111122223333:job/a").is_none());
    }
}
