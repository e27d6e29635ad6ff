//! `AWS::SSM::Parameter`.
//!
//! A text under a name. A create refuses what is there, an overwrite takes no tags. `SecureString` is not supported: a secret
//! is never written in plain into a stack's files.

use aws_sdk_ssm::{
    Client,
    types::{ParameterStringFilter, ParameterTier, ParameterType, ResourceTypeForTagging, Tag as SsmTag},
};
use deployer_engine::{
    error::{Error, Result},
    facts::{
        Facts, NameRule,
        Nature::{ByKey, CreateOnly, OnRemove, ServerDefault},
        OnRemove::{Keep, Replace},
        Output, Rate,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Aws,
    call::{failed, found, gone, invalid},
    tags::{self, Tag},
};

/// A parameter.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ParameterSpec {
    /// Its name; one with a path starts with `/`.
    pub name: String,
    /// `String` or `StringList`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The text; a list is separated by commas.
    pub value: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What values it may have, as a regular expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_pattern: Option<String>,
    /// `Standard`, `Advanced`, `Intelligent-Tiering`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// `text` or `aws:ec2:image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A parameter.
pub struct Parameter {
    ssm: Client,
}

impl Parameter {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ssm: Client::new(aws.config()) }
    }

    /// Tags are taken by a create alone.
    async fn put(&self, spec: &ParameterSpec, overwrite: bool) -> Result<()> {
        if !matches!(spec.kind.as_str(), "String" | "StringList") {
            return Err(invalid(
                "PutParameter",
                format!("`Type` is String or StringList, not {}: secrets belong into Secrets Manager", spec.kind),
            ));
        }
        let tags = ssm_tags(tags::to_map(spec.tags.as_ref()))?;
        let call = self
            .ssm
            .put_parameter()
            .name(&spec.name)
            .r#type(ParameterType::from(spec.kind.as_str()))
            .value(&spec.value)
            .set_description(spec.description.clone().or_else(|| overwrite.then(String::new)))
            .set_allowed_pattern(spec.allowed_pattern.clone().or_else(|| overwrite.then(String::new)))
            .set_tier(spec.tier.as_deref().map(ParameterTier::from))
            .set_data_type(spec.data_type.clone())
            .overwrite(overwrite)
            .set_tags(Some(tags).filter(|_| !overwrite));
        call.send().await.map_err(failed("PutParameter")).map(drop)
    }
}

impl Resource for Parameter {
    const TYPE: &'static str = "AWS::SSM::Parameter";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Name", CreateOnly),
            ("/Type", OnRemove(Replace)),
            ("/Value", OnRemove(Replace)),
            ("/Tier", ServerDefault("\"Standard\"")),
            // AWS takes an advanced parameter back to standard only by a new one.
            ("/Tier", OnRemove(Keep)),
            ("/DataType", CreateOnly),
            ("/DataType", ServerDefault("\"text\"")),
            ("/DataType", OnRemove(Replace)),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[
            Output::ready("Arn"),
            Output::created("Name"),
            Output { changed_by: &["/Value"], ..Output::ready("Value") },
        ],
        name: Some(NameRule { max: 1_000, ..NameRule::regional("/Name") }),
        rate: Rate { class: "ssm", in_flight: 4 },
        ..Facts::NAMED
    };
    type Spec = ParameterSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<ParameterSpec>> {
        let answer = found(self.ssm.get_parameter().name(&id.0).send().await.map_err(failed("GetParameter")))?;
        let Some(live) = answer.and_then(|it| it.parameter) else { return Ok(Seen::Absent) };
        let mut spec = ParameterSpec {
            name: id.0.clone(),
            kind: live.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            value: live.value.unwrap_or_default(),
            data_type: live.data_type,
            ..ParameterSpec::default()
        };
        if ["Description", "AllowedPattern", "Tier"].iter().any(|name| wanted.has(name)) {
            let filter = ParameterStringFilter::builder().key("Name").option("Equals").values(&id.0).build();
            let filter = filter.map_err(|error| Error::Missing(error.to_string()))?;
            let page = self
                .ssm
                .describe_parameters()
                .parameter_filters(filter)
                .send()
                .await
                .map_err(failed("DescribeParameters"))?;
            let Some(more) = page.parameters.into_iter().flatten().next() else { return Ok(Seen::Absent) };
            spec.description = more.description.filter(|text| !text.is_empty());
            spec.allowed_pattern = more.allowed_pattern.filter(|text| !text.is_empty());
            spec.tier = more.tier.map(|tier| tier.as_str().to_owned());
        }
        if wanted.has("Tags") {
            let call =
                self.ssm.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(&id.0);
            let answer = found(call.send().await.map_err(failed("ListTagsForResource")))?;
            let listed = answer.and_then(|it| it.tag_list).unwrap_or_default();
            spec.tags = tags::from_map(listed.into_iter().map(|tag| (tag.key, tag.value)));
        }
        let value = json!(spec.value);
        Ok(Seen::ready(spec, [("Arn", json!(live.arn)), ("Name", json!(id)), ("Value", value)]))
    }

    async fn create(&self, _: &Identity, spec: &ParameterSpec) -> Result<Created> {
        self.put(spec, false).await?;
        Ok(Created::whole(spec.name.clone()).output("Name", spec.name.clone()))
    }

    async fn update(&self, id: &PhysicalId, _: &ParameterSpec, spec: &ParameterSpec, changed: &Changed) -> Result<()> {
        if ["Type", "Value", "Description", "AllowedPattern", "Tier"].iter().any(|name| changed.touches(name)) {
            self.put(spec, true).await?;
        }
        let tags = tags::change(changed, spec.tags.as_ref());
        if !tags.set.is_empty() {
            let call =
                self.ssm.add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(&id.0);
            call.set_tags(Some(ssm_tags(tags.set)?)).send().await.map_err(failed("AddTagsToResource"))?;
        }
        if !tags.remove.is_empty() {
            let call = self
                .ssm
                .remove_tags_from_resource()
                .resource_type(ResourceTypeForTagging::Parameter)
                .resource_id(&id.0);
            call.set_tag_keys(Some(tags.remove)).send().await.map_err(failed("RemoveTagsFromResource"))?;
        }
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &ParameterSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.ssm.delete_parameter().name(&id.0).send().await.map_err(failed("DeleteParameter")))
    }

    async fn find(&self, _: &Identity, spec: &ParameterSpec) -> Result<Option<PhysicalId>> {
        let answer = found(self.ssm.get_parameter().name(&spec.name).send().await.map_err(failed("GetParameter")))?;
        Ok(answer.map(|_| PhysicalId(spec.name.clone())))
    }
}

fn ssm_tags(tags: impl IntoIterator<Item = (String, String)>) -> Result<Vec<SsmTag>> {
    let tag = |(key, value)| {
        SsmTag::builder().key(key).value(value).build().map_err(|error| Error::Missing(error.to_string()))
    };
    tags.into_iter().map(tag).collect()
}
