//! Who a message says it is from, and what the operators of the United Kingdom accept there (UK-35).

use crate::word::words;

words! {
    pub enum SenderKind {
        /// A brand, such as `NorthBank`. Nobody can reply to it.
        Name = "name",
        ShortCode = "short_code",
        /// A full number with its country code.
        Number = "number",
    }
}

/// A sender that has been checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sender {
    value: String,
    kind: SenderKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SenderError {
    #[error("a sender is a brand of 3 to 11 characters, a short code, or a number such as +447700900123")]
    Empty,
    #[error("a sender name has 3 to 11 characters: this one has {0}")]
    Length(usize),
    #[error("a sender name has letters, digits, - and _ only: take out {0:?}")]
    Character(char),
    #[error("a sender name has at least one letter; a number begins with + and its country code")]
    NoLetter,
    #[error("{0:?} names nobody: operators block general names, so use your brand")]
    General(String),
    #[error("a short code has five digits and begins with 6, 7 or 8")]
    ShortCode,
    #[error("a number begins with + and its country code, and has 8 to 15 digits")]
    Number,
    #[error("numbers that cost a premium or are personal (+449, +4470, +4484, +4487) cannot be senders")]
    Premium,
    #[error("operators in the United Kingdom block senders with a foreign number: use a +44 number, a short code or a brand")]
    Foreign,
}

/// Names that could be anybody's, compared without case, digits, - and _.
const GENERAL: &[&str] = &[
    "sms", "text", "txt", "message", "msg", "info", "infosms", "smsinfo", "alert", "alerts", "notice", "notify", "notification", "verify", "verification", "code", "otp",
    "auth", "security", "secure", "service", "services", "support", "help", "helpdesk", "customer", "customercare", "admin", "system", "test", "testing", "unknown",
    "private", "anonymous", "noreply", "reply", "update", "updates", "reminder", "payment", "payments", "bank", "banking", "loan", "loans", "debt", "offer", "offers",
    "sale", "deal", "deals", "promo", "win", "winner", "free", "mobile", "phone", "delivery", "parcel", "courier", "government", "gov", "police", "court", "emergency",
];

impl Sender {
    /// Checks a sender as it is typed. What is allowed toward a country is `check_toward`'s to say.
    pub fn parse(text: &str) -> Result<Self, SenderError> {
        let text = text.trim();
        let kind = match text.as_bytes() {
            [] => return Err(SenderError::Empty),
            [b'+', digits @ ..] => number(digits)?,
            all if all.iter().all(u8::is_ascii_digit) => short_code(all)?,
            _ => name(text)?,
        };
        Ok(Self { value: text.to_owned(), kind })
    }

    /// Whether the operators of a region carry it.
    pub fn check_toward(&self, region: &str) -> Result<(), SenderError> {
        match self.kind {
            SenderKind::Number if matches!(region, "GB" | "GG" | "JE" | "IM") && !self.value.starts_with("+44") => Err(SenderError::Foreign),
            _ => Ok(()),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.value
    }

    #[must_use]
    pub fn kind(&self) -> SenderKind {
        self.kind
    }

    /// A reply can reach us, if the number or code is routed back.
    #[must_use]
    pub fn can_take_replies(&self) -> bool {
        self.kind != SenderKind::Name
    }
}

fn number(digits: &[u8]) -> Result<SenderKind, SenderError> {
    let good = (8..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) && digits[0] != b'0';
    if !good {
        return Err(SenderError::Number);
    }
    let premium: [&[u8]; 4] = [b"449", b"4470", b"4484", b"4487"];
    if premium.iter().any(|prefix| digits.starts_with(prefix)) { Err(SenderError::Premium) } else { Ok(SenderKind::Number) }
}

fn short_code(digits: &[u8]) -> Result<SenderKind, SenderError> {
    if digits.len() == 5 && matches!(digits[0], b'6'..=b'8') { Ok(SenderKind::ShortCode) } else { Err(SenderError::ShortCode) }
}

fn name(text: &str) -> Result<SenderKind, SenderError> {
    if let Some(wrong) = text.chars().find(|letter| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))) {
        return Err(SenderError::Character(wrong));
    }
    if !(3..=11).contains(&text.len()) {
        return Err(SenderError::Length(text.len()));
    }
    let letters: String = text.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    if letters.is_empty() {
        return Err(SenderError::NoLetter);
    }
    if GENERAL.contains(&letters.as_str()) { Err(SenderError::General(text.to_owned())) } else { Ok(SenderKind::Name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_brands_short_codes_and_numbers() {
        for (text, kind) in [("NorthBank", SenderKind::Name), ("A-1_b", SenderKind::Name), ("Loans4You", SenderKind::Name), ("66777", SenderKind::ShortCode), (" +447700900123 ", SenderKind::Number)] {
            let sender = Sender::parse(text).expect(text);
            assert_eq!((sender.kind(), sender.as_str(), sender.can_take_replies()), (kind, text.trim(), kind != SenderKind::Name));
        }
    }

    #[test]
    fn refuses_with_what_to_do() {
        let cases = [
            ("", SenderError::Empty), ("AB", SenderError::Length(2)), ("TwelveLetter", SenderError::Length(12)), ("North Bank", SenderError::Character(' ')),
            ("Café-1", SenderError::Character('é')), ("O2&Co", SenderError::Character('&')), ("123-45", SenderError::NoLetter), ("InfoSMS", SenderError::General("InfoSMS".into())),
            ("ALERT-24", SenderError::General("ALERT-24".into())), ("59999", SenderError::ShortCode), ("667778", SenderError::ShortCode), ("07700900123", SenderError::ShortCode),
            ("+44", SenderError::Number), ("+0447700900123", SenderError::Number), ("+44 7700 900123", SenderError::Number), ("+449098790000", SenderError::Premium), ("+447012345678", SenderError::Premium),
        ];
        for (text, error) in cases {
            assert_eq!(Sender::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_foreign_number_is_blocked_toward_the_united_kingdom() {
        let foreign = Sender::parse("+12025550123").expect("a number");
        assert_eq!(foreign.check_toward("GB"), Err(SenderError::Foreign));
        assert_eq!(foreign.check_toward("US"), Ok(()));
        assert_eq!(Sender::parse("NorthBank").expect("a name").check_toward("GB"), Ok(()));
    }
}
