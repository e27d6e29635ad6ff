//! Identity and Access Management: global, and seen by other services seconds later.

mod oidc_provider;
mod role;
mod role_policy;

use aws_sdk_iam::{Client, types::Tag as IamTag};
use deployer_engine::{
    error::{Error, Result},
    facts::Rate,
};

pub use oidc_provider::{OidcProvider, OidcProviderSpec};
pub use role::{Role, RoleSpec};
pub use role_policy::{RolePolicy, RolePolicySpec};

use crate::Aws;

/// All regions share IAM's limits.
const RATE: Rate = Rate { class: "iam", in_flight: 6 };

fn client(aws: &Aws) -> Client {
    Client::new(aws.config())
}

fn iam_tags(tags: impl IntoIterator<Item = (String, String)>) -> Result<Vec<IamTag>> {
    let tag = |(key, value)| {
        IamTag::builder().key(key).value(value).build().map_err(|error| Error::Missing(error.to_string()))
    };
    tags.into_iter().map(tag).collect()
}
