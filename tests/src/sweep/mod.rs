//! The kill sweep: the real process, killed before and after each mutating AWS call and each record write of a tour.
//!
//! A tour is an apply, an update, a replacement each way and a destroy. After a kill, one plain run converges: the inventory
//! read by boto3 equals the undisturbed one, the next plan is empty, no lock is left. A point that was not reached is a failure.

mod check;
mod inventory;
mod point;
mod run;
mod stage;
pub mod tour;

use std::{fs, path::Path, process::Stdio};

use clap::ValueEnum;
use serde_json::{Value, json};

use self::{
    check::check,
    tour::{Phase, Tour},
};
pub(crate) use self::{
    inventory::{difference, normal},
    stage::Stage,
};
pub use self::{
    point::{Case, Kill, Point, Recovered, Second},
    run::{Results, in_order, run},
};
use crate::{Error, Result, build};

/// How long a call takes where a kill waits for a sign of life.
const SLOW_MILLIS: u64 = 150;
/// How long a frozen call is waited for, at most: no longer than the run lives. One step after another, an apply of the web app takes
/// half a minute by itself at a twentieth of AWS's time.
const REACH_SECONDS: u64 = 180;

/// What does not hold after a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Something stands in AWS that does not undisturbed.
    Orphan,
    /// Something stands in AWS twice.
    Duplicate,
    /// AWS holds something else than it does undisturbed, or lacks something.
    Differs,
    /// The next run fails, or leaves something to do.
    Unconverged,
    /// A lock is left.
    Locked,
    /// The point was not reached.
    NotReached,
    /// The sweep itself failed.
    Broken,
}

/// What does not hold, and what was seen.
struct Failure(Wrong, String);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Wrong::Broken, error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(Wrong::Broken, error.to_string())
    }
}

type Checked<T> = std::result::Result<T, Failure>;

/// Where the stack's state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keep {
    /// In a folder: record writes are killed by a library that is loaded into the process.
    Folder,
    /// In S3 and DynamoDB: every write is a call like any other, and killed on the wire.
    Aws,
}

impl Keep {
    /// How long a second takes. Signs of life that are calls take their time: a lock lives for three seconds then, else for more
    /// than half of one.
    pub fn scale(self) -> f64 {
        match self {
            Self::Folder => 0.01,
            Self::Aws => 0.05,
        }
    }
}

/// A worker with an emulator of its own.
pub struct Sweep {
    tour: &'static Tour,
    keep: Keep,
    scale: f64,
    library: String,
    stage: Option<Stage>,
}

/// What each phase does undisturbed.
#[derive(Debug, Default)]
pub struct Undisturbed {
    /// AWS calls that change something, by phase.
    pub calls: Vec<u64>,
    /// Record writes by phase.
    pub writes: Vec<u64>,
    names: Vec<&'static str>,
    inventories: Vec<Value>,
}

impl Undisturbed {
    /// Every kill of the tour.
    pub fn kills(&self) -> Vec<Kill> {
        let mut kills = Vec::new();
        for (phase, name) in self.names.iter().copied().enumerate() {
            let calls = (1..=self.calls[phase]).map(Point::Call);
            let writes = (1..=self.writes[phase]).map(Point::Write);
            let points = calls.chain(writes).chain([Point::Beat(1)]);
            kills.extend(points.flat_map(|point| [true, false].map(|before| Kill { phase, name, point, before })));
        }
        kills
    }
}

impl Sweep {
    /// A new worker.
    pub fn new(tour: &'static Tour, keep: Keep, scale: f64) -> Result<Self> {
        Ok(Self { tour, keep, scale, library: build::interpose()?.to_string_lossy().into_owned(), stage: None })
    }

    fn stage(&mut self) -> Result<&mut Stage> {
        if self.stage.is_none() {
            self.stage = Some(Stage::new(self.tour, self.keep, self.scale)?);
        }
        self.stage.as_mut().ok_or_else(|| "there is no stage".into())
    }

    /// Runs the tour undisturbed and counts its points.
    pub fn undisturbed(&mut self) -> Result<Undisturbed> {
        let (mut found, library, phases) = (Undisturbed::default(), self.library.clone(), self.tour.phases);
        for (number, phase) in phases.iter().enumerate() {
            let stage = self.stage()?;
            stage.before(number)?;
            stage.product.succeed(&stage.words(phase))?;
            let calls = stage.client.calls()?.changing();
            found.inventories.push(normal(stage.client.inventory()?));
            stage.before(number)?;
            stage.client.clear_calls()?;
            found.writes.push(succeed_counted(stage, phase, &library)?);
            let again = stage.client.calls()?.changing();
            if again != calls {
                return Err(format!(
                    "{}: {calls} changing calls in one undisturbed run, {again} in the next",
                    phase.name
                )
                .into());
            }
            found.calls.push(calls);
            found.names.push(phase.name);
            if normal(stage.client.inventory()?) != found.inventories[number] {
                return Err(format!("{}: two undisturbed runs end differently", phase.name).into());
            }
            // The next phase starts from here.
            if number + 1 < phases.len() {
                stage.keep()?;
            }
        }
        Ok(found)
    }

