//! `kind: Security`: roles with their inline policies, and security groups with their rules, all as resources of their own, so
//! that one can change without the other.

mod groups;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Expansion, Kind, Outputs, of, pascal};
use crate::{
    around::Around,
    input::{Policy, Seconds},
};

/// Roles and security groups.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SecuritySpec {
    /// Roles, by name.
    roles: Option<Vec<Role>>,
    /// Security groups, by name.
    groups: Option<Vec<groups::Group>>,
}

/// A role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Role {
    /// Its name in this component; the physical one is made of stack, environment, component and this.
    name: String,
    /// Who may take it on.
    trust: Trust,
    /// Managed policies: ARNs, or names of AWS's own such as `service-role/AmazonECSTaskExecutionRolePolicy`.
    managed_policies: Option<Vec<String>>,
    /// Inline policies.
    policies: Option<Vec<InlinePolicy>>,
    /// What it is for.
    description: Option<String>,
    /// The longest session: 1 to 12 hours.
    max_session: Option<Seconds>,
    /// The ARN of the policy that bounds it.
    permissions_boundary: Option<String>,
    /// The path that it stands under.
    path: Option<String>,
}

/// Who may take a role on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Trust {
    /// AWS services: `ecs-tasks.amazonaws.com`.
    services: Option<Vec<String>>,
    /// Accounts, by number.
    accounts: Option<Vec<String>>,
    /// More statements, or a whole document.
    policy: Option<Policy>,
}

/// An inline policy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InlinePolicy {
    /// Its name.
    name: String,
    /// What it allows or denies.
    statements: Policy,
}

/// The kind.
pub(super) struct Security;

impl Kind for Security {
    const KIND: &'static str = "Security";
    const MERGE_KEYS: &'static [(&'static str, &'static str)] = &[
        ("roles", "name"),
        ("roles.*.policies", "name"),
        ("groups", "name"),
        ("groups.*.ingress", "name"),
        ("groups.*.egress", "name"),
    ];
    type Spec = SecuritySpec;

    fn outputs(spec: &Value, _: &Around<'_>) -> Outputs {
        let names = |list: &str| {
            let all = spec.get(list).and_then(Value::as_array).into_iter().flatten();
            all.filter_map(|it| it["name"].as_str()).map(str::to_owned).collect::<Vec<_>>()
        };
        let role = |name: &String| {
            let role = format!("{}Role", pascal(name));
            [of(&format!("{name}.arn"), &role, "Arn"), of(&format!("{name}.name"), &role, "RoleName")]
        };
        let group = |name: &String| of(&format!("{name}.groupId"), &groups::role(name), "GroupId");
        let roles = names("roles").iter().flat_map(role).collect::<Vec<_>>();
        roles.into_iter().chain(names("groups").iter().map(group)).collect()
    }

    fn expand(spec: &SecuritySpec, to: &mut Expansion<'_>) {
        for (index, role) in spec.roles.iter().flatten().enumerate() {
            add_role(&format!("/roles/{index}"), role, to);
        }
        let names: Vec<String> = spec.groups.iter().flatten().map(|group| group.name.clone()).collect();
        for (index, group) in spec.groups.iter().flatten().enumerate() {
            groups::add(index, group, &names, to);
        }
    }
}

fn add_role(at: &str, role: &Role, to: &mut Expansion<'_>) {
    check(at, role, to);
    let own = format!("{}Role", pascal(&role.name));
    let partition = &to.scope.partition;
    let managed = |name: &String| {
        if name.starts_with("arn:") { name.clone() } else { format!("arn:{partition}:iam::aws:policy/{name}") }
    };
    let properties = json!({
        "AssumeRolePolicyDocument": trust(&role.trust, partition),
        "ManagedPolicyArns": role.managed_policies.as_ref().map(|all| all.iter().map(managed).collect::<Vec<_>>()),
        "Description": role.description,
        "MaxSessionDuration": role.max_session.map(|it| it.0),
        "PermissionsBoundary": role.permissions_boundary,
        "Path": role.path,
        "Tags": to.tag_list(),
    });
    to.add(&own, "AWS::IAM::Role", properties).name_part = Some(role.name.clone());
    for policy in role.policies.iter().flatten() {
        let properties = json!({
            "RoleName": to.sibling(&own, "RoleName"),
            "PolicyName": policy.name,
            "PolicyDocument": policy.statements.document(),
        });
        to.add(&format!("{own}{}Policy", pascal(&policy.name)), "AWS::IAM::RolePolicy", properties);
    }
}

fn trust(it: &Trust, partition: &str) -> Value {
    let allow = |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    let root = |account: &String| format!("arn:{partition}:iam::{account}:root");
    let mut statements = Vec::new();
    statements.extend(it.services.iter().map(|services| allow(json!({"Service": services}))));
    statements.extend(
        it.accounts.iter().map(|accounts| allow(json!({"AWS": accounts.iter().map(root).collect::<Vec<_>>()}))),
    );
    match &it.policy {
        Some(policy) if statements.is_empty() => policy.document(),
        more => {
            statements.extend(more.iter().flat_map(Policy::statements));
            json!({"Version": "2012-10-17", "Statement": statements})
        }
    }
}

fn check(at: &str, role: &Role, to: &mut Expansion<'_>) {
    let fits =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c));
    if !fits(&role.name) || role.name.len() > 48 {
        to.problem(&format!("{at}/name"), "a role's name has 1 to 48 letters, digits and `+=,.@_-`");
    }
    to.within(&format!("{at}/maxSession"), role.max_session.map(|it| it.0), 3_600, 43_200);
    if role.trust.services.is_none() && role.trust.accounts.is_none() && role.trust.policy.is_none() {
        to.problem(&format!("{at}/trust"), "nobody could take the role on: name services, accounts or a policy");
    }
    for (index, account) in role.trust.accounts.iter().flatten().enumerate() {
        if account.len() != 12 || !account.chars().all(|c| c.is_ascii_digit()) {
            to.problem(
                &format!("{at}/trust/accounts/{index}"),
                "an account's number has 12 digits; write it in quotes",
            );
        }
    }
    for (index, policy) in role.policies.iter().flatten().enumerate() {
        if !fits(&policy.name) || policy.name.len() > 128 {
            to.problem(
                &format!("{at}/policies/{index}/name"),
                "a policy's name has 1 to 128 letters, digits and `+=,.@_-`",
            );
        }
    }
}
