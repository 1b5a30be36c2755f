use super::*;
use crate::attempts::call::CallEvent as E;
use crate::attempts::leg::EndedBy;
use proptest::prelude::*;

fn day(put_through: u32, abandoned: u32, judged_machine: u32) -> AbandonmentDay {
    AbandonmentDay { put_through, abandoned, judged_machine, ..AbandonmentDay::default() }
}

fn date(text: &str) -> Date {
    text.parse().expect("a day")
}

fn estimate(labelled: u32, were_people: u32) -> MistakeEstimate {
    MistakeEstimate { labelled, were_people, measured_on: date("2026-10-01"), method: "every tenth recording of a machine".into() }
}

#[test]
fn counts_by_the_formula_and_shows_both_rates() {
    let cases = [
        ("nobody", day(0, 0, 0), false, None, 0, Some(0)),
        ("none abandoned", day(97, 0, 0), false, None, 0, Some(0)),
        ("three of a hundred", day(97, 3, 0), false, None, 300, Some(300)),
        ("one of seven, rounded up", day(6, 1, 0), false, None, 1_429, Some(1_429)),
        ("the detector is not used: its verdicts count for nothing", day(97, 3, 500), false, None, 300, Some(300)),
        ("used without an estimate: no rate to show", day(97, 3, 500), true, None, 300, None),
        // 500 machines, (1 + 1) / (398 + 2) of them people: 2.5 more.
        ("used with one", day(97, 3, 500), true, Some(estimate(398, 1)), 300, Some(537)),
    ];
    for (label, day, acts, estimate, counted, with) in cases {
        let rate = day.rate(acts, estimate.as_ref());
        assert_eq!((rate.counted_bp, rate.with_mistakes_bp), (counted, with), "{label}");
    }
}

#[test]
fn an_estimate_needs_a_sample_a_date_and_a_method() {
    let today = date("2026-11-24");
    assert!(estimate(100, 0).is_tested(today));
    assert!(!estimate(99, 0).is_tested(today));
    assert!(!MistakeEstimate { measured_on: date("2026-01-01"), ..estimate(500, 1) }.is_tested(today), "too old");
    assert!(!MistakeEstimate { measured_on: date("2026-12-01"), ..estimate(500, 1) }.is_tested(today), "not yet");
    assert!(!MistakeEstimate { method: " ".into(), ..estimate(500, 1) }.is_tested(today));
    assert!(estimate(1_000, 0).mistaken_milli(1_000) > 0, "a sample without a mistake proves no zero");
}

#[test]
fn a_day_is_the_calendar_day_in_london() {
    let at = |text: &str| Instant::from(text.parse::<jiff::Timestamp>().expect("a time"));
    assert_eq!(london_day(at("2026-07-01T22:59:59Z")), date("2026-07-01"));
    assert_eq!(london_day(at("2026-07-01T23:00:00Z")), date("2026-07-02"), "summer time");
    assert_eq!(london_day(at("2026-12-01T23:59:59Z")), date("2026-12-01"));
}

#[test]
fn the_american_window_is_thirty_days() {
    let days = [(date("2026-10-25"), day(1, 100, 0)), (date("2026-10-26"), day(10, 1, 0)), (date("2026-11-24"), day(20, 2, 0)), (date("2026-11-25"), day(1, 100, 0))];
    let sum = us_window(&days, date("2026-11-24"));
    assert_eq!((sum.put_through, sum.abandoned), (30, 3), "from 26 October to today");
}

#[test]
fn a_call_adds_what_it_was() {
    let at = |ms: i64| Instant(ms);
    let answered = [E::Dialled { at: at(0) }, E::Answered { at: at(5_000) }];
    let call = |events: &[E]| {
        let ended = [E::Ended { at: at(30_000), by: EndedBy::Us, cause: None }];
        let all = answered.iter().chain(events).chain(&ended);
        AbandonmentDay::of_call(&all.fold(Call::planned(at(0)), |call, event| call.apply(*event).expect("legal")))
    };
    assert_eq!(call(&[E::Bridged { at: at(5_500) }]), day(1, 0, 0));
    assert_eq!(call(&[E::Bridged { at: at(7_100) }]), AbandonmentDay { silent: 1, ..day(1, 0, 0) }, "an agent who comes late is heard too late");
    assert_eq!(call(&[E::MessageStarted { at: at(5_500) }, E::Bridged { at: at(12_000) }]), day(1, 0, 0));
    assert_eq!(call(&[E::Bridged { at: at(5_500) }, E::OptedOut { at: at(20_000) }]), day(1, 0, 0), "put through, whatever they asked for afterwards");
    assert_eq!(call(&[E::InformationStarted { at: at(6_900) }]), day(0, 1, 0));
    assert_eq!(call(&[]), AbandonmentDay { silent: 1, ..day(0, 1, 0) }, "neither agent nor message");
    assert_eq!(call(&[E::Judged { at: at(6_000), by: AnsweredBy::Machine }]), day(0, 0, 1));
    assert_eq!(call(&[E::Judged { at: at(6_000), by: AnsweredBy::Machine }, E::InformationStarted { at: at(6_900) }]), day(0, 0, 1), "a machine is not abandoned: the estimate stands for the mistakes");
    assert_eq!(call(&[E::MessageStarted { at: at(5_500) }]), AbandonmentDay::default(), "a message to a person is neither");
    assert_eq!(call(&[E::MessageStarted { at: at(7_100) }]), AbandonmentDay { silent: 1, ..day(0, 0, 0) }, "words that come late");
    assert_eq!(call(&[E::Bridged { at: at(5_500) }, E::AgentSilent { at: at(7_500) }]), AbandonmentDay { silent: 1, ..day(1, 0, 0) }, "an agent who says nothing");
}

