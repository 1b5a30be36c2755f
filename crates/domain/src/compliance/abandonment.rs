//! Abandoned calls: the count by which a dialler is judged, its ceiling, and the stop before the ceiling can be reached.
//!
//! The rate is that of UK-4: x / (x + y), for a campaign and a calendar day in London; y are the people put through, x
//! the people abandoned. x leaves out calls that were dropped on an answering machine and takes in a reasoned estimate of the people
//! whom the detector took for a machine.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::attempts::call::Call;
use crate::outcomes::answered_by::AnsweredBy;
use crate::outcomes::disposition::Disposition;
use crate::time::{DAY_MS, Instant};

pub const ZONE: &str = "Europe/London";
/// The legal window of the United States (US-3), in days.
pub const US_DAYS: i16 = 30;
/// Labelled recordings below which an estimate is no estimate.
pub const SAMPLE_MIN: u32 = 100;
const BP: u64 = 10_000;

/// One campaign's count for one calendar day. The store keeps it; it is never reset by restarting a campaign (UK-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbandonmentDay {
    /// People put through to an agent: y.
    pub put_through: u32,
    /// People who met no agent: x before the estimate. Silent calls are among them.
    pub abandoned: u32,
    /// People who heard nothing within two seconds (UK-2): an agent who came late, or of whom nothing was heard, and words that came late, among them.
    pub silent: u32,
    /// Calls that ended because the detector said machine, with nobody put through and no message left for a person.
    pub judged_machine: u32,
}

/// How often a call that the detector gave to a machine was a person's, with what it rests on (UK-4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MistakeEstimate {
    /// Calls judged to be machines whose recording a person labelled.
    pub labelled: u32,
    /// Of them, those that were people.
    pub were_people: u32,
    /// The last day of the sample.
    pub measured_on: Date,
    /// How the sample was drawn, in a sentence.
    pub method: String,
}

/// A rate with what it rests on, for people to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbandonedRate {
    /// In ten-thousandths, rounded up: half a call too many is too many.
    pub counted_bp: u32,
    /// The same with the detector's expected mistakes among the abandoned; `None` without an estimate while machines are acted on.
    pub with_mistakes_bp: Option<u32>,
}

impl AbandonmentDay {
    /// People who answered: x + y.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.put_through.saturating_add(self.abandoned)
    }

    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            put_through: self.put_through.saturating_add(other.put_through),
            abandoned: self.abandoned.saturating_add(other.abandoned),
            silent: self.silent.saturating_add(other.silent),
            judged_machine: self.judged_machine.saturating_add(other.judged_machine),
        }
    }

    /// What one ended call adds. A call that is not over, or at which no person was, adds nothing or a machine. Whoever was put
    /// through counts as such whatever they asked for afterwards.
    #[must_use]
    pub fn of_call(call: &Call) -> Self {
        let Some((word, _)) = call.outcome() else { return Self::default() };
        let silent = u32::from(call.was_silent(call.ended_at().unwrap_or(call.planned_at)));
        match word {
            _ if call.times.bridged_at.is_some() => Self { put_through: 1, silent, ..Self::default() },
            Disposition::Abandoned => Self { abandoned: 1, silent, ..Self::default() },
            Disposition::AnsweredMachine if call.answered_by() == AnsweredBy::Machine || call.answered_by() == AnsweredBy::VoicemailReady => Self { judged_machine: 1, ..Self::default() },
            _ => Self { silent, ..Self::default() },
        }
    }

    /// What a call that is still up has added already, or is as good as certain to add: whoever was put through, whoever hears the
    /// information message.
    #[must_use]
    pub fn of_live_call(call: &Call) -> Self {
        let (put_through, told) = (call.times.bridged_at.is_some(), call.times.information_at.is_some());
        Self { put_through: put_through.into(), abandoned: u32::from(told && !put_through), ..Self::default() }
    }

    /// What a call adds of which a crash lost sight: the same as one that ended, and whoever had answered and was hearing nothing, or waited
    /// for an agent, met nobody.
    #[must_use]
    pub fn of_lost_call(call: &Call) -> Self {
        let known = Self::of_call(call);
        let is_person = call.person.answered_at.is_some() && call.answered_by().may_be_a_person();
        let was_served = call.times.message_at.is_some() && !call.awaits_agent();
        if (Self { silent: 0, ..known }) != Self::default() || !is_person || was_served {
            return known;
        }
        Self { abandoned: 1, silent: u32::from(call.times.message_at.is_none()), ..Self::default() }
    }

    /// The rate. `acts_on_machines` is whether the campaign ends calls on the detector's word.
    #[must_use]
    pub fn rate(&self, acts_on_machines: bool, estimate: Option<&MistakeEstimate>) -> AbandonedRate {
        let with_mistakes_bp = match (acts_on_machines, estimate) {
            (false, _) => Some(rate_bp(self.abandoned, self.put_through, 0)),
            (true, Some(estimate)) => Some(rate_bp(self.abandoned, self.put_through, estimate.mistaken_milli(self.judged_machine))),
            (true, None) => None,
        };
        AbandonedRate { counted_bp: rate_bp(self.abandoned, self.put_through, 0), with_mistakes_bp }
    }

    /// Whether the ceiling could be passed if every one of `in_flight` calls were answered by a person and abandoned: the moment
    /// at which a campaign falls back to one call for each free slot.
    #[must_use]
    pub fn must_stop(&self, ceiling_bp: u16, mistaken_milli: u32, in_flight: u32) -> bool {
        rate_bp(self.abandoned.saturating_add(in_flight), self.put_through, mistaken_milli) > u32::from(ceiling_bp)
    }

    /// How many more people may be abandoned before the ceiling is passed, if nobody else is put through.
    #[must_use]
    pub fn spare(&self, ceiling_bp: u16, mistaken_milli: u32) -> u32 {
        let ceiling = u64::from(ceiling_bp).min(BP - 1);
        let bears_milli = u64::from(self.put_through) * 1_000 * ceiling / (BP - ceiling);
        let used_milli = u64::from(self.abandoned) * 1_000 + u64::from(mistaken_milli);
        u32::try_from(bears_milli.saturating_sub(used_milli) / 1_000).unwrap_or(u32::MAX)
    }
}

