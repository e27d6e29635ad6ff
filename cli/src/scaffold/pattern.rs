//! Patterns of schemas, as far as texts that fit can be drawn from them: a row of characters or classes of them, each some times.
//!
//! Of alternatives one is chosen, and groups that may be left out are: what is drawn fits all the same. What looks around is not
//! read, and whoever asked takes a word of its own.

/// One place of a pattern: what may stand there, and how often.
#[derive(Clone, Debug)]
struct Place {
    /// Ranges of characters.
    ranges: Vec<(char, char)>,
    /// All but those.
    negated: bool,
    least: usize,
    most: usize,
}

/// A simple pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    places: Vec<Place>,
    /// It has to hold from the first character on, and to the last.
    ends: (bool, bool),
}

/// Longer than this, repetitions are not counted.
const MANY: usize = 4096;

impl Pattern {
    /// Reads one, of each alternative the first, or with `choice` 1 the second; none if it is not simple.
    pub fn read(text: &str, choice: usize) -> Option<Self> {
        let inner = text.strip_prefix('^').unwrap_or(text);
        let starts = inner.len() < text.len();
        let (inner, ends) = match inner.strip_suffix('$').or_else(|| inner.strip_suffix("\\Z")) {
            Some(cut) if !cut.ends_with('\\') => (cut, true),
            _ => (inner, false),
        };
        let letters: Vec<char> = inner.chars().collect();
        let mut rest = letters.as_slice();
        let places = alternatives(&mut rest, choice)?;
        rest.is_empty().then_some(Self { places, ends: (starts, ends) })
    }

    /// True if `text` fits, all of it.
    pub fn fits(&self, text: &str) -> bool {
        let letters: Vec<char> = text.chars().collect();
        fits(&self.places, &letters, self.ends.1)
            || !self.ends.0 && (1..letters.len()).any(|from| fits(&self.places, &letters[from..], self.ends.1))
    }

    /// Two texts that fit, of at least so many characters; the second is another one if there is another.
    pub fn texts(&self, least: usize) -> Option<(String, String)> {
        let length = |place: &Place| place.least.max(usize::from(place.most > 0));
        let mut counts: Vec<usize> = self.places.iter().map(length).collect();
        let lacks = least.saturating_sub(counts.iter().sum());
        let stretched = self.places.iter().zip(&mut counts).max_by_key(|(place, _)| place.most)?;
        *stretched.1 = (*stretched.1 + lacks).min(stretched.0.most);
        let mut text = (String::new(), String::new());
        for (place, count) in self.places.iter().zip(counts) {
            let mut all = place.letters();
            let (first, second) = (all.next()?, all.next());
            text.0.extend(std::iter::repeat_n(first, count));
            text.1.extend(std::iter::repeat_n(second.unwrap_or(first), count));
        }
        Some(text)
    }
}

impl Place {
    fn takes(&self, letter: char) -> bool {
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) != self.negated
    }

    /// What may stand here, the plain ones first.
    fn letters(&self) -> impl Iterator<Item = char> + '_ {
        let plain = ('a'..='z').chain('A'..='Z').chain('0'..='9');
        plain.chain((' '..='~').filter(|it| !it.is_ascii_alphanumeric())).filter(|it| self.takes(*it))
    }
}

fn fits(places: &[Place], letters: &[char], to_the_end: bool) -> bool {
    let Some((place, others)) = places.split_first() else { return letters.is_empty() || !to_the_end };
    let run = letters.iter().take(place.most).take_while(|it| place.takes(**it)).count();
    (place.least..=run).rev().any(|count| fits(others, &letters[count..], to_the_end))
}

/// Rows with bars in between, up to the end or the end of the group.
fn alternatives(rest: &mut &[char], choice: usize) -> Option<Vec<Place>> {
    let mut all = vec![row(rest, choice)?];
    while rest.first() == Some(&'|') {
        next(rest);
        all.push(row(rest, choice)?);
    }
    let chosen = choice.min(all.len() - 1);
    Some(all.swap_remove(chosen))
}

fn row(rest: &mut &[char], choice: usize) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    while let Some(first) = rest.first().filter(|it| !"|)".contains(**it)) {
        if *first == '(' {
            next(rest);
            match rest {
                ['?', ':', others @ ..] => *rest = others,
                ['?', ..] => return None,
                _ => {}
            }
            let group = alternatives(rest, choice)?;
            next(rest).filter(|it| *it == ')')?;
            let (least, _) = times(rest)?;
            (0..least).for_each(|_| places.extend(group.iter().cloned()));
        } else {
            let (ranges, negated) = one(rest)?;
            let (least, most) = times(rest)?;
            places.push(Place { ranges, negated, least, most });
        }
    }
    (places.len() <= MANY).then_some(places)
}

type Set = (Vec<(char, char)>, bool);