    /// One kill, the run after it, and what must hold then; with `again`, that run is killed too, and a third one is the last.
    fn case(&mut self, (kill, again): Case, undisturbed: &Undisturbed) -> Checked<Recovered> {
        let (phase, library) = (&self.tour.phases[kill.phase], self.library.clone());
        let stage = self.stage()?;
        if !stage.killed(kill)? {
            stage.before(kill.phase)?;
            kill_once(stage, phase, &library, kill)?;
            stage.client.clear_calls()?;
            if again.is_some() {
                stage.keep_killed(kill)?;
            }
        }
        let client = &stage.client;
        match again {
            Some(Second::Change(number)) => {
                client.freeze(number, "before")?;
                kill_frozen(stage, phase)?;
            }
            Some(Second::Call(number)) => {
                client.freeze_at_any(number, "before")?;
                kill_frozen(stage, phase)?;
            }
            Some(Second::Write(number)) => {
                kill_at_write(stage, phase, &library, &format!("before:write:{number}"))?;
            }
            None => {}
        }
        let recovered = succeed_counted(stage, phase, &library);
        let writes = recovered.map_err(|error| Failure(Wrong::Unconverged, error.to_string()))?;
        let calls = client.calls()?;
        check(stage, phase, &undisturbed.inventories[kill.phase])?;
        Ok(Recovered { calls: calls.total, changes: calls.changing(), writes })
    }
}

/// The first kill of a case.
fn kill_once(stage: &Stage, phase: &Phase, library: &str, kill: Kill) -> Checked<()> {
    let client = &stage.client;
    let when = if kill.before { "before" } else { "after" };
    match (kill.point, stage.keep) {
        (Point::Call(number), _) => {
            client.freeze(number, when)?;
            kill_frozen(stage, phase)
        }
        (Point::Beat(number), Keep::Aws) => {
            client.freeze_at_beat(number, when)?;
            kill_frozen(stage, phase)
        }
        (Point::Write(number), _) => kill_at_write(stage, phase, library, &format!("{when}:write:{number}")),
        (Point::Beat(number), Keep::Folder) => {
            client.options(json!({"latency_ms": SLOW_MILLIS}))?;
            kill_at_write(stage, phase, library, &format!("{when}:beat:{number}"))?;
            Ok(client.options(json!({"latency_ms": 0}))?)
        }
    }
}

/// Runs the phase until its client is frozen, and kills it there.
fn kill_frozen(stage: &Stage, phase: &Phase) -> Checked<()> {
    let client = &stage.client;
    let mut child = stage.product.start(&stage.words(phase))?;
    let mut frozen = None;
    for _ in 0..REACH_SECONDS {
        frozen = client.wait_frozen(1_000)?;
        if frozen.is_some() || child.try_wait()?.is_some() {
            break;
        }
    }
    child.kill()?;
    let said = crate::product::said(child.wait_with_output()?);
    client.unfreeze()?;
    match frozen {
        Some(_) => Ok(()),
        None => Err(Failure(Wrong::NotReached, format!("it said:\n{}{}", said.stdout, said.stderr))),
    }
}

/// Runs the phase to its end; the number of its record writes.
fn succeed_counted(stage: &Stage, phase: &Phase, library: &str) -> Result<u64> {
    let count = stage.forget_count()?;
    let mut command = stage.product.command(&stage.words_one_by_one(phase));
    let output = command.env("LD_PRELOAD", library).env("DEPLOYER_TEST_COUNT", &count).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("{} failed: {}", phase.name, String::from_utf8_lossy(&output.stderr)).into());
    }
    counted(&count)
}

fn kill_at_write(stage: &Stage, phase: &Phase, library: &str, kill: &str) -> Checked<()> {
    let count = stage.forget_count()?;
    let mut command = stage.product.command(&stage.words_one_by_one(phase));
    command.env("LD_PRELOAD", library).env("DEPLOYER_TEST_KILL", kill).env("DEPLOYER_TEST_COUNT", &count);
    let output = command.stdin(Stdio::null()).output()?;
    match output.status.code() {
        None => Ok(()),
        Some(code) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Failure(Wrong::NotReached, format!("it ended with {code}:\n{said}")))
        }
    }
}

/// How many writes a run made. One that finds nothing to do makes none.
fn counted(file: &Path) -> Result<u64> {
    Ok(if file.exists() { fs::read_to_string(file)?.parse()? } else { 0 })
}
