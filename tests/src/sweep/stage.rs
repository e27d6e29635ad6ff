//! Where a worker stands: a stack and its AWS, kept as they are before each phase, so that every kill starts from there.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::{
    Keep, Kill,
    tour::{Phase, Tour},
};
use crate::{
    Result,
    emulator::{Client, Emulator},
    place,
    product::Product,
};

/// The account of every sweep: names and ARNs are the same in all runs.
const ACCOUNT: &str = "210987654321";
/// Where the tour is made once before anything counts.
const WARM_ACCOUNT: &str = "210987654320";

/// A stack and its AWS.
pub(crate) struct Stage {
    pub(crate) emulator: Emulator,
    pub(crate) client: Client,
    pub(crate) product: Product,
    pub(crate) keep: Keep,
    /// Where the state is, if it is not beside the files.
    place: Option<String>,
    tour: &'static Tour,
    /// The stack's folder before each phase; AWS is kept by the emulator.
    kept: Vec<TempDir>,
    /// How all is after a kill, kept in the same way while runs after it are killed too.
    killed: Option<(Kill, TempDir)>,
}

impl Stage {
    pub(crate) fn new(tour: &'static Tour, keep: Keep, scale: f64) -> Result<Self> {
        let emulator = Emulator::start(scale)?;
        let client = emulator.client_of("sweep", ACCOUNT);
        let product = Product::new(&client)?;
        (tour.fill)(&product)?;
        let place = match keep {
            Keep::Folder => None,
            Keep::Aws => {
                place::make(&client)?;
                Some(format!("s3://{}/team?table={}", place::bucket(&client), place::TABLE))
            }
        };
        warm(&emulator, tour)?;
        let (kept, killed) = (Vec::new(), None);
        let mut stage = Self { emulator, client, product, keep, place, tour, kept, killed };
        stage.keep()?;
        Ok(stage)
    }

    /// Where the state is, as flags.
    pub(crate) fn flags(&self) -> Vec<&str> {
        self.place.iter().flat_map(|place| ["--state", place]).collect()
    }

    /// A phase's command. Where record writes are calls, steps run one after another, so that there are equally many each time.
    pub(crate) fn words(&self, phase: &Phase) -> Vec<&str> {
        match self.keep {
            Keep::Folder => phase.command.to_vec(),
            Keep::Aws => self.words_one_by_one(phase),
        }
    }

    /// A phase's command, with steps that run one after another: the same calls each time, in the same order.
    pub(crate) fn words_one_by_one(&self, phase: &Phase) -> Vec<&str> {
        let mut words = [phase.command, &["--parallelism", "1"]].concat();
        words.extend(self.flags());
        words
    }

    /// Where record writes are counted. What an earlier run counted must not stand for one that writes nothing.
    pub(crate) fn forget_count(&self) -> Result<PathBuf> {
        let count = self.product.folder().join(".deployer-count");
        if count.exists() {
            fs::remove_file(&count)?;
        }
        Ok(count)
    }

    /// Keeps what there is: the next phase starts from here.
    pub(crate) fn keep(&mut self) -> Result<()> {
        // Names that were deleted a moment ago are free again.
        self.client.advance(3_600)?;
        self.client.clear_calls()?;
        let folder = self.saved()?;
        self.kept.push(folder);
        Ok(())
    }

    fn saved(&self) -> Result<TempDir> {
        let folder = TempDir::new()?;
        self.product.save(folder.path())?;
        self.emulator.snapshot()?;
        Ok(folder)
    }

    /// Keeps what this kill has left.
    pub(crate) fn keep_killed(&mut self, kill: Kill) -> Result<()> {
        self.killed = Some((kill, self.saved()?));
        Ok(())
    }

    /// All is as it was after this kill, if that is kept.
    pub(crate) fn killed(&self, kill: Kill) -> Result<bool> {
        let Some((_, folder)) = self.killed.as_ref().filter(|(it, _)| *it == kill) else { return Ok(false) };
        self.emulator.restore()?;
        self.product.restore(folder.path())?;
        Ok(true)
    }

    /// All is as it was before `phase`, and the files are as that one wants them.
    pub(crate) fn before(&mut self, phase: usize) -> Result<()> {
        match self.killed.take() {
            Some(_) => self.emulator.discard()?,
            None => self.restore()?,
        }
        while self.kept.len() > phase + 1 {
            self.kept.pop();
            self.emulator.discard()?;
        }
        self.restore()?;
        while self.kept.len() < phase + 1 {
            let earlier = &self.tour.phases[self.kept.len() - 1];
            earlier.edit(&self.product)?;
            self.product.succeed(&self.words(earlier))?;
            self.keep()?;
        }
        self.tour.phases[phase].edit(&self.product)
    }

    /// All is as it was before `phase`, and so are the files.
    pub(crate) fn back_to(&mut self, phase: usize) -> Result<()> {
        self.before(phase)?;
        self.restore()
    }

    fn restore(&self) -> Result<()> {
        self.emulator.restore()?;
        self.kept.last().map_or(Ok(()), |folder| self.product.restore(folder.path()))
    }
}

/// Makes the stack once elsewhere: the emulator loads a service when it is first asked, and a snapshot taken before that
/// would have each of its children load them all again.
fn warm(emulator: &Emulator, tour: &'static Tour) -> Result<()> {
    let client = emulator.client_of("warm", WARM_ACCOUNT);
    let product = Product::new(&client)?;
    (tour.fill)(&product)?;
    if let Some(first) = tour.phases.first() {
        first.edit(&product)?;
        product.succeed(first.command)?;
    }
    client.inventory()?;
    client.reset()
}
