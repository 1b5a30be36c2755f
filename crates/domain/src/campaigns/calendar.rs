//! Campaigns day by day: what starts, what may contact people and when, what ends.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::schedule::{Day, Schedule, TimeOfDay};
use crate::compliance::opening::Holidays;
use crate::time::Instant;

/// Six weeks: a month with the days around it.
pub const DAYS_MAX: usize = 42;

/// One campaign as a calendar needs it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// When it started, or is to start; `None` puts it nowhere.
    pub starts_at: Option<Instant>,
    /// When it was over, if it is.
    pub ended_at: Option<Instant>,
    pub schedule: Schedule,
}

/// Whether the law's calling hours are closed all day where the tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holiday {
    No,
    /// A bank holiday.
    Yes,
    /// So far ahead nobody knows: the rules take it for one.
    NotKnown,
}

/// What a campaign does on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its place among the campaigns asked about.
    pub campaign: usize,
    pub starts_at: Option<Instant>,
    /// Its own hours, on the clock of each contact; `None` when it contacts nobody on this day.
    pub open: Option<(TimeOfDay, TimeOfDay)>,
    pub ends_at: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarDay {
    pub date: Date,
    pub holiday: Holiday,
    /// Those that start first, then the others, in the order asked about.
    pub entries: Vec<Entry>,
}

fn day_of(date: Date) -> Day {
    match date.weekday() {
        Weekday::Monday => Day::Monday,
        Weekday::Tuesday => Day::Tuesday,
        Weekday::Wednesday => Day::Wednesday,
        Weekday::Thursday => Day::Thursday,
        Weekday::Friday => Day::Friday,
        Weekday::Saturday => Day::Saturday,
        Weekday::Sunday => Day::Sunday,
    }
}

/// The days from `first` on, at most `DAYS_MAX`.
#[must_use]
pub fn days(first: Date, count: usize, zone: &TimeZone, holidays: &Holidays, campaigns: &[Planned]) -> Vec<CalendarDay> {
    let dates = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(count.min(DAYS_MAX));
    dates.map(|date| day(date, zone, holidays, campaigns)).collect()
}

fn day(date: Date, zone: &TimeZone, holidays: &Holidays, campaigns: &[Planned]) -> CalendarDay {
    let on = |at: Instant| at.timestamp().to_zoned_datetime(zone.clone()).date();
    let mut entries: Vec<Entry> = Vec::new();
    for (campaign, planned) in campaigns.iter().enumerate() {
        let Some(starts_at) = planned.starts_at else { continue };
        let ends_at = [planned.ended_at, planned.schedule.ends_at_ms.map(Instant)].into_iter().flatten().min();
        let lasts = on(starts_at) <= date && ends_at.is_none_or(|end| date <= on(end));
        if !lasts {
            continue;
        }
        let open = planned.schedule.days.contains(&day_of(date)).then_some((planned.schedule.from, planned.schedule.until));
        let entry = Entry { campaign, starts_at: Some(starts_at).filter(|at| on(*at) == date), open, ends_at: ends_at.filter(|at| on(*at) == date) };
        if entry.starts_at.is_some() || entry.open.is_some() || entry.ends_at.is_some() {
            entries.push(entry);
        }
    }
    entries.sort_by_key(|entry| (entry.starts_at.is_none(), entry.starts_at));
    let holiday = match (date > holidays.known_until, holidays.contains(date)) {
        (true, _) => Holiday::NotKnown,
        (false, true) => Holiday::Yes,
        (false, false) => Holiday::No,
    };
    CalendarDay { date, holiday, entries }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse::<jiff::Timestamp>().expect("a time").into()
    }

    fn date(text: &str) -> Date {
        text.parse().expect("a day")
    }

    #[test]
    fn a_campaign_stands_on_its_days_from_its_start_to_its_end() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let holidays = Holidays { days: vec![date("2026-12-25")], known_until: date("2026-12-31") };
        // A start at half past midnight in London is the evening before in UTC in summer only: in December the day is the same.
        let weekdays = Planned { starts_at: Some(at("2026-12-23T10:00:00Z")), ended_at: None, schedule: Schedule { ends_at_ms: Some(at("2026-12-28T12:00:00Z").ms()), ..Schedule::default() } };
        let over = Planned { starts_at: Some(at("2026-12-21T10:00:00Z")), ended_at: Some(at("2026-12-24T09:00:00Z")), schedule: Schedule::default() };
        let draft = Planned { starts_at: None, ended_at: None, schedule: Schedule::default() };
        let days = days(date("2026-12-22"), 12, &zone, &holidays, &[weekdays, over, draft]);
        type Brief = (i8, Holiday, Vec<(usize, bool, bool, bool)>);
        let brief: Vec<Brief> = days
            .iter()
            .map(|day| (day.date.day(), day.holiday, day.entries.iter().map(|entry| (entry.campaign, entry.starts_at.is_some(), entry.open.is_some(), entry.ends_at.is_some())).collect()))
            .collect();
        use Holiday::{No, NotKnown, Yes};
        assert_eq!(
            brief,
            [
                (22, No, vec![(1, false, true, false)]),
                (23, No, vec![(0, true, true, false), (1, false, true, false)]),
                (24, No, vec![(0, false, true, false), (1, false, true, true)]),
                (25, Yes, vec![(0, false, true, false)]),
                (26, No, vec![]),
                (27, No, vec![]),
                (28, No, vec![(0, false, true, true)]),
                (29, No, vec![]),
                (30, No, vec![]),
                (31, No, vec![]),
                (1, NotKnown, vec![]),
                (2, NotKnown, vec![]),
            ]
        );
    }

    #[test]
    fn the_day_is_that_of_the_tenants_clock() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let none = Holidays { days: Vec::new(), known_until: Date::MAX };
        let planned = Planned { starts_at: Some(at("2026-06-30T23:30:00Z")), ended_at: None, schedule: Schedule::default() };
        let days = days(date("2026-06-30"), 2, &zone, &none, &[planned]);
        assert!(days[0].entries.is_empty() && days[1].entries[0].starts_at.is_some(), "half past midnight in London");
    }
}
