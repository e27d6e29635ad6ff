//! Who is told when objects come and go, and which websites' pages may read them.
//!
//! The API groups events by destination and gives each group an id; CloudFormation has one entry an event, without ids. One put
//! replaces all of it, so one owner writes it.

use aws_sdk_s3::types as api;
use deployer_engine::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bucket, convert::built, spec::parts};
use crate::call::{failed, gone};

parts! {
    /// Which websites' pages may read it.
    Cors {
        /// Rules; the first that fits counts.
        cors_rules: Vec<CorsRule>,
    }
    /// What pages of some websites may do.
    CorsRule {
        /// Its id.
        id: String,
        /// `GET`, `PUT` ..
        allowed_methods: Vec<String>,
        /// Websites: `https://example.org`, or `*`.
        allowed_origins: Vec<String>,
        /// Headers that a request may have.
        allowed_headers: Vec<String>,
        /// Headers of an answer that a page may see.
        exposed_headers: Vec<String>,
        /// Seconds that a browser remembers this.
        max_age: i32,
    }
    /// Who is told what happens in it.
    Notification {
        /// Queues, an event each.
        queue_configurations: Vec<QueueNotice>,
        /// Topics, an event each.
        topic_configurations: Vec<TopicNotice>,
        /// Functions, an event each.
        lambda_configurations: Vec<LambdaNotice>,
        /// EventBridge.
        event_bridge_configuration: EventBridge,
    }
    /// A queue that is told.
    QueueNotice {
        /// Of what: `s3:ObjectCreated:*` ..
        event: String,
        /// The queue's ARN.
        queue: String,
        /// Of which objects.
        filter: NoticeFilter,
    }
    /// A topic that is told.
    TopicNotice {
        /// Of what: `s3:ObjectCreated:*` ..
        event: String,
        /// The topic's ARN.
        topic: String,
        /// Of which objects.
        filter: NoticeFilter,
    }
    /// A function that is called.
    LambdaNotice {
        /// At what: `s3:ObjectCreated:*` ..
        event: String,
        /// The function's ARN.
        function: String,
        /// Of which objects.
        filter: NoticeFilter,
    }
    /// Of which objects somebody is told.
    NoticeFilter {
        /// By their keys.
        s3_key: KeyFilter,
    }
    /// Of which objects somebody is told.
    KeyFilter {
        /// All of these.
        rules: Vec<FilterRule>,
    }
    /// How a key starts or ends.
    FilterRule {
        /// `prefix` or `suffix`.
        name: String,
        /// With what.
        value: String,
    }
    /// Whether EventBridge is told.
    EventBridge {
        /// It is.
        event_bridge_enabled: bool,
    }
}

const PUT: &str = "PutBucketNotificationConfiguration";

impl Bucket {
    pub(super) async fn write_cors(&self, bucket: &str, wanted: Option<&Cors>) -> Result<()> {
        let rules: Vec<&CorsRule> = wanted.iter().flat_map(|it| it.cors_rules.iter().flatten()).collect();
        if rules.is_empty() {
            return gone(self.s3.delete_bucket_cors().bucket(bucket).send().await.map_err(failed("DeleteBucketCors")));
        }
        let rules: Vec<_> = rules.into_iter().map(to_cors_rule).collect::<Result<_>>()?;
        let config = built("PutBucketCors", api::CorsConfiguration::builder().set_cors_rules(Some(rules)).build())?;
        let call = self.s3.put_bucket_cors().bucket(bucket).cors_configuration(config);
        call.send().await.map_err(failed("PutBucketCors")).map(drop)
    }

    /// Nobody is told any more if nothing is wanted: there is no delete.
    pub(super) async fn write_notices(&self, bucket: &str, wanted: Option<&Notification>) -> Result<()> {
        let config = to_notices(wanted.unwrap_or(&Notification::default()))?;
        let call = self.s3.put_bucket_notification_configuration().bucket(bucket).notification_configuration(config);
        call.send().await.map_err(failed(PUT)).map(drop)
    }
}

pub(super) fn cors(live: Vec<api::CorsRule>) -> Cors {
    let some = |all: Vec<String>| Some(all).filter(|all| !all.is_empty());
    let of = |it: api::CorsRule| CorsRule {
        id: it.id,
        allowed_methods: some(it.allowed_methods),
        allowed_origins: some(it.allowed_origins),
        allowed_headers: it.allowed_headers.and_then(some),
        exposed_headers: it.expose_headers.and_then(some),
        max_age: it.max_age_seconds,
    };
    Cors { cors_rules: Some(live.into_iter().map(of).collect()) }
}

