//! The emulator's own behaviours, each alone, seen by boto3: `tests/emulator/test_emulator.py`.

use std::process::Command;

use deployer_tests::{Result, build};

#[test]
fn its_behaviours_are_those_of_aws() -> Result<()> {
    let folder = build::workspace().join("tests/emulator");
    let output = Command::new(build::python()?)
        .args(["-m", "unittest", "test_emulator", "test_rollouts"])
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
