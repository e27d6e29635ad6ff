//! What a role's trust says of GitHub's jobs.
//!
//! Hand-made ones share mistakes that nothing reports: under `StringEquals` a `*` is a star, so no job ever gets in; the call that jobs
//! make is not `sts:AssumeRole`; and without the audience a token that was made for somebody else will do.

use serde_json::{Value, json};

use super::{AUDIENCE, GITHUB};

const CALL: &str = "sts:AssumeRoleWithWebIdentity";
const EQUALS: &str = "StringEquals";
const LIKE: &str = "StringLike";

/// The statement that lets in the jobs whose tokens have this subject. A pattern needs another operator than a plain text.
pub(super) fn jobs(provider: &str, subject: &str) -> Value {
    let operator = if is_pattern(subject) { LIKE } else { EQUALS };
    let mut conditions = json!({EQUALS: {key("aud"): AUDIENCE}});
    conditions[operator][key("sub")] = json!(subject);
    json!({"Sid": "Jobs", "Effect": "Allow", "Principal": {"Federated": provider}, "Action": CALL, "Condition": conditions})
}

/// A statement that is kept, as it was meant. It lets in nobody whom it does not name: without a subject, or with one that leaves the
/// owner open, it stays as it is.
pub(super) fn righted(mut statement: Value) -> Value {
    let allows = statement["Effect"] == "Allow";
    let Some(conditions) = statement.get_mut("Condition").and_then(Value::as_object_mut) else { return statement };
    let subjects: Vec<&Value> =
        [EQUALS, LIKE].iter().filter_map(|operator| conditions.get(*operator)?.get(key("sub"))).collect();
    if !allows || subjects.is_empty() || !subjects.iter().all(|it| are_named(it)) {
        return statement;
    }
    if subjects.iter().any(|it| texts(it).any(is_pattern)) && !conditions.contains_key(LIKE) {
        let pairs = conditions.get_mut(EQUALS).and_then(Value::as_object_mut);
        let (subject, empty) = pairs.map(|it| (it.remove(&key("sub")), it.is_empty())).unwrap_or_default();
        conditions.insert(LIKE.to_owned(), json!({key("sub"): subject}));
        if empty {
            conditions.remove(EQUALS);
        }
    }
    if !conditions.values().any(|pairs| pairs.get(key("aud")).is_some()) {
        let equals = conditions.entry(EQUALS).or_insert_with(|| json!({}));
        equals.as_object_mut().map(|it| it.insert(key("aud"), json!(AUDIENCE)));
    }
    if !texts(&statement["Action"]).any(|it| it == CALL) {
        statement["Action"] = json!(CALL);
    }
    statement
}

fn key(claim: &str) -> String {
    format!("{GITHUB}:{claim}")
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// There are some, and each names its owner.
fn are_named(subjects: &Value) -> bool {
    texts(subjects).next().is_some() && texts(subjects).all(names_owner)
}

/// `repo:OWNER/..`, with an owner without stars.
fn names_owner(subject: &str) -> bool {
    let owner = subject.strip_prefix("repo:").and_then(|it| it.split_once('/')).map(|(owner, _)| owner);
    owner.is_some_and(|it| !it.is_empty() && !is_pattern(it))
}

/// One text, or several.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_stays() {
        for subject in ["repo:acme/shop:ref:refs/heads/main", "repo:acme/shop:*"] {
            let right = jobs("arn", subject);
            assert_eq!(righted(right.clone()), right);
        }
    }

    #[test]
    fn a_star_matches_the_call_is_that_of_jobs_and_the_token_is_ours() {
        let made = json!({"Effect": "Allow", "Principal": {"Federated": "arn"}, "Action": "sts:AssumeRole", "Condition": {EQUALS: {key("sub"): "repo:acme/*"}}});
        let mut right = jobs("arn", "repo:acme/*");
        right.as_object_mut().map(|it| it.remove("Sid"));
        assert_eq!(righted(made), right);
    }

    #[test]
    fn nobody_is_let_in_who_is_not_named() {
        for subject in [json!("*"), json!("repo:*/shop:*"), json!(["repo:acme/shop:*", "repo:*"]), json!([])] {
            let open = json!({"Effect": "Allow", "Action": CALL, "Condition": {EQUALS: {key("sub"): subject}}});
            assert_eq!(righted(open.clone()), open);
        }
        let bare = json!({"Effect": "Allow", "Action": CALL});
        assert_eq!(righted(bare.clone()), bare);
    }
}
