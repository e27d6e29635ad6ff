//! Problems drawn at their places in the user's files.

use deployer_engine::diagnostic::{Diagnostic, Place, Severity};
use deployer_schemas::{Problems, Sources};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use serde_json::{Value, json};

use crate::term::Term;

/// Prints all of them on stderr, and how many there are.
pub fn print(problems: &Problems, term: &Term) {
    problems.diagnostics.iter().for_each(|it| draw(it, &problems.sources, term));
    let count = problems.diagnostics.iter().filter(|it| it.severity == Severity::Error).count();
    term.note(format!("{count} {} to mend; nothing was changed", if count == 1 { "problem" } else { "problems" }));
}

/// Prints one on stderr.
pub fn draw(it: &Diagnostic, sources: &Sources, term: &Term) {
    let mut drawn = MietteDiagnostic::new(headline(it)).with_code(it.code.clone());
    drawn.severity =
        Some(if it.severity == Severity::Error { miette::Severity::Error } else { miette::Severity::Warning });
    drawn.help = help(it);
    let source = file(&it.at).and_then(|position| Some((position, sources.text(&position.file)?)));
    let Some((position, text)) = source else { return term.note(render(&Report::new(drawn), term)) };
    let mut labels = vec![LabeledSpan::at(span(text, position.line, position.column), "here")];
    for (place, what) in &it.related {
        if let Some(other) = file(place).filter(|other| other.file == position.file) {
            labels.push(LabeledSpan::at(span(text, other.line, other.column), what));
        }
    }
    drawn.labels = Some(labels);
    let report = Report::new(drawn).with_source_code(NamedSource::new(&position.file, text.to_owned()));
    term.note(render(&report, term));
}

/// The message, with its place in front where an editor or a script looks for it.
fn headline(it: &Diagnostic) -> String {
    match &it.at {
        Place::File(position) => format!("{position}: {}", it.message),
        Place::Component { component, path } => format!("{component}{path}: {}", it.message),
        Place::Resource { address, path } => format!("{address}{path}: {}", it.message),
        Place::Input => it.message.clone(),
    }
}

/// The way out, and the places in other files.
fn help(it: &Diagnostic) -> Option<String> {
    let here = file(&it.at).map(|position| &position.file);
    let elsewhere = it.related.iter().filter_map(|(place, what)| {
        let other = file(place).filter(|other| Some(&other.file) != here)?;
        Some(format!("{other}: {what}"))
    });
    let lines: Vec<String> = it.help.iter().cloned().chain(elsewhere).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn file(place: &Place) -> Option<&deployer_engine::diagnostic::Position> {
    match place {
        Place::File(position) => Some(position),
        _ => None,
    }
}

fn render(report: &Report, term: &Term) -> String {
    let theme = if term.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(term.width).with_links(false);
    if handler.render_report(&mut text, report.as_ref()).is_err() {
        text = report.to_string();
    }
    text
}

/// The word that starts at a position.
fn span(text: &str, line: u32, column: u32) -> std::ops::Range<usize> {
    let index = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let here = text[before..].lines().next().unwrap_or("");
    let skip = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let start: usize = here.chars().take(skip).map(char::len_utf8).sum();
    let word = here[start..]
        .find(|c: char| c.is_whitespace() || c == ':')
        .filter(|length| *length > 0)
        .unwrap_or(here.len() - start);
    before + start..before + start + word
}

/// Problems as data.
pub fn json(problems: &[Diagnostic]) -> Value {
    json!({ "problems": problems })
}
