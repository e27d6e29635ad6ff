//! The kill sweep: the real process, killed before and after each mutating AWS call and each record write of a tour.
//!
//! The tour is an apply, an update, a replacement each way and a destroy. After a kill, one plain run converges: the inventory
//! read by boto3 equals the undisturbed one, the next plan is empty, no lock is left. A point that was not reached is a failure.

use std::{fs, process::Stdio};

use serde_json::{Value, json};

use crate::{
    Result, build,
    emulator::{Client, Emulator},
    product::Product,
};

/// The account of every sweep: names and ARNs are the same in all runs.
const ACCOUNT: &str = "210987654321";

/// One part of the tour: what is changed in the files, and the command.
struct Phase {
    name: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
    command: &'static [&'static str],
}

const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];
const PHASES: &[Phase] = &[
    Phase { name: "apply", edits: &[], command: APPLY },
    Phase {
        name: "update",
        edits: &[
            ("orders/components.yaml", "visibilityTimeout: 60s", "visibilityTimeout: 90s"),
            ("orders/components.yaml", "expireAfterDays: 365", "expireAfterDays: 30"),
            ("orders/components.yaml", "[s3:PutObject]", "[s3:PutObject, s3:GetObject]"),
            ("orders/components.yaml", "{RetentionInDays: 30}", "{RetentionInDays: 60}"),
        ],
        command: APPLY,
    },
    Phase {
        name: "replacement",
        edits: &[
            (
                "orders/components.yaml",
                "{RetentionInDays: 60}",
                "{RetentionInDays: 60, LogGroupClass: INFREQUENT_ACCESS}",
            ),
            ("audit.yaml", "RetentionInDays: 7", "RetentionInDays: 7\n    LogGroupClass: INFREQUENT_ACCESS"),
        ],
        command: APPLY,
    },
    Phase { name: "destroy", edits: &[], command: &["destroy", "-e", "dev", "--auto-approve"] },
];

/// A log group with a stated name: its replacement deletes the old one first.
const AUDIT: &str = "apiVersion: deployer.dev/v1
kind: Resource
metadata: {name: audit}
spec:
  type: AWS::Logs::LogGroup
  properties:
    LogGroupName: /shop/audit
    RetentionInDays: 7
";

/// Where a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// At its n-th mutating AWS call.
    Call(u64),
    /// At its n-th record write.
    Write(u64),
    /// At its n-th sign of life. These come by the clock, so AWS answers slowly for them.
    Beat(u64),
}

/// Where the run after a killed one is killed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// At its n-th AWS call, reads too.
    Call(u64),
    /// At its n-th record write.
    Write(u64),
}

impl std::fmt::Display for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call(number) => write!(f, "AWS call {number}"),
            Self::Write(number) => write!(f, "record write {number}"),
        }
    }
}

/// How long a call takes where a kill waits for a sign of life.
const SLOW_MILLIS: u64 = 150;

/// A kill: in which phase, where, and when.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    /// The phase's number.
    pub phase: usize,
    /// Where.
    pub point: Point,
    /// Before it happens, or after.
    pub before: bool,
}

impl std::fmt::Display for Kill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let when = if self.before { "before" } else { "after" };
        let (what, number) = match self.point {
            Point::Call(number) => ("AWS call", number),
            Point::Write(number) => ("record write", number),
            Point::Beat(number) => ("heartbeat", number),
        };
        write!(f, "{} {when} {what} {number}", PHASES[self.phase].name)
    }
}

/// A worker with an emulator of its own.
pub struct Sweep {
    emulator: Emulator,
    library: String,
}

/// What each phase does undisturbed.
#[derive(Debug, Default)]
pub struct Undisturbed {
    /// Mutating AWS calls by phase.
    pub calls: Vec<u64>,
    /// Record writes by phase.
    pub writes: Vec<u64>,
    inventories: Vec<Value>,
}

