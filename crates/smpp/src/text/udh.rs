//! The user data header (3GPP TS 23.040, 9.2.3.24), and where a part says what it is a part of.

use crate::pdu::{ShortMessage, tag};

/// Which part of which message this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concatenation {
    /// What the parts share.
    pub reference: u16,
    /// Whether the reference has 16 bits; references of different widths never belong together.
    pub wide: bool,
    /// How many parts there are, at least 1.
    pub total: u8,
    /// Which one this is, from 1 to `total`.
    pub number: u8,
}

impl Concatenation {
    fn checked(reference: u16, wide: bool, total: u8, number: u8) -> Option<Concatenation> {
        (number >= 1 && number <= total).then_some(Concatenation {
            reference,
            wide,
            total,
            number,
        })
    }

    /// From the user data header, or else from the SAR parameters; `None` for a message of one part.
    pub fn of(message: &ShortMessage) -> Option<Concatenation> {
        let (header, _) = UserDataHeader::split(message);
        header.and_then(|header| header.concatenation).or_else(|| {
            let sar = |tag| message.tlvs.number(tag);
            Concatenation::checked(
                u16::try_from(sar(tag::SAR_MSG_REF_NUM)?).ok()?,
                true,
                u8::try_from(sar(tag::SAR_TOTAL_SEGMENTS)?).ok()?,
                u8::try_from(sar(tag::SAR_SEGMENT_SEQNUM)?).ok()?,
            )
        })
    }
}

/// What we read of a user data header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserDataHeader {
    /// Its length, the length octet included.
    pub octets: usize,
    /// Its concatenation element, if it has one that makes sense.
    pub concatenation: Option<Concatenation>,
}

impl UserDataHeader {
    /// Separates a message's header from its text. A header that claims more octets than there are is no
    /// header: the whole content is text then.
    pub fn split(message: &ShortMessage) -> (Option<UserDataHeader>, &[u8]) {
        let content = message.content();
        let length = content.first().map_or(0, |&length| usize::from(length) + 1);
        if !message.esm_class.has_udh() || length == 0 || length > content.len() {
            return (None, content);
        }
        let (header, text) = content.split_at(length);
        (
            Some(UserDataHeader {
                octets: length,
                concatenation: concatenation(&header[1..]),
            }),
            text,
        )
    }
}

fn concatenation(mut elements: &[u8]) -> Option<Concatenation> {
    while let [id, length, tail @ ..] = elements {
        let value = tail.get(..usize::from(*length))?;
        match (id, value) {
            (0x00, [reference, total, number]) => {
                return Concatenation::checked(u16::from(*reference), false, *total, *number);
            }
            (0x08, [high, low, total, number]) => {
                return Concatenation::checked(
                    u16::from_be_bytes([*high, *low]),
                    true,
                    *total,
                    *number,
                );
            }
            _ => elements = &tail[value.len()..],
        }
    }
    None
}
