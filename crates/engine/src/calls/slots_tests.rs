use super::*;
use clarion_store::carriers::NewTransferTarget;
use clarion_store::compliance::Week;

/// A Monday, 12:00 UTC.
const NOON: Instant = Instant(1_795_435_200_000);

fn noon() -> Instant {
    NOON
}

fn record(id: i64, capacity: u32, priority: i64, told: Option<(u32, Instant)>) -> TransferTargetRecord {
    let target = NewTransferTarget {
        group: "agents".into(),
        name: format!("Floor {id}"),
        address: format!("sip:floor{id}@127.0.0.1"),
        line: SipLine::default(),
        hours: Week { monday: "09:00-17:00".into(), ..Week::default() },
        capacity,
        priority,
        enabled: true,
    };
    TransferTargetRecord { id: TransferTargetId(id), target, told, created_by: String::new(), created_at: NOON }
}

#[test]
fn slots_are_taken_by_priority_and_freed_when_dropped() {
    let (slots, zone) = (Slots::new(noon), jiff::tz::TimeZone::UTC);
    slots.refresh(&[record(1, 1, 20, None), record(2, 1, 10, None)], &zone, NOON).expect("reads");
    assert_eq!(slots.free("agents"), 2);
    let first = slots.take("agents", Some(NOON)).expect("a slot");
    assert_eq!(first.target, TransferTargetId(2), "the lower priority first");
    let second = slots.take("agents", Some(NOON)).expect("a slot");
    assert!(slots.take("agents", Some(NOON)).is_none() && slots.take("others", Some(NOON)).is_none());
    second.talks(NOON);
    assert_eq!(slots.talking_since("agents"), [NOON]);
    drop(second);
    assert_eq!((slots.free("agents"), slots.talking_since("agents").len()), (1, 0));
    first.failed("it answered 486".into());
    drop(first);
    assert_eq!(slots.free("agents"), 1, "one is free, one said busy");
}

#[test]
fn a_target_that_takes_no_call_is_left_alone_for_longer_each_time() {
    let (slots, zone) = (Slots::new(noon), jiff::tz::TimeZone::UTC);
    let at = |ms: i64| slots.refresh(&[record(1, 5, 1, None)], &zone, NOON.plus_ms(ms)).expect("reads");
    let fail = |why: &str| slots.take("agents", Some(NOON)).expect("a slot").failed(why.into());
    at(0);
    fail("it answered 486");
    assert_eq!((slots.free("agents"), slots.has_anybody("agents")), (0, false));
    assert_eq!(slots.trouble("agents", NOON).as_deref(), Some("Floor 1 did not take a call (it answered 486): it has no more than 0 at once for 30 s"));
    at(29_999);
    assert_eq!(slots.free("agents"), 0, "no refresh forgets it");
    at(30_000);
    assert_eq!((slots.free("agents"), slots.trouble("agents", NOON.plus_ms(30_000))), (1, None), "one call shows whether it takes them again");
    fail("it answered 486");
    at(59_999);
    assert_eq!(slots.free("agents"), 0, "twice as long, the second time");
    at(60_000);
    let talks = slots.take("agents", Some(NOON)).expect("a slot");
    assert_eq!((slots.free("agents"), talks.is_held_off()), (0, false));
    talks.talks(NOON);
    assert_eq!(slots.free("agents"), 4, "it does");
    fail("nobody picked up in time");
    assert_eq!(slots.free("agents"), 0, "it has the one that it has, and no more");
    drop(talks);
    assert_eq!(slots.free("agents"), 1);
    assert!(slots.trouble("agents", NOON).is_some_and(|why| why.ends_with("no more than 1 at once for 30 s")), "one who was taken began it anew");
    at(30_000 + HELD_OFF_MS_MAX - 1);
    assert_eq!(slots.free("agents"), 2, "it is remembered");
    at(30_000 + HELD_OFF_MS_MAX);
    assert_eq!(slots.free("agents"), 5, "but not for ever");
}

