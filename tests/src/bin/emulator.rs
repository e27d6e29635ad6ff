//! Starts the emulator for a person: `cargo run -p deployer-tests --bin emulator [-- --port N --time-scale X]`.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use deployer_tests::{Result, emulator::Emulator};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let port = value("--port").map_or(Ok(0), |text| text.parse())?;
    let scale = value("--time-scale").map_or(Ok(1.0), |text| text.parse())?;
    let emulator = Emulator::start_on(port, scale)?;
    println!("# AWS, emulated, at {}; Ctrl-C ends it. In another terminal:", emulator.endpoint());
    for (name, value) in emulator.client_of("you", "111122223333").env() {
        if name != "AWS_SDK_UA_APP_ID" {
            println!("export {name}={value}");
        }
    }
    emulator.wait()
}
