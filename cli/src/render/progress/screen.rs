//! The terminal: lines that scroll up, and below them a few rows that are painted again and again.
//!
//! Everything that is printed goes through here: a line printed behind the painter's back would be painted over or left behind
//! twice. A terminal that is resized moves what was painted, each in its own way; so then its whole screen is made anew.

use std::{
    collections::VecDeque,
    io::{IsTerminal, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::text::{cut, wrapped};

/// How many printed lines are remembered: more than any screen has rows.
const KEPT: usize = 400;
/// To the top left, and nothing below it.
const ANEW: &str = "\x1b[H\x1b[J";

/// Where a line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What was asked for.
    Out,
    /// What else there is to say.
    Err,
}

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// What was printed and what is painted; it only says which bytes that takes.
struct Area {
    said: VecDeque<String>,
    painted: Vec<String>,
    size: Size,
}

struct Screen {
    area: Area,
    /// Rows are painted here; else lines are only printed.
    lively: bool,
    /// Somebody is being asked.
    asking: bool,
}

static SCREEN: Mutex<Screen> =
    Mutex::new(Screen { area: Area::new(Size { columns: 80, rows: 24 }), lively: false, asking: false });

fn screen() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How large the terminal is now.
pub fn size() -> Size {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let size = size.map(|it| Size { columns: it.ws_col.into(), rows: it.ws_row.into() });
    size.filter(|it| it.columns > 0 && it.rows > 0).unwrap_or(Size { columns: 80, rows: 24 })
}

/// The terminal was resized, perhaps to the size that it had before, and others in between.
pub fn resized() {
    screen().area.size = Size { columns: 0, rows: 0 };
}

/// From now on rows may be painted.
pub fn enliven() {
    screen().lively = true;
}

/// A line; what is painted stays below it. A reader that went away is no error.
pub fn say(stream: Stream, text: &str) {
    write(stream, &format!("{text}\n"));
}

/// The same for text that brings its own ends of lines.
pub fn write(stream: Stream, text: &str) {
    let mut screen = screen();
    let elsewhere = stream == Stream::Err && !std::io::stderr().is_terminal();
    if !screen.lively || elsewhere {
        return raw(stream, text);
    }
    let before = screen.area.lift(size());
    screen.area.remember(text);
    raw(Stream::Out, &before);
    raw(stream, text);
    raw(Stream::Out, &screen.area.again());
}

/// Paints these rows below what was printed, in place of those that are there.
pub fn paint(rows: Vec<String>) {
    let mut screen = screen();
    if screen.lively && !screen.asking {
        raw(Stream::Out, &screen.area.paint(rows, size()));
    }
}

/// Asks; what is painted goes away, and nothing is painted until the answer is there.
pub fn ask(question: &str, answer: impl FnOnce() -> String) -> String {
    {
        let mut screen = screen();
        raw(Stream::Out, &screen.area.paint(Vec::new(), size()));
        screen.asking = true;
        raw(Stream::Out, question);
    }
    let answer = answer();
    let mut screen = screen();
    screen.asking = false;
    screen.area.remember(&format!("{question}{answer}"));
    answer
}

fn raw(stream: Stream, text: &str) {
    if text.is_empty() {
        return;
    }
    let _ = match stream {
        Stream::Out => {
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        }
        Stream::Err => std::io::stderr().lock().write_all(text.as_bytes()),
    };
}

impl Area {
    const fn new(size: Size) -> Self {
        Self { said: VecDeque::new(), painted: Vec::new(), size }
    }

    fn remember(&mut self, text: &str) {
        self.said.extend(text.lines().map(str::to_owned));
        let surplus = self.said.len().saturating_sub(KEPT);
        self.said.drain(..surplus);
    }

    /// To where the painted rows begin. After this they are no longer there, or are painted over.
    fn back(&mut self, size: Size, next: usize) -> String {
        let anew = size != self.size;
        self.size = size;
        match self.painted.len() {
            0 => String::new(),
            _ if anew => format!("{ANEW}{}", self.last_said(size.rows.saturating_sub(next + 1))),
            rows => format!("\r\x1b[{rows}A"),
        }
    }

    /// The last printed lines that fit into so many rows.
    fn last_said(&self, rows: usize) -> String {
        // What was as wide as the terminal was before is wider than it is now.
        let lines = self.said.iter().rev().take(rows).map(|line| wrapped(line, self.size.columns));
        let mut room = rows;
        let fits = |line: &String| {
            let needs = line.lines().count().max(1);
            let fits = needs <= room;
            room = room.saturating_sub(needs);
            fits
        };
        let mut shown: Vec<String> = lines.take_while(fits).collect();
        shown.reverse();
        shown.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Makes room for a line.
    fn lift(&mut self, size: Size) -> String {
        let back = self.back(size, self.painted.len());
        if back.is_empty() { back } else { format!("{back}\x1b[J") }
    }

    /// Paints the same rows again, after `lift`.
    fn again(&mut self) -> String {
        self.painted = fit(std::mem::take(&mut self.painted), self.size);
        self.painted.iter().map(|row| format!("{row}\n")).collect()
    }

    fn paint(&mut self, rows: Vec<String>, size: Size) -> String {
        let rows = fit(rows, size);
        if rows == self.painted && size == self.size {
            return String::new();
        }
        let mut out = self.back(size, rows.len());
        if self.painted.len() > rows.len() {
            // Before the rows and not after them: a terminal may show what it has at any moment.
            out.push_str("\x1b[J");
        }
        rows.iter().for_each(|row| out.push_str(&format!("{row}\x1b[K\n")));
        self.painted = rows;
        out
    }
}

/// Rows as they fit: none is wrapped, and the cursor stands below them. The last of them is the one that matters most.
fn fit(rows: Vec<String>, size: Size) -> Vec<String> {
    let surplus = rows.len().saturating_sub(size.rows.saturating_sub(1));
    rows.into_iter().skip(surplus).map(|row| cut(&row, size.columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal as this module's bytes leave it.
    struct Seen {
        terminal: vt100::Parser,
        area: Area,
        size: Size,
    }

    impl Seen {
        fn new(columns: u16, rows: u16) -> Self {
            let size = Size { columns: columns.into(), rows: rows.into() };
            Self {
                terminal: vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 500),
                area: Area::new(size),
                size,
            }
        }

        fn resize(&mut self, columns: u16, rows: u16) {
            self.terminal.screen_mut().set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
            self.size = Size { columns: columns.into(), rows: rows.into() };
        }

        fn take(&mut self, bytes: &str) {
            self.terminal.process(bytes.replace('\n', "\r\n").as_bytes());
        }

        fn say(&mut self, text: &str) {
            let before = self.area.lift(self.size);
            self.area.remember(text);
            let after = self.area.again();
            self.take(&format!("{before}{text}\n{after}"));
        }

        fn paint(&mut self, rows: &[&str]) {
            let bytes = self.area.paint(rows.iter().map(|row| (*row).to_owned()).collect(), self.size);
            self.take(&bytes);
        }

        fn rows(&self) -> Vec<String> {
            self.terminal.screen().contents().trim_end().lines().map(|row| row.trim_end().to_owned()).collect()
        }
    }

    #[test]
    fn lines_scroll_up_above_what_is_painted() {
        let mut seen = Seen::new(20, 6);
        seen.paint(&["a", "b"]);
        (0..9).for_each(|number| seen.say(&format!("line {number}")));
        assert_eq!(seen.rows(), ["line 6", "line 7", "line 8", "a", "b"]);
        seen.paint(&["b"]);
        assert_eq!(seen.rows(), ["line 6", "line 7", "line 8", "b"]);
        seen.paint(&["a row that is wider than twenty"]);
        assert_eq!(seen.rows(), ["line 6", "line 7", "line 8", "a row that is wider…"]);
        seen.paint(&[]);
        assert_eq!(seen.rows(), ["line 6", "line 7", "line 8"]);
    }

    #[test]
    fn a_terminal_of_any_other_size_shows_nothing_twice() {
        for (columns, rows) in [(10, 6), (40, 6), (20, 4), (20, 12), (12, 3), (60, 20)] {
            let mut seen = Seen::new(20, 8);
            (0..7).for_each(|number| seen.say(&format!("line {number}")));
            seen.paint(&["a row of twenty cols", "b", "bar"]);
            seen.resize(columns, rows);
            seen.paint(&["a row of twenty cols!", "c", "bar"]);
            seen.say("line 7");
            seen.resize(20, 8);
            seen.paint(&["d", "bar"]);
            let expected = ["line 3", "line 4", "line 5", "line 6", "line 7", "d", "bar"];
            let found = seen.rows();
            assert!(found.len() <= 8, "{columns}x{rows}: {found:?}");
            let tail = &expected[expected.len() - found.len().min(expected.len())..];
            assert_eq!(&found[found.len() - tail.len()..], tail, "{columns}x{rows}: {found:?}");
            let mut once = found.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), found.len(), "{columns}x{rows}: {found:?}");
        }
    }

    #[test]
    fn more_rows_than_the_terminal_has_leave_the_last_ones() {
        let mut seen = Seen::new(20, 4);
        seen.say("line");
        seen.paint(&["1", "2", "3", "4", "5", "bar"]);
        assert_eq!(seen.rows(), ["4", "5", "bar"]);
        seen.paint(&["1", "2", "3", "4", "6", "bar"]);
        assert_eq!(seen.rows(), ["4", "6", "bar"]);
    }
}