impl Undisturbed {
    /// Every kill of the tour.
    pub fn kills(&self) -> Vec<Kill> {
        let mut kills = Vec::new();
        for phase in 0..PHASES.len() {
            let calls = (1..=self.calls[phase]).map(Point::Call);
            let writes = (1..=self.writes[phase]).map(Point::Write);
            let points = calls.chain(writes).chain([Point::Beat(1)]);
            kills.extend(points.flat_map(|point| [true, false].map(|before| Kill { phase, point, before })));
        }
        kills
    }
}

impl Sweep {
    /// A new worker.
    pub fn new(scale: f64) -> Result<Self> {
        Ok(Self { emulator: Emulator::start(scale)?, library: build::interpose()?.to_string_lossy().into_owned() })
    }

    /// The stack before `phase`, and the client that everything is done as.
    fn prepared(&self, phase: usize) -> Result<(Product, Client)> {
        let client = self.emulator.client_of("sweep", ACCOUNT);
        client.reset()?;
        // Names that were deleted a moment ago are free again.
        client.advance(3_600)?;
        let product = Product::new(&client)?;
        product.succeed(&["init", "shop"])?;
        product.write("audit.yaml", AUDIT)?;
        for earlier in &PHASES[..phase] {
            edit(&product, earlier)?;
            product.succeed(earlier.command)?;
        }
        edit(&product, &PHASES[phase])?;
        client.clear_calls()?;
        Ok((product, client))
    }

    /// Runs the tour undisturbed and counts its points.
    pub fn undisturbed(&self) -> Result<Undisturbed> {
        let mut found = Undisturbed::default();
        for (number, phase) in PHASES.iter().enumerate() {
            let (product, client) = self.prepared(number)?;
            found.writes.push(self.succeed_counted(&product, phase)?);
            found.calls.push(client.calls()?.mutating);
            found.inventories.push(normal(client.inventory()?));
        }
        Ok(found)
    }

    /// One kill, the run after it, and what must hold then; with `again`, that run is killed too, and a third one is the last.
    pub fn kill(&self, kill: Kill, again: Option<Second>, undisturbed: &Undisturbed) -> Result<Recovered> {
        let phase = &PHASES[kill.phase];
        let (product, client) = self.prepared(kill.phase)?;
        let when = if kill.before { "before" } else { "after" };
        match kill.point {
            Point::Call(number) => {
                client.freeze(number, when)?;
                self.kill_frozen(&product, phase)?;
            }
            Point::Write(number) => self.kill_at_write(&product, phase, &format!("{when}:write:{number}"))?,
            Point::Beat(number) => {
                client.options(json!({"latency_ms": SLOW_MILLIS}))?;
                self.kill_at_write(&product, phase, &format!("{when}:beat:{number}"))?;
                client.options(json!({"latency_ms": 0}))?;
            }
        }
        client.clear_calls()?;
        match again {
            Some(Second::Call(number)) => {
                client.freeze_at_any(number, "before")?;
                self.kill_frozen(&product, phase)?;
            }
            Some(Second::Write(number)) => self.kill_at_write(&product, phase, &format!("before:write:{number}"))?,
            None => {}
        }
        let writes = self.succeed_counted(&product, phase)?;
        let recovered = Recovered { calls: client.calls()?.total, writes };
        self.check(kill, &product, &client, undisturbed)?;
        Ok(recovered)
    }

    /// Nothing is left to do, AWS holds what it holds undisturbed, and nobody holds a lock.
    fn check(&self, kill: Kill, product: &Product, client: &Client, undisturbed: &Undisturbed) -> Result<()> {
        let mut arguments = vec!["plan", "-e", "dev", "--detailed-exitcode"];
        arguments.extend(Some("--destroy").filter(|_| PHASES[kill.phase].name == "destroy"));
        let plan = product.run(&arguments)?;
        if plan.code != Some(0) {
            return Err(format!("the next plan is not empty:\n{}{}", plan.stdout, plan.stderr).into());
        }
        let (now, expected) = (normal(client.inventory()?), &undisturbed.inventories[kill.phase]);
        if now != *expected {
            return Err(format!("the inventory differs:\n{now:#}\nundisturbed:\n{expected:#}").into());
        }
        let locks = fs::read_to_string(product.folder().join(".deployer/locks/components.json"))?;
        let holders =
            fs::read_dir(product.folder().join(".deployer/locks/holders"))?.filter_map(std::result::Result::ok);
        let holders = holders.filter(|it| !it.file_name().to_string_lossy().starts_with('.')).count();
        if locks.trim() != "{}" || holders > 0 {
            return Err(format!("a lock is left: {locks}, {holders} holders").into());
        }
        Ok(())
    }

