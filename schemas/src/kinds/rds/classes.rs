//! Instance classes, as data: what families there are, and in which sizes.
//!
//! AWS adds families, and this list cannot know them: one of a newer generation than it has is let through with a word.

use super::super::{Expansion, Problem};
use crate::near::nearest;

const SMALL: &[&str] = &["micro", "small", "medium", "large", "xlarge", "2xlarge"];
const TO_16: &[&str] = &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge"];
const TO_24: &[&str] = &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"];
const TO_32: &[&str] =
    &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "32xlarge"];
const TO_48: &[&str] =
    &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge"];

const FAMILIES: [(&str, &[&str]); 29] = [
    ("t3", SMALL),
    ("t4g", SMALL),
    ("m5", TO_24),
    ("m5d", TO_24),
    ("m6g", TO_16),
    ("m6gd", TO_16),
    ("m6i", TO_32),
    ("m6id", TO_32),
    ("m6idn", TO_32),
    ("m6in", TO_32),
    ("m7g", TO_16),
    ("m7i", TO_48),
    ("m8g", TO_48),
    ("r5", TO_24),
    ("r5b", TO_24),
    ("r5d", TO_24),
    ("r6g", TO_16),
    ("r6gd", TO_16),
    ("r6i", TO_32),
    ("r6id", TO_32),
    ("r6idn", TO_32),
    ("r6in", TO_32),
    ("r7g", TO_16),
    ("r7i", TO_48),
    ("r8g", TO_48),
    ("x2g", TO_16),
    ("x2idn", &["16xlarge", "24xlarge", "32xlarge"]),
    ("x2iedn", &["xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge", "24xlarge", "32xlarge"]),
    ("z1d", &["large", "xlarge", "2xlarge", "3xlarge", "6xlarge", "12xlarge"]),
];

/// Says what is wrong with a class.
pub(super) fn check(path: &str, class: &str, to: &mut Expansion<'_>) {
    let parts: Vec<&str> = class.split('.').collect();
    let &["db", family, size] = parts.as_slice() else {
        let help = Some("write `db.FAMILY.SIZE`, as in `db.t4g.medium`".to_owned());
        to.problems.push(Problem { help, ..Problem::error(path, format!("`{class}` is no class")) });
        return;
    };
    match FAMILIES.iter().find(|(name, _)| *name == family) {
        Some((_, sizes)) if sizes.contains(&size) => {}
        Some((_, sizes)) => {
            let help = Some(format!("there are {}", sizes.join(", ")));
            let error = Problem::error(path, format!("the family `{family}` has no size `{size}`"));
            to.problems.push(Problem { help, ..error });
        }
        None if is_newer(family) => {
            to.warning(
                path,
                format!("this version does not know the family `{family}`; AWS will tell if there is one"),
            );
        }
        None => unknown(path, family, size, to),
    }
}

fn unknown(path: &str, family: &str, size: &str, to: &mut Expansion<'_>) {
    // Of those as near, the one of the same make that has the size: `t4` means `t4g`.
    let longer = FAMILIES.iter().find(|(name, sizes)| name.starts_with(family) && sizes.contains(&size));
    let near = longer.map(|(name, _)| *name).or_else(|| nearest(family, FAMILIES.iter().map(|(name, _)| *name)));
    let help = match near {
        Some(near) => format!("did you mean `db.{near}.{size}`?"),
        None => format!("there are {}", FAMILIES.map(|(name, _)| name).join(", ")),
    };
    let error = Problem::error(path, format!("there is no family `{family}`"));
    to.problems.push(Problem { help: Some(help), ..error });
}

/// True if a family is of the newest generation of its letter that is known, or of a newer one.
fn is_newer(family: &str) -> bool {
    let Some((letter, generation)) = parts(family) else { return false };
    let newest = FAMILIES.iter().filter_map(|(name, _)| parts(name)).filter(|(it, _)| *it == letter).max();
    // A `t4` without its letters is a slip of the pen, not something new.
    let has_make = family.chars().last().is_some_and(|c| c.is_ascii_lowercase());
    newest.is_some_and(|(_, newest)| generation > newest || generation == newest && has_make)
}

fn parts(family: &str) -> Option<(char, u32)> {
    let letter = family.chars().next().filter(char::is_ascii_lowercase)?;
    let digits: String = family[1..].chars().take_while(char::is_ascii_digit).collect();
    Some((letter, digits.parse().ok()?))
}
