//! The emulator as tests use it: a process of its own, which outlives the tested one and ends with the test.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use deployer_providers::{Aws, AwsOptions};
use serde_json::{Value, json};

use crate::{Result, boto3, build};

/// A running emulator. It ends when this is dropped, or this process ends in any way.
pub struct Emulator {
    child: Child,
    endpoint: String,
    scale: f64,
}

/// One client of it: an account of its own, with its own faults and counters.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: String,
    name: String,
    account: String,
    scale: f64,
}

static CLIENTS: AtomicU32 = AtomicU32::new(1);

impl Emulator {
    /// Starts one whose seconds take `scale` seconds.
    pub fn start(scale: f64) -> Result<Self> {
        Self::start_on(0, scale)
    }

    /// Starts one on a port; 0: any free one.
    pub fn start_on(port: u16, scale: f64) -> Result<Self> {
        let mut child = Command::new(build::python()?)
            .args(["-m", "awsemu", "--until-stdin-closes", "--port", &port.to_string()])
            .current_dir(build::workspace().join("tests/emulator"))
            .env("DEPLOYER_TIME_SCALE", scale.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("the emulator has no stdout")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let said: Value =
            serde_json::from_str(&line).map_err(|_| format!("the emulator did not start; it said: {line}"))?;
        let endpoint = said["endpoint"].as_str().ok_or("the emulator told no endpoint")?.to_owned();
        Ok(Self { child, endpoint, scale })
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A new client with a new account.
    pub fn client(&self, name: &str) -> Client {
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        self.client_of(name, &format!("{number:012}"))
    }

    /// A new client of a given account.
    pub fn client_of(&self, name: &str, account: &str) -> Client {
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        let (endpoint, scale) = (self.endpoint.clone(), self.scale);
        Client { endpoint, name: format!("{name}-{number}"), account: account.to_owned(), scale }
    }

    /// Operations that it could not do. A test that ends with some is not to be trusted.
    pub fn unsupported(&self) -> Result<Vec<Value>> {
        let answer = get(&format!("{}/_emulator/unsupported", self.endpoint))?;
        Ok(answer["operations"].as_array().cloned().unwrap_or_default())
    }

    /// Keeps everything as it is, of all accounts; to be called when no other call is on its way.
    pub fn snapshot(&self) -> Result<()> {
        self.go("snapshot")
    }

    /// Goes back to the last snapshot, which stays.
    pub fn restore(&self) -> Result<()> {
        self.go("restore")
    }

    /// Forgets the last snapshot, and goes back to the one before it.
    pub fn discard(&self) -> Result<()> {
        self.go("discard")
    }

    fn go(&self, what: &str) -> Result<()> {
        ureq::post(format!("{}/_emulator/{what}", self.endpoint)).send_json(json!({}))?;
        // Answered by who is there then.
        self.unsupported().map(drop)
    }

    /// Waits until it ends.
    pub fn wait(mut self) -> Result<()> {
        // Waiting closes a child's stdin, and that is its sign to end.
        let _open = self.child.stdin.take();
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a client's calls were.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// All of them.
    pub total: u64,
    /// Those that change something.
    pub mutating: u64,
    /// Those of them that AWS itself refused: they changed nothing.
    pub refused: u64,
    /// By operation: `sqs:CreateQueue`.
    pub by_operation: BTreeMap<String, u64>,
    /// How many were on their way at once.
    pub max_in_flight: u64,
    /// How many met a fault.
    pub faults: u64,
    /// One after another: the operation, and whether it changes something.
    pub log: Vec<(String, bool)>,
}

impl Calls {
    /// How many changed something.
    pub fn changing(&self) -> u64 {
        self.mutating - self.refused.min(self.mutating)
    }
}

impl Client {
    /// The same account, told apart by nothing else: for SDK clients that carry no name.
    #[must_use]
    pub fn of_account(&self) -> Self {
        Self { name: self.account.clone(), ..self.clone() }
    }

    /// The same account by a name that calls of this process carry.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// Its account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The SDK's clients as this client, in this process: told by its account alone.
    pub async fn aws(&self) -> Aws {
        let options = AwsOptions {
            region: "eu-west-1".to_owned(),
            endpoint: Some(self.endpoint.clone()),
            credentials: Some((format!("AKIA{}TEST", self.account), "emulator".to_owned())),
            time_scale: Some(self.scale),
        };
        Aws::load(options).await
    }

    /// How long a second takes.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// What the SDK and deployer need in their environment to be this client.
    pub fn env(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", format!("AKIA{}TEST", self.account)),
            ("AWS_SECRET_ACCESS_KEY", "emulator".to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_SDK_UA_APP_ID", self.name.clone()),
            ("DEPLOYER_TIME_SCALE", self.scale.to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn post(&self, what: &str, mut data: Value) -> Result<Value> {
        data["client"] = json!(self.name);
        let mut answer = ureq::post(format!("{}/_emulator/{what}", self.endpoint)).send_json(&data)?;
        Ok(answer.body_mut().read_json()?)
    }

    /// Sets faults, latency, stale reads; see `awsemu/clients.py`.
    pub fn options(&self, options: Value) -> Result<()> {
        self.post("options", options).map(drop)
    }

    /// What was called so far.
    pub fn calls(&self) -> Result<Calls> {
        let answer = get(&format!("{}/_emulator/calls?client={}", self.endpoint, self.name))?;
        let number = |name: &str| answer[name].as_u64().unwrap_or_default();
        let by_operation = answer["by_operation"].as_object().into_iter().flatten();
        let by_operation =
            by_operation.map(|(name, count)| (name.clone(), count.as_u64().unwrap_or_default())).collect();
        Ok(Calls {
            total: number("total"),
            mutating: number("mutating"),
            refused: number("refused"),
            by_operation,
            max_in_flight: number("max_in_flight"),
            faults: number("faults"),
            log: answer["log"].as_array().into_iter().flatten().map(logged).collect(),
        })
    }

    /// Forgets what was called.
    pub fn clear_calls(&self) -> Result<()> {
        self.post("calls/clear", json!({})).map(drop)
    }

    /// From the n-th call on that changes something, nothing of this client is answered: before it runs, or after. One that AWS
    /// refuses does not count.
    pub fn freeze(&self, nth_mutating: u64, when: &str) -> Result<()> {
        self.post("freeze", json!({"nth_mutating": nth_mutating, "when": when})).map(drop)
    }

    /// From the n-th sign of life of a lock in DynamoDB on, nothing of this client is answered.
    pub fn freeze_at_beat(&self, nth: u64, when: &str) -> Result<()> {
        self.post("freeze", json!({"nth_beat": nth, "when": when})).map(drop)
    }

    /// From the n-th call of any sort on, nothing of this client is answered.
    pub fn freeze_at_any(&self, nth: u64, when: &str) -> Result<()> {
        self.post("freeze", json!({"nth": nth, "when": when})).map(drop)
    }

    /// Waits for that call; what it was, or none if it did not come.
    pub fn wait_frozen(&self, millis: u64) -> Result<Option<String>> {
        let answer = get(&format!("{}/_emulator/frozen?client={}&wait_ms={millis}", self.endpoint, self.name))?;
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        Ok((answer["frozen"] == true).then(|| format!("{} {}", text("operation"), text("target"))))
    }

    /// Lets everything go on.
    pub fn unfreeze(&self) -> Result<()> {
        self.post("unfreeze", json!({})).map(drop)
    }

    /// Lets AWS's time pass.
    pub fn advance(&self, seconds: u64) -> Result<()> {
        self.post("advance", json!({"seconds": seconds})).map(drop)
    }

    /// Sets an alarm's state after so many of AWS's seconds.
    pub fn alarm(&self, name: &str, after: u64, state: &str) -> Result<()> {
        self.post("alarm", json!({"account": self.account, "name": name, "after": after, "state": state})).map(drop)
    }

    /// Forgets everything in its account.
    pub fn reset(&self) -> Result<()> {
        self.post("reset", json!({"account": self.account})).map(drop)
    }

    /// Everything in its account, read by boto3: independent of the product.
    pub fn inventory(&self) -> Result<Value> {
        self.boto3("inventory.py", &[])
    }

    /// Runs one of `tests/emulator`'s scripts, which share no code with the product; its answer is one JSON document.
    pub fn boto3(&self, script: &str, arguments: &[&str]) -> Result<Value> {
        let path = build::workspace().join("tests/emulator").join(script);
        Ok(serde_json::from_str(&boto3::script(&path, arguments, self.boto3_env())?)?)
    }

    /// Runs a text of Python that uses boto3; its answer is one JSON document.
    pub fn python(&self, text: &str, arguments: &[&str]) -> Result<Value> {
        Ok(serde_json::from_str(&boto3::text(text, arguments, self.boto3_env())?)?)
    }

    /// Makes in AWS what a folder's `before.py` says, if it has one; what that told.
    pub fn before(&self, folder: &Path) -> Result<Option<String>> {
        let path = folder.join("before.py");
        if path.exists() { boto3::script(&path, &[], self.env()).map(Some) } else { Ok(None) }
    }

    fn boto3_env(&self) -> Vec<(String, String)> {
        let mut env = self.env();
        env.retain(|(name, _)| name != "AWS_SDK_UA_APP_ID");
        env.push(("AWS_SDK_UA_APP_ID".to_owned(), "inventory".to_owned()));
        env
    }
}

fn logged(entry: &Value) -> (String, bool) {
    (entry[1].as_str().unwrap_or_default().to_owned(), entry[3] == true)
}

fn get(url: &str) -> Result<Value> {
    Ok(ureq::get(url).call()?.body_mut().read_json()?)
}
