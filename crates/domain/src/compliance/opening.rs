//! When calling windows are open in a zone, across clock changes and bank holidays.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::compliance::rule_set::PackVersion;
use crate::compliance::window::WeekHours;
use crate::time::{DAY_MS, Instant, MINUTE_MS};

/// How far ahead an opening is looked for. What is closed longer than this is closed.
pub const SEARCH_DAYS: i64 = 31;

/// Days on which a window that minds them is closed. After `known_until` every day counts as one: nobody knows better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holidays {
    /// Ascending.
    pub days: Vec<Date>,
    pub known_until: Date,
}

/// Hours and whether holidays close them: one source of closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    pub hours: WeekHours,
    pub closed_on_holidays: bool,
}

/// A stretch of time in which an opening does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    pub from: Instant,
    pub until: Instant,
    pub is_open: bool,
}

impl Holidays {
    #[must_use]
    pub fn contains(&self, date: Date) -> bool {
        date > self.known_until || self.days.binary_search(&date).is_ok()
    }
}

impl Opening {
    /// The stretch that holds `at`. Between two changes of the zone's offset the clock runs evenly, so it steps from edge to edge.
    #[must_use]
    pub fn spell(&self, zone: &TimeZone, holidays: &Holidays, at: Instant) -> Spell {
        let limit = at.plus_ms(SEARCH_DAYS * DAY_MS);
        let mut clock_change = next_clock_change(zone, at);
        let (is_open, mut edge) = self.reading(zone, holidays, at);
        loop {
            if clock_change < edge {
                edge = clock_change;
                clock_change = next_clock_change(zone, edge);
            }
            if edge >= limit {
                return Spell { from: at, until: limit, is_open };
            }
            let (open_then, next_edge) = self.reading(zone, holidays, edge);
            if open_then != is_open {
                return Spell { from: at, until: edge, is_open };
            }
            edge = next_edge;
        }
    }

    /// Whether it is open at `at`, and the next instant at which the local clock, left alone, reaches an edge of that day.
    fn reading(&self, zone: &TimeZone, holidays: &Holidays, at: Instant) -> (bool, Instant) {
        let local = zone.to_datetime(at.timestamp());
        let into_minute_ms = i64::from(local.second()) * 1_000 + i64::from(local.millisecond());
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        let closed_day = self.closed_on_holidays && holidays.contains(local.date());
        let mut is_open = false;
        let mut next_minute = i64::from(crate::compliance::window::MINUTES_OF_DAY);
        if !closed_day {
            for span in self.hours.day(local.weekday().to_monday_zero_offset() as usize) {
                let (open, close) = (i64::from(span.open_minute), i64::from(span.close_minute));
                is_open |= open <= minute && minute < close;
                for edge in [open, close] {
                    if edge > minute {
                        next_minute = next_minute.min(edge);
                    }
                }
            }
        }
        (is_open, at.plus_ms((next_minute - minute) * MINUTE_MS - into_minute_ms))
    }
}

fn next_clock_change(zone: &TimeZone, after: Instant) -> Instant {
    zone.following(after.timestamp()).next().map_or(Instant(i64::MAX), |change| change.timestamp().into())
}

/// The first instant at or after `from` at which every opening is open in every zone, within `SEARCH_DAYS`.
#[must_use]
pub fn first_open(openings: &[Opening], zones: &[TimeZone], holidays: &Holidays, from: Instant) -> Option<Instant> {
    let limit = from.plus_ms(SEARCH_DAYS * DAY_MS);
    let mut at = from;
    while at < limit {
        let opens = zones
            .iter()
            .flat_map(|zone| openings.iter().map(move |opening| opening.spell(zone, holidays, at)))
            .filter(|spell| !spell.is_open)
            .map(|spell| spell.until)
            .max();
        match opens {
            None => return Some(at),
            Some(later) => at = later,
        }
    }
    None
}

/// Remembers zones and spells between the decisions of a batch. What it remembers never outlives the spell or the pack.
#[derive(Debug, Default)]
pub struct WindowCache {
    version: Option<PackVersion>,
    zones: Vec<(Box<str>, Option<TimeZone>)>,
    spells: Vec<(u32, Opening, Spell)>,
}

const REMEMBERED_MAX: usize = 512;

impl WindowCache {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what another pack's calendar said.
    pub(super) fn belong_to(&mut self, version: PackVersion) {
        if self.version != Some(version) {
            self.spells.clear();
            self.version = Some(version);
        }
        if self.spells.len() > REMEMBERED_MAX || self.zones.len() > REMEMBERED_MAX {
            self.spells.clear();
            self.zones.clear();
        }
    }

    /// The zone's place here; `None` when no such zone is known.
    pub(super) fn zone(&mut self, name: &str) -> Option<u32> {
        let found = self.zones.iter().position(|(known, _)| **known == *name);
        let index = found.unwrap_or_else(|| {
            self.zones.push((name.into(), TimeZone::get(name).ok()));
            self.zones.len() - 1
        });
        self.zones[index].1.as_ref().map(|_| index as u32)
    }

    pub(super) fn time_zone(&self, zone: u32) -> Option<&TimeZone> {
        self.zones.get(zone as usize).and_then(|(_, zone)| zone.as_ref())
    }

    /// The spell of this opening in this zone at `now`.
    pub(super) fn spell(&mut self, zone: u32, opening: &Opening, holidays: &Holidays, now: Instant) -> Option<Spell> {
        let found = self.spells.iter_mut().find(|(at, hours, _)| *at == zone && hours == opening);
        if let Some((_, _, spell)) = found {
            if !(spell.from <= now && now < spell.until) {
                *spell = opening.spell(self.zones.get(zone as usize)?.1.as_ref()?, holidays, now);
            }
            return Some(*spell);
        }
        let spell = opening.spell(self.time_zone(zone)?, holidays, now);
        self.spells.push((zone, *opening, spell));
        Some(spell)
    }
}

#[cfg(test)]
#[path = "opening_tests.rs"]
mod tests;
