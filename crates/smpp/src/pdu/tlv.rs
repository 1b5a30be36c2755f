//! Optional parameters (3.2.4.1, 5.3): tag, length, value.

use super::wire::from_latin1;

/// Tags of the optional parameters that we read or write (5.3.2).
pub mod tag {
    /// Who made the receipt's network error code, and the code (5.3.2.31).
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    /// The whole text where `short_message` is too small (5.3.2.32).
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    /// The final state of a message, in a receipt (5.3.2.35).
    pub const MESSAGE_STATE: u16 = 0x0427;
    /// How busy the SMSC says it is, 0 to 100 (5.0, 4.8.4.18).
    pub const CONGESTION_STATE: u16 = 0x0428;
    /// The id that the submit response gave, in a receipt (5.3.2.12).
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    /// The SMPP version that the SMSC speaks, in a bind response (5.3.2.25).
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    /// Reference that the parts of one message share (5.3.2.22).
    pub const SAR_MSG_REF_NUM: u16 = 0x020C;
    /// How many parts there are (5.3.2.24).
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
    /// Which part this is, from 1 (5.3.2.23).
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
    /// A reference of the submitter's own, given back in the receipt (5.3.2.16).
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
}

/// One optional parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// The parameter's tag.
    pub tag: u16,
    /// Its value as on the wire.
    pub value: Vec<u8>,
}

/// The optional parameters of a PDU, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tlvs(pub Vec<Tlv>);

impl Tlvs {
    /// Reads what there is. A value that claims more octets than are left gets those that are left, and
    /// fewer than four trailing octets are dropped: peers pad, and forget a NUL that they counted.
    pub fn decode(mut rest: &[u8]) -> Tlvs {
        let mut tlvs = Vec::new();
        while let [tag_high, tag_low, length_high, length_low, tail @ ..] = rest {
            let length =
                usize::from(u16::from_be_bytes([*length_high, *length_low])).min(tail.len());
            tlvs.push(Tlv {
                tag: u16::from_be_bytes([*tag_high, *tag_low]),
                value: tail[..length].to_vec(),
            });
            rest = &tail[length..];
        }
        Tlvs(tlvs)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for tlv in &self.0 {
            put_tlv(out, tlv.tag, &tlv.value);
        }
    }

    /// The value of the first parameter with this tag.
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|tlv| tlv.tag == tag)
            .map(|tlv| tlv.value.as_slice())
    }

    /// A number in as many octets (1 to 8) as the peer chose to use; empty or longer gives `None`.
    pub fn number(&self, tag: u16) -> Option<u64> {
        let value = self.get(tag)?;
        (1..=8).contains(&value.len()).then(|| {
            value
                .iter()
                .fold(0, |sum, &octet| sum << 8 | u64::from(octet))
        })
    }

    /// A string with or without its NUL.
    pub fn text(&self, tag: u16) -> Option<String> {
        let value = self.get(tag)?;
        let end = value
            .iter()
            .position(|&octet| octet == 0)
            .unwrap_or(value.len());
        Some(from_latin1(&value[..end]))
    }

    /// Adds a parameter at the end.
    pub fn push(&mut self, tag: u16, value: impl Into<Vec<u8>>) {
        self.0.push(Tlv {
            tag,
            value: value.into(),
        });
    }
}

/// Writes one parameter. `value` is at most 65,535 octets: `ShortMessage::check` sees to it.
pub(crate) fn put_tlv(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&value[..usize::from(length)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_in_any_width() {
        let tlvs = Tlvs::decode(&[0x04, 0x27, 0, 2, 0, 5, 0x04, 0x27, 0, 1, 2]);
        assert_eq!(tlvs.number(tag::MESSAGE_STATE), Some(5));
        assert_eq!(tlvs.0.len(), 2);
    }

    #[test]
    fn a_counted_but_missing_nul_and_trailing_octets_do_no_harm() {
        let tlvs = Tlvs::decode(&[0x00, 0x1E, 0, 4, b'a', b'b', b'c']);
        assert_eq!(tlvs.text(tag::RECEIPTED_MESSAGE_ID).as_deref(), Some("abc"));
        let padded = Tlvs::decode(&[0x04, 0x27, 0, 1, 2, 0, 0, 0]);
        assert_eq!(padded.number(tag::MESSAGE_STATE), Some(2));
        assert_eq!(padded.0.len(), 1);
    }
}
