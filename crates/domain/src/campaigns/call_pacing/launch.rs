//! The decision: how many calls to launch now, and why in words. The live page shows the words.

use crate::campaigns::call_pacing::settings::{CEILING_BP_MAX, CallPacing, PacingMode};
use crate::compliance::abandonment::AbandonmentDay;
use crate::time::Instant;

/// People who may be abandoned in a day at one call for each free agent, whatever the rate: an agent who misses a call in the morning does not end the
/// day of a small campaign.
pub const ONE_TO_ONE_ABANDONED_MAX: u32 = 2;

/// What a decision looks at.
#[derive(Debug, Clone, Copy)]
pub struct PaceState<'a> {
    /// When each call was dialled that may still come to want an agent, and for which no slot is held.
    pub ringing_since: &'a [Instant],
    /// People who want an agent now, and none was free yet.
    pub waiting: u32,
    /// Every call of the campaign that is up, ringing ones included.
    pub calls_up: u32,
    pub agents: AgentsNow<'a>,
    /// Recipients who may be dialled now.
    pub ready: u32,
    /// Free channels of the trunks, and what calls a second leave.
    pub trunk_room: u32,
    pub rate_room: u32,
    pub count: &'a AbandonmentCount,
    pub ahead: Ahead,
}

/// What is left of the day for a campaign: what its people and agents could still bring. Nothing, where nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ahead {
    /// Until the first of its own hours, its agents' hours and the day itself ends.
    pub ms: i64,
    /// Recipients who may still be called in it, by what the rules have said of the others.
    pub recipients: u32,
    /// Other campaigns for which the same agents work.
    pub rivals: u32,
}

/// The campaign's agents. An agent is free, held for one call, talking, in wrap-up, or not there.
#[derive(Debug, Clone, Copy, Default)]
pub struct AgentsNow<'a> {
    /// Reserved for nobody: waiting people and ringing calls are not yet taken off.
    pub free: u32,
    /// Slots held for one call each, which is in flight or about to be put through. Such a call cannot be abandoned for want of an agent,
    /// and is not among `ringing_since`.
    pub held: u32,
    pub talking_since: &'a [Instant],
    pub wrapping_since: &'a [Instant],
}

impl AgentsNow<'_> {
    pub(super) fn there(&self) -> u32 {
        let busy = self.talking_since.len() + self.wrapping_since.len();
        self.free.saturating_add(self.held).saturating_add(u32::try_from(busy).unwrap_or(u32::MAX))
    }
}

/// The abandoned calls of the campaign, as the hard stop sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AbandonmentCount {
    pub today: AbandonmentDay,
    /// People that the detector is expected to have taken for machines today, in thousandths of a person.
    pub mistaken_milli: u32,
    /// The 30 days of US-3 that end today, today among them, and the mistakes in them.
    pub days_30: AbandonmentDay,
    pub mistaken_30_milli: u32,
    /// The campaign has fallen back to one call for each free agent until the day is over.
    pub is_latched: bool,
}

impl AbandonmentCount {
    /// How many more people may be abandoned as the count stands: by a ceiling for the day, and by the 3 % of 30 days.
    #[must_use]
    pub fn spare(&self, ceiling_bp: u16) -> u32 {
        self.today.spare(ceiling_bp, self.mistaken_milli).min(self.days_30.spare(CEILING_BP_MAX, self.mistaken_30_milli))
    }

    /// The same count when so many people more have been put through, among whom the detector is mistaken as often as so far.
    #[must_use]
    pub fn after(&self, people: u32) -> Self {
        let more = AbandonmentDay { put_through: people, ..AbandonmentDay::default() };
        let mistaken = |milli: u32, day: &AbandonmentDay| milli.saturating_add(u32::try_from((u64::from(milli) * u64::from(people)).div_ceil(u64::from(day.live().max(1)))).unwrap_or(u32::MAX));
        Self {
            today: self.today.plus(&more),
            mistaken_milli: mistaken(self.mistaken_milli, &self.today),
            days_30: self.days_30.plus(&more),
            mistaken_30_milli: mistaken(self.mistaken_30_milli, &self.days_30),
            ..*self
        }
    }

    /// Somebody was abandoned today, one more could break the law's ceiling as the count stands, and the campaign's own for the day, with so many people
    /// still to be put through: from now on, and for the rest of the day, there is one call for each free agent. Before anybody was abandoned there is
    /// nothing to latch: the day has only begun.
    #[must_use]
    pub fn latches(&self, ceiling_bp: u16, ahead: u32) -> bool {
        let breaks = |count: &Self, ceiling_bp| count.today.must_stop(ceiling_bp, count.mistaken_milli, 1);
        self.today.abandoned > 0 && breaks(self, CEILING_BP_MAX) && breaks(&self.after(ahead), ceiling_bp)
    }

    /// Even one call for each free agent abandons people, as agents do not pick up: nothing is left but to call nobody else today.
    #[must_use]
    pub fn halts(&self) -> bool {
        self.today.abandoned > ONE_TO_ONE_ABANDONED_MAX && self.latches(CEILING_BP_MAX, 0)
    }