/// x / (x + y) in ten-thousandths, rounded up; nobody at all is a rate of nothing.
fn rate_bp(abandoned: u32, put_through: u32, mistaken_milli: u32) -> u32 {
    let x = u64::from(abandoned) * 1_000 + u64::from(mistaken_milli);
    let all = x + u64::from(put_through) * 1_000;
    if all == 0 { 0 } else { u32::try_from((x * BP).div_ceil(all)).unwrap_or(u32::MAX) }
}

impl MistakeEstimate {
    /// Enough recordings, labelled within half a year. Without this a campaign may not end calls on the detector's word.
    #[must_use]
    pub fn is_tested(&self, today: Date) -> bool {
        let age_days = self.measured_on.until(today).map_or(i32::MAX, |age| age.get_days());
        self.labelled >= SAMPLE_MIN && self.were_people <= self.labelled && (0..=183).contains(&age_days) && !self.method.trim().is_empty()
    }

    /// People among so many calls judged to be machines, in thousandths of a person. One mistake more than was seen is assumed: a
    /// sample without any proves no zero.
    #[must_use]
    pub fn mistaken_milli(&self, judged_machine: u32) -> u32 {
        let people = u64::from(self.were_people) + 1;
        let among = u64::from(self.labelled) + 2;
        u32::try_from((u64::from(judged_machine) * people * 1_000).div_ceil(among)).unwrap_or(u32::MAX)
    }
}

/// The calendar day, in London, that a call answered at this time counts to.
#[must_use]
pub fn london_day(at: Instant) -> Date {
    let zone = jiff::tz::TimeZone::get(ZONE).unwrap_or(jiff::tz::TimeZone::UTC);
    zone.to_datetime(at.timestamp()).date()
}

/// The midnight in London that ends this instant's day.
#[must_use]
pub fn end_of_london_day(at: Instant) -> Instant {
    let next: Date = london_day(at).tomorrow().unwrap_or(Date::MAX);
    let zone = jiff::tz::TimeZone::get(ZONE).unwrap_or(jiff::tz::TimeZone::UTC);
    zone.to_timestamp(next.to_datetime(jiff::civil::Time::midnight())).map_or(at.plus_ms(DAY_MS), Instant::from)
}

/// The 30 days of US-3 that end with `today`, summed from the days that the store keeps.
#[must_use]
pub fn us_window(days: &[(Date, AbandonmentDay)], today: Date) -> AbandonmentDay {
    let within = |day: &Date| day.until(today).is_ok_and(|age| (0..i32::from(US_DAYS)).contains(&age.get_days()));
    days.iter().filter(|(day, _)| within(day)).fold(AbandonmentDay::default(), |sum, (_, day)| sum.plus(day))
}

/// For how long after an abandoned call only a guaranteed agent may call again (UK-8).
pub const AFTER_ABANDONED_MS: i64 = 3 * DAY_MS;

#[cfg(test)]
#[path = "abandonment_tests.rs"]
mod tests;
