//! Random changes of the web app in the rain: whatever is changed and whatever falls, a run ends as deployed and verified, or as taken
//! back and verified, and boto3 agrees.

use serde_json::{Value, json};

use crate::{
    Result,
    dice::Dice,
    matrix::{World, same},
    product::Said,
    rain::RAIN,
    sweep::{Keep, Stage, tour::WEB_APP},
};

/// How long a second takes.
const SCALE: f64 = 0.02;
/// A run that gives up - and says so - is run again so often.
const RUNS: u32 = 4;

/// What may be changed in the files: which one, from, to.
const EDITS: &[(&str, &str, &str)] = &[
    ("checkout.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90"),
    ("checkout.yaml", "maxReceives: 5", "maxReceives: 7"),
    ("checkout.yaml", "LOG_LEVEL: info", "LOG_LEVEL: debug"),
    ("checkout.yaml", "path: /healthz", "path: /ready"),
    ("checkout.yaml", "expireAfterDays: 365", "expireAfterDays: 30"),
    ("checkout.yaml", "port: 8080", "port: 9090"),
    ("overlays/dev/small.yaml", "storage: {size: 20, max: 50}", "storage: {size: 20, max: 60}"),
    ("overlays/dev/small.yaml", "max: 2}", "max: 3}"),
];

/// The versions that a change may bring: how their tasks fare is told by their names.
const TAGS: &[&str] = &["1.4.1", "2", "2", "2", "2-crash", "2-oom", "2-missing", "2-unhealthy", "2-half"];

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// Deployed, and verified.
    Deployed,
    /// Taken back for a good reason, and verified.
    TakenBack,
    /// Taken back because of the rain alone, and verified.
    RainedOff,
    /// There was nothing to change.
    Unchanged,
}

/// A worker with a web app of its own.
pub struct Wander {
    stage: Stage,
}

impl Wander {
    /// Deploys the web app.
    pub fn new() -> Result<Self> {
        Ok(Self { stage: Stage::new(&WEB_APP, Keep::Folder, SCALE)? })
    }

    /// The run of one seed; an error is a wrong verdict, or one that never came.
    pub fn run(&mut self, seed: u64) -> Result<Ended> {
        let stage = &mut self.stage;
        stage.client.options(json!({"throttle": 0, "error_5xx": 0, "reset": 0, "lost_answer": 0}))?;
        stage.back_to(1)?;
        let before = World::read(&stage.client)?;
        let mut dice = Dice(seed);
        for _ in 0..=dice.below(3) {
            let (file, from, to) = EDITS[dice.below(EDITS.len())];
            // The same edit twice is one.
            let _ = stage.product.edit(file, from, to);
        }
        let tag = TAGS[dice.below(TAGS.len())];
        let var = format!("apiTag={tag}");
        let command = ["apply", "-e", "dev", "--auto-approve", "--json", "--var", &var];
        let rain: serde_json::Map<String, Value> = RAIN
            .iter()
            .map(|(name, share)| ((*name).to_owned(), json!(share)))
            .chain([("seed".to_owned(), json!(seed))])
            .collect();
        stage.client.options(rain.into())?;
        let mut said = stage.product.run(&command)?;
        for _ in 1..RUNS {
            if matches!(said.code, Some(0 | 6)) {
                break;
            }
            said = stage.product.run(&command)?;
        }
        stage.client.options(json!({"throttle": 0, "error_5xx": 0, "reset": 0, "lost_answer": 0}))?;
        judge(stage, &before, tag, &said, &command)
            .map_err(|error| format!("seed {seed}, version {tag}: {error}\n{}{}", said.stdout, said.stderr).into())
    }
}

/// What was deployed, or taken back, has not drifted.
fn in_sync(stage: &Stage) -> Result<()> {
    let said = stage.product.run(&["drift", "detect", "-e", "dev", "--detailed-exitcode"])?;
    if said.code == Some(0) { Ok(()) } else { Err(format!("it has drifted:\n{}{}", said.stdout, said.stderr).into()) }
}

/// What boto3 says of it.
fn judge(stage: &Stage, before: &World, tag: &str, said: &Said, command: &[&str]) -> Result<Ended> {
    let after = World::read(&stage.client)?;
    let is_bad = tag.contains('-');
    match said.code {
        Some(0) if is_bad => Err("it was taken for good, and cannot be".into()),
        Some(0) => {
            for (name, it) in after.running.as_object().into_iter().flatten() {
                let image = it["images"][0].as_str().unwrap_or_default();
                if !image.ends_with(&format!(":{tag}")) || it["rollout"] != "COMPLETED" || it["running"] != it["wanted"]
                {
                    return Err(format!("{name} was taken for good, and is not: {it}").into());
                }
            }
            let plan: Vec<&str> = command.iter().map(|word| if *word == "apply" { "plan" } else { word }).collect();
            let plan: Vec<&str> = plan
                .into_iter()
                .filter(|word| !matches!(*word, "--auto-approve" | "--json"))
                .chain(["--detailed-exitcode"])
                .collect();
            in_sync(stage)?;
            match stage.product.run(&plan)?.code {
                Some(0) if same(before, &after).is_ok() => Ok(Ended::Unchanged),
                Some(0) => Ok(Ended::Deployed),
                other => Err(format!("the next plan is not empty: {other:?}").into()),
            }
        }
        Some(6) => {
            same(before, &after)?;
            in_sync(stage)?;
            Ok(if is_bad { Ended::TakenBack } else { Ended::RainedOff })
        }
        other => Err(format!("it ended with {other:?} {RUNS} times").into()),
    }
}
