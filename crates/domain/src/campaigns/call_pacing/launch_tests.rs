use super::*;
use proptest::prelude::*;

const NOW: Instant = Instant(1_795_435_200_000);

fn pacing(pace: PacingMode) -> CallPacing {
    CallPacing { pace, calls_per_second_max: 100, calls_at_once_max: 40, ring_ms_max: 20_000 }
}

fn ask(pace: PacingMode, free: u32, in_flight: usize, today: &AbandonmentDay, change: fn(&mut PaceState<'_>)) -> Launch {
    let ringing = vec![NOW; in_flight];
    let mut state = PaceState {
        ringing_since: &ringing,
        waiting: 0,
        calls_up: in_flight as u32,
        agents: AgentsNow { free, talking_since: &[NOW], wrapping_since: &[] },
        ready: 1_000,
        trunk_room: 1_000,
        rate_room: 1_000,
        today,
        mistaken_milli: 0,
        day_left: DayLeft::default(),
    };
    change(&mut state);
    next(&pacing(pace), &state, NOW)
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
    assert_eq!(limited(|state| state.rate_room = 3), Launch { calls: 3, why: Why::CallsPerSecond });
    assert_eq!(limited(|state| state.trunk_room = 2), Launch { calls: 2, why: Why::Trunks });
    assert_eq!(limited(|state| state.ready = 0), Launch { calls: 0, why: Why::NobodyReady });
    let nobody = ask(PacingMode::Progressive, 0, 0, &quiet(), |state| state.agents = AgentsNow::default());
    assert_eq!((nobody.calls, nobody.why), (0, Why::NoAgents));
    let waiting = ask(PacingMode::Progressive, 3, 0, &quiet(), |state| state.waiting = 2);
    assert_eq!(waiting.calls, 1, "two of the free agents are spoken for");
}

#[test]
fn a_power_campaign_is_held_by_the_ceiling_too() {
    let bad = AbandonmentDay { put_through: 97, abandoned: 3, ..AbandonmentDay::default() };
    let launch = ask(PacingMode::Power { calls_per_slot_percent: 300 }, 5, 2, &bad, |_| {});
    assert_eq!(launch.calls, 3);
    assert_eq!(launch.why.to_string(), "one call for each free agent: 3 of 100 people abandoned today is too near the ceiling of 3 %");
}

proptest! {
    /// Whatever the mode, no limit is passed; and one call for each free slot never launches more than there are free slots.
    #[test]
    fn no_limit_is_ever_passed(free in 0u32..50, in_flight in 0usize..60, waiting in 0u32..10, ready in 0u32..100, rate in 0u32..100, trunks in 0u32..100, percent in 100u16..=300, mode in 0u8..3) {
        let mode = match mode { 0 => PacingMode::Agentless, 1 => PacingMode::Progressive, _ => PacingMode::Power { calls_per_slot_percent: percent } };
        let ringing = vec![NOW; in_flight];
        let today = quiet();
        let agents = AgentsNow { free, talking_since: &[], wrapping_since: &[NOW] };
        let state = PaceState { ringing_since: &ringing, waiting, calls_up: in_flight as u32, agents, ready, trunk_room: trunks, rate_room: rate, today: &today, mistaken_milli: 0, day_left: DayLeft::default() };
        let launch = next(&pacing(mode), &state, NOW);
        prop_assert!(launch.calls <= ready && launch.calls <= rate && launch.calls <= trunks && launch.calls + state.calls_up <= 40.max(state.calls_up));
        if mode == PacingMode::Progressive {
            prop_assert!(launch.calls == 0 || launch.calls + state.in_flight() + waiting <= free);
        }
    }
}
