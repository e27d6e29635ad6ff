//! All properties of one sample, as rows of a table: what holds, what does not, and what is left out, with the reason.
//!
//! Reasons are data, `fixtures/kit/skipped.json`: one for each property that no sample of a type can show.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Bench, Sample, Shown, Types, contract, faults, generated, outside, settling, stale, tags};
use crate::{Result, build, dice::Dice, emulator::Client, permissions::Called};

/// What a type has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// Create, read, change and remove each field, find, delete.
    Contract,
    /// Refusals and silence at each call in turn.
    Faults,
    /// Reads that are late.
    Stale,
    /// Something of others in its place.
    Outside,
    /// Tags of all sorts.
    Tags,
    /// Statuses, and outputs that are known early.
    Settling,
    /// Combinations of values.
    Generated,
}

impl Property {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 7] =
        [Self::Contract, Self::Faults, Self::Stale, Self::Outside, Self::Tags, Self::Settling, Self::Generated];

    /// Its name, as reasons and tables have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Faults => "faults",
            Self::Stale => "stale reads",
            Self::Outside => "outside",
            Self::Tags => "tags",
            Self::Settling => "settling",
            Self::Generated => "generated",
        }
    }
}

/// What came of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds; a word on what was done.
    Passed(String),
    /// It does not.
    Failed(String),
    /// It was left out; the reason, if one is written down.
    Skipped(Option<String>),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(words) if words.is_empty() => f.write_str("passed"),
            Self::Passed(words) => write!(f, "passed ({words})"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Skipped(reason) => write!(f, "skipped: {}", reason.as_deref().unwrap_or("not for this sample")),
        }
    }
}

/// One property of one sample.
#[derive(Clone, Debug)]
pub struct Row {
    /// The type.
    pub kind: String,
    /// The sample's file.
    pub file: String,
    /// The property.
    pub property: Property,
    /// What came of it.
    pub verdict: Verdict,
    /// How long that took.
    pub took: Duration,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, took) = (self.property.name(), self.took.as_secs_f64());
        write!(f, "{} {} {name}: {} ({took:.1} s)", self.kind, self.file, self.verdict)
    }
}

/// What was found out about one sample.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// A row for each property.
    pub rows: Vec<Row>,
    /// What the contract called.
    pub called: Called,
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Everything.
    pub all: bool,
    /// How many lives meet faults.
    pub cycles: usize,
    /// Where chance begins.
    pub seed: u64,
}

impl Extent {
    /// Everything, or a part that chance picks.
    pub const fn new(all: bool, seed: u64) -> Self {
        Self { all, cycles: if all { usize::MAX } else { 4 }, seed }
    }

    /// A part. Everything with `DEPLOYER_KIT_ALL=1`, another part with `DEPLOYER_SEED`.
    pub fn of_environment() -> Self {
        let all = std::env::var("DEPLOYER_KIT_ALL").is_ok_and(|it| it == "1");
        let seed = std::env::var("DEPLOYER_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1);
        Self::new(all, seed)
    }

    /// Chance from the start.
    pub fn dice(&self) -> Dice {
        Dice(self.seed)
    }
}

/// Why properties are left out, by type and property; and types of which more than the contract does not hold yet, with what was
/// seen (`fixtures/kit/open.json`): `DEPLOYER_KIT_ALL=1` tries them all the same.
#[derive(Clone, Debug, Default)]
pub struct Skipped {
    reasons: BTreeMap<String, BTreeMap<String, String>>,
    open: BTreeMap<String, String>,
}

impl Skipped {
    /// What is written down.
    pub fn load() -> Result<Self> {
        let read = |name: &str| fs::read_to_string(build::workspace().join("fixtures/kit").join(name));
        let reasons = serde_json::from_str(&read("skipped.json")?)?;
        Ok(Self { reasons, open: serde_json::from_str(&read("open.json")?)? })
    }

    /// Why a property of a type is not tried yet, if so.
    fn open(&self, kind: &str, property: Property, extent: &Extent) -> Option<String> {
        let why = self.open.get(kind).filter(|_| property != Property::Contract && !extent.all)?;
        Some(format!("open: {why}"))
    }

    /// The reason for one.
    pub fn reason(&self, kind: &str, property: Property) -> Option<&String> {
        self.reasons.get(kind)?.get(property.name())
    }

    /// What came of trying one: what cannot be shown has its reason.
    fn verdict(&self, kind: &str, property: Property, result: Result<Shown>) -> Verdict {
        let reason = self.reason(kind, property).cloned();
        match (result, reason) {
            (Ok(Shown::Yes(words)), _) => Verdict::Passed(words),
            (Ok(Shown::NotForIt), reason) => Verdict::Skipped(reason),
            (Err(_), Some(reason)) => Verdict::Skipped(Some(reason)),
            (Err(error), None) => Verdict::Failed(error.to_string()),
        }
    }

