//! What a person sees: the real binary in a real pseudo-terminal, resized meanwhile, its screen held against golden text.
//!
//! The emulator holds a call back while the screen is looked at, so that nothing depends on how fast anything is.
//! `UPDATE_EXPECT=1` writes what is; read the diff.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    process::{Child, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use deployer_tests::{Result, build, emulator::Emulator, product::Product, sweep::tour};
use pty_process::{Size, blocking::Pty};

/// A hundred times as fast as AWS.
const SCALE: f64 = 0.01;
const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];
const ONE_BY_ONE: &[&str] = &["apply", "-e", "dev", "--auto-approve", "--parallelism", "1"];
const DESTROY: &[&str] = &["destroy", "-e", "dev", "--auto-approve"];
/// After so long without a word it is not slow but hangs.
const SILENCE: Duration = Duration::from_secs(120);
/// After so many words that are not the awaited one, it will not come.
const MANY: usize = 200;
/// What only the bar over all steps says.
const BAR: &str = " steps, ";

/// What a terminal that was resized is sent: its whole screen is made anew.
const ANEW: &str = "\x1b[H\x1b[J";

/// A terminal with the product in it.
struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    chunks: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    bytes: Vec<u8>,
    /// It has come to rest at its size: what stands on it has to be right at any moment.
    strict: bool,
}

impl Terminal {
    fn start(product: &Product, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let mut command = product.command(arguments);
        command.env_remove("CI").env_remove("NO_COLOR").env("TERM", "xterm-256color");
        command.envs(variables.iter().copied());
        let (pty, child_side) = pty_process::blocking::open()?;
        pty.resize(Size::new(24, 80))?;
        let child = pty_process::blocking::Command::from(command).spawn(child_side)?;
        let pty = Arc::new(pty);
        let (send, chunks) = channel();
        let reader = pty.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            // The end of the last one that has it open is an error here.
            while let Ok(length) = (&*reader).read(&mut buffer) {
                if length == 0 || send.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let parser = vt100::Parser::new(24.try_into()?, 80.try_into()?, 10_000);
        Ok(Self { pty, child, chunks, parser, bytes: Vec::new(), strict: true })
    }

    fn resize(&mut self, columns: u16, rows: u16) -> Result<()> {
        self.parser.screen_mut().set_size(rows.try_into()?, columns.try_into()?);
        Ok(self.pty.resize(Size::new(rows, columns))?)
    }

    /// Takes in what comes next; false at the end.
    fn read(&mut self) -> bool {
        let bytes = match self.chunks.recv_timeout(SILENCE) {
            Ok(bytes) => bytes,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return false,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("nothing is said any more:\n{}", self.rows().join("\n"));
            }
        };
        self.take(bytes);
        true
    }

    fn take(&mut self, bytes: Vec<u8>) {
        self.parser.process(&bytes);
        self.bytes.extend(bytes);
        if self.strict {
            self.nothing_twice();
        }
    }

    /// Until the screen says something.
    fn until(&mut self, words: &str) {
        while !self.rows().iter().any(|row| row.contains(words)) {
            assert!(self.read(), "it ended and did not say `{words}`:\n{}", self.rows().join("\n"));
        }
    }

