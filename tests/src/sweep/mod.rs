//! The kill sweep: the real process, killed before and after each mutating AWS call and each record write of a tour.
//!
//! A tour is an apply, an update, a replacement each way and a destroy. After a kill, one plain run converges: the inventory
//! read by boto3 equals the undisturbed one, the next plan is empty, no lock is left. A point that was not reached is a failure.

mod inventory;
mod point;
mod stage;
pub mod tour;

use std::{cmp::Reverse, collections::BTreeMap, fs, path::Path, process::Stdio};

use serde_json::{Value, json};

pub use self::point::{Case, Kill, Point, Recovered, Second};
use self::tour::{Phase, Tour};
pub(crate) use self::{
    inventory::{difference, normal},
    stage::Stage,
};
use crate::{Error, Result, build, place};

/// How long a call takes where a kill waits for a sign of life.
const SLOW_MILLIS: u64 = 150;
/// How long a frozen call is waited for, at most: no longer than the run lives. One step after another, an apply of the web app takes
/// half a minute by itself at a twentieth of AWS's time.
const REACH_SECONDS: u64 = 180;
/// How often a record write is tried to be reached: what becomes ready at one moment shares a write, so runs differ by a few.
const TRIES: usize = 5;

/// What does not hold after a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// AWS holds something else than it does undisturbed.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Mutating AWS calls by phase.
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
            let calls = stage.client.calls()?.mutating;
            found.inventories.push(normal(stage.client.inventory()?));
            stage.before(number)?;
            stage.client.clear_calls()?;
            found.writes.push(succeed_counted(stage, phase, &library)?);
            let again = stage.client.calls()?.mutating;
            if again != calls {
                return Err(format!(
                    "{}: {calls} mutating calls in one undisturbed run, {again} in the next",
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

    /// One case. A run that ends before it comes to the record write has fewer of them: its last one is taken instead.
    fn case(&mut self, (mut kill, mut again): Case, undisturbed: &Undisturbed) -> Checked<Recovered> {
        for _ in 1..TRIES {
            let ended = self.kill(kill, again, undisturbed);
            let fewer = self.stage.as_ref().and_then(|stage| stage.fewer.take());
            match (&ended, fewer, &mut kill.point, &mut again) {
                (Err(Failure(Wrong::NotReached, _)), Some((false, made)), Point::Write(number), _)
                | (Err(Failure(Wrong::NotReached, _)), Some((true, made)), _, Some(Second::Write(number)))
                    if made > 0 =>
                {
                    *number = made.min(*number);
                }
                _ => return ended,
            }
        }
        self.kill(kill, again, undisturbed)
    }

    /// One kill, the run after it, and what must hold then; with `again`, that run is killed too, and a third one is the last.
    fn kill(&mut self, kill: Kill, again: Option<Second>, undisturbed: &Undisturbed) -> Checked<Recovered> {
        let (phase, library) = (&self.tour.phases[kill.phase], self.library.clone());
        let stage = self.stage()?;
        stage.before(kill.phase)?;
        let client = &stage.client;
        let when = if kill.before { "before" } else { "after" };
        match (kill.point, stage.keep) {
            (Point::Call(number), _) => {
                client.freeze(number, when)?;
                kill_frozen(stage, phase)?;
            }
            (Point::Beat(number), Keep::Aws) => {
                client.freeze_at_beat(number, when)?;
                kill_frozen(stage, phase)?;
            }
            (Point::Write(number), _) => {
                kill_at_write(stage, phase, &library, &format!("{when}:write:{number}"), false)?
            }
            (Point::Beat(number), Keep::Folder) => {
                client.options(json!({"latency_ms": SLOW_MILLIS}))?;
                kill_at_write(stage, phase, &library, &format!("{when}:beat:{number}"), false)?;
                client.options(json!({"latency_ms": 0}))?;
            }
        }
        client.clear_calls()?;
        match again {
            Some(Second::Call(number)) => {
                client.freeze_at_any(number, "before")?;
                kill_frozen(stage, phase)?;
            }
            Some(Second::Write(number)) => {
                kill_at_write(stage, phase, &library, &format!("before:write:{number}"), true)?;
            }
            None => {}
        }
        let recovered = succeed_counted(stage, phase, &library);
        let writes = recovered.map_err(|error| Failure(Wrong::Unconverged, error.to_string()))?;
        let recovered = Recovered { calls: client.calls()?.total, writes };
        check(stage, phase, &undisturbed.inventories[kill.phase])?;
        Ok(recovered)
    }
}

/// Nothing is left to do, AWS holds what it holds undisturbed, and nobody holds a lock.
fn check(stage: &Stage, phase: &Phase, expected: &Value) -> Checked<()> {
    let mut arguments = vec!["plan", "-e", "dev", "--detailed-exitcode"];
    arguments.extend(Some("--destroy").filter(|_| phase.is_destroy()));
    arguments.extend(stage.flags());
    let plan = stage.product.run(&arguments)?;
    if plan.code != Some(0) {
        let said = format!("the next plan is not empty:\n{}{}", plan.stdout, plan.stderr);
        return Err(Failure(Wrong::Unconverged, said));
    }
    let now = normal(stage.client.inventory()?);
    if now != *expected {
        return Err(Failure(Wrong::Differs, format!("the inventory differs:\n{}", difference(&now, expected))));
    }
    let left = match stage.keep {
        Keep::Folder => locks_left(&stage.product.folder().join(".deployer/locks"))?,
        Keep::Aws => {
            place::locks(&stage.client)?.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
        }
    };
    if !left.is_empty() {
        return Err(Failure(Wrong::Locked, format!("a lock is left: {}", left.join(", "))));
    }
    Ok(())
}

/// Every holder's record, and every file of locks that names one, under `folder`.
fn locks_left(folder: &Path) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            left.extend(locks_left(&path)?);
        } else if name == "components.json" {
            left.extend(Some(fs::read_to_string(&path)?).filter(|text| text.trim() != "{}"));
        } else if !name.starts_with('.') {
            left.push(path.display().to_string());
        }
    }
    Ok(left)
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

