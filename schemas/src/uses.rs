//! `uses:` - what a component gets from those that it names: rules, permissions, connection details.
//!
//! The used kind says what it gives (`Kind::connect`); who uses it turns that into resources of its own, so that two
//! components may use each other without a circle. Nothing wider is ever opened than what the use needs.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kinds::{Expansion, pascal};

/// One entry of `uses`: a name, or a name with how much of it is used.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Use {
    /// Read and write.
    Name(String),
    /// As much as is said.
    Part(Part),
}

/// A component, and how much of it is used.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// The component.
    pub name: String,
    /// `read`, `write` or `readWrite`.
    pub access: Option<Access>,
    /// What its variables start with, instead of its name in capitals.
    pub prefix: Option<String>,
}

/// How much of a component is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// Messages are received, objects are read.
    Read,
    /// Messages are sent, objects are written.
    Write,
    /// Both.
    #[default]
    ReadWrite,
}

impl Access {
    /// True if it may be read.
    pub fn reads(self) -> bool {
        self != Self::Write
    }

    /// True if it may be written.
    pub fn writes(self) -> bool {
        self != Self::Read
    }
}

/// What a component gives to one that uses it.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Environment variables, by what comes after the prefix: `URL`.
    pub env: Vec<(&'static str, Value)>,
    /// Environment variables whose values ECS takes from a secret: its ARN, perhaps with a field (`arn:password::`).
    pub secrets: Vec<(&'static str, Value)>,
    /// ARNs of secrets that ECS has to read for them.
    pub reads: Vec<Value>,
    /// What the user may do, as policy statements.
    pub statements: Vec<Value>,
    /// Groups that have to let the user in, each with a port.
    pub ports: Vec<(Value, i64)>,
    /// Why it cannot be used as it is.
    pub problem: Option<String>,
}

/// A statement that one component needs in another's policy.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The other component's name.
    pub of: String,
    /// Where in the asking spec.
    pub path: String,
    /// The statement.
    pub statement: Value,
}

impl Use {
    /// The component's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Part(part) => &part.name,
        }
    }

    /// Its name without its kind.
    fn bare(&self) -> &str {
        self.name().rsplit('.').next().unwrap_or_default()
    }

    fn access(&self) -> Access {
        match self {
            Self::Name(_) => Access::default(),
            Self::Part(part) => part.access.unwrap_or_default(),
        }
    }

    /// `orders-db` gives `ORDERS_DB_`.
    fn prefix(&self) -> String {
        let stated = if let Self::Part(part) = self { part.prefix.clone() } else { None };
        let own = || {
            self.bare().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
        };
        let prefix: String = stated.unwrap_or_else(own);
        if prefix.is_empty() || prefix.ends_with('_') { prefix } else { format!("{prefix}_") }
    }
}

/// What all uses of a component come to.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// Environment variables, by name.
    pub env: Vec<(String, Value)>,
    /// Variables that ECS takes from secrets, by name.
    pub secrets: Vec<(String, Value)>,
    /// ARNs of secrets that ECS has to read.
    pub reads: Vec<Value>,
    /// Roles of resources that have to stand before the user starts.
    pub first: Vec<String>,
}

/// Who uses: its task role's name, and the group that it stands in.
#[derive(Clone, Debug)]
pub struct User {
    /// The name of the role that gets the permissions.
    pub role_name: Value,
    /// The id of the group that is let in.
    pub group: Value,
}

/// Adds what `uses` needs: one policy a target on the role, one rule a port on the target's group.
pub fn expand(uses: &[Use], user: &User, to: &mut Expansion<'_>) -> Used {
    let mut used = Used::default();
    for (index, one) in uses.iter().enumerate() {
        let at = format!("/uses/{index}");
        if uses[..index].iter().any(|other| other.bare() == one.bare()) {
            to.problem(&at, format!("`{}` is used twice: say it once", one.name()));
            continue;
        }
        let Some(peer) = to.peer(&at, one.name()) else { continue };
        if peer.id == *to.id {
            to.problem(&at, "a component does not use itself");
            continue;
        }
        let around = to.around;
        let Some(kind) = around.kinds().get(&peer.id.kind) else { continue };
        let Some(connection) = (kind.connect)(peer, one.access(), around) else {
            to.problem(&at, format!("{} cannot be used: there is nothing to connect to", peer.id));
            continue;
        };
        if let Some(problem) = &connection.problem {
            to.problem(&at, problem.clone());
        }
        add(one, connection, user, to, &mut used);
    }
    used
}

fn add(one: &Use, connection: Connection, user: &User, to: &mut Expansion<'_>, used: &mut Used) {
    let (prefix, part) = (one.prefix(), pascal(one.bare()));
    if !connection.statements.is_empty() {
        let role = format!("Uses{part}");
        let document = json!({"Version": "2012-10-17", "Statement": connection.statements});
        let properties = json!({"RoleName": user.role_name, "PolicyName": format!("uses-{}", one.bare()), "PolicyDocument": document});
        to.add(&role, "AWS::IAM::RolePolicy", properties);
        used.first.push(role);
    }
    let several = connection.ports.len() > 1;
    for (group, port) in connection.ports {
        let role = if several { format!("Reaches{part}{port}") } else { format!("Reaches{part}") };
        let properties = json!({
            "GroupId": group,
            "SourceSecurityGroupId": user.group,
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "Description": format!("{} uses it", to.id),
        });
        to.add(&role, "AWS::EC2::SecurityGroupIngress", properties);
        used.first.push(role);
    }
    let named = |(name, value): (&'static str, Value)| (format!("{prefix}{name}"), value);
    used.env.extend(connection.env.into_iter().map(named));
    used.secrets.extend(connection.secrets.into_iter().map(named));
    // A database and its replica have one secret.
    used.reads.extend(connection.reads.into_iter().filter(|it| !used.reads.contains(it)).collect::<Vec<_>>());
}
