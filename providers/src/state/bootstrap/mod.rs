//! What has to be there before a team can deploy: the state's bucket and table, and the role that deploys.
//!
//! It is a desired graph like a stack's, planned and applied by the same engine; only its state is not kept, because each run finds
//! by its names what is there. So the same command creates, adopts and corrects.

mod live;
mod parts;
mod policy;
mod trust;

use deployer_engine::{
    address::{Address, ComponentId},
    desired::{Desired, DesiredResource, Lifecycle, OnDelete, Scope},
};
use serde_json::{Map, Value, json};

use super::Place;
pub use live::{Live, Whose, whose};
use parts::{bucket, table, tls_only};

/// How many managed policies a role may have, unless a quota was raised.
pub const ATTACHED: usize = 10;
/// Whose tokens GitHub's jobs have.
const GITHUB: &str = "token.actions.githubusercontent.com";
/// Whom these tokens are for.
const AUDIENCE: &str = "sts.amazonaws.com";

/// What is wanted.
#[derive(Default)]
pub struct Bootstrap {
    /// Bucket and table.
    pub place: Place,
    /// Account, region and partition.
    pub scope: Scope,
    /// The role's name.
    pub role: String,
    /// The subject of GitHub's tokens that may take the role: `repo:OWNER/REPO:ref:refs/heads/main`.
    pub github: Option<String>,
    /// Whom the account's provider for GitHub is for already.
    pub audiences: Vec<String>,
    /// The stack and environment that the role deploys, as `STACK.ENV`; none: it keeps the state of any.
    pub deploys: Option<String>,
    /// What the role may do, in documents that fit.
    pub policies: Vec<Value>,
    /// The statements that let jobs of GitHub take the role by now, where nothing else is said.
    pub kept_jobs: Vec<Value>,
    /// ARNs of policies that the role has for a stack, where we stand beside none.
    pub kept_policies: Vec<String>,
    /// Policies of ours that the role has and that nothing needs any more: the part, and the ARN.
    pub stale_policies: Vec<(String, String)>,
}

/// The stack and environment in whose name it is tagged.
pub fn scope(account: &str, region: &str, partition: &str) -> Scope {
    Scope {
        stack: "deployer".to_owned(),
        env: "bootstrap".to_owned(),
        region: region.to_owned(),
        account: account.to_owned(),
        partition: partition.to_owned(),
    }
}

/// `OWNER/REPO`, `OWNER/REPO:ref:refs/heads/main` or `OWNER/REPO:environment:prod` as the subject of a token; without more, the
/// main branch alone.
pub fn subject(text: &str) -> Option<String> {
    let (repository, rest) = text.split_once(':').unwrap_or((text, "ref:refs/heads/main"));
    let (owner, name) = repository.split_once('/')?;
    let plain = |it: &str| !it.is_empty() && it.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    (plain(owner) && plain(name) && !rest.is_empty()).then(|| format!("repo:{owner}/{name}:{rest}"))
}

impl Bootstrap {
    /// The ARN of the account's provider for GitHub.
    pub fn provider_arn(&self) -> String {
        format!("arn:{}:iam::{}:oidc-provider/{GITHUB}", self.scope.partition, self.scope.account)
    }

    /// Where the provider stands.
    pub fn provider() -> Address {
        Address::new("Bootstrap", "github", "Provider")
    }

    /// The desired graph.
    pub fn desired(&self) -> Desired {
        let mut to = Desired { scope: self.scope.clone(), ..Desired::default() };
        let bucket = add(&mut to, "state", "Bucket", "AWS::S3::Bucket", bucket(&self.place.bucket), Vec::new());
        let only_tls = tls_only(&self.scope.partition, &self.place.bucket);
        add(&mut to, "state", "BucketPolicy", "AWS::S3::BucketPolicy", only_tls, vec![bucket]);
        add(&mut to, "locks", "Table", "AWS::DynamoDB::Table", table(&self.place.table), Vec::new());
        let mut first = Vec::new();
        if self.github.is_some() || !self.kept_jobs.is_empty() {
            let mut audiences = self.audiences.clone();
            audiences.push(AUDIENCE.to_owned());
            audiences.sort();
            audiences.dedup();
            let provider = json!({"Url": format!("https://{GITHUB}"), "ClientIdList": audiences});
            first.push(add(&mut to, "github", "Provider", "AWS::IAM::OIDCProvider", provider, Vec::new()));
        }
        let mut attached = self.kept_policies.clone();
        let whose = self.deploys.as_deref();
        for (document, number) in self.policies.iter().zip(1..) {
            let name = policy::name(&self.role, whose, number);
            attached.push(format!("arn:{}:iam::{}:policy/{name}", self.scope.partition, self.scope.account));
            let policy = json!({"ManagedPolicyName": name, "PolicyDocument": document});
            let part = policy::part(whose, number);
            first.push(add(&mut to, "execution", &part, "AWS::IAM::ManagedPolicy", policy, Vec::new()));
        }
        let role = json!({
            "RoleName": self.role,
            "Description": "Deploys stacks with deployer",
            "MaxSessionDuration": 7_200,
            "AssumeRolePolicyDocument": self.trust(),
            "ManagedPolicyArns": attached,
        });
        add(&mut to, "execution", "Role", "AWS::IAM::Role", role, first);
        to
    }

