//! The painted rows: a component in each, what else there is in one more, and a bar over all steps.
//!
//! What counts stands first in a row, because rows are cut at the terminal's width: what is done, for how long, and how long it usually
//! takes; the cloud's own words come last.

use std::{collections::BTreeMap, time::Duration};

use super::{
    screen::Size,
    text::{columns, cut},
    track::{At, Doing, Track},
};
use crate::{
    duration,
    term::{Term, Tone},
};

/// At most so much of a row is a component's name, or what is being done.
const NAME: usize = 28;
const WORDS: usize = 28;
/// How long the bar is.
const BAR: usize = 24;

/// The rows for a terminal of that size.
pub fn rows(track: &Track, now: At, size: Size, term: &Term) -> Vec<String> {
    if !track.open && track.doing.is_empty() {
        return Vec::new();
    }
    let shown = components(track);
    // What scrolled up keeps a third of the screen.
    let room = (size.rows - size.rows / 3).saturating_sub(2).max(1);
    let kept = if shown.len() > room { room - 1 } else { shown.len() };
    let longest = |of: fn(&Row) -> usize, most: usize| shown.iter().take(kept).map(of).max().unwrap_or(0).min(most);
    let (name, words) = (longest(|it| columns(it.name), NAME), longest(|it| columns(&it.words), WORDS));
    let mut rows: Vec<String> = shown.iter().take(kept).map(|it| it.draw(name, words, now, term)).collect();
    if shown.len() > kept {
        rows.push(term.paint(Tone::Faint, format!("  ... and {} more", shown.len() - kept)));
    }
    rows.extend(bar(track, now, term));
    rows
}

/// A component: its oldest step, and how many others it has under way.
struct Row<'a> {
    name: &'a str,
    words: String,
    it: &'a Doing,
}

fn components(track: &Track) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut more: BTreeMap<&str, usize> = BTreeMap::new();
    for it in &track.doing {
        match more.get_mut(it.of.as_str()) {
            Some(count) => *count += 1,
            None => {
                more.insert(&it.of, 0);
                rows.push(Row { name: &it.of, words: it.words(), it });
            }
        }
    }
    for row in &mut rows {
        if let Some(count) = more.get(row.name).filter(|count| **count > 0) {
            row.words.push_str(&format!(" +{count}"));
        }
    }
    rows
}

impl Row<'_> {
    fn draw(&self, name: usize, words: usize, now: At, term: &Term) -> String {
        let spent = clock(self.it.spent(now));
        let usual = self.it.usual.map(|usual| format!(", usually {}", clock(usual))).unwrap_or_default();
        let status = match self.it.status.lines().next().filter(|it| !it.is_empty()) {
            Some(status) => format!("  {}", term.paint(Tone::Faint, status)),
            None => String::new(),
        };
        let bold = term.paint(Tone::Strong, pad(self.name, name));
        format!("  {bold}  {}  {spent:>5}{usual}{status}", pad(&self.words, words))
    }
}

fn pad(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let missing = width.saturating_sub(columns(&text));
    format!("{text}{}", " ".repeat(missing))
}

fn bar(track: &Track, now: At, term: &Term) -> Option<String> {
    let started = track.started.filter(|_| track.open && track.steps > 0)?;
    let full = (BAR * track.done / track.steps).min(BAR);
    let bar = format!("{}{}", term.paint(Tone::Good, "#".repeat(full)), "-".repeat(BAR - full));
    let spent = clock(now.engine.saturating_sub(started.engine));
    let left = track.left(now).map(|left| format!(", about {} left", clock(left))).unwrap_or_default();
    Some(format!("  [{bar}] {}/{}, {spent}{left}", track.done, duration::count(track.steps, "step")))
}

/// A long wait, where nothing is painted.
pub fn still(it: &Doing, now: At) -> String {
    let usual = it.usual.map(|usual| format!(", usually {}", clock(usual))).unwrap_or_default();
    let status = it.status.lines().next().filter(|it| !it.is_empty()).map(|it| format!(": {it}")).unwrap_or_default();
    let of = if it.of.is_empty() { String::new() } else { format!("{} ", it.of) };
    format!("           still   {of}{}, {}{usual}{status}", it.words(), clock(it.spent(now)))
}

