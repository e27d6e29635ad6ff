//! Where a thing stands: `[region/]Kind.name/Role`.
//!
//! An address is public once released: users write it in commands and it keys the state, so its text form is the
//! only serialized form, everywhere.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A component as its user names it: `[region/]Kind.name`. The region is there only where it is not the environment's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId {
    /// The region, where the component stands in another one than its environment.
    pub region: Option<String>,
    /// The kind, as in the YAML.
    pub kind: String,
    /// The name, unique in its stack across kinds.
    pub name: String,
}

/// One resource of a component: `[region/]Kind.name/Role`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The component that it belongs to.
    pub component: ComponentId,
    /// The part it plays there, unique in the component. Public once released.
    pub role: String,
}

/// A text that is not an address.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an address; one reads like `SQS.orders` or `SQS.orders/Queue`")]
pub struct BadAddress(String);

impl ComponentId {
    /// A component in the environment's own region.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { region: None, kind: kind.into(), name: name.into() }
    }

    /// The address of its resource in `role`.
    pub fn at(&self, role: impl Into<String>) -> Address {
        Address { component: self.clone(), role: role.into() }
    }
}

impl Address {
    /// `kind.name/role` in the environment's own region.
    pub fn new(kind: impl Into<String>, name: impl Into<String>, role: impl Into<String>) -> Self {
        ComponentId::new(kind, name).at(role)
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(region) = &self.region {
            write!(f, "{region}/")?;
        }
        write!(f, "{}.{}", self.kind, self.name)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.component, self.role)
    }
}

impl FromStr for ComponentId {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress(text.to_owned());
        let (region, rest) = match text.split_once('/') {
            Some((region, rest)) => (Some(region.to_owned()), rest),
            None => (None, text),
        };
        let (kind, name) = rest.split_once('.').ok_or_else(bad)?;
        let empty = kind.is_empty() || name.is_empty() || region.as_deref() == Some("");
        if empty || rest.contains('/') {
            return Err(bad());
        }
        Ok(Self { region, kind: kind.to_owned(), name: name.to_owned() })
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (component, role) = text.rsplit_once('/').ok_or_else(|| BadAddress(text.to_owned()))?;
        if role.is_empty() || role.contains('.') {
            return Err(BadAddress(text.to_owned()));
        }
        Ok(Self { component: component.parse()?, role: role.to_owned() })
    }
}

/// Text is the serialized form of both.
macro_rules! as_text {
    ($($it:ident: $pattern:literal),*) => {$(
        impl JsonSchema for $it {
            fn schema_name() -> Cow<'static, str> {
                stringify!($it).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": $pattern})
            }
        }
        impl Serialize for $it {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $it {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(ComponentId: r"^([^/]+/)?[^./]+\.[^/]+$", Address: r"^([^/]+/)?[^./]+\.[^/]+/[^./]+$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for text in ["SQS.orders/Queue", "eu-west-1/SQS.orders/Queue"] {
            let address: Address = text.parse().expect("an address");
            assert_eq!(address.to_string(), text);
        }
        for text in ["", "SQS", "SQS.orders", "SQS./Queue", ".x/Queue", "SQS.orders/", "a/b/SQS.orders/Queue"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
