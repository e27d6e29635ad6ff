//! `kind: Ingress`: an application load balancer and its listeners. Services bring their own rules and open their own way in.
//!
//! The group of the load balancer lets the world (or the VPC) in and nothing out: each service that stands behind it adds the
//! one rule that it needs.

use deployer_engine::{address::ComponentId, expr};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Expansion, Kind, Outputs, Source, group, networking, of, s3::S3};
use crate::{
    around::Around,
    input::{Input, Seconds},
    uses::Ask,
};

/// A load balancer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IngressSpec {
    /// Its physical name; without it one is made of stack, environment and component.
    name: Option<String>,
    /// `public` (the internet reaches it) or `internal` (only the VPC does).
    scheme: Option<Scheme>,
    /// Its network, where there are several.
    networking: Option<String>,
    /// What it listens to.
    pub(super) listeners: Vec<Listener>,
    /// How long a connection may be silent: 1 second to 4,000.
    idle_timeout: Option<Seconds>,
    /// Deleting it is refused.
    deletion_protection: Option<bool>,
    /// Header fields that are no valid ones are dropped.
    drop_invalid_headers: Option<bool>,
    /// Who is let in, as ranges of addresses; everybody for a public one, the VPC for an internal one.
    allow_from: Option<Vec<String>>,
    /// Where requests are logged.
    access_logs: Option<AccessLogs>,
}

/// Who reaches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scheme {
    /// The internet.
    #[default]
    Public,
    /// The VPC.
    Internal,
}

/// What it listens to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Listener {
    /// The port: 1 to 65,535.
    pub(super) port: i64,
    /// The ARN of the certificate; with one it speaks HTTPS, without one HTTP.
    certificate: Option<Input<String>>,
    /// HTTPS: which versions of TLS; AWS's name of a security policy.
    ssl_policy: Option<String>,
    /// Every request is sent on to this port, by HTTPS.
    redirect_to: Option<i64>,
}

/// Where requests are logged.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccessLogs {
    /// A component of `kind: S3`; its policy lets the load balancer write.
    bucket: String,
    /// What stands before every key.
    prefix: Option<String>,
}

impl IngressSpec {
    /// Listeners that lead somewhere in the stack.
    pub(super) fn serving(&self) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().filter(|it| it.redirect_to.is_none())
    }

    /// What stands before the host in an address, and after it: of the listener that a person would take.
    pub(super) fn address(&self) -> Option<(String, String)> {
        let https = self.serving().find(|it| it.certificate.is_some());
        let listener = https.or_else(|| self.serving().next())?;
        let (scheme, usual) = if listener.certificate.is_some() { ("https://", 443) } else { ("http://", 80) };
        let port = if listener.port == usual { String::new() } else { format!(":{}", listener.port) };
        Some((scheme.to_owned(), port))
    }
}

/// The kind.
pub(crate) struct Ingress;

