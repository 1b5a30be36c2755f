//! The carrier's raw code, and the one table that says what it means: our word, whether to retry, whose fault, what the user reads.

use std::fmt;

use crate::outcomes::call_cause;
use crate::outcomes::call_end::CallEnd;
use crate::outcomes::disposition::Disposition;
use crate::outcomes::receipt::ReceiptState;
use crate::word::words;

words! {
    /// What to do after this cause. Whether there is another attempt at all is the campaign's retry rule.
    pub enum RetryAdvice {
        /// The same would happen again.
        Never = "never",
        /// The carrier asks for less speed: keep the message, slow down, submit again. Not an outcome.
        SlowDown = "slow_down",
        /// This trunk cannot; another one may.
        OtherTrunk = "other_trunk",
        /// The person may be reachable later.
        Later = "later",
    }
}

words! {
    pub enum Fault {
        Nobody = "nobody",
        /// The number or the handset.
        Number = "number",
        /// The text or the sender.
        Message = "message",
        Carrier = "carrier",
        /// Our configuration or our code.
        Ours = "ours",
    }
}

/// A carrier's own error code from a receipt: up to six ASCII letters or digits, empty when there is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ErrorCode([u8; 6]);

/// The raw reason for which an attempt ended as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// `command_status` of a submit response.
    Smpp(u32),
    /// Status of an HTTP provider's answer to a submission.
    Http(u16),
    /// The carrier refused the submission since the person has opted out with it: by its trunk's list of such codes.
    OptedOut(ErrorCode),
    /// A receipt. The error code means what its carrier says it means, unless it is a GSM one (`ErrorCode::gsm`).
    Receipt { state: ReceiptState, error: ErrorCode },
    /// Every trunk that could have taken it is down, or none is configured for it.
    NoRoute,
    /// It went to the wire and the answer never came.
    AnswerLost,
    /// Some parts of a long message were taken, and the others never will be.
    Torn,
    /// The final status of an INVITE, with the Q.850 cause of its Reason header, 0 when there was none.
    Sip { status: u16, reason: u8 },
    /// The Q.850 cause with which the far end cleared a call.
    Q850(u8),
    /// What our own switch says of a call.
    Call(CallEnd),
}

/// What a cause means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub disposition: Disposition,
    pub retry: RetryAdvice,
    pub fault: Fault,
    /// For the user: a full sentence.
    pub text: &'static str,
}

/// A stored cause that does not read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a cause: it looks like smpp:0x00000058, http:503, opted_out:21610, receipt:undeliverable:001, sip:486, sip:503:34, q850:17, call:rang_out, no_route, answer_lost or torn")]
pub struct MalformedCause;

impl ErrorCode {
    pub const NONE: Self = Self([0; 6]);

