//! Look-ups: the loader asks, AWS or the state answers, and the files are read again with the answers.
//!
//! An answer may lead to another question (a VPC's groups), so this goes on until nothing is open.

use std::collections::BTreeMap;

use deployer_engine::{
    diagnostic::{Diagnostic, Place},
    lookup::{Answers, lasting},
};
use deployer_providers::{
    Aws,
    lookup::{Found, answer},
};
use deployer_schemas::{Asked, Loaded, Problems};
use futures::future::try_join_all;

use crate::exit::Failure;

/// How often answers may lead to questions.
const ROUNDS: usize = 5;

/// The stack, read with AWS's answers. What was assigned by an earlier answer stays (`remembered`). `lenient`: what AWS cannot
/// answer any more is stood in for.
pub async fn answered(
    aws: &Aws,
    remembered: &Answers,
    lenient: bool,
    read: impl Fn(&Answers) -> Result<Loaded, Failure>,
) -> Result<Loaded, Failure> {
    let kept = if lenient { remembered.clone() } else { lasting(remembered) };
    let may_ask_again = !kept.is_empty() && !lenient;
    match asked(aws, kept, remembered, lenient, &read).await {
        Err(Failure::Problems(_)) if may_ask_again => asked(aws, Answers::new(), remembered, lenient, &read).await,
        other => other,
    }
}

async fn asked(
    aws: &Aws,
    mut answers: Answers,
    remembered: &Answers,
    lenient: bool,
    read: &impl Fn(&Answers) -> Result<Loaded, Failure>,
) -> Result<Loaded, Failure> {
    for _ in 0..ROUNDS {
        let loaded = read(&answers)?;
        let open = open(&loaded);
        if open.is_empty() {
            return Ok(loaded);
        }
        let questions = open.iter().map(async |(key, it)| Ok::<_, Failure>((key, it, answer(aws, &it.lookup).await?)));
        let mut problems = Vec::new();
        for (key, it, found) in try_join_all(questions).await? {
            match found {
                Found::Answer(value) => {
                    let bound = it.lookup.bind(remembered.get(key), value);
                    answers.insert(key.clone(), bound);
                }
                Found::Problem(message) => problems.push(problem(it, message)),
            }
        }
        if !problems.is_empty() && lenient {
            return Ok(loaded);
        }
        if !problems.is_empty() {
            return Err(at_their_places(&loaded, problems));
        }
    }
    read(&answers)
}

/// A failure that names each look-up that has no answer.
pub fn need_none(loaded: &Loaded) -> Result<(), Failure> {
    let problems: Vec<Diagnostic> = open(loaded)
        .values()
        .map(|it| {
            let message = format!("nobody asked AWS yet for {}, and nothing is guessed", it.lookup);
            problem(it, message).help("plan or apply once without --offline: the answer is kept in the state")
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(at_their_places(loaded, problems)) }
}

/// The questions without an answer, each once.
fn open(loaded: &Loaded) -> BTreeMap<String, &Asked> {
    loaded.asked.iter().filter(|it| it.open).map(|it| (it.lookup.key(), it)).collect()
}

fn problem(it: &Asked, message: String) -> Diagnostic {
    let at = Place::Component { component: it.component.clone(), path: it.path.clone() };
    Diagnostic::error("look-up", at, message)
}

fn at_their_places(loaded: &Loaded, problems: Vec<Diagnostic>) -> Failure {
    let diagnostics = problems.into_iter().map(|it| loaded.located(it)).collect();
    Failure::Problems(Box::new(Problems { diagnostics, sources: loaded.sources.clone() }))
}
