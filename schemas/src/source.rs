//! The user's files: found, read, and kept for drawing problems at their places.
//!
//! Files are found by content, not by name: a YAML file that does not speak of our `apiVersion` is somebody else's.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use deployer_engine::diagnostic::{Diagnostic, Place, Position};

/// What a file of ours says somewhere.
pub const API_VERSION: &str = "deployer.dev/v1";
/// A stack file of this size is a mistake.
const MAX_BYTES: u64 = 1_000_000;

/// The texts of all files, by their path relative to the stack's folder.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    texts: BTreeMap<String, String>,
}

impl Sources {
    /// Files in memory, by relative path.
    pub fn from_texts(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { texts: texts.into_iter().collect() }
    }

    /// A file's text.
    pub fn text(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(String::as_str)
    }

    /// All files in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.texts.iter()
    }

    /// Reads every YAML file under `root` that may be ours. Hidden folders and what `.gitignore` or `.deployerignore` name are
    /// left out, links are not followed.
    pub fn read(root: &Path, problems: &mut Vec<Diagnostic>) -> Self {
        let mut walk = ignore::WalkBuilder::new(root);
        walk.add_custom_ignore_filename(".deployerignore").require_git(false).follow_links(false);
        let is_yaml = |path: &Path| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        let entries = walk.build().filter_map(|entry| match entry {
            Ok(entry) => Some(entry),
            Err(error) => {
                problems.push(Diagnostic::error(
                    "unreadable",
                    Place::Input,
                    format!("the stack's folder cannot be read: {error}"),
                ));
                None
            }
        });
        let mut paths: Vec<PathBuf> =
            entries.filter(|it| it.file_type().is_some_and(|kind| kind.is_file())).map(|it| it.into_path()).collect();
        paths.retain(|path| is_yaml(path));
        paths.sort();
        let mut texts = BTreeMap::new();
        for path in paths {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            match read_file(&path, &name) {
                Ok(Some(text)) => drop(texts.insert(name, text)),
                Ok(None) => {}
                Err(problem) => problems.push(*problem),
            }
        }
        Self { texts }
    }
}

/// A file's text, if it may be ours.
fn read_file(path: &Path, name: &str) -> Result<Option<String>, Box<Diagnostic>> {
    let at = |line, column| Place::File(Position { file: name.to_owned(), line, column });
    let failed = |error: std::io::Error| {
        Box::new(Diagnostic::error("unreadable", at(1, 1), format!("the file cannot be read: {error}")))
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MAX_BYTES {
        let message = format!("the file has {} MB; stack files of more than 1 MB are not read", size / 1_000_000);
        let help = "if it is not a stack file, name it in .deployerignore";
        return Err(Box::new(Diagnostic::error("too-large", at(1, 1), message).help(help)));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let ours =
        bytes.windows(API_VERSION.len() - 3).any(|part| part == &API_VERSION.as_bytes()[..API_VERSION.len() - 3]);
    if !ours {
        return Ok(None);
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..valid];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        let place = at(u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
        Box::new(Diagnostic::error(
            "not-utf8",
            place,
            format!("the file is not UTF-8: byte {valid} is no part of a character"),
        ))
    })
}
