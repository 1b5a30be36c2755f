//! Calling windows: the hours of a week in which contact may be made, in the person's own zone.

/// Minutes of the day, opening included, closing excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    pub open_minute: u16,
    pub close_minute: u16,
}

/// At most this many spans a day.
pub const SPANS_MAX: usize = 3;
pub const MINUTES_OF_DAY: u16 = 24 * 60;

/// Open spans of each weekday, Monday first, ascending and apart; an empty span means none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct WeekHours {
    days: [[Span; SPANS_MAX]; 7],
}

/// Hours that do not read as hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    #[error("{0:?} is not a span of hours: write it as 08:00-21:00, within one day, the later time last")]
    Span(String),
    #[error("{0:?} is not a time of day: write it as 08:00, at most 24:00")]
    Time(String),
    #[error("the spans of a day overlap or are out of order: {0:?}")]
    Order(String),
    #[error("a day has at most 3 spans: {0:?}")]
    TooMany(String),
}

impl Span {
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.open_minute >= self.close_minute
    }

    #[must_use]
    pub fn contains(self, minute: u16) -> bool {
        self.open_minute <= minute && minute < self.close_minute
    }
}

impl WeekHours {
    /// Open at all times.
    #[must_use]
    pub fn always() -> Self {
        let whole = Span { open_minute: 0, close_minute: MINUTES_OF_DAY };
        Self { days: [[whole, Span::default(), Span::default()]; 7] }
    }

    /// Every day the same one span, or none at all.
    #[must_use]
    pub fn daily(open_minute: u16, close_minute: u16) -> Self {
        let span = Span { open_minute, close_minute: close_minute.min(MINUTES_OF_DAY) };
        let day = if span.is_empty() { [Span::default(); SPANS_MAX] } else { [span, Span::default(), Span::default()] };
        Self { days: [day; 7] }
    }

    /// The spans of a weekday, Monday being 0.
    pub fn day(&self, monday_zero: usize) -> impl Iterator<Item = Span> + '_ {
        self.days[monday_zero % 7].iter().copied().filter(|span| !span.is_empty())
    }

    /// Sets a weekday's spans from text: `08:00-12:00, 13:00-17:30`, or nothing for a closed day.
    pub fn set_day(&mut self, monday_zero: usize, text: &str) -> Result<(), HoursError> {
        let mut spans = [Span::default(); SPANS_MAX];
        let mut last_close = 0;
        for (index, part) in text.split(',').map(str::trim).filter(|part| !part.is_empty()).enumerate() {
            let span = parse_span(part)?;
            if index > 0 && span.open_minute < last_close {
                return Err(HoursError::Order(text.to_owned()));
            }
            *spans.get_mut(index).ok_or_else(|| HoursError::TooMany(text.to_owned()))? = span;
            last_close = span.close_minute;
        }
        self.days[monday_zero % 7] = spans;
        Ok(())
    }

    /// Open only when both are.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for (day, place) in both.days.iter_mut().enumerate() {
            let overlaps = self.day(day).flat_map(|a| {
                other.day(day).map(move |b| Span { open_minute: a.open_minute.max(b.open_minute), close_minute: a.close_minute.min(b.close_minute) })
            });
            place.iter_mut().zip(overlaps.filter(|span| !span.is_empty())).for_each(|(slot, span)| *slot = span);
        }
        both
    }

    /// Open at no time at which `outer` is not.
    #[must_use]
    pub fn is_within(&self, outer: &Self) -> bool {
        let minutes = |hours: &Self, day| hours.day(day).map(|span| u32::from(span.close_minute - span.open_minute)).sum::<u32>();
        let both = self.intersect(outer);
        (0..7).all(|day| minutes(&both, day) == minutes(self, day))
    }

    /// Never open.
    #[must_use]
    pub fn is_never(&self) -> bool {
        (0..7).all(|day| self.day(day).next().is_none())
    }
}

fn parse_span(text: &str) -> Result<Span, HoursError> {
    let (open, close) = text.split_once('-').ok_or_else(|| HoursError::Span(text.to_owned()))?;
    let span = Span { open_minute: parse_minute(open.trim())?, close_minute: parse_minute(close.trim())? };
    if span.is_empty() { Err(HoursError::Span(text.to_owned())) } else { Ok(span) }
}

fn parse_minute(text: &str) -> Result<u16, HoursError> {
    let wrong = || HoursError::Time(text.to_owned());
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return Err(wrong());
    }
    let (hours, minutes): (u16, u16) = (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
    let minute = hours * 60 + minutes;
    if minutes < 60 && minute <= MINUTES_OF_DAY { Ok(minute) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn week(monday: &str) -> WeekHours {
        let mut hours = WeekHours::default();
        hours.set_day(0, monday).expect("good hours");
        hours
    }

    #[test]
    fn reads_a_day() {
        let minutes = |text: &str| week(text).day(0).map(|span| (span.open_minute, span.close_minute)).collect::<Vec<_>>();
        assert_eq!(minutes("08:00-12:00,13:30 - 24:00"), [(480, 720), (810, 1440)]);
        assert_eq!(minutes(""), []);
        assert_eq!(minutes("00:00-08:00, 08:00-09:00"), [(0, 480), (480, 540)]);
        for bad in ["8:00-9:00", "08:00", "09:00-08:00", "08:00-08:00", "08:60-09:00", "24:01-24:02", "a-b", "10:00-11:00,09:00-09:30", "01:00-02:00,03:00-04:00,05:00-06:00,07:00-08:00", "+8:00-09:00"] {
            assert!(WeekHours::default().set_day(0, bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_intersection_is_open_when_both_are(a in prop::array::uniform4(0u16..1440), b in prop::array::uniform4(0u16..1440), minute in 0u16..1440) {
            let two = |mut edges: [u16; 4]| {
                edges.sort_unstable();
                let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
                let spans: Vec<String> = edges.chunks(2).filter(|pair| pair[0] < pair[1]).map(|pair| format!("{}-{}", text(pair[0]), text(pair[1]))).collect();
                week(&spans.join(","))
            };
            let (a, b) = (two(a), two(b));
            let open = |hours: &WeekHours| hours.day(0).any(|span| span.contains(minute));
            prop_assert_eq!(open(&a.intersect(&b)), open(&a) && open(&b));
        }
    }
}
