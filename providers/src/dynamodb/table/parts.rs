//! What has calls and times of its own: time to live, recovery, tags.

use aws_sdk_dynamodb::types::{
    PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, TimeToLiveSpecification, TimeToLiveStatus,
};
use deployer_engine::{error::Result, resource::Changed};

use super::{
    Table,
    convert::{self, built},
    spec::{Recovery, TimeToLive},
};
use crate::{
    call::{failed, found, not_yet},
    tags::{self, Tag},
};

impl Table {
    /// A change that is accepted counts, though it may take an hour until items follow it.
    pub(super) async fn time_to_live(&self, name: &str) -> Result<TimeToLive> {
        let answer = self.db.describe_time_to_live().table_name(name).send().await;
        let told = found(answer.map_err(failed("DescribeTimeToLive")))?.and_then(|it| it.time_to_live_description);
        let on = |status: &TimeToLiveStatus| matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling);
        let told = told.filter(|it| it.time_to_live_status.as_ref().is_some_and(on));
        Ok(TimeToLive { enabled: told.is_some(), attribute_name: told.and_then(|it| it.attribute_name) })
    }

    /// Another attribute takes two changes, and AWS wants an hour between them: it refuses the second one until then.
    pub(super) async fn expire(&self, name: &str, wanted: Option<&TimeToLive>) -> Result<()> {
        let (now, to) = (self.time_to_live(name).await?, wanted.filter(|it| it.enabled));
        let attribute = to.and_then(|it| it.attribute_name.as_ref());
        if now.attribute_name.as_ref() == attribute {
            return Ok(());
        }
        let next = now.attribute_name.as_ref().or(attribute).map(String::as_str).unwrap_or_default();
        let change = TimeToLiveSpecification::builder().enabled(!now.enabled).attribute_name(next).build();
        let call = self.db.update_time_to_live().table_name(name).time_to_live_specification(built(change)?);
        call.send().await.map_err(failed("UpdateTimeToLive"))?;
        if now.enabled && attribute.is_some() {
            return Err(not_yet(
                "UpdateTimeToLive",
                "the attribute changes within an hour after the old one was given up",
            ));
        }
        Ok(())
    }

    pub(super) async fn recovery(&self, name: &str) -> Result<Recovery> {
        let answer = self.db.describe_continuous_backups().table_name(name).send().await;
        let told = found(answer.map_err(failed("DescribeContinuousBackups")))?;
        let told = told.and_then(|it| it.continuous_backups_description?.point_in_time_recovery_description);
        let on = |it: &PointInTimeRecoveryStatus| *it == PointInTimeRecoveryStatus::Enabled;
        let told = told.filter(|it| it.point_in_time_recovery_status.as_ref().is_some_and(on));
        Ok(Recovery { enabled: told.is_some(), days: told.and_then(|it| it.recovery_period_in_days) })
    }

    pub(super) async fn recover(&self, name: &str, wanted: Option<&Recovery>) -> Result<()> {
        let (now, to) = (self.recovery(name).await?, wanted.cloned().unwrap_or_default());
        if now.enabled == to.enabled && (!to.enabled || to.days.is_none_or(|days| now.days == Some(days))) {
            return Ok(());
        }
        let change = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(to.enabled);
        let change = built(change.set_recovery_period_in_days(to.days.filter(|_| to.enabled)).build())?;
        let call = self.db.update_continuous_backups().table_name(name).point_in_time_recovery_specification(change);
        call.send().await.map_err(failed("UpdateContinuousBackups")).map(drop)
    }

    pub(super) async fn tags(&self, arn: &str) -> Result<Option<Vec<Tag>>> {
        let (mut all, mut next) = (Vec::new(), None);
        loop {
            let page = self.db.list_tags_of_resource().resource_arn(arn).set_next_token(next).send().await;
            let page = page.map_err(failed("ListTagsOfResource"))?;
            all.extend(page.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)));
            next = page.next_token;
            if next.is_none() {
                return Ok(tags::from_map(all));
            }
        }
    }

    pub(super) async fn retag(&self, arn: &str, changed: &Changed, wanted: Option<&Vec<Tag>>) -> Result<()> {
        let tags = tags::change(changed, wanted);
        if !tags.set.is_empty() {
            let call = self.db.tag_resource().resource_arn(arn).set_tags(Some(convert::tags(tags.set)?));
            call.send().await.map_err(failed("TagResource"))?;
        }
        if !tags.remove.is_empty() {
            let call = self.db.untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
            call.send().await.map_err(failed("UntagResource"))?;
        }
        Ok(())
    }
}
