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

/// A pattern of every name that is minted by `rule` in `scope`, now or later: `shop-prod-*`.
pub fn pattern(rule: &NameRule, scope: &Scope) -> String {
    // The longest tail and ending: hash of account and region, a generation of four digits, `.fifo`.
    let tail = if rule.scope == NameScope::Global { 7 } else { 0 } + 5 + if rule.suffix.is_some() { 5 } else { 0 };
    // What a long name keeps before its hash.
    let kept = rule.max.saturating_sub(rule.prefix.len() + tail + 9);
    let all = format!("{}-{}-", scope.stack, scope.env);
    let start: String = all.chars().take(kept).collect();
    let start = if start == all { start.as_str() } else { start.trim_end_matches('-') };
    format!("{}{start}*", rule.prefix)
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
    #[test]
    fn a_pattern_fits_every_name_that_can_be_minted() {
        let rules =
            [RULE, NameRule { scope: NameScope::Global, ..RULE }, NameRule { prefix: "/app/", max: 40, ..RULE }];
        for stack in ["shop", "a-shop-with-a-long-name", "a-shop-of-19-chars-"] {
            let scope = Scope { stack: stack.to_owned(), ..scope() };
            for rule in rules {
                let pattern = pattern(&rule, &scope);
                let start = pattern.strip_suffix('*').unwrap_or_default();
                for (name, generation) in [("a", 1), ("a", 9_999), ("a-queue-with-a-long-name", 1), ("orders", 120)] {
                    let minted = mint(&rule, &scope, name, Some("part"), generation, &json!({}));
                    assert!(minted.as_ref().is_some_and(|it| it.starts_with(start)), "{pattern}: {minted:?}");
                }
            }
        }
        assert_eq!(pattern(&NameRule::regional("/Name"), &scope()), "shop-prod-*");
    }
}