    /// Until it has painted after something that it sends now; what is on its way was sent before.
    fn painted_after(&mut self, sign: &str) {
        while let Ok(bytes) = self.chunks.try_recv() {
            self.take(bytes);
        }
        let before = self.bytes.len();
        let painted = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let after = text
                .split_once(sign)
                .and_then(|(_, after)| after.split_once(BAR))
                .map(|(_, after)| after.contains('\n'));
            after.unwrap_or(false)
        };
        for _ in 0..MANY {
            if painted(&self.bytes[before..]) {
                return;
            }
            assert!(self.read(), "it ended:\n{}", self.rows().join("\n"));
        }
        panic!("it does not heed the resize:\n{}", self.rows().join("\n"));
    }

    /// To its end, with its exit code.
    fn end(&mut self) -> Result<Option<i32>> {
        while self.read() {}
        Ok(self.child.wait()?.code())
    }

    fn rows(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let mut rows: Vec<String> =
            screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    /// Lines that stay are there once, at any moment. The bar is the last to be painted, so it may stand there once at most as well.
    fn nothing_twice(&self) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for row in self.rows() {
            let done = ["created", "changed", "deleted"].iter().any(|word| row.contains(&format!("  {word} ")));
            if done || row.contains(BAR) {
                let what = if row.contains(BAR) { BAR.to_owned() } else { row };
                *seen.entry(what).or_default() += 1;
            }
        }
        let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{twice:?} in\n{}", self.rows().join("\n"));
    }

    /// What is on the screen, in lines: an address is not broken, so that it can be copied, and nothing else is wider than a row.
    fn lines(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let mut lines: Vec<String> = Vec::new();
        let mut goes_on = false;
        for (place, row) in (0u16..).zip(self.rows()) {
            match lines.last_mut() {
                Some(line) if goes_on => line.push_str(&row),
                _ => lines.push(row),
            }
            goes_on = screen.row_wrapped(place);
            let line = lines.last().unwrap();
            assert!(!goes_on || line.contains("http://"), "wider than the terminal: {line}");
        }
        lines
    }

    /// The screen, as `fixtures/terminal/NAME.txt` has it.
    fn shows(&self, name: &str) -> Result<()> {
        golden(name, &normal(&self.lines().join("\n")))
    }

    /// The same once it has painted for its size: what was on its way is for another one.
    fn comes_to_show(&mut self, name: &str) -> Result<()> {
        self.strict = false;
        self.painted_after(ANEW);
        for _ in 0..5 {
            self.painted_after("");
        }
        self.strict = true;
        self.nothing_twice();
        self.shows(name)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// From the deployment's first line on, with names in place of what differs from run to run.
fn normal(text: &str) -> String {
    let mut out = String::new();
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.contains("deployment 1: 9 steps")).unwrap_or_default();
    for line in &lines[first..] {
        let words: Vec<&str> = line.split(' ').collect();
        let mut normal: Vec<String> = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let seconds = *word == "s" && place > 0 && is_number(words[place - 1]);
            match () {
                () if seconds => {}
                () if is_time(word) || is_number(word) && words.get(place + 1) == Some(&"s") => {
                    let ending = if word.ends_with(',') { "," } else { "" };
                    normal.push(format!("<time>{ending}"));
                }
                () => normal.push(named(word)),
            }
        }
        let mut line = normal.join(" ");
        while line.contains("   <time>") {
            line = line.replace("   <time>", "  <time>");
        }
        out.push_str(&format!("{line}\n"));
    }
    out
}

/// `0:04`, `1:02:03`.
fn is_time(word: &str) -> bool {
    let word = word.trim_end_matches(',');
    word.contains(':') && word.split(':').all(is_number)
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The emulator's port, an account and a minted name's end are others each time.
fn named(word: &str) -> String {
    match (word.rsplit_once('/'), word.rsplit_once('-')) {
        (Some((before, name)), _) if before.starts_with("http://127.0.0.1:") => format!("<queues>/{name}"),
        (_, Some(("shop-dev-receipts", _))) => "shop-dev-receipts-<suffix>".to_owned(),
        _ => word.to_owned(),
    }
}

fn golden(name: &str, found: &str) -> Result<()> {
    let path = build::workspace().join("fixtures/terminal").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return Ok(fs::write(path, found)?);
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} is other than its golden text; expected:\n{expected}\nfound:\n{found}");
    Ok(())
}

fn shop(emulator: &Emulator, name: &str) -> Result<Product> {
    let product = Product::new(&emulator.client(name))?;
    (tour::QUEUES.fill)(&product)?;
    Ok(product)
}

