//! Values of secrets: fetched when a call needs them, handed to that call, and dropped.
//!
//! Properties hold a secret's place, never its value; nothing here is kept, logged or told.

use deployer_engine::{
    error::Result,
    expr::{Hole, hole},
};
use serde_json::Value;

use crate::{
    Aws,
    call::{failed, invalid},
};

/// Where secrets are fetched.
pub(crate) struct Secrets {
    manager: aws_sdk_secretsmanager::Client,
    ssm: aws_sdk_ssm::Client,
}

impl Secrets {
    /// Over these clients.
    pub(crate) fn new(aws: &Aws) -> Self {
        let config = aws.config();
        Self { manager: aws_sdk_secretsmanager::Client::new(config), ssm: aws_sdk_ssm::Client::new(config) }
    }

    /// The value at a secret's place: `{secret, key?}` or `{ssm}`.
    pub(crate) async fn value(&self, property: &Value) -> Result<String> {
        let Some(Hole::Secret(place)) = hole(property) else {
            return Err(invalid("GetSecretValue", "a secret's place is needed here, never its value"));
        };
        match (place["secret"].as_str(), place["ssm"].as_str()) {
            (Some(name), _) => self.secret(name, place["key"].as_str()).await,
            (None, Some(name)) => {
                let call = self.ssm.get_parameter().name(name).with_decryption(true);
                let answer = call.send().await.map_err(failed("GetParameter"))?.parameter;
                answer.and_then(|it| it.value).ok_or_else(|| invalid("GetParameter", format!("{name} has no value")))
            }
            (None, None) => Err(invalid("GetSecretValue", "a secret is {secret: NAME} or {ssm: NAME}")),
        }
    }

    async fn secret(&self, name: &str, key: Option<&str>) -> Result<String> {
        let call = self.manager.get_secret_value().secret_id(name);
        let text = call.send().await.map_err(failed("GetSecretValue"))?.secret_string;
        let text = text.ok_or_else(|| invalid("GetSecretValue", format!("the secret {name} is no text")))?;
        let Some(key) = key else { return Ok(text) };
        let fields: Option<Value> = serde_json::from_str(&text).ok();
        let field = fields.as_ref().and_then(|it| it[key].as_str()).map(str::to_owned);
        field.ok_or_else(|| invalid("GetSecretValue", format!("the secret {name} has no field {key}")))
    }
}
