//! Where processes are killed.

/// Where a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// At its n-th mutating AWS call.
    Call(u64),
    /// At its n-th record write.
    Write(u64),
    /// At its n-th sign of life. These come by the clock, so AWS answers slowly for them.
    Beat(u64),
}

/// Where the run after a killed one is killed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// At its n-th AWS call that changes something.
    Change(u64),
    /// At its n-th AWS call, reads too.
    Call(u64),
    /// At its n-th record write.
    Write(u64),
}

impl std::fmt::Display for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Change(number) => write!(f, "changing AWS call {number}"),
            Self::Call(number) => write!(f, "AWS call {number}"),
            Self::Write(number) => write!(f, "record write {number}"),
        }
    }
}

/// A kill: in which phase, where, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The phase's number.
    pub phase: usize,
    /// The phase's name.
    pub name: &'static str,
    /// Where.
    pub point: Point,
    /// Before it happens, or after.
    pub before: bool,
}

impl std::fmt::Display for Kill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let when = if self.before { "before" } else { "after" };
        let (what, number) = match self.point {
            Point::Call(number) => ("AWS call", number),
            Point::Write(number) => ("record write", number),
            Point::Beat(number) => ("heartbeat", number),
        };
        write!(f, "{} {when} {what} {number}", self.name)
    }
}

/// A kill, and perhaps a second one in the run after it.
pub type Case = (Kill, Option<Second>);

/// What the run after a kill took, from its start to its end.
#[derive(Clone, Copy, Debug)]
pub struct Recovered {
    /// AWS calls, reads too.
    pub calls: u64,
    /// Those of them that changed something.
    pub changes: u64,
    /// Record writes.
    pub writes: u64,
}

impl Recovered {
    /// A record write that this run surely has: its `wanted`-th, or its last; none if it wrote nothing.
    pub fn write(&self, wanted: u64) -> Option<Second> {
        (self.writes > 0).then_some(Second::Write(wanted.min(self.writes)))
    }
}
