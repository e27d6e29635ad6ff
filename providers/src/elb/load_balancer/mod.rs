//! `AWS::ElasticLoadBalancingV2::LoadBalancer`.
//!
//! An application load balancer takes minutes until it is active; its name has 32 characters; a change of its subnets, groups,
//! address type and attributes is a call each. A delete is refused while deletion protection is on: it is
//! switched off first, for what guards data is the plan.

mod spec;

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{IpAddressType, LoadBalancer as Live, LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerTypeEnum},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CreateOnly, OnRemove, Rooted, ServerDefault, Settings, Unordered},
        OnRemove::{Keep, Reset},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use futures::future::join_all;
use serde_json::json;

pub use spec::LoadBalancerSpec;
use spec::{DEFAULTS, PROTECTION, from_live};

use super::{Attribute, PAGE, RATE, after_colon, attributes, elb_tags, retag, tags_of};
use crate::{
    Aws,
    call::{failed, found, gone},
    many::{all_or_each, copies, in_order, one},
    tags::{Tag, to_map},
};

/// A load balancer.
pub struct LoadBalancer {
    elb: Client,
}

impl LoadBalancer {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { elb: Client::new(aws.config()) }
    }

    async fn describe(&self, arns: Vec<String>) -> Result<Vec<Live>> {
        let answer = self.elb.describe_load_balancers().set_load_balancer_arns(Some(arns)).send().await;
        Ok(answer.map_err(failed("DescribeLoadBalancers"))?.load_balancers.unwrap_or_default())
    }

    async fn set(&self, id: &PhysicalId, all: impl IntoIterator<Item = (String, String)>) -> Result<()> {
        let attribute = |(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build();
        let all = all.into_iter().map(attribute).collect();
        let call = self.elb.modify_load_balancer_attributes().load_balancer_arn(&id.0).set_attributes(Some(all));
        call.send().await.map_err(failed("ModifyLoadBalancerAttributes")).map(drop)
    }

    async fn seen(&self, live: Live, tags: Option<Vec<Tag>>, wanted: &Wanted) -> Result<Seen<LoadBalancerSpec>> {
        let mut spec = from_live(&live, tags);
        if wanted.has("LoadBalancerAttributes") {
            let call =
                self.elb.describe_load_balancer_attributes().set_load_balancer_arn(live.load_balancer_arn.clone());
            let all = call.send().await.map_err(failed("DescribeLoadBalancerAttributes"))?.attributes;
            let attribute = |it: LoadBalancerAttribute| Some(Attribute { key: it.key?, value: it.value? });
            spec.load_balancer_attributes = Some(all.into_iter().flatten().filter_map(attribute).collect());
        }
        let full = live.load_balancer_arn.as_deref().map(after_colon);
        let outputs = [
            ("LoadBalancerArn", json!(live.load_balancer_arn)),
            ("DNSName", json!(live.dns_name)),
            ("CanonicalHostedZoneID", json!(live.canonical_hosted_zone_id)),
            ("LoadBalancerFullName", json!(full)),
            ("LoadBalancerName", json!(live.load_balancer_name)),
        ];
        let state = live.state.as_ref();
        match state.and_then(|it| it.code.as_ref()).map_or("active", |code| code.as_str()) {
            "active" | "active_impaired" => Ok(Seen::ready(spec, outputs)),
            // A failed one may still come: it is waited for.
            status => Ok(Seen::pending(status, spec, outputs)),
        }
    }
}

const SLOW: Settle = Settle {
    usual: Duration::from_secs(130),
    budget: Duration::from_secs(600),
    every: Duration::from_secs(5),
    ..Settle::FAST
};
/// It takes two minutes and more until a new one is there.
const COMING: Settle = Settle { first: Duration::from_secs(60), every: Duration::from_secs(10), ..SLOW };

