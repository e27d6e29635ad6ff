//! The caller-identity look-up: whose credentials these are.

use deployer_engine::error::Result;

use crate::{Aws, call::failed};

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account's number.
    pub account: String,
    /// The role or user.
    pub arn: String,
}

/// Asks AWS who calls.
pub async fn caller_identity(aws: &Aws) -> Result<Caller> {
    let answer = aws_sdk_sts::Client::new(aws.config())
        .get_caller_identity()
        .send()
        .await
        .map_err(failed("GetCallerIdentity"))?;
    Ok(Caller { account: answer.account.unwrap_or_default(), arn: answer.arn.unwrap_or_default() })
}
