//! Verdicts, cell by cell: each sort of change with each way in which it can fail, judged by boto3.
//!
//! What must hold: a healthy change ends with 0 and runs the new version; any other ends with 6, and then everything in AWS is what it
//! was before, and does what it did before.

use std::{
    fmt,
    io::{BufRead, BufReader},
};

use serde_json::{Value, json};

use crate::{
    Error, Result,
    emulator::Client,
    product::{Product, Said},
    sweep::{
        Keep, Stage, difference, normal,
        tour::{Phase, Tour},
    },
};

/// How long a second takes.
pub const SCALE: f64 = 0.02;

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A service and a queue that were not there.
    Create,
    /// Fields that change in place, of two components.
    Update,
    /// The target group and its rules: the new ones first.
    CreateFirst,
    /// The load balancer and what stands on it: the old ones first.
    DeleteFirst,
    /// The number of tasks.
    Scale,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// It does not.
    Not,
    /// AWS refuses a step.
    Step,
    /// Tasks run and never get healthy.
    NeverHealthy,
    /// Tasks exit.
    CrashLoop,
    /// An alarm fires while it has to stay quiet.
    Alarm,
    /// The smoke test fails.
    SmokeTest,
    /// Tasks exit, and the process is killed while it takes that back.
    KilledInRollback,
}

/// All changes.
pub const CHANGES: [Change; 5] =
    [Change::Create, Change::Update, Change::CreateFirst, Change::DeleteFirst, Change::Scale];
/// All ways to fail, with the one that is none.
pub const FAILINGS: [Failing; 7] = [
    Failing::Not,
    Failing::Step,
    Failing::NeverHealthy,
    Failing::CrashLoop,
    Failing::Alarm,
    Failing::SmokeTest,
    Failing::KilledInRollback,
];

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell(pub Change, pub Failing);

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} x {:?}", self.0, self.1)
    }
}

const COMMAND: &[&str] = &["apply", "-e", "dev", "--auto-approve"];
const TOUR: Tour = Tour {
    name: "verdicts",
    fill: |product| product.stack("verdicts"),
    phases: &[
        Phase { name: "apply", edits: &[], command: COMMAND },
        Phase { name: "change", edits: &[], command: COMMAND },
    ],
};

const MORE: &str = "apiVersion: deployer.dev/v1
kind: SQS
metadata: {name: mails}
spec: {}
---
apiVersion: deployer.dev/v1
kind: MicroService
metadata: {name: worker}
spec: {image: \"example/worker:${var.tag}\", cpu: 256, memory: 512, replicas: 1, uses: [mails]}
";

impl Change {
    fn edit(self, product: &Product) -> Result<()> {
        match self {
            Self::Create => product.write("more.yaml", MORE),
            Self::Update => {
                product.edit("api.yaml", "LOG_LEVEL: info", "LOG_LEVEL: debug")?;
                product.edit("api.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90")
            }
            Self::CreateFirst => product.edit("api.yaml", "port: 8080", "port: 9090"),
            Self::DeleteFirst => {
                product.edit("stack.yaml", "  name: shop-web\n", "  name: shop-web\n  scheme: internal\n")
            }
            Self::Scale => product.edit("api.yaml", "replicas: 2", "replicas: 3"),
        }
    }

    /// A call that the change cannot do without.
    fn needs(self) -> &'static str {
        match self {
            Self::Create => "sqs:CreateQueue",
            Self::Update => "sqs:SetQueueAttributes",
            Self::DeleteFirst => "elasticloadbalancing:CreateListener",
            Self::CreateFirst | Self::Scale => "ecs:UpdateService",
        }
    }
}

impl Failing {
    /// The version of the images, which says how the emulator's tasks fare.
    fn tag(self) -> &'static str {
        match self {
            Self::NeverHealthy => "2-unhealthy",
            Self::CrashLoop | Self::KilledInRollback => "2-crash",
            _ => "2",
        }
    }

    fn prepare(self, change: Change, stage: &Stage) -> Result<()> {
        let client = &stage.client;
        match self {
            Self::Step => {
                let rule = json!({"match": {"operation": change.needs(), "nth": 1}, "fault": "denied"});
                client.options(json!({"rules": [rule]}))
            }
            Self::Alarm => {
                // In the middle of the time in which it has to stay quiet, and quiet again for the version before.
                client.alarm("api-errors", 300, "ALARM")?;
                client.alarm("api-errors", 360, "OK")
            }
            Self::SmokeTest => {
                stage.product.edit("smoke.sh", "case", "echo 'no order could be placed' && exit 1\ncase")
            }
            _ => Ok(()),
        }
    }
}

