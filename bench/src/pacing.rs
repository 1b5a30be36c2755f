//! Predictive pacing against simulated people and agents: how busy the agents are, and how many people meet none.
//!
//! The simulator knows nothing of the pacer's model: its people answer after times of their own, its agents talk and wrap up for
//! times drawn from curves that the pacer has to learn, and the answer rate drifts over the day. Everything follows from the seed.

use std::time::Duration;

use clarion_domain::attempts::call::AGENT_AWAITED_MS_MAX;
use clarion_domain::campaigns::call_pacing::{AbandonmentCount, AgentsNow, Ahead, CEILING_BP_MAX, CallPacing, PaceEvent, PaceState, PacingMode, Predictor};
use clarion_domain::compliance::abandonment::AbandonmentDay;
use clarion_domain::time::{HOUR_MS, Instant, SECOND_MS};

const TICK_MS: i64 = 500;

/// What is simulated. Means of the people and agents; every draw differs.
#[derive(Clone, Copy)]
pub struct World {
    pub agents: usize,
    pub answer_rate: f64,
    pub talk_ms: f64,
    pub wrap_ms: f64,
    pub open_ms: i64,
    /// The answer rate swings by this share over the day.
    pub drift: f64,
    /// For how long a call is let ring.
    pub ring_ms: i64,
    pub upset: Option<Upset>,
}

/// What no model foresees, in the middle of the day.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Upset {
    /// From then on 60 % of the calls are answered, those that ring at that moment among them.
    AnswersJump,
    /// The answer rate swings by 60 % over the day, and not by 20 %.
    AnswersSwing,
    /// Half of the agents leave, each as soon as they are free.
    HalfLeave,
    /// For a minute every call is answered after a second, and those that ring at once: a carrier that plays announcements.
    Announcements,
    /// Somebody ends the campaign when it has run for an hour, and it would have had eight.
    EndedEarly,
    /// There are recipients for some half of the day.
    ListEnds,
}

const JUMPED_ANSWER_RATE: f64 = 0.6;
const ANNOUNCEMENTS_MS: i64 = 60_000;
/// Of a list that ends: about what an agent goes through in four hours.
const RECIPIENTS_PER_AGENT: u32 = 400;
const RECIPIENTS: u32 = 1_000_000;

impl World {
    /// A fifth of the calls answered, 150 s of talk, 25 s of wrap-up, eight hours, and for as long of ringing as a campaign that does not say otherwise.
    pub fn usual(agents: usize) -> Self {
        Self { agents, answer_rate: 0.2, talk_ms: 150_000.0, wrap_ms: 25_000.0, open_ms: 8 * HOUR_MS, drift: 0.2, ring_ms: i64::from(CallPacing::default().ring_ms_max), upset: None }
    }

    fn with(self, ring_ms: i64, upset: Option<Upset>) -> Self {
        let drift = if matches!(upset, Some(Upset::AnswersSwing)) { 0.6 } else { self.drift };
        Self { ring_ms, upset, drift, ..self }
    }

    fn noon(&self) -> Instant {
        Instant(self.open_ms / 2)
    }

    /// Until when people are called.
    fn ends(&self) -> Instant {
        Instant(if matches!(self.upset, Some(Upset::EndedEarly)) { self.open_ms.min(HOUR_MS) } else { self.open_ms })
    }

    /// The share of calls dialled now that somebody answers.
    fn answer_rate_at(&self, now: Instant) -> f64 {
        let swing = 1.0 + self.drift * (std::f64::consts::TAU * now.ms() as f64 / self.open_ms as f64).sin();
        let has_jumped = matches!(self.upset, Some(Upset::AnswersJump)) && now >= self.noon();
        (if has_jumped { JUMPED_ANSWER_RATE } else { self.answer_rate }) * swing
    }
}

/// What came of one day.
#[derive(Clone, Copy, Default)]
pub struct Day {
    pub busy_ms: i64,
    pub agents_ms: i64,
    pub count: AbandonmentDay,
    pub latched: bool,
    /// At some moment the count as it stood was over the law's ceiling: a day that had ended then would have been.
    pub over_now: bool,
    pub decisions: u32,
    pub deciding: Duration,
}