#[test]
fn a_call_that_is_up_or_was_lost_adds_what_is_certain() {
    let live = |events: &[E]| AbandonmentDay::of_live_call(&events.iter().fold(Call::planned(Instant(0)), |call, event| call.apply(*event).expect("legal")));
    assert_eq!(live(&[E::Answered { at: Instant(5) }]), day(0, 0, 0));
    assert_eq!(live(&[E::Answered { at: Instant(5) }, E::InformationStarted { at: Instant(6) }]), day(0, 1, 0));
    assert_eq!(live(&[E::Answered { at: Instant(5) }, E::Bridged { at: Instant(6) }]), day(1, 0, 0));
    let lost = |events: &[E]| {
        let dialled = [E::Dialled { at: Instant(1) }, E::Rang { at: Instant(2) }];
        AbandonmentDay::of_lost_call(&dialled.iter().chain(events).chain(&[E::Lost { at: Instant(60_000) }]).fold(Call::planned(Instant(0)), |call, event| call.apply(*event).expect("legal")))
    };
    let answered = E::Answered { at: Instant(5) };
    let message = E::MessageStarted { at: Instant(6) };
    assert_eq!(lost(&[]), day(0, 0, 0), "it rang, and nobody is known to have answered");
    assert_eq!(lost(&[answered, E::Bridged { at: Instant(6) }]), day(1, 0, 0));
    assert_eq!(lost(&[answered, message]), day(0, 0, 0), "in the middle of a message to them");
    assert_eq!(lost(&[answered, message, E::InformationStarted { at: Instant(7) }]), day(0, 1, 0));
    assert_eq!(lost(&[answered, message, E::Reserved { at: Instant(7) }]), day(0, 1, 0), "they asked for an agent, who never came");
    assert_eq!(lost(&[answered]), AbandonmentDay { silent: 1, ..day(0, 1, 0) });
    assert_eq!(lost(&[answered, E::Judged { at: Instant(6), by: AnsweredBy::Machine }]), day(0, 0, 1));
    assert_eq!(lost(&[answered, E::Judged { at: Instant(6), by: AnsweredBy::Fax }]), day(0, 0, 0));
}

proptest! {
    /// `spare` is the most that `must_stop` lets be abandoned, neither one more nor one less.
    #[test]
    fn what_is_spare_is_exactly_what_the_ceiling_bears(put_through in 0u32..50_000, abandoned in 0u32..1_000, ceiling in 10u16..=300, mistaken in 0u32..200_000) {
        let today = day(put_through, abandoned, 0);
        let spare = today.spare(ceiling, mistaken);
        prop_assert!(today.must_stop(ceiling, mistaken, spare + 1));
        prop_assert!(spare == 0 || !today.must_stop(ceiling, mistaken, spare));
    }

    /// The stop comes before the ceiling: where it says go, even all calls in flight abandoned leave the rate at or under it.
    #[test]
    fn what_is_allowed_cannot_pass_the_ceiling(put_through in 0u32..5_000, abandoned in 0u32..300, in_flight in 0u32..300, ceiling in 10u16..=300, mistaken in 0u32..20_000) {
        let today = day(put_through, abandoned, 0);
        if !today.must_stop(ceiling, mistaken, in_flight) {
            let x = f64::from(abandoned + in_flight) + f64::from(mistaken) / 1_000.0;
            prop_assert!(x <= f64::from(ceiling) / 10_000.0 * (x + f64::from(put_through)) + 1e-9);
        }
    }
}
