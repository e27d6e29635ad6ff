//! Where a worker stands: a stack and its AWS, kept as they are before each phase, so that every kill starts from there.

use tempfile::TempDir;

use super::tour::Tour;
use crate::{
    Result,
    emulator::{Client, Emulator},
    product::Product,
};

/// The account of every sweep: names and ARNs are the same in all runs.
const ACCOUNT: &str = "210987654321";

/// A stack and its AWS.
pub(super) struct Stage {
    pub(super) emulator: Emulator,
    pub(super) client: Client,
    pub(super) product: Product,
    tour: &'static Tour,
    /// The stack's folder before each phase; AWS is kept by the emulator.
    kept: Vec<TempDir>,
}

impl Stage {
    pub(super) fn new(tour: &'static Tour, scale: f64) -> Result<Self> {
        let emulator = Emulator::start(scale)?;
        let client = emulator.client_of("sweep", ACCOUNT);
        let product = Product::new(&client)?;
        (tour.fill)(&product)?;
        let mut stage = Self { emulator, client, product, tour, kept: Vec::new() };
        stage.keep()?;
        Ok(stage)
    }

    /// Keeps what there is: the next phase starts from here.
    pub(super) fn keep(&mut self) -> Result<()> {
        // Names that were deleted a moment ago are free again.
        self.client.advance(3_600)?;
        self.client.clear_calls()?;
        let folder = TempDir::new()?;
        self.product.save(folder.path())?;
        self.emulator.snapshot()?;
        self.kept.push(folder);
        Ok(())
    }

    /// All is as it was before `phase`, and the files are as that one wants them.
    pub(super) fn before(&mut self, phase: usize) -> Result<()> {
        self.restore()?;
        while self.kept.len() > phase + 1 {
            self.kept.pop();
            self.emulator.discard()?;
        }
        self.restore()?;
        while self.kept.len() < phase + 1 {
            let earlier = &self.tour.phases[self.kept.len() - 1];
            earlier.edit(&self.product)?;
            self.product.succeed(earlier.command)?;
            self.keep()?;
        }
        self.tour.phases[phase].edit(&self.product)
    }

    fn restore(&self) -> Result<()> {
        self.emulator.restore()?;
        self.kept.last().map_or(Ok(()), |folder| self.product.restore(folder.path()))
    }
}
