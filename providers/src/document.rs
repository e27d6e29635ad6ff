//! JSON policies by meaning: AWS writes them anew, so texts are never compared.
//!
//! Order of keys and of most lists means nothing, one element is as good as a list of one, an account's number is its root's
//! ARN, booleans and numbers in conditions are texts, and what is empty is absent.

use serde_json::{Map, Value, json};

/// The one form of all policies that mean the same.
pub fn policy(document: &Value) -> Value {
    let parsed = match document {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| document.clone()),
        other => other.clone(),
    };
    let Value::Object(map) = parsed else { return parsed };
    let statements = listed(map.get("Statement").cloned().unwrap_or_default());
    let mut all: Vec<Value> = statements.iter().map(statement).collect();
    all.sort_by_cached_key(Value::to_string);
    let version = map.get("Version").cloned().unwrap_or_else(|| json!("2008-10-17"));
    json!({"Version": version, "Statement": all})
}

fn statement(value: &Value) -> Value {
    let Some(map) = value.as_object() else { return value.clone() };
    let fields = map.iter().filter(|(_, item)| !is_empty(item)).map(|(key, item)| {
        let item = match key.as_str() {
            "Principal" | "NotPrincipal" => principal(item),
            "Condition" => condition(item),
            "Action" | "NotAction" => set(item, |text| text.to_lowercase()),
            "Resource" | "NotResource" => set(item, str::to_owned),
            _ => item.clone(),
        };
        (key.clone(), item)
    });
    fields.collect::<Map<_, _>>().into()
}

fn principal(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().map(|(kind, who)| (kind.clone(), set(who, root_of))).collect::<Map<_, _>>().into()
        }
        Value::String(text) if text == "*" => json!({"AWS": ["*"]}),
        other => other.clone(),
    }
}

/// An account's number means its root; the partition is AWS's own unless it is said.
fn root_of(who: &str) -> String {
    if who.len() == 12 && who.chars().all(|c| c.is_ascii_digit()) {
        format!("arn:aws:iam::{who}:root")
    } else {
        who.to_owned()
    }
}

fn condition(value: &Value) -> Value {
    let inner = |map: &Map<String, Value>| {
        map.iter().map(|(key, item)| (key.to_lowercase(), set(item, str::to_owned))).collect::<Map<_, _>>()
    };
    let Some(map) = value.as_object() else { return value.clone() };
    map.iter()
        .filter_map(|(operator, keys)| Some((operator.clone(), inner(keys.as_object()?).into())))
        .collect::<Map<_, _>>()
        .into()
}

/// One or many texts as a sorted list.
fn set(value: &Value, each: impl Fn(&str) -> String) -> Value {
    let text = |item: &Value| item.as_str().map_or_else(|| item.clone(), |text| json!(each(text)));
    let plain = |item: &Value| match item {
        Value::Bool(_) | Value::Number(_) => json!(item.to_string()),
        other => text(other),
    };
    let mut all: Vec<Value> = listed(value.clone()).iter().map(plain).collect();
    all.sort_by_cached_key(Value::to_string);
    all.dedup();
    all.into()
}

fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Percent-encoding taken back: IAM answers its documents that way (RFC 3986).
#[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "IAM alone encodes its documents"))]
pub(crate) fn decode(text: &str) -> Value {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, pair) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    let decoded = String::from_utf8_lossy(&bytes);
    serde_json::from_str(&decoded).unwrap_or_else(|_| Value::String(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_policies_have_one_form() {
        let ours = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": ["sqs:Send", "sqs:Get"], "Resource": "x",
            "Condition": {"Bool": {"aws:SecureTransport": false}}, "Sid": "",
        }]});
        let theirs = json!({"Statement": {
            "Condition": {"Bool": {"aws:securetransport": ["false"]}}, "Resource": ["x"], "Action": ["SQS:Get", "SQS:Send"],
            "Principal": {"AWS": ["arn:aws:iam::111111111111:root"]}, "Effect": "Allow",
        }, "Version": "2012-10-17"});
        assert_eq!(policy(&ours), policy(&theirs));
        assert_eq!(policy(&json!(theirs.to_string())), policy(&ours));
        let other = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*"}]});
        assert_ne!(policy(&ours), policy(&other));
    }

    #[test]
    fn percent_encoding_is_taken_back() {
        assert_eq!(decode("%7B%22a%22%3A%20%22%25%22%7D"), json!({"a": "%"}));
    }
}
