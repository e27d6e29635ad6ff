//! What the corpus came to: a row for each type and one for all.

use std::{
    collections::BTreeMap,
    fmt::{Display, Formatter},
};

use super::{Came, Change, Tried};

/// Figures of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Changes that boto3 made and can see.
    pub mutations: usize,
    /// Those that drift found.
    pub detected: usize,
    /// Those whose fields it named, and no others.
    pub named: usize,
    /// Changes that are no drift.
    pub silent: usize,
    /// Fields that were said to have drifted and had not.
    pub alarms: usize,
    /// Changes after which setting back did not bring it in sync.
    pub not_back: usize,
    /// Changes that AWS's API cannot make, or refuses.
    pub cannot: usize,
    /// Changes of which the emulator keeps nothing.
    pub dropped: usize,
}

/// Rows, and what there is to say of single changes.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// By type.
    pub rows: BTreeMap<String, Row>,
    /// What was missed, misnamed, raised without cause, or not set back.
    pub wrong: Vec<String>,
    /// What could not be tried, and why.
    pub untried: Vec<String>,
}

impl Table {
    /// Adds one change.
    pub fn add(&mut self, file: &str, it: &Tried) {
        let row = self.rows.entry(it.kind.clone()).or_default();
        let what = format!("{} {} ({file})", it.kind, it.change.what());
        let silent = matches!(it.change, Change::Silent { .. });
        match &it.came {
            Came::Cannot(why) => {
                row.cannot += 1;
                self.untried.push(format!("{what}: {why}"));
                return;
            }
            Came::Dropped => {
                row.dropped += 1;
                self.untried.push(format!("{what}: the emulator keeps nothing of it"));
                return;
            }
            _ if silent => row.silent += 1,
            Came::Same => {
                row.silent += 1;
                self.untried.push(format!("{what}: no drift by the declared facts; it has to stay silent"));
            }
            Came::Named => {
                row.mutations += 1;
                row.detected += 1;
                row.named += 1;
            }
            Came::Misnamed(said) => {
                row.mutations += 1;
                row.detected += 1;
                self.wrong.push(format!("{what}: misnamed: {said}"));
            }
            Came::Missed => {
                row.mutations += 1;
                self.wrong.push(format!("{what}: missed"));
            }
        }
        row.alarms += it.alarms.len();
        self.wrong.extend(it.alarms.iter().map(|alarm| format!("{what}: false alarm: {alarm}")));
        if let Some(why) = &it.back {
            row.not_back += 1;
            self.wrong.push(format!("{what}: not set back: {why}"));
        }
    }

    /// All types together.
    pub fn total(&self) -> Row {
        self.rows.values().fold(Row::default(), |a, b| Row {
            mutations: a.mutations + b.mutations,
            detected: a.detected + b.detected,
            named: a.named + b.named,
            silent: a.silent + b.silent,
            alarms: a.alarms + b.alarms,
            not_back: a.not_back + b.not_back,
            cannot: a.cannot + b.cannot,
            dropped: a.dropped + b.dropped,
        })
    }
}

impl Row {
    /// How many of what was found had happened.
    pub fn precision(&self) -> f64 {
        share(self.detected, self.detected + self.alarms)
    }

    /// How many of what had happened was found.
    pub fn recall(&self) -> f64 {
        share(self.detected, self.mutations)
    }
}

#[allow(clippy::cast_precision_loss, reason = "a percentage of some hundreds")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let head =
            ["changes", "found", "named", "silent", "alarms", "not back", "cannot", "dropped", "precision", "recall"];
        write!(f, "{:<42}", "type")?;
        head.iter().try_for_each(|name| write!(f, "{name:>10}"))?;
        writeln!(f)?;
        let total = ("all".to_owned(), self.total());
        for (kind, row) in self.rows.iter().chain([(&total.0, &total.1)]) {
            let figures =
                [row.mutations, row.detected, row.named, row.silent, row.alarms, row.not_back, row.cannot, row.dropped];
            write!(f, "{kind:<42}")?;
            figures.iter().try_for_each(|figure| write!(f, "{figure:>10}"))?;
            writeln!(f, "{:>9.1}%{:>9.1}%", row.precision(), row.recall())?;
        }
        Ok(())
    }
}
