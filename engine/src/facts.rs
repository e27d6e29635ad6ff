//! What is declared about a resource type: facts as data.
//!
//! A provider states what its fields and its life are like; every policy that follows from it (diff, replacement, settling,
//! retries, recovery) is written once, in the engine, against these.

use std::time::Duration;

use serde_json::Value;

/// The nature of fields, by JSON pointer into the properties; `*` stands for any element of a list or map. A field may be
/// listed several times; a field that is not listed is an ordinary one that can be set, changed and cleared.
pub type Fields = &'static [(&'static str, Nature)];

/// The nature of one field.
#[derive(Clone, Copy, Debug)]
pub enum Nature {
    /// A change needs a new thing.
    CreateOnly,
    /// Never read back: compared with what was applied last.
    WriteOnly,
    /// Sent at create, then never compared.
    InitialOnly,
    /// A list whose order means nothing.
    Unordered,
    /// A list whose elements have this key: we own our elements only.
    ByKey(&'static str),
    /// A list of keys and their `Value`s where every key always has one: what is taken away goes back to its default, or stays
    /// if none is listed.
    Settings {
        /// What the key is called.
        key: &'static str,
        /// Keys and their defaults.
        defaults: &'static [(&'static str, &'static str)],
    },
    /// Compared and written as a whole, whatever is inside.
    Whole,
    /// Two values are equal if this function makes the same of them (JSON policies).
    Document(fn(&Value) -> Value),
    /// Upper and lower case are the same.
    CaseFolded,
    /// `16` is equal to `16.4`.
    PrefixVersion,
    /// What is there if nothing is said, as JSON text.
    ServerDefault(&'static str),
    /// Left alone while this function says so of the desired properties.
    OwnedElsewhereWhen(fn(&Value) -> bool),
    /// A list that keeps an element at least: one with none of the same is another place, and needs a new thing.
    Rooted,
    /// A number that AWS never lets shrink: a smaller one is refused by the plan.
    OnlyGrows,
    /// Takes references to secrets only.
    Sensitive,
    /// What happens when the user removes it; the default is `Clear`.
    OnRemove(OnRemove),
}

/// What removing a field from the YAML does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRemove {
    /// It is set to this, as JSON text.
    Reset(&'static str),
    /// It is taken away.
    Clear,
    /// It cannot be taken away: a new thing is needed.
    Replace,
    /// It stays as it is, and the plan says so.
    Keep,
}

/// Everything that is declared about a type. Write `Facts { fields: .., ..Facts::NAMED }`.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The nature of its fields.
    pub fields: Fields,
    /// What others may refer to.
    pub outputs: &'static [Output],
    /// How its name is made, for a type that has one.
    pub name: Option<NameRule>,
    /// Where its tags stand (`/Tags`), for a type that can be tagged: a list of `{Key, Value}`.
    pub tags: Option<&'static str>,
    /// How it is found again after a crash.
    pub found: FoundBy,
    /// How long things take.
    pub settle: SettleTable,
    /// The API's request-rate class.
    pub rate: Rate,
    /// Deleting it loses data.
    pub stateful: bool,
    /// What is set in one that is a copy of another (`/SourceDBInstanceIdentifier`): deleting that one loses nothing.
    pub copy_of: Option<&'static str>,
    /// `create` silently takes over what exists: the engine looks first.
    pub create_adopts: bool,
    /// `probe` says more of it than `read` does: a component that has one is good only after a verdict.
    pub probed: bool,
    /// What of it can exist only once (scope and key), beside its name.
    pub slots: fn(&Value) -> Vec<String>,
    /// How long after confirmed reads other services may still not see it.
    pub usable_after: Duration,
    /// How long after a call its effect may be invisible to `find`.
    pub visibility: Duration,
    /// Writes with the same key are made one after another.
    pub serial: Option<fn(&Value) -> Option<String>>,
    /// Fields that somebody else moves: a replacement starts with what the old one has, unless the user states a value.
    pub carried: &'static [&'static str],
    /// How many ids its batched read takes; 1: it reads one by one.
    pub page: usize,
    /// The version of its properties' shape in state.
    pub schema_version: u32,
}

/// A value that others may refer to.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Its CloudFormation attribute name.
    pub name: &'static str,
    /// When it is known.
    pub known: Known,
    /// Fields whose change in place changes it, by JSON pointer.
    pub changed_by: &'static [&'static str],
}

impl Output {
    /// Known as soon as the thing is created, and fixed.
    pub const fn created(name: &'static str) -> Self {
        Self { name, known: Known::Created, changed_by: &[] }
    }

    /// Known when the thing is ready, and fixed.
    pub const fn ready(name: &'static str) -> Self {
        Self { name, known: Known::Ready, changed_by: &[] }
    }
}

/// When an output is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// With the create call's answer.
    Created,
    /// When it has settled.
    Ready,
}

/// How a thing is found again when a call's outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// By its name; its tags tell whose it is.
    Name,
    /// By our token, which the create call carries.
    Token,
    /// By our token among its tags.
    Tag,
    /// By where it is; its content tells whose it is (untaggable things).
    Content,
}

/// How a name is made.
#[derive(Clone, Copy, Debug)]
pub struct NameRule {
    /// The property that holds it, by JSON pointer.
    pub field: &'static str,
    /// The longest name, in characters, without the suffix that `suffix` adds.
    pub max: usize,
    /// What names are shared with.
    pub scope: NameScope,
    /// An ending that the properties ask for (`.fifo`).
    pub suffix: Option<fn(&Value) -> &'static str>,
    /// What stands before a minted name.
    pub prefix: &'static str,
    /// All generations have the same name: revisions of one family.
    pub shared: bool,
}

