use super::*;
use crate::campaigns::pacing::{MessagesPerSecond, Pace};
use crate::campaigns::schedule::Day;
use crate::compliance::window::WeekHours;

fn at(text: &str) -> Instant {
    text.parse::<jiff::Timestamp>().expect(text).into()
}

fn group(zone: &str, messages: u64) -> ZoneGroup {
    ZoneGroup { zones: vec![TimeZone::get(zone).expect(zone)], messages, segments: messages }
}

fn pace(campaign: u32, trunks: u32) -> Pace {
    Pace { campaign: MessagesPerSecond::new(campaign).expect("a rate"), trunks_segments_per_second: trunks }
}

fn daily() -> Schedule {
    Schedule { days: Day::ALL.to_vec(), ..Schedule::default() }
}

#[test]
fn what_fits_into_today_takes_its_time_at_the_rate() {
    let now = at("2026-11-23T10:00:00Z");
    let estimate = estimate(&[group("Europe/London", 36_000)], &pace(10, 100), &daily(), &[], now);
    assert_eq!(estimate, Estimate { sending_ms: 3_600_000, starts_at: Some(now), finishes_at: Some(at("2026-11-23T11:00:00Z")), messages_left: 0, bottleneck: Some(Bottleneck::Campaign) });
}

#[test]
fn what_does_not_fit_goes_on_the_next_morning() {
    // Nine hours a day at one a second: 32,400 a day.
    let estimate = estimate(&[group("Europe/London", 40_000)], &pace(1, 100), &daily(), &[], at("2026-11-23T04:00:00Z"));
    assert_eq!(estimate.starts_at, Some(at("2026-11-23T09:00:00Z")));
    assert_eq!(estimate.finishes_at, Some(at("2026-11-24T09:00:00Z").plus_ms(7_600_000)));
    assert_eq!(estimate.sending_ms, 40_000_000);
}

#[test]
fn zones_open_one_after_the_other_and_share_the_pace() {
    let groups = [group("Europe/London", 3_600), group("America/New_York", 3_600)];
    let estimate = estimate(&groups, &pace(1, 100), &daily(), &[], at("2026-11-23T09:00:00Z"));
    assert_eq!(estimate.finishes_at, Some(at("2026-11-23T15:00:00Z")), "New York opens at 14:00 UTC");
    assert_eq!(estimate.sending_ms, 7_200_000);
}

#[test]
fn the_rules_narrow_the_hours_and_long_messages_wait_for_the_trunks() {
    let afternoon = Opening { hours: WeekHours::daily(14 * 60, 15 * 60), closed_on_holidays: false };
    let long = ZoneGroup { segments: 10_800, ..group("Europe/London", 3_600) };
    let estimate = estimate(&[long], &pace(10, 3), &daily(), &[afternoon], at("2026-11-23T10:00:00Z"));
    assert_eq!((estimate.starts_at, estimate.finishes_at), (Some(at("2026-11-23T14:00:00Z")), Some(at("2026-11-23T15:00:00Z"))));
    assert_eq!(estimate.bottleneck, Some(Bottleneck::Trunks));
}

#[test]
fn what_is_left_when_the_campaign_ends_or_nothing_moves_is_counted() {
    let now = at("2026-11-23T10:00:00Z");
    let ending = Schedule { ends_at_ms: Some(at("2026-11-23T11:00:00Z").ms()), ..daily() };
    let cut = estimate(&[group("Europe/London", 5_000)], &pace(1, 100), &ending, &[], now);
    assert_eq!((cut.finishes_at, cut.messages_left, cut.sending_ms), (None, 1_400, 3_600_000));
    let no_trunk = estimate(&[group("Europe/London", 5)], &pace(1, 0), &daily(), &[], now);
    assert_eq!((no_trunk.messages_left, no_trunk.bottleneck, no_trunk.starts_at), (5, None, None));
    let nowhere = ZoneGroup { zones: vec![], messages: 7, segments: 7 };
    assert_eq!(estimate(&[nowhere], &pace(1, 100), &daily(), &[], now).messages_left, 7);
    assert_eq!(estimate(&[], &pace(1, 100), &daily(), &[], now).finishes_at, Some(now));
}
