//! What is printed, and how: the terminal's width, colours, and whether anything may move or ask.
//!
//! Nothing is animated, coloured or prompted when stdout is not a terminal or `CI` is set.

use std::{
    fmt::Display,
    io::{BufRead, IsTerminal, Write},
};

use anstyle::{AnsiColor, Style};

use crate::args::{Global, When};

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
        let level = if global.quiet { -1 } else { i8::try_from(global.verbose).unwrap_or(2) };
        Self {
            color: color && !global.json,
            lively: terminal && !plain && !global.json && !global.quiet,
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
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// A line on stdout that `-q` leaves out.
    pub fn say(&self, text: impl Display) {
        if self.level >= 0 {
            self.line(text);
        }
    }

    /// A line on stderr.
    pub fn note(&self, text: impl Display) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Asks for a `yes`.
    pub fn confirm(&self, question: &str) -> bool {
        let mut out = std::io::stdout().lock();
        let _ = write!(out, "\n{question} Only `yes` is taken for an answer: ");
        let _ = out.flush();
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer).is_ok();
        read && answer.trim() == "yes"
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