impl Resource for LoadBalancer {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Name", CreateOnly),
            ("/Type", CreateOnly),
            ("/Type", ServerDefault("\"application\"")),
            ("/Scheme", CreateOnly),
            ("/Scheme", ServerDefault("\"internet-facing\"")),
            ("/Subnets", Unordered),
            // It never leaves its VPC. Other subnets of the same one could be set, and are not told from those of another.
            ("/Subnets", Rooted),
            ("/Subnets", OnRemove(Keep)),
            ("/SecurityGroups", Unordered),
            ("/SecurityGroups", OnRemove(Keep)),
            ("/IpAddressType", OnRemove(Reset("\"ipv4\""))),
            ("/LoadBalancerAttributes", Settings { key: "Key", defaults: DEFAULTS }),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[
            Output::created("LoadBalancerArn"),
            Output::created("DNSName"),
            Output::created("CanonicalHostedZoneID"),
            Output::created("LoadBalancerFullName"),
            Output::created("LoadBalancerName"),
        ],
        name: Some(NameRule { max: 32, ..NameRule::regional("/Name") }),
        found: FoundBy::Name,
        create_adopts: true,
        settle: SettleTable { create: COMING, update: SLOW, delete: SLOW },
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = LoadBalancerSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<LoadBalancerSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<LoadBalancerSpec>>> {
        let live =
            in_order(ids, all_or_each(ids, |arns| self.describe(arns)).await, |it| it.load_balancer_arn.as_deref());
        let tags = match tags_of(&self.elb, &live, ids).await {
            Ok(tags) => tags,
            Err(error) => return copies(ids.len(), error),
        };
        let seen = live.into_iter().zip(ids).map(async |(live, (id, wanted))| match live? {
            Some(live) => self.seen(live, tags.get(&id.0).cloned().flatten(), wanted).await,
            None => Ok(Seen::Absent),
        });
        join_all(seen).await
    }

    async fn create(&self, _: &Identity, spec: &LoadBalancerSpec) -> Result<Created> {
        let call = self
            .elb
            .create_load_balancer()
            .name(&spec.name)
            .set_type(spec.kind.as_deref().map(LoadBalancerTypeEnum::from))
            .set_scheme(spec.scheme.as_deref().map(LoadBalancerSchemeEnum::from))
            .set_subnets(spec.subnets.clone())
            .set_security_groups(spec.security_groups.clone())
            .set_ip_address_type(spec.ip_address_type.as_deref().map(IpAddressType::from))
            .set_tags(elb_tags(to_map(spec.tags.as_ref())));
        let made = call.send().await.map_err(failed("CreateLoadBalancer"))?.load_balancers;
        let Some(made) = made.into_iter().flatten().next() else { return Ok(Created::whole("")) };
        let arn = made.load_balancer_arn.unwrap_or_default();
        Ok(Created::whole(arn.clone())
            .without(&["LoadBalancerAttributes"])
            .output("LoadBalancerFullName", after_colon(&arn))
            .output("LoadBalancerArn", arn)
            .output("DNSName", made.dns_name)
            .output("CanonicalHostedZoneID", made.canonical_hosted_zone_id)
            .output("LoadBalancerName", spec.name.clone()))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &LoadBalancerSpec,
        spec: &LoadBalancerSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.touches("Subnets") {
            let call = self.elb.set_subnets().load_balancer_arn(&id.0).set_subnets(spec.subnets.clone());
            call.send().await.map_err(failed("SetSubnets"))?;
        }
        if changed.touches("SecurityGroups") {
            let groups = spec.security_groups.clone();
            let call = self.elb.set_security_groups().load_balancer_arn(&id.0).set_security_groups(groups);
            call.send().await.map_err(failed("SetSecurityGroups"))?;
        }
        if changed.touches("IpAddressType") {
            let kind = spec.ip_address_type.as_deref().map(IpAddressType::from);
            let call = self.elb.set_ip_address_type().load_balancer_arn(&id.0).set_ip_address_type(kind);
            call.send().await.map_err(failed("SetIpAddressType"))?;
        }
        let set = attributes(changed, "LoadBalancerAttributes", spec.load_balancer_attributes.as_ref(), DEFAULTS);
        if !set.is_empty() {
            self.set(id, set).await?;
        }
        retag(&self.elb, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, applied: &LoadBalancerSpec, _: &DeleteOptions) -> Result<()> {
        if applied.is_protected() {
            gone(self.set(id, [(PROTECTION.to_owned(), "false".to_owned())]).await)?;
        }
        let answer = self.elb.delete_load_balancer().load_balancer_arn(&id.0).send().await;
        gone(answer.map_err(failed("DeleteLoadBalancer")))
    }

    async fn find(&self, _: &Identity, spec: &LoadBalancerSpec) -> Result<Option<PhysicalId>> {
        let answer = self.elb.describe_load_balancers().names(&spec.name).send().await;
        let there = found(answer.map_err(failed("DescribeLoadBalancers")))?.and_then(|it| it.load_balancers);
        Ok(there.into_iter().flatten().find_map(|it| it.load_balancer_arn).map(PhysicalId))
    }
}
