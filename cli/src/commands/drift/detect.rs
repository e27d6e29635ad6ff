//! `drift detect`: looks, takes no lock, changes nothing.

use std::sync::Arc;

use super::look;
use crate::{
    args::{DriftFormat, Global},
    context::{Context, Reach},
    duration,
    exit::{Code, Failure},
    render::{drift, progress::Progress},
    term::Term,
};

/// Runs it, once or again and again.
pub async fn run(
    global: &Global,
    targets: Vec<String>,
    detailed: bool,
    format: DriftFormat,
    interval: Option<&str>,
    term: &Term,
) -> Result<Code, Failure> {
    let pause = interval.map(|text| {
        let found = duration::parse(text).filter(|it| !it.is_zero());
        found.ok_or_else(|| Failure::said(Code::Usage, format!("--interval {text}: write 30s or 10m")))
    });
    let pause = pause.transpose()?;
    let context = Context::load(global, Reach::Online, term).await?;
    context.only_looks();
    context.heed_interrupts(*term);
    let format = if global.json { DriftFormat::Json } else { format };
    let quiet = Term { level: if format == DriftFormat::Text { term.level } else { -1 }, ..*term };
    let mut session = context.session(Arc::new(Progress::new(quiet, false, context.stores.clock.clone())))?;
    let mut last = None;
    loop {
        let report = look(&context, &mut session, &targets).await?;
        let again = last.as_ref() == Some(&report);
        match format {
            _ if again => {}
            // One document a line where there are several.
            DriftFormat::Json if pause.is_some() => term.line(drift::json(&report)),
            DriftFormat::Json => term.line(format!("{:#}", drift::json(&report))),
            DriftFormat::Markdown => term.line(drift::markdown(&report)),
            DriftFormat::Text => {
                if pause.is_some() {
                    term.say(format!("\n{}", duration::date(context.stores.clock.wall_millis())));
                }
                drift::print(&report, term);
            }
        }
        let code = match () {
            () if report.has_drift() && detailed => Code::Changes,
            // What was not looked at may be anything.
            () if !report.is_whole() && detailed => Code::Failed,
            () => Code::Done,
        };
        let Some(pause) = pause else { return Ok(code) };
        if context.stop.is_wished() || !context.stop.unless(context.stores.clock.sleep(pause)).await {
            return Ok(code);
        }
        last = Some(report);
    }
}