/// The next character or class.
fn one(rest: &mut &[char]) -> Option<Set> {
    let first = next(rest)?;
    match first {
        '(' | ')' | '|' | '*' | '+' | '?' | '{' | '}' | '^' | '$' => None,
        '.' => Some((vec![('\n', '\n')], true)),
        '\\' => escaped(rest),
        '[' => class(rest),
        plain => Some((vec![(plain, plain)], false)),
    }
}

fn next(rest: &mut &[char]) -> Option<char> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

/// What follows a backslash.
fn escaped(rest: &mut &[char]) -> Option<Set> {
    let digits = vec![('0', '9')];
    let word = vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')];
    let space = vec![(' ', ' '), ('\t', '\r')];
    Some(match next(rest)? {
        'd' => (digits, false),
        'D' => (digits, true),
        'w' => (word, false),
        'W' => (word, true),
        's' => (space, false),
        'S' => (space, true),
        'n' => (vec![('\n', '\n')], false),
        't' => (vec![('\t', '\t')], false),
        'r' => (vec![('\r', '\r')], false),
        'u' => code(rest, 4)?,
        'x' => code(rest, 2)?,
        other if other.is_ascii_alphanumeric() => return None,
        other => (vec![(other, other)], false),
    })
}

fn code(rest: &mut &[char], digits: usize) -> Option<Set> {
    let text: String = rest.get(..digits)?.iter().collect();
    *rest = &rest[digits..];
    let letter = char::from_u32(u32::from_str_radix(&text, 16).ok()?)?;
    Some((vec![(letter, letter)], false))
}

/// A class, after its `[`.
fn class(rest: &mut &[char]) -> Option<Set> {
    let negated = rest.first() == Some(&'^');
    if negated {
        next(rest);
    }
    let mut ranges = Vec::new();
    loop {
        let set = match next(rest)? {
            ']' => return (!ranges.is_empty()).then_some((ranges, negated)),
            '[' | '&' if matches!(rest.first(), Some(':' | '&')) => return None,
            '\\' => escaped(rest)?,
            plain => (vec![(plain, plain)], false),
        };
        // All but digits, inside of a class: no simple pattern has that.
        if set.1 {
            return None;
        }
        let single = set.0.len() == 1 && set.0[0].0 == set.0[0].1;
        if single && rest.first() == Some(&'-') && rest.get(1).is_some_and(|it| *it != ']') {
            next(rest);
            let to = match next(rest)? {
                '\\' => escaped(rest)?.0.first()?.0,
                plain => plain,
            };
            ranges.push((set.0[0].0, to));
        } else {
            ranges.extend(set.0);
        }
    }
}

/// How often, after a character or class.
fn times(rest: &mut &[char]) -> Option<(usize, usize)> {
    let found = match rest.first() {
        Some('*') => (0, MANY),
        Some('+') => (1, MANY),
        Some('?') => (0, 1),
        Some('{') => {
            let close = rest.iter().position(|it| *it == '}')?;
            let text: String = rest[1..close].iter().collect();
            *rest = &rest[close + 1..];
            return Some(match text.split_once(',') {
                None => (text.parse().ok()?, text.parse().ok()?),
                Some((least, "")) => (least.parse().ok()?, MANY),
                Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
            });
        }
        _ => return Some((1, 1)),
    };
    next(rest);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_simple_is_read_and_met() {
        for text in [
            "^[a-z]{3,5}$",
            "^[^:*]{1,512}",
            "[\\w+=,.@-]+",
            "^/[!-~]+/$",
            "^\\d{12}$",
            "^arn:aws:[a-z]*:.*",
            "^\\u002F?a{2}$",
        ] {
            let pattern = Pattern::read(text, 0).expect(text);
            let (first, second) = pattern.texts(0).expect(text);
            assert!(pattern.fits(&first) && pattern.fits(&second), "{text}: {first} {second}");
        }
        let name = Pattern::read("^[a-z][a-z0-9-]{2,30}$", 0).expect("simple");
        assert!(name.fits("one") && name.fits("stated-b") && !name.fits("1ne") && !name.fits("on"));
        let drawn = |text: &str, choice, least| Pattern::read(text, choice).and_then(|it| it.texts(least));
        let both = |one: &str, other: &str| Some((one.to_owned(), other.to_owned()));
        assert_eq!(drawn("^\\d{12}$", 0, 0), both(&"0".repeat(12), &"1".repeat(12)));
        assert_eq!(drawn("^[ab]+$", 0, 3), both("aaa", "bbb"));
        assert_eq!(drawn("^(s3|lambda)$", 0, 0), both("s3", "s3"));
        assert_eq!(drawn("^(s3|lambda)$", 1, 0), both("lambda", "lambda"));
        assert_eq!(drawn("^arn:(aws[a-z]*)?:(?:x[0-9]){2}", 0, 0), both("arn::x0x0", "arn::x1x1"));
    }

    #[test]
    fn what_is_not_is_left() {
        for text in ["(?!x)y", "(a", "a)", "^[[:alpha:]]+$", "a**", "\\p{L}", "[a-"] {
            assert!(Pattern::read(text, 0).is_none(), "{text}");
        }
    }
}
