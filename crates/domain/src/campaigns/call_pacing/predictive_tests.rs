use super::*;
use crate::campaigns::call_pacing::launch::{AbandonmentCount, AgentsNow, Ahead};
use crate::compliance::abandonment::AbandonmentDay;
use crate::time::{HOUR_MS, SECOND_MS};
use proptest::prelude::*;

const NOW: Instant = Instant(1_795_435_200_000);

fn pacing(ceiling_bp: u16) -> CallPacing {
    CallPacing { pace: PacingMode::Predictive { ceiling_bp }, calls_per_second_max: 500, calls_at_once_max: 10_000, ring_ms_max: 28_000 }
}

/// A pacer that has seen a fifth of the calls answered after ten seconds, talks of 150 s and wrap-ups of 25 s.
fn taught() -> Predictor {
    let mut predictor = Predictor::new();
    for n in 0..3_000i64 {
        predictor.note(if n % 5 == 0 { PaceEvent::Answered { age_ms: 6_000 + n % 9 * SECOND_MS } } else { PaceEvent::NotAnswered { age_ms: 28_000 } });
        if n % 5 == 0 {
            predictor.note(PaceEvent::PutThrough);
            predictor.note(PaceEvent::TalkEnded { age_ms: 30_000 + n % 240 * SECOND_MS });
            predictor.note(PaceEvent::WrapEnded { age_ms: 10_000 + n % 30 * SECOND_MS });
        }
    }
    predictor
}

struct Floor {
    free: u32,
    talking: Vec<Instant>,
    wrapping: Vec<Instant>,
    ringing: Vec<Instant>,
    count: AbandonmentCount,
    ahead: Ahead,
}

fn counted(put_through: u32, abandoned: u32) -> AbandonmentCount {
    let today = AbandonmentDay { put_through, abandoned, ..AbandonmentDay::default() };
    AbandonmentCount { today, days_30: today, ..AbandonmentCount::default() }
}

fn floor(free: u32, talking: i64, ringing: usize) -> Floor {
    Floor {
        free,
        talking: (0..talking).map(|n| NOW.plus_ms(-n * 7 % 150 * SECOND_MS)).collect(),
        wrapping: Vec::new(),
        ringing: vec![NOW.plus_ms(-4_000); ringing],
        count: counted(3_000, 5),
        ahead: Ahead::default(),
    }
}

impl Floor {
    fn state(&self) -> PaceState<'_> {
        PaceState {
            ringing_since: &self.ringing,
            waiting: 0,
            calls_up: (self.ringing.len() + self.talking.len()) as u32,
            agents: AgentsNow { free: self.free, held: 0, talking_since: &self.talking, wrapping_since: &self.wrapping },
            ready: 100_000,
            trunk_room: 10_000,
            rate_room: 500,
            count: &self.count,
            ahead: self.ahead,
        }
    }

    fn ask(&self, ceiling_bp: u16) -> Launch {
        taught().next(&pacing(ceiling_bp), &self.state(), NOW)
    }
}

#[test]
fn launches_more_than_it_has_agents_for_when_few_answer() {
    let launch = floor(5, 45, 0).ask(300);
    assert!((6..60).contains(&launch.calls) && !launch.holds_slots, "{launch:?}");
    let why = launch.why.to_string();
    assert!(why.starts_with("5 agents free, ") && why.contains(" % of calls come to an agent") && why.ends_with("more people may be abandoned today"), "{why}");
    assert!(floor(5, 45, 200).ask(300).calls == 0, "enough is in flight");
    assert!(floor(5, 45, 0).ask(100).calls <= launch.calls, "a lower ceiling never launches more");
}

#[test]
fn the_same_question_has_the_same_answer() {
    let floor = floor(3, 22, 9);
    assert_eq!(floor.ask(300), floor.ask(300));
}

