//! Times in the tenant's zone.

use clarion_domain::time::{DAY_MS, HOUR_MS, Instant, MINUTE_MS, SECOND_MS};
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// The tenant's zone; an unknown name reads as UTC, which the page's foot then says.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// `23 Nov 2026, 11:59`.
pub fn text(at: Instant, zone: &TimeZone) -> String {
    at.timestamp().to_zoned_datetime(zone.clone()).strftime("%-d %b %Y, %H:%M").to_string()
}

pub fn time(at: Instant, zone: &TimeZone) -> Markup {
    html! { time datetime=(at.rfc3339()) { (text(at, zone)) } }
}

/// With seconds, for the trail of events.
pub fn exact(at: Instant, zone: &TimeZone) -> Markup {
    html! { time datetime=(at.rfc3339()) { (at.timestamp().to_zoned_datetime(zone.clone()).strftime("%-d %b %Y, %H:%M:%S")) } }
}

/// `10:04 for them`: the clock of the only zone in which a person can be, where it is not ours.
pub fn theirs(at: Instant, ours: &TimeZone, zones: &[String]) -> Option<String> {
    let mut zones = zones.iter().filter_map(|name| TimeZone::get(name).ok());
    let there = |zone: TimeZone| at.timestamp().to_zoned_datetime(zone).datetime();
    let their = there(zones.next()?);
    let alike = zones.all(|zone| there(zone) == their);
    let our = there(ours.clone());
    (alike && their != our).then(|| their.strftime(if their.date() == our.date() { "%H:%M for them" } else { "%-d %b, %H:%M for them" }).to_string())
}

pub fn optional(at: Option<Instant>, zone: &TimeZone) -> Markup {
    html! { @match at { Some(at) => (time(at, zone)), None => span.soft { "–" } } }
}

/// `2 h 5 min`: a length of time in at most two units.
pub fn length(ms: i64) -> String {
    let ms = ms.max(0);
    let (days, hours, minutes, seconds) = (ms / DAY_MS, ms % DAY_MS / HOUR_MS, ms % HOUR_MS / MINUTE_MS, ms % MINUTE_MS / SECOND_MS);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// The start of the day of `at` in the zone.
pub fn day_start(at: Instant, zone: &TimeZone) -> Instant {
    at.timestamp().to_zoned_datetime(zone.clone()).start_of_day().map_or(at, |start| Instant::from(start.timestamp()))
}

/// What a `datetime-local` field holds, read in the zone.
pub fn from_local(text: &str, zone: &TimeZone) -> Option<Instant> {
    let local: jiff::civil::DateTime = text.trim().parse().ok()?;
    local.to_zoned_datetime(zone.clone()).ok().map(|zoned| Instant::from(zoned.timestamp()))
}

pub fn to_local(at: Instant, zone: &TimeZone) -> String {
    at.timestamp().to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_and_reads_local_times() {
        let zone = zone("Europe/London");
        let summer = Instant(1_782_900_000_000);
        assert_eq!(text(summer, &zone), "1 Jul 2026, 11:00");
        assert_eq!(from_local(&to_local(summer, &zone), &zone), Some(summer));
        assert_eq!(from_local("tomorrow", &zone), None);
        assert_eq!(text(day_start(summer, &zone), &zone), "1 Jul 2026, 00:00");
    }

    #[test]
    fn shows_a_persons_own_clock_where_it_differs() {
        let (london, at) = (zone("Europe/London"), Instant(1_782_900_000_000));
        let theirs = |zones: &[&str]| theirs(at, &london, &zones.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(theirs(&["Europe/London"]), None);
        assert_eq!(theirs(&["Europe/Jersey", "Europe/Isle_of_Man"]), None, "the same clock");
        assert_eq!(theirs(&["Europe/Paris"]).as_deref(), Some("12:00 for them"));
        assert_eq!(theirs(&["Asia/Tokyo"]).as_deref(), Some("19:00 for them"));
        assert_eq!(theirs(&["America/New_York", "America/Chicago"]), None, "nobody knows which");
        assert_eq!(theirs(&[]), None);
    }

    #[test]
    fn says_a_length_in_two_units() {
        assert_eq!((length(4_000), length(125_000), length(7_500_000), length(90_000_000)), ("4 s".into(), "2 min 5 s".into(), "2 h 5 min".into(), "1 d 1 h".into()));
    }
}
