//! From text to nodes: the events of a YAML parser, with limits on what a file may unfold to.

use std::collections::HashMap;

use deployer_engine::diagnostic::{Diagnostic, Place, Position};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::Number;

use crate::node::{Entry, Layer, Node, Origin, Yaml};

/// Aliases make small files large: this many nodes are enough for any stack file.
const MAX_NODES: usize = 100_000;
/// Deeper than any sane document.
const MAX_DEPTH: usize = 64;

/// The documents of a file; problems where it cannot be read.
pub(crate) fn parse(file: &str, text: &str, problems: &mut Vec<Diagnostic>) -> Vec<Node> {
    let mut reader =
        Reader { file, parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, problems: Vec::new() };
    let mut documents = Vec::new();
    if let Err(problem) = reader.documents(&mut documents) {
        let tab = problem_of_tab(file, text);
        problems.push(tab.unwrap_or(*problem));
    }
    problems.append(&mut reader.problems);
    documents
}

/// Tabs in indentation make YAML fail in confusing ways: say it plainly.
fn problem_of_tab(file: &str, text: &str) -> Option<Diagnostic> {
    let is_bad =
        |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') && !line.trim().is_empty();
    let line = text.lines().position(is_bad)?;
    let column = text.lines().nth(line)?.chars().position(|c| c == '\t')?;
    let at = Position {
        file: file.to_owned(),
        line: u32::try_from(line).ok()? + 1,
        column: u32::try_from(column).ok()? + 1,
    };
    Some(
        Diagnostic::error("tab", Place::File(at), "a tab stands in the indentation; YAML takes spaces only")
            .help("replace it by two spaces"),
    )
}

struct Reader<'a> {
    file: &'a str,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    problems: Vec<Diagnostic>,
}

type Read<T> = Result<T, Box<Diagnostic>>;

impl<'a> Reader<'a> {
    fn origin(&self, span: Span, quoted: bool) -> Origin {
        let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        let at = Position {
            file: self.file.to_owned(),
            line: number(span.start.line()),
            column: number(span.start.col()) + 1,
        };
        Origin { at: Some(at.into()), layer: Layer::Component, quoted }
    }

    fn next(&mut self) -> Read<(Event<'a>, Span)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let marker = *error.marker();
                let origin = self.origin(Span::new(marker, marker), false);
                Err(Box::new(Diagnostic::error(
                    "bad-yaml",
                    origin.place(),
                    format!("this is not YAML: {}", error.info()),
                )))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn documents(&mut self, found: &mut Vec<Node>) -> Read<()> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), _) => {
                    let (event, span) = self.next()?;
                    self.anchors.clear();
                    found.push(self.node(event, span, 0)?);
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Read<Node> {
        self.nodes += 1;
        let refuse =
            |code, message: &str| Err(Box::new(Diagnostic::error(code, self.origin(span, false).place(), message)));
        if self.nodes > MAX_NODES {
            return refuse("too-many-values", "the file holds more than 100,000 values once its aliases are put in");
        }
        if depth > MAX_DEPTH {
            return refuse("too-deep", "values are nested more than 64 deep");
        }
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
                let value = if plain { scalar(&text) } else { Yaml::Text(text.into_owned()) };
                (anchor, Node { value, origin: self.origin(span, quoted) })
            }
            Event::SequenceStart(anchor, _) => {
                (anchor, Node { value: self.list(depth)?, origin: self.origin(span, false) })
            }
            Event::MappingStart(anchor, _) => {
                (anchor, Node { value: self.map(depth)?, origin: self.origin(span, false) })
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().unwrap_or_default();
                self.nodes += size(&node);
                (0, node)
            }
            _ => (0, Node { value: Yaml::Null, origin: self.origin(span, false) }),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Read<Yaml> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Yaml::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Read<Yaml> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Yaml::Map(entries));
            }
            let Event::Scalar(key, ..) = event else {
                let place = self.origin(span, false).place();
                return Err(Box::new(Diagnostic::error("bad-key", place, "a key has to be a plain text")));
            };
            let origin = self.origin(span, false);
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            self.check_key(&key, &origin, &entries);
            entries.push(Entry { key: key.into_owned(), origin, node });
        }
    }

    fn check_key(&mut self, key: &str, origin: &Origin, entries: &[Entry]) {
        if let Some(first) = entries.iter().find(|entry| entry.key == key) {
            let problem =
                Diagnostic::error("duplicate-key", origin.place(), format!("`{key}` stands here a second time"));
            self.problems.push(problem.related(first.origin.place(), "first here"));
        }
        if key.starts_with('$') && key != "$patch" {
            let message = format!("`{key}`: keys that start with `$` are reserved");
            self.problems.push(Diagnostic::error("reserved-key", origin.place(), message));
        }
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Yaml::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Yaml::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.node)).sum::<usize>(),
        _ => 1,
    }
}

/// What an unquoted scalar means in YAML 1.2's core schema.
fn scalar(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Yaml::Null,
        "true" | "True" | "TRUE" => return Yaml::Bool(true),
        "false" | "False" | "FALSE" => return Yaml::Bool(false),
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let hex = text.strip_prefix("0x").and_then(|rest| i64::from_str_radix(rest, 16).ok());
    let octal = text.strip_prefix("0o").and_then(|rest| i64::from_str_radix(rest, 8).ok());
    if let Some(number) = hex.or(octal).or_else(|| text.parse().ok()).filter(|_| numeric) {
        return Yaml::Number(number.into());
    }
    let float = text.parse::<f64>().ok().filter(|_| numeric && text.contains(|c: char| c.is_ascii_digit()));
    float.and_then(Number::from_f64).map_or_else(|| Yaml::Text(text.to_owned()), Yaml::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::node::Origins;

    fn plain(text: &str) -> (Vec<Value>, Vec<String>) {
        let mut problems = Vec::new();
        let nodes = parse("f.yaml", text, &mut problems);
        let said = problems.iter().map(|it| match &it.at {
            Place::File(at) => format!("{}:{} {}", at.line, at.column, it.code),
            _ => it.code.clone(),
        });
        (nodes.iter().map(|node| node.plain("", &mut Origins::new())).collect(), said.collect())
    }

    #[test]
    fn values_are_those_of_the_core_schema() {
        let (values, problems) =
            plain("a: 1\nb: '1'\nc: yes\nd: 0x10\ne: 1.5\nf: ~\ng: [true, -3]\nh: 007\n---\nx: &y {z: 1}\nw: *y\n");
        assert_eq!(values[0], json!({"a": 1, "b": "1", "c": "yes", "d": 16, "e": 1.5, "g": [true, -3], "h": 7}));
        assert_eq!(values[1], json!({"x": {"z": 1}, "w": {"z": 1}}));
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn problems_have_places() {
        assert_eq!(plain("a: 1\nb: 2\na: 3\n").1, ["3:1 duplicate-key"]);
        assert_eq!(plain("a:\n\tb: 1\n").1, ["2:1 tab"]);
        assert_eq!(plain("a: {b: 1\n").1.len(), 1);
        assert_eq!(plain("spec:\n  $ref: 1\n").1, ["2:3 reserved-key"]);
        let bomb = (0..9).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, i| {
            let item = format!("*a{i}");
            text + &format!("a{}: &a{} [{}]\n", i + 1, i + 1, [item.as_str(); 9].join(","))
        });
        assert_eq!(plain(&bomb).1.len(), 1);
    }
}
