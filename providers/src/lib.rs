//! Everything that talks to AWS. Resources by service; one file per type, all alike.
//!
//! A provider makes one call after another and answers; it never sleeps, retries, logs or prints. What may be decided on is
//! declared as facts, and decided in the engine.

#[cfg(feature = "alarm")]
pub mod alarm;
#[cfg(feature = "autoscaling")]
pub mod autoscaling;
mod aws;
pub mod call;
#[cfg(feature = "cloudmap")]
pub mod cloudmap;
mod codes;
pub mod document;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "ec2")]
pub mod ec2;
#[cfg(feature = "ecs")]
pub mod ecs;
#[cfg(feature = "elb")]
pub mod elb;
#[cfg(feature = "iam")]
pub mod iam;
#[cfg(feature = "tagging")]
mod inside;
#[cfg(feature = "logs")]
pub mod logs;
// Look-ups go to several services at once.
#[cfg(all(feature = "ec2", feature = "rds", feature = "secrets", feature = "ssm"))]
pub mod lookup;
#[allow(dead_code, reason = "not every service has batched reads of every sort")]
mod many;
// The state's place has permissions too.
#[cfg(feature = "state")]
pub mod permissions;
#[cfg(feature = "rds")]
pub mod rds;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "rds")]
mod secret;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "ssm")]
pub mod ssm;
#[cfg(feature = "state")]
pub mod state;
pub mod sts;
#[cfg(feature = "tagging")]
pub mod tagging;
pub mod tags;

use deployer_engine::resource::Registry;

pub use aws::{Aws, AwsOptions, CALL_TIMEOUT};
pub use tags::Tag;

/// All types, over these clients. A new type is one more line.
pub fn registry(aws: &Aws) -> Registry {
    let types = Registry::default();
    #[cfg(feature = "ec2")]
    let types = types
        .with(ec2::Vpc::new(aws))
        .with(ec2::Subnet::new(aws))
        .with(ec2::InternetGateway::new(aws))
        .with(ec2::VpcGatewayAttachment::new(aws))
        .with(ec2::Eip::new(aws))
        .with(ec2::NatGateway::new(aws))
        .with(ec2::RouteTable::new(aws))
        .with(ec2::Route::new(aws))
        .with(ec2::SubnetRouteTableAssociation::new(aws))
        .with(ec2::VpcEndpoint::new(aws))
        .with(ec2::SecurityGroup::new(aws))
        .with(ec2::SecurityGroupIngress::new(aws))
        .with(ec2::SecurityGroupEgress::new(aws));
    #[cfg(feature = "ecs")]
    let types = types.with(ecs::Cluster::new(aws)).with(ecs::TaskDefinition::new(aws)).with(ecs::Service::new(aws));
    #[cfg(feature = "autoscaling")]
    let types = types.with(autoscaling::ScalableTarget::new(aws)).with(autoscaling::ScalingPolicy::new(aws));
    #[cfg(feature = "elb")]
    let types = types
        .with(elb::LoadBalancer::new(aws))
        .with(elb::TargetGroup::new(aws))
        .with(elb::Listener::new(aws))
        .with(elb::ListenerRule::new(aws));
    #[cfg(feature = "rds")]
    let types =
        types.with(rds::DbSubnetGroup::new(aws)).with(rds::DbParameterGroup::new(aws)).with(rds::DbInstance::new(aws));
    #[cfg(feature = "cloudmap")]
    let types = types.with(cloudmap::PrivateDnsNamespace::new(aws)).with(cloudmap::DiscoveryService::new(aws));
    #[cfg(feature = "sqs")]
    let types = types.with(sqs::Queue::new(aws)).with(sqs::QueuePolicy::new(aws));
    #[cfg(feature = "s3")]
    let types = types.with(s3::Bucket::new(aws)).with(s3::BucketPolicy::new(aws));
    #[cfg(feature = "dynamodb")]
    let types = types.with(dynamodb::Table::new(aws));
    #[cfg(feature = "logs")]
    let types = types.with(logs::LogGroup::new(aws));
    #[cfg(feature = "iam")]
    let types = types
        .with(iam::Role::new(aws))
        .with(iam::RolePolicy::new(aws))
        .with(iam::ManagedPolicy::new(aws))
        .with(iam::OidcProvider::new(aws));
    #[cfg(feature = "ssm")]
    let types = types.with(ssm::Parameter::new(aws));
    types
}
