//! A call's states and the moves between them.
//!
//! As with messages, what is known of a call only ever grows: each event adds a fact, and the state, the outcome and the
//! timings that the law asks for follow from the facts. So events may come late, twice or out of order (a 200 that crosses our
//! CANCEL, a verdict after the hang-up) and the record is the same.

use crate::attempts::leg::{EndedBy, Leg, LegEnd, first, last};
use crate::outcomes::answered_by::AnsweredBy;
use crate::outcomes::call_end::CallEnd;
use crate::outcomes::cause::Cause;
use crate::outcomes::disposition::Disposition;
use crate::time::{Instant, SECOND_MS};
use crate::word::words;

/// After the answer, an agent or a message must be heard within this (UK-6).
pub const ANSWER_TO_SOUND_MS_MAX: i64 = 2 * SECOND_MS;
/// Whoever is to be put through waits this long for an agent to become free; then the information message begins, well within the
/// two seconds.
pub const AGENT_AWAITED_MS_MAX: i64 = 1_000;
/// Whoever has heard nothing so long after the answer hears the information message, whether an agent still rings or not: it takes a moment to
/// begin, and must have begun within the two seconds (UK-6).
pub const ANSWER_TO_INFORMATION_MS: i64 = ANSWER_TO_SOUND_MS_MAX - 150;
/// An unanswered call rings at least this long (UK-10).
pub const RING_MS_MIN: i64 = 15 * SECOND_MS;

words! {
    pub enum CallState {
        Planned = "planned",
        Dialling = "dialling",
        Ringing = "ringing",
        /// Answered, and nothing plays yet.
        Answered = "answered",
        Playing = "playing",
        /// Waiting for keys.
        Gathering = "gathering",
        /// An agent's slot is reserved and the agent is being rung.
        Reserved = "reserved",
        Bridged = "bridged",
        Ended = "ended",
    }
}

/// Something that happened to a call. Every time is the switch's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEvent {
    Dialled { at: Instant },
    Rang { at: Instant },
    Answered { at: Instant },
    /// The person began to speak.
    SpeechHeard { at: Instant },
    /// The detector's word; a later one corrects an earlier one.
    Judged { at: Instant, by: AnsweredBy },
    /// A message or a prompt began to play.
    MessageStarted { at: Instant },
    /// The information message of UK-7 began to play, as no agent was there.
    InformationStarted { at: Instant },
    Gathering { at: Instant },
    /// The agent for this call is being rung.
    Reserved { at: Instant },
    Bridged { at: Instant },
    /// So long after they were joined nothing had been heard of the agent (UK-2).
    AgentSilent { at: Instant },
    /// The agent has left, and the script goes on.
    Unbridged { at: Instant },
    OptedOut { at: Instant },
    VoicemailLeft { at: Instant },
    /// The person's leg is over. `cause` is the wire's, or our own word for an end that the wire does not explain.
    Ended { at: Instant, by: EndedBy, cause: Option<Cause> },
    /// A crash lost sight of it.
    Lost { at: Instant },
    /// It surely did not go to the wire.
    NotDialled,
}

/// When things of the record happened (UK-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CallTimes {
    pub speech_at: Option<Instant>,
    pub message_at: Option<Instant>,
    pub information_at: Option<Instant>,
    pub bridged_at: Option<Instant>,
    pub agent_silent_at: Option<Instant>,
    pub unbridged_at: Option<Instant>,
}

/// What is known of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    pub planned_at: Instant,
    pub person: Leg,
    pub times: CallTimes,
    judged: Option<(Instant, AnsweredBy)>,
    opted_out_at: Option<Instant>,
    voicemail_at: Option<Instant>,
    /// The latest of each, of which the latest of all tells the state.
    played_at: Option<Instant>,
    gathering_at: Option<Instant>,
    reserved_at: Option<Instant>,
    rebridged_at: Option<Instant>,
}

/// An event that this call cannot have: a fault of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IllegalCallMove {
    #[error("a call that went to the wire cannot go back to its plan")]
    AlreadyDialled,
    #[error("the event is {0} ms older than the call's plan: a clock is wrong")]
    BeforePlan(i64),
}

