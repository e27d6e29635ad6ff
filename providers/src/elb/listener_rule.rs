//! `AWS::ElasticLoadBalancingV2::ListenerRule`.
//!
//! A listener has one rule a priority; priorities are set by a call of their own. A rule does not tell its listener, but its ARN
//! does, and its conditions are told twice, in two shapes.

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{
        HostHeaderConditionConfig, PathPatternConditionConfig, Rule as Live, RuleCondition as ElbCondition,
        RulePriorityPair,
    },
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CreateOnly, Document},
        Output,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

/// Which requests go where.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListenerRuleSpec {
    /// The listener.
    pub listener_arn: String,
    /// Its place: 1 to 50,000, the lowest first.
    pub priority: i32,
    /// Which requests.
    pub conditions: Vec<RuleCondition>,
    /// Where.
    pub actions: Vec<ActionSpec>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// What a request has to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RuleCondition {
    /// `host-header` or `path-pattern`.
    pub field: String,
    /// One of these, with `*` and `?`; at most five.
    pub values: Vec<String>,
}

/// Which requests go where.
pub struct ListenerRule {
    elb: Client,
}

impl ListenerRule {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { elb: Client::new(aws.config()) }
    }

    async fn describe(&self, arns: Vec<String>) -> Result<Vec<Live>> {
        let answer = self.elb.describe_rules().set_rule_arns(Some(arns)).send().await;
        Ok(answer.map_err(failed("DescribeRules"))?.rules.unwrap_or_default())
    }
}

impl Resource for ListenerRule {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::ListenerRule";
    const FACTS: Facts = Facts {
        fields: &[
            ("/ListenerArn", CreateOnly),
            ("/Conditions", Document(plain_conditions)),
            ("/Actions", Document(plain_actions)),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("RuleArn")],
        slots: |spec| vec![format!("{} {}", spec["ListenerArn"], spec["Priority"])],
        found: FoundBy::Name,
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = ListenerRuleSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<ListenerRuleSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<ListenerRuleSpec>>> {
        let live = in_order(ids, all_or_each(ids, |arns| self.describe(arns)).await, |it| it.rule_arn.as_deref());
        let tags = match tags_of(&self.elb, &live, ids).await {
            Ok(tags) => tags,
            Err(error) => return copies(ids.len(), error),
        };
        let seen = |live, id: &PhysicalId| seen(live, tags.get(&id.0).cloned().flatten());
        live.into_iter().zip(ids).map(|(live, (id, _))| Ok(live?.map_or(Seen::Absent, |live| seen(live, id)))).collect()
    }

    async fn create(&self, _: &Identity, spec: &ListenerRuleSpec) -> Result<Created> {
        let call = self
            .elb
            .create_rule()
            .listener_arn(&spec.listener_arn)
            .priority(spec.priority)
            .set_conditions(Some(conditions(spec)))
            .set_actions(Some(to_actions(&spec.actions)))
            .set_tags(elb_tags(to_map(spec.tags.as_ref())));
        let made = call.send().await.map_err(failed("CreateRule"))?.rules;
        let arn = made.into_iter().flatten().find_map(|it| it.rule_arn).unwrap_or_default();
        Ok(Created::whole(arn.clone()).output("RuleArn", arn))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &ListenerRuleSpec,
        spec: &ListenerRuleSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.touches("Priority") {
            let pair = RulePriorityPair::builder().rule_arn(&id.0).priority(spec.priority).build();
            self.elb.set_rule_priorities().rule_priorities(pair).send().await.map_err(failed("SetRulePriorities"))?;
        }
        if changed.touches("Conditions") || changed.touches("Actions") {
            let call = self
                .elb
                .modify_rule()
                .rule_arn(&id.0)
                .set_conditions(Some(conditions(spec)))
                .set_actions(Some(to_actions(&spec.actions)));
            call.send().await.map_err(failed("ModifyRule"))?;
        }
        retag(&self.elb, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &ListenerRuleSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.elb.delete_rule().rule_arn(&id.0).send().await.map_err(failed("DeleteRule")))
    }

    async fn find(&self, _: &Identity, spec: &ListenerRuleSpec) -> Result<Option<PhysicalId>> {
        let mut pages = self.elb.describe_rules().listener_arn(&spec.listener_arn).into_paginator().send();
        let priority = spec.priority.to_string();
        while let Some(page) = pages.next().await {
            let Some(page) = found(page.map_err(failed("DescribeRules")))? else { return Ok(None) };
            let there = page.rules.into_iter().flatten().find(|it| it.priority.as_ref() == Some(&priority));
            if let Some(arn) = there.and_then(|it| it.rule_arn) {
                return Ok(Some(PhysicalId(arn)));
            }
        }
        Ok(None)
    }
}

fn conditions(spec: &ListenerRuleSpec) -> Vec<ElbCondition> {
    let condition = |it: &RuleCondition| {
        let values = Some(it.values.clone());
        let built = ElbCondition::builder().field(&it.field);
        match it.field.as_str() {
            "host-header" => {
                built.host_header_config(HostHeaderConditionConfig::builder().set_values(values).build()).build()
            }
            _ => built.path_pattern_config(PathPatternConditionConfig::builder().set_values(values).build()).build(),
        }
    };
    spec.conditions.iter().map(condition).collect()
}

/// Order means nothing, and hosts have no case.
fn plain_conditions(value: &Value) -> Value {
    let mut all: Vec<Value> = value.as_array().cloned().unwrap_or_default();
    for condition in &mut all {
        let host = condition["Field"] == "host-header";
        let Some(values) = condition.get_mut("Values").and_then(Value::as_array_mut) else { continue };
        for text in values.iter_mut().filter(|_| host) {
            *text = json!(text.as_str().unwrap_or_default().to_ascii_lowercase());
        }
        values.sort_by_key(ToString::to_string);
    }
    all.sort_by_key(ToString::to_string);
    all.into()
}

/// `arn:..:listener-rule/app/NAME/LB/LISTENER/RULE` is a rule of `arn:..:listener/app/NAME/LB/LISTENER`.
fn listener_of(rule: &str) -> String {
    let listener = rule.rsplit_once('/').map_or(rule, |(listener, _)| listener);
    listener.replacen(":listener-rule/", ":listener/", 1)
}

fn seen(live: Live, tags: Option<Vec<Tag>>) -> Seen<ListenerRuleSpec> {
    let arn = live.rule_arn.unwrap_or_default();
    let condition = |it: ElbCondition| {
        let own = it.host_header_config.and_then(|it| it.values).or(it.path_pattern_config.and_then(|it| it.values));
        RuleCondition { field: it.field.unwrap_or_default(), values: own.or(it.values).unwrap_or_default() }
    };
    let spec = ListenerRuleSpec {
        listener_arn: listener_of(&arn),
        priority: live.priority.and_then(|text| text.parse().ok()).unwrap_or_default(),
        conditions: live.conditions.into_iter().flatten().map(condition).collect(),
        actions: from_actions(live.actions),
        tags,
    };
    Seen::ready(spec, [("RuleArn", json!(arn))])
}
