//! Times as people write and read them: `30s`, `10m`; `4:10`.

use std::time::Duration;

/// `90`, `30s`, `10m`, `2h`.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let factor = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(Duration::from_secs(number.checked_mul(factor)?))
}

/// `1 step`, `9 steps`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `0.4 s`, `12 s`, `4:10`.
pub fn show(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        10_000..60_000 => format!("{} s", millis / 1000),
        _ => format!("{}:{:02}", millis / 60_000, millis / 1000 % 60),
    }
}

/// `2026-11-24 12:34:56 UTC`.
pub fn date(millis: u64) -> String {
    written(millis, "%Y-%m-%d %H:%M:%S UTC")
}

/// `12:34:56`, UTC as well.
pub fn time_of_day(millis: u64) -> String {
    written(millis, "%H:%M:%S")
}

fn written(millis: u64, how: &str) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| "?".to_owned(), |time| time.strftime(how).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        assert_eq!(parse("10m"), Some(Duration::from_secs(600)));
        assert_eq!(parse("10 m"), None);
        assert_eq!(parse("m"), None);
        assert_eq!(show(250_000), "4:10");
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
    }
}
