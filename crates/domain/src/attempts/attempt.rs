//! An attempt's states and the moves between them.
//!
//! What is known of an attempt only ever grows: every event carries a word, and the stronger word stays. That is why
//! receipts may come late, twice, out of order, or before the carrier's answer, and end in the same place.

use std::cmp::Reverse;

use crate::outcomes::cause::Cause;
use crate::outcomes::disposition::Disposition;
use crate::outcomes::receipt::Receipt;
use crate::time::Instant;
use crate::word::words;

words! {
    /// Where an attempt stands. What a crash leaves between the wire and its answer becomes `unknown`.
    pub enum AttemptState {
        /// Claimed: the row before the wire.
        Claimed = "claimed",
        /// The carrier took it; its receipt is awaited.
        Accepted = "accepted",
        /// Settled with a disposition.
        Settled = "settled",
    }
}

words! {
    /// The kinds of `AttemptEvent`, for the message of an illegal move.
    pub enum AttemptMove {
        Accept = "be accepted",
        Reject = "be rejected",
        Lose = "lose its answer",
        PutBack = "go back to its claim",
    }
}

/// Something that happened to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEvent {
    /// The carrier answered the submission: taken.
    Accepted { at: Instant },
    /// The carrier answered the submission: refused; or no trunk could take it (`Cause::NoRoute`).
    Rejected { at: Instant, cause: Cause },
    /// It went to the wire and no answer came.
    Lost { at: Instant },
    /// It surely did not go to the wire: it stays claimed and may be tried again.
    NotSent,
    /// A receipt for it.
    Receipt(Receipt),
}

/// What is known of one attempt. The state follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Attempt {
    pub disposition: Option<Disposition>,
    pub cause: Option<Cause>,
    /// When the carrier took it, if its answer came.
    pub accepted_at: Option<Instant>,
    /// When the word that settled it was spoken.
    pub settled_at: Option<Instant>,
}

/// One disposition counts one less (`from`) and another one more (`to`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountDelta {
    pub from: Option<(Disposition, Option<Cause>)>,
    pub to: Option<(Disposition, Option<Cause>)>,
}

/// The attempt after an event, and what to add to the counters; no delta when the event said nothing new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    pub attempt: Attempt,
    pub delta: Option<CountDelta>,
}

/// An event that this attempt cannot have: a fault of ours or a carrier that answered twice and differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an attempt that is {} cannot {by}", .from.map_or("claimed", Disposition::as_str))]
pub struct IllegalMove {
    pub from: Option<Disposition>,
    pub by: AttemptMove,
}

impl Attempt {
    /// A fresh attempt, claimed and not yet on the wire.
    #[must_use]
    pub fn claimed() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn state(&self) -> AttemptState {
        match self.disposition {
            None => AttemptState::Claimed,
            Some(disposition) if disposition.is_final() => AttemptState::Settled,
            Some(_) => AttemptState::Accepted,
        }
    }

    pub fn apply(self, event: AttemptEvent) -> Result<Applied, IllegalMove> {
        let after = match event {
            AttemptEvent::Accepted { at } => self.accepted(at)?,
            AttemptEvent::Rejected { at, cause } => self.rejected(at, cause)?,
            AttemptEvent::Lost { at } if self.disposition.is_none() => self.hear(Disposition::Unknown, Some(Cause::AnswerLost), at),
            // The answer did come, or a receipt made it needless.
            AttemptEvent::Lost { .. } => self,
            AttemptEvent::NotSent if self.disposition.is_none() => self,
            AttemptEvent::NotSent => return Err(self.cannot(AttemptMove::PutBack)),
            AttemptEvent::Receipt(receipt) => match receipt.disposition() {
                Some(word) => self.hear(word, Some(receipt.cause()), receipt.at),
                None => self,
            },
        };
        Ok(Applied { attempt: after, delta: self.delta_to(&after) })
    }

    fn accepted(self, at: Instant) -> Result<Self, IllegalMove> {
        if self.refused_at_the_door() {
            return Err(self.cannot(AttemptMove::Accept));
        }
        let mut after = self;
        after.accepted_at = Some(self.accepted_at.map_or(at, |first| first.min(at)));
        // An answer that comes after all says more than "lost".
        if self.cause.is_none_or(|cause| cause == Cause::AnswerLost) {
            after.disposition = Some(Disposition::Accepted);
            after.cause = None;
            after.settled_at = None;
        }
        Ok(after)
    }

    fn rejected(self, at: Instant, cause: Cause) -> Result<Self, IllegalMove> {
        if self.accepted_at.is_some() {
            return Err(self.cannot(AttemptMove::Reject));
        }
        let lost = self.cause == Some(Cause::AnswerLost);
        let before = if lost { Self::claimed() } else { self };
        Ok(before.hear(cause.verdict().disposition, Some(cause), at))
    }

    fn refused_at_the_door(&self) -> bool {
        self.cause.is_some_and(Cause::is_of_the_submission)
    }

    /// Keeps the stronger of what was known and this word; of two equal words the earlier, then the lower cause.
    fn hear(self, word: Disposition, cause: Option<Cause>, at: Instant) -> Self {
        let known = self.disposition.map(|known| (strength(known, self.cause), Reverse((self.settled_at, self.cause.map(Cause::code)))));
        let heard = (strength(word, cause), Reverse((Some(at), cause.map(Cause::code))));
        if known.is_some_and(|known| known >= heard) {
            return self;
        }
        Self { disposition: Some(word), cause, settled_at: word.is_final().then_some(at), ..self }
    }

    fn delta_to(&self, after: &Self) -> Option<CountDelta> {
        let key = |attempt: &Self| attempt.disposition.map(|disposition| (disposition, attempt.cause));
        let (from, to) = (key(self), key(after));
        (from != to).then_some(CountDelta { from, to })
    }

    fn cannot(&self, by: AttemptMove) -> IllegalMove {
        IllegalMove { from: self.disposition, by }
    }
}

/// Which of two contradictory words stays. A message on the handset cannot be undone by a later "undeliverable";
/// otherwise the word that tells more about the number outranks the one that tells less.
fn strength(word: Disposition, cause: Option<Cause>) -> u8 {
    match word {
        Disposition::Accepted => 0,
        Disposition::Unknown if cause == Some(Cause::AnswerLost) => 1,
        Disposition::Unknown => 2,
        Disposition::NoRoute => 3,
        Disposition::Rejected => 4,
        Disposition::Expired => 5,
        Disposition::Undeliverable => 6,
        Disposition::Blocked => 7,
        Disposition::InvalidNumber => 8,
        Disposition::Delivered => 9,
        // Words of calls, which `call` settles by itself.
        Disposition::Cancelled | Disposition::Failed | Disposition::Congestion | Disposition::Busy | Disposition::NoAnswer => 4,
        Disposition::AnsweredFax | Disposition::AnsweredMachine | Disposition::VoicemailLeft => 8,
        Disposition::Abandoned | Disposition::AnsweredPerson | Disposition::OptedOut | Disposition::PutThrough => 9,
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
