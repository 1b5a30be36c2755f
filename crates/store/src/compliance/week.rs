//! Hours of a week as people write them and as the store keeps them: `{"monday": "08:00-12:00, 13:00-17:30"}`.

use clarion_domain::compliance::window::{HoursError, WeekHours};
use serde::{Deserialize, Serialize};

/// Spans of each day; a day without any is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Week {
    pub monday: String,
    pub tuesday: String,
    pub wednesday: String,
    pub thursday: String,
    pub friday: String,
    pub saturday: String,
    pub sunday: String,
}

impl Week {
    /// The days by name, Monday first.
    #[must_use]
    pub fn days(&self) -> [(&'static str, &str); 7] {
        [
            ("monday", &self.monday),
            ("tuesday", &self.tuesday),
            ("wednesday", &self.wednesday),
            ("thursday", &self.thursday),
            ("friday", &self.friday),
            ("saturday", &self.saturday),
            ("sunday", &self.sunday),
        ]
    }

    /// Every day the same spans.
    #[must_use]
    pub fn daily(spans: &str) -> Self {
        let day = || spans.to_owned();
        Self { monday: day(), tuesday: day(), wednesday: day(), thursday: day(), friday: day(), saturday: day(), sunday: day() }
    }

    /// Nothing is written: the hours are somebody else's to say.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.days().iter().all(|(_, spans)| spans.trim().is_empty())
    }

    /// `None` when nothing is written.
    pub fn hours(&self) -> Result<Option<WeekHours>, HoursError> {
        if self.is_blank() {
            return Ok(None);
        }
        let mut hours = WeekHours::default();
        for (day, (_, spans)) in self.days().into_iter().enumerate() {
            hours.set_day(day, spans)?;
        }
        Ok(Some(hours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_is_no_hours_and_a_closed_day_is_closed() {
        assert_eq!(Week::default().hours(), Ok(None));
        let week = Week { monday: "09:00-17:00".into(), ..Week::default() };
        let hours = week.hours().expect("reads").expect("hours");
        assert_eq!((hours.day(0).count(), hours.day(1).count()), (1, 0));
        assert!(Week::daily("17:00-09:00").hours().is_err());
    }
}
