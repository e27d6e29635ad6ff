//! How a physical name is minted: `{stack}-{env}-{name}[-{part}]`, shortened with a hash where the cloud limits it.
//!
//! Minted once per generation and kept in state: a later version of this file must not rename production.

use serde_json::Value;

use crate::{
    desired::Scope,
    facts::{NameRule, NameScope},
    state::short_hash,
};

/// The name of one generation, or none if it needs an account that is not known.
pub fn mint(
    rule: &NameRule,
    scope: &Scope,
    name: &str,
    part: Option<&str>,
    generation: u32,
    properties: &Value,
) -> Option<String> {
    let ending = rule.suffix.map_or("", |suffix| suffix(properties));
    let mut base = format!("{}-{}-{name}", scope.stack, scope.env);
    if let Some(part) = part {
        base.push('-');
        base.push_str(part);
    }
    let mut tail = String::new();
    if rule.scope == NameScope::Global {
        if scope.account.is_empty() {
            return None;
        }
        tail.push('-');
        tail.push_str(&short_hash(&[&scope.account, &scope.region], 6));
    }
    if generation > 1 && !rule.shared {
        tail.push_str(&format!("-{generation}"));
    }
    let room = rule.max.saturating_sub(rule.prefix.len() + tail.len() + ending.len());
    if base.len() > room {
        let hash = short_hash(&[&base], 8);
        let kept: String = base.chars().take(room.saturating_sub(hash.len() + 1)).collect();
        base = format!("{}-{hash}", kept.trim_end_matches('-'));
    }
    Some(format!("{}{base}{tail}{ending}", rule.prefix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        Scope {
            stack: "shop".into(),
            env: "prod".into(),
            region: "eu-west-1".into(),
            account: "1".into(),
            ..Scope::default()
        }
    }

    const RULE: NameRule = NameRule { max: 30, ..NameRule::regional("/Name") };

    #[test]
    fn names_are_readable_short_and_told_apart() {
        let mint =
            |rule: &NameRule, name: &str, part, generation| mint(rule, &scope(), name, part, generation, &json!({}));
        assert_eq!(mint(&RULE, "orders", None, 1).as_deref(), Some("shop-prod-orders"));
        assert_eq!(
            mint(&RULE, "orders", Some("dead-letter"), 2).as_deref(),
            Some("shop-prod-orders-dead-letter-2").filter(|n| n.len() <= 30)
        );
        let (a, b) = (mint(&RULE, &"a".repeat(60), None, 1), mint(&RULE, &"a".repeat(61), None, 1));
        assert!(a != b && a.as_ref().is_some_and(|name| name.len() <= 30));
        let global = NameRule { scope: NameScope::Global, ..RULE };
        assert_ne!(mint(&global, "orders", None, 1), mint(&RULE, "orders", None, 1));
        let fifo = NameRule { suffix: Some(|_| ".fifo"), ..RULE };
        assert_eq!(mint(&fifo, "orders", None, 1).as_deref(), Some("shop-prod-orders.fifo"));
    }
}
