//! What a client told us to do with their data. It is recorded once and never edited: a new version replaces it.

use crate::time::Instant;
use crate::word::words;

words! {
    /// Which way data goes under an instruction.
    pub enum InstructionKind {
        /// From the client's system to here.
        Pull = "pull",
        /// Results of campaigns, back to the client.
        Export = "export",
    }
}

words! {
    pub enum InstructionStanding {
        /// Its first day is still to come.
        Future = "future",
        InForce = "in_force",
        /// Its last day has passed.
        Ended = "ended",
        Revoked = "revoked",
        /// A later version holds.
        Replaced = "replaced",
    }
}

/// From when until when an instruction holds, and what ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from: Instant,
    /// Not included.
    pub until: Instant,
    pub replaced_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

impl Validity {
    #[must_use]
    pub fn standing(&self, now: Instant) -> InstructionStanding {
        match self {
            Self { revoked_at: Some(_), .. } => InstructionStanding::Revoked,
            Self { replaced_at: Some(_), .. } => InstructionStanding::Replaced,
            Self { until, .. } if *until <= now => InstructionStanding::Ended,
            Self { from, .. } if *from > now => InstructionStanding::Future,
            _ => InstructionStanding::InForce,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_from_its_first_instant_to_before_its_last_unless_it_was_ended() {
        let plain = Validity { from: Instant(10), until: Instant(20), replaced_at: None, revoked_at: None };
        let standing = |now| plain.standing(Instant(now));
        assert_eq!([9, 10, 19, 20].map(standing), [InstructionStanding::Future, InstructionStanding::InForce, InstructionStanding::InForce, InstructionStanding::Ended]);
        assert_eq!(Validity { revoked_at: Some(Instant(15)), ..plain }.standing(Instant(15)), InstructionStanding::Revoked);
        assert_eq!(Validity { replaced_at: Some(Instant(15)), ..plain }.standing(Instant(16)), InstructionStanding::Replaced);
    }
}