impl Day {
    /// Share of the agents' time in talk or wrap-up.
    pub fn occupancy(&self) -> f64 {
        self.busy_ms as f64 / self.agents_ms.max(1) as f64
    }

    pub fn abandoned(&self) -> f64 {
        f64::from(self.count.abandoned) / f64::from(self.count.live().max(1))
    }
}

/// Chance from a seed (SplitMix64), the same on every machine and in every version.
pub struct Chance(pub u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A log-normal time of this mean: most short, a few very long, as talks are.
    fn time_ms(&mut self, mean_ms: f64, sigma: f64) -> i64 {
        let normal = (-2.0 * self.unit().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        (mean_ms * (sigma * normal - sigma * sigma / 2.0).exp()) as i64
    }
}

#[derive(Clone, Copy)]
enum Agent {
    Free,
    Talking { since: Instant, until: Instant },
    Wrapping { since: Instant, until: Instant },
    Gone,
}

#[derive(Clone, Copy)]
struct Ringing {
    since: Instant,
    until: Instant,
    answers: bool,
    /// An agent is kept free for it.
    holds_slot: bool,
}

struct Simulation<'a> {
    world: World,
    chance: &'a mut Chance,
    predictor: &'a mut Predictor,
    agents: Vec<Agent>,
    ringing: Vec<Ringing>,
    /// When each waiting person answered, and whether an agent is kept free for them.
    waiting: Vec<(Instant, bool)>,
    count: AbandonmentCount,
    day: Day,
    /// Agents who leave as soon as they are free.
    leaving: usize,
    /// People who were not called yet.
    recipients: u32,
}

/// One day, from the first call to the end of the last. `before` is what the other days of the 30 had.
pub fn day(world: World, pace: PacingMode, before: AbandonmentDay, predictor: &mut Predictor, chance: &mut Chance) -> Day {
    let pacing = CallPacing { pace, calls_per_second_max: 500, calls_at_once_max: 10_000, ring_ms_max: u32::try_from(world.ring_ms).unwrap_or(u32::MAX) };
    pacing.check().expect("settings that a campaign could have");
    let recipients = if matches!(world.upset, Some(Upset::ListEnds)) { world.agents as u32 * RECIPIENTS_PER_AGENT } else { RECIPIENTS };
    let mut simulation = Simulation { world, chance, predictor, agents: vec![Agent::Free; world.agents], ringing: Vec::new(), waiting: Vec::new(), count: AbandonmentCount { days_30: before, ..AbandonmentCount::default() }, day: Day::default(), leaving: 0, recipients };
    let mut now = Instant(0);
    while now < world.ends() || !simulation.ringing.is_empty() || !simulation.waiting.is_empty() {
        if now == world.noon() {
            simulation.upset(now);
        }
        simulation.ends(now);
        simulation.leave();
        simulation.answers(now);
        simulation.serve(now);
        simulation.day.over_now |= simulation.count.today.must_stop(CEILING_BP_MAX, 0, 0);
        if now < world.ends() && simulation.recipients > 0 {
            simulation.count_time();
            if now.ms() % SECOND_MS == 0 {
                simulation.launch(&pacing, now);
            }
        }
        now = now.plus_ms(TICK_MS);
    }
    simulation.day.count = simulation.count.today;
    simulation.day
}

