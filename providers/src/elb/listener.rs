//! `AWS::ElasticLoadBalancingV2::Listener`.
//!
//! A load balancer has one listener a port. Everything but the load balancer is changed in place, and what a change leaves out
//! stays; a certificate that was made a moment ago may not be known yet.

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{Certificate as ElbCertificate, Listener as Live, ProtocolEnum},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CreateOnly, Document, OnRemove},
        OnRemove::Keep,
        Output,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    PAGE, RATE,
    action::{ActionSpec, from_actions, plain_actions, to_actions},
    elb_tags, retag, tags_of,
};
use crate::{
    Aws,
    call::{failed, found, gone},
    many::{all_or_each, copies, in_order, one},
    tags::{Tag, to_map},
};

/// A port that a load balancer listens on.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListenerSpec {
    /// The load balancer.
    pub load_balancer_arn: String,
    /// The port.
    pub port: i32,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// HTTPS: the certificate, a list of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<Certificate>>,
    /// HTTPS: the ciphers and versions that are spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// What happens to a request that no rule takes.
    pub default_actions: Vec<ActionSpec>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Certificate {
    /// Its ARN.
    pub certificate_arn: String,
}

/// A port that a load balancer listens on.
pub struct Listener {
    elb: Client,
}

impl Listener {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { elb: Client::new(aws.config()) }
    }

    async fn describe(&self, arns: Vec<String>) -> Result<Vec<Live>> {
        let answer = self.elb.describe_listeners().set_listener_arns(Some(arns)).send().await;
        Ok(answer.map_err(failed("DescribeListeners"))?.listeners.unwrap_or_default())
    }
}

impl Resource for Listener {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::Listener";
    const FACTS: Facts = Facts {
        fields: &[
            ("/LoadBalancerArn", CreateOnly),
            ("/DefaultActions", Document(plain_actions)),
            ("/Certificates", OnRemove(Keep)),
            ("/SslPolicy", OnRemove(Keep)),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("ListenerArn")],
        slots: |spec| vec![format!("{} {}", spec["LoadBalancerArn"], spec["Port"])],
        found: FoundBy::Name,
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = ListenerSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<ListenerSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<ListenerSpec>>> {
        let live = in_order(ids, all_or_each(ids, |arns| self.describe(arns)).await, |it| it.listener_arn.as_deref());
        let tags = match tags_of(&self.elb, &live, ids).await {
            Ok(tags) => tags,
            Err(error) => return copies(ids.len(), error),
        };
        let seen = |live, id: &PhysicalId| seen(live, tags.get(&id.0).cloned().flatten());
        live.into_iter().zip(ids).map(|(live, (id, _))| Ok(live?.map_or(Seen::Absent, |live| seen(live, id)))).collect()
    }

    async fn create(&self, _: &Identity, spec: &ListenerSpec) -> Result<Created> {
        let call = self
            .elb
            .create_listener()
            .load_balancer_arn(&spec.load_balancer_arn)
            .port(spec.port)
            .protocol(ProtocolEnum::from(spec.protocol.as_str()))
            .set_certificates(certificates(spec))
            .set_ssl_policy(spec.ssl_policy.clone())
            .set_default_actions(Some(to_actions(&spec.default_actions)))
            .set_tags(elb_tags(to_map(spec.tags.as_ref())));
        let made = call.send().await.map_err(failed("CreateListener"))?.listeners;
        let arn = made.into_iter().flatten().find_map(|it| it.listener_arn).unwrap_or_default();
        Ok(Created::whole(arn.clone()).output("ListenerArn", arn))
    }

    async fn update(&self, id: &PhysicalId, _: &ListenerSpec, spec: &ListenerSpec, changed: &Changed) -> Result<()> {
        if ["Port", "Protocol", "Certificates", "SslPolicy", "DefaultActions"].iter().any(|name| changed.touches(name))
        {
            let call = self
                .elb
                .modify_listener()
                .listener_arn(&id.0)
                .port(spec.port)
                .protocol(ProtocolEnum::from(spec.protocol.as_str()))
                .set_certificates(certificates(spec))
                .set_ssl_policy(spec.ssl_policy.clone())
                .set_default_actions(Some(to_actions(&spec.default_actions)));
            call.send().await.map_err(failed("ModifyListener"))?;
        }
        retag(&self.elb, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &ListenerSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.elb.delete_listener().listener_arn(&id.0).send().await.map_err(failed("DeleteListener")))
    }

    async fn find(&self, _: &Identity, spec: &ListenerSpec) -> Result<Option<PhysicalId>> {
        let answer = self.elb.describe_listeners().load_balancer_arn(&spec.load_balancer_arn).send().await;
        let all = found(answer.map_err(failed("DescribeListeners")))?.and_then(|it| it.listeners);
        let there = all.into_iter().flatten().find(|it| it.port == Some(spec.port));
        Ok(there.and_then(|it| it.listener_arn).map(PhysicalId))
    }
}

fn certificates(spec: &ListenerSpec) -> Option<Vec<ElbCertificate>> {
    let certificate = |it: &Certificate| ElbCertificate::builder().certificate_arn(&it.certificate_arn).build();
    spec.certificates.as_ref().map(|all| all.iter().map(certificate).collect())
}

fn seen(live: Live, tags: Option<Vec<Tag>>) -> Seen<ListenerSpec> {
    let outputs = [("ListenerArn", json!(live.listener_arn))];
    let certificate = |it: ElbCertificate| it.certificate_arn.map(|certificate_arn| Certificate { certificate_arn });
    let certificates: Vec<Certificate> = live.certificates.into_iter().flatten().filter_map(certificate).collect();
    let spec = ListenerSpec {
        load_balancer_arn: live.load_balancer_arn.unwrap_or_default(),
        port: live.port.unwrap_or_default(),
        protocol: live.protocol.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        certificates: Some(certificates).filter(|all| !all.is_empty()),
        ssl_policy: live.ssl_policy,
        default_actions: from_actions(live.default_actions),
        tags,
    };
    Seen::ready(spec, outputs)
}
