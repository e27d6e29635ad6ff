//! What a person means by a field: `Kind.name/Role/Property`, parts of it, or a property alone.

use deployer_engine::{
    address::Address,
    drift::{Field, Report, Thing, Verdict, is_under},
};

use crate::{
    exit::{Code, Failure},
    render::drift,
};

/// A field, or several.
pub struct Name {
    text: String,
    /// The address, and the JSON pointer of what is meant in it; none: a property of whatever has it.
    exact: Option<(Address, String)>,
}

impl Name {
    /// As it was written.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), exact: exact(text) }
    }

    /// True if it means this field of this thing, or the thing itself.
    pub fn means(&self, thing: &Thing, field: Option<&Field>) -> bool {
        match (&self.exact, field) {
            (Some((address, path)), Some(field)) => *address == thing.address && is_under(&field.path, path),
            (Some((address, path)), None) => *address == thing.address && path.is_empty(),
            (None, Some(field)) => is_under(&field.path, &format!("/{}", self.text.replace('.', "/"))),
            (None, None) => thing.address.component.to_string() == self.text,
        }
    }

    /// True if it means something that is not as it was left.
    pub fn finds(&self, report: &Report) -> bool {
        report.things.iter().any(|thing| match &thing.verdict {
            Verdict::Drifted { fields } => fields.iter().any(|field| self.means(thing, Some(field))),
            Verdict::InSync => false,
            _ => self.means(thing, None),
        })
    }

    /// The address and the pointer, if it was written whole.
    pub fn exact(&self) -> Option<&(Address, String)> {
        self.exact.as_ref()
    }

    /// What to say if it means nothing.
    pub fn unknown(&self, report: &Report) -> Failure {
        let all = report.things.iter().flat_map(|thing| match &thing.verdict {
            Verdict::Drifted { fields } => fields.iter().map(|field| drift::name(thing, field)).collect(),
            Verdict::InSync => Vec::new(),
            _ => vec![thing.address.to_string()],
        });
        let near = all.min_by_key(|it| strsim::levenshtein(it, &self.text));
        let failure =
            Failure::said(Code::Usage, format!("nothing that is not as it was left is called `{}`", self.text));
        match near {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help("everything is as it was left"),
        }
    }
}

/// `[region/]Kind.name/Role[/Property..]`.
fn exact(text: &str) -> Option<(Address, String)> {
    // The role is the part after the one that has a dot.
    let dotted = text.split('/').position(|part| part.contains('.'))?;
    let cut = text.match_indices('/').nth(dotted + 1).map_or(text.len(), |(at, _)| at);
    let (address, path) = text.split_at(cut);
    Some((address.parse().ok()?, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_pointer() {
        let parts = |text: &str| exact(text).map(|(address, path)| format!("{address} {path}"));
        assert_eq!(parts("SQS.orders/Queue/Tags/team").as_deref(), Some("SQS.orders/Queue /Tags/team"));
        assert_eq!(parts("SQS.orders/Queue").as_deref(), Some("SQS.orders/Queue "));
        assert_eq!(parts("eu-west-1/SQS.orders/Queue/A").as_deref(), Some("eu-west-1/SQS.orders/Queue /A"));
        assert!(exact("VisibilityTimeout").is_none());
    }
}