#[test]
fn progress_is_right_at_any_size_and_the_end_is_what_stays() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let product = shop(&emulator, "seen")?;
    let client = product.client();
    client.freeze(3, "before")?;
    let mut terminal = Terminal::start(&product, ONE_BY_ONE, &[])?;
    terminal.until("2/9 steps");
    terminal.until("creating Queue");
    let held = client.wait_frozen(60_000)?;
    assert!(held.is_some(), "no call came:\n{}", terminal.rows().join("\n"));
    terminal.shows("running")?;
    for (columns, rows, name) in [(100, 30, "running"), (80, 24, "running"), (60, 10, "small"), (80, 24, "running")] {
        terminal.resize(columns, rows)?;
        terminal.comes_to_show(name)?;
    }
    // What a terminal cut off is there again, even if it was so narrow for a moment only.
    terminal.resize(15, 24)?;
    terminal.resize(80, 24)?;
    terminal.comes_to_show("running")?;
    client.unfreeze()?;
    assert_eq!(terminal.end()?, Some(0));
    terminal.shows("end")?;
    assert!(!terminal.rows().iter().any(|row| row.contains(BAR)), "the bar is left behind");
    Ok(())
}

#[test]
fn a_terminal_that_is_resized_all_the_time_shows_nothing_twice() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let product = shop(&emulator, "resized")?;
    let client = product.client();
    for arguments in [APPLY, DESTROY] {
        client.clear_calls()?;
        client.freeze(4, "before")?;
        let mut terminal = Terminal::start(&product, arguments, &[])?;
        terminal.until(BAR);
        assert!(client.wait_frozen(60_000)?.is_some(), "no call came:\n{}", terminal.rows().join("\n"));
        // Faster than it can paint, and back to where it was.
        terminal.strict = false;
        for (columns, rows) in [(100, 30), (70, 12), (120, 9), (90, 40), (60, 8), (80, 24)].into_iter().cycle().take(60)
        {
            terminal.resize(columns, rows)?;
        }
        (0..5).for_each(|_| terminal.painted_after(""));
        terminal.strict = true;
        terminal.nothing_twice();
        // Smaller terminals have cut what was said: it is whole again.
        let sent = plain(&terminal.bytes);
        for row in terminal.lines() {
            assert!(sent.lines().any(|line| line.trim_end() == row), "`{row}` was not said like this");
        }
        client.unfreeze()?;
        assert_eq!(terminal.end()?, Some(0));
        let all = terminal.lines().join("\n");
        assert!(!all.contains(BAR), "the bar is left behind:\n{all}");
        assert!(all.contains("each confirmed by a read"), "{all}");
    }
    Ok(())
}

/// Without sequences for the terminal.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('\r', "");
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        all + part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or_default()
    })
}

/// What would move a cursor or change a colour; a line's end is none.
fn control(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| (*byte < 0x20 && *byte != b'\n') || *byte == 0x7f).collect()
}

#[test]
fn without_a_terminal_and_in_ci_there_are_plain_lines_with_times() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let piped = shop(&emulator, "piped")?;
    let mut command = piped.command(ONE_BY_ONE);
    let said = command.env_remove("CI").env("TERM", "xterm-256color").stdin(Stdio::null()).output()?;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!((control(&said.stdout), control(&said.stderr)), (Vec::new(), Vec::new()));
    golden("plain", &normal(&String::from_utf8(said.stdout)?))?;

    for (name, variables) in [("ci", [("CI", "true")]), ("dumb", [("TERM", "dumb")])] {
        let product = shop(&emulator, name)?;
        let mut terminal = Terminal::start(&product, ONE_BY_ONE, &variables)?;
        assert_eq!(terminal.end()?, Some(0), "{}", terminal.rows().join("\n"));
        // A terminal's driver makes CR LF of each end of a line.
        let bytes: Vec<u8> = String::from_utf8_lossy(&terminal.bytes).replace("\r\n", "\n").into_bytes();
        assert_eq!(control(&bytes), Vec::<u8>::new(), "{name}: {}", String::from_utf8_lossy(&bytes));
        golden("plain", &normal(&String::from_utf8(bytes)?))?;
    }
    Ok(())
}
