//! The YAML of `deployer`: read with positions, merged, interpolated, checked, and expanded into resources.

pub mod check;
mod component;
mod directory;
mod document;
mod input;
mod interpolate;
pub mod kinds;
mod load;
mod loaded;
mod merge;
mod near;
mod node;
mod parse;
mod service;
mod source;
mod stack;

pub use component::{Merged, full_schema};
pub use document::Document;
pub use input::{Input, Policy, Seconds};
pub use kinds::{Expansion, Kind, Kinds, Outputs};
pub use load::{LoadOptions, Problems, TypeCatalog, load, load_sources};
pub use loaded::{Loaded, StackInfo};
pub use near::nearest;
pub use node::{Layer, Node, Origin, Origins, Yaml};
pub use service::Service;
pub use source::{API_VERSION, Sources};
pub use stack::{Rollback, ServiceSpec, StackSpec};
