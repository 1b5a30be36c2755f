//! When a campaign may contact: its start and end, and its hours in the contact's own zone.
//!
//! These hours narrow the calling windows of the rules and never widen them.

use jiff::tz::TimeZone;

use crate::compliance::opening::{self, Holidays, Opening};
use crate::compliance::window::{MINUTES_OF_DAY, WeekHours};
use crate::time::Instant;
use crate::word::words;

/// Shorter hours than this hardly let a campaign run.
pub const OPEN_MINUTES_MIN: u16 = 15;

words! {
    pub enum Day {
        Monday = "monday",
        Tuesday = "tuesday",
        Wednesday = "wednesday",
        Thursday = "thursday",
        Friday = "friday",
        Saturday = "saturday",
        Sunday = "sunday",
    }
}

/// A time on the clock, 00:00 to 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minute: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time of day: write it as 09:00, at most 24:00")]
pub struct NotATime;

/// A campaign's own times. Hours are read on the clock of the contact's zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Not before; at once when empty.
    pub starts_at_ms: Option<i64>,
    /// Not at or after; no end when empty.
    pub ends_at_ms: Option<i64>,
    pub days: Vec<Day>,
    pub from: TimeOfDay,
    pub until: TimeOfDay,
}

/// Why a schedule cannot be saved or started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("no day is chosen: choose at least one day of the week")]
    NoDay,
    #[error("{0} is chosen twice: choose it once")]
    DayTwice(Day),
    #[error("the hours end before they begin, or are shorter than {OPEN_MINUTES_MIN} minutes: set a later end, within one day")]
    Hours,
    #[error("the campaign ends before it starts: set a later end")]
    EndsBeforeStart,
    #[error("the campaign's end has passed: set a later end, or none")]
    Over,
    #[error("the campaign's hours never come before it ends: set a later end, or more days")]
    NeverOpen,
}

impl TimeOfDay {
    /// Minutes since midnight, at most 1,440.
    pub fn from_minute(minute: u16) -> Result<Self, NotATime> {
        if minute <= MINUTES_OF_DAY { Ok(Self { minute }) } else { Err(NotATime) }
    }

    #[must_use]
    pub fn minute(self) -> u16 {
        self.minute
    }
}

impl std::str::FromStr for TimeOfDay {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (hour, minute) = text.split_once(':').ok_or(NotATime)?;
        let two_digits = |part: &str| if part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()) { part.parse::<u16>().ok() } else { None };
        let (hour, minute) = (two_digits(hour).ok_or(NotATime)?, two_digits(minute).filter(|minute| *minute < 60).ok_or(NotATime)?);
        Self::from_minute(hour * 60 + minute)
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = NotATime;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl Default for Schedule {
    /// Monday to Friday, 09:00 to 18:00, at once and without an end.
    fn default() -> Self {
        Self { starts_at_ms: None, ends_at_ms: None, days: Day::ALL[..5].to_vec(), from: TimeOfDay { minute: 9 * 60 }, until: TimeOfDay { minute: 18 * 60 } }
    }
}

impl Schedule {
    /// Checks the schedule by itself and against the clock. `zones` are those of the audience, or the tenant's own.
    pub fn check(&self, zones: &[TimeZone], now: Instant) -> Result<(), ScheduleError> {
        if self.days.is_empty() {
            return Err(ScheduleError::NoDay);
        }
        if let Some((_, twice)) = self.days.iter().enumerate().find(|(at, day)| self.days[..*at].contains(day)) {
            return Err(ScheduleError::DayTwice(*twice));
        }
        if self.until.minute < self.from.minute + OPEN_MINUTES_MIN {
            return Err(ScheduleError::Hours);
        }
        if let (Some(start), Some(end)) = (self.starts_at_ms, self.ends_at_ms)
            && end <= start
        {
            return Err(ScheduleError::EndsBeforeStart);
        }
        if self.is_over(now) {
            return Err(ScheduleError::Over);
        }
        let opens = zones.is_empty() || zones.iter().any(|zone| self.next_open(std::slice::from_ref(zone), now).is_some());
        if opens { Ok(()) } else { Err(ScheduleError::NeverOpen) }
    }

    /// The hours of each weekday, as compliance takes them.
    #[must_use]
    pub fn week_hours(&self) -> WeekHours {
        let span = format!("{}-{}", self.from, self.until);
        let mut hours = WeekHours::default();
        for day in &self.days {
            // Hours that `check` refuses leave the day closed.
            let _ = hours.set_day(*day as usize, &span);
        }
        hours
    }

    /// The first instant from `now` on at which the campaign may contact somebody who may be in any of these zones: its
    /// hours are open in all of them. `None` when that does not come before its end, or within a month.
    #[must_use]
    pub fn next_open(&self, zones: &[TimeZone], now: Instant) -> Option<Instant> {
        let from = now.max(self.starts_at_ms.map_or(now, Instant));
        let open = opening::first_open(&[self.opening()], zones, &no_holidays(), from)?;
        (!self.is_over(open)).then_some(open)
    }

    /// Whether the campaign may contact somebody in these zones right now.
    #[must_use]
    pub fn is_open(&self, zones: &[TimeZone], now: Instant) -> bool {
        self.next_open(zones, now) == Some(now)
    }

    /// Its end has passed.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.ends_at_ms.is_some_and(|end| now.ms() >= end)
    }

    pub(super) fn opening(&self) -> Opening {
        Opening { hours: self.week_hours(), closed_on_holidays: false }
    }
}

/// Holidays are the rule pack's business, not the campaign's, nor a call centre's.
#[must_use]
pub fn no_holidays() -> Holidays {
    Holidays { days: Vec::new(), known_until: jiff::civil::Date::MAX }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
