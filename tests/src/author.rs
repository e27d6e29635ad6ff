//! What an author's crate runs: the kit over types that are not in this tree, with the crate's own samples and permissions.
//!
//! It is the kit of our own types, on one emulator, with nothing left out: fields, contract, faults, late reads,
//! what others do, tags, statuses, combinations, permissions.

use std::{collections::BTreeSet, fmt, path::Path};

use deployer_providers::{Aws, permissions::Table};

use crate::{
    Result,
    emulator::Emulator,
    kit::{Extent, Row, Types, Verdict, check, fields, samples_in},
    permissions::{Called, differences_in},
};

/// Three hundred times as fast as AWS.
const SCALE: f64 = 0.003;

/// What is put to the kit.
pub struct Put<'a> {
    /// A folder like `fixtures/resources`.
    pub samples: &'a Path,
    /// All types, deployer's own among them, over the clients that it is given.
    pub types: &'a Types,
    /// The permissions of all of them.
    pub permissions: Table,
    /// This type alone; else every type that has a sample.
    pub only: Option<&'a str>,
    /// How much is tried.
    pub extent: Extent,
}

/// Holds every type that has a sample in `samples` (a folder like `fixtures/resources`) to the contract. `types` makes all
/// types, deployer's own among them; `permissions` is the JSON of the new ones. The error says all that is wrong.
pub fn kit(samples: &Path, types: &Types, permissions: &str) -> Result<()> {
    let permissions = Table::load()?.with(permissions)?;
    let put = Put { samples, types, permissions, only: None, extent: Extent::of_environment() };
    let mut wrong = Vec::new();
    let rest = put.run(&mut |row| {
        println!("{row}");
        wrong.extend(Some(row.to_string()).filter(|_| matches!(row.verdict, Verdict::Failed(_))));
    })?;
    wrong.extend(rest);
    if wrong.is_empty() { Ok(()) } else { Err(Box::new(Wrong(wrong))) }
}

impl Put<'_> {
    /// Tells each row as it is known, and says what is wrong beside them: uncovered fields, permissions, and calls that the emulator
    /// does not play.
    pub fn run(&self, told: &mut dyn FnMut(&Row)) -> Result<Vec<String>> {
        let mut samples = samples_in(self.samples)?;
        samples.retain(|kind, _| self.only.is_none_or(|only| only == kind));
        if samples.is_empty() {
            return Err(format!("no sample in {} is of that type", self.samples.display()).into());
        }
        let known = (self.types)(&Aws::offline());
        let mut wrong = Vec::new();
        for (kind, all) in &samples {
            let (names, _) = fields(known.need(kind)?.as_ref());
            let covered: BTreeSet<&String> = all.iter().flat_map(|it| it.fields.keys().chain(&it.only)).collect();
            let missing = names.iter().filter(|name| !covered.contains(name));
            wrong.extend(missing.map(|name| format!("{kind}: no sample has a second value for {name}")));
        }
        let emulator = Emulator::start(SCALE)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (mut called, mut whole) = (Called::new(), wrong.is_empty());
        for sample in samples.values().flatten() {
            // Faults are set for the account: clients of this process carry no name of their own.
            let client = emulator.client("kit").of_account();
            let checked = runtime.block_on(check(sample, &client, self.types, &self.extent, told))?;
            whole &= !checked.rows.iter().any(|row| matches!(row.verdict, Verdict::Failed(_)));
            let own = checked.called.into_iter().filter(|(kind, _)| samples.contains_key(kind));
            own.for_each(|(kind, more)| called.entry(kind).or_default().extend(more));
        }
        wrong.extend(differences_in(&self.permissions, &called, whole)?);
        let missing = emulator.unsupported()?;
        wrong.extend((!missing.is_empty()).then(|| format!("the emulator could not do everything: {missing:?}")));
        Ok(wrong)
    }
}

/// What is wrong, a line each: tests print their errors by `Debug`, which would put all of it on one.
struct Wrong(Vec<String>);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl fmt::Debug for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Wrong {}
