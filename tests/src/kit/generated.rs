//! Combinations of the samples' values, made by chance: each is applied on the one before it, and planned again to nothing.
//!
//! A combination that AWS refuses as invalid says nothing of the type; one at least has to be accepted.

use deployer_engine::facts::Nature;

use super::{Bench, Extent, Shown, bench::Properties, fields};
use crate::{Result, dice::Dice};

/// How many combinations, unless all of it is wished.
const FEW: usize = 3;
const MANY: usize = 12;
/// How refusals call what does not fit together.
const REFUSALS: [&str; 7] = [
    "Invalid",
    "Validation",
    "Malformed",
    "ClientException",
    "Unsupported",
    "OperationNotPermitted",
    "AssociationLimit",
];

pub(super) async fn show(bench: &mut Bench, extent: &Extent) -> Result<Shown> {
    let mut dice = extent.dice();
    let (mut accepted, mut refused) = (0, Vec::new());
    for _ in 0..if extent.all { MANY } else { FEW } {
        let made = combination(bench, &mut dice)?;
        let text = serde_json::to_string(&made)?;
        match bench.settle(&made, "combined").await {
            Ok(()) => accepted += 1,
            Err(error) if REFUSALS.iter().any(|it| error.to_string().contains(it)) => {
                refused.push(format!("{text}: {error}"));
                bench.settle(None, "taken away after a refusal").await?;
            }
            Err(error) => return Err(format!("seed {}: {text}: {error}", extent.seed).into()),
        }
    }
    bench.settle(None, "taken away, combined").await?;
    match accepted {
        0 => Err(format!("seed {}: nothing was accepted: {refused:#?}", extent.seed).into()),
        _ => Ok(Shown::Yes(format!("{accepted} combined, {} refused", refused.len()))),
    }
}

/// Each field with its first value, its second or none.
fn combination(bench: &Bench, dice: &mut Dice) -> Result<Properties> {
    let (sample, it) = (&bench.sample, bench.resource()?);
    let name = it.facts().name.map(|rule| rule.field.trim_start_matches('/'));
    let (_, required) = fields(it);
    let mut made = sample.first();
    for field in sample.fields.keys() {
        let stays = required.contains(field) || sample.keep.contains(field) || name == Some(field.as_str());
        // What never shrinks has one way only.
        if it.facts().natures(&format!("/{field}")).any(|nature| matches!(nature, Nature::OnlyGrows)) {
            continue;
        }
        match dice.below(if stays { 2 } else { 3 }) {
            0 => {}
            1 => made = sample.second(field, &made),
            _ => drop(made.remove(field)),
        }
    }
    made.retain(|_, value| !value.is_null());
    Ok(made)
}