fn kill_at_write(stage: &Stage, phase: &Phase, library: &str, kill: &str, second: bool) -> Checked<()> {
    let count = stage.forget_count()?;
    let mut command = stage.product.command(&stage.words_one_by_one(phase));
    command.env("LD_PRELOAD", library).env("DEPLOYER_TEST_KILL", kill).env("DEPLOYER_TEST_COUNT", &count);
    let output = command.stdin(Stdio::null()).output()?;
    match output.status.code() {
        None => Ok(()),
        Some(code) => {
            if code == 0 {
                stage.fewer.set(Some((second, counted(&count)?)));
            }
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Failure(Wrong::NotReached, format!("it ended with {code}:\n{said}")))
        }
    }
}

/// How many writes a run made. One that finds nothing to do makes none.
fn counted(file: &Path) -> Result<u64> {
    Ok(if file.exists() { fs::read_to_string(file)?.parse()? } else { 0 })
}

/// How the cases of a run ended.
#[derive(Debug, Default)]
pub struct Results {
    /// Those in which all held, with what the run after the kill took.
    pub passed: Vec<(Case, Recovered)>,
    /// How many there were of the others.
    pub failed: BTreeMap<Wrong, usize>,
}

/// A line now and then: a long sweep that is broken off has said how far it came.
fn so_far(results: &Results, all: usize) {
    let failed: usize = results.failed.values().sum();
    if results.passed.len().is_multiple_of(50) {
        println!("so far: {} of {all} points, failures {failed}", results.passed.len() + failed);
    }
}

/// Runs `cases` on `workers`, each with an emulator of its own, and prints each failure.
pub fn run(cases: &[Case], workers: &mut [Sweep], undisturbed: &Undisturbed) -> Results {
    // A worker goes back from a later phase to an earlier one at no cost.
    let mut cases = cases.to_vec();
    cases.sort_by_key(|(kill, _)| Reverse(kill.phase));
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results = std::sync::Mutex::new(Results::default());
    let lock = || results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| {
                while let Some((kill, again)) = cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    match worker.case((*kill, *again), undisturbed) {
                        Ok(took) => {
                            let mut results = lock();
                            results.passed.push(((*kill, *again), took));
                            so_far(&results, cases.len());
                        }
                        Err(Failure(wrong, told)) => {
                            let second = again.map(|it| format!(", then before {it} of the next run"));
                            println!("FAILED {kill}{}: {wrong:?}: {told}", second.unwrap_or_default());
                            *lock().failed.entry(wrong).or_default() += 1;
                        }
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.passed.sort_by_key(|(case, _)| cases.iter().position(|it| it == case));
    results
}
