//! What is wrong with a bucket's fields, beyond their shape. Notifications check themselves.

use super::{
    super::Expansion,
    spec::{Cors, S3Spec},
};

/// What is wrong with it.
pub(super) fn check(spec: &S3Spec, to: &mut Expansion<'_>) {
    if let Some(name) = &spec.name {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let inner = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-');
        if !(3..=63).contains(&name.len())
            || !inner
            || !ends(name.chars().next())
            || !ends(name.chars().last())
            || name.contains("..")
        {
            to.problem("/name", "a bucket's name has 3 to 63 lower-case letters, digits, `.` and `-`, and starts and ends with a letter or digit");
        }
    }
    lifecycle(spec, to);
    if spec.cors.as_ref().is_some_and(|all| all.len() > 100) {
        to.problem("/cors", "a bucket has at most 100 rules");
    }
    for (index, rule) in spec.cors.iter().flatten().enumerate() {
        cors(&format!("/cors/{index}"), rule, to);
    }
}

fn lifecycle(spec: &S3Spec, to: &mut Expansion<'_>) {
    for (index, rule) in spec.lifecycle_rules.iter().flatten().enumerate() {
        let at = |field: &str| format!("/lifecycleRules/{index}/{field}");
        to.within(&at("expireAfterDays"), rule.expire_after_days, 1, i64::from(i32::MAX));
        to.within(&at("noncurrentExpireAfterDays"), rule.noncurrent_expire_after_days, 1, i64::from(i32::MAX));
        to.within(
            &at("abortIncompleteUploadsAfterDays"),
            rule.abort_incomplete_uploads_after_days,
            1,
            i64::from(i32::MAX),
        );
        let nothing = rule.expire_after_days.is_none()
            && rule.noncurrent_expire_after_days.is_none()
            && rule.abort_incomplete_uploads_after_days.is_none()
            && rule.transitions.as_ref().is_none_or(Vec::is_empty);
        if nothing {
            to.problem(
                &format!("/lifecycleRules/{index}"),
                "the rule does nothing: say what happens after how many days",
            );
        }
    }
}

fn cors(at: &str, rule: &Cors, to: &mut Expansion<'_>) {
    if rule.origins.is_empty() {
        to.problem(&format!("{at}/origins"), "no page would get in: name origins, or \"*\" for all");
    }
    if rule.methods.is_empty() {
        to.problem(&format!("{at}/methods"), "no page could do anything: name methods");
    }
    for (index, origin) in rule.origins.iter().enumerate() {
        let at = format!("{at}/origins/{index}");
        if origin.matches('*').count() > 1 {
            to.problem(&at, "an origin has at most one `*`");
        } else if origin != "*" && (!origin.contains("://") || origin.ends_with('/')) {
            to.problem(&at, "an origin is a scheme and a host, as in `https://shop.example.com`");
        }
    }
    for (index, _) in rule.headers.iter().flatten().enumerate().filter(|(_, it)| it.matches('*').count() > 1) {
        to.problem(&format!("{at}/headers/{index}"), "a header has at most one `*`");
    }
    for (index, _) in rule.expose_headers.iter().flatten().enumerate().filter(|(_, it)| it.contains('*')) {
        to.problem(&format!("{at}/exposeHeaders/{index}"), "name each header: `*` does not stand for all of them here");
    }
    to.within(&format!("{at}/maxAge"), rule.max_age.map(|it| it.0), 0, i64::from(i32::MAX));
}
