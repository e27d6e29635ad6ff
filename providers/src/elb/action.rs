//! What happens to a request: the same for a listener's default and for its rules.
//!
//! AWS fills a redirect's gaps with placeholders and tells a forward's group in two places.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, RedirectActionConfig, RedirectActionStatusCodeEnum,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happens to a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ActionSpec {
    /// `forward`, `redirect` or `fixed-response`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Forward: the target group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<String>,
    /// Redirect: where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_config: Option<Redirect>,
    /// Fixed response: what is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_response_config: Option<FixedResponse>,
}

/// Where a request is sent to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Redirect {
    /// The host; the request's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The path; the request's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The port; the request's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The protocol; the request's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The query; the request's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// `HTTP_301` or `HTTP_302`.
    pub status_code: String,
}

/// What is answered without asking a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FixedResponse {
    /// `text/plain`, `text/html`, `application/json` ..
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_body: Option<String>,
    /// The status: `404`.
    pub status_code: String,
}

/// What AWS fills into a redirect.
const REDIRECT: [(&str, &str); 5] = [
    ("Host", "#{host}"),
    ("Path", "/#{path}"),
    ("Port", "#{port}"),
    ("Protocol", "#{protocol}"),
    ("Query", "#{query}"),
];

/// Actions without what AWS fills in: two lists are the same if this makes the same of them.
pub(super) fn plain_actions(value: &Value) -> Value {
    let mut value = value.clone();
    for action in value.as_array_mut().into_iter().flatten() {
        let Some(redirect) = action.get_mut("RedirectConfig").and_then(Value::as_object_mut) else { continue };
        redirect.retain(|key, item| !REDIRECT.iter().any(|(name, text)| key == name && item == text));
    }
    value
}

pub(super) fn to_actions(actions: &[ActionSpec]) -> Vec<Action> {
    let redirect = |it: &Redirect| {
        RedirectActionConfig::builder()
            .set_host(it.host.clone())
            .set_path(it.path.clone())
            .set_port(it.port.clone())
            .set_protocol(it.protocol.clone())
            .set_query(it.query.clone())
            .status_code(RedirectActionStatusCodeEnum::from(it.status_code.as_str()))
            .build()
    };
    let fixed = |it: &FixedResponse| {
        FixedResponseActionConfig::builder()
            .set_content_type(it.content_type.clone())
            .set_message_body(it.message_body.clone())
            .status_code(&it.status_code)
            .build()
    };
    let action = |it: &ActionSpec| {
        let built = Action::builder()
            .r#type(ActionTypeEnum::from(it.kind.as_str()))
            .set_target_group_arn(it.target_group_arn.clone())
            .set_redirect_config(it.redirect_config.as_ref().map(redirect))
            .set_fixed_response_config(it.fixed_response_config.as_ref().map(fixed));
        built.build()
    };
    actions.iter().map(action).collect()
}

/// Actions as they are told: a forward's group may stand in either of two places.
pub(super) fn from_actions(actions: Option<Vec<Action>>) -> Vec<ActionSpec> {
    let redirect = |it: RedirectActionConfig| Redirect {
        host: it.host,
        path: it.path,
        port: it.port,
        protocol: it.protocol,
        query: it.query,
        status_code: it.status_code.map_or_else(String::new, |code| code.as_str().to_owned()),
    };
    let fixed = |it: FixedResponseActionConfig| FixedResponse {
        content_type: it.content_type,
        message_body: it.message_body,
        status_code: it.status_code.unwrap_or_default(),
    };
    let group = |action: &Action| {
        let only = action.forward_config.as_ref().and_then(|it| it.target_groups().first());
        action.target_group_arn.clone().or_else(|| only.and_then(|it| it.target_group_arn.clone()))
    };
    let spec = |it: Action| ActionSpec {
        kind: it.r#type.as_ref().map_or_else(String::new, |kind| kind.as_str().to_owned()),
        target_group_arn: group(&it),
        redirect_config: it.redirect_config.map(redirect),
        fixed_response_config: it.fixed_response_config.map(fixed),
    };
    actions.into_iter().flatten().map(spec).collect()
}
