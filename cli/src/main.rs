//! `deployer`: the binary, with the kinds and types that come with it.

use std::process::ExitCode;

use deployer::Deployer;

fn main() -> ExitCode {
    Deployer::standard().main()
}