impl Kind for Ingress {
    const KIND: &'static str = "Ingress";
    const MERGE_KEYS: &'static [(&'static str, &'static str)] = &[("listeners", "port")];
    const SHOWN: &'static [&'static str] = &["url"];
    type Spec = IngressSpec;

    fn defaults() -> Value {
        json!({"scheme": "public", "deletionProtection": true, "dropInvalidHeaders": true})
    }

    fn outputs(spec: &Value, _: &Around<'_>) -> Outputs {
        let mut outputs = Outputs::from([
            of("dnsName", "LoadBalancer", "DNSName"),
            of("zoneId", "LoadBalancer", "CanonicalHostedZoneID"),
            of("arn", "LoadBalancer", "LoadBalancerArn"),
            of("securityGroupId", "SecurityGroup", "GroupId"),
        ]);
        let address = IngressSpec::deserialize(spec).ok().and_then(|it| it.address());
        outputs.extend(address.map(|(before, after)| {
            let (role, output) = ("LoadBalancer".to_owned(), "DNSName".to_owned());
            ("url".to_owned(), Source::Around { before, role, output, after })
        }));
        for port in spec["listeners"].as_array().into_iter().flatten().filter_map(|it| it["port"].as_i64()) {
            outputs.extend([of(&format!("listener.{port}"), &format!("Listener{port}"), "ListenerArn")]);
        }
        outputs
    }

    fn asks(spec: &Self::Spec, _: &ComponentId, around: &Around<'_>) -> Vec<Ask> {
        let Some(logs) = &spec.access_logs else { return Vec::new() };
        let arn = around.peer(&logs.bucket).ok().and_then(|peer| around.output(peer, "arn"));
        let Some(arn) = arn else { return vec![ask(logs, Value::Null)] };
        let prefix = logs.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let account = if around.scope.account.is_empty() { "*" } else { &around.scope.account };
        let resource = expr::join(vec![arn, json!(format!("/{prefix}AWSLogs/{account}/*"))]);
        vec![ask(logs, resource)]
    }

    fn expand(spec: &IngressSpec, to: &mut Expansion<'_>) {
        check(spec, to);
        let Some(net) = networking::of(to, "/networking", spec.networking.as_deref()) else { return };
        let internal = spec.scheme == Some(Scheme::Internal);
        let (subnets, tier, first) = if internal {
            (&net.private, "private", Vec::new())
        } else {
            (&net.public, "public", net.public_first.clone())
        };
        if networking::Net::zones(subnets) < 2 {
            let message = format!(
                "a load balancer stands in two zones at least, and {} has {tier} subnets in {}",
                net.name,
                networking::Net::zones(subnets)
            );
            to.problem(if spec.networking.is_some() { "/networking" } else { "" }, message);
        }
        let tags = to.tag_list();
        group::add("SecurityGroup", &format!("load balancer {}", to.id), &net.vpc, to);
        open(spec, if internal { &net.cidr } else { &Value::Null }, to);
        let logs = spec.access_logs.as_ref().and_then(|logs| log_bucket(logs, to));
        let balancer = json!({
            "Name": spec.name,
            "Type": "application",
            "Scheme": if internal { "internal" } else { "internet-facing" },
            "Subnets": networking::Net::ids(subnets),
            "SecurityGroups": [to.sibling("SecurityGroup", "GroupId")],
            "LoadBalancerAttributes": attributes(spec, logs.as_ref()),
            "Tags": tags,
        });
        let resource = to.add("LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer", balancer);
        resource.lifecycle.protect = spec.deletion_protection == Some(true);
        resource.after.extend(first);
        resource.after.extend(logs.map(|(bucket, _)| bucket.at("Policy")));
        for listener in &spec.listeners {
            add_listener(listener, to);
        }
    }
}

fn ask(logs: &AccessLogs, resource: Value) -> Ask {
    let statement = json!({
        "Sid": "LoadBalancerLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": resource,
    });
    Ask { of: logs.bucket.clone(), path: "/accessLogs/bucket".to_owned(), statement }
}

/// The bucket that is logged to, and its name.
fn log_bucket(logs: &AccessLogs, to: &mut Expansion<'_>) -> Option<(ComponentId, Value)> {
    let (peer, _) = to.peer_of::<S3>("/accessLogs/bucket", &logs.bucket)?;
    if peer.spec["encryption"] != "s3" {
        to.problem(
            "/accessLogs/bucket",
            format!("load balancers write to buckets with S3's own key alone: set `encryption: s3` in {}", peer.id),
        );
    }
    Some((peer.id.clone(), to.around.output(peer, "name")?))
}

fn attributes(spec: &IngressSpec, logs: Option<&(ComponentId, Value)>) -> Vec<Value> {
    let of = |key: &str, value: Value| json!({"Key": key, "Value": value});
    let flag = |on: Option<bool>| json!(on.unwrap_or(false).to_string());
    let mut all = vec![
        of("deletion_protection.enabled", flag(spec.deletion_protection)),
        of("routing.http.drop_invalid_header_fields.enabled", flag(spec.drop_invalid_headers)),
    ];
    all.extend(spec.idle_timeout.map(|it| of("idle_timeout.timeout_seconds", json!(it.0.to_string()))));
    if let (Some((_, bucket)), Some(it)) = (logs, &spec.access_logs) {
        all.extend([of("access_logs.s3.enabled", json!("true")), of("access_logs.s3.bucket", bucket.clone())]);
        all.extend(it.prefix.as_ref().map(|prefix| of("access_logs.s3.prefix", json!(prefix))));
    }
    all
}

