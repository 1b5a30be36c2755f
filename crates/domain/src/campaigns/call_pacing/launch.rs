//! The decision: how many calls to launch now, and why in words. The live page shows the words.

use crate::campaigns::call_pacing::settings::{CallPacing, PacingMode};
use crate::compliance::abandonment::AbandonmentDay;
use crate::time::Instant;

/// What a decision looks at.
#[derive(Debug, Clone, Copy)]
pub struct PaceState<'a> {
    /// When each call that is dialling or ringing was dialled.
    pub ringing_since: &'a [Instant],
    /// People who answered and wait for an agent.
    pub waiting: u32,
    /// Every call of the campaign that is up, ringing ones included.
    pub calls_up: u32,
    pub agents: AgentsNow<'a>,
    /// Recipients who may be dialled now.
    pub ready: u32,
    /// Free channels of the trunks, and what calls a second leave.
    pub trunk_room: u32,
    pub rate_room: u32,
    /// Today's count of abandoned calls for this campaign.
    pub today: &'a AbandonmentDay,
    /// People that the detector is expected to have taken for machines today, in thousandths of a person.
    pub mistaken_milli: u32,
    pub day_left: DayLeft,
}

/// The campaign's agents. An agent is free, talking, in wrap-up, or not there.
#[derive(Debug, Clone, Copy, Default)]
pub struct AgentsNow<'a> {
    /// Reserved for nobody: waiting people and ringing calls are not yet taken off.
    pub free: u32,
    pub talking_since: &'a [Instant],
    pub wrapping_since: &'a [Instant],
}

/// What is still to come today, for the abandonment budget. Nothing known counts as nothing to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayLeft {
    /// Until the campaign's hours close.
    pub open_ms: i64,
    /// Recipients who have not been reached.
    pub recipients: u32,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Launch {
    pub calls: u32,
    pub why: Why,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// Nobody is left to be dialled now.
    NobodyReady,
    CallsPerSecond,
    CallsAtOnce { max: u32 },
    Trunks,
    /// Every free slot has its call.
    Slots { free: u32, in_flight: u32 },
    Power { free: u32, in_flight: u32, percent: u16 },
    /// No agent is there.
    NoAgents,
    /// The ceiling on abandoned calls is near: one call for each free slot.
    Ceiling { abandoned: u32, live: u32, ceiling_bp: u16 },
    /// What is left of the day's abandoned calls may be used up by those in flight.
    Budget { in_flight: u32, left: u32 },
    /// The model: the risk that one more call meets no free agent, against the price it may have.
    Predicted { free: u32, in_flight: u32, risk_bp: u16, price_bp: u16 },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |bp: u16| f64::from(bp) / 100.0;
        match self {
            Self::NobodyReady => f.write_str("nobody is left to be called now"),
            Self::CallsPerSecond => f.write_str("held by the campaign's calls a second"),
            Self::CallsAtOnce { max } => write!(f, "held by the campaign's {max} calls at once"),
            Self::Trunks => f.write_str("held by the trunks: no channel is free"),
            Self::Slots { free, in_flight } => write!(f, "one call for each free agent: {free} free, {in_flight} in flight"),
            Self::Power { free, in_flight, percent } => write!(f, "{percent} % calls for each free agent: {free} free, {in_flight} in flight"),
            Self::NoAgents => f.write_str("no agent is there"),
            Self::Ceiling { abandoned, live, ceiling_bp } => {
                write!(f, "one call for each free agent: {abandoned} of {live} people abandoned today is too near the ceiling of {} %", percent(*ceiling_bp))
            }
            Self::Budget { in_flight, left } => {
                write!(f, "{in_flight} calls in flight are all that the day's ceiling bears: {left} more people may be abandoned")
            }
            Self::Predicted { free, in_flight, risk_bp, price_bp } => {
                write!(f, "{free} agents free, {in_flight} calls in flight: one more would meet no free agent with {} %, and {} % is allowed", percent(*risk_bp), percent(*price_bp))
            }
        }
    }
}

impl PaceState<'_> {
    pub(super) fn in_flight(&self) -> u32 {
        u32::try_from(self.ringing_since.len()).unwrap_or(u32::MAX)
    }

    /// Agents for whom nobody waits already.
    pub(super) fn free(&self) -> u32 {
        self.agents.free.saturating_sub(self.waiting)
    }

    pub(super) fn has_agents(&self) -> bool {
        self.agents.free > 0 || !self.agents.talking_since.is_empty() || !self.agents.wrapping_since.is_empty()
    }
}

/// How many calls to launch now, by every mode but the predictive one, which needs its model and falls back to one call for
/// each free slot here.
#[must_use]
pub fn next(pacing: &CallPacing, state: &PaceState<'_>, _now: Instant) -> Launch {
    let (free, in_flight) = (state.free(), state.in_flight());
    let wanted = match pacing.pace {
        PacingMode::Agentless => Launch { calls: u32::MAX, why: Why::CallsPerSecond },
        _ if !state.has_agents() => Launch { calls: 0, why: Why::NoAgents },
        PacingMode::Progressive | PacingMode::Predictive { .. } => one_to_one(state),
        PacingMode::Power { .. } if state.today.must_stop(pacing.ceiling_bp(), state.mistaken_milli, in_flight + state.waiting) => at_the_ceiling(pacing, state),
        PacingMode::Power { calls_per_slot_percent: percent } => {
            let calls = (u64::from(free) * u64::from(percent) / 100) as u32;
            Launch { calls: calls.saturating_sub(in_flight), why: Why::Power { free, in_flight, percent } }
        }
    };
    within_limits(wanted, pacing, state)
}

/// One call for each free slot, ringing ones counted.
pub(super) fn one_to_one(state: &PaceState<'_>) -> Launch {
    let (free, in_flight) = (state.free(), state.in_flight());
    Launch { calls: free.saturating_sub(in_flight), why: Why::Slots { free, in_flight } }
}

/// The same, because the ceiling on abandoned calls is near.
pub(super) fn at_the_ceiling(pacing: &CallPacing, state: &PaceState<'_>) -> Launch {
    let why = Why::Ceiling { abandoned: state.today.abandoned, live: state.today.live(), ceiling_bp: pacing.ceiling_bp() };
    Launch { why, ..one_to_one(state) }
}

/// The limits that hold in every mode; the one that bites gives the reason.
pub(super) fn within_limits(wanted: Launch, pacing: &CallPacing, state: &PaceState<'_>) -> Launch {
    let at_once = pacing.calls_at_once_max.saturating_sub(state.calls_up);
    let limits = [
        (state.ready, Why::NobodyReady),
        (state.trunk_room, Why::Trunks),
        (at_once, Why::CallsAtOnce { max: pacing.calls_at_once_max }),
        (state.rate_room, Why::CallsPerSecond),
    ];
    limits.into_iter().fold(wanted, |launch, (room, why)| if room < launch.calls { Launch { calls: room, why } } else { launch })
}

#[cfg(test)]
#[path = "launch_tests.rs"]
mod tests;
