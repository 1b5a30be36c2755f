//! The three answers to "may we contact this person now?".

use std::fmt;

use jiff::civil::Date;

use crate::time::Instant;

/// Rules of one pack, by their place in it; `RulePack::ids` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RuleSet(u64);

/// Which pack decided: `uk@2026-11-23`, with `.2` for a second revision of that day and `+tenant` when a tenant narrowed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PackVersion {
    name: [u8; 12],
    valid_from: Date,
    revision: u16,
    narrowed: bool,
}

/// The answer, with the rules that made it.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    Permit(Permit),
    Defer(Deferral),
    Refuse(Refusal),
}

/// Leave to make one attempt, soon. Only `decide` makes one; it cannot be copied or kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    passed: RuleSet,
    version: PackVersion,
    valid_until: Instant,
}

/// Not before `until`; the rules are those that are closed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deferral {
    pub until: Instant,
    pub rules: RuleSet,
    pub version: PackVersion,
}

/// Not at all while the facts are these; every rule that refuses is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub rules: RuleSet,
    pub version: PackVersion,
}

impl Permit {
    /// The only constructor, seen by `decide` alone.
    pub(in crate::compliance) fn new(passed: RuleSet, version: PackVersion, valid_until: Instant) -> Self {
        Self { passed, version, valid_until }
    }

    /// A permit that waited past this must be asked for again.
    #[must_use]
    pub fn is_fresh(&self, now: Instant) -> bool {
        now < self.valid_until
    }

    #[must_use]
    pub fn valid_until(&self) -> Instant {
        self.valid_until
    }

    #[must_use]
    pub fn passed(&self) -> RuleSet {
        self.passed
    }

    #[must_use]
    pub fn version(&self) -> PackVersion {
        self.version
    }
}

impl RuleSet {
    pub const MAX: usize = 64;

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub fn contains(self, index: usize) -> bool {
        index < Self::MAX && self.0 >> index & 1 == 1
    }

    /// The places of its rules, ascending.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let index = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (index < Self::MAX).then_some(index)
        })
    }

    pub(in crate::compliance) fn insert(&mut self, index: usize) {
        debug_assert!(index < Self::MAX, "a pack holds at most 64 rules");
        self.0 |= 1 << index;
    }

    #[must_use]
    pub(in crate::compliance) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl PackVersion {
    pub(in crate::compliance) const NAME_MAX: usize = 12;

    /// `name` is ASCII of at most twelve bytes: the loader has checked it.
    pub(in crate::compliance) fn new(name: &str, valid_from: Date, revision: u16) -> Self {
        let mut bytes = [0u8; Self::NAME_MAX];
        bytes.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
        Self { name: bytes, valid_from, revision, narrowed: false }
    }

    pub(in crate::compliance) fn narrowed(self) -> Self {
        Self { narrowed: true, ..self }
    }

    fn name(&self) -> &str {
        let length = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        std::str::from_utf8(&self.name[..length]).unwrap_or_default()
    }
}

impl fmt::Display for PackVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name(), self.valid_from)?;
        if self.revision > 1 {
            write!(f, ".{}", self.revision)?;
        }
        if self.narrowed { f.write_str("+tenant") } else { Ok(()) }
    }
}