    /// Runs the phase until its client is frozen, and kills it there.
    fn kill_frozen(&self, product: &Product, phase: &Phase) -> Result<()> {
        let client = product.client();
        let mut child = product.start(phase.command)?;
        let frozen = client.wait_frozen(20_000)?;
        child.kill()?;
        let said = crate::product::said(child.wait_with_output()?);
        client.unfreeze()?;
        match frozen {
            Some(_) => Ok(()),
            None => Err(format!("the point was not reached; it said:\n{}{}", said.stdout, said.stderr).into()),
        }
    }

    /// Runs the phase to its end; the number of its record writes.
    fn succeed_counted(&self, product: &Product, phase: &Phase) -> Result<u64> {
        let count = product.folder().join(".deployer-count");
        let mut command = product.command(&[phase.command, &["--parallelism", "1"]].concat());
        let output = command
            .env("LD_PRELOAD", &self.library)
            .env("DEPLOYER_TEST_COUNT", &count)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            return Err(format!("{} failed: {}", phase.name, String::from_utf8_lossy(&output.stderr)).into());
        }
        // A run that finds nothing to do writes nothing.
        Ok(if count.exists() { fs::read_to_string(&count)?.parse()? } else { 0 })
    }

    fn kill_at_write(&self, product: &Product, phase: &Phase, kill: &str) -> Result<()> {
        let mut command = product.command(&[phase.command, &["--parallelism", "1"]].concat());
        let output =
            command.env("LD_PRELOAD", &self.library).env("DEPLOYER_TEST_KILL", kill).stdin(Stdio::null()).output()?;
        match output.status.code() {
            None => Ok(()),
            Some(code) => Err(format!("the point was not reached; it ended with {code}").into()),
        }
    }
}

fn edit(product: &Product, phase: &Phase) -> Result<()> {
    phase.edits.iter().try_for_each(|(file, from, to)| product.edit(file, from, to))
}

/// What may differ between equal worlds: the lineage is random, and tokens are made of it.
fn normal(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let fixed = |key: &str, item: Value| match key {
                "deployer:lineage" | "deployer:token" => Value::String(key.to_owned()),
                _ => normal(item),
            };
            map.into_iter()
                .map(|(key, item)| (key.clone(), fixed(&key, item)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.into_iter().map(normal).collect(),
        plain => plain,
    }
}

/// What the run after a kill took, from its start to its end.
#[derive(Clone, Copy, Debug)]
pub struct Recovered {
    /// AWS calls, reads too.
    pub calls: u64,
    /// Record writes.
    pub writes: u64,
}

/// A kill, and perhaps a second one in the run after it.
pub type Case = (Kill, Option<Second>);

/// Runs `cases` on `workers`, each with an emulator of its own; prints each failure, and returns what the others took.
pub fn run(cases: &[Case], workers: &[Sweep], undisturbed: &Undisturbed) -> Vec<(Case, Recovered)> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let passed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| {
                while let Some((kill, again)) = cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    match worker.kill(*kill, *again, undisturbed) {
                        Ok(took) => passed
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .push(((*kill, *again), took)),
                        Err(error) => {
                            let second = again.map(|it| format!(", then before {it} of the next run"));
                            println!("FAILED {kill}{}: {error}", second.unwrap_or_default());
                        }
                    }
                }
            });
        }
    });
    passed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
