//! Text in columns: how wide it is, cut, and broken into lines.
//!
//! Colours are sequences of characters that take no columns, and some characters take two.

/// What a character takes of a line: nothing if it is part of a sequence for the terminal.
struct Columns {
    escaped: bool,
}

impl Columns {
    fn of(&mut self, c: char) -> usize {
        match c {
            '\x1b' => self.escaped = true,
            _ if self.escaped => self.escaped = !c.is_ascii_alphabetic(),
            _ => return unicode_width::UnicodeWidthChar::width(c).unwrap_or(0),
        }
        0
    }
}

/// How many columns a text takes.
pub fn columns(text: &str) -> usize {
    let mut columns = Columns { escaped: false };
    text.chars().map(|c| columns.of(c)).sum()
}

/// At most `width` columns of `text`, with an ellipsis where it was cut; colours end as they were to end.
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let (mut columns, mut used, mut kept, mut full) = (Columns { escaped: false }, 0, String::new(), false);
    for c in text.chars() {
        let wide = columns.of(c);
        let sequence = c == '\x1b' || columns.escaped || wide == 0;
        if !full && !sequence && used + wide >= width {
            kept.push('…');
            full = true;
        } else if sequence || !full {
            used += wide;
            kept.push(c);
        }
    }
    kept
}

/// Lines of at most `width` columns, broken between words; what was broken goes on under where it began.
pub fn wrapped(text: &str, width: usize) -> String {
    text.lines().map(|line| broken(line, width)).collect::<Vec<_>>().join("\n")
}

fn broken(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    let begins = line.chars().take_while(|c| *c == ' ').count();
    let under = if begins + 2 < width / 2 { begins + 2 } else { 0 };
    let (mut out, mut used) = (" ".repeat(begins), begins);
    let mut fresh = true;
    for word in line[begins..].split(' ') {
        for (place, piece) in pieces(word, width.saturating_sub(under.max(begins))).into_iter().enumerate() {
            let wide = columns(&piece);
            if place > 0 || !fresh && used + 1 + wide > width {
                out.push('\n');
                out.push_str(&" ".repeat(under));
                (used, fresh) = (under, true);
            }
            if !fresh {
                out.push(' ');
                used += 1;
            }
            out.push_str(&piece);
            used += wide;
            fresh = false;
        }
    }
    out
}

/// A word that is longer than a line, in pieces: names and URLs.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in word.chars() {
        if let Some(last) = pieces.last_mut() {
            last.push(c);
            if columns(last) > width.max(1) {
                last.pop();
                pieces.push(c.to_string());
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_columns() {
        assert_eq!(columns("\x1b[1mab\x1b[0m"), 2);
        assert_eq!(cut("\x1b[1mabcdef\x1b[0m", 4), "\x1b[1mabc…\x1b[0m");
        assert_eq!(cut("日本語", 4), "日…");
    }

    #[test]
    fn a_line_is_broken_between_words_and_a_long_word_anywhere() {
        assert_eq!(wrapped("  one two three four", 11), "  one two\n    three\n    four");
        assert_eq!(wrapped("one", 11), "one");
        let long = wrapped("  see arn:aws:ecs:eu-west-1:000000000001:task", 16);
        assert!(long.lines().all(|line| columns(line) <= 16), "{long}");
        assert_eq!(long.replace(['\n', ' '], ""), "seearn:aws:ecs:eu-west-1:000000000001:task");
    }
}
