//! How a cell's stored number reads: phone numbers whole, dates as dates.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Span};

/// What a workbook's numbers mean.
pub struct Numbers {
    /// By cell format, whether it shows a date.
    pub dates: Vec<bool>,
    pub epoch_1904: bool,
}

/// Up to here every whole number is exact, and Excel shows no more digits.
const EXACT_MAX: f64 = 1e15;
/// 31 December 9999.
const SERIAL_MAX: f64 = 2_958_466.0;
const SECONDS_OF_DAY: f64 = 86_400.0;

impl Numbers {
    /// The text of a stored number; what is no number stays as it is.
    pub fn text(&self, stored: &str, style: usize) -> String {
        let stored = stored.trim();
        let Ok(number) = stored.parse::<f64>() else { return stored.to_owned() };
        if self.dates.get(style) == Some(&true)
            && let Some(moment) = self.moment(number)
        {
            return moment;
        }
        if stored.len() <= 15 && stored.bytes().all(|byte| byte.is_ascii_digit()) {
            return stored.to_owned();
        }
        // Rust writes the shortest digits that read back the same and no exponent; a whole number has no point.
        if number.is_finite() && number.abs() < EXACT_MAX { number.to_string() } else { stored.to_owned() }
    }

    /// A day count as a date, with its time when it has one.
    fn moment(&self, serial: f64) -> Option<String> {
        if !(0.0..SERIAL_MAX).contains(&serial) {
            return None;
        }
        let seconds = ((serial - serial.trunc()) * SECONDS_OF_DAY).round() as i64;
        let time = jiff::civil::Time::midnight().wrapping_add(SignedDuration::from_secs(seconds));
        if serial < 1.0 && !self.epoch_1904 {
            return Some(time.to_string());
        }
        let days = serial.trunc() as i64 + i64::from(seconds >= 86_400);
        let day = self.epoch(days).checked_add(Span::new().try_days(days).ok()?).ok()?;
        Some(if seconds % 86_400 == 0 { day.to_string() } else { format!("{day} {time}") })
    }

    /// Excel counts a 29 February 1900 that never was.
    fn epoch(&self, days: i64) -> Date {
        match (self.epoch_1904, days) {
            (true, _) => date(1904, 1, 1),
            (false, ..60) => date(1899, 12, 31),
            (false, _) => date(1899, 12, 30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_come_out_whole() {
        let numbers = Numbers { dates: vec![], epoch_1904: false };
        for (stored, text) in [
            ("447700900123", "447700900123"),
            ("7700900123", "7700900123"),
            ("4.47700900123E11", "447700900123"),
            ("4.4770090012300000E+11", "447700900123"),
            ("447700900123.0", "447700900123"),
            ("12.5", "12.5"),
            ("0.1", "0.1"),
            ("-3", "-3"),
            ("1e300", "1e300"),
            ("n/a", "n/a"),
        ] {
            assert_eq!(numbers.text(stored, 0), text);
        }
    }

    #[test]
    fn dates_come_out_as_dates() {
        let numbers = |epoch_1904| Numbers { dates: vec![false, true], epoch_1904 };
        for (stored, text) in [("1", "1900-01-01"), ("59", "1900-02-28"), ("61", "1900-03-01"), ("46349", "2026-11-23"), ("46349.5", "2026-11-23 12:00:00"), ("0.25", "06:00:00"), ("46349.999999", "2026-11-24")] {
            assert_eq!(numbers(false).text(stored, 1), text, "{stored}");
        }
        assert_eq!(numbers(true).text("44887", 1), "2026-11-23");
        assert_eq!(numbers(false).text("46349", 0), "46349", "no date format");
        assert_eq!(numbers(false).text("99999999", 1), "99999999", "no date");
    }
}
