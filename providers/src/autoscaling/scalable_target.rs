//! `AWS::ApplicationAutoScaling::ScalableTarget`.
//!
//! Known by namespace, resource and dimension. Registering moves the capacity into its bounds at once; what a call leaves out
//! stays. Deregistering takes its policies along.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_applicationautoscaling::{
    Client,
    types::{ScalableDimension, ScalableTarget as Live, ServiceNamespace},
};
use deployer_engine::{
    error::Result,
    facts::{Facts, Nature::CreateOnly, Output, Settle, SettleTable},
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use futures::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PAGE, RATE};
use crate::{
    Aws,
    call::{failed, gone},
    many::{one, read},
};

/// What may be scaled, and how far.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalableTargetSpec {
    /// `ecs`, `dynamodb` ..
    pub service_namespace: String,
    /// `service/CLUSTER/SERVICE` ..
    pub resource_id: String,
    /// `ecs:service:DesiredCount` ..
    pub scalable_dimension: String,
    /// The least.
    pub min_capacity: i32,
    /// The most.
    pub max_capacity: i32,
}

/// What may be scaled.
pub struct ScalableTarget {
    scaling: Client,
}

impl ScalableTarget {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { scaling: Client::new(aws.config()) }
    }

    async fn register(&self, spec: &ScalableTargetSpec) -> Result<()> {
        let call = self
            .scaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::from(spec.service_namespace.as_str()))
            .resource_id(&spec.resource_id)
            .scalable_dimension(ScalableDimension::from(spec.scalable_dimension.as_str()))
            .min_capacity(spec.min_capacity)
            .max_capacity(spec.max_capacity);
        call.send().await.map_err(failed("RegisterScalableTarget")).map(drop)
    }
}

impl Resource for ScalableTarget {
    const TYPE: &'static str = "AWS::ApplicationAutoScaling::ScalableTarget";
    const FACTS: Facts = Facts {
        fields: &[("/ServiceNamespace", CreateOnly), ("/ResourceId", CreateOnly), ("/ScalableDimension", CreateOnly)],
        outputs: &[Output::created("Id")],
        slots: |spec| vec![format!("{} {}", spec["ResourceId"], spec["ScalableDimension"])],
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(300), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        page: PAGE,
        ..Facts::PART
    };
    type Spec = ScalableTargetSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<ScalableTargetSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    /// One call for each dimension among them.
    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<ScalableTargetSpec>>> {
        let mut dimensions: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for (namespace, resource, dimension) in ids.iter().map(|(id, _)| parts(id)) {
            dimensions.entry((namespace, dimension)).or_default().push(resource.to_owned());
        }
        let calls = dimensions.into_iter().map(async |((namespace, dimension), resources)| {
            let call = self
                .scaling
                .describe_scalable_targets()
                .service_namespace(ServiceNamespace::from(namespace))
                .set_resource_ids(Some(resources))
                .scalable_dimension(ScalableDimension::from(dimension));
            let answer = call.send().await.map_err(failed("DescribeScalableTargets"))?;
            Ok(answer.scalable_targets.unwrap_or_default())
        });
        let answers: Result<Vec<Vec<Live>>> = join_all(calls).await.into_iter().collect();
        let specs = answers.map(|all| all.into_iter().flatten().map(from_live).map(|it| (id(&it), it)).collect());
        read(ids, specs, |(id, _): &(String, _)| Some(id.as_str()), |(id, spec)| Seen::ready(spec, [("Id", json!(id))]))
    }

    async fn create(&self, _: &Identity, spec: &ScalableTargetSpec) -> Result<Created> {
        self.register(spec).await?;
        Ok(Created::whole(id(spec)).output("Id", id(spec)))
    }

    async fn update(
        &self,
        _: &PhysicalId,
        _: &ScalableTargetSpec,
        spec: &ScalableTargetSpec,
        _: &Changed,
    ) -> Result<()> {
        self.register(spec).await
    }

    async fn delete(&self, id: &PhysicalId, _: &ScalableTargetSpec, _: &DeleteOptions) -> Result<()> {
        let (namespace, resource, dimension) = parts(id);
        let call = self
            .scaling
            .deregister_scalable_target()
            .service_namespace(ServiceNamespace::from(namespace))
            .resource_id(resource)
            .scalable_dimension(ScalableDimension::from(dimension));
        gone(call.send().await.map_err(failed("DeregisterScalableTarget")))
    }

    async fn find(&self, _: &Identity, spec: &ScalableTargetSpec) -> Result<Option<PhysicalId>> {
        Ok(Some(PhysicalId(id(spec))))
    }
}

/// `resource|dimension|namespace`, as CloudFormation has it.
fn id(spec: &ScalableTargetSpec) -> String {
    format!("{}|{}|{}", spec.resource_id, spec.scalable_dimension, spec.service_namespace)
}

fn parts(id: &PhysicalId) -> (&str, &str, &str) {
    let mut parts = id.0.split('|');
    let (resource, dimension) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (parts.next().unwrap_or_default(), resource, dimension)
}

fn from_live(live: Live) -> ScalableTargetSpec {
    ScalableTargetSpec {
        service_namespace: live.service_namespace.as_str().to_owned(),
        resource_id: live.resource_id,
        scalable_dimension: live.scalable_dimension.as_str().to_owned(),
        min_capacity: live.min_capacity,
        max_capacity: live.max_capacity,
    }
}