    /// What is wrong with the reasons, held against the rows of all samples: none where one is needed, and one where none is.
    pub fn differences(&self, rows: &[Row], kinds: &BTreeSet<&str>) -> Vec<String> {
        let passed = |kind: &str, name: &str| {
            rows.iter()
                .any(|it| it.kind == kind && it.property.name() == name && matches!(it.verdict, Verdict::Passed(_)))
        };
        let mut found = Vec::new();
        for (kind, reasons) in &self.reasons {
            for name in reasons.keys() {
                let known = Property::ALL.iter().any(|it| it.name() == name);
                if !kinds.contains(kind.as_str()) || !known {
                    found.push(format!("skipped.json: there is no {kind} with the property {name}"));
                } else if passed(kind, name) {
                    found.push(format!("skipped.json: {kind} shows {name}, and needs no reason"));
                }
            }
        }
        let skipped = |it: &&Row| matches!(it.verdict, Verdict::Skipped(None)) && !passed(&it.kind, it.property.name());
        let lacking: BTreeSet<String> = rows
            .iter()
            .filter(skipped)
            .map(|it| format!("{}: no sample shows {}, and skipped.json has no reason", it.kind, it.property.name()))
            .collect();
        found.extend(lacking);
        found
    }
}

/// Every property on one sample, each told as it is known. An error is one of the bench, not of the type.
pub async fn check(
    sample: &Sample,
    client: &Client,
    types: &Types,
    extent: &Extent,
    told: &mut dyn FnMut(&Row),
) -> Result<Checked> {
    let skipped = Skipped::load()?;
    let mut checked = Checked::default();
    let mut standing: Option<Stand> = None;
    for property in Property::ALL {
        let watch = Watch::start();
        let verdict = match skipped.open(&sample.kind, property, extent) {
            Some(why) => Verdict::Skipped(Some(why)),
            None => {
                let result = if property == Property::Contract {
                    contract(sample, client, types).await.map(|called| {
                        checked.called = called;
                        Shown::Yes(String::new())
                    })
                } else {
                    let stand = match &mut standing {
                        Some(it) => it,
                        None => standing.insert(Stand::new(sample, client, types).await?),
                    };
                    Box::pin(stand.show(property, extent)).await
                };
                if result.is_err() {
                    // What is left of it is in nobody's way.
                    standing = None;
                    client.reset()?;
                }
                skipped.verdict(&sample.kind, property, result)
            }
        };
        let (kind, file) = (sample.kind.clone(), sample.file.clone());
        let row = Row { kind, file, property, verdict, took: watch.spent() };
        told(&row);
        checked.rows.push(row);
    }
    if let Some(mut stand) = standing {
        stand.bench.apply(None, true).await?;
    }
    Ok(checked)
}

/// A bench where everything stands that the thing needs.
struct Stand {
    bench: Bench,
    /// All that there is then, by boto3.
    before: Value,
}

impl Stand {
    async fn new(sample: &Sample, client: &Client, types: &Types) -> Result<Self> {
        let mut bench = Bench::new(sample, client, types).await?;
        bench.settle(None, "what it needs").await?;
        Ok(Self { bench, before: client.inventory()? })
    }

    async fn show(&mut self, property: Property, extent: &Extent) -> Result<Shown> {
        let bench = &mut self.bench;
        let mine = bench.mine();
        mine.clear_calls()?;
        let result = match property {
            Property::Contract => Ok(Shown::NotForIt),
            Property::Faults => Box::pin(faults::show(bench, extent)).await,
            Property::Stale => stale::show(bench, extent).await,
            Property::Outside => outside::show(bench).await,
            Property::Tags => tags::show(bench).await,
            Property::Settling => settling::show(bench).await,
            Property::Generated => generated::show(bench, extent).await,
        };
        mine.options(json!({"rules": [], "late_reads": 0, "words": []}))?;
        let shown = result?;
        if matches!(property, Property::Stale | Property::Generated) {
            self.nothing_is_left()?;
        }
        Ok(shown)
    }
}

impl Stand {
    /// Each property takes away what it made: what is there beside that was made twice, or lost. Asked now and then, as asking is dear.
    fn nothing_is_left(&self) -> Result<()> {
        let after = self.bench.client.inventory()?;
        if after == self.before {
            return Ok(());
        }
        Err(format!("of this or what came before it something is left, or missing:\n{:#}\n{after:#}", self.before)
            .into())
    }
}

/// How long something takes on this machine.
struct Watch(Instant);

impl Watch {
    #[allow(clippy::disallowed_methods, reason = "how long a property takes is told in the machine's time")]
    fn start() -> Self {
        Self(Instant::now())
    }

    fn spent(&self) -> Duration {
        self.0.elapsed()
    }
}
