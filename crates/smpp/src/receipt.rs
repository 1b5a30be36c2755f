//! Delivery receipts: from the optional parameters and from the text (3.4, appendix B), which carriers
//! write in many ways.

mod ids;
mod text;

pub use ids::{IdFormat, message_id_candidates};
pub use text::parse_text;

use crate::pdu::{MessageState, ShortMessage, tag};
use crate::text::TextCoding;

/// What a receipt says. Everything may be missing from one that `esm_class` marks as a receipt and whose
/// form we do not know: it is still no reply of a person's.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Receipt {
    /// The SMSC's id as written; see [`message_id_candidates`] for matching it.
    pub message_id: Option<String>,
    /// The state; `None` when the carrier wrote a word that we do not know (kept in `state_raw`).
    pub state: Option<MessageState>,
    /// The `stat:` word as written.
    pub state_raw: Option<String>,
    /// The `err:` value as written, or the network error code as `network type:code`.
    pub error: Option<String>,
    /// The `done date:` as written: `YYMMDDhhmm` or `YYMMDDhhmmss`, in the SMSC's own zone.
    pub done_at: Option<String>,
}

impl Receipt {
    /// Reads an inbound message as a receipt, or `None` when it is a person's reply. A message counts as a
    /// receipt when `esm_class` says so, when it has `receipted_message_id`, or when its text has both an
    /// id and a state in the receipt form (for carriers that forget to set `esm_class`).
    ///
    /// Where both forms are there, the parameters win.
    pub fn of(message: &ShortMessage, coding: &TextCoding) -> Option<Receipt> {
        let from_tlvs = from_tlvs(message);
        let marked = message.esm_class.is_receipt();
        if !marked
            && from_tlvs.message_id.is_none()
            && !message.content().starts_with_ignore_case(b"id:")
        {
            return None;
        }
        let content = coding.decode_message(message);
        let written = content
            .text()
            .and_then(parse_text)
            .or_else(|| from_ascii(message.content()))
            .unwrap_or_default();
        if !marked
            && from_tlvs.message_id.is_none()
            && (written.message_id.is_none() || written.state_raw.is_none())
        {
            return None;
        }
        Some(from_tlvs.or(written))
    }

    fn or(self, other: Receipt) -> Receipt {
        Receipt {
            message_id: self.message_id.or(other.message_id),
            state: self.state.or(other.state),
            state_raw: self.state_raw.or(other.state_raw),
            error: other
                .error
                .filter(|error| error.bytes().any(|digit| digit != b'0'))
                .or(self.error),
            done_at: self.done_at.or(other.done_at),
        }
    }
}

trait StartsWith {
    fn starts_with_ignore_case(&self, prefix: &[u8]) -> bool;
}

impl StartsWith for [u8] {
    fn starts_with_ignore_case(&self, prefix: &[u8]) -> bool {
        let trimmed = self.trim_ascii_start();
        trimmed.len() >= prefix.len() && trimmed[..prefix.len()].eq_ignore_ascii_case(prefix)
    }
}

/// Some carriers announce UCS-2 for a receipt and write it in ASCII all the same.
fn from_ascii(octets: &[u8]) -> Option<Receipt> {
    std::str::from_utf8(octets).ok().and_then(parse_text)
}

fn from_tlvs(message: &ShortMessage) -> Receipt {
    let id = message
        .tlvs
        .text(tag::RECEIPTED_MESSAGE_ID)
        .map(|id| id.trim().to_owned());
    Receipt {
        message_id: id.filter(|id| !id.is_empty()),
        state: message
            .tlvs
            .number(tag::MESSAGE_STATE)
            .and_then(MessageState::of),
        state_raw: None,
        error: message
            .tlvs
            .get(tag::NETWORK_ERROR_CODE)
            .and_then(network_error),
        done_at: None,
    }
}

/// Network type and code in three octets (5.3.2.31); peers also send two octets of code, or digits.
fn network_error(value: &[u8]) -> Option<String> {
    match value {
        [] => None,
        [network, high, low] if !value.iter().all(u8::is_ascii_digit) => {
            Some(format!("{network}:{}", u16::from_be_bytes([*high, *low])))
        }
        _ if value
            .iter()
            .all(|octet| octet.is_ascii_graphic() || *octet == 0) =>
        {
            let digits = value
                .iter()
                .filter(|octet| **octet != 0)
                .map(|octet| char::from(*octet))
                .collect::<String>();
            (!digits.is_empty()).then_some(digits)
        }
        _ => Some(
            value
                .iter()
                .take(8)
                .fold(0u64, |sum, &octet| sum << 8 | u64::from(octet))
                .to_string(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::EsmClass;

    fn deliver(esm_class: u8, text: &str) -> ShortMessage {
        let esm_class = EsmClass(esm_class);
        ShortMessage {
            esm_class,
            short_message: text.as_bytes().to_vec(),
            ..ShortMessage::default()
        }
    }

    #[test]
    fn parameters_win_over_text() {
        let mut message = deliver(
            4,
            "id:123 sub:001 dlvrd:001 done date:2611232144 stat:ENROUTE err:000 text:",
        );
        message.tlvs.push(tag::RECEIPTED_MESSAGE_ID, *b"ABC");
        message.tlvs.push(tag::MESSAGE_STATE, [0, 2]);
        message.tlvs.push(tag::NETWORK_ERROR_CODE, [3, 1, 4]);
        let receipt = Receipt::of(&message, &TextCoding::GSM).expect("a receipt");
        assert_eq!(receipt.message_id.as_deref(), Some("ABC"));
        assert_eq!(receipt.state, Some(MessageState::Delivered));
        assert_eq!(receipt.error.as_deref(), Some("3:260"));
        assert_eq!(receipt.done_at.as_deref(), Some("2611232144"));
    }

    #[test]
    fn an_unmarked_receipt_is_known_by_its_text_and_a_reply_is_not_one() {
        let receipt = deliver(
            0,
            "id:77 sub:001 dlvrd:001 submit date:2611 done date:2612 stat:DELIVRD err:000 text:Hi",
        );
        assert!(Receipt::of(&receipt, &TextCoding::GSM).is_some());
        assert_eq!(Receipt::of(&deliver(0, "STOP"), &TextCoding::GSM), None);
        assert_eq!(
            Receipt::of(&deliver(0, "id: I want to stat: my case"), &TextCoding::GSM)
                .and_then(|r| r.state),
            None
        );
    }

    #[test]
    fn a_marked_receipt_that_cannot_be_read_is_still_no_reply() {
        assert_eq!(
            Receipt::of(&deliver(4, "STOP delivered"), &TextCoding::GSM),
            Some(Receipt::default())
        );
    }

    #[test]
    fn odd_network_errors_are_kept() {
        assert_eq!(network_error(&[0x01, 0x0B]).as_deref(), Some("267"));
        assert_eq!(network_error(b"011").as_deref(), Some("011"));
        assert_eq!(network_error(&[]), None);
    }
}
