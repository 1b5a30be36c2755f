//! Cutting a text into parts that fit into one SMS each.
//!
//! A single part holds 160 septets or 70 UTF-16 units; a part of several holds 153 or 67 (with a 16-bit
//! reference 152 or 66, whose header is one octet longer). An escape and its septet, or the two halves of
//! a surrogate pair, are never in different parts.

use super::coding::{Encoded, GsmText, TextCoding};
use super::gsm::{ESCAPE, Septets, of_char};
use crate::pdu::{EsmClass, ShortMessage, tag};

/// How a trunk wants a text of more than one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum LongMessage {
    /// A user data header with an 8-bit reference: what nearly every carrier takes.
    #[default]
    Udh8,
    /// A user data header with a 16-bit reference.
    Udh16,
    /// The `sar_*` parameters; the SMSC makes the header.
    SarTlvs,
    /// One PDU with `message_payload`; the SMSC cuts it.
    MessagePayload,
}

/// A text of more parts than the `u8` that counts them can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text needs {segments} segments, and a message can have at most {SEGMENTS_MAX}")]
pub struct SegmentError {
    /// How many it would take.
    pub segments: usize,
}

/// The most parts that a message may have.
pub const SEGMENTS_MAX: usize = 255;

/// A text, ready to be put into PDUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentedMessage {
    /// For every PDU's `data_coding`.
    pub data_coding: u8,
    /// What the carrier charges for and what counts against the rate.
    pub segments: usize,
    /// One PDU's octets each, header included. With `message_payload` there is only one.
    pub parts: Vec<Vec<u8>>,
    form: LongMessage,
    reference: u16,
}

impl SegmentedMessage {
    /// Puts part `index` (from 0) into a message that has its addresses and flags already.
    pub fn apply(&self, index: usize, message: &mut ShortMessage) {
        let Some(part) = self.parts.get(index) else {
            return;
        };
        message.data_coding = self.data_coding;
        if self.segments == 1 {
            message.short_message.clone_from(part);
            return;
        }
        match self.form {
            LongMessage::Udh8 | LongMessage::Udh16 => {
                message.esm_class = EsmClass(message.esm_class.0 | EsmClass::UDHI);
                message.short_message.clone_from(part);
            }
            LongMessage::SarTlvs => {
                message.short_message.clone_from(part);
                message
                    .tlvs
                    .push(tag::SAR_MSG_REF_NUM, self.reference.to_be_bytes());
                message
                    .tlvs
                    .push(tag::SAR_TOTAL_SEGMENTS, [octet(self.parts.len())]);
                message
                    .tlvs
                    .push(tag::SAR_SEGMENT_SEQNUM, [octet(index + 1)]);
            }
            LongMessage::MessagePayload => {
                message.short_message.clear();
                message.tlvs.push(tag::MESSAGE_PAYLOAD, part.as_slice());
            }
        }
    }
}

