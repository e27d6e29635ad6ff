//! Windows of time, in which AWS makes backups and maintains.

use std::ops::Range;

use super::super::Expansion;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;

/// Says what is wrong with the two windows.
pub(super) fn check(backup: Option<&str>, maintenance: Option<&str>, to: &mut Expansion<'_>) {
    let mut parsed = |path: &str, text: Option<&str>, parse: fn(&str) -> Option<Range<i64>>, example: &str| {
        let text = text?;
        let found = parse(text);
        match &found {
            None => to.problem(path, format!("`{text}` is no window: write it as `{example}`, UTC")),
            Some(it) if it.end - it.start < 30 => to.problem(path, "a window has at least 30 minutes"),
            Some(it) if it.end - it.start >= DAY => to.problem(path, "a window has less than 24 hours"),
            Some(_) => return found,
        }
        None
    };
    let backup = parsed("/backups/window", backup, daily, "03:00-04:00");
    let maintenance = parsed("/maintenance/window", maintenance, weekly, "sun:05:00-sun:06:00");
    if let (Some(backup), Some(maintenance)) = (backup, maintenance) {
        // Both may reach over midnight; the week's end runs into its start.
        let meets = (-1..=8).any(|day| {
            let (start, end) = (backup.start + day * DAY, backup.end + day * DAY);
            start < maintenance.end && maintenance.start < end
        });
        if meets {
            to.problem("/maintenance/window", "it overlaps the window of backups: AWS takes two that do not meet");
        }
    }
}

/// `03:00-04:00`, in minutes of a day; the end may be on the next.
fn daily(text: &str) -> Option<Range<i64>> {
    let (from, until) = text.split_once('-')?;
    let (from, until) = (minutes(from)?, minutes(until)?);
    Some(from..if until < from { until + DAY } else { until })
}

/// `sun:05:00-sun:06:00`, in minutes of a week; the end may be in the next.
fn weekly(text: &str) -> Option<Range<i64>> {
    let point = |text: &str| {
        let (day, time) = text.split_once(':')?;
        let day = DAYS.iter().position(|it| it.eq_ignore_ascii_case(day))?;
        Some(i64::try_from(day).ok()? * DAY + minutes(time)?)
    };
    let (from, until) = text.split_once('-')?;
    let (from, until) = (point(from)?, point(until)?);
    Some(from..if until < from { until + WEEK } else { until })
}

/// `05:00`, in minutes.
fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':').filter(|_| text.len() == 5)?;
    let number = |text: &str, below: i64| {
        text.parse().ok().filter(|it: &i64| *it < below && text.chars().all(|c| c.is_ascii_digit()))
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}
