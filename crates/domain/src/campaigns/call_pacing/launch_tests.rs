use super::*;
use proptest::prelude::*;

const NOW: Instant = Instant(1_795_435_200_000);

fn pacing(pace: PacingMode) -> CallPacing {
    CallPacing { pace, calls_per_second_max: 100, calls_at_once_max: 40, ring_ms_max: 20_000 }
}

fn ask(pace: PacingMode, free: u32, in_flight: usize, today: &AbandonmentDay, change: fn(&mut PaceState<'_>)) -> Launch {
    let (ringing, count) = (vec![NOW; in_flight], counted(today));
    let mut state = PaceState {
        ringing_since: &ringing,
        waiting: 0,
        calls_up: in_flight as u32,
        agents: AgentsNow { free, talking_since: &[NOW], ..AgentsNow::default() },
        ready: 1_000,
        trunk_room: 1_000,
        rate_room: 1_000,
        count: &count,
        ahead: Ahead::default(),
    };
    change(&mut state);
    next(&pacing(pace), &state)
}

/// A first day: its 30 days have no other.
fn counted(today: &AbandonmentDay) -> AbandonmentCount {
    AbandonmentCount { today: *today, days_30: *today, ..AbandonmentCount::default() }
}

fn quiet() -> AbandonmentDay {
    AbandonmentDay { put_through: 10_000, ..AbandonmentDay::default() }
}

#[test]
fn launches_by_its_mode_and_says_why() {
    let power = PacingMode::Power { calls_per_slot_percent: 150 };
    let cases: &[(&str, PacingMode, u32, usize, u32, &str)] = &[
        ("a call for each free agent", PacingMode::Progressive, 5, 2, 3, "one call for each free agent: 5 free, 2 in flight"),
        ("all have theirs", PacingMode::Progressive, 2, 3, 0, "one call for each free agent: 2 free, 3 in flight"),
        ("one and a half for each", power, 5, 2, 5, "150 % calls for each free agent: 5 free, 2 in flight"),
        ("without agents at full speed", PacingMode::Agentless, 0, 10, 30, "held by the campaign's 40 calls at once"),
    ];
    for (label, mode, free, in_flight, calls, why) in cases {
        let launch = ask(*mode, *free, *in_flight, &quiet(), |_| {});
        assert_eq!((launch.calls, launch.why.to_string().as_str()), (*calls, *why), "{label}");
    }
    let limited = |change| ask(PacingMode::Agentless, 0, 0, &quiet(), change);
    assert_eq!(limited(|state| state.rate_room = 3), Launch::new(3, Why::CallsPerSecond));
    assert_eq!(limited(|state| state.trunk_room = 2), Launch::new(2, Why::Trunks));
    assert_eq!(limited(|state| state.ready = 0), Launch::new(0, Why::NobodyReady));
    let nobody = ask(PacingMode::Progressive, 0, 0, &quiet(), |state| state.agents = AgentsNow::default());
    assert_eq!((nobody.calls, nobody.why), (0, Why::NoAgents));
    let waiting = ask(PacingMode::Progressive, 3, 0, &quiet(), |state| state.waiting = 2);
    assert_eq!(waiting.calls, 1, "two of the free agents are spoken for");
}

#[test]
fn a_power_campaign_is_held_by_the_ceiling_too() {
    let bad = AbandonmentDay { put_through: 97, abandoned: 3, ..AbandonmentDay::default() };
    let launch = ask(PacingMode::Power { calls_per_slot_percent: 300 }, 5, 2, &bad, |_| {});
    assert_eq!((launch.calls, launch.holds_slots, launch.latches), (3, true, true));
    let at_lunch = ask(PacingMode::Power { calls_per_slot_percent: 300 }, 0, 0, &bad, |state| state.agents = AgentsNow::default());
    assert_eq!((at_lunch.calls, at_lunch.latches), (0, false), "nobody is there");
    assert_eq!(launch.why.to_string(), "one call for each free agent for the rest of the day: 3 of 100 people were abandoned, 3 % of a ceiling of 3 %");
    let young = ask(PacingMode::Power { calls_per_slot_percent: 300 }, 5, 2, &AbandonmentDay::default(), |_| {});
    assert_eq!((young.calls, young.latches, matches!(young.why, Why::Ceiling { .. })), (3, false, true), "a day begins with one call each, and nothing is latched: {young:?}");
    // 97 put through bear 3 abandoned, 5 agents are free, 2 calls are in flight.
    let some = ask(PacingMode::Power { calls_per_slot_percent: 300 }, 5, 2, &AbandonmentDay { put_through: 97, ..AbandonmentDay::default() }, |_| {});
    assert_eq!((some.calls, some.why), (6, Why::Budget { free: 5, in_flight: 8, left: 3 }), "every call is counted before it is launched");
}

#[test]
fn agentless_calls_whose_people_ask_for_agents_are_held_by_the_laws_ceiling() {
    let day = |put_through, abandoned| AbandonmentDay { put_through, abandoned, ..AbandonmentDay::default() };
    let launch = |today: &AbandonmentDay, up: usize| ask(PacingMode::Agentless, 5, up, today, |_| {});
    assert_eq!(launch(&day(0, 0), 0).calls, 40, "nobody was abandoned");
    assert_eq!(launch(&day(400, 3), 0).calls, 40, "and the day bears more");
    let near = launch(&day(9, 2), 3);
    assert_eq!((near.calls, near.holds_slots), (2, false), "a call for each free agent who has none");
    assert_eq!(near.why.to_string(), "one call for each free agent: 2 of 11 people abandoned today is too near the ceiling of 3 %");
    let over = launch(&day(9, 3), 0);
    assert_eq!((over.calls, matches!(over.why, Why::Halted { .. })), (0, true), "{over:?}");
}

#[test]
fn without_a_free_agent_that_is_what_holds_it() {
    let none = ask(PacingMode::Power { calls_per_slot_percent: 150 }, 0, 0, &AbandonmentDay::default(), |_| {});
    assert_eq!((none.calls, none.why.to_string().as_str()), (0, "one call for each free agent: 0 free, 0 in flight"));
}

#[test]
fn the_latch_and_thirty_days_hold_whatever_today_says() {
    let power = PacingMode::Power { calls_per_slot_percent: 300 };
    assert_eq!(ask(power, 5, 0, &quiet(), |_| {}).calls, 15);
    let latched = AbandonmentCount { is_latched: true, ..counted(&quiet()) };
    let month = AbandonmentCount { days_30: AbandonmentDay { put_through: 10_000, abandoned: 310, ..AbandonmentDay::default() }, ..counted(&quiet()) };
    let mistaken = AbandonmentCount { mistaken_milli: 400_000, ..counted(&quiet()) };
    for (label, count) in [("latched", latched), ("over 3 % in 30 days", month), ("the detector's mistakes use it up", mistaken)] {
        let launch = next(&pacing(power), &state_of(&count));
        assert_eq!((launch.calls, launch.holds_slots), (5, true), "{label}");
    }
}

#[test]
fn what_is_still_to_come_bears_what_the_count_does_not_yet() {
    let today = AbandonmentDay { put_through: 90, abandoned: 2, ..AbandonmentDay::default() };
    let count = counted(&today);
    // 90 put through bear 2 abandoned at 3 %, and 910 bear 9 at 1 % and 28 at 3 %.
    assert_eq!((count.spare(300), count.spare(100)), (0, 0));
    assert_eq!((count.after(820).spare(100), count.after(820).spare(300)), (7, 26));
    let month = AbandonmentCount { days_30: AbandonmentDay { put_through: 90, abandoned: 20, ..AbandonmentDay::default() }, ..count };
    assert_eq!(month.after(820).spare(300), 8, "the 30 days have theirs");
    assert!(count.latches(300, 0) && count.latches(100, 0), "nothing more is to come");
    assert!(!count.latches(300, 820) && !count.latches(100, 820), "the rest of the day bears it");
    let within_the_law = counted(&AbandonmentDay { put_through: 500, abandoned: 6, ..AbandonmentDay::default() });
    assert!(!within_the_law.latches(100, 0), "its own ceiling alone latches nothing: it waits for the day to bear more");
    let held = held_by_the_ceiling(&pacing(PacingMode::Predictive { ceiling_bp: 100 }), &state_of(&within_the_law), 0).expect("held");
    assert_eq!((held.calls, held.why), (5, Why::Ceiling { abandoned: 6, live: 506, ceiling_bp: 100 }));
    assert_eq!(held_by_the_ceiling(&pacing(PacingMode::Predictive { ceiling_bp: 100 }), &state_of(&within_the_law), 500), None);
}

/// A detector that took 3 people in 1,000 for machines does so in the rest of the day too.
#[test]
fn the_detectors_mistakes_are_still_to_come_as_people_are() {
    let today = AbandonmentDay { put_through: 1_000, ..AbandonmentDay::default() };
    let count = AbandonmentCount { mistaken_milli: 3_000, mistaken_30_milli: 3_000, ..counted(&today) };
    assert_eq!((count.after(0).spare(100), count.after(1_000).mistaken_milli, count.after(1_000).mistaken_30_milli), (7, 6_000, 6_000));
    assert_eq!(count.after(1_000).spare(100), 14, "2,000 bear 20, of whom 6 are spoken for");
}

fn state_of(count: &AbandonmentCount) -> PaceState<'_> {
    PaceState { count, ringing_since: &[], waiting: 0, calls_up: 0, agents: AgentsNow { free: 5, ..AgentsNow::default() }, ready: 100, trunk_room: 100, rate_room: 100, ahead: Ahead::default() }
}

