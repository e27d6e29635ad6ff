//! When the table's janitor may take an item away, by the table's own clock.
//!
//! The janitor is DynamoDB's and goes by DynamoDB's time. A date from this machine's clock would let it take a held lock away where
//! that clock is behind, so the time is read from what each answer says of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef, dyn_dispatch_hint},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{
    config_bag::ConfigBag,
    date_time::{DateTime, Format},
};

/// When the janitor may take away what nobody took away.
const DAYS: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The time of the newest answer, in seconds since 1970 UTC; none came yet: 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Janitor(Arc<AtomicU64>);

impl Janitor {
    /// True once an answer told the time.
    pub(super) fn knows_the_time(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// The date for an item that is written now. Where no answer tells the time there is none: the item stays until it is removed.
    pub(super) fn date(&self) -> Option<AttributeValue> {
        let told = Some(self.0.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)?;
        Some(AttributeValue::N((told + DAYS.as_secs()).to_string()))
    }
}

#[dyn_dispatch_hint]
impl Intercept for Janitor {
    fn name(&self) -> &'static str {
        "the table's time"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let told = context.response().headers().get("date");
        let time = told.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok());
        if let Some(seconds) = time.and_then(|it| u64::try_from(it.secs()).ok()) {
            self.0.store(seconds, Ordering::Relaxed);
        }
        Ok(())
    }
}