impl Simulation<'_> {
    /// What no model foresees befalls the calls that ring, and the agents.
    fn upset(&mut self, now: Instant) {
        match self.world.upset {
            Some(Upset::HalfLeave) => self.leaving = self.agents.len() / 2,
            Some(Upset::Announcements) => self.ringing.iter_mut().for_each(|call| (call.answers, call.until) = (true, now)),
            Some(Upset::AnswersJump) => {
                let (before, after) = (self.world.answer_rate, JUMPED_ANSWER_RATE);
                for call in self.ringing.iter_mut().filter(|call| !call.answers) {
                    if self.chance.unit() < (after - before) / (1.0 - before) {
                        call.answers = true;
                        call.until = now.plus_ms(((call.until.ms() - now.ms()) as f64 * self.chance.unit()) as i64);
                    }
                }
            }
            Some(Upset::AnswersSwing | Upset::EndedEarly | Upset::ListEnds) | None => {}
        }
    }

    /// Talks and wrap-ups that end by now.
    fn ends(&mut self, now: Instant) {
        for agent in &mut self.agents {
            match *agent {
                Agent::Talking { since, until } if until <= now => {
                    self.predictor.note(PaceEvent::TalkEnded { age_ms: until.ms() - since.ms() });
                    let wrap_ms = self.chance.time_ms(self.world.wrap_ms, 0.5);
                    *agent = Agent::Wrapping { since: until, until: until.plus_ms(wrap_ms) };
                }
                Agent::Wrapping { since, until } if until <= now => {
                    self.predictor.note(PaceEvent::WrapEnded { age_ms: until.ms() - since.ms() });
                    *agent = Agent::Free;
                }
                _ => {}
            }
        }
    }

    /// Whoever is kept free for a call stays for it.
    fn leave(&mut self) {
        let mut kept = self.ringing.iter().filter(|call| call.holds_slot).count();
        for agent in self.agents.iter_mut().filter(|agent| matches!(agent, Agent::Free)) {
            if kept > 0 {
                kept -= 1;
            } else if self.leaving > 0 {
                (*agent, self.leaving) = (Agent::Gone, self.leaving - 1);
            }
        }
    }

    /// Calls that are answered, or end, by now.
    fn answers(&mut self, now: Instant) {
        let (done, ringing) = self.ringing.drain(..).partition::<Vec<_>, _>(|call| call.until <= now);
        self.ringing = ringing;
        for call in done {
            let age_ms = call.until.ms() - call.since.ms();
            if call.answers {
                self.predictor.note(PaceEvent::Answered { age_ms });
                self.waiting.push((call.until, call.holds_slot));
            } else {
                self.predictor.note(PaceEvent::NotAnswered { age_ms });
            }
        }
    }

    /// Waiting people get the free agents; who has waited for too long is abandoned.
    fn serve(&mut self, now: Instant) {
        let kept = self.ringing.iter().filter(|call| call.holds_slot).count();
        let mut free = self.agents.iter().filter(|agent| matches!(agent, Agent::Free)).count() - kept;
        // Whoever has an agent of their own comes to them.
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|(answered, holds_slot)| (!holds_slot, *answered));
        for (answered, holds_slot) in waiting {
            if free > 0 {
                free -= 1;
                self.put_through(now);
            } else if now.ms() - answered.ms() >= AGENT_AWAITED_MS_MAX {
                self.count.today.abandoned += 1;
                self.count.days_30.abandoned += 1;
                self.predictor.note(PaceEvent::Abandoned);
            } else {
                self.waiting.push((answered, holds_slot));
            }
        }
    }

    fn put_through(&mut self, now: Instant) {
        self.count.today.put_through += 1;
        self.count.days_30.put_through += 1;
        self.predictor.note(PaceEvent::PutThrough);
        let until = now.plus_ms(self.chance.time_ms(self.world.talk_ms, 0.7));
        if let Some(agent) = self.agents.iter_mut().find(|agent| matches!(agent, Agent::Free)) {
            *agent = Agent::Talking { since: now, until };
        }
    }

    fn there(&self) -> usize {
        self.agents.iter().filter(|agent| !matches!(agent, Agent::Gone)).count()
    }

    fn count_time(&mut self) {
        let busy = self.agents.iter().filter(|agent| !matches!(agent, Agent::Free | Agent::Gone)).count();
        self.day.busy_ms += busy as i64 * TICK_MS;
        self.day.agents_ms += self.there() as i64 * TICK_MS;
    }

    fn launch(&mut self, pacing: &CallPacing, now: Instant) {
        let ringing: Vec<Instant> = self.ringing.iter().filter(|call| !call.holds_slot).map(|call| call.since).collect();
        let held = (self.ringing.len() - ringing.len()) as u32;
        let (mut talking, mut wrapping) = (Vec::new(), Vec::new());
        for agent in &self.agents {
            match agent {
                Agent::Talking { since, .. } => talking.push(*since),
                Agent::Wrapping { since, .. } => wrapping.push(*since),
                Agent::Free | Agent::Gone => {}
            }
        }
        let free = (self.there() - talking.len() - wrapping.len()) as u32 - held;
        let count = self.count;
        let state = PaceState {
            ringing_since: &ringing,
            waiting: self.waiting.len() as u32,
            calls_up: (self.ringing.len() + self.waiting.len() + talking.len()) as u32,
            agents: AgentsNow { free, held, talking_since: &talking, wrapping_since: &wrapping },
            ready: self.recipients,
            trunk_room: 10_000,
            rate_room: 500,
            count: &count,
            ahead: Ahead { ms: self.world.open_ms - now.ms(), recipients: self.recipients, rivals: 0 },
        };
        let begun = std::time::Instant::now();
        let launch = self.predictor.next(pacing, &state, now);
        self.day.deciding += begun.elapsed();
        self.day.decisions += 1;
        (self.count.is_latched, self.day.latched) = (self.count.is_latched || launch.latches, self.day.latched || launch.latches);
        self.recipients -= launch.calls;
        for _ in 0..launch.calls {
            let call = self.dial(launch.holds_slots, now);
            self.ringing.push(call);
        }
    }

    /// A person answers after some rings; a seventh of the calls end at once; the others ring for as long as they are let.
    fn dial(&mut self, holds_slot: bool, now: Instant) -> Ringing {
        let noon = self.world.noon();
        if matches!(self.world.upset, Some(Upset::Announcements)) && now >= noon && now < noon.plus_ms(ANNOUNCEMENTS_MS) {
            return Ringing { since: now, until: now.plus_ms(SECOND_MS), answers: true, holds_slot };
        }
        let fate = self.chance.unit();
        let rings_ms = 2_500 + self.chance.time_ms(8_500.0, 0.6);
        let (after_ms, answers) = if fate < self.world.answer_rate_at(now) && rings_ms < self.world.ring_ms {
            (rings_ms, true)
        } else if fate > 0.86 {
            (1_000 + self.chance.time_ms(2_000.0, 0.5), false)
        } else {
            (self.world.ring_ms, false)
        };
        Ringing { since: now, until: now.plus_ms(after_ms), answers, holds_slot }
    }
}

