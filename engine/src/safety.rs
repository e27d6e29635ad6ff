//! The four guards that keep a killed or paused run from doing harm, as switches that only tests can turn.
//!
//! Each of them is there for a schedule that the tests play; with one of them off, the tests must fail. That is how we know
//! that they have teeth. Outside of tests there is no way to turn one off.

/// Which guards are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safety {
    off: Option<Guard>,
}

/// A guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The intent is durable before the call.
    Intent,
    /// A journal that is taken over takes no more entries.
    Seal,
    /// A shard that is taken over takes no more writes of its former owner.
    Fence,
    /// A write whose answer was lost is recognised.
    Nonce,
}

impl Safety {
    /// All guards.
    pub const ON: Self = Self { off: None };

    /// All but one: for tests that show that it is needed.
    #[cfg(any(test, feature = "sim"))]
    pub const fn without(guard: Guard) -> Self {
        Self { off: Some(guard) }
    }

    fn has(self, guard: Guard) -> bool {
        self.off != Some(guard)
    }

    pub(crate) fn intent(self) -> bool {
        self.has(Guard::Intent)
    }

    pub(crate) fn seal(self) -> bool {
        self.has(Guard::Seal)
    }

    pub(crate) fn fence(self) -> bool {
        self.has(Guard::Fence)
    }

    pub(crate) fn nonce(self) -> bool {
        self.has(Guard::Nonce)
    }
}