fn to_cors_rule(wanted: &CorsRule) -> Result<api::CorsRule> {
    let rule = api::CorsRule::builder()
        .set_id(wanted.id.clone())
        .set_allowed_methods(wanted.allowed_methods.clone())
        .set_allowed_origins(wanted.allowed_origins.clone())
        .set_allowed_headers(wanted.allowed_headers.clone())
        .set_expose_headers(wanted.exposed_headers.clone())
        .set_max_age_seconds(wanted.max_age);
    built("PutBucketCors", rule.build())
}

/// One entry for each event of each group.
fn entries<T>(events: Vec<api::Event>, one: impl Fn(String) -> T) -> Vec<T> {
    events.iter().map(|event| one(event.as_str().to_owned())).collect()
}

fn some<T>(all: Vec<T>) -> Option<Vec<T>> {
    Some(all).filter(|all| !all.is_empty())
}

/// Whether EventBridge is told is always answered: it is a switch.
pub(super) fn notices(
    queues: Option<Vec<api::QueueConfiguration>>,
    topics: Option<Vec<api::TopicConfiguration>>,
    functions: Option<Vec<api::LambdaFunctionConfiguration>>,
    bridge: bool,
) -> Notification {
    let queues = queues.into_iter().flatten().flat_map(|it| {
        let (queue, filter) = (Some(it.queue_arn), from_filter(it.filter));
        entries(it.events, |event| QueueNotice { event: Some(event), queue: queue.clone(), filter: filter.clone() })
    });
    let topics = topics.into_iter().flatten().flat_map(|it| {
        let (topic, filter) = (Some(it.topic_arn), from_filter(it.filter));
        entries(it.events, |event| TopicNotice { event: Some(event), topic: topic.clone(), filter: filter.clone() })
    });
    let functions = functions.into_iter().flatten().flat_map(|it| {
        let (function, filter) = (Some(it.lambda_function_arn), from_filter(it.filter));
        let one = |event| LambdaNotice { event: Some(event), function: function.clone(), filter: filter.clone() };
        entries(it.events, one)
    });
    Notification {
        queue_configurations: some(queues.collect()),
        topic_configurations: some(topics.collect()),
        lambda_configurations: some(functions.collect()),
        event_bridge_configuration: Some(EventBridge { event_bridge_enabled: Some(bridge) }),
    }
}

fn to_notices(wanted: &Notification) -> Result<api::NotificationConfiguration> {
    let event = |it: &Option<String>| api::Event::from(it.as_deref().unwrap_or_default());
    let queue = |it: &QueueNotice| {
        let one = api::QueueConfiguration::builder().set_queue_arn(it.queue.clone()).events(event(&it.event));
        built(PUT, one.set_filter(to_filter(it.filter.as_ref())).build())
    };
    let topic = |it: &TopicNotice| {
        let one = api::TopicConfiguration::builder().set_topic_arn(it.topic.clone()).events(event(&it.event));
        built(PUT, one.set_filter(to_filter(it.filter.as_ref())).build())
    };
    let function = |it: &LambdaNotice| {
        let one = api::LambdaFunctionConfiguration::builder().set_lambda_function_arn(it.function.clone());
        built(PUT, one.events(event(&it.event)).set_filter(to_filter(it.filter.as_ref())).build())
    };
    let bridge = wanted.event_bridge_configuration.as_ref().is_some_and(|it| it.event_bridge_enabled != Some(false));
    Ok(api::NotificationConfiguration::builder()
        .set_queue_configurations(some(wanted.queue_configurations.iter().flatten().map(queue).collect::<Result<_>>()?))
        .set_topic_configurations(some(wanted.topic_configurations.iter().flatten().map(topic).collect::<Result<_>>()?))
        .set_lambda_function_configurations(some(
            wanted.lambda_configurations.iter().flatten().map(function).collect::<Result<_>>()?,
        ))
        .set_event_bridge_configuration(bridge.then(|| api::EventBridgeConfiguration::builder().build()))
        .build())
}

fn from_filter(live: Option<api::NotificationConfigurationFilter>) -> Option<NoticeFilter> {
    let rules = live?.key?.filter_rules?;
    let of = |it: api::FilterRule| FilterRule { name: it.name.map(|name| name.as_str().to_owned()), value: it.value };
    let rules = some(rules.into_iter().map(of).collect())?;
    Some(NoticeFilter { s3_key: Some(KeyFilter { rules: Some(rules) }) })
}

fn to_filter(wanted: Option<&NoticeFilter>) -> Option<api::NotificationConfigurationFilter> {
    let rules = wanted?.s3_key.as_ref()?.rules.as_ref()?;
    let of = |it: &FilterRule| {
        let name = it.name.as_ref().map(|name| api::FilterRuleName::from(name.to_lowercase().as_str()));
        api::FilterRule::builder().set_name(name).set_value(it.value.clone()).build()
    };
    let key = api::S3KeyFilter::builder().set_filter_rules(some(rules.iter().map(of).collect())).build();
    Some(api::NotificationConfigurationFilter::builder().key(key).build())
}
