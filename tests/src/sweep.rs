//! The kill sweep: the real process, killed before and after each mutating AWS call and each record write of a tour.
//!
//! The tour is an apply, an update, a replacement each way and a destroy. After a kill, one plain run converges: the inventory
//! read by boto3 equals the undisturbed one, the next plan is empty, no lock is left. A point that was not reached is a failure.

use std::{fs, process::Stdio};

use serde_json::Value;

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
}

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
            kills.extend(
                calls.chain(writes).flat_map(|point| [true, false].map(|before| Kill { phase, point, before })),
            );
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
            let count = product.folder().join(".deployer-count");
            let mut command = product.command(&[phase.command, &["--parallelism", "1"]].concat());
            let output = command
                .env("LD_PRELOAD", &self.library)
                .env("DEPLOYER_TEST_COUNT", &count)
                .stdin(Stdio::null())
                .output()?;
            if !output.status.success() {
                return Err(
                    format!("{} failed undisturbed: {}", phase.name, String::from_utf8_lossy(&output.stderr)).into()
                );
            }
            found.calls.push(client.calls()?.mutating);
            found.writes.push(fs::read_to_string(&count)?.parse()?);
            found.inventories.push(normal(client.inventory()?));
        }
        Ok(found)
    }

    /// One kill, the run after it, and what must hold then. With `again`, that run is killed too, at this mutating call or read.
    pub fn kill(&self, kill: Kill, again: Option<u64>, undisturbed: &Undisturbed) -> Result<()> {
        let phase = &PHASES[kill.phase];
        let (product, client) = self.prepared(kill.phase)?;
        let when = if kill.before { "before" } else { "after" };
        match kill.point {
            Point::Call(number) => self.kill_at_call(&product, &client, phase, number, when)?,
            Point::Write(number) => self.kill_at_write(&product, phase, &format!("{when}:{number}"))?,
        }
        if let Some(number) = again {
            // A recovering run may end before that many writes: then there is nothing to kill.
            let _ = self.kill_at_write(&product, phase, &format!("before:{number}"));
        }
        product.succeed(phase.command)?;
        let mut arguments = vec!["plan", "-e", "dev", "--detailed-exitcode"];
        arguments.extend(Some("--destroy").filter(|_| phase.name == "destroy"));
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

    fn kill_at_call(&self, product: &Product, client: &Client, phase: &Phase, number: u64, when: &str) -> Result<()> {
        client.freeze(number, when)?;
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

/// Runs `kills` on `workers`, each with an emulator of its own; prints each failure and one line at the end.
pub fn run(kills: &[(Kill, Option<u64>)], workers: Vec<Sweep>, undisturbed: &Undisturbed) -> usize {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in &workers {
            scope.spawn(|| {
                while let Some((kill, again)) = kills.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if let Err(error) = worker.kill(*kill, *again, undisturbed) {
                        let twice = again
                            .map(|number| format!(", then before record write {number} of the recovery"))
                            .unwrap_or_default();
                        println!("FAILED {kill}{twice}: {error}");
                        failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(kill);
                    }
                }
            });
        }
    });
    let failed = failures.into_inner().map_or(0, |all| all.len());
    println!("points {}, failures {failed}", kills.len());
    failed
}