    /// The same of a campaign that may have come near the ceiling by its own launches, before it fell back to one call for each free agent: it has
    /// abandoned twice what may ever be abandoned, and so many people still to be put through would not bring the day back.
    #[must_use]
    pub fn halts_beyond_one_to_one(&self, ahead: u32) -> bool {
        let stops = |count: &Self, ceiling_bp| count.today.must_stop(ceiling_bp, count.mistaken_milli, 0);
        self.today.abandoned > ONE_TO_ONE_ABANDONED_MAX && stops(self, 2 * CEILING_BP_MAX) && stops(&self.after(ahead), CEILING_BP_MAX)
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Launch {
    pub calls: u32,
    /// Each of them has its agent's slot held from the launch on: nobody else is put through to it.
    pub holds_slots: bool,
    /// The day does not bear the campaign's own launches any more: whoever asked keeps that, as `AbandonmentCount::is_latched`, until the day is over.
    pub latches: bool,
    pub why: Why,
}

impl Launch {
    pub(super) fn new(calls: u32, why: Why) -> Self {
        Self { calls, holds_slots: false, latches: false, why }
    }
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// Nobody is left to be dialled now.
    NobodyReady,
    /// Whoever is left is not to be called yet: the worker that looked for them says so.
    NobodyDue,
    CallsPerSecond,
    CallsAtOnce { max: u32 },
    Trunks,
    /// Of the trunks none is up: whoever knows them says so.
    TrunksDown,
    /// Every free slot has its call.
    Slots { free: u32, in_flight: u32 },
    Power { free: u32, in_flight: u32, percent: u16 },
    /// No agent is there.
    NoAgents,
    /// One more abandoned call could break the ceiling: one call for each free slot until it bears more again.
    Ceiling { abandoned: u32, live: u32, ceiling_bp: u16 },
    /// The same for the 30 days of US-3, while the day itself bears more.
    Month { abandoned: u32, live: u32 },
    /// The same for the rest of the day.
    Latched { abandoned: u32, live: u32, ceiling_bp: u16 },
    /// Even one call for each free agent has abandoned too many: nobody else is called today.
    Halted { abandoned: u32, live: u32 },
    /// What is left of the day's abandoned calls may be used up by those in flight.
    Budget { free: u32, in_flight: u32, left: u32 },
    /// The model: the risk that one more call meets no free agent, against the price it may have.
    Predicted { free: u32, in_flight: u32, reach_bp: u16, risk_bp: u16, price_bp: u16, left: u32 },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |bp: u16| f64::from(bp) / 100.0;
        match self {
            Self::NobodyReady => f.write_str("nobody is left to be called now"),
            Self::NobodyDue => f.write_str("nobody is due now"),
            Self::CallsPerSecond => f.write_str("held by the campaign's calls a second"),
            Self::CallsAtOnce { max } => write!(f, "held by the campaign's {max} calls at once"),
            Self::Trunks => f.write_str("held by the trunks: no channel is free"),
            Self::TrunksDown => f.write_str("held by the trunks: none is up"),
            Self::Slots { free, in_flight } => write!(f, "one call for each free agent: {free} free, {in_flight} in flight"),
            Self::Power { free, in_flight, percent } => write!(f, "{percent} % calls for each free agent: {free} free, {in_flight} in flight"),
            Self::NoAgents => f.write_str("no agent is there"),
            Self::Ceiling { abandoned: 0, ceiling_bp, .. } => {
                write!(f, "one call for each free agent: too few people were put through today for a ceiling of {} % to bear one who is abandoned", percent(*ceiling_bp))
            }
            Self::Ceiling { abandoned, live, ceiling_bp } => {
                write!(f, "one call for each free agent: {abandoned} of {live} people abandoned today is too near the ceiling of {} %", percent(*ceiling_bp))
            }
            Self::Month { abandoned, live } => {
                write!(f, "one call for each free agent: {abandoned} of {live} people abandoned in 30 days is too near the {} % that they may be (US-3)", percent(CEILING_BP_MAX))
            }
            Self::Halted { abandoned, live } => {
                write!(f, "nobody else is called today: {abandoned} of {live} people were abandoned, {} % of a ceiling of {} %: see that agents pick up, and whether calls were up at a restart", share(*abandoned, *live), percent(CEILING_BP_MAX))
            }
            Self::Latched { abandoned, live, ceiling_bp } => {
                write!(f, "one call for each free agent for the rest of the day: {abandoned} of {live} people were abandoned, {} % of a ceiling of {} %", share(*abandoned, *live), percent(*ceiling_bp))
            }
            Self::Budget { free, in_flight, left } => {
                write!(f, "{free} agents free, {in_flight} calls in flight are all that the ceiling bears: {left} more people may be abandoned")
            }
            Self::Predicted { free, in_flight, reach_bp, risk_bp, price_bp, left } => {
                write!(f, "{free} agents free, {in_flight} calls in flight, {} % of calls come to an agent: one more would meet nobody with {} %, and {} % is allowed; ", percent(*reach_bp), percent(*risk_bp), percent(*price_bp))?;
                write!(f, "{left} more people may be abandoned today")
            }
        }
    }
}

/// In per cent, with one decimal.
fn share(part: u32, all: u32) -> f64 {
    (f64::from(part) * 1_000.0 / f64::from(all.max(1))).round() / 10.0
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
        self.agents.there() > 0
    }