#[test]
fn a_target_that_takes_a_call_by_the_carriers_hand_is_held_off_no_longer() {
    let (slots, zone) = (Slots::new(noon), jiff::tz::TimeZone::UTC);
    slots.refresh(&[record(1, 5, 1, None)], &zone, NOON).expect("reads");
    let [first, second] = [(); 2].map(|()| slots.take("agents", Some(NOON)).expect("a slot"));
    first.failed("it answered 486".into());
    assert!(second.is_held_off());
    second.taken_elsewhere();
    assert_eq!((slots.free("agents"), second.is_held_off()), (3, false));
}

#[test]
fn hours_and_what_the_centre_says_bound_them() {
    let (slots, zone) = (Slots::new(noon), jiff::tz::TimeZone::UTC);
    slots.refresh(&[record(1, 5, 1, Some((2, NOON)))], &zone, NOON).expect("reads");
    assert_eq!(slots.free("agents"), 2);
    slots.refresh(&[record(1, 5, 1, Some((2, NOON)))], &zone, NOON.plus_ms(FREE_AGENTS_LAST_MS + 1)).expect("reads");
    assert_eq!(slots.free("agents"), 2, "of an old word its number stays");
    let later = NOON.plus_ms(7 * MINUTE_MS);
    assert_eq!(slots.trouble("agents", later).as_deref(), Some("Floor 1 has not said for 7 min how many agents are free: it has no more than the 2 of then"));
    let talks = slots.take("agents", Some(NOON)).expect("a slot");
    talks.talks(NOON);
    assert_eq!(slots.free("agents"), 1);
    drop(talks);
    assert_eq!(slots.free("agents"), 2, "as of lines, since nobody says when an agent is ready");
    slots.refresh(&[record(1, 5, 1, Some((0, NOON)))], &zone, later).expect("reads");
    assert_eq!((slots.free("agents"), slots.has_anybody("agents")), (0, false), "who said none and nothing since has none");
    slots.refresh(&[record(1, 5, 1, None)], &zone, later).expect("reads");
    assert_eq!(slots.free("agents"), 5, "taken back");
    assert_eq!((slots.open_until("agents"), slots.open_until("others")), (NOON.plus_ms(5 * 60 * MINUTE_MS), Instant(0)));
    slots.refresh(&[record(1, 5, 1, None)], &zone, NOON.plus_ms(6 * 60 * MINUTE_MS)).expect("reads");
    assert_eq!((slots.free("agents"), slots.open_until("agents")), (0, Instant(0)), "closed in the evening");
}

/// The centre counts the agents that it sees free; it knows of no call that we have not sent it.
#[test]
fn what_the_centre_says_is_not_counted_twice() {
    let (slots, zone) = (Slots::new(noon), jiff::tz::TimeZone::UTC);
    let at = |ms: i64| NOON.plus_ms(ms);
    let tell = |free, ms| slots.refresh(&[record(1, 5, 1, Some((free, at(ms))))], &zone, at(ms + 1)).expect("reads");
    tell(2, -1_000);
    let held = slots.take("agents", None).expect("a slot");
    tell(2, -1_000);
    assert_eq!((slots.free("agents"), slots.held("agents")), (1, 1), "the same word again adds nobody");
    tell(2, -500);
    assert_eq!(slots.free("agents"), 1, "the agent for whom a call rings is still free to the centre");
    held.rings(NOON);
    held.talks(NOON);
    tell(1, 100);
    assert_eq!((slots.free("agents"), slots.held("agents"), slots.talking_since("agents").len()), (1, 0, 1));
    drop(held);
    assert_eq!((slots.free("agents"), slots.wrapping_since("agents").len()), (1, 1), "free again when the centre says so");
    assert!(slots.has_anybody("agents"));
    tell(2, 7_000);
    assert_eq!((slots.free("agents"), slots.wrapping_since("agents").len()), (2, 0));
    let events: Vec<_> = slots.take_events().into_iter().map(|(_, event)| event).collect();
    assert_eq!(events, [PaceEvent::TalkEnded { age_ms: 0 }, PaceEvent::WrapEnded { age_ms: 7_000 }]);
    tell(0, 8_000);
    assert!(!slots.has_anybody("agents"));
}
