//! Simple Storage Service.

mod bucket;
mod bucket_policy;

use aws_sdk_s3::{Client, config};
use deployer_engine::facts::Rate;

pub use bucket::{Bucket, BucketSpec};
pub use bucket_policy::{BucketPolicy, BucketPolicySpec};

use crate::Aws;

/// Bucket-level calls.
const RATE: Rate = Rate { class: "s3", in_flight: 8 };

/// Checksums only where the API or the caller asks for them: compatible stores know no others.
pub(crate) fn client(aws: &Aws) -> Client {
    let config = config::Builder::from(aws.config())
        .force_path_style(aws.path_style())
        .request_checksum_calculation(config::RequestChecksumCalculation::WhenRequired)
        .build();
    Client::from_conf(config)
}
