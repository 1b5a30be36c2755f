//! Sets of rules, and the version of the pack that they belong to: small enough to copy into every decision.

use std::fmt;

use jiff::civil::Date;

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

    pub(super) fn insert(&mut self, index: usize) {
        debug_assert!(index < Self::MAX, "a pack holds at most 64 rules");
        self.0 |= 1 << index;
    }

    #[must_use]
    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub(super) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl PackVersion {
    pub(super) const NAME_MAX: usize = 12;

    /// `name` is ASCII of at most twelve bytes: the loader has checked it.
    pub(super) fn new(name: &str, valid_from: Date, revision: u16) -> Self {
        let mut bytes = [0u8; Self::NAME_MAX];
        bytes.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
        Self { name: bytes, valid_from, revision, narrowed: false }
    }

    pub(super) fn narrowed(self) -> Self {
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
