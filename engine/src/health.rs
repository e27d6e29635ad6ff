//! Whether a thing does what it is there for, beyond being as it was set.
//!
//! A service can be exactly as it was set while all of its tasks crash. What a type can tell about that stands here, and so do the
//! reasons that AWS keeps in other places than the failed call: events, exit codes, logs.

/// What a look behind the properties says: not whether a thing is as it was set, but whether it does what it is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Good,
    /// Not yet: why, in words.
    NotYet(Symptom),
    /// It does not, and will not by itself.
    Bad(Symptom),
}

/// What is wrong, and what AWS told beside it: events, exit codes, the last lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symptom {
    /// In one line.
    pub why: String,
    /// What it is known by, the nearest cause first.
    pub details: Vec<String>,
}

impl Symptom {
    /// A symptom of which nothing more is known.
    pub fn of(why: impl Into<String>) -> Self {
        Self { why: why.into(), details: Vec::new() }
    }
}

impl std::fmt::Display for Symptom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)?;
        self.details.iter().try_for_each(|detail| write!(f, "\n{detail}"))
    }
}
