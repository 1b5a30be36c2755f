use super::*;
use crate::time::HOUR_MS;
use jiff::civil::date;
use proptest::prelude::*;

fn holidays() -> Holidays {
    Holidays { days: vec![date(2026, 12, 25)], known_until: date(2030, 12, 31) }
}

fn at(text: &str) -> Instant {
    text.parse::<jiff::Timestamp>().expect("a time").into()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone")
}

#[test]
fn a_spell_ends_where_the_local_clock_says() {
    let cases = [
        ("an ordinary day", "Europe/London", "2026-11-23T12:00:00Z", true, "2026-11-23T21:00:00Z"),
        ("an ordinary night", "Europe/London", "2026-11-23T21:00:00Z", false, "2026-11-24T08:00:00Z"),
        ("forward: the night is an hour shorter", "Europe/London", "2027-03-27T22:00:00Z", false, "2027-03-28T07:00:00Z"),
        ("back: the night is an hour longer", "Europe/London", "2027-10-30T20:00:00Z", false, "2027-10-31T08:00:00Z"),
        ("a holiday is one long night", "Europe/London", "2026-12-24T21:00:00Z", false, "2026-12-26T08:00:00Z"),
        ("New York", "America/New_York", "2026-11-23T12:59:59Z", false, "2026-11-23T13:00:00Z"),
        ("Arizona keeps its time", "America/Phoenix", "2027-03-14T10:00:00Z", false, "2027-03-14T15:00:00Z"),
        ("half-hour zones", "Asia/Kolkata", "2026-11-23T02:00:00Z", false, "2026-11-23T02:30:00Z"),
    ];
    let opening = Opening { hours: WeekHours::daily(8 * 60, 21 * 60), closed_on_holidays: true };
    for (label, name, now, is_open, until) in cases {
        let spell = opening.spell(&zone(name), &holidays(), at(now));
        assert_eq!((spell.is_open, spell.until), (is_open, at(until)), "{label}");
    }
}

#[test]
fn a_window_inside_the_missing_hour_waits_for_the_next_day() {
    let opening = Opening { hours: WeekHours::daily(60, 120), closed_on_holidays: false };
    let spell = opening.spell(&zone("Europe/London"), &holidays(), at("2027-03-27T03:00:00Z"));
    assert_eq!(spell.until, at("2027-03-29T00:00:00Z"));
    let twice = opening.spell(&zone("Europe/London"), &holidays(), at("2027-10-31T00:00:00Z"));
    assert_eq!((twice.is_open, twice.until), (true, at("2027-10-31T02:00:00Z")), "the hour that comes twice is open twice");
}

#[test]
fn never_open_together_is_never() {
    let openings = [WeekHours::daily(0, 300), WeekHours::daily(300, 600)].map(|hours| Opening { hours, closed_on_holidays: false });
    assert_eq!(first_open(&openings, &[zone("Europe/London")], &holidays(), at("2026-11-23T12:00:00Z")), None);
}

proptest! {
    /// Against the slow way: read the local clock at every minute of the spell.
    #[test]
    fn a_spell_is_what_the_clock_reads(start_hour in 0i64..24 * 800, open in 0u16..1380, length in 30u16..1400, name in prop::sample::select(vec!["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])) {
        let hours = WeekHours::daily(open, open.saturating_add(length));
        let opening = Opening { hours, closed_on_holidays: true };
        let zone = zone(name);
        let from = at("2026-01-01T00:00:00Z").plus_ms(start_hour * HOUR_MS);
        let spell = opening.spell(&zone, &holidays(), from);
        let reads_open = |now: Instant| {
            let local = zone.to_datetime(now.timestamp());
            let minute = local.hour() as u16 * 60 + local.minute() as u16;
            !holidays().contains(local.date()) && hours.day(local.weekday().to_monday_zero_offset() as usize).any(|span| span.contains(minute))
        };
        let mut now = from;
        while now < spell.until {
            prop_assert_eq!(reads_open(now), spell.is_open, "{}", now.rfc3339());
            now = now.plus_ms(15 * MINUTE_MS);
        }
        if spell.until < from.plus_ms(SEARCH_DAYS * DAY_MS) {
            prop_assert_ne!(reads_open(spell.until), spell.is_open);
            prop_assert_eq!(reads_open(spell.until.plus_ms(-1)), spell.is_open);
        }
    }
}
