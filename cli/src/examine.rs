//! Tries what checks name: requests, connections, commands, alarms. From this machine: what cannot be reached from here fails, and
//! says so.

#![allow(
    clippy::disallowed_methods,
    reason = "how long an answer took is about the network here, not about the engine's time"
)]

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use deployer_engine::verdict::{Examined, Examiner};
use deployer_providers::{Aws, alarm};
use futures::future::{BoxFuture, FutureExt};
use serde_json::Value;
use tokio::{io::AsyncReadExt, net::TcpStream, process::Command};

/// How much of an answer or of what a command prints is kept.
const KEPT: usize = 4_000;

/// Tries checks from here.
pub struct Here {
    /// Where commands run.
    pub folder: PathBuf,
    /// The clients, where AWS is called.
    pub aws: Option<Aws>,
}

impl Examiner for Here {
    fn examine<'a>(&'a self, test: &'a Value, limit: Duration) -> BoxFuture<'a, Examined> {
        let limit = test["timeout"].as_u64().map_or(limit, Duration::from_secs);
        async move {
            let trying = async {
                match test {
                    _ if test["http"].is_array() => requests(&test["http"], limit).await,
                    _ if test["tcp"].is_object() => connect(&test["tcp"]).await,
                    _ if test["command"].is_object() => self.command(&test["command"]).await,
                    _ if test["alarm"].is_object() => self.alarm(&test["alarm"]).await,
                    _ => never("this version does not know such a check"),
                }
            };
            let what = if test["command"].is_object() { "the command did not end" } else { "no answer" };
            let late = || bad(format!("{what} within {} s", limit.as_secs()));
            tokio::time::timeout(limit + Duration::from_secs(1), trying).await.unwrap_or_else(|_| late())
        }
        .boxed()
    }
}

fn good(said: String) -> Examined {
    Examined { passed: true, said, ..Examined::default() }
}

fn bad(said: String) -> Examined {
    Examined { said, ..Examined::default() }
}

fn never(said: impl Into<String>) -> Examined {
    Examined { never: true, said: said.into(), ..Examined::default() }
}

/// One after another, until one is not right.
async fn requests(all: &Value, limit: Duration) -> Examined {
    let all: Vec<Value> = all.as_array().cloned().unwrap_or_default();
    let trying = tokio::task::spawn_blocking(move || {
        let mut last = good("nothing was asked".to_owned());
        for one in &all {
            last = request(one, limit);
            if !last.passed {
                break;
            }
        }
        last
    });
    trying.await.unwrap_or_else(|error| bad(format!("the request broke off: {error}")))
}

fn request(test: &Value, limit: Duration) -> Examined {
    let text = |name: &str| test[name].as_str().unwrap_or_default();
    let (url, method) = (text("url"), test["method"].as_str().unwrap_or("GET"));
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false).build().into();
    let mut builder = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in test["headers"].as_object().into_iter().flatten() {
        builder = builder.header(name, value.as_str().unwrap_or_default());
    }
    let request = match builder.body(text("send").to_owned()) {
        Ok(request) => request,
        Err(error) => return never(format!("{method} {url}: {error}")),
    };
    let start = Instant::now();
    let mut answer = match agent.run(request) {
        Ok(answer) => answer,
        Err(error) => return unreached(method, url, &error.to_string()),
    };
    let millis = start.elapsed().as_millis();
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(1 << 20).read_to_string().unwrap_or_default();
    let right = test["status"].as_u64().map_or((200..300).contains(&status), |wanted| u64::from(status) == wanted);
    let told = test["contains"].as_str().is_none_or(|part| body.contains(part));
    let quick = test["maxMillis"].as_u64().is_none_or(|most| millis <= u128::from(most));
    let said = format!("{method} {url} answered {status} in {millis} ms");
    match (right, told, quick) {
        (true, true, true) => good(said),
        (false, ..) => Examined { log: kept(&body), ..bad(said) },
        (_, false, _) => Examined { log: kept(&body), ..bad(format!("{said}, without `{}`", text("contains"))) },
        _ => bad(format!("{said}, and may take {} ms", test["maxMillis"])),
    }
}

/// What cannot be reached, and what to do where that is so from this machine alone.
fn unreached(method: &str, url: &str, error: &str) -> Examined {
    let host = url.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    let way = if is_private(host) {
        "; this is a private address: run deployer inside the network, or check it with a `command` or an `alarm`"
    } else {
        ""
    };
    bad(format!("{method} {url}: {error}{way}"))
}

/// True for an address, or a name of a load balancer, that only the network around it reaches.
fn is_private(host: &str) -> bool {
    let address = host.parse::<std::net::Ipv4Addr>().is_ok_and(|it| it.is_private());
    address || host.starts_with("internal-")
}

async fn connect(test: &Value) -> Examined {
    let host = test["host"].as_str().unwrap_or_default().to_owned();
    let port =
        test["port"].as_u64().or_else(|| test["port"].as_str()?.parse().ok()).and_then(|it| u16::try_from(it).ok());
    let Some(port) = port else { return never(format!("{} is no port", test["port"])) };
    match TcpStream::connect((host.as_str(), port)).await {
        Ok(_) => good(format!("{host}:{port} accepts connections")),
        Err(error) if is_private(&host) => bad(format!(
            "{host}:{port}: {error}; this is a private address: run deployer inside the network, or check it with a `command` or an `alarm`"
        )),
        Err(error) => bad(format!("{host}:{port}: {error}")),
    }
}

impl Here {
    async fn command(&self, test: &Value) -> Examined {
        let words: Vec<&str> = test["run"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let Some((program, arguments)) = words.split_first() else { return never("the command is missing") };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, value) in test["env"].as_object().into_iter().flatten() {
            command.env(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return never(format!("`{program}` cannot be run in {}: {error}", self.folder.display())),
        };
        let (mut out, mut err) = (String::new(), String::new());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let read = async {
            if let Some(mut from) = stdout {
                let _ = from.read_to_string(&mut out).await;
            }
        };
        let read_err = async {
            if let Some(mut from) = stderr {
                let _ = from.read_to_string(&mut err).await;
            }
        };
        let (status, (), ()) = futures::join!(child.wait(), read, read_err);
        let log = kept(&format!("{out}{err}"));
        let line = words.join(" ");
        match status {
            Ok(status) if status.success() => Examined { log, ..good(format!("`{line}` ended with 0")) },
            Ok(status) => {
                let how = status.code().map_or("a signal".to_owned(), |code| code.to_string());
                Examined { log, ..bad(format!("`{line}` ended with {how}")) }
            }
            Err(error) => bad(format!("`{line}`: {error}")),
        }
    }

    async fn alarm(&self, test: &Value) -> Examined {
        let name = test["name"].as_str().unwrap_or_default();
        let Some(aws) = &self.aws else { return never("alarms are asked of AWS, and nothing is called here") };
        match alarm::state(aws, name).await {
            Ok(None) => never(format!("there is no alarm `{name}`")),
            Ok(Some(it)) if it.state == "ALARM" => bad(format!("alarm {name} is in ALARM: {}", it.reason)),
            // Without data it does not say that anything is wrong.
            Ok(Some(it)) => good(format!("alarm {name} is {}", it.state)),
            Err(error) => bad(format!("alarm {name}: {}", error.chain())),
        }
    }
}

/// The end of a text: what went wrong stands there.
fn kept(text: &str) -> String {
    let text = text.trim();
    let from = text.char_indices().map(|(at, _)| at).find(|at| text.len() - at <= KEPT).unwrap_or(0);
    text[from..].to_owned()
}
