//! Predictive pacing, by a model of what will happen in the next half minute and not by feedback on how idle agents were.
//!
//! Learned, with forgetting: how likely a ringing call is answered or given up at each age, how likely a talk and a wrap-up
//! end at each age. For horizons up to 32 seconds the model counts free agents, expected releases and answers in flight. The
//! risk of one more call is the chance that, when it is answered, no agent is free; a call is launched while that risk is under a price, or
//! while there are fewer calls in flight than free agents. The price is steered by what is left of the day's budget of
//! abandoned calls, less the detector's expected mistakes.
//!
//! The hard stop, beside the price, is threefold (docs/decisions/0007):
//! - As the count stands, free agents and the law's ceiling bear the answers to every call in flight, but for one chance in a thousand: so the campaign may be
//!   ended at any moment.
//! - The day, with what the rest of it would bring at one call for each free agent, counted at half, bears them under the campaign's own ceiling, but for one
//!   chance in a million, at half as many answers again as was learned; and without the last of its budget, but for one in a thousand.
//! - If every call in flight were answered at this moment, the rest of the day, so counted, would bring it back under half again the campaign's ceiling, and
//!   under the law's.
//!
//! Until enough was learned every call counts as answered, and nothing on the rest of the day.

use crate::campaigns::call_pacing::crowd::Crowd;
use crate::campaigns::call_pacing::hazard::{Hazard, STEP_MS, step_of};
use crate::campaigns::call_pacing::launch::{Launch, PaceState, Why, held_by_the_ceiling, within_limits};
use crate::campaigns::call_pacing::settings::{CEILING_BP_MAX, CallPacing, PacingMode};
use crate::campaigns::call_pacing::shortfall::Shortfall;
use crate::campaigns::call_pacing::surprise::Surprise;
use crate::time::Instant;

/// In steps of two seconds: 2 to 32 seconds.
const HORIZONS: [usize; 8] = [1, 2, 3, 4, 6, 8, 12, 16];
const STEPS: usize = 17;
const RING_STEPS: usize = 60;
const TALK_STEPS: usize = 300;
const WRAP_STEPS: usize = 90;
/// One decision launches no more than this.
const LAUNCH_MAX: u32 = 64;
/// The price never exceeds this: beyond it a launch would be a gamble whatever the budget.
const PRICE_MAX: f64 = 0.5;
/// An answered person waits for an agent for a part of one step (`AGENT_AWAITED_MS_MAX`), and a step is the least that is told apart.
const PATIENCE_STEPS: usize = 1;
/// So many times what the calls usually wished for need to be spare is room enough: with less left of the budget the hard stop and not the price
/// holds launches now and then.
const ENOUGH: f64 = 4.0;
/// How fast that need is learned: a decision is a small part of a day.
const NEED_MEAN: f64 = 1.0 / 600.0;
/// With room enough this share of the ceiling is spent, with less of it less in proportion, and with more of it more: never more than
/// one and a half times the ceiling, and never nothing: a price of nothing would teach nothing.
const SHARE_WITH_ENOUGH: f64 = 0.7;
const SHARES: std::ops::RangeInclusive<f64> = 0.05..=1.5;
/// What the day still bears is spent on so many times the people who are expected in the rest of it, less so many times the need, which stays for the last calls.
const EXPECTED_MORE: f64 = 1.3;
const NEEDS_KEPT: f64 = 2.0;
/// Of what the rest of the day would bring at one call for each free agent, what is counted on.
const AHEAD_COUNTED: f64 = 0.5;
/// People who may be abandoned that the model does not touch.
const LAST: u32 = 1;
/// The chance, at one decision, that the answers to the calls in flight take the day over its ceiling.
const OVER_MAX: f64 = 1e-6;
/// The chance that they take the last of the budget, which breaks no rule and costs the rest of the day; or the count over the law's ceiling, which
/// breaks one only when nothing follows.
const RARELY: f64 = 1e-3;
/// Against `OVER_MAX` so many times as many answer as was learned, for what changes before it is seen.
const MORE_ANSWERS: f64 = 1.5;
/// Until so many calls have ended, every call in flight counts as answered, and nothing on the rest of the day.
const LEARNED_CALLS_MIN: u32 = 300;

/// What a day does not pass whatever answers come: half again the campaign's own ceiling, and never the law's.
fn shock_ceiling_bp(ceiling_bp: u16) -> u16 {
    (ceiling_bp * 3 / 2).min(CEILING_BP_MAX)
}

/// What the pacer learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaceEvent {
    /// A person came to want an agent so long after the dialling: by answering, or by the key that the script asks for.
    Answered { age_ms: i64 },
    /// It ended in any other way: busy, no answer, a machine, a person who wanted nobody.
    NotAnswered { age_ms: i64 },
    /// An answered person met an agent, or none.
    PutThrough,
    Abandoned,
    TalkEnded { age_ms: i64 },
    WrapEnded { age_ms: i64 },
}