impl Call {
    #[must_use]
    pub fn planned(at: Instant) -> Self {
        Self {
            planned_at: at,
            person: Leg::default(),
            times: CallTimes::default(),
            judged: None,
            opted_out_at: None,
            voicemail_at: None,
            played_at: None,
            gathering_at: None,
            reserved_at: None,
            rebridged_at: None,
        }
    }

    pub fn apply(mut self, event: CallEvent) -> Result<Self, IllegalCallMove> {
        use CallEvent as E;
        if let Some(at) = event.at().filter(|at| *at < self.planned_at) {
            return Err(IllegalCallMove::BeforePlan(self.planned_at.ms() - at.ms()));
        }
        match event {
            E::Dialled { at } => self.person.dialled(at),
            E::Rang { at } => self.person.rang(at),
            E::Answered { at } => self.person.answered(at),
            E::SpeechHeard { at } => first(&mut self.times.speech_at, at),
            E::Judged { at, by } => self.judged = self.judged.max(Some((at, by))),
            E::MessageStarted { at } => self.plays(at),
            E::InformationStarted { at } => {
                first(&mut self.times.information_at, at);
                last(&mut self.played_at, at);
            }
            E::Gathering { at } => last(&mut self.gathering_at, at),
            E::Reserved { at } => last(&mut self.reserved_at, at),
            E::Bridged { at } => {
                first(&mut self.times.bridged_at, at);
                last(&mut self.rebridged_at, at);
            }
            E::AgentSilent { at } => first(&mut self.times.agent_silent_at, at),
            E::Unbridged { at } => last(&mut self.times.unbridged_at, at),
            E::OptedOut { at } => first(&mut self.opted_out_at, at),
            E::VoicemailLeft { at } => first(&mut self.voicemail_at, at),
            E::Ended { at, by, cause } => self.person.ended(LegEnd { at, by, cause }),
            E::Lost { at } => self.person.ended(LegEnd { at, by: EndedBy::Nobody, cause: None }),
            E::NotDialled if self.person == Leg::default() => {}
            E::NotDialled => return Err(IllegalCallMove::AlreadyDialled),
        }
        Ok(self)
    }

    fn plays(&mut self, at: Instant) {
        first(&mut self.times.message_at, at);
        last(&mut self.played_at, at);
    }

    #[must_use]
    pub fn state(&self) -> CallState {
        use crate::attempts::leg::LegState;
        match self.person.state() {
            LegState::Ended => CallState::Ended,
            LegState::Planned => CallState::Planned,
            LegState::Dialling => CallState::Dialling,
            LegState::Ringing => CallState::Ringing,
            LegState::Answered => self.activity(),
        }
    }

    /// The latest thing that began; after an agent has left, the state before any.
    fn activity(&self) -> CallState {
        let begun = [
            (self.times.unbridged_at, CallState::Answered),
            (self.played_at, CallState::Playing),
            (self.gathering_at, CallState::Gathering),
            (self.reserved_at, CallState::Reserved),
            (self.rebridged_at, CallState::Bridged),
        ];
        begun.into_iter().filter_map(|(at, state)| at.map(|at| (at, state))).max().map_or(CallState::Answered, |(_, state)| state)
    }

    /// The last thing that was done for the person was to ring an agent, who has not come.
    #[must_use]
    pub fn awaits_agent(&self) -> bool {
        self.person.answered_at.is_some() && self.activity() == CallState::Reserved
    }

    /// The detector's last word, `unsure` before any. What it heard before the answer was the network's, and says nothing of whoever answered.
    #[must_use]
    pub fn answered_by(&self) -> AnsweredBy {
        let judged = self.judged.filter(|(at, _)| self.person.answered_at.is_none_or(|answered_at| *at >= answered_at));
        judged.map_or(AnsweredBy::Unsure, |(_, by)| by)
    }

    #[must_use]
    pub fn ended_at(&self) -> Option<Instant> {
        self.person.end().map(|end| end.at)
    }

    #[must_use]
    pub fn ended_by(&self) -> Option<EndedBy> {
        self.person.end().map(|end| end.by)
    }

