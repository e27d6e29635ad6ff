//! The lines that stay: one for each event that a person may want to read again, more where there is more to say.

use deployer_engine::event::Event;

use super::track::Track;
use crate::{
    duration,
    term::{Term, Tone},
};

/// Where the words of a line begin that tells of a step: what else it says stands under them.
const INDENT: usize = 11;

/// What an event says, if anything.
pub fn of(event: &Event, track: &Track, term: &Term) -> Option<String> {
    let step = |tone, word: &str, text: &str| Some(block(&term.paint(tone, format!("{word:<7}")), text));
    match event {
        Event::Refreshing { resources } if *resources > 0 && term.level > 0 => {
            Some(format!("reading {resources} resources"))
        }
        Event::ReadAgain { resources, why } => Some(format!(
            "{} could not be read just now and are read again: {why}",
            duration::count(*resources, "resource")
        )),
        Event::Noted { message } => Some(format!("{}    {message}", term.paint(Tone::Bad, "Note"))),
        Event::Recovering { deployment, owner, open } => {
            let wait = if *open > 0 { "; waiting until none of its calls can be on the way any more" } else { "" };
            Some(format!(
                "deployment {deployment} of {} on {} was killed; {open} of its calls have no recorded outcome{wait}",
                owner.user, owner.host
            ))
        }
        Event::Settled { address, verb, outcome } => Some(format!("  settled {address}: {verb}: {outcome}")),
        Event::Waiting { owner, purpose, since_millis } => Some(format!(
            "waiting for the lock: {} on {} holds it for {purpose} since {}",
            owner.user,
            owner.host,
            duration::date(*since_millis)
        )),
        Event::Locked { waited_millis, .. } if *waited_millis >= 1_000 => {
            Some(format!("the locks are ours after {}", duration::show(*waited_millis)))
        }
        Event::PlanAgain { components } => {
            let names: Vec<String> = components.iter().map(ToString::to_string).collect();
            Some(format!("{} changed since the plan was made; planning again", names.join(", ")))
        }
        Event::Started { deployment, steps } if *steps > 0 => {
            Some(format!("deployment {deployment}: {}", duration::count(*steps, "step")))
        }
        Event::StepDone { address, verb, millis } => {
            let count = format!("{}/{}", track.done, track.steps);
            let word = term.paint(Tone::Good, format!("{:<7}", past(verb)));
            let took = term.paint(Tone::Faint, duration::show(*millis));
            Some(format!("  {count:>7}  {word} {address}  {took}"))
        }
        Event::StepFailed { address, verb, error } => step(Tone::Bad, "failed", &format!("{address}: {verb} {error}")),
        Event::StepSkipped { address, verb, because } => {
            step(Tone::Faint, "skipped", &format!("{address}: {verb} was not started: {because}"))
        }
        Event::Checking { what } if term.level > 0 => Some(format!("{:INDENT$}checking {what}", "")),
        Event::Checked { finding } if finding.good => {
            step(Tone::Good, "good", &format!("{}: {}", finding.what, finding.why))
        }
        Event::Checked { finding } => {
            let lines: Vec<&str> = std::iter::once(&finding.why).chain(&finding.details).map(String::as_str).collect();
            step(Tone::Bad, "not good", &format!("{}: {}", finding.what, lines.join("\n")))
        }
        Event::Judged { component, good: true, .. } => {
            step(Tone::Good, "good", &format!("{component} does what it is there for"))
        }
        Event::Judged { component, why, .. } => step(Tone::Bad, "not good", &format!("{component}: {why}")),
        Event::StateFailed { error } => {
            Some(format!("{} {error}", term.paint(Tone::Bad, "the state cannot be written:")))
        }
        // A status is painted; where nothing is, who wants to hear more is told.
        Event::StepStatus { address, status } if !term.lively && term.level > 0 => {
            Some(block("waiting", &format!("{address}: {status}")))
        }
        _ => None,
    }
}

/// A word and what it says; its other lines stand under the first.
fn block(word: &str, text: &str) -> String {
    let mut lines = text.lines();
    let first = format!("{:INDENT$}{word} {}", "", lines.next().unwrap_or_default());
    lines.fold(first, |all, line| format!("{all}\n{:1$}{line}", "", INDENT + 4))
}

fn past(verb: &str) -> &str {
    match verb {
        "create" => "created",
        "update" => "changed",
        "delete" => "deleted",
        "retain" => "left",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use deployer_engine::address::Address;

    use super::*;

    const TERM: Term = Term { color: false, lively: true, asks: false, width: 80, level: 0 };

    #[test]
    fn an_error_of_many_lines_stands_under_its_step() {
        let error = "failed: its tasks do not stay up\napi | connecting to db\nECS said: unable to place".to_owned();
        let address = Address::new("MicroService", "api", "Service");
        let event = Event::StepFailed { address, verb: "create".to_owned(), error };
        let expected = "           failed  MicroService.api/Service: create failed: its tasks do not stay up
               api | connecting to db
               ECS said: unable to place";
        assert_eq!(of(&event, &Track::default(), &TERM).as_deref(), Some(expected));
    }
}