fn octet(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

/// Encodes `text` for a trunk and cuts it. `reference` ties the parts together; take a different one for
/// each message to the same number (its low octet is used with [`LongMessage::Udh8`]).
pub fn segment(
    text: &str,
    coding: &TextCoding,
    form: LongMessage,
    reference: u16,
) -> Result<SegmentedMessage, SegmentError> {
    let encoded = coding.encode(text);
    let data_coding = encoded.data_coding;
    let single_max = if encoded.ucs2 { 70 } else { 160 };
    if encoded.units <= single_max {
        return Ok(SegmentedMessage {
            data_coding,
            segments: 1,
            parts: vec![encoded.octets],
            form,
            reference,
        });
    }
    let header_loss = usize::from(form == LongMessage::Udh16);
    let units_max = if encoded.ucs2 { 67 } else { 153 } - header_loss;
    let chunks = cut(&encoded, coding.gsm_text, units_max);
    let segments = chunks.len();
    if segments > SEGMENTS_MAX {
        return Err(SegmentError { segments });
    }
    let parts = match form {
        LongMessage::MessagePayload => vec![encoded.octets],
        _ => chunks
            .iter()
            .enumerate()
            .map(|(at, chunk)| with_header(form, reference, segments, at + 1, chunk))
            .collect(),
    };
    Ok(SegmentedMessage {
        data_coding,
        segments,
        parts,
        form,
        reference,
    })
}

fn with_header(
    form: LongMessage,
    reference: u16,
    total: usize,
    number: usize,
    chunk: &[u8],
) -> Vec<u8> {
    let [high, low] = reference.to_be_bytes();
    let (total, number) = (octet(total), octet(number));
    let mut part = match form {
        LongMessage::Udh8 => vec![5, 0x00, 3, low, total, number],
        LongMessage::Udh16 => vec![6, 0x08, 4, high, low, total, number],
        LongMessage::SarTlvs | LongMessage::MessagePayload => Vec::with_capacity(chunk.len()),
    };
    part.extend_from_slice(chunk);
    part
}

fn cut(encoded: &Encoded, form: GsmText, units_max: usize) -> Vec<&[u8]> {
    let mut chunks = Vec::with_capacity(encoded.units / units_max + 1);
    let (mut start, mut at, mut units) = (0, 0, 0);
    while at < encoded.octets.len() {
        let (octets, cost) = next_character(encoded, form, at);
        if units + cost > units_max {
            chunks.push(&encoded.octets[start..at]);
            (start, units) = (at, 0);
        }
        at += octets;
        units += cost;
    }
    chunks.push(&encoded.octets[start..]);
    chunks
}

/// How many octets the character at `at` takes, and how many units it counts for.
fn next_character(encoded: &Encoded, form: GsmText, at: usize) -> (usize, usize) {
    let octet = encoded.octets[at];
    if encoded.ucs2 {
        let high_surrogate = (0xD8..=0xDB).contains(&octet);
        return if high_surrogate { (4, 2) } else { (2, 1) };
    }
    match form {
        GsmText::Gsm | GsmText::GsmPacked if octet == ESCAPE => (2, 2),
        GsmText::Gsm | GsmText::GsmPacked => (1, 1),
        GsmText::Latin1 | GsmText::Ia5 => match of_char(char::from(octet)) {
            Some(Septets::Escaped(_)) => (1, 2),
            _ => (1, 1),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Concatenation;

    fn sizes(text: &str, coding: &TextCoding, form: LongMessage) -> Vec<usize> {
        segment(text, coding, form, 7)
            .expect("fits")
            .parts
            .iter()
            .map(Vec::len)
            .collect()
    }

    #[test]
    fn the_borders_of_gsm_text() {
        assert_eq!(
            sizes(&"a".repeat(160), &TextCoding::GSM, LongMessage::Udh8),
            [160]
        );
        assert_eq!(
            sizes(&"a".repeat(161), &TextCoding::GSM, LongMessage::Udh8),
            [6 + 153, 6 + 8]
        );
        assert_eq!(
            sizes(&"a".repeat(306), &TextCoding::GSM, LongMessage::Udh8),
            [159, 159]
        );
        assert_eq!(
            sizes(&"a".repeat(307), &TextCoding::GSM, LongMessage::Udh8),
            [159, 159, 7]
        );
        assert_eq!(
            sizes(&"a".repeat(304), &TextCoding::GSM, LongMessage::Udh16),
            [7 + 152, 7 + 152]
        );
        assert_eq!(
            sizes(&"a".repeat(161), &TextCoding::GSM, LongMessage::SarTlvs),
            [153, 8]
        );
        let payload = segment(
            &"a".repeat(307),
            &TextCoding::GSM,
            LongMessage::MessagePayload,
            7,
        )
        .expect("fits");
        assert_eq!((payload.parts.len(), payload.segments), (1, 3));
    }

    #[test]
    fn an_escape_pair_is_never_split() {
        let text = format!("{}{}", "a".repeat(152), "€".repeat(10));
        assert_eq!(
            sizes(&text, &TextCoding::GSM, LongMessage::Udh8),
            [6 + 152, 6 + 20]
        );
        let latin1 = format!("{}{}", "a".repeat(152), "[".repeat(10));
        assert_eq!(
            sizes(&latin1, &TextCoding::LATIN1, LongMessage::Udh8),
            [6 + 152, 6 + 10]
        );
    }

    #[test]
    fn a_surrogate_pair_is_never_split() {
        assert_eq!(
            sizes(&"ж".repeat(70), &TextCoding::GSM, LongMessage::Udh8),
            [140]
        );
        assert_eq!(
            sizes(&"ж".repeat(71), &TextCoding::GSM, LongMessage::Udh8),
            [6 + 134, 6 + 8]
        );
        let text = format!("{}{}", "ж".repeat(66), "👍".repeat(3));
        assert_eq!(
            sizes(&text, &TextCoding::GSM, LongMessage::Udh8),
            [6 + 132, 6 + 12]
        );
    }

    #[test]
    fn parts_say_which_they_are() {
        for form in [LongMessage::Udh8, LongMessage::Udh16, LongMessage::SarTlvs] {
            let cut = segment(&"a".repeat(400), &TextCoding::GSM, form, 0x1234).expect("fits");
            let mut message = ShortMessage::default();
            cut.apply(1, &mut message);
            let place = Concatenation::of(&message).expect("a part");
            let reference = if form == LongMessage::Udh8 {
                0x34
            } else {
                0x1234
            };
            assert_eq!(
                (place.reference, place.total, place.number),
                (reference, 3, 2)
            );
        }
    }

    #[test]
    fn more_parts_than_can_be_counted_is_an_error() {
        let too_long = segment(
            &"a".repeat(153 * 255 + 1),
            &TextCoding::GSM,
            LongMessage::Udh8,
            1,
        );
        assert_eq!(too_long, Err(SegmentError { segments: 256 }));
    }
}
