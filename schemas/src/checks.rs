//! `healthChecks` of components, `smokeTests` of Service and Stack: what must hold once resources stand.
//!
//! One shape for both. A check says one thing that is tried - a request, a connection, a command, an alarm - and how long it may take
//! until it holds. Outputs may stand where only AWS can tell a value.

use std::collections::BTreeMap;

use deployer_engine::{
    desired::Check,
    expr::{self, Hole},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::input::{Input, Seconds};

/// Something that must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CheckSpec {
    /// Its name, for people; by default what it tries.
    #[serde(default)]
    name: Option<String>,
    /// A request whose answer must be right.
    #[serde(default)]
    http: Option<Http>,
    /// Several requests, one after another; all must be right.
    #[serde(default)]
    requests: Option<Vec<Http>>,
    /// A connection that must be accepted.
    #[serde(default)]
    tcp: Option<Tcp>,
    /// A command that must end with 0, run in the stack's folder.
    #[serde(default)]
    command: Option<Command>,
    /// A CloudWatch alarm that must be, and stay, OK.
    #[serde(default)]
    alarm: Option<Alarm>,
    /// How long it may take until it holds; 0: it is tried once. By default 2 minutes, for commands 0.
    #[serde(default)]
    within: Option<Seconds>,
    /// How often it is tried again, instead of `within`.
    #[serde(default)]
    retries: Option<u32>,
    /// How long between two tries: 5 seconds.
    #[serde(default)]
    every: Option<Seconds>,
    /// How long one try may take: 10 seconds, for commands 5 minutes.
    #[serde(default)]
    timeout: Option<Seconds>,
}

/// A request and what its answer must be.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CheckHttp")]
pub(crate) struct Http {
    /// Where to: by default the component's own `url`.
    #[serde(default)]
    url: Option<Input<String>>,
    /// The path, put to the end of the URL.
    #[serde(default)]
    path: Option<String>,
    /// GET, HEAD, POST, PUT, DELETE; by default GET.
    #[serde(default)]
    method: Option<String>,
    /// Headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What is sent.
    #[serde(default)]
    send: Option<String>,
    /// The status; by default any of 200 to 299.
    #[serde(default)]
    status: Option<u16>,
    /// What must stand in the answer.
    #[serde(default)]
    contains: Option<String>,
    /// How many milliseconds the answer may take.
    #[serde(default)]
    max_millis: Option<u64>,
}

/// A place that must accept a connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CheckTcp")]
pub(crate) struct Tcp {
    /// The host.
    host: Input<String>,
    /// The port.
    port: Input<u16>,
}

/// A command.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CheckCommand")]
pub(crate) struct Command {
    /// The program and its arguments.
    run: Vec<String>,
    /// Its environment, beside the one of deployer.
    #[serde(default)]
    env: BTreeMap<String, Input<String>>,
}

/// An alarm.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CheckAlarm")]
pub(crate) struct Alarm {
    /// Its name.
    name: Input<String>,
    /// How long it must stay OK: 5 minutes.
    #[serde(default, rename = "for")]
    stays: Option<Seconds>,
}