#[test]
fn falls_back_to_one_call_for_each_free_agent_when_the_budget_is_gone() {
    let mut floor = floor(4, 21, 1);
    floor.count = counted(970, 30);
    let launch = floor.ask(300);
    assert_eq!((launch.calls, launch.holds_slots, matches!(launch.why, Why::Latched { .. })), (3, true, true), "{launch:?}");
    floor.count = AbandonmentCount { is_latched: true, ..counted(5_000, 30) };
    assert_eq!(floor.ask(300).calls, 3, "latched, whatever the count says later");
    floor.count = AbandonmentCount { is_latched: true, ..counted(93, 7) };
    assert_eq!((floor.ask(300).calls, floor.ask(300).why), (0, Why::Halted { abandoned: 7, live: 100 }), "nor does one call each help");
    floor.count = AbandonmentCount::default();
    assert_eq!((floor.ask(300).calls, matches!(floor.ask(300).why, Why::Ceiling { .. })), (3, true), "a day begins one to one, and is not latched");
    floor.count = AbandonmentCount { mistaken_milli: 93_000, ..counted(3_000, 0) };
    assert_eq!(floor.ask(300).calls, 3, "the detector's expected mistakes use up the budget");
}

#[test]
fn what_is_left_is_spent_in_the_measure_in_which_it_is_room_enough() {
    let pacer = taught();
    let budget = |spare: u32| Budget { now: spare, day: spare, shock: spare, ahead: 0 };
    let price = |spare: u32| pacer.steer(0.03, &budget(spare));
    assert!((price(4) / price(2) - 2.0).abs() < 1e-9, "half the room, half the price");
    let mut wishing = taught();
    wishing.need = 10.0;
    assert!(wishing.steer(0.03, &budget(4)) < price(4), "whoever wishes for more calls in flight needs more room");
    wishing.need = 1e4;
    assert!(wishing.steer(0.03, &budget(1)) > 0.0, "a price of nothing would teach nothing");
    assert!(price(100_000) == price(1_000_000) && price(1_000_000) <= PRICE_MAX, "a large budget is no reason to gamble");
}

#[test]
fn a_break_of_all_agents_latches_nothing() {
    let mut floor = floor(0, 3, 0);
    floor.count = counted(40, 1);
    let latches = |floor: &Floor| floor.ask(300).latches;
    assert!(latches(&floor), "one more would be 4.8 %, and nothing is to come");
    floor.talking.clear();
    assert!(!latches(&floor), "nobody is there");
}

#[test]
fn what_the_day_bears_is_spent_by_its_end() {
    let pacer = taught();
    let price = |ahead: u32| pacer.steer(0.03, &Budget { now: 3, day: 12, shock: 12, ahead });
    assert!(price(100_000) == pacer.steer(0.03, &Budget { now: 3, day: 12, shock: 12, ahead: 0 }), "a long day: room decides");
    assert!(price(120) > price(100_000), "few people are still to come");
}

/// 30 agents who each need about 230 s a person at one call each.
#[test]
fn half_of_what_the_rest_of_the_day_would_bring_is_counted_on() {
    let pacer = taught();
    let mut floor = floor(10, 20, 0);
    let ahead = |floor: &Floor| pacer.people_ahead(&floor.state());
    assert_eq!(ahead(&floor), 0, "nothing is known of the rest of the day");
    floor.ahead = Ahead { ms: 4 * HOUR_MS, recipients: 1_000_000, rivals: 0 };
    let hours = ahead(&floor);
    assert!((600..1_000).contains(&hours), "{hours}");
    floor.ahead.rivals = 1;
    assert!(ahead(&floor).abs_diff(hours / 2) <= 1, "two campaigns share them");
    floor.ahead = Ahead { recipients: 1_000, rivals: 0, ..floor.ahead };
    assert!((80..=100).contains(&ahead(&floor)), "a fifth of 1,000 answers, and half of them count: {}", ahead(&floor));
    floor.ahead = Ahead { ms: 100_000, recipients: 1_000_000, rivals: 0 };
    assert_eq!(ahead(&floor), 0, "a person takes longer than that");
    floor.ahead.ms = 4 * HOUR_MS;
    (floor.free, floor.talking) = (0, floor.talking[..10].to_vec());
    assert!(ahead(&floor).abs_diff(hours / 3) <= 1, "a third of the agents");
    assert_eq!(Predictor::new().people_ahead(&floor.state()), 0, "nothing was learned");
}