/// A worker with a world of its own, in which the stack stands before each cell.
pub struct Matrix {
    stage: Stage,
}

/// What AWS is and does, as boto3 reads it.
pub(crate) struct World {
    pub(crate) inventory: Value,
    pub(crate) running: Value,
}

impl World {
    pub(crate) fn read(client: &Client) -> Result<Self> {
        Ok(Self { inventory: normal(client.inventory()?), running: client.boto3("running.py", &[])? })
    }
}

impl Matrix {
    /// Deploys the stack.
    pub fn new() -> Result<Self> {
        Ok(Self { stage: Stage::new(&TOUR, Keep::Folder, SCALE)? })
    }

    /// One cell; what does not hold, in words.
    pub fn run(&mut self, Cell(change, failing): Cell) -> Result<()> {
        let stage = &mut self.stage;
        stage.back_to(1)?;
        stage.client.options(json!({"rules": []}))?;
        let before = World::read(&stage.client)?;
        change.edit(&stage.product)?;
        failing.prepare(change, stage)?;
        let tag = format!("tag={}", failing.tag());
        let command = [COMMAND, &["--json", "--var", &tag]].concat();
        if failing == Failing::KilledInRollback {
            kill_in_rollback(stage, &command)?;
        }
        let said = stage.product.run(&command)?;
        let wanted = if failing == Failing::Not { 0 } else { 6 };
        if said.code != Some(wanted) {
            return Err(wrong(&format!("it ended with {:?}, not {wanted}", said.code), &said));
        }
        stage.client.options(json!({"rules": []}))?;
        let after = World::read(&stage.client)?;
        match failing {
            Failing::Not => runs(&after.running, &before.running).map_err(|error| wrong(&error.to_string(), &said)),
            _ => same(&before, &after).map_err(|error| wrong(&error.to_string(), &said)),
        }
    }
}

fn wrong(what: &str, said: &Said) -> Error {
    format!("{what}\n{}{}", said.stdout, said.stderr).into()
}

/// The new version runs, and does well.
fn runs(now: &Value, before: &Value) -> Result<()> {
    if now == before {
        return Err("nothing else runs than before".into());
    }
    for (name, it) in now.as_object().into_iter().flatten() {
        let new = it["images"]
            .as_array()
            .into_iter()
            .flatten()
            .all(|image| image.as_str().is_some_and(|it| it.ends_with(":2")));
        let targets = it["targets"].as_array().into_iter().flatten().all(|target| target == "healthy");
        if !new || it["rollout"] != "COMPLETED" || it["running"] != it["wanted"] || !targets {
            return Err(format!("{name} does not run as it was told: {it}").into());
        }
    }
    Ok(())
}

/// Everything is, and does, what it did before.
pub(crate) fn same(before: &World, after: &World) -> Result<()> {
    if before.running != after.running {
        return Err(format!("what runs differs:\n{}", difference(&after.running, &before.running)).into());
    }
    match before.inventory == after.inventory {
        true => Ok(()),
        false => Err(format!("the inventory differs:\n{}", difference(&after.inventory, &before.inventory)).into()),
    }
}

/// Runs it until it takes things back, and kills it at the next call that changes something.
fn kill_in_rollback(stage: &Stage, command: &[&str]) -> Result<()> {
    let mut child = stage.product.start(command)?;
    let stdout = child.stdout.take().ok_or("the process has no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let began = lines.by_ref().map_while(std::result::Result::ok).any(|line| line.contains("\"rolling-back\""));
    if !began {
        return Err(wrong("it took nothing back", &crate::product::said(child.wait_with_output()?)));
    }
    let calls = stage.client.calls()?.changing();
    stage.client.freeze(calls + 1, "after")?;
    // It may have no call left to make: then it comes to its end, and that is fine as well.
    stage.client.wait_frozen(5_000)?;
    child.kill()?;
    child.wait()?;
    stage.client.unfreeze()
}
