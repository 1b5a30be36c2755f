//! A number in its international form, printed masked like all personal data.

use std::fmt;
use std::str::FromStr;

/// `+`, then at most 15 digits (ITU-T E.164).
const LENGTH_MAX: usize = 16;

/// A number as `+447700900123`: no allocation, ordered by its text. `Debug` and `Display` show the last four digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct E164 {
    bytes: [u8; LENGTH_MAX],
    length: u8,
}

/// Text that is not a number in its international form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an international number: write a plus sign, the country code and the number, at most 15 digits in all")]
pub struct MalformedE164;

impl E164 {
    /// From the country code and the national number, both digits only.
    pub(crate) fn from_parts(country_code: u16, national: &str) -> Result<Self, MalformedE164> {
        format!("+{country_code}{national}").parse()
    }

    /// The whole number, for the wire, the blind index and the person's own export.
    #[must_use]
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("only ASCII digits go in")
    }

    /// The digits without the plus sign.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.reveal()[1..]
    }
}

impl FromStr for E164 {
    type Err = MalformedE164;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').ok_or(MalformedE164)?.as_bytes();
        let well_formed = (5..LENGTH_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) && digits[0] != b'0';
        if !well_formed {
            return Err(MalformedE164);
        }
        let mut bytes = [0; LENGTH_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length: text.len() as u8 })
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.reveal();
        f.pad(&format!("…{}", &text[text.len() - 4..]))
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_reveals_and_prints_masked() {
        let number: E164 = "+447700900123".parse().unwrap();
        assert_eq!((number.reveal(), number.digits()), ("+447700900123", "447700900123"));
        assert_eq!(format!("{number} {number:?} {:?}", Some(number)), "…0123 …0123 Some(…0123)");
    }

    #[test]
    fn refuses_what_is_not_international() {
        for text in ["", "+", "447700900123", "+0447700900123", "+44 7700900123", "+1234567890123456", "+44770090012x", "+४४७७००९००१२३"] {
            assert_eq!(text.parse::<E164>(), Err(MalformedE164), "{}", text.len());
        }
        assert!("+123456789012345".parse::<E164>().is_ok(), "15 digits are allowed");
    }
}