    /// Keeps the first six letters and digits; `000` and blanks are no error.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut code = [0u8; 6];
        let kept = text.bytes().filter(u8::is_ascii_alphanumeric);
        code.iter_mut().zip(kept).for_each(|(place, byte)| *place = byte.to_ascii_lowercase());
        if code.iter().all(|byte| matches!(byte, 0 | b'0')) { Self::NONE } else { Self(code) }
    }

    /// The `network_error_code` parameter when its network type is GSM (3): a MAP error of 3GPP TS 29.002.
    #[must_use]
    pub fn gsm(code: u16) -> Self {
        Self::new(&format!("gsm{:03}", code.min(999)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }

    fn bits(self) -> i64 {
        self.0.iter().fold(0, |bits, byte| bits << 8 | i64::from(*byte))
    }

    fn from_bits(bits: i64) -> Option<Self> {
        let mut code = [0u8; 6];
        code.copy_from_slice(&bits.to_be_bytes()[2..]);
        let length = code.iter().position(|byte| *byte == 0).unwrap_or(code.len());
        let clean = code[..length].iter().all(u8::is_ascii_alphanumeric) && code[length..].iter().all(|byte| *byte == 0);
        clean.then_some(Self(code))
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const KIND_SHIFT: u32 = 60;
const STATE_SHIFT: u32 = 56;
const REASON_SHIFT: u32 = 16;
const REST: i64 = (1 << 48) - 1;

impl Cause {
    /// A number for the store's columns and keys; `from_code` reads it back.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::NoRoute => 1,
            Self::AnswerLost => 2,
            Self::Torn => 3,
            Self::Smpp(status) => 1 << KIND_SHIFT | i64::from(status),
            Self::Http(status) => 2 << KIND_SHIFT | i64::from(status),
            Self::Receipt { state, error } => 3 << KIND_SHIFT | (state as i64) << STATE_SHIFT | error.bits(),
            Self::Sip { status, reason } => 4 << KIND_SHIFT | i64::from(reason) << REASON_SHIFT | i64::from(status),
            Self::Q850(cause) => 5 << KIND_SHIFT | i64::from(cause),
            Self::Call(end) => 6 << KIND_SHIFT | end as i64,
            Self::OptedOut(error) => 7 << KIND_SHIFT | error.bits(),
        }
    }

    pub fn from_code(code: i64) -> Result<Self, MalformedCause> {
        let cause = match (code >> KIND_SHIFT, code) {
            (0, 1) => Self::NoRoute,
            (0, 2) => Self::AnswerLost,
            (0, 3) => Self::Torn,
            (1, _) => Self::Smpp(u32::try_from(code & ((1 << KIND_SHIFT) - 1)).map_err(|_| MalformedCause)?),
            (2, _) => Self::Http(u16::try_from(code & ((1 << KIND_SHIFT) - 1)).map_err(|_| MalformedCause)?),
            (3, _) => {
                let state = usize::try_from(code >> STATE_SHIFT & 15).ok().and_then(|index| ReceiptState::ALL.get(index)).ok_or(MalformedCause)?;
                Self::Receipt { state: *state, error: ErrorCode::from_bits(code & REST).ok_or(MalformedCause)? }
            }
            (4, _) => Self::Sip { status: (code & 0xffff) as u16, reason: (code >> REASON_SHIFT & 0xff) as u8 },
            (5, _) => Self::Q850((code & 0xff) as u8),
            (6, _) => Self::Call(usize::try_from(code & REST).ok().and_then(|index| CallEnd::ALL.get(index).copied()).ok_or(MalformedCause)?),
            (7, _) => Self::OptedOut(ErrorCode::from_bits(code & REST).ok_or(MalformedCause)?),
            _ => return Err(MalformedCause),
        };
        if cause.code() == code { Ok(cause) } else { Err(MalformedCause) }
    }

    /// The answer to the submission itself, not a later receipt.
    #[must_use]
    pub fn is_of_the_submission(self) -> bool {
        matches!(self, Self::Smpp(_) | Self::Http(_) | Self::OptedOut(_) | Self::NoRoute)
    }

    /// The carrier says that the person has opted out with it.
    #[must_use]
    pub fn is_opt_out(self) -> bool {
        matches!(self, Self::OptedOut(_) | Self::Receipt { state: ReceiptState::OptedOut, .. })
    }

    /// What this cause means, from the tables below.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Smpp(status) => smpp(status),
            Self::Http(status) => http(status),
            Self::OptedOut(_) => OPTED_OUT,
            Self::Receipt { state, error } => gsm(state, error).unwrap_or_else(|| receipt(state)),
            Self::NoRoute => NO_ROUTE,
            Self::AnswerLost => ANSWER_LOST,
            Self::Torn => TORN,
            Self::Sip { status, reason } => call_cause::sip_with_reason(status, reason),
            Self::Q850(cause) => call_cause::q850(cause),
            Self::Call(end) => end.verdict(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smpp(status) => write!(f, "smpp:0x{status:08x}"),
            Self::Http(status) => write!(f, "http:{status}"),
            Self::OptedOut(ErrorCode::NONE) => f.write_str("opted_out"),
            Self::OptedOut(error) => write!(f, "opted_out:{}", error.as_str()),
            Self::Receipt { state, error } if *error == ErrorCode::NONE => write!(f, "receipt:{state}"),
            Self::Receipt { state, error } => write!(f, "receipt:{state}:{}", error.as_str()),
            Self::NoRoute => f.write_str("no_route"),
            Self::AnswerLost => f.write_str("answer_lost"),
            Self::Torn => f.write_str("torn"),
            Self::Sip { status, reason: 0 } => write!(f, "sip:{status}"),
            Self::Sip { status, reason } => write!(f, "sip:{status}:{reason}"),
            Self::Q850(cause) => write!(f, "q850:{cause}"),
            Self::Call(end) => write!(f, "call:{end}"),
        }
    }
}

