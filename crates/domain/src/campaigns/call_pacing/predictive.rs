//! Predictive pacing, by a model of what will happen in the next half minute and not by feedback on how idle agents were.
//!
//! Learned, with forgetting: how likely a ringing call is answered or given up at each age, how likely a talk and a wrap-up
//! end at each age. For horizons up to 32 seconds the model counts free agents, expected releases and answers in flight. The
//! risk of one more call is the chance that, when it is answered, no agent is free; a call is launched while that risk is under a price, or
//! while there are fewer calls in flight than free agents. The price is steered by what is left of the day's budget of
//! abandoned calls, less the detector's expected mistakes.
//!
//! The hard stop: free agents and what is left of the budget must bear every answer that the calls in flight may bring. Then,
//! and until the count allows more again, there is one call for each free slot. How many that is follows from what is known of the
//! rest of the day: nothing known (a campaign that may be stopped at any moment), and every call in flight counts as answered and
//! abandoned; otherwise as many as are answered but for one time in ten thousand.

use crate::campaigns::call_pacing::crowd::Crowd;
use crate::campaigns::call_pacing::hazard::{Hazard, STEP_MS, step_of};
use crate::campaigns::call_pacing::launch::{DayLeft, Launch, PaceState, Why, at_the_ceiling, within_limits};
use crate::campaigns::call_pacing::settings::{CallPacing, PacingMode};
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
/// Answers to be feared: as many as come but for one time in ten thousand.
const FEARED_Z: f64 = 3.7;
/// Of the live calls that the rest of the day should bring at one call for each free slot, those that are counted on.
const REST_SHARE: f64 = 0.8;
/// An answered person may wait two seconds for an agent (UK-6).
const PATIENCE_STEPS: usize = 1;