    /// The desired graph with what is in it no more: what a plan takes away has to be known first.
    pub fn with_stale(&self) -> Desired {
        let mut to = self.desired();
        for (part, arn) in &self.stale_policies {
            let name = arn.rsplit('/').next().unwrap_or_default();
            let policy = json!({"ManagedPolicyName": name, "PolicyDocument": {}});
            let at = add(&mut to, "execution", part, "AWS::IAM::ManagedPolicy", policy, Vec::new());
            to.resources.entry(at).and_modify(|it| it.lifecycle = Lifecycle::default());
        }
        to
    }

    /// Who may take the role: machines of this account, and jobs of the one repository.
    fn trust(&self) -> Value {
        let suffix = if self.scope.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let machines = json!({
            "Sid": "Machines",
            "Effect": "Allow",
            "Principal": {"Service": format!("ec2.{suffix}")},
            "Action": "sts:AssumeRole",
        });
        let jobs = self.github.as_ref().map(|subject| trust::jobs(&self.provider_arn(), subject));
        let kept = self.kept_jobs.iter().filter(|_| self.github.is_none()).cloned();
        let statements: Vec<Value> = std::iter::once(machines).chain(jobs).chain(kept).collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }
}

/// The same as a CloudFormation template, for those who create it otherwise.
pub fn template(desired: &Desired) -> Value {
    let logical = |address: &Address| {
        let mut name = address.component.name.clone();
        name[..1].make_ascii_uppercase();
        format!("{name}{}", address.role)
    };
    let resource = |(address, it): (&Address, &DesiredResource)| {
        let after: Vec<String> = it.after.iter().map(logical).collect();
        let mut resource = json!({"Type": it.kind, "Properties": it.properties, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"});
        if !after.is_empty() {
            resource["DependsOn"] = json!(after);
        }
        (logical(address), resource)
    };
    let resources: Map<String, Value> = desired.resources.iter().map(resource).collect();
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Where deployer keeps state and locks, and the role that deploys",
        "Resources": resources,
    })
}

fn add(to: &mut Desired, name: &str, role: &str, kind: &str, properties: Value, after: Vec<Address>) -> Address {
    let component = ComponentId::new("Bootstrap", name);
    let address = component.at(role);
    to.components.entry(component).or_default();
    let resource = DesiredResource {
        // Nobody takes these away by a slip: they hold what all deployments were.
        lifecycle: Lifecycle { on_delete: OnDelete::Retain, protect: true },
        after,
        ..DesiredResource::new(kind, properties)
    };
    to.resources.insert(address.clone(), resource);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_its_main_branch_unless_more_is_said() {
        assert_eq!(subject("acme/shop").as_deref(), Some("repo:acme/shop:ref:refs/heads/main"));
        assert_eq!(subject("acme/shop:environment:prod").as_deref(), Some("repo:acme/shop:environment:prod"));
        for wrong in ["acme", "acme/", "/shop", "ac me/shop", "acme/*", "acme/shop:"] {
            assert_eq!(subject(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_pattern_stands_under_an_operator_that_knows_patterns() {
        let trust = |subject: &str| {
            let scope = scope("111122223333", "eu-west-1", "aws");
            let place = Place { bucket: "b".to_owned(), table: "t".to_owned(), ..Place::default() };
            let github = Some(subject.to_owned());
            let it = Bootstrap { place, scope, role: "R".to_owned(), github, ..Bootstrap::default() };
            it.trust()["Statement"][1]["Condition"].clone()
        };
        let name = format!("{GITHUB}:sub");
        assert_eq!(trust("repo:a/b:ref:refs/heads/main")["StringEquals"][&name], "repo:a/b:ref:refs/heads/main");
        let like = trust("repo:a/b:*");
        assert_eq!((&like["StringLike"][&name], &like["StringEquals"][&name]), (&json!("repo:a/b:*"), &Value::Null));
        assert_eq!(like["StringEquals"][format!("{GITHUB}:aud")], AUDIENCE);
    }
}
