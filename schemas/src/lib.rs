//! The YAML of `deployer`: read with positions, merged, interpolated, checked, and expanded into resources.

mod around;
mod bind;
pub mod check;
mod checks;
mod component;
mod directory;
mod document;
mod expand;
mod ignored;
mod input;
mod interpolate;
pub mod kinds;
mod load;
mod loaded;
mod merge;
mod near;
mod node;
mod parse;
mod recorded;
mod service;
mod source;
mod stack;
mod uses;

pub use around::{Answered, Around, Asked, NoPeer, Peer};
pub use component::{Merged, full_schema};
pub use document::Document;
pub use input::{Input, Policy, Seconds};
pub use kinds::{Expansion, Kind, Kinds, Outputs, Source};
pub use load::{LoadOptions, Problems, TypeCatalog, load, load_sources, partition};
pub use loaded::{Loaded, StackInfo};
pub use near::nearest;
pub use node::{Layer, Node, Origin, Origins, Yaml};
pub use service::Service;
pub use source::{API_VERSION, Sources};
pub use stack::{Rollback, ServiceSpec, StackSpec, StatePlace};
pub use uses::{Access, Ask, Connection, Use, Used, User, expand as expand_uses};
