//! How far a connector has come: the latest time, or the highest number, among the rows that it stored. Nothing else is kept as a
//! watermark, so that no value of a person ends as one.

use std::cmp::Ordering;

use crate::time::{Instant, SECOND_MS};

/// Ordered as time or as number; the text is as the client's system wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    text: String,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Time(jiff::Timestamp),
    Number(i64),
}

impl Watermark {
    /// A time with its zone (RFC 3339), or a whole number. One that begins with + or 0 is written as phone numbers are, and is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let place = match text.parse::<i64>() {
            Ok(_) if text != "0" && text.starts_with(['+', '0']) => return None,
            Ok(number) => Place::Number(number),
            Err(_) => Place::Time(text.parse().ok()?),
        };
        Some(Self { text: text.to_owned(), place })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A time that is later than this is this one, in whole seconds; a number stays.
    #[must_use]
    pub fn at_most(self, at: Instant) -> Self {
        let most = Instant(at.ms() - at.ms().rem_euclid(SECOND_MS)).timestamp();
        match self.place {
            Place::Time(time) if time > most => Self { text: most.to_string(), place: Place::Time(most) },
            _ => self,
        }
    }

    /// The later of two; of two kinds the one that was there.
    #[must_use]
    pub fn latest(held: Option<Self>, new: Self) -> Self {
        match held {
            Some(held) if held.order(&new) != Some(Ordering::Less) => held,
            _ => new,
        }
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self.place, other.place) {
            (Place::Time(one), Place::Time(other)) => Some(one.cmp(&other)),
            (Place::Number(one), Place::Number(other)) => Some(one.cmp(&other)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_ordered_as_what_they_are() {
        let latest = |texts: &[&str]| texts.iter().fold(None, |held, text| Some(Watermark::latest(held, Watermark::read(text).expect("a watermark")))).expect("one").text;
        assert_eq!(latest(&["9", "10", "-3"]), "10");
        assert_eq!(latest(&["2026-11-23T12:00:00Z", "2026-11-23T12:30:00+01:00"]), "2026-11-23T12:00:00Z");
        assert_eq!(latest(&["2026-11-23T12:00:00Z", "7"]), "2026-11-23T12:00:00Z");
        for text in ["", "yesterday", "2026-11-23", "+44 7700 900123", "+447700900123", "07700900123", "00447700900123", "Ada"] {
            assert_eq!(Watermark::read(text), None, "{text}");
        }
        assert!(Watermark::read("0").is_some());
    }

    #[test]
    fn a_time_ends_where_it_is_told_and_a_number_goes_on() {
        let at = Instant(1_795_435_200_999);
        let most = |text: &str| Watermark::read(text).expect("a watermark").at_most(at).text;
        assert_eq!(most("2026-11-23T11:59:59.5Z"), "2026-11-23T11:59:59.5Z");
        assert_eq!(most("2026-11-23T13:59:59+01:00"), "2026-11-23T12:00:00Z");
        assert_eq!(most("9999-12-30T22:00:00Z"), "2026-11-23T12:00:00Z");
        assert_eq!(most("9223372036854775807"), "9223372036854775807");
    }
}