/// What is wrong with a check: where in it, and what.
pub(crate) type Wrong = (&'static str, String);

impl CheckSpec {
    /// As the engine takes it. `own` is the component's own URL.
    pub(crate) fn check(&self, own: Option<&Value>) -> Result<Check, Wrong> {
        let mut hold = 0;
        let (kind, test, said) = match (&self.http, &self.requests, &self.tcp, &self.command, &self.alarm) {
            (Some(it), None, None, None, None) => ("http", json!([it.test(own)?]), it.said()),
            (None, Some(all), None, None, None) if !all.is_empty() => {
                let tests = all.iter().map(|it| it.test(own)).collect::<Result<Vec<_>, _>>()?;
                ("http", json!(tests), all.iter().map(Http::said).collect::<Vec<_>>().join(", "))
            }
            (None, None, Some(it), None, None) => {
                ("tcp", json!({"host": it.host.value, "port": it.port.value}), "connection".to_owned())
            }
            (None, None, None, Some(it), None) => ("command", it.test()?, it.run.join(" ")),
            (None, None, None, None, Some(it)) => {
                hold = seconds(it.stays, 300);
                ("alarm", json!({"name": it.name.value}), "alarm".to_owned())
            }
            _ => {
                return Err(("", "a check is exactly one of `http`, `requests`, `tcp`, `command`, `alarm`".to_owned()));
            }
        };
        if holds_secret(&test) {
            return Err(("", "a secret may not stand in a check: what it prints is kept in the deployment's record; let the command fetch it".to_owned()));
        }
        let is_command = self.command.is_some();
        let every = seconds(self.every, 5).max(1);
        let within = match self.retries {
            Some(retries) => u64::from(retries) * every,
            None => seconds(self.within, if is_command { 0 } else { 120 }),
        };
        let timeout = seconds(self.timeout, if is_command { 300 } else { 10 }).max(1);
        let name = self.name.clone().unwrap_or(said);
        Ok(Check { name, test: json!({kind: test, "timeout": timeout}), within, every, hold })
    }
}

/// True if a secret's place stands anywhere inside.
fn holds_secret(value: &Value) -> bool {
    match value {
        // An empty place stands in for what is a problem of its own.
        _ if matches!(expr::hole(value), Some(Hole::Secret(place)) if place.as_object().is_none_or(|it| !it.is_empty())) => {
            true
        }
        Value::Array(items) => items.iter().any(holds_secret),
        Value::Object(map) => map.values().any(holds_secret),
        _ => false,
    }
}

fn seconds(it: Option<Seconds>, default: u64) -> u64 {
    it.map_or(default, |it| u64::try_from(it.0).unwrap_or(0))
}

impl Http {
    fn test(&self, own: Option<&Value>) -> Result<Value, Wrong> {
        let missing = || ("/http", "`url` is missing: there is none that this has by itself".to_owned());
        let base = self.url.as_ref().map(|it| &it.value).or(own).ok_or_else(missing)?;
        if base.as_str().is_some_and(|it| !it.starts_with("http://") && !it.starts_with("https://")) {
            return Err((
                "/http/url",
                format!("`{}` is no URL: it begins with http:// or https://", base.as_str().unwrap_or_default()),
            ));
        }
        if let Some(path) = self.path.as_ref().filter(|it| !it.starts_with('/')) {
            return Err(("/http/path", format!("`{path}` begins with no slash")));
        }
        let url = match &self.path {
            Some(path) => expr::join(vec![base.clone(), json!(path)]),
            None => base.clone(),
        };
        let mut test = Map::from_iter([("url".to_owned(), url)]);
        let told = [
            ("method", self.method.as_ref().map(|it| json!(it.to_ascii_uppercase()))),
            ("headers", Some(&self.headers).filter(|it| !it.is_empty()).map(|it| json!(it))),
            ("send", self.send.as_ref().map(|it| json!(it))),
            ("status", self.status.map(|it| json!(it))),
            ("contains", self.contains.as_ref().map(|it| json!(it))),
            ("maxMillis", self.max_millis.map(|it| json!(it))),
        ];
        test.extend(told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        Ok(test.into())
    }

    fn said(&self) -> String {
        let method = self.method.as_deref().unwrap_or("GET").to_ascii_uppercase();
        format!("{method} {}", self.path.as_deref().unwrap_or("/"))
    }
}

impl Command {
    fn test(&self) -> Result<Value, Wrong> {
        if self.run.is_empty() {
            return Err(("/command/run", "the command is missing".to_owned()));
        }
        let env: BTreeMap<&String, &Value> = self.env.iter().map(|(name, it)| (name, &it.value)).collect();
        Ok(json!({"run": self.run, "env": env}))
    }
}
