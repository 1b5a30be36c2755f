use super::*;
use crate::campaigns::call_pacing::launch::{AgentsNow, DayLeft};
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
    today: AbandonmentDay,
    day_left: DayLeft,
}

fn floor(free: u32, talking: i64, ringing: usize) -> Floor {
    Floor {
        free,
        talking: (0..talking).map(|n| NOW.plus_ms(-n * 7 % 150 * SECOND_MS)).collect(),
        wrapping: Vec::new(),
        ringing: vec![NOW.plus_ms(-4_000); ringing],
        today: AbandonmentDay { put_through: 1_000, abandoned: 5, ..AbandonmentDay::default() },
        day_left: DayLeft { open_ms: 4 * HOUR_MS, recipients: 100_000 },
    }
}

impl Floor {
    fn state(&self) -> PaceState<'_> {
        PaceState {
            ringing_since: &self.ringing,
            waiting: 0,
            calls_up: (self.ringing.len() + self.talking.len()) as u32,
            agents: AgentsNow { free: self.free, talking_since: &self.talking, wrapping_since: &self.wrapping },
            ready: 100_000,
            trunk_room: 10_000,
            rate_room: 500,
            today: &self.today,
            mistaken_milli: 0,
            day_left: self.day_left,
        }
    }

    fn ask(&self, ceiling_bp: u16) -> Launch {
        taught().next(&pacing(ceiling_bp), &self.state(), NOW)
    }
}

#[test]
fn launches_more_than_it_has_agents_for_when_few_answer() {
    let launch = floor(5, 45, 0).ask(300);
    assert!((6..60).contains(&launch.calls), "{launch:?}");
    assert!(launch.why.to_string().contains(" calls in flight"), "{}", launch.why);
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
    floor.today = AbandonmentDay { put_through: 970, abandoned: 30, ..AbandonmentDay::default() };
    floor.day_left = DayLeft::default();
    let launch = floor.ask(300);
    assert_eq!((launch.calls, matches!(launch.why, Why::Ceiling { .. })), (3, true), "{launch:?}");
    floor.today = AbandonmentDay::default();
    assert_eq!(floor.ask(300).calls, 3, "nothing counted and nothing known to come: one to one");
    floor.today = AbandonmentDay { put_through: 1_000, ..AbandonmentDay::default() };
    let mistaken = PaceState { mistaken_milli: 30_000, ..floor.state() };
    assert_eq!(taught().next(&pacing(300), &mistaken, NOW).calls, 3, "the detector's expected mistakes use up the budget");
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

    /// Where nothing more is known to come, calls without a free agent behind them never outnumber what the day's count allows, so that
    /// the ceiling holds even if every one of them is abandoned.
    #[test]
    fn the_ceiling_holds_even_if_every_call_in_flight_is_abandoned(free in 0u32..30, talking in 1i64..120, ringing in 0usize..80, put_through in 0u32..5_000, abandoned in 0u32..100, ceiling_bp in 50u16..=300) {
        let mut floor = floor(free, talking, ringing);
        floor.today = AbandonmentDay { put_through, abandoned, ..AbandonmentDay::default() };
        floor.day_left = DayLeft::default();
        let launch = floor.ask(ceiling_bp);
        let in_flight = ringing as u32 + launch.calls;
        let unbacked = in_flight.saturating_sub(free);
        if launch.calls > 0 && unbacked > 0 {
            prop_assert!(!floor.today.must_stop(ceiling_bp, 0, unbacked), "{} in flight: {:?}", in_flight, floor.today);
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