/// Learns and decides for one campaign. Deterministic: the same events and questions give the same answers.
#[derive(Debug, Clone)]
pub struct Predictor {
    answers: Hazard,
    given_up: Hazard,
    talks: Hazard,
    wraps: Hazard,
    /// Decayed: people who answered, those of them abandoned, the sum of the prices at that time.
    live: f64,
    abandoned: f64,
    priced: f64,
    price: f64,
    /// How many people must usually be spare for the calls that are wished for.
    need: f64,
    /// Calls that ended, and whether more are answered lately than was learned from them.
    learned_calls: u32,
    surprise: Surprise,
}

impl Default for Predictor {
    fn default() -> Self {
        Self::new()
    }
}

impl Predictor {
    /// Knows nothing yet, and is careful: many answers, long talks.
    #[must_use]
    pub fn new() -> Self {
        Self {
            answers: Hazard::new(RING_STEPS, 0.05, 1_500.0, 0),
            given_up: Hazard::new(RING_STEPS, 0.02, 1_500.0, 0),
            talks: Hazard::new(TALK_STEPS, 0.005, 400.0, 4),
            wraps: Hazard::new(WRAP_STEPS, 0.03, 400.0, 2),
            live: 20.0,
            abandoned: 0.4,
            priced: 0.6,
            price: 0.0,
            need: 1.0,
            learned_calls: 0,
            surprise: Surprise::default(),
        }
    }

    pub fn note(&mut self, event: PaceEvent) {
        const KEEP: f64 = 1.0 - 1.0 / 400.0;
        match event {
            PaceEvent::Answered { age_ms } => {
                self.note_end(age_ms, true);
                self.answers.note(age_ms, true);
                self.given_up.note(age_ms, false);
            }
            PaceEvent::NotAnswered { age_ms } => {
                self.note_end(age_ms, false);
                self.answers.note(age_ms, false);
                self.given_up.note(age_ms, true);
            }
            PaceEvent::PutThrough | PaceEvent::Abandoned => {
                self.live = self.live * KEEP + 1.0;
                self.priced = self.priced * KEEP + self.price;
                self.abandoned = self.abandoned * KEEP + f64::from(u8::from(event == PaceEvent::Abandoned));
            }
            PaceEvent::TalkEnded { age_ms } => self.talks.note(age_ms, true),
            PaceEvent::WrapEnded { age_ms } => self.wraps.note(age_ms, true),
        }
    }

    fn note_end(&mut self, age_ms: i64, answered: bool) {
        self.learned_calls = self.learned_calls.saturating_add(1);
        self.surprise.note(&self.answers, RING_STEPS, age_ms, answered);
    }

    /// The price now, as the page shows it: the highest risk at which one more call is launched.
    #[must_use]
    pub fn price(&self) -> f64 {
        self.price
    }

    /// How many calls to launch now, and why.
    pub fn next(&mut self, pacing: &CallPacing, state: &PaceState<'_>, now: Instant) -> Launch {
        let PacingMode::Predictive { ceiling_bp } = pacing.pace else {
            return super::launch::next(pacing, state);
        };
        // Nothing latches meanwhile: who is at lunch comes back.
        if !state.has_agents() {
            return within_limits(Launch::new(0, Why::NoAgents), pacing, state);
        }
        let ahead = self.people_ahead(state);
        if let Some(launch) = held_by_the_ceiling(pacing, state, ahead) {
            self.price = 0.0;
            return within_limits(launch, pacing, state);
        }
        let end = state.count.after(ahead);
        let budget = Budget { now: state.count.spare(CEILING_BP_MAX), day: end.spare(ceiling_bp), shock: end.spare(shock_ceiling_bp(ceiling_bp)), ahead };
        self.price = self.steer(f64::from(ceiling_bp) / 10_000.0, &budget);
        let (likely, more) = (self.shortfall(state, now, 1.0), self.shortfall(state, now, MORE_ANSWERS));
        let room = likely.room(budget.now, LAUNCH_MAX, RARELY).min(likely.room(budget.day - LAST, LAUNCH_MAX, RARELY)).min(more.room(budget.day, LAUNCH_MAX, OVER_MAX));
        let room = room.min(state.room(budget.shock)).max(state.free().saturating_sub(state.in_flight()));
        let (launch, wanted) = self.decide(self.outlook(state, now), state, room, &budget);
        self.need += (f64::from(likely.needs(wanted, RARELY)) - self.need) * NEED_MEAN;
        within_limits(launch, pacing, state)
    }