impl std::str::FromStr for Cause {
    type Err = MalformedCause;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = |_| MalformedCause;
        let mut parts = text.splitn(3, ':');
        match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
            ("no_route", None, None) => Ok(Self::NoRoute),
            ("answer_lost", None, None) => Ok(Self::AnswerLost),
            ("torn", None, None) => Ok(Self::Torn),
            ("smpp", Some(status), None) => {
                let digits = status.strip_prefix("0x").ok_or(MalformedCause)?;
                u32::from_str_radix(digits, 16).map(Self::Smpp).map_err(|_| MalformedCause)
            }
            ("http", Some(status), None) => status.parse().map(Self::Http).map_err(|_| MalformedCause),
            ("opted_out", error, None) => Ok(Self::OptedOut(error.map_or(ErrorCode::NONE, ErrorCode::new))),
            ("receipt", Some(state), error) => {
                Ok(Self::Receipt { state: state.parse().map_err(malformed)?, error: error.map_or(ErrorCode::NONE, ErrorCode::new) })
            }
            ("sip", Some(status), reason) => Ok(Self::Sip {
                status: status.parse().map_err(|_| MalformedCause)?,
                reason: reason.map_or(Ok(0), str::parse).map_err(|_| MalformedCause)?,
            }),
            ("q850", Some(cause), None) => cause.parse().map(Self::Q850).map_err(|_| MalformedCause),
            ("call", Some(end), None) => end.parse().map(Self::Call).map_err(malformed),
            _ => Err(MalformedCause),
        }
    }
}

pub(super) const fn means(disposition: Disposition, retry: RetryAdvice, fault: Fault, text: &'static str) -> Verdict {
    Verdict { disposition, retry, fault, text }
}

use Disposition as D;
use Fault as F;
use RetryAdvice as R;

const NO_ROUTE: Verdict = means(D::NoRoute, R::Later, F::Ours, "No trunk that may carry this message is up.");
const ANSWER_LOST: Verdict =
    means(D::Unknown, R::Never, F::Carrier, "The connection ended before the carrier answered: it may or may not have been sent, so it is not sent again.");
const TORN: Verdict = means(D::Undeliverable, R::Never, F::Carrier, "The carrier took some parts of the message and not the others: the person may have a piece of it, so it is not sent again.");

const OPTED_OUT: Verdict = means(D::Blocked, R::Never, F::Number, "The person has opted out with the carrier: their number went on the suppression list.");

/// `command_status` of SMPP 3.4 table 5-2 and SMPP 5.0 table 4-45.
fn smpp(status: u32) -> Verdict {
    match status {
        0x00 => means(D::Accepted, R::Never, F::Nobody, "The carrier took the message."),
        0x01..=0x03 => means(D::Rejected, R::Never, F::Ours, "The carrier could not read what we sent."),
        0x04 | 0x05 | 0x0d | 0x0e | 0x0f => means(D::Rejected, R::OtherTrunk, F::Ours, "The trunk is not signed in to the carrier as it should be."),
        0x06 | 0x07 | 0x42 | 0x43 => means(D::Rejected, R::Never, F::Ours, "The carrier does not allow this kind of message on this trunk."),
        0x08 => means(D::Rejected, R::OtherTrunk, F::Carrier, "The carrier had a fault of its own."),
        0x0a | 0x48 | 0x49 => means(D::Rejected, R::Never, F::Message, "The carrier refuses this sender."),
        0x0b | 0x50 | 0x51 => means(D::InvalidNumber, R::Never, F::Number, "The carrier says that this is not a number it can reach."),
        0x0c => means(D::Rejected, R::Never, F::Ours, "The carrier says that this message's identifier is wrong."),
        0x14 => means(D::Rejected, R::SlowDown, F::Carrier, "The carrier's queue is full."),
        0x45 => means(D::Rejected, R::OtherTrunk, F::Carrier, "The carrier could not take the message."),
        0x58 => means(D::Rejected, R::SlowDown, F::Carrier, "The carrier asks us to send more slowly."),
        0x61 | 0x62 => means(D::Rejected, R::Never, F::Ours, "The carrier refuses the delivery time or the validity of the message."),
        0x64 | 0xfe => means(D::Rejected, R::Later, F::Carrier, "The carrier could not take the message now."),
        0x65 => means(D::Rejected, R::Never, F::Carrier, "The carrier refuses this message for good."),
        0x66 => means(D::Blocked, R::Never, F::Message, "The carrier blocks this message."),
        0x100 => means(D::Rejected, R::OtherTrunk, F::Ours, "The account with the carrier may not send this."),
        0x101 => means(D::Blocked, R::Never, F::Message, "The carrier blocks this sender or this number."),
        0x33 | 0x34 | 0x40 | 0x44 | 0x53 | 0x54 | 0x55 | 0x63 | 0x67 => {
            means(D::Rejected, R::Never, F::Ours, "The carrier refuses a setting of this message.")
        }
        0xc0..=0xc4 => means(D::Rejected, R::Never, F::Ours, "The carrier does not accept an optional part of this message."),
        0x400..=0x4ff => means(D::Rejected, R::Never, F::Carrier, "The carrier refused the message with a code of its own."),
        _ => means(D::Rejected, R::Never, F::Carrier, "The carrier refused the message with a code that is not in the standard."),
    }
}