#[test]
fn a_day_that_the_rest_of_it_brings_back_is_not_ended() {
    let shock = counted(&AbandonmentDay { put_through: 200, abandoned: 38, ..AbandonmentDay::default() });
    assert!(shock.halts_beyond_one_to_one(0) && shock.halts_beyond_one_to_one(900), "1,100 people bear 34");
    assert!(!shock.halts_beyond_one_to_one(1_100), "1,300 people bear 40");
}

#[test]
fn one_call_for_each_agent_that_abandons_people_all_the_same_ends_for_the_day() {
    let day = |put_through, abandoned| AbandonmentDay { put_through, abandoned, ..AbandonmentDay::default() };
    for (label, today, calls) in [("a missed call or two end no day", day(0, 2), 5), ("the third does", day(0, 3), 0), ("and what the ceiling bears does not", day(400, 3), 5)] {
        assert_eq!(ask(PacingMode::Progressive, 5, 0, &today, |_| {}).calls, calls, "{label}");
    }
    let why = ask(PacingMode::Progressive, 5, 0, &day(47, 3), |_| {}).why.to_string();
    assert_eq!(why, "nobody else is called today: 3 of 50 people were abandoned, 6 % of a ceiling of 3 %: see that agents pick up, and whether calls were up at a restart");
    let power = PacingMode::Power { calls_per_slot_percent: 300 };
    for (label, today, calls) in [("its own launches may come near 3 %", day(47, 3), 5), ("two end no day", day(0, 2), 5), ("twice that is no launch of its own", day(46, 3), 0)] {
        assert_eq!(ask(power, 5, 0, &today, |_| {}).calls, calls, "{label}");
    }
}

