//! One SIP dialog of a call: the person's, or that of an agent who is rung for them.

use crate::outcomes::cause::Cause;
use crate::time::Instant;
use crate::word::words;

words! {
    pub enum LegRole {
        Person = "person",
        Agent = "agent",
    }
}

words! {
    pub enum LegState {
        Planned = "planned",
        Dialling = "dialling",
        Ringing = "ringing",
        Answered = "answered",
        Ended = "ended",
    }
}

words! {
    /// Who hung up first.
    pub enum EndedBy {
        Person = "person",
        Agent = "agent",
        /// Our own side: the script's end, a stop, a timer of the law.
        Us = "us",
        /// The network or a carrier.
        Network = "network",
        /// Nobody said: a crash or a lost connection.
        Nobody = "nobody",
    }
}

/// What is known of one leg. It only ever grows, so that late, doubled and reordered events end in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Leg {
    pub dialled_at: Option<Instant>,
    /// The first 180 or 183: the ringing that UK-10 counts begins here.
    pub rang_at: Option<Instant>,
    pub answered_at: Option<Instant>,
    /// The first and the last word about its end.
    ends: Option<(LegEnd, LegEnd)>,
}

/// The end of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LegEnd {
    pub at: Instant,
    pub by: EndedBy,
    /// `None` after a plain hang-up, which needs no cause.
    pub cause: Option<Cause>,
}

impl Leg {
    #[must_use]
    pub fn state(&self) -> LegState {
        match self {
            Self { ends: Some(_), .. } => LegState::Ended,
            Self { answered_at: Some(_), .. } => LegState::Answered,
            Self { rang_at: Some(_), .. } => LegState::Ringing,
            Self { dialled_at: Some(_), .. } => LegState::Dialling,
            _ => LegState::Planned,
        }
    }

    pub fn dialled(&mut self, at: Instant) {
        first(&mut self.dialled_at, at);
    }

    pub fn rang(&mut self, at: Instant) {
        first(&mut self.rang_at, at);
    }

    pub fn answered(&mut self, at: Instant) {
        first(&mut self.answered_at, at);
    }

    pub fn ended(&mut self, end: LegEnd) {
        let (first, last) = self.ends.unwrap_or((end, end));
        self.ends = Some((if end.rank() < first.rank() { end } else { first }, if end.is_after(&last) { end } else { last }));
    }

    /// How it ended: by the first word, unless an answer crossed our CANCEL and the call went on.
    #[must_use]
    pub fn end(&self) -> Option<LegEnd> {
        let (first, last) = self.ends?;
        Some(if self.answered_at.is_some_and(|answered| answered > first.at) { last } else { first })
    }

    /// How long it rang without an answer, for UK-10; `None` when it never rang or was answered.
    #[must_use]
    pub fn unanswered_ring_ms(&self) -> Option<i64> {
        match (self.rang_at, self.answered_at, self.end()) {
            (Some(rang), None, Some(end)) => Some(end.at.ms() - rang.ms()),
            _ => None,
        }
    }
}

impl LegEnd {
    /// The later; a crash never is, and of two at once the one of the lower rank.
    fn is_after(&self, other: &Self) -> bool {
        let key = |end: &Self| (end.by != EndedBy::Nobody, end.at, std::cmp::Reverse(end.rank()));
        key(self) > key(other)
    }

    /// Less is better: a crash knows least, then the earlier, then a fixed order so that two of the same instant agree.
    fn rank(&self) -> (bool, Instant, usize, Option<i64>) {
        let nobody = self.by == EndedBy::Nobody;
        (nobody, self.at, self.by as usize, self.cause.map(Cause::code))
    }
}

/// Keeps the earlier of what was known and what is heard now.
pub(super) fn first(known: &mut Option<Instant>, at: Instant) {
    *known = Some(known.map_or(at, |known| known.min(at)));
}

/// Keeps the later.
pub(super) fn last(known: &mut Option<Instant>, at: Instant) {
    *known = Some(known.map_or(at, |known| known.max(at)));
}