    /// People whom the rest of the day would bring at the least, at one call for each free agent: half of what those agents who are there now could bear, shared
    /// evenly with the campaigns that have the same, and of those who would answer among the recipients that are left.
    fn people_ahead(&self, state: &PaceState<'_>) -> u32 {
        if self.learned_calls < LEARNED_CALLS_MIN {
            return 0;
        }
        let reach = self.reach();
        let a_person_ms = self.talks.mean_ms() + self.wraps.mean_ms() + self.ring_ms() / reach.max(0.01);
        let turns = ((state.ahead.ms as f64 - a_person_ms) / a_person_ms).max(0.0);
        let agents = f64::from(state.agents.there()) / f64::from(state.ahead.rivals.saturating_add(1));
        let people = (agents * turns).min(f64::from(state.ahead.recipients) * reach);
        (people * AHEAD_COUNTED) as u32
    }

    /// For how long a call rings that is answered, or given up.
    fn ring_ms(&self) -> f64 {
        let mut rings = 1.0;
        let steps = (0..RING_STEPS).map(|step| {
            let so_far = rings;
            rings *= (1.0 - self.answers.at(step) - self.given_up.at(step)).max(0.0);
            so_far
        });
        steps.sum::<f64>() * STEP_MS as f64
    }

    /// The chance that a call comes to want an agent at all.
    fn reach(&self) -> f64 {
        self.reach_by_age()[0]
    }

    /// The same of a call that has rung for each number of steps.
    fn reach_by_age(&self) -> [f64; RING_STEPS + 1] {
        let mut reach = [0.0; RING_STEPS + 1];
        for step in (0..RING_STEPS).rev() {
            let (answers, gives_up) = (self.answers.at(step), self.given_up.at(step));
            reach[step] = answers + (1.0 - answers - gives_up).max(0.0) * reach[step + 1];
        }
        reach
    }

    /// The answers that the hard stop reckons with, at so many times as many as was learned.
    fn shortfall(&self, state: &PaceState<'_>, now: Instant, times: f64) -> Shortfall {
        let (reach, more) = (self.reach_by_age(), times * self.surprise.times());
        let is_known = self.learned_calls >= LEARNED_CALLS_MIN;
        let answered = |step: usize| if is_known { (reach[step] * more).min(1.0) } else { 1.0 };
        let mut answers = 0.0;
        each_age(state.ringing_since, now, RING_STEPS, |step, members| answers += answered(step) * f64::from(members));
        let free = i64::from(state.agents.free) - i64::from(state.waiting);
        Shortfall { free, in_flight: state.in_flight(), answers, new_call: answered(0) }
    }

    /// The rate at which people may be abandoned, over how many are abandoned for each unit of price. What is left of the budget is worth
    /// more as room than spent: each person less who may be abandoned is fewer calls in flight for the rest of the day, because of the hard stop.
    /// So it is saved while it is scarce, and spent in the measure in which it is room enough, and by the end of the day.
    fn steer(&self, ceiling: f64, budget: &Budget) -> f64 {
        let enough = (self.need * ENOUGH).max(1.0);
        let by_room = SHARE_WITH_ENOUGH * f64::from(budget.now.min(budget.day)) / enough;
        let expected = f64::from(budget.ahead) / AHEAD_COUNTED * EXPECTED_MORE;
        let by_the_end = (f64::from(budget.day - LAST) - NEEDS_KEPT * self.need) / (expected * ceiling).max(1e-6);
        let share = if budget.ahead > 0 { by_room.max(by_the_end) } else { by_room };
        let rate = ceiling * share.clamp(*SHARES.start(), *SHARES.end());
        let per_price = (self.abandoned / self.priced.max(1e-6)).clamp(0.1, 2.0);
        (rate / per_price).min(PRICE_MAX)
    }

    /// The launch, and how many calls it would have been without the hard stop.
    fn decide(&self, mut outlook: Outlook, state: &PaceState<'_>, room: u32, budget: &Budget) -> (Launch, u32) {
        let (free, in_flight, price) = (state.free(), state.in_flight(), self.price);
        let (mut wanted, mut risk) = (0, outlook.risk(free));
        while wanted < LAUNCH_MAX && (risk < price || in_flight + wanted < free) {
            wanted += 1;
            outlook.launch();
            risk = outlook.risk(free);
        }
        let calls = wanted.min(room);
        let bp = |share: f64| (share * 10_000.0).round().clamp(0.0, 10_000.0) as u16;
        let why = if wanted > room {
            Why::Budget { free, in_flight: in_flight + calls, left: budget.now.min(budget.day) }
        } else {
            Why::Predicted { free, in_flight: in_flight + calls, reach_bp: bp(self.reach()), risk_bp: bp(risk), price_bp: bp(price), left: budget.day }
        };
        (Launch::new(calls, why), wanted)
    }

