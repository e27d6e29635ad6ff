//! `--metrics FILE`: what a run measured, as Prometheus text, for a textfile collector or a push gateway.
//!
//! A run is too short to be scraped, and whoever watches wants to see a lock that is waited for while it is. So the file is written
//! whole, and renamed into its place, whenever something is counted that may be watched for.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deployer_engine::{
    clock::Clock,
    desired::Scope,
    event::{Event, Sink},
};
use metrics::{counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

/// Locks that somebody else held when they were wanted: once for each deployment that was in the way.
const CONTENTION: &str = "deployer_lock_contention_total";
/// How old the lock in the way is.
const AGE: &str = "deployer_lock_age_seconds";
/// How long others were waited for.
const WAITED: &str = "deployer_lock_wait_seconds";
/// Plans made again, as the state had moved.
const AGAIN: &str = "deployer_plans_again_total";
/// Steps, by what was done and how it ended.
const STEPS: &str = "deployer_steps_total";
/// Writes of state that failed.
const STATE_FAILED: &str = "deployer_state_failures_total";
/// Deployments that are taken back.
const ROLLBACKS: &str = "deployer_rollbacks_total";
/// How long the deployment took.
const DURATION: &str = "deployer_deployment_seconds";

/// A sink that counts what goes through it.
pub struct Measured {
    inner: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    recorder: PrometheusRecorder,
    file: PathBuf,
    /// Whom we waited for already, and whether a failed write was told.
    seen: Mutex<(BTreeSet<(String, u64)>, bool)>,
}

impl Measured {
    /// Counts what `inner` is told of a stack in an environment.
    pub fn new(inner: Arc<dyn Sink>, file: PathBuf, scope: &Scope, clock: Arc<dyn Clock>) -> Self {
        let builder = PrometheusBuilder::new().add_global_label("stack", &scope.stack);
        let recorder = builder.add_global_label("environment", &scope.env).build_recorder();
        with_local_recorder(&recorder, describe);
        Self { inner, clock, recorder, file, seen: Mutex::default() }
    }

    /// Counts an event; true if somebody may be watching for it.
    fn count(&self, event: &Event) -> bool {
        let step = |verb: &String, outcome: &'static str| {
            counter!(STEPS, "verb" => verb.clone(), "outcome" => outcome).increment(1);
            false
        };
        match event {
            Event::Waiting { owner, purpose, since_millis } | Event::GaveUp { owner, purpose, since_millis } => {
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                counter!(CONTENTION).increment(u64::from(seen.0.insert((owner.run.clone(), *since_millis))));
                let holder = format!("{}@{}", owner.user, owner.host);
                let age = self.clock.wall_millis().saturating_sub(*since_millis);
                gauge!(AGE, "holder" => holder, "purpose" => purpose.clone()).set(seconds(age));
                true
            }
            Event::Locked { waited_millis, .. } => {
                gauge!(WAITED).set(seconds(*waited_millis));
                counter!(CONTENTION).increment(0);
                true
            }
            Event::PlanAgain { .. } => {
                counter!(AGAIN).increment(1);
                true
            }
            Event::StepDone { verb, .. } => step(verb, "done"),
            Event::StepFailed { verb, .. } => step(verb, "failed"),
            Event::StepSkipped { verb, .. } => step(verb, "skipped"),
            Event::RollingBack { .. } => {
                counter!(ROLLBACKS).increment(1);
                true
            }
            Event::StateFailed { .. } => {
                counter!(STATE_FAILED).increment(1);
                true
            }
            Event::Finished { millis, .. } => {
                gauge!(DURATION).set(seconds(*millis));
                true
            }
            _ => false,
        }
    }

    fn write(&self) -> io::Result<()> {
        let mut beside = self.file.clone().into_os_string();
        beside.push(format!(".{}", std::process::id()));
        let mut to = fs::File::create(&beside)?;
        to.write_all(self.recorder.handle().render().as_bytes())?;
        fs::rename(&beside, &self.file)
    }
}

impl Sink for Measured {
    fn send(&self, event: Event) {
        if with_local_recorder(&self.recorder, || self.count(&event))
            && let Err(error) = self.write()
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut seen.1, true) {
                tracing::warn!("--metrics {}: it cannot be written: {error}", self.file.display());
            }
        }
        self.inner.send(event);
    }
}

fn describe() {
    describe_counter!(CONTENTION, "Deployments that held a lock that this one wanted");
    describe_gauge!(AGE, "How old the lock of another deployment was when it was last waited for");
    describe_gauge!(WAITED, "How long this deployment waited for its locks");
    describe_counter!(AGAIN, "Plans made again, because the state moved before the locks were held");
    describe_counter!(STEPS, "Steps by what was done and how it ended");
    describe_counter!(STATE_FAILED, "Writes of state that failed");
    describe_counter!(ROLLBACKS, "Deployments that were taken back");
    describe_gauge!(DURATION, "How long the deployment took");
}

fn seconds(millis: u64) -> f64 {
    Duration::from_millis(millis).as_secs_f64()
}