    /// How many more calls there may be if all that are in flight are answered: free agents and so many abandoned people bear them.
    pub(super) fn room(&self, spare: u32) -> u32 {
        self.agents.free.saturating_add(spare).saturating_sub(self.in_flight()).saturating_sub(self.waiting)
    }
}

/// How many calls to launch now, by every mode but the predictive one, which needs its model and falls back to one call for
/// each free slot here.
#[must_use]
pub fn next(pacing: &CallPacing, state: &PaceState<'_>) -> Launch {
    let (free, in_flight) = (state.free(), state.in_flight());
    let wanted = match pacing.pace {
        PacingMode::Agentless => agentless(state),
        _ if !state.has_agents() => Launch::new(0, Why::NoAgents),
        PacingMode::Progressive if state.count.halts() => halted(state),
        PacingMode::Progressive | PacingMode::Predictive { .. } => one_to_one(state),
        PacingMode::Power { calls_per_slot_percent: percent } => held_by_the_ceiling(pacing, state, 0).unwrap_or_else(|| {
            let (spare, calls) = (state.count.spare(pacing.ceiling_bp()), (u64::from(free) * u64::from(percent) / 100) as u32);
            let (wanted, room) = (calls.saturating_sub(in_flight), state.room(spare));
            let why = if wanted <= room { Why::Power { free, in_flight, percent } } else { Why::Budget { free, in_flight: in_flight + room, left: spare } };
            Launch::new(wanted.min(room), why)
        }),
    };
    within_limits(wanted, pacing, state)
}

/// At full speed, whoever is free. People who ask for an agent by a key and meet none are abandoned all the same, and the law's ceiling holds: near it there is
/// no more than a call for each free agent, and when that does not help nobody else is called today.
fn agentless(state: &PaceState<'_>) -> Launch {
    let today = &state.count.today;
    if state.count.halts() {
        return halted(state);
    }
    if today.abandoned > 0 && state.count.spare(CEILING_BP_MAX) == 0 {
        let why = Why::Ceiling { abandoned: today.abandoned, live: today.live(), ceiling_bp: CEILING_BP_MAX };
        return Launch::new(state.free().saturating_sub(state.calls_up), why);
    }
    Launch::new(u32::MAX, Why::CallsPerSecond)
}

/// One call for each free slot, ringing ones counted.
pub(super) fn one_to_one(state: &PaceState<'_>) -> Launch {
    let (free, in_flight) = (state.free(), state.in_flight());
    Launch { holds_slots: true, ..Launch::new(free.saturating_sub(in_flight), Why::Slots { free, in_flight: in_flight + state.agents.held }) }
}

/// Nobody else today.
fn halted(state: &PaceState<'_>) -> Launch {
    let today = &state.count.today;
    Launch { holds_slots: true, ..Launch::new(0, Why::Halted { abandoned: today.abandoned, live: today.live() }) }
}

/// One call for each free slot, because the day, with so many people still to be put through, does not bear one more abandoned call, or none when that does
/// not help. `None` while the day bears one.
pub(super) fn held_by_the_ceiling(pacing: &CallPacing, state: &PaceState<'_>, ahead: u32) -> Option<Launch> {
    let (count, ceiling_bp) = (state.count, pacing.ceiling_bp());
    let (abandoned, live) = (count.today.abandoned, count.today.live());
    let latches = count.latches(ceiling_bp, ahead);
    if count.halts_beyond_one_to_one(ahead) {
        return Some(Launch { latches, ..halted(state) });
    }
    if count.is_latched || latches {
        return Some(Launch { why: Why::Latched { abandoned, live, ceiling_bp }, latches, ..one_to_one(state) });
    }
    let end = count.after(ahead);
    let why = match end.today.spare(ceiling_bp, end.mistaken_milli) {
        0 => Why::Ceiling { abandoned, live, ceiling_bp },
        _ => Why::Month { abandoned: count.days_30.abandoned, live: count.days_30.live() },
    };
    // While every agent talks or wraps up that is what holds it, whatever the count.
    let is_full = state.free() == 0 && state.agents.held == 0;
    let why = |held: Launch| Launch { why: if is_full { held.why } else { why }, ..held };
    (end.spare(ceiling_bp) == 0).then(|| why(one_to_one(state)))
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
    limits.into_iter().fold(wanted, |launch, (room, why)| if room < launch.calls { Launch { calls: room, why, ..launch } } else { launch })
}

#[cfg(test)]
#[path = "launch_tests.rs"]
mod tests;
