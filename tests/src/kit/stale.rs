//! Reads that are late: after a create nothing is there for a while, after a change the old values are.
//!
//! Only reads of the thing's own service by its own type are late: what else there is has been there for long.

use serde_json::json;

use super::{Bench, Extent, Shown};
use crate::Result;

/// How many reads after a change do not see it: half a dozen of a type's reads, at a second each.
const LATE: u32 = 5;
/// How many fields are changed, unless all are.
const FIELDS: usize = 3;

pub(super) async fn show(bench: &mut Bench, extent: &Extent) -> Result<Shown> {
    let (first, mine) = (bench.sample.first(), bench.mine());
    mine.options(json!({"late_reads": LATE}))?;
    mine.clear_calls()?;
    bench.settle(&first, "create, reads late").await?;
    let mut fields = bench.in_place()?;
    extent.dice().shuffle(&mut fields);
    for (name, changed) in fields.into_iter().take(if extent.all { usize::MAX } else { FIELDS }) {
        bench.settle(&changed, &format!("{name} changed, reads late")).await?;
        bench.settle(&first, &format!("{name} put back, reads late")).await?;
    }
    bench.settle(None, "delete, reads late").await?;
    let late = mine.calls()?.faults;
    mine.options(json!({"late_reads": 0}))?;
    match late {
        0 => Err("no read was late: the emulator played nothing".into()),
        late => Ok(Shown::Yes(format!("{late} reads late"))),
    }
}
