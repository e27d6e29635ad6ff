//! Rain: an apply while a good part of all calls is throttled, fails, is cut off, or loses its answer.
//!
//! Calls of state and locks are rained on like all others. Whatever falls, the apply ends right: with nothing to do afterwards,
//! with the inventory of a dry run, and with no lock left.

use serde_json::{Value, json};

use crate::{
    Result,
    emulator::{Client, Emulator},
    place,
    product::Product,
    sweep::{difference, normal, tour::Tour},
};

/// How much falls: the shares of calls that are throttled, answered with 5xx, reset, and left without an answer.
pub const RAIN: [(&str, f64); 4] = [("throttle", 0.2), ("error_5xx", 0.1), ("reset", 0.05), ("lost_answer", 0.02)];

/// The account of every run: names are the same in all of them.
const ACCOUNT: &str = "310987654321";

/// One world, rained on again and again.
pub struct Rain {
    emulator: Emulator,
    client: Client,
    tour: &'static Tour,
    dry: Value,
}

/// What an apply took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// Calls, with those that something fell on.
    pub calls: u64,
    /// Times that `apply` was run: 1, or 2 where the first one gave up and said so.
    pub runs: u32,
}

impl Rain {
    /// Makes a world and applies the tour's first phase in it, dry.
    pub fn new(tour: &'static Tour, scale: f64) -> Result<Self> {
        let emulator = Emulator::start(scale)?;
        let client = emulator.client_of("rain", ACCOUNT);
        place::make(&client)?;
        emulator.snapshot()?;
        let mut rain = Self { emulator, client, tour, dry: Value::Null };
        let product = rain.product()?;
        product.succeed(&rain.words(&rain.state()))?;
        rain.dry = normal(rain.client.inventory()?);
        Ok(rain)
    }

    fn product(&self) -> Result<Product> {
        let product = Product::new(&self.client)?;
        (self.tour.fill)(&product)?;
        self.tour.phases[0].edit(&product)?;
        Ok(product)
    }

    fn state(&self) -> String {
        format!("s3://{}/team?table={}", place::bucket(&self.client), place::TABLE)
    }

    fn words<'a>(&self, state: &'a str) -> Vec<&'a str> {
        [self.tour.phases[0].command, &["--state", state]].concat()
    }

    /// One apply in the rain of this seed; an error says what is not right after it.
    pub fn fall(&mut self, seed: u64) -> Result<Took> {
        self.emulator.restore()?;
        self.client.clear_calls()?;
        let (product, state) = (self.product()?, self.state());
        let mut options = json!({"seed": seed});
        RAIN.iter().for_each(|(name, share)| options[*name] = json!(share));
        self.client.options(options)?;
        let mut runs = 1;
        let mut said = product.run(&self.words(&state))?;
        // What gave up says so, and the same command goes on: in rain that is an end like any other.
        while said.code == Some(1) && runs < 3 {
            runs += 1;
            said = product.run(&self.words(&state))?;
        }
        let calls = self.client.calls()?.total;
        self.client.options(json!({"throttle": 0, "error_5xx": 0, "reset": 0, "lost_answer": 0}))?;
        if said.code != Some(0) {
            return Err(format!("seed {seed}: it ended with {:?}:\n{}{}", said.code, said.stdout, said.stderr).into());
        }
        let plan = product.run(&["plan", "-e", "dev", "--detailed-exitcode", "--state", &state])?;
        if plan.code != Some(0) {
            return Err(format!("seed {seed}: the next plan is not empty:\n{}{}", plan.stdout, plan.stderr).into());
        }
        let now = normal(self.client.inventory()?);
        if now != self.dry {
            return Err(format!("seed {seed}: the inventory differs:\n{}", difference(&now, &self.dry)).into());
        }
        let locks = place::locks(&self.client)?;
        if locks != json!({}) {
            return Err(format!("seed {seed}: a lock is left: {locks}").into());
        }
        Ok(Took { calls, runs })
    }
}
