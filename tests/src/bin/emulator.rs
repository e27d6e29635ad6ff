//! Starts the emulator for a person: `cargo run -p deployer-tests --bin emulator`, with `-- --help` for its flags.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use clap::Parser;
use deployer_tests::{Result, emulator::Emulator};

/// Starts the emulator and prints the environment of its clients
#[derive(Parser)]
struct Options {
    /// Where it listens; 0 is any free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How long a second of AWS's time takes
    #[arg(long, default_value_t = 1.0)]
    time_scale: f64,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let emulator = Emulator::start_on(options.port, options.time_scale)?;
    println!("# AWS, emulated, at {}; Ctrl-C ends it. In another terminal:", emulator.endpoint());
    for (name, value) in emulator.client_of("you", "111122223333").env() {
        if name != "AWS_SDK_UA_APP_ID" {
            println!("export {name}={value}");
        }
    }
    emulator.wait()
}
