//! What is printed, and how: the terminal's width, colours, and whether anything may move or ask.
//!
//! Nothing is animated, coloured or prompted when stdout is not a terminal or `CI` is set.

use std::{
    fmt::Display,
    io::{BufRead, IsTerminal},
};

use anstyle::{AnsiColor, Style};

use crate::{
    args::{Global, When},
    render::progress::screen::{self, Stream},
};

/// How output is made.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Colours are used.
    pub color: bool,
    /// Lines may move.
    pub lively: bool,
    /// Questions may be asked.
    pub asks: bool,
    /// Columns.
    pub width: usize,
    /// How much to say: -1 quiet, 0, 1, 2.
    pub level: i8,
}

/// What a colour means.
#[derive(Clone, Copy, Debug)]
pub enum Tone {
    /// New.
    Good,
    /// Changed.
    Change,
    /// Deleted, failed.
    Bad,
    /// A name.
    Strong,
    /// Less important.
    Faint,
}

impl Term {
    /// As the machine and the flags say.
    pub fn new(global: &Global) -> Self {
        let terminal = std::io::stdout().is_terminal() && std::env::var_os("CI").is_none();
        let plain = std::env::var_os("NO_COLOR").is_some() || std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let color = match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !plain,
        };
        let width = rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| usize::from(size.ws_col));
        let lively = terminal && !plain && !global.json && !global.quiet;
        if lively {
            screen::enliven();
        }
        let level = if global.quiet { -1 } else { i8::try_from(global.verbose).unwrap_or(2) };
        Self {
            color: color && !global.json,
            lively,
            asks: terminal && std::io::stdin().is_terminal() && !global.no_input && !global.json,
            width: if width >= 40 { width } else { 120 },
            level,
        }
    }

    /// `text` in a tone.
    pub fn paint(&self, tone: Tone, text: impl Display) -> String {
        if !self.color {
            return text.to_string();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Change => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Strong => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }

    /// A line on stdout. A reader that went away is no error.
    pub fn line(&self, text: impl Display) {
        screen::say(Stream::Out, &text.to_string());
    }

    /// A line on stdout that `-q` leaves out.
    pub fn say(&self, text: impl Display) {
        if self.level >= 0 {
            self.line(text);
        }
    }

    /// A line on stderr.
    pub fn note(&self, text: impl Display) {
        screen::say(Stream::Err, &text.to_string());
    }

    /// Asks for a `yes`.
    pub fn confirm(&self, question: &str) -> bool {
        let question = format!("\n{question} Only `yes` is taken for an answer: ");
        let answer = screen::ask(&question, || {
            let mut answer = String::new();
            // What cannot be read is no `yes`.
            let read = std::io::stdin().lock().read_line(&mut answer);
            read.map(|_| answer).unwrap_or_default()
        });
        answer.trim() == "yes"
    }
}

/// Where logs go that are meant for stderr: past what is painted there.
#[derive(Clone, Copy, Debug)]
pub struct Notes;

impl std::io::Write for Notes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        screen::write(Stream::Err, &String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// At most `width` columns of `text`, with an ellipsis where it was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}