/// One rule for each listener and each range.
fn open(spec: &IngressSpec, vpc: &Value, to: &mut Expansion<'_>) {
    let group = to.sibling("SecurityGroup", "GroupId");
    for listener in &spec.listeners {
        let mut rule = |role: String, range: Value| {
            let properties = json!({
                "GroupId": group,
                "IpProtocol": "tcp",
                "FromPort": listener.port,
                "ToPort": listener.port,
                "CidrIp": range,
                "Description": format!("requests to port {}", listener.port),
            });
            to.add(&role, "AWS::EC2::SecurityGroupIngress", properties);
        };
        match &spec.allow_from {
            None => {
                rule(format!("Open{}", listener.port), if vpc.is_null() { json!("0.0.0.0/0") } else { vpc.clone() })
            }
            Some(ranges) => {
                for range in ranges {
                    rule(format!("Open{}From{}", listener.port, range.replace('/', "-")), json!(range));
                }
            }
        }
    }
}

fn add_listener(it: &Listener, to: &mut Expansion<'_>) {
    let action = match it.redirect_to {
        Some(port) => {
            json!({"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": port.to_string(), "StatusCode": "HTTP_301"}})
        }
        None => {
            json!({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "nothing here"}})
        }
    };
    let https = it.certificate.is_some();
    let properties = json!({
        "LoadBalancerArn": to.sibling("LoadBalancer", "LoadBalancerArn"),
        "Port": it.port,
        "Protocol": if https { "HTTPS" } else { "HTTP" },
        "Certificates": it.certificate.as_ref().map(|arn| json!([{"CertificateArn": arn.value}])),
        "SslPolicy": it.ssl_policy.clone().or_else(|| Some("ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned()).filter(|_| https)),
        "DefaultActions": [action],
        "Tags": to.tag_list(),
    });
    to.add(&format!("Listener{}", it.port), "AWS::ElasticLoadBalancingV2::Listener", properties);
}

fn check(spec: &IngressSpec, to: &mut Expansion<'_>) {
    to.within("/idleTimeout", spec.idle_timeout.map(|it| it.0), 1, 4_000);
    if let Some(name) = &spec.name {
        let fits = (1..=32).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !fits || name.starts_with('-') || name.ends_with('-') || name.starts_with("internal-") {
            to.problem("/name", "a load balancer's name has 1 to 32 letters, digits and `-`, does not start or end with `-`, nor start with `internal-`");
        }
    }
    if spec.listeners.is_empty() {
        to.problem("/listeners", "it listens to nothing: add `- {port: 80}`, or `- {port: 443, certificate: ARN}`");
    }
    for (index, range) in spec.allow_from.iter().flatten().enumerate() {
        if range.parse::<ipnet::Ipv4Net>().map(|net| net.trunc() != net).unwrap_or(true) {
            to.problem(
                &format!("/allowFrom/{index}"),
                format!("`{range}` is no range of IPv4 addresses; write 10.0.0.0/8"),
            );
        }
    }
    for (index, it) in spec.listeners.iter().enumerate() {
        let at = |field: &str| format!("/listeners/{index}/{field}");
        to.within(&at("port"), Some(it.port), 1, 65_535);
        if spec.listeners[..index].iter().any(|other| other.port == it.port) {
            to.problem(&at("port"), format!("port {} is listened to twice", it.port));
        }
        if it.ssl_policy.is_some() && it.certificate.is_none() {
            to.problem(&at("sslPolicy"), "only a listener with a certificate speaks TLS");
        }
        if let Some(arn) = it.certificate.as_ref().and_then(|it| it.value.as_str()) {
            check_certificate(arn, &at("certificate"), to);
        }
        if let Some(port) = it.redirect_to
            && !spec.serving().any(|other| other.port == port && other.certificate.is_some())
        {
            to.problem(&at("redirectTo"), format!("no listener with a certificate listens to port {port}"));
        }
    }
}

fn check_certificate(arn: &str, at: &str, to: &mut Expansion<'_>) {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "acm", region, ..] if *region != to.scope.region => {
            let message = format!(
                "this certificate is of {region}, and the load balancer stands in {}: take one of that region",
                to.scope.region
            );
            to.problem(at, message);
        }
        ["arn", _, "acm" | "iam", ..] => {}
        _ => to.problem(at, format!("`{arn}` is no certificate's ARN: it starts with arn:aws:acm:")),
    }
}
