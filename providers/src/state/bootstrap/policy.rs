//! What the role's policies are called: `ROLE-STACK.ENV-N`, and `ROLE-N` where they are for no stack.
//!
//! The stack and environment are in the name, so that what one of them needs is never written over what another needs. No stack has
//! a dot in its name.

/// The name of a policy.
pub(super) fn name(role: &str, whose: Option<&str>, number: usize) -> String {
    let whose = whose.map(|it| format!("{it}-")).unwrap_or_default();
    format!("{role}-{whose}{number}")
}

/// Whose a policy of that name is, and its number; none if it is no policy of ours for `role`.
pub(super) fn told<'a>(role: &str, name: &'a str) -> Option<(Option<&'a str>, usize)> {
    let rest = name.strip_prefix(role)?.strip_prefix('-')?;
    match rest.rsplit_once('-') {
        None => Some((None, rest.parse().ok()?)),
        Some((whose, number)) if whose.contains('.') => Some((Some(whose), number.parse().ok()?)),
        Some(_) => None,
    }
}

/// The part of the graph that it is.
pub(super) fn part(whose: Option<&str>, number: usize) -> String {
    let word = if whose.is_some() { "Policy" } else { "StatePolicy" };
    format!("{word}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whose_it_is() {
        for (whose, number) in [(None, 1), (Some("shop.dev"), 2), (Some("my-shop.prod-1"), 10)] {
            assert_eq!(told("My.Role-1", &name("My.Role-1", whose, number)), Some((whose, number)));
        }
        for other in ["Role", "Role-", "Role-x", "Role-shop-1", "Role-shop.dev-x", "Other-1"] {
            assert_eq!(told("Role", other), None, "{other}");
        }
    }
}