    fn outlook(&self, state: &PaceState<'_>, now: Instant) -> Outlook {
        let mut crowds: [Crowd; HORIZONS.len()] = std::array::from_fn(|_| Crowd::new());
        let mut agents = 0;
        let mut add = |chances: &[f64; STEPS], members: u32, busy: bool| {
            for (crowd, horizon) in crowds.iter_mut().zip(HORIZONS) {
                // A busy agent counts against us until released.
                crowd.add(if busy { 1.0 - chances[(horizon + PATIENCE_STEPS).min(STEPS - 1)] } else { chances[horizon] }, members);
            }
            agents += if busy { i64::from(members) } else { 0 };
        };
        let wrapped = self.ends_within(&self.wraps, 0);
        each_age(state.ringing_since, now, RING_STEPS, |step, members| add(&self.answered_within(step), members, false));
        each_age(state.agents.wrapping_since, now, WRAP_STEPS, |step, members| add(&self.ends_within(&self.wraps, step), members, true));
        each_age(state.agents.talking_since, now, TALK_STEPS, |step, members| add(&self.released_within(step, &wrapped), members, true));
        Outlook { crowds, agents, new_call: self.answered_within(0) }
    }

    /// The chance that a call of this age is answered within each number of steps.
    fn answered_within(&self, age: usize) -> [f64; STEPS] {
        let (mut chances, mut ringing) = ([0.0; STEPS], 1.0);
        for step in 1..STEPS {
            let (answers, gives_up) = (self.answers.at(age + step - 1), self.given_up.at(age + step - 1));
            chances[step] = chances[step - 1] + ringing * answers;
            ringing *= (1.0 - answers - gives_up).max(0.0);
        }
        chances
    }

    fn ends_within(&self, hazard: &Hazard, age: usize) -> [f64; STEPS] {
        let (mut chances, mut lasts) = ([0.0; STEPS], 1.0);
        for (step, chance) in chances.iter_mut().enumerate().skip(1) {
            lasts *= 1.0 - hazard.at(age + step - 1);
            *chance = 1.0 - lasts;
        }
        chances
    }

    /// A talk of this age, and then the wrap-up, are over within each number of steps.
    fn released_within(&self, age: usize, wrapped: &[f64; STEPS]) -> [f64; STEPS] {
        let talked = self.ends_within(&self.talks, age);
        let mut chances = [0.0; STEPS];
        for (step, chance) in chances.iter_mut().enumerate().skip(1) {
            *chance = (1..=step).map(|talk| (talked[talk] - talked[talk - 1]) * wrapped[step - talk]).sum();
        }
        chances
    }
}

/// How many people may be abandoned.
struct Budget {
    /// Before the count passes the law's ceiling as it stands.
    now: u32,
    /// In the whole day, by the campaign's own ceiling; and by the one that holds when everybody answers at once.
    day: u32,
    shock: u32,
    /// People who are counted on in the rest of the day.
    ahead: u32,
}

/// Groups by age, so that two hundred agents cost no more than the ages they have.
fn each_age(since: &[Instant], now: Instant, steps: usize, mut tell: impl FnMut(usize, u32)) {
    let mut members = vec![0u32; steps];
    since.iter().for_each(|since| members[step_of(now.ms() - since.ms(), steps)] += 1);
    members.into_iter().enumerate().filter(|(_, members)| *members > 0).for_each(|(step, members)| tell(step, members));
}

/// At each horizon: answers in flight and agents still busy.
struct Outlook {
    crowds: [Crowd; HORIZONS.len()],
    /// Busy agents among the crowds.
    agents: i64,
    new_call: [f64; STEPS],
}

impl Outlook {
    /// The chance that one more call, when it is answered, meets no free agent.
    fn risk(&self, free: u32) -> f64 {
        // No agent is free when answers and agents still busy are at least all agents together.
        let none_free = |crowd: &Crowd| crowd.at_least(i64::from(free) + self.agents);
        let (mut risk, mut answered, mut before) = (0.0, 0.0, (0.0, none_free(&self.crowds[0])));
        for (crowd, horizon) in self.crowds.iter().zip(HORIZONS) {
            let now = (self.new_call[horizon], none_free(crowd));
            risk += (now.0 - before.0) * (now.1 + before.1) / 2.0;
            answered += now.0 - before.0;
            before = now;
        }
        if answered > 1e-9 { risk / answered } else { 1.0 }
    }

    fn launch(&mut self) {
        for (crowd, horizon) in self.crowds.iter_mut().zip(HORIZONS) {
            crowd.add(self.new_call[horizon], 1);
        }
    }
}

#[cfg(test)]
#[path = "predictive_tests.rs"]
mod tests;
