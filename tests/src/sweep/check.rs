//! What must hold once a run has recovered: nothing is left to do, AWS holds what it should, and nobody holds a lock.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Checked, Failure, Keep, Stage, Wrong, difference, inventory::wrong, normal, tour::Phase};
use crate::{Result, place};

/// After a phase: AWS is to hold what it holds undisturbed.
pub(super) fn check(stage: &Stage, phase: &Phase, expected: &Value) -> Checked<()> {
    let mut arguments = vec!["plan", "-e", "dev", "--detailed-exitcode"];
    arguments.extend(Some("--destroy").filter(|_| phase.is_destroy()));
    arguments.extend(stage.flags());
    let plan = stage.product.run(&arguments)?;
    if plan.code != Some(0) {
        let said = format!("the next plan is not empty:\n{}{}", plan.stdout, plan.stderr);
        return Err(Failure(Wrong::Unconverged, said));
    }
    let now = normal(stage.client.inventory()?);
    if now != *expected {
        return Err(Failure(wrong(&now, expected), format!("the inventory differs:\n{}", difference(&now, expected))));
    }
    let left = match stage.keep {
        Keep::Folder => locks_left(&stage.product.folder().join(".deployer/locks"))?,
        Keep::Aws => {
            place::locks(&stage.client)?.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
        }
    };
    if !left.is_empty() {
        return Err(Failure(Wrong::Locked, format!("a lock is left: {}", left.join(", "))));
    }
    Ok(())
}

/// Every holder's record, and every file of locks that names one, under `folder`.
fn locks_left(folder: &Path) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            left.extend(locks_left(&path)?);
        } else if name == "components.json" {
            left.extend(Some(fs::read_to_string(&path)?).filter(|text| text.trim() != "{}"));
        } else if !name.starts_with('.') {
            left.push(path.display().to_string());
        }
    }
    Ok(left)
}
