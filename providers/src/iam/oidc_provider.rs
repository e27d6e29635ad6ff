//! `AWS::IAM::OIDCProvider`.
//!
//! Its ARN ends in its URL without `https://`, and an account has one for each URL: that is its place, and where it is looked for.
//! If no thumbprint is stated IAM fetches one, so what is told counts only against what is stated.

use std::collections::BTreeSet;

use aws_sdk_iam::Client;
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CreateOnly, Document, OnRemove, Unordered},
        OnRemove::Keep,
        Output,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{RATE, client, iam_tags};
use crate::{
    Aws,
    call::{failed, found, gone},
    tags::{self, Tag},
};

/// Somebody outside whose word of who a caller is IAM takes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OidcProviderSpec {
    /// Where it is: `https://token.actions.githubusercontent.com`.
    pub url: String,
    /// Whom its tokens are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id_list: Option<Vec<String>>,
    /// Its certificates, each by its SHA-1 in 40 hexadecimal digits; at most five.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbprint_list: Option<Vec<String>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// Somebody outside whose word IAM takes.
pub struct OidcProvider {
    iam: Client,
}

impl OidcProvider {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { iam: client(aws) }
    }

    /// One call for each id that comes or goes.
    async fn admit(&self, arn: &str, live: Option<&Vec<String>>, wanted: Option<&Vec<String>>) -> Result<()> {
        let of = |all: Option<&Vec<String>>| all.into_iter().flatten().cloned().collect::<BTreeSet<_>>();
        let (live, wanted) = (of(live), of(wanted));
        for id in wanted.difference(&live) {
            let call = self.iam.add_client_id_to_open_id_connect_provider();
            let answer = call.open_id_connect_provider_arn(arn).client_id(id).send().await;
            answer.map_err(failed("AddClientIDToOpenIDConnectProvider"))?;
        }
        for id in live.difference(&wanted) {
            let call = self.iam.remove_client_id_from_open_id_connect_provider();
            let answer = call.open_id_connect_provider_arn(arn).client_id(id).send().await;
            answer.map_err(failed("RemoveClientIDFromOpenIDConnectProvider"))?;
        }
        Ok(())
    }
}

impl Resource for OidcProvider {
    const TYPE: &'static str = "AWS::IAM::OIDCProvider";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Url", CreateOnly),
            ("/Url", Document(without_scheme)),
            ("/ClientIdList", Unordered),
            ("/ThumbprintList", Unordered),
            ("/ThumbprintList", Document(lower_case)),
            ("/ThumbprintList", OnRemove(Keep)),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("Arn")],
        slots: |spec| vec![without_scheme(&spec["Url"]).to_string()],
        found: FoundBy::Name,
        rate: RATE,
        ..Facts::NAMED
    };
    type Spec = OidcProviderSpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<OidcProviderSpec>> {
        let answer = self.iam.get_open_id_connect_provider().open_id_connect_provider_arn(&id.0).send().await;
        let Some(live) = found(answer.map_err(failed("GetOpenIDConnectProvider")))? else { return Ok(Seen::Absent) };
        let spec = OidcProviderSpec {
            url: live.url.as_deref().map(with_scheme).unwrap_or_default(),
            client_id_list: live.client_id_list.filter(|all| !all.is_empty()),
            thumbprint_list: live.thumbprint_list.filter(|all| !all.is_empty()),
            tags: tags::from_map(live.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value))),
        };
        Ok(Seen::ready(spec, [("Arn", json!(id))]))
    }

    async fn create(&self, _: &Identity, spec: &OidcProviderSpec) -> Result<Created> {
        let call = self
            .iam
            .create_open_id_connect_provider()
            .url(with_scheme(&spec.url))
            .set_client_id_list(spec.client_id_list.clone())
            .set_thumbprint_list(spec.thumbprint_list.clone())
            .set_tags(Some(iam_tags(tags::to_map(spec.tags.as_ref()))?));
        let made = call.send().await.map_err(failed("CreateOpenIDConnectProvider"))?;
        let arn = made.open_id_connect_provider_arn.unwrap_or_default();
        Ok(Created::whole(arn.clone()).output("Arn", arn))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        live: &OidcProviderSpec,
        spec: &OidcProviderSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.touches("ClientIdList") {
            self.admit(&id.0, live.client_id_list.as_ref(), spec.client_id_list.as_ref()).await?;
        }
        if changed.touches("ThumbprintList") {
            let call = self.iam.update_open_id_connect_provider_thumbprint().open_id_connect_provider_arn(&id.0);
            let answer = call.set_thumbprint_list(spec.thumbprint_list.clone()).send().await;
            answer.map_err(failed("UpdateOpenIDConnectProviderThumbprint"))?;
        }
        let tags = tags::change(changed, spec.tags.as_ref());
        if !tags.set.is_empty() {
            let call = self.iam.tag_open_id_connect_provider().open_id_connect_provider_arn(&id.0);
            let answer = call.set_tags(Some(iam_tags(tags.set)?)).send().await;
            answer.map_err(failed("TagOpenIDConnectProvider"))?;
        }
        if !tags.remove.is_empty() {
            let call = self.iam.untag_open_id_connect_provider().open_id_connect_provider_arn(&id.0);
            let answer = call.set_tag_keys(Some(tags.remove)).send().await;
            answer.map_err(failed("UntagOpenIDConnectProvider"))?;
        }
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &OidcProviderSpec, _: &DeleteOptions) -> Result<()> {
        let answer = self.iam.delete_open_id_connect_provider().open_id_connect_provider_arn(&id.0).send().await;
        gone(answer.map_err(failed("DeleteOpenIDConnectProvider")))
    }

    /// The list is one answer: an account has a hundred at most.
    async fn find(&self, _: &Identity, spec: &OidcProviderSpec) -> Result<Option<PhysicalId>> {
        let answer = self.iam.list_open_id_connect_providers().send().await;
        let all = answer.map_err(failed("ListOpenIDConnectProviders"))?.open_id_connect_provider_list;
        let here =
            |arn: &String| arn.split_once(":oidc-provider/").is_some_and(|(_, place)| place == place_of(&spec.url));
        Ok(all.into_iter().flatten().filter_map(|it| it.arn).find(here).map(PhysicalId))
    }
}

fn place_of(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url)
}

fn with_scheme(url: &str) -> String {
    format!("https://{}", place_of(url))
}

/// IAM takes a URL with its scheme and tells it without.
fn without_scheme(url: &Value) -> Value {
    url.as_str().map_or_else(|| url.clone(), |it| place_of(it).into())
}

/// Digits are digits, however they are written.
fn lower_case(all: &Value) -> Value {
    let each = all.as_array().into_iter().flatten();
    each.map(|it| it.as_str().map_or_else(|| it.clone(), |text| text.to_lowercase().into())).collect()
}