impl NameRule {
    /// A name of letters, digits and hyphens, unique in an account and region.
    pub const fn regional(field: &'static str) -> Self {
        Self { field, max: 255, scope: NameScope::Region, suffix: None, prefix: "", shared: false }
    }
}

/// What a name is shared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameScope {
    /// One account and region.
    Region,
    /// More than that: a minted name gets a hash of account and region.
    Global,
}

/// Requests of one class share a limit.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// The class.
    pub class: &'static str,
    /// How many steps of it run at once, per region.
    pub in_flight: usize,
}

/// How one verb settles.
#[derive(Clone, Copy, Debug)]
pub struct Settle {
    /// How long it usually takes: what is started first depends on it.
    pub usual: Duration,
    /// The longest that it may take.
    pub budget: Duration,
    /// Before the first read.
    pub first: Duration,
    /// Between reads.
    pub every: Duration,
    /// Good reads in a row that are needed.
    pub confirmations: u32,
}

impl Settle {
    /// Visible at once, with a short window of stale reads.
    pub const FAST: Self = Self {
        usual: Duration::from_secs(2),
        budget: Duration::from_secs(120),
        first: Duration::ZERO,
        every: Duration::from_secs(1),
        confirmations: 1,
    };
}

/// How the three verbs settle.
#[derive(Clone, Copy, Debug)]
pub struct SettleTable {
    /// After a create.
    pub create: Settle,
    /// After an update.
    pub update: Settle,
    /// After a delete.
    pub delete: Settle,
}

impl SettleTable {
    /// All fast.
    pub const FAST: Self = Self { create: Settle::FAST, update: Settle::FAST, delete: Settle::FAST };
}

impl Facts {
    /// A named, taggable, stateless thing that settles fast.
    pub const NAMED: Self = Self {
        fields: &[],
        outputs: &[],
        name: None,
        tags: Some("/Tags"),
        found: FoundBy::Name,
        settle: SettleTable::FAST,
        rate: Rate { class: "default", in_flight: 8 },
        stateful: false,
        copy_of: None,
        create_adopts: false,
        probed: false,
        slots: |_| Vec::new(),
        usable_after: Duration::ZERO,
        visibility: Duration::from_secs(20),
        serial: None,
        carried: &[],
        page: 1,
        schema_version: 1,
    };

    /// An untaggable part of something else, written by a call that creates or replaces it.
    pub const PART: Self = Self { tags: None, found: FoundBy::Content, create_adopts: true, ..Self::NAMED };

    /// The natures that are declared for `path`, a JSON pointer into properties.
    pub fn natures(&self, path: &str) -> impl Iterator<Item = Nature> + '_ {
        let path = path.to_owned();
        self.fields.iter().filter(move |(pattern, _)| matches(pattern, &path)).map(|(_, nature)| *nature)
    }

    /// True if `path` or something above it is declared create-only.
    pub fn create_only(&self, path: &str) -> bool {
        ancestors(path).any(|at| self.natures(at).any(|nature| matches!(nature, Nature::CreateOnly)))
    }

    /// What removing `path` does: the nearest declaration at it or above counts.
    pub fn on_remove(&self, path: &str) -> OnRemove {
        for at in ancestors(path) {
            for nature in self.natures(at) {
                match nature {
                    Nature::OnRemove(OnRemove::Reset(_)) if at != path => return OnRemove::Clear,
                    Nature::OnRemove(how) => return how,
                    Nature::CreateOnly => return OnRemove::Replace,
                    _ => {}
                }
            }
        }
        OnRemove::Clear
    }

    /// What is there at `path` if nothing is said.
    pub fn server_default(&self, path: &str) -> Option<Value> {
        self.natures(path).find_map(|nature| match nature {
            Nature::ServerDefault(text) => serde_json::from_str(text).ok(),
            _ => None,
        })
    }

    /// True if deleting the one with these properties loses data.
    pub fn holds_data(&self, properties: &Value) -> bool {
        self.stateful && self.copy_of.is_none_or(|source| properties.pointer(source).is_none())
    }

    /// The output of this name.
    pub fn output(&self, name: &str) -> Option<&'static Output> {
        self.outputs.iter().find(|output| output.name == name)
    }
}

/// True if the declared `pattern` means `path`.
fn matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == path;
    }
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == "*" || a == b => {}
            _ => return false,
        }
    }
}

/// `path` itself, then each pointer above it, without the root.
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(path);
    std::iter::from_fn(move || {
        let here = next.filter(|at| !at.is_empty())?;
        next = here.rfind('/').map(|cut| &here[..cut]);
        Some(here)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts {
        fields: &[
            ("/Name", Nature::CreateOnly),
            ("/Rules/*/Id", Nature::CaseFolded),
            ("/Delay", Nature::ServerDefault("0")),
        ],
        ..Facts::NAMED
    };

    #[test]
    fn patterns_and_ancestors() {
        assert!(FACTS.create_only("/Name"));
        assert!(FACTS.create_only("/Name/Inner"));
        assert!(!FACTS.create_only("/Names"));
        assert_eq!(FACTS.natures("/Rules/3/Id").count(), 1);
        assert_eq!(FACTS.natures("/Rules/3").count(), 0);
        assert_eq!(FACTS.server_default("/Delay"), Some(Value::from(0)));
        assert_eq!(FACTS.on_remove("/Name"), OnRemove::Replace);
        assert_eq!(ancestors("/a/b").collect::<Vec<_>>(), ["/a/b", "/a"]);
    }
}
