//! What tests need beside themselves: the product's binary, the preloaded library, the emulator's Python.
//!
//! All of it is made on first use, under the target folder; python3 with venv is the only prerequisite.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

use crate::Result;

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// The target folder.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

fn cargo(package: &str) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace()).args(["build", "--quiet", "-p", package]);
    // What cargo tells the running test of itself: build scripts that look at it would run again, and all that needs them.
    let of_the_test = |name: &str| name == "CARGO_MANIFEST_DIR" || name.starts_with("CARGO_PKG_");
    std::env::vars().filter(|(name, _)| of_the_test(name)).for_each(|(name, _)| {
        command.env_remove(name);
    });
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("cargo build -p {package} failed:\n{}", String::from_utf8_lossy(&output.stderr)).into())
}

/// The product's binary, built if need be.
pub fn deployer() -> Result<PathBuf> {
    cargo("deployer")?;
    Ok(target().join("debug/deployer"))
}

/// The library that kills at record writes, built if need be.
pub fn interpose() -> Result<PathBuf> {
    cargo("deployer-interpose")?;
    Ok(target().join("debug/libdeployer_interpose.so"))
}

/// The emulator's Python, its packages pinned; made once per set of pins.
pub fn python() -> Result<PathBuf> {
    let pins = workspace().join("tests/emulator/requirements.txt");
    let hash: String = Sha256::digest(fs::read(&pins)?).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    fs::create_dir_all(target())?;
    let venv = target().join(format!("emulator-venv-{hash}"));
    let (python, ready) = (venv.join("bin/python"), venv.join(".ready"));
    // Tests of several processes come here at once: one makes it, the others wait.
    let lock = File::create(target().join("emulator-venv.lock"))?;
    lock.lock()?;
    if ready.exists() {
        return Ok(python);
    }
    eprintln!("making the emulator's Python in {} (once, about a minute)", venv.display());
    let _ = fs::remove_dir_all(&venv);
    let venv_text = venv.to_string_lossy().into_owned();
    step(
        "python3 (3.9 or newer) with its venv module is needed",
        Command::new("python3").args(["-m", "venv", &venv_text]),
    )?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    step("the emulator's packages could not be installed from PyPI", Command::new(&python).args(pip).arg(&pins))?;
    fs::write(ready, "")?;
    Ok(python)
}

fn step(what: &str, command: &mut Command) -> Result<()> {
    let output = command.output().map_err(|error| format!("{what}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{what}:\n{}", String::from_utf8_lossy(&said)).into())
}