/// Days of one team under one ceiling, the first of them begun knowing nothing.
pub struct Team {
    pub days: Vec<Day>,
}

impl Team {
    pub fn run(world: World, pace: PacingMode, days: u32, seed: u64) -> Self {
        let (mut predictor, mut chance) = (Predictor::new(), Chance(seed ^ (world.agents as u64) << 32));
        let mut before = AbandonmentDay::default();
        let days = (0..days).map(|_| {
            let day = day(world, pace, before, &mut predictor, &mut chance);
            before = before.plus(&day.count);
            day
        });
        Self { days: days.collect() }
    }

    pub fn occupancy(&self) -> f64 {
        self.days.iter().map(Day::occupancy).sum::<f64>() / self.days.len().max(1) as f64
    }

    pub fn abandoned(&self) -> f64 {
        let sum = self.days.iter().fold(AbandonmentDay::default(), |sum, day| sum.plus(&day.count));
        f64::from(sum.abandoned) / f64::from(sum.live().max(1))
    }

    pub fn worst_day(&self) -> f64 {
        self.days.iter().map(Day::abandoned).fold(0.0, f64::max)
    }

    pub fn decision_micros(&self) -> f64 {
        let decisions: u32 = self.days.iter().map(|day| day.decisions).sum();
        self.days.iter().map(|day| day.deciding.as_secs_f64()).sum::<f64>() * 1e6 / f64::from(decisions.max(1))
    }
}

/// Several teams that differ in chance alone.
struct Teams(Vec<Team>);

impl Teams {
    fn run(world: World, pace: PacingMode, days: u32, seeds: &[u64]) -> Self {
        Self(seeds.iter().map(|seed| Team::run(world, pace, days, *seed)).collect())
    }

    fn mean(&self, of: impl Fn(&Team) -> f64) -> f64 {
        self.0.iter().map(of).sum::<f64>() / self.0.len().max(1) as f64
    }

    fn days(&self) -> impl Iterator<Item = &Day> {
        self.0.iter().flat_map(|team| &team.days)
    }

