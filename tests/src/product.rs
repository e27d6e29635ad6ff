//! The real binary on a stack of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::{Result, build, emulator::Client};

/// A stack's folder, and the binary run in it.
pub struct Product {
    folder: TempDir,
    binary: PathBuf,
    client: Client,
}

/// What a command said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit code; none: it was killed.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Product {
    /// An empty folder.
    pub fn new(client: &Client) -> Result<Self> {
        Self::of(client, build::deployer()?)
    }

    /// The same with another binary: an author's own.
    pub fn of(client: &Client, binary: PathBuf) -> Result<Self> {
        Ok(Self { folder: TempDir::new()?, binary, client: client.clone() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The client that it calls as.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Copies a folder's files into it.
    pub fn fill(&self, from: &Path) -> Result<()> {
        copy(from, self.folder())
    }

    /// Has the files of `fixtures/stacks/NAME`, and in AWS what its `before.py` makes.
    pub fn stack(&self, name: &str) -> Result<()> {
        self.fill(&build::workspace().join("fixtures/stacks").join(name))?;
        self.client.before(self.folder()).map(drop)
    }

    /// Copies its files to another folder.
    pub fn save(&self, to: &Path) -> Result<()> {
        copy(self.folder(), to)
    }

    /// Has the files of another folder, and no others.
    pub fn restore(&self, from: &Path) -> Result<()> {
        for entry in fs::read_dir(self.folder())? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
        }
        self.fill(from)
    }

    /// Writes a file.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.folder().join(file);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        Ok(fs::write(path, text)?)
    }

    /// Replaces a text in a file; it has to be there.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let path = self.folder().join(file);
        let text = fs::read_to_string(&path)?;
        if !text.contains(from) {
            return Err(format!("{file} does not contain `{from}`").into());
        }
        Ok(fs::write(path, text.replacen(from, to, 1))?)
    }

    /// The command, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(self.folder()).args(arguments).envs(self.client.env()).env("DEPLOYER_USER", "tester");
        // The emulator speaks plain HTTP. To read all the roots of a machine takes an unoptimised binary longer than all else.
        let root = build::workspace().join("tests/emulator/root.pem");
        command.env("SSL_CERT_FILE", root).env_remove("SSL_CERT_DIR").env_remove("AWS_CA_BUNDLE");
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Said> {
        Ok(said(self.command(arguments).stdin(Stdio::null()).output()?))
    }

    /// Runs it; an error if it does not end with 0.
    pub fn succeed(&self, arguments: &[&str]) -> Result<String> {
        let said = self.run(arguments)?;
        match said.code {
            Some(0) => Ok(said.stdout),
            code => {
                Err(format!("deployer {} ended with {code:?}:\n{}{}", arguments.join(" "), said.stdout, said.stderr)
                    .into())
            }
        }
    }

    /// Starts it with its output captured.
    pub fn start(&self, arguments: &[&str]) -> Result<Child> {
        Ok(self.command(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?
        } else {
            fs::copy(entry.path(), place).map(drop)?
        }
    }
    Ok(())
}

/// What an ended command said.
pub fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