/// An HTTP provider's answer to a submission. A 5xx may hide a message that was taken, but a refusal is what it says.
fn http(status: u16) -> Verdict {
    match status {
        200..=299 => means(D::Accepted, R::Never, F::Nobody, "The provider took the message."),
        400 | 405..=407 | 411..=422 => means(D::Rejected, R::Never, F::Ours, "The provider could not read what we sent."),
        401 | 403 => means(D::Rejected, R::OtherTrunk, F::Ours, "The provider does not accept our credentials."),
        402 => means(D::Rejected, R::OtherTrunk, F::Ours, "The account with the provider has no credit."),
        404 | 410 => means(D::Rejected, R::OtherTrunk, F::Ours, "The provider's address in the trunk's settings is wrong."),
        408 => means(D::Rejected, R::OtherTrunk, F::Carrier, "The provider gave up waiting for our request."),
        429 => means(D::Rejected, R::SlowDown, F::Carrier, "The provider asks us to send more slowly."),
        451 => means(D::Blocked, R::Never, F::Message, "The provider blocks this message for a legal reason."),
        503 => means(D::Rejected, R::SlowDown, F::Carrier, "The provider is too busy to take messages."),
        500..=599 => means(D::Unknown, R::Never, F::Carrier, "The provider failed while it was taking the message: it may or may not have been sent."),
        _ => means(D::Rejected, R::Never, F::Carrier, "The provider answered with a status that is not in the standard."),
    }
}

/// A receipt's state alone.
fn receipt(state: ReceiptState) -> Verdict {
    match state {
        ReceiptState::Scheduled | ReceiptState::Enroute | ReceiptState::Accepted => means(D::Accepted, R::Never, F::Nobody, "The carrier is still trying."),
        ReceiptState::Delivered => means(D::Delivered, R::Never, F::Nobody, "Delivered."),
        ReceiptState::Expired => means(D::Expired, R::Later, F::Number, "The carrier tried until the message expired: the handset was off or out of reach."),
        ReceiptState::Deleted => means(D::Undeliverable, R::Never, F::Carrier, "The carrier deleted the message."),
        ReceiptState::Undeliverable => means(D::Undeliverable, R::Later, F::Number, "The carrier could not deliver the message."),
        ReceiptState::Unknown => means(D::Unknown, R::Never, F::Carrier, "The carrier does not know what became of the message."),
        ReceiptState::Rejected => means(D::Blocked, R::Never, F::Message, "The carrier took the message and then refused to deliver it."),
        ReceiptState::Skipped => means(D::Undeliverable, R::Never, F::Carrier, "The carrier skipped the message."),
        ReceiptState::OptedOut => OPTED_OUT,
    }
}

/// A MAP error tells more than the state of a message that was not delivered.
fn gsm(state: ReceiptState, error: ErrorCode) -> Option<Verdict> {
    if !matches!(state, ReceiptState::Undeliverable | ReceiptState::Expired | ReceiptState::Rejected) {
        return None;
    }
    let code: u16 = error.as_str().strip_prefix("gsm")?.parse().ok()?;
    Some(match code {
        1 | 5 => means(D::InvalidNumber, R::Never, F::Number, "The network knows no such number."),
        9 | 12 => means(D::Undeliverable, R::Never, F::Number, "The network does not serve this handset."),
        11 | 21 => means(D::Undeliverable, R::Never, F::Number, "This line cannot receive text messages."),
        13 => means(D::Blocked, R::Never, F::Number, "This line bars text messages."),
        6 | 27 => means(D::Expired, R::Later, F::Number, "The handset was off or out of reach."),
        31 => means(D::Undeliverable, R::Later, F::Number, "The handset was busy with another message."),
        32 => means(D::Undeliverable, R::Later, F::Number, "The handset refused the message, often because its memory is full."),
        34..=36 => means(D::Undeliverable, R::Later, F::Carrier, "The network had a fault of its own."),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
