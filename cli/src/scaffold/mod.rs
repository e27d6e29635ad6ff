//! The files of a new resource type, made from CloudFormation's schema of it.
//!
//! A schema tells shapes, and which properties are create-only, write-only or told by AWS alone; it does not tell how a thing
//! settles or is found. What it tells is filled in, the rest is left to write and says so when it is called.

mod facts;
mod file;
mod names;
mod pattern;
mod permissions;
mod sample;
mod schema;
mod shape;
mod values;

use std::path::PathBuf;

use serde_json::Value;

pub use schema::Schema;

/// What is written and said for one type.
#[derive(Debug)]
pub struct Scaffold {
    /// Files: where they go under the folder, and their text.
    pub files: Vec<(PathBuf, String)>,
    /// The name of the Rust type.
    pub name: String,
    /// The module's name.
    pub module: String,
    /// The entry of permissions to start from.
    pub permissions: Value,
}

/// The files of a type.
pub fn scaffold(schema: &Schema) -> Scaffold {
    let module = names::snake(schema.name());
    let files = vec![
        (PathBuf::from(format!("src/{module}.rs")), file::text(schema)),
        (PathBuf::from(format!("fixtures/resources/{module}/one.yaml")), sample::text(schema)),
    ];
    Scaffold { files, name: names::pascal(schema.name()), module, permissions: permissions::entry(schema) }
}
