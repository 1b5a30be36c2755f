//! When a connector works: every so many minutes, at times of day in the tenant's zone, or only when somebody asks.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::time::{Instant, MINUTE_MS};

pub const EVERY_MINUTES_MIN: u32 = 5;
pub const EVERY_MINUTES_MAX: u32 = 7 * 24 * 60;
const TIMES_MAX: usize = 24;

/// Written `every 60 minutes`, `at 06:00 18:30` or `by hand`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Times {
    EveryMinutes(u32),
    /// In order, no two alike.
    At(Vec<Time>),
    ByHand,
}

/// Not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimesError {
    #[error("write the schedule as every 60 minutes, every 4 hours, at 06:00 18:30, or by hand")]
    Form,
    #[error("a schedule of minutes lies between {EVERY_MINUTES_MIN} minutes and seven days")]
    Interval,
    #[error("at most {TIMES_MAX} times a day")]
    TooMany,
}

impl FromStr for Times {
    type Err = TimesError;

    fn from_str(text: &str) -> Result<Self, TimesError> {
        let folded = text.trim().to_lowercase().replace(',', " ");
        let parts: Vec<&str> = folded.split_whitespace().collect();
        match parts[..] {
            ["by", "hand"] => Ok(Self::ByHand),
            ["every", ref count @ .., unit] if count.len() < 2 => {
                let factor = match unit {
                    "minute" | "minutes" | "min" => 1,
                    "hour" | "hours" | "h" => 60,
                    "day" | "days" => 24 * 60,
                    _ => return Err(TimesError::Form),
                };
                let minutes = count.first().map_or(Ok(1), |number| number.parse::<u32>()).map_err(|_| TimesError::Form)?.saturating_mul(factor);
                if (EVERY_MINUTES_MIN..=EVERY_MINUTES_MAX).contains(&minutes) { Ok(Self::EveryMinutes(minutes)) } else { Err(TimesError::Interval) }
            }
            ["at", ref times @ ..] if !times.is_empty() => {
                let mut read = times.iter().map(|text| time_of_day(text)).collect::<Option<Vec<_>>>().ok_or(TimesError::Form)?;
                read.sort_unstable();
                read.dedup();
                if read.len() > TIMES_MAX { Err(TimesError::TooMany) } else { Ok(Self::At(read)) }
            }
            _ => Err(TimesError::Form),
        }
    }
}

/// `06:00`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    if minutes.len() != 2 {
        return None;
    }
    Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByHand => f.write_str("by hand"),
            Self::EveryMinutes(minutes) if *minutes > 60 && minutes % 60 == 0 => write!(f, "every {} hours", minutes / 60),
            Self::EveryMinutes(minutes) => write!(f, "every {minutes} minutes"),
            Self::At(times) => {
                f.write_str("at")?;
                times.iter().try_for_each(|time| write!(f, " {:02}:{:02}", time.hour(), time.minute()))
            }
        }
    }
}

impl Times {
    /// The next time after `now`. A time of day that a change of the clocks leaves out comes at the moment that stands for it; one that
    /// comes twice counts the first time.
    #[must_use]
    pub fn next(&self, now: Instant, zone: &TimeZone) -> Option<Instant> {
        match self {
            Self::ByHand => None,
            Self::EveryMinutes(minutes) => Some(now.plus_ms(i64::from(*minutes) * MINUTE_MS)),
            Self::At(times) => {
                let today = now.timestamp().to_zoned_datetime(zone.clone()).date();
                let days = [Some(today), today.tomorrow().ok(), today.tomorrow().and_then(|day| day.tomorrow()).ok()];
                let instants = days.into_iter().flatten().flat_map(|day| times.iter().map(move |time| day.to_datetime(*time)));
                instants.filter_map(|local| local.to_zoned_datetime(zone.clone()).ok()).map(|zoned| Instant::from(zoned.timestamp())).filter(|at| *at > now).min()
            }
        }
    }
}

impl serde::Serialize for Times {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Times {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::from(text.parse::<jiff::Timestamp>().expect("a time"))
    }

    #[test]
    fn schedules_are_read_and_written_and_what_is_none_is_told() {
        for (text, written) in [
            ("every 90 minutes", "every 90 minutes"),
            ("Every 4 hours", "every 4 hours"),
            ("every 1 day", "every 24 hours"),
            ("every 1 hour", "every 60 minutes"),
            ("every hour", "every 60 minutes"),
            ("every day", "every 24 hours"),
            ("at 18:30, 6:00 18:30", "at 06:00 18:30"),
            (" by hand ", "by hand"),
        ] {
            assert_eq!(text.parse::<Times>().map(|times| times.to_string()), Ok(written.to_owned()), "{text}");
        }
        for (text, error) in [
            ("", TimesError::Form),
            ("at", TimesError::Form),
            ("at 24:00", TimesError::Form),
            ("at 6:5", TimesError::Form),
            ("every minute", TimesError::Interval),
            ("every 4 minutes", TimesError::Interval),
            ("every 4294967295 days", TimesError::Interval),
        ] {
            assert_eq!(text.parse::<Times>(), Err(error), "{text}");
        }
        let many: Vec<String> = (0..25).map(|n| format!("{:02}:{:02}", n % 24, n)).collect();
        assert_eq!(format!("at {}", many.join(" ")).parse::<Times>(), Err(TimesError::TooMany));
        let json = serde_json::to_string(&Times::EveryMinutes(30)).expect("JSON");
        assert_eq!((json.as_str(), serde_json::from_str::<Times>(&json).expect("a schedule")), ("\"every 30 minutes\"", Times::EveryMinutes(30)));
    }

    #[test]
    fn times_of_day_are_the_tenants_and_the_clocks_change() {
        let london = TimeZone::get("Europe/London").expect("a zone");
        let next = |text: &str, now: &str| text.parse::<Times>().expect("a schedule").next(at(now), &london).map(Instant::rfc3339);
        assert_eq!(next("at 06:00 18:30", "2026-07-01T05:00:00Z").as_deref(), Some("2026-07-01T17:30:00.000Z"), "06:00 in summer was now");
        assert_eq!(next("at 06:00 18:30", "2026-07-01T20:00:00Z").as_deref(), Some("2026-07-02T05:00:00.000Z"));
        assert_eq!(next("at 01:30", "2026-03-28T12:00:00Z").as_deref(), Some("2026-03-29T01:30:00.000Z"), "01:30 is left out that night");
        assert_eq!(next("at 01:30", "2026-10-24T23:00:00Z").as_deref(), Some("2026-10-25T00:30:00.000Z"), "01:30 comes twice: the first counts");
        assert_eq!(next("at 01:30", "2026-10-25T00:30:00Z").as_deref(), Some("2026-10-26T01:30:00.000Z"), "and once only");
        assert_eq!(next("every 2 hours", "2026-07-01T05:00:00Z").as_deref(), Some("2026-07-01T07:00:00.000Z"));
        assert_eq!(next("by hand", "2026-07-01T05:00:00Z"), None);
    }
}
