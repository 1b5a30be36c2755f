//! The rules of a call itself: what a number has been through, how long it rings, what is shown and what is said when no agent
//! is there (UK-4, UK-7 to UK-10, UK-12, UK-14).
//!
//! Their facts are a struct of their own. A decision about a call without them refuses: what is unknown refuses.

use crate::compliance::abandonment::{end_of_london_day, london_day};
use crate::compliance::caller_id::CallerIdFacts;
use crate::compliance::check::Answer;
use crate::compliance::information::InformationFacts;
use crate::time::{Instant, SECOND_MS};

/// What a decision about a call looks at, beside what it looks at for any attempt.
#[derive(Debug, Clone, Copy)]
pub struct CallFacts {
    /// The last call of this client to this number, by any of its campaigns, that was abandoned.
    pub abandoned_at: Option<Instant>,
    /// The last one that the detector gave to a machine.
    pub machine_at: Option<Instant>,
    /// This call is launched only with an agent reserved for it.
    pub guarantees_agent: bool,
    /// How long it rings unless somebody answers.
    pub ring_ms_max: u32,
    /// The campaign treats machines otherwise than people.
    pub acts_on_machines: bool,
    /// There is a tested estimate of the detector's mistakes (`MistakeEstimate::is_tested`).
    pub mistakes_are_tested: bool,
    pub caller_id: CallerIdFacts,
    /// `None` for a campaign that puts nobody through.
    pub information: Option<InformationFacts>,
}

/// What a rule of calls looks at, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallCheck {
    AfterAbandoned { period_ms: i64 },
    AfterMachine,
    RingAtLeast { seconds: u16 },
    InformationMessage,
    CallerId,
    MobileCallerId,
    MachineMistakes,
}

impl CallCheck {
    pub(super) fn ask(self, facts: &CallFacts, now: Instant) -> Answer {
        match self {
            Self::AfterAbandoned { period_ms } => unless_guaranteed(facts, facts.abandoned_at.map(|at| at.plus_ms(period_ms)), now),
            Self::AfterMachine => unless_guaranteed(facts, facts.machine_at.filter(|at| london_day(*at) >= london_day(now)).map(|at| end_of_london_day(at.max(now))), now),
            Self::RingAtLeast { seconds } => (i64::from(facts.ring_ms_max) >= i64::from(seconds) * SECOND_MS).into(),
            Self::InformationMessage => facts.information.map_or(Answer::Silent, |information| information.is_complete().into()),
            Self::CallerId => facts.caller_id.is_lawful().into(),
            Self::MobileCallerId => facts.caller_id.is_honest().into(),
            Self::MachineMistakes => (!facts.acts_on_machines || facts.mistakes_are_tested).into(),
        }
    }
}

fn unless_guaranteed(facts: &CallFacts, until: Option<Instant>, now: Instant) -> Answer {
    match until.filter(|until| *until > now) {
        Some(until) if !facts.guarantees_agent => Answer::Defer(until),
        _ => Answer::Pass,
    }
}

#[cfg(test)]
#[path = "call_rules_tests.rs"]
mod tests;