    /// Occupancy in all and on the worst day, abandoned calls in all and on the worst day.
    fn cell(&self) -> String {
        let least = self.days().map(Day::occupancy).fold(1.0, f64::min);
        let most = self.0.iter().map(Team::worst_day).fold(0.0, f64::max);
        format!("{:4.1} % {:4.1} %  ({:.2} %, {:.2} %)", self.mean(Team::occupancy) * 100.0, least * 100.0, self.mean(Team::abandoned) * 100.0, most * 100.0)
    }
}

/// Prints the tables of bench/README.md.
pub fn run(sizes: &[usize], days: u32, seeds: &[u64], ring_ms: i64, upset: Option<Upset>) {
    println!("{days} days of eight hours with each of the seeds {seeds:?}; share of agents' time in talk or wrap-up: mean and worst day,\nand (abandoned calls: in all and on the worst day). Days that were latched, over their ceiling, over 3 %, or that at some moment would have been, had they ended then\n");
    println!("{:>6}  {:>7}  {:>33}  {:>33}  {:>7}  {:>4}  {:>5}  {:>8}  {:>9}", "agents", "1:1", "ceiling 3 %", "ceiling 1 %", "latched", "over", "> 3 %", "a moment", "decision");
    for agents in sizes {
        let world = World::usual(*agents).with(ring_ms, upset);
        let one = Teams::run(world, PacingMode::Progressive, days.min(2), &seeds[..seeds.len().min(2)]);
        let three = Teams::run(world, PacingMode::Predictive { ceiling_bp: 300 }, days, seeds);
        let single = Teams::run(world, PacingMode::Predictive { ceiling_bp: 100 }, days, seeds);
        let latched = three.days().chain(single.days()).filter(|day| day.latched).count();
        let over = |teams: &Teams, ceiling: f64| teams.days().filter(|day| day.abandoned() > ceiling).count();
        let over_law = over(&three, 0.03) + over(&single, 0.03);
        let over = over(&three, 0.03) + over(&single, 0.01);
        let moments = three.days().chain(single.days()).filter(|day| day.over_now).count();
        let (one, micros) = (one.mean(Team::occupancy) * 100.0, three.mean(Team::decision_micros));
        println!("{agents:>6}  {one:>5.1} %  {:>33}  {:>33}  {latched:>7}  {over:>4}  {over_law:>5}  {moments:>8}  {micros:>6.0} µs", three.cell(), single.cell());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of bench/README.md in small: the agents are busier than with one call each, and the ceiling holds.
    #[test]
    fn agents_are_busier_and_the_ceiling_holds() {
        let world = World { open_ms: 2 * HOUR_MS, ..World::usual(12) };
        let one = Team::run(world, PacingMode::Progressive, 2, 11);
        let three = Team::run(world, PacingMode::Predictive { ceiling_bp: 300 }, 2, 11);
        assert_eq!(one.abandoned(), 0.0, "one call for each free agent abandons nobody");
        assert!(three.occupancy() > one.occupancy() + 0.08, "{} against {}", three.occupancy(), one.occupancy());
        assert!(three.worst_day() <= 0.03 && three.abandoned() > 0.005, "{} {}", three.worst_day(), three.abandoned());
    }

    /// Three times as many people answer from one moment to the next, half of the agents leave, the carrier answers everything, the list ends, somebody ends
    /// the campaign.
    #[test]
    fn the_ceiling_holds_on_days_that_no_model_foresees() {
        for upset in [Upset::AnswersJump, Upset::AnswersSwing, Upset::HalfLeave, Upset::Announcements, Upset::EndedEarly, Upset::ListEnds] {
            let world = World { open_ms: 2 * HOUR_MS, ..World::usual(20).with(28_000, Some(upset)) };
            let team = Team::run(world, PacingMode::Predictive { ceiling_bp: 300 }, 2, 12);
            assert!(team.worst_day() <= 0.03 && team.abandoned() > 0.005, "{} {}", team.worst_day(), team.abandoned());
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_days() {
        let world = World { open_ms: HOUR_MS / 2, ..World::usual(5) };
        let run = |seed| Team::run(world, PacingMode::Predictive { ceiling_bp: 300 }, 1, seed).days[0];
        assert_eq!((run(3).busy_ms, run(3).count), (run(3).busy_ms, run(3).count));
        assert_ne!(run(3).busy_ms, run(4).busy_ms);
    }
}