#[test]
fn an_agent_held_for_a_call_is_there_but_not_free() {
    let launch = ask(PacingMode::Progressive, 0, 0, &quiet(), |state| state.agents = AgentsNow { held: 3, ..AgentsNow::default() });
    assert_eq!((launch.calls, launch.why), (0, Why::Slots { free: 0, in_flight: 3 }));
}

proptest! {
    /// Whatever the mode, no limit is passed; and one call for each free slot never launches more than there are free slots.
    #[test]
    fn no_limit_is_ever_passed(free in 0u32..50, in_flight in 0usize..60, waiting in 0u32..10, ready in 0u32..100, rate in 0u32..100, trunks in 0u32..100, percent in 100u16..=300, mode in 0u8..3) {
        let mode = match mode { 0 => PacingMode::Agentless, 1 => PacingMode::Progressive, _ => PacingMode::Power { calls_per_slot_percent: percent } };
        let ringing = vec![NOW; in_flight];
        let count = counted(&quiet());
        let agents = AgentsNow { free, wrapping_since: &[NOW], ..AgentsNow::default() };
        let state = PaceState { ringing_since: &ringing, waiting, calls_up: in_flight as u32, agents, ready, trunk_room: trunks, rate_room: rate, count: &count, ahead: Ahead::default() };
        let launch = next(&pacing(mode), &state);
        prop_assert!(launch.calls <= ready && launch.calls <= rate && launch.calls <= trunks && launch.calls + state.calls_up <= 40.max(state.calls_up));
        if mode == PacingMode::Progressive {
            prop_assert!(launch.calls == 0 || launch.calls + state.in_flight() + waiting <= free);
        }
    }
}
