//! The demo works at night too: its clock may be put forward to the next morning at which people may be contacted.

use clarion_domain::time::{DAY_MS, HOUR_MS, Instant};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

/// `now` when it is a weekday between nine and four in the zone; otherwise ten in the morning of a coming weekday,
/// `skip` weekdays further on, in case one of them is a holiday.
pub fn calling_hours(now: Instant, zone: &TimeZone, skip: usize) -> Instant {
    let on = |at: Instant| at.timestamp().to_zoned_datetime(zone.clone());
    let is_weekday = |at: Instant| !matches!(on(at).weekday(), Weekday::Saturday | Weekday::Sunday);
    if skip == 0 && is_weekday(now) && (9..16).contains(&on(now).hour()) {
        return now;
    }
    let mornings = (0..40).filter_map(|day| {
        let date = on(now.plus_ms(day * DAY_MS)).date();
        let midnight: Instant = date.to_zoned_datetime(zone.clone()).ok()?.timestamp().into();
        Some(midnight.plus_ms(10 * HOUR_MS))
    });
    mornings.filter(|morning| *morning > now && is_weekday(*morning)).nth(skip).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_or_a_weekend_moves_to_the_next_weekday_morning() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let at = |text: &str| Instant::from(text.parse::<jiff::Timestamp>().expect("a time"));
        let moved = |text: &str, skip| calling_hours(at(text), &zone, skip).rfc3339();
        assert_eq!(moved("2026-11-23T11:00:00Z", 0), "2026-11-23T11:00:00.000Z", "a Monday at eleven stays");
        assert_eq!(moved("2026-11-23T22:00:00Z", 0), "2026-11-24T10:00:00.000Z");
        assert_eq!(moved("2026-11-23T03:00:00Z", 0), "2026-11-23T10:00:00.000Z");
        assert_eq!(moved("2026-11-20T22:00:00Z", 0), "2026-11-23T10:00:00.000Z", "Friday night");
        assert_eq!(moved("2026-07-04T12:00:00Z", 1), "2026-07-07T09:00:00.000Z", "summer time, one day skipped");
    }
}
