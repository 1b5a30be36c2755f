//! A number as somebody wrote it, down to `+` and digits, before anything is known about its country.

use crate::intake::reject::RejectReason;

/// Longer than any number with all its decoration.
pub const PHONE_LENGTH_CHARS_MAX: usize = 40;

/// Longest run of digits that may be a number: an international prefix, a country code, a zero too many.
const DIGITS_MAX: usize = 20;

/// An optional `+`, then digits; held in place because a load makes a million of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Written {
    bytes: [u8; DIGITS_MAX + 1],
    length: usize,
}

impl Written {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).expect("only ASCII goes in")
    }

    fn push(&mut self, byte: u8) -> Result<(), RejectReason> {
        *self.bytes.get_mut(self.length).ok_or(RejectReason::PhoneImpossible)? = byte;
        self.length += 1;
        Ok(())
    }
}

/// Reads the digits, refusing what a person must look at: letters, two numbers in a cell, digits that a spreadsheet lost.
pub fn read(raw: &str) -> Result<Written, RejectReason> {
    let text = undecorated(raw);
    if text.is_empty() {
        return Err(RejectReason::PhoneMissing);
    }
    if text.chars().nth(PHONE_LENGTH_CHARS_MAX).is_some() {
        return Err(RejectReason::PhoneUnreadable);
    }
    if let Some(number) = spreadsheet_number(text)? {
        return Ok(number);
    }
    let mut written = Written { bytes: [0; DIGITS_MAX + 1], length: 0 };
    let mut open = false;
    for letter in text.chars() {
        match letter {
            '+' | '＋' if written.length == 0 => written.push(b'+')?,
            '(' | '[' if !open => open = true,
            ')' | ']' if open => open = false,
            _ if is_separator(letter) => {}
            _ => written.push(digit(letter).ok_or(RejectReason::PhoneUnreadable)?)?,
        }
    }
    if open || !written.as_str().bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(RejectReason::PhoneUnreadable);
    }
    international(written, text)
}

/// Without the apostrophe that marks text in a spreadsheet, a `tel:` prefix, blanks and invisible marks around.
fn undecorated(raw: &str) -> &str {
    let text = raw.trim_matches(|letter: char| letter.is_whitespace() || is_invisible(letter));
    let text = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text);
    text.strip_prefix("tel:").or_else(|| text.strip_prefix("TEL:")).unwrap_or(text).trim()
}

/// `00` is the international prefix wherever a file may come from, and `(0)` after a country code is not dialled.
fn international(written: Written, text: &str) -> Result<Written, RejectReason> {
    let digits = written.as_str();
    let after_prefix = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00"));
    let Some(rest) = after_prefix else { return Ok(written) };
    let mut plain = Written { bytes: [0; DIGITS_MAX + 1], length: 0 };
    plain.push(b'+')?;
    // Where the optional zero stands among the digits: what was written before it, less the prefix.
    let optional_zero = text.find("(0)").map(|at| text[..at].chars().filter(|letter| digit(*letter).is_some()).count());
    let prefix_digits = if digits.starts_with('+') { 0 } else { 2 };
    for (at, byte) in rest.bytes().enumerate() {
        if optional_zero != Some(at + prefix_digits) {
            plain.push(byte)?;
        }
    }
    Ok(plain)
}

/// `4.4770090012E+11` and `447700900123.0`, as spreadsheets write numbers. The first is refused unless it shows every digit.
fn spreadsheet_number(text: &str) -> Result<Option<Written>, RejectReason> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return whole_number(text).map(|digits| plain(digits, "")).transpose();
    };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let is_number = [whole, exponent].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Ok(None);
    }
    // A digit after the point for each power of ten: nothing was rounded away, and the zeros at the end are written.
    let exact = exponent.parse() == Ok(fraction.len());
    if exact { plain(whole, fraction).map(Some) } else { Err(RejectReason::PhoneLostDigits) }
}

/// `447700900123.0`: a whole number that a program wrote as a fraction. Short ones are left to be read as separators.
fn whole_number(text: &str) -> Option<&str> {
    let (whole, fraction) = text.split_once('.')?;
    let zeros = !fraction.is_empty() && fraction.len() <= 2 && fraction.bytes().all(|byte| byte == b'0');
    (zeros && whole.len() >= 7 && whole.bytes().all(|byte| byte.is_ascii_digit())).then_some(whole)
}

fn plain(digits: &str, more: &str) -> Result<Written, RejectReason> {
    let mut written = Written { bytes: [0; DIGITS_MAX + 1], length: 0 };
    digits.bytes().chain(more.bytes()).try_for_each(|byte| written.push(byte))?;
    Ok(written)
}

fn digit(letter: char) -> Option<u8> {
    match letter {
        '0'..='9' => Some(letter as u8),
        '\u{ff10}'..='\u{ff19}' => Some((letter as u32 - 0xff10) as u8 + b'0'),
        _ => None,
    }
}

fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}') || is_invisible(letter)
}

/// Marks that phones and web pages put around a copied number.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use RejectReason as R;

    fn digits(raw: &str) -> Result<String, R> {
        read(raw).map(|written| written.as_str().to_owned())
    }

    #[test]
    fn keeps_the_digits_of_every_usual_form() {
        for (raw, expected) in [
            ("07700 900123", "07700900123"),
            ("+44 7700 900123", "+447700900123"),
            ("0044 7700 900123", "+447700900123"),
            ("+44 (0)7700 900123", "+447700900123"),
            ("0044 (0) 7700-900-123", "+447700900123"),
            ("00 44 (0)7700 900123", "+447700900123"),
            ("(07700) 900.123", "07700900123"),
            ("[07700] 900/123", "07700900123"),
            ("'07700900123", "07700900123"),
            ("\u{202a}+44 7700\u{a0}900\u{2011}123\u{202c}", "+447700900123"),
            ("tel:+447700900123", "+447700900123"),
            ("＋４４７７００９００１２３", "+447700900123"),
            ("447700900123.0", "447700900123"),
            ("4.47700900123E+11", "447700900123"),
            ("7.700900123E9", "7700900123"),
        ] {
            assert_eq!(digits(raw).as_deref(), Ok(expected), "{raw}");
        }
    }

    #[test]
    fn refuses_what_a_person_must_look_at() {
        for (raw, reason) in [
            ("", R::PhoneMissing),
            (" \u{a0}\t", R::PhoneMissing),
            ("'", R::PhoneMissing),
            ("n/a", R::PhoneUnreadable),
            ("07700 900123 ext 4", R::PhoneUnreadable),
            ("07700 900123, 07700 900124", R::PhoneUnreadable),
            ("07700 900+123", R::PhoneUnreadable),
            ("(07700 900123", R::PhoneUnreadable),
            ("+", R::PhoneUnreadable),
            ("---", R::PhoneUnreadable),
            ("07700900123 07700900124", R::PhoneImpossible),
            ("4.4770090012E+11", R::PhoneLostDigits),
            ("4,4770090012E+11", R::PhoneLostDigits),
            ("7.7E+09", R::PhoneLostDigits),
        ] {
            assert_eq!(digits(raw), Err(reason), "{raw}");
        }
    }
}
