//! The kill sweep: `cargo run -p deployer-tests --bin killsweep -- --all`; `--help` tells its flags.
//!
//! First one kill at each point, or at a sample of them; then, for some points that the seed chooses (`--seconds`; 30 of `--all`), a
//! second kill before each call and write that changes something in the run that recovers, or before `--each` of both sorts. A kill
//! before a read leaves what a kill after the change ahead of it leaves; with `--reads` they are killed at too. Points are numbered in
//! the tour's order; a run that was broken off goes on `--from` one of them, or in its second kills `--seconds-from` one, in the order in
//! which they are run. Prints its points, its seed and its failures, and ends with 1 if there is one.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use clap::Parser;
use deployer_tests::{
    Result,
    sweep::{
        Case, Keep, Kill, Point, Recovered, Results, Second, Sweep, Undisturbed, Wrong, in_order, run,
        tour::{Tour, named},
    },
};

/// The real process killed at each call and record write of a tour, and what stands after the run that recovers
#[derive(Parser)]
struct Options {
    /// Which stack
    #[arg(long, default_value = "queues", value_parser = named)]
    tour: &'static Tour,
    /// Where its state is kept
    #[arg(long, value_enum, default_value_t = Keep::Folder)]
    state: Keep,
    /// Only these phases of the tour, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    phase: Vec<String>,
    /// Only from this point on
    #[arg(long, value_name = "POINT", default_value_t = 1)]
    from: usize,
    /// Every point, and 30 of them with a second kill at each change of the next run
    #[arg(long)]
    all: bool,
    /// How many points, spread evenly
    #[arg(long, default_value_t = 24, conflicts_with = "all")]
    sample: usize,
    /// After how many of them the next run is killed too [default: 2; 30 of --all]
    #[arg(long)]
    seconds: Option<usize>,
    /// At how many places that next run is killed [default: 4; at all of them with --all]
    #[arg(long)]
    each: Option<usize>,
    /// Second kills before reads too
    #[arg(long)]
    reads: bool,
    /// Only from this second kill on
    #[arg(long, value_name = "POINT", default_value_t = 1)]
    seconds_from: usize,
    /// Which points a sample takes
    #[arg(long, default_value_t = 1)]
    seed: usize,
    /// How many at a time, each with an emulator of its own
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// How long a second of AWS's time takes [default: 0.01; 0.05 with the state in AWS]
    #[arg(long)]
    scale: Option<f64>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let Options { tour, state: keep, seed, .. } = options;
    let phases: Vec<&str> = tour.phases.iter().map(|it| it.name).collect();
    if let Some(unknown) = options.phase.iter().find(|it| !phases.contains(&it.as_str())) {
        return Err(format!("--phase {unknown}: {} has {}", tour.name, phases.join(", ")).into());
    }
    let scale = options.scale.unwrap_or(keep.scale());
    let one = || Sweep::new(tour, keep, scale);
    let mut workers = (0..options.workers.max(1)).map(|_| one()).collect::<Result<Vec<_>>>()?;
    let undisturbed = workers[0].undisturbed()?;
    println!(
        "{}, state {keep:?}: changing AWS calls {:?}, record writes {:?} by phase; seed {seed}",
        tour.name, undisturbed.calls, undisturbed.writes
    );

    let kills = options.kills(&undisturbed);
    let once: Vec<Case> = kills.iter().map(|kill| (*kill, None)).collect();
    let first = run(&once, &mut workers, &undisturbed);
    println!("one kill: points {}, failures {}", once.len(), once.len() - first.passed.len());

    let twice = options.second_kills(&kills, &first);
    let second = run(&twice, &mut workers, &undisturbed);
    println!("two kills: points {}, failures {}", twice.len(), twice.len() - second.passed.len());
    report(once.len() + twice.len(), &[&first, &second])
}

impl Options {
    /// The first kills, in the tour's order.
    fn kills(&self, undisturbed: &Undisturbed) -> Vec<Kill> {
        let wanted = |it: &Kill| self.phase.is_empty() || self.phase.iter().any(|name| it.name == name);
        let kills: Vec<Kill> =
            undisturbed.kills().into_iter().filter(wanted).skip(self.from.saturating_sub(1)).collect();
        spread(&kills, if self.all { kills.len() } else { self.sample }, self.seed)
    }

    /// The second kills, in the order in which they are run: after those first ones that passed and that the seed chooses.
    fn second_kills(&self, kills: &[Kill], first: &Results) -> Vec<Case> {
        // Where steps run one after another, the next run is the same each time.
        let alike = kills.iter().filter(|kill| self.state == Keep::Aws || matches!(kill.point, Point::Write(_)));
        let seconds = self.seconds.unwrap_or(if self.all { 30 } else { 2 });
        let chosen: Vec<Kill> = spread(&alike.copied().collect::<Vec<_>>(), seconds, self.seed);
        let again = first.passed.iter().filter(|((kill, _), _)| chosen.contains(kill));
        let mut twice: Vec<Case> = again.flat_map(|((kill, _), took)| self.seconds_of(*kill, *took)).collect();
        in_order(&mut twice);
        twice.split_off(self.seconds_from.saturating_sub(1).min(twice.len()))
    }

    /// Second kills after this one: in the run that recovered, with what that took. How often it asks while it waits is a matter of
    /// time: its last third of calls is no sure thing, but each that changes something is.
    fn seconds_of(&self, kill: Kill, took: Recovered) -> Vec<Case> {
        let each = self.each.unwrap_or(if self.all { usize::MAX } else { 4 });
        let some = |last: u64| spread(&(1..=last).collect::<Vec<_>>(), each, self.seed).into_iter();
        let calls: Vec<Second> = match self.reads {
            true => some(took.calls * 2 / 3).map(Second::Call).collect(),
            false => some(took.changes).map(Second::Change).collect(),
        };
        calls.into_iter().chain(some(took.writes).map(Second::Write)).map(|second| (kill, Some(second))).collect()
    }
}

fn report(points: usize, results: &[&Results]) -> Result<()> {
    let failures = points - results.iter().map(|it| it.passed.len()).sum::<usize>();
    let count = |wrong: Wrong| results.iter().filter_map(|it| it.failed.get(&wrong)).sum::<usize>();
    println!(
        "points {points}: failures {failures}: orphans {}, duplicates {}, stuck locks {}, unconverged {}, other differences {}, not reached {}, broken {}",
        count(Wrong::Orphan),
        count(Wrong::Duplicate),
        count(Wrong::Locked),
        count(Wrong::Unconverged),
        count(Wrong::Differs),
        count(Wrong::NotReached),
        count(Wrong::Broken)
    );
    if points == 0 {
        return Err("there is no such point".into());
    }
    if failures > 0 { Err("the sweep has failures".into()) } else { Ok(()) }
}

/// At most `wanted` of them, evenly, starting where the seed says.
fn spread<T: Copy>(all: &[T], wanted: usize, seed: usize) -> Vec<T> {
    let step = all.len().div_ceil(wanted.max(1)).max(1);
    all.iter().skip(seed % step).step_by(step).take(wanted).copied().collect()
}