    /// The one word for how it ended, and its cause; `None` while it is not over.
    #[must_use]
    pub fn outcome(&self) -> Option<(Disposition, Cause)> {
        let end = self.person.end()?;
        let cause = match self.person.answered_at {
            Some(answered_at) => self.answered_cause(answered_at, end),
            None => end.cause.unwrap_or(match end.by {
                EndedBy::Nobody => Cause::AnswerLost,
                EndedBy::Us if self.person.dialled_at.is_none() => Cause::Call(CallEnd::Stopped),
                EndedBy::Us if self.person.unanswered_ring_ms().is_some_and(|rang_ms| rang_ms >= RING_MS_MIN) => Cause::Call(CallEnd::RangOut),
                EndedBy::Us => Cause::Call(CallEnd::Stopped),
                _ => Cause::Q850(16),
            }),
        };
        Some((cause.verdict().disposition, cause))
    }

    /// What came of an answered call. What was done for the person outranks what was heard, and a person outranks doubt.
    fn answered_cause(&self, answered_at: Instant, end: LegEnd) -> Cause {
        let by = self.answered_by();
        let word = if self.opted_out_at.is_some() {
            CallEnd::OptedOut
        } else if self.times.bridged_at.is_some() {
            CallEnd::PutThrough
        } else if self.voicemail_at.is_some() {
            CallEnd::VoicemailLeft
        } else if by.is_voicemail() {
            CallEnd::Machine
        } else if by == AnsweredBy::Fax {
            CallEnd::Fax
        } else if by == AnsweredBy::Announcement {
            CallEnd::Announcement
        } else if by == AnsweredBy::BusyTone {
            CallEnd::BusyTone
        } else if self.times.information_at.is_some() {
            CallEnd::NoAgent
        } else if self.times.message_at.is_some() {
            CallEnd::Heard
        } else if end.by == EndedBy::Nobody {
            return Cause::AnswerLost;
        } else if end.cause == Some(Cause::Call(CallEnd::MediaFailed)) {
            CallEnd::MediaFailed
        } else if end.by == EndedBy::Person && end.at.ms() - answered_at.ms() <= ANSWER_TO_SOUND_MS_MAX {
            CallEnd::HungUpEarly
        } else {
            CallEnd::Silent
        };
        Cause::Call(word)
    }

    /// From the answer (or, as the law counted it in 2010, the person's first word) to an agent or a message: UK-6. `None`
    /// when neither came; an agent of whom nothing was heard did not.
    #[must_use]
    pub fn answer_to_sound_ms(&self) -> Option<i64> {
        let from = self.person.answered_at?;
        let agent = self.times.bridged_at.filter(|_| self.times.agent_silent_at.is_none());
        let sound = [self.times.message_at, self.times.information_at, agent].into_iter().flatten().min()?;
        Some((sound.ms() - from.ms()).max(0))
    }

    /// A person may have been on the line, and heard nothing within two seconds (UK-2): any is one too many. `false` for a
    /// person who was gone before that.
    #[must_use]
    pub fn was_silent(&self, now: Instant) -> bool {
        let Some(answered_at) = self.person.answered_at.filter(|_| self.answered_by().may_be_a_person()) else { return false };
        let until = self.ended_at().unwrap_or(now);
        match self.answer_to_sound_ms() {
            Some(sound_ms) => sound_ms > ANSWER_TO_SOUND_MS_MAX,
            None => until.ms() - answered_at.ms() > ANSWER_TO_SOUND_MS_MAX,
        }
    }

    /// We gave up before it had rung for long enough (UK-10).
    #[must_use]
    pub fn rang_too_short(&self) -> bool {
        self.ended_by() == Some(EndedBy::Us) && self.person.unanswered_ring_ms().is_some_and(|rang_ms| rang_ms < RING_MS_MIN)
    }
}

impl CallEvent {
    #[must_use]
    pub fn at(&self) -> Option<Instant> {
        use CallEvent as E;
        match *self {
            E::Dialled { at } | E::Rang { at } | E::Answered { at } | E::SpeechHeard { at } | E::Judged { at, .. } | E::MessageStarted { at } => Some(at),
            E::InformationStarted { at } | E::Gathering { at } | E::Reserved { at } | E::Bridged { at } => Some(at),
            E::AgentSilent { at } | E::Unbridged { at } => Some(at),
            E::OptedOut { at } | E::VoicemailLeft { at } | E::Ended { at, .. } | E::Lost { at } => Some(at),
            E::NotDialled => None,
        }
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
