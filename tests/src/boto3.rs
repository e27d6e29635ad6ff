//! What tests ask of AWS by boto3, which shares no code with the product.
//!
//! Loading boto3 and its service models takes longer than most questions do: interpreters are kept and asked again.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::{Result, build};

/// Those that nobody asks at the moment; each ends when this process does, as its stdin closes.
static IDLE: Mutex<Vec<Interpreter>> = Mutex::new(Vec::new());

struct Interpreter {
    /// Kept so that its pipes stay open.
    _child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Interpreter {
    fn start() -> Result<Self> {
        let mut child = Command::new(build::python()?)
            .arg(build::workspace().join("tests/emulator/lasting.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asks = child.stdin.take().ok_or("the interpreter has no stdin")?;
        let answers = BufReader::new(child.stdout.take().ok_or("the interpreter has no stdout")?);
        Ok(Self { _child: child, asks, answers })
    }

    fn ask(&mut self, what: &Value) -> Result<Value> {
        writeln!(self.asks, "{what}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|_| format!("the interpreter ended; it said: {line}"))?)
    }
}

/// Runs a script; what it printed.
pub(crate) fn script(path: &Path, arguments: &[&str], env: Vec<(String, String)>) -> Result<String> {
    run(json!({"script": path}), arguments, env)
}

/// Runs a text of Python; what it printed.
pub(crate) fn text(text: &str, arguments: &[&str], env: Vec<(String, String)>) -> Result<String> {
    run(json!({"text": text}), arguments, env)
}

fn run(mut what: Value, arguments: &[&str], env: Vec<(String, String)>) -> Result<String> {
    what["arguments"] = json!(arguments);
    what["env"] =
        env.into_iter().map(|(name, value)| (name, Value::String(value))).collect::<serde_json::Map<_, _>>().into();
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut interpreter = idle.map_or_else(Interpreter::start, Ok)?;
    let answer = interpreter.ask(&what)?;
    IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(interpreter);
    match answer["said"].as_str() {
        Some(said) => Ok(said.to_owned()),
        None => Err(format!("boto3 failed:\n{}", answer["failed"].as_str().unwrap_or_default()).into()),
    }
}