#[test]
fn a_day_begins_ahead_of_its_own_ceiling_and_never_of_the_laws() {
    let mut floor = floor(4, 46, 0);
    floor.count = counted(60, 0);
    let one_each = floor.ask(100);
    assert_eq!((one_each.calls, one_each.holds_slots), (4, true), "60 people bear nobody at 1 %, and nothing is to come");
    floor.ahead = Ahead { ms: 7 * HOUR_MS, recipients: 1_000_000, rivals: 0 };
    let launch = floor.ask(100);
    assert!(launch.calls > 4 && !launch.holds_slots, "they bear one at 3 %: {launch:?}");
    let shortfall = taught().shortfall(&floor.state(), NOW, 1.0);
    assert!(shortfall.bears(launch.calls, floor.count.spare(CEILING_BP_MAX), RARELY), "by the law's ceiling as it stands: {launch:?}");
}

#[test]
fn the_hard_stop_counts_the_answers_that_may_come_and_all_until_it_has_learned() {
    let many = floor(0, 99, 80);
    let needs = |pacer: &Predictor| pacer.shortfall(&many.state(), NOW, MORE_ANSWERS).needs(0, OVER_MAX);
    assert!((35..60).contains(&needs(&taught())), "of 80 calls a fifth, half as many again, and what chance may add: {}", needs(&taught()));
    assert_eq!(needs(&Predictor::new()), 80, "every one, knowing nothing");
    let mut surprised = taught();
    (0..60).for_each(|_| surprised.note(PaceEvent::Answered { age_ms: 8_000 }));
    assert!(needs(&surprised) > needs(&taught()) + 15, "everybody answers lately: {}", needs(&surprised));
    let few = floor(0, 99, 6);
    assert_eq!(taught().shortfall(&few.state(), NOW, MORE_ANSWERS).needs(0, OVER_MAX), 6, "all of a few");
}

#[test]
fn one_decision_launches_only_so_many() {
    let mut floor = floor(200, 40, 0);
    floor.wrapping = (0..10).map(|n| NOW.plus_ms(-n * SECOND_MS)).collect();
    assert_eq!(floor.ask(300).calls, LAUNCH_MAX, "the next decision is a moment away");
}

proptest! {
    // Each case teaches pacers from nothing.
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Calls without a free agent behind them never outnumber what the day, with what is still to come, bears by the shock's ceiling if every one of them is
    /// abandoned; and by the campaign's own as the count stands, while the pacer has learned nothing.
    #[test]
    fn the_rest_of_the_day_brings_back_whatever_is_in_flight(free in 0u32..30, talking in 1i64..120, ringing in 0usize..80, put_through in 0u32..5_000, abandoned in 0u32..100, ceiling_bp in 50u16..=300, hours in 0i64..8) {
        let mut floor = floor(free, talking, ringing);
        floor.count = counted(put_through, abandoned);
        floor.ahead = Ahead { ms: hours * HOUR_MS, recipients: 100_000, rivals: 0 };
        let unknowing = Predictor::new().next(&pacing(ceiling_bp), &floor.state(), NOW);
        let ahead = taught().people_ahead(&floor.state());
        for (launch, holds, ahead) in [(floor.ask(ceiling_bp), shock_ceiling_bp(ceiling_bp), ahead), (unknowing, ceiling_bp, 0)] {
            let in_flight = ringing as u32 + launch.calls;
            let unbacked = in_flight.saturating_sub(free);
            if launch.calls > 0 && unbacked > 0 {
                prop_assert!(!floor.count.after(ahead).today.must_stop(holds, 0, unbacked), "{} in flight: {:?}", in_flight, floor.count);
            }
        }
    }

    /// A day of an adversary, of which nothing is left but these moves: whenever they like, people answer, agents come back, the pacer is restarted and knows
    /// nothing. Of one that has not learned, the day is never over its ceiling, nor, by its own launches, so near it that it latches; of one that has learned
    /// other days, never over the shock's.
    #[test]
    fn no_answers_whatever_take_the_day_over_its_ceiling(moves in proptest::collection::vec((0u8..6, 0usize..200), 100..400), agents in 1u32..40, put_through in 0u32..3_000, ceiling_bp in 50u16..=300) {
        for pacer in [Predictor::new(), taught()] {
            let mut day = Adversary::new(pacer, agents, put_through, ceiling_bp);
            for (kind, how_many) in &moves {
                day.turn(*kind, *how_many)?;
            }
        }
    }

    /// More free agents never launch fewer calls, and nothing launches into an empty floor.
    #[test]
    fn more_agents_never_launch_fewer(free in 0u32..20, talking in 0i64..60, ringing in 0usize..40) {
        let fewer = floor(free, talking, ringing).ask(300);
        let more = floor(free + 1, talking, ringing).ask(300);
        prop_assert!(more.calls >= fewer.calls, "{:?} {:?}", fewer, more);
        let mut nobody = floor(0, 0, ringing);
        nobody.talking.clear();
        prop_assert_eq!(nobody.ask(300).calls, 0);
    }
}

