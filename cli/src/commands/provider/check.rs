//! `provider check`: the kit over one type, as a table.
//!
//! The kit plays AWS by an emulator that stands in this project's tree, so it is in a build only where the feature `kit` asks for it.

use super::CheckFlags;
use crate::{
    args::Global,
    exit::{Code, Failure},
    term::Term,
};

/// Runs it.
#[cfg(not(feature = "kit"))]
pub fn run(_: &Global, flags: &CheckFlags, _: &Term) -> Result<Code, Failure> {
    Err(Failure::said(Code::Usage, "this build has no kit").help(format!(
        "in deployer's own tree: `cargo run -p deployer --features kit -- provider check {0}`; in your crate: `cargo run --features deployer/kit -- provider check {0}`",
        flags.kind
    )))
}

#[cfg(feature = "kit")]
pub use with_kit::run;

#[cfg(feature = "kit")]
mod with_kit {
    use std::{path::PathBuf, thread};

    use deployer_providers::Aws;
    use deployer_tests::{
        author::Put,
        build,
        kit::{Extent, Row, Verdict, samples_in},
    };
    use serde_json::{Value, json};

    use super::{CheckFlags, Code, Failure, Global, Term};
    use crate::{
        commands::provider::one,
        duration,
        term::{Tone, cut},
    };

    /// Runs it.
    pub fn run(global: &Global, flags: &CheckFlags, term: &Term) -> Result<Code, Failure> {
        one::known(global, &flags.kind)?;
        let permissions = global.deployer.permissions().map_err(failed)?;
        let samples = samples(global, flags)?;
        let deployer = global.deployer.clone();
        let put = Put {
            samples: &samples,
            types: &move |aws: &Aws| deployer.types(aws),
            permissions,
            only: Some(&flags.kind),
            extent: Extent::new(flags.all, flags.seed),
        };
        let mut rows: Vec<Row> = Vec::new();
        let mut show = |row: &Row| {
            if !global.json {
                print(row, rows.last(), term);
            }
            rows.push(row.clone());
        };
        // The kit waits in a runtime of its own, which cannot stand inside another.
        let ran =
            thread::scope(|scope| scope.spawn(move || put.run(&mut show).map_err(|error| error.to_string())).join());
        let wrong = ran.map_err(|_| failed("the kit stopped"))?.map_err(failed)?;
        if global.json {
            let document = json!({"type": flags.kind, "seed": flags.seed, "rows": rows.iter().map(data).collect::<Vec<_>>(), "wrong": wrong});
            term.line(format!("{document:#}"));
        } else {
            sum_up(&rows, &wrong, flags.seed, term);
        }
        let is_good = wrong.is_empty() && !rows.iter().any(|it| is_failed(&it.verdict));
        Ok(if is_good { Code::Done } else { Code::Failed })
    }

    fn failed(error: impl ToString) -> Failure {
        Failure::said(Code::Failed, error.to_string())
    }

    /// Where the type has a sample.
    fn samples(global: &Global, flags: &CheckFlags) -> Result<PathBuf, Failure> {
        let here = global.dir.join("fixtures/resources");
        let all = match &flags.samples {
            Some(folder) => vec![folder.clone()],
            None => vec![here, build::workspace().join("fixtures/resources")],
        };
        for folder in all.iter().filter(|it| it.is_dir()) {
            let there = samples_in(folder).map_err(failed)?;
            if there.contains_key(&flags.kind) {
                return Ok(folder.clone());
            }
        }
        let places: Vec<String> = all.iter().map(|it| it.display().to_string()).collect();
        Err(Failure::said(Code::Usage, format!("{} has no sample in {}", flags.kind, places.join(" or ")))
            .help("`deployer provider new` writes one; docs/providers.md says what belongs into it"))
    }

    fn print(row: &Row, before: Option<&Row>, term: &Term) {
        if before.is_none_or(|it| it.file != row.file) {
            term.line(term.paint(Tone::Strong, &row.file));
        }
        let (tone, word, more) = match &row.verdict {
            Verdict::Passed(words) => (Tone::Good, "passed", words.as_str()),
            Verdict::Failed(why) => (Tone::Bad, "FAILED", why.as_str()),
            Verdict::Skipped(why) => (Tone::Faint, "left out", why.as_deref().unwrap_or("not for this sample")),
        };
        let head = format!(
            "  {:<12} {}  {:>6.1} s",
            row.property.name(),
            term.paint(tone, format!("{word:<8}")),
            row.took.as_secs_f64()
        );
        // Why something failed is for reading, every line of it.
        if is_failed(&row.verdict) {
            term.line(head);
            more.lines().for_each(|line| term.line(format!("      {line}")));
        } else {
            term.line(cut(&format!("{head}  {more}"), term.width));
        }
    }

    fn sum_up(rows: &[Row], wrong: &[String], seed: u64, term: &Term) {
        wrong.iter().for_each(|it| term.line(format!("{}  {it}", term.paint(Tone::Bad, "wrong"))));
        let count = |is: fn(&Verdict) -> bool| rows.iter().filter(|it| is(&it.verdict)).count();
        let (passed, skipped) =
            (count(|it| matches!(it, Verdict::Passed(_))), count(|it| matches!(it, Verdict::Skipped(_))));
        let failed = count(is_failed) + wrong.len();
        let tone = if failed == 0 { Tone::Good } else { Tone::Bad };
        let words = format!("{passed} passed, {} wrong, {skipped} left out", duration::count(failed, "thing"));
        term.line(format!("\n{}  (seed {seed})", term.paint(tone, words)));
    }

    fn is_failed(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Failed(_))
    }

    fn data(row: &Row) -> Value {
        let (verdict, words) = match &row.verdict {
            Verdict::Passed(words) => ("passed", Some(words.clone())),
            Verdict::Failed(why) => ("failed", Some(why.clone())),
            Verdict::Skipped(why) => ("skipped", why.clone()),
        };
        json!({
            "sample": row.file,
            "property": row.property.name(),
            "verdict": verdict,
            "words": words,
            "seconds": row.took.as_secs_f64(),
        })
    }
}
