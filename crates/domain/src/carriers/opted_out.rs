//! Which of a carrier's codes say that the person has opted out with it. No standard has one: each carrier has its own.

use crate::outcomes::cause::{Cause, ErrorCode};
use crate::outcomes::receipt::{Receipt, ReceiptState};

/// Codes of one trunk at most.
pub const CODES_MAX: usize = 50;

/// A receipt's code is kept to so many.
const ERROR_CHARS_MAX: usize = 6;
const WORD_CHARS_MAX: usize = 40;

/// The codes of a trunk, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptedOutCodes {
    /// `command_status` of a submit response.
    statuses: Vec<u32>,
    /// Of receipts.
    errors: Vec<ErrorCode>,
    /// Of answers over HTTP.
    words: Vec<String>,
}

fn status_of(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok().filter(|status| *status != 0)
}

fn error_of(text: &str) -> Option<ErrorCode> {
    let plain = text.len() <= ERROR_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| ErrorCode::new(text)).filter(|error| *error != ErrorCode::NONE)
}

fn is_word(text: &str) -> bool {
    let tells = text.bytes().any(|byte| byte.is_ascii_alphanumeric() && byte != b'0');
    tells && text.len() <= WORD_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether each is a status or a receipt's code.
pub(super) fn are_of_smpp(codes: &[String]) -> bool {
    codes.len() <= CODES_MAX && codes.iter().all(|code| if code.starts_with("0x") { status_of(code).is_some() } else { error_of(code).is_some() })
}

pub(super) fn are_of_http(codes: &[String]) -> bool {
    codes.len() <= CODES_MAX && codes.iter().all(|code| is_word(code))
}

impl OptedOutCodes {
    /// As the operator wrote them.
    #[must_use]
    pub fn of(codes: &[String]) -> Self {
        Self {
            statuses: codes.iter().filter_map(|code| status_of(code)).collect(),
            errors: codes.iter().filter_map(|code| error_of(code)).collect(),
            words: codes.iter().map(|code| code.to_ascii_lowercase()).collect(),
        }
    }

    /// What a refused submission means: the opt-out, when its status is one of these.
    #[must_use]
    pub fn cause_of(&self, status: u32) -> Cause {
        if self.statuses.contains(&status) { Cause::OptedOut(ErrorCode::new(&format!("{status:#x}"))) } else { Cause::Smpp(status) }
    }

    /// The opt-out that an error code of an answer tells.
    #[must_use]
    pub fn refusal(&self, error: &str) -> Option<Cause> {
        self.words.iter().any(|word| word.eq_ignore_ascii_case(error)).then(|| Cause::OptedOut(ErrorCode::new(error)))
    }

    /// What a receipt means. One that tells of an opt-out and of a delivery tells of a delivery.
    #[must_use]
    pub fn read_receipt(&self, receipt: Receipt) -> Receipt {
        let failed = !receipt.state.is_intermediate() && receipt.state != ReceiptState::Delivered;
        if failed && self.errors.contains(&receipt.error) { Receipt { state: ReceiptState::OptedOut, ..receipt } } else { receipt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn written(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|code| (*code).to_owned()).collect()
    }

    #[test]
    fn statuses_codes_and_words_are_told_apart_and_nothing_else_is_read() {
        assert!(are_of_smpp(&written(&["0x00000424", "40300", "U12"])) && are_of_smpp(&[]) && are_of_http(&[]));
        for odd in ["", "0", "000", "0x", "0x0", "1234567", "4 3", "0x1_", "42é"] {
            assert!(!are_of_smpp(&written(&[odd])), "{odd:?}");
        }
        assert!(are_of_http(&written(&["21610", "opted_out", "1234567"])));
        for odd in ["", "0", "opted out", "42é", "x".repeat(WORD_CHARS_MAX + 1).as_str()] {
            assert!(!are_of_http(&written(&[odd])), "{odd:?}");
        }
        let many = vec!["7".to_owned(); CODES_MAX + 1];
        assert!(!are_of_smpp(&many) && !are_of_http(&many));
    }

    #[test]
    fn a_code_of_the_trunk_makes_the_refusal_an_opt_out() {
        let codes = OptedOutCodes::of(&written(&["0x00000424", "40300"]));
        assert_eq!(codes.cause_of(0x424).to_string(), "opted_out:0x424");
        assert_eq!([codes.cause_of(0x425), OptedOutCodes::default().cause_of(0x424)], [Cause::Smpp(0x425), Cause::Smpp(0x424)]);
        let codes = OptedOutCodes::of(&written(&["40300", "opted_out"]));
        let told = ["40300", "OPTED_OUT", "opted_out_of_nothing", "40301", ""].map(|error| codes.refusal(error).map(|cause| cause.to_string()));
        assert_eq!(told, [Some("opted_out:40300".to_owned()), Some("opted_out:optedo".to_owned()), None, None, None]);
    }

    #[test]
    fn a_receipt_of_a_failure_with_such_a_code_is_an_opt_out() {
        let codes = OptedOutCodes::of(&written(&["40300"]));
        let receipt = |state, error: &str| Receipt { state, error: ErrorCode::new(error), at: Instant(0) };
        let cases = [
            (ReceiptState::Undeliverable, "40300", ReceiptState::OptedOut),
            (ReceiptState::Rejected, "40300", ReceiptState::OptedOut),
            (ReceiptState::Undeliverable, "40301", ReceiptState::Undeliverable),
            (ReceiptState::Undeliverable, "000", ReceiptState::Undeliverable),
            (ReceiptState::Delivered, "40300", ReceiptState::Delivered),
            (ReceiptState::Enroute, "40300", ReceiptState::Enroute),
        ];
        for (state, error, meant) in cases {
            assert_eq!(codes.read_receipt(receipt(state, error)), receipt(meant, error), "{state} {error}");
        }
    }
}