/// What the pacer learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaceEvent {
    /// A person answered after ringing this long, counted from dialling.
    Answered { age_ms: i64 },
    /// It ended in any other way: busy, no answer, a machine.
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
    talk_ms: f64,
    wrap_ms: f64,
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
            talk_ms: 180_000.0,
            wrap_ms: 30_000.0,
        }
    }

    pub fn note(&mut self, event: PaceEvent) {
        const KEEP: f64 = 1.0 - 1.0 / 400.0;
        const MEAN: f64 = 1.0 / 200.0;
        match event {
            PaceEvent::Answered { age_ms } => {
                self.answers.note(age_ms, true);
                self.given_up.note(age_ms, false);
            }
            PaceEvent::NotAnswered { age_ms } => {
                self.answers.note(age_ms, false);
                self.given_up.note(age_ms, true);
            }
            PaceEvent::PutThrough | PaceEvent::Abandoned => {
                self.live = self.live * KEEP + 1.0;
                self.priced = self.priced * KEEP + self.price;
                self.abandoned = self.abandoned * KEEP + f64::from(u8::from(event == PaceEvent::Abandoned));
            }
            PaceEvent::TalkEnded { age_ms } => {
                self.talks.note(age_ms, true);
                self.talk_ms += (age_ms as f64 - self.talk_ms) * MEAN;
            }
            PaceEvent::WrapEnded { age_ms } => {
                self.wraps.note(age_ms, true);
                self.wrap_ms += (age_ms as f64 - self.wrap_ms) * MEAN;
            }
        }
    }

    /// The price now, as the page shows it: the highest risk at which one more call is launched.
    #[must_use]
    pub fn price(&self) -> f64 {
        self.price
    }

    /// How many calls to launch now, and why.
    pub fn next(&mut self, pacing: &CallPacing, state: &PaceState<'_>, now: Instant) -> Launch {
        let PacingMode::Predictive { ceiling_bp } = pacing.pace else {
            return super::launch::next(pacing, state, now);
        };
        if !state.has_agents() {
            return within_limits(Launch { calls: 0, why: Why::NoAgents }, pacing, state);
        }
        let ceiling = f64::from(ceiling_bp) / 10_000.0;
        let (spare, rest) = self.budget(ceiling, state);
        if spare < 1.0 {
            self.price = 0.0;
            return within_limits(at_the_ceiling(pacing, state), pacing, state);
        }
        self.price = self.steer(ceiling, spare, rest);
        let room = self.room(self.worst(state, now), f64::from(state.free()) + spare, state);
        let launch = self.decide(self.outlook(state, now), state, room, spare);
        within_limits(launch, pacing, state)
    }

    /// What is left of the day's budget of abandoned calls, in people, and how many more live calls the day will bring even at
    /// one call for each free slot.
    fn budget(&self, ceiling: f64, state: &PaceState<'_>) -> (f64, f64) {
        let rest = self.rest_of_day(state);
        // Who waits and has no free agent is as good as abandoned.
        let lost = state.waiting.saturating_sub(state.agents.free);
        let used = f64::from(state.today.abandoned + lost) + f64::from(state.mistaken_milli) / 1_000.0;
        (ceiling * (f64::from(state.today.live()) + rest) - used, rest)
    }

    /// The answers that the calls in flight may bring.
    fn worst(&self, state: &PaceState<'_>, now: Instant) -> Answers {
        let mut answers = Answers { calls: state.in_flight(), is_day_known: state.day_left != DayLeft::default(), ..Answers::default() };
        each_age(state.ringing_since, now, RING_STEPS, |step, members| answers.add(self.answered_within(step)[STEPS - 1], members));
        answers
    }

    /// How many more calls there may be, so that free agents and budget together bear every answer that is to be feared.
    fn room(&self, mut worst: Answers, bears: f64, state: &PaceState<'_>) -> u32 {
        let chance = self.answered_within(0)[STEPS - 1];
        let mut room = 0;
        while room < LAUNCH_MAX {
            worst.calls += 1;
            worst.add(chance, 1);
            if worst.most() > bears && worst.calls > state.free() {
                break;
            }
            room += 1;
        }
        room
    }

    fn rest_of_day(&self, state: &PaceState<'_>) -> f64 {
        let agents = f64::from(state.agents.free) + (state.agents.talking_since.len() + state.agents.wrapping_since.len()) as f64;
        let (chance, ring_ms) = self.of_a_call();
        // At one call for each free slot an agent waits for several calls, one after the other.
        let cycle_ms = self.talk_ms + self.wrap_ms + ring_ms / chance.max(0.01);
        let by_time = agents * state.day_left.open_ms.max(0) as f64 / cycle_ms;
        let by_people = f64::from(state.day_left.recipients) * chance;
        by_time.min(by_people) * REST_SHARE
    }

    /// The chance that a call is answered at all, and how long one lasts until it is answered or not.
    fn of_a_call(&self) -> (f64, f64) {
        let (mut ringing, mut answered, mut ms) = (1.0, 0.0, 0.0);
        for step in 0..RING_STEPS {
            ms += ringing * STEP_MS as f64;
            let (answers, gives_up) = (self.answers.at(step), self.given_up.at(step));
            answered += ringing * answers;
            ringing *= (1.0 - answers - gives_up).max(0.0);
        }
        (answered, ms)
    }

    /// The rate of abandoned calls that would use up the budget just in time, over how many are abandoned for each unit of price.
    fn steer(&self, ceiling: f64, spare: f64, rest: f64) -> f64 {
        let horizon = rest.max(50.0);
        let rate = (spare / horizon).clamp(0.0, ceiling * 2.0);
        let per_price = (self.abandoned / self.priced.max(1e-6)).clamp(0.1, 2.0);
        (rate / per_price).min(PRICE_MAX)
    }

    fn decide(&self, mut outlook: Outlook, state: &PaceState<'_>, room: u32, spare: f64) -> Launch {
        let (free, in_flight) = (state.free(), state.in_flight());
        let price = self.price;
        let (mut calls, mut risk) = (0, outlook.risk(free));
        while calls < room.min(LAUNCH_MAX) && (risk < price || in_flight + calls < free) {
            calls += 1;
            outlook.launch();
            risk = outlook.risk(free);
        }
        let bp = |share: f64| (share * 10_000.0).round().clamp(0.0, 10_000.0) as u16;
        if calls == room && risk < price {
            return Launch { calls, why: Why::Budget { in_flight: in_flight + calls, left: spare.floor().clamp(0.0, 1e9) as u32 } };
        }
        Launch { calls, why: Why::Predicted { free, in_flight: in_flight + calls, risk_bp: bp(risk), price_bp: bp(price) } }
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

/// Groups by age, so that two hundred agents cost no more than the ages they have.
fn each_age(since: &[Instant], now: Instant, steps: usize, mut tell: impl FnMut(usize, u32)) {
    let mut members = vec![0u32; steps];
    since.iter().for_each(|since| members[step_of(now.ms() - since.ms(), steps)] += 1);
    members.into_iter().enumerate().filter(|(_, members)| *members > 0).for_each(|(step, members)| tell(step, members));
}

/// How many of the calls in flight may be answered.
#[derive(Clone, Copy, Default)]
struct Answers {
    calls: u32,
    mean: f64,
    variance: f64,
    skew: f64,
    is_day_known: bool,
}

impl Answers {
    fn add(&mut self, chance: f64, members: u32) {
        let n = f64::from(members);
        self.mean += n * chance;
        self.variance += n * chance * (1.0 - chance);
        self.skew += n * chance * (1.0 - chance) * (1.0 - 2.0 * chance);
    }

    /// As many as may come but for one time in many thousands (Cornish and Fisher's correction of the normal curve), never
    /// more than there are calls. Where nothing is known of what the day still brings, every call counts.
    fn most(&self) -> f64 {
        let calls = f64::from(self.calls);
        if !self.is_day_known {
            return calls;
        }
        let z = FEARED_Z;
        let skew = self.skew / self.variance.max(1e-9) * (z * z - 1.0) / 6.0;
        (self.mean + z * self.variance.sqrt() + skew).min(calls)
    }
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