/// A day whose people do whatever the test says.
struct Adversary {
    pacer: Predictor,
    /// From days on which people answered otherwise.
    has_learned: bool,
    now: Instant,
    ceiling_bp: u16,
    floor: Floor,
    /// Calls with an agent held for each.
    held: u32,
}

impl Adversary {
    fn new(pacer: Predictor, agents: u32, put_through: u32, ceiling_bp: u16) -> Self {
        let mut floor = floor(agents, 0, 0);
        floor.count = counted(put_through, 0);
        let has_learned = pacer.learned_calls > 0;
        Self { pacer, has_learned, now: NOW, ceiling_bp, floor, held: 0 }
    }

    fn turn(&mut self, kind: u8, how_many: usize) -> Result<(), TestCaseError> {
        self.now = self.now.plus_ms(500 + 100 * how_many as i64);
        let launch = {
            let agents = AgentsNow { held: self.held, ..self.floor.state().agents };
            self.pacer.next(&pacing(self.ceiling_bp), &PaceState { agents, ..self.floor.state() }, self.now)
        };
        if launch.holds_slots {
            prop_assert!(launch.calls <= self.floor.free, "a slot for each: {:?}", launch);
            (self.held, self.floor.free) = (self.held + launch.calls, self.floor.free - launch.calls);
        } else {
            self.floor.ringing.extend((0..launch.calls).map(|_| self.now));
        }
        match kind {
            // Held calls are answered, or not.
            0 => (0..how_many.min(self.held as usize)).for_each(|_| {
                self.held -= 1;
                self.serve();
            }),
            1 => {
                let ended = (how_many as u32).min(self.held);
                (self.held, self.floor.free) = (self.held - ended, self.floor.free + ended);
            }
            2 => {
                self.floor.talking.drain(..how_many.min(self.floor.talking.len())).for_each(|_| self.floor.free += 1);
            }
            3 => self.floor.ringing.truncate(self.floor.ringing.len().saturating_sub(how_many)),
            // The worst: as many as may answer at once.
            4 => self.answered(how_many),
            _ if how_many.is_multiple_of(20) => self.pacer = Predictor::new(),
            _ => {}
        }
        let holds = if self.has_learned { shock_ceiling_bp(self.ceiling_bp) } else { self.ceiling_bp };
        prop_assert!(!self.floor.count.today.must_stop(holds, 0, 0), "{:?}", self.floor.count);
        prop_assert!(self.has_learned || !self.floor.count.latches(self.ceiling_bp, 0), "{:?}", self.floor.count);
        Ok(())
    }

    fn answered(&mut self, how_many: usize) {
        for _ in 0..how_many.min(self.floor.ringing.len()) {
            self.floor.ringing.pop();
            if self.floor.free > 0 {
                self.floor.free -= 1;
                self.serve();
            } else {
                self.floor.count.today.abandoned += 1;
                self.floor.count.days_30.abandoned += 1;
            }
        }
    }

    fn serve(&mut self) {
        self.floor.talking.push(self.now);
        self.floor.count.today.put_through += 1;
        self.floor.count.days_30.put_through += 1;
    }
}