/// `0:04`, `1:02:03`.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use deployer_engine::{address::Address, event::Event};

    use super::*;

    const TERM: Term = Term { color: false, lively: true, asks: false, width: 80, level: 0 };

    fn at(seconds: u64) -> At {
        At { engine: Duration::from_secs(seconds), real: Duration::from_secs(seconds) }
    }

    fn started(components: usize) -> Track {
        let mut track = Track::default();
        track.hear(&Event::Started { deployment: 1, steps: 40 }, at(0));
        for number in 0..components {
            let address = Address::new("SQS", format!("queue-{number}"), "Queue");
            track.hear(&Event::StepStarted { address, verb: "create".to_owned(), usual_millis: 0 }, at(1));
        }
        track
    }

    #[test]
    fn a_component_is_one_row_with_its_oldest_step() {
        let mut track = started(1);
        let address = Address::new("SQS", "queue-0", "DeadLetter");
        track.hear(&Event::StepStarted { address: address.clone(), verb: "create".to_owned(), usual_millis: 0 }, at(2));
        let address = Address::new("RDS", "orders", "Instance");
        track.hear(
            &Event::StepStarted { address: address.clone(), verb: "update".to_owned(), usual_millis: 390_000 },
            at(3),
        );
        track.hear(&Event::StepStatus { address: address.clone(), status: "backing-up\nmore".to_owned() }, at(4));
        let expected = [
            "  SQS.queue-0  creating Queue +1   1:02",
            "  RDS.orders   changing Instance   1:00, usually 6:30  backing-up",
            "  [------------------------] 0/40 steps, 1:03",
        ];
        assert_eq!(rows(&track, at(63), Size { columns: 80, rows: 24 }, &TERM), expected);
        track.hear(&Event::StepDone { address, verb: "update".to_owned(), millis: 1 }, at(64));
        assert_eq!(rows(&track, at(64), Size { columns: 80, rows: 24 }, &TERM).len(), 2);
    }

    #[test]
    fn a_long_wait_is_told_each_half_minute_and_not_more_often() {
        let mut track = started(1);
        let every = Duration::from_secs(30);
        assert!(track.overdue(at(30), every).is_empty());
        let late = track.overdue(at(31), every);
        let said: Vec<String> = late.iter().map(|it| still(it, at(31))).collect();
        assert_eq!(said, ["           still   SQS.queue-0 creating Queue, 0:30"]);
        assert!(track.overdue(at(60), every).is_empty());
        assert_eq!(track.overdue(at(61), every).len(), 1);
    }

    #[test]
    fn more_components_than_rows_are_counted() {
        for (height, expected) in [(24, 15), (12, 7), (4, 2), (1, 2)] {
            let rows = rows(&started(26), at(2), Size { columns: 80, rows: height }, &TERM);
            assert_eq!(rows.len(), expected, "{rows:#?}");
            let named = rows.len() - 2;
            assert_eq!(rows[named], format!("  ... and {} more", 26 - named));
        }
        let rows = rows(&started(14), at(2), Size { columns: 80, rows: 24 }, &TERM);
        assert_eq!(rows.len(), 15, "all of them fit: {rows:#?}");
    }

    #[test]
    fn what_is_looked_at_is_a_row_until_it_is_judged() {
        let mut track = started(0);
        let address = Address::new("MicroService", "api", "Service");
        let status = "1 of 2 tasks run api:3".to_owned();
        track.hear(&Event::StepStatus { address: address.clone(), status }, at(5));
        let shown = rows(&track, at(9), Size { columns: 80, rows: 24 }, &TERM);
        assert_eq!(shown[0], "  MicroService.api  checking Service   0:04  1 of 2 tasks run api:3");
        let judged = Event::Judged { component: address.component, good: true, why: String::new() };
        track.hear(&judged, at(10));
        assert_eq!(rows(&track, at(10), Size { columns: 80, rows: 24 }, &TERM).len(), 1);
        track.hear(&Event::Finished { deployment: 1, done: 0, failed: 0, skipped: 0, millis: 1 }, at(11));
        assert!(rows(&track, at(11), Size { columns: 80, rows: 24 }, &TERM).is_empty());
    }
}
