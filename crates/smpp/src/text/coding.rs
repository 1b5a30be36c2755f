//! Choosing how to write a text, and reading one by its `data_coding` (5.2.19; 3GPP TS 23.038, 4).

use super::gsm::{decode_gsm, decode_gsm_packed, encode_gsm, septets};
use super::udh::UserDataHeader;
use crate::pdu::ShortMessage;

/// How a trunk wants texts that fit into the GSM alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum GsmText {
    /// GSM 03.38, one septet an octet. What most carriers mean by `data_coding` 0.
    #[default]
    Gsm,
    /// GSM 03.38 packed, eight septets in seven octets: read only, for carriers that deliver it so.
    GsmPacked,
    /// ISO 8859-1, translated by the SMSC.
    Latin1,
    /// IA5 (ASCII), translated by the SMSC.
    Ia5,
}

/// A trunk's settings for text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextCoding {
    /// How texts within the GSM alphabet are written, and how `default_inbound` texts are read.
    pub gsm_text: GsmText,
    /// The `data_coding` that goes with it.
    pub gsm_data_coding: u8,
    /// The `data_coding` for everything else, which is written as UTF-16, big end first.
    pub ucs2_data_coding: u8,
    /// What `data_coding` 0 means when it comes in.
    pub inbound_default: GsmText,
}

impl TextCoding {
    /// GSM 03.38 as `data_coding` 0.
    pub const GSM: TextCoding = TextCoding {
        gsm_text: GsmText::Gsm,
        gsm_data_coding: 0,
        ucs2_data_coding: 8,
        inbound_default: GsmText::Gsm,
    };
    /// Latin-1 as `data_coding` 3.
    pub const LATIN1: TextCoding = TextCoding {
        gsm_text: GsmText::Latin1,
        gsm_data_coding: 3,
        ..TextCoding::GSM
    };
    /// IA5 as `data_coding` 1.
    pub const IA5: TextCoding = TextCoding {
        gsm_text: GsmText::Ia5,
        gsm_data_coding: 1,
        ..TextCoding::GSM
    };
}

impl Default for TextCoding {
    fn default() -> Self {
        TextCoding::GSM
    }
}

/// A text as octets, with the measure that segmentation counts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// For `data_coding`.
    pub data_coding: u8,
    /// The octets.
    pub octets: Vec<u8>,
    /// Septets (GSM text, whatever its octets) or UTF-16 units.
    pub units: usize,
    /// Whether it is UTF-16.
    pub ucs2: bool,
}

/// What an inbound message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Words.
    Text(String),
    /// Octets that are not text by their `data_coding`.
    Binary(Vec<u8>),
}

impl Content {
    /// The words; binary content has none.
    pub fn text(&self) -> Option<&str> {
        match self {
            Content::Text(text) => Some(text),
            Content::Binary(_) => None,
        }
    }
}

impl TextCoding {
    /// Writes `text`: in the trunk's GSM form when every character is in the GSM alphabet and in that form,
    /// in UTF-16 otherwise.
    pub fn encode(&self, text: &str) -> Encoded {
        match (septets(text), self.encode_gsm_text(text)) {
            (Some(units), Some(octets)) => Encoded {
                data_coding: self.gsm_data_coding,
                octets,
                units,
                ucs2: false,
            },
            _ => {
                let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
                let units = octets.len() / 2;
                Encoded {
                    data_coding: self.ucs2_data_coding,
                    octets,
                    units,
                    ucs2: true,
                }
            }
        }
    }

    fn encode_gsm_text(&self, text: &str) -> Option<Vec<u8>> {
        match self.gsm_text {
            GsmText::Gsm | GsmText::GsmPacked => encode_gsm(text),
            GsmText::Latin1 => text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).ok())
                .collect(),
            // A form feed is in both alphabets, but would make a reader take the text for GSM.
            GsmText::Ia5 if text.contains('\u{0C}') => None,
            GsmText::Ia5 => text.is_ascii().then(|| text.as_bytes().to_vec()),
        }
    }

    /// Reads octets (without user data header) by their `data_coding`.
    pub fn decode(&self, data_coding: u8, octets: &[u8]) -> Content {
        self.decode_after(data_coding, octets, 0)
    }

    /// Reads the content of a message, skipping its user data header if it has one.
    pub fn decode_message(&self, message: &ShortMessage) -> Content {
        let (header, octets) = UserDataHeader::split(message);
        self.decode_after(
            message.data_coding,
            octets,
            header.map_or(0, |header| header.octets),
        )
    }

    pub(crate) fn decode_after(
        &self,
        data_coding: u8,
        octets: &[u8],
        header_bytes: usize,
    ) -> Content {
        if data_coding == self.ucs2_data_coding {
            return Content::Text(decode_utf16(octets));
        }
        match data_coding {
            0 => Content::Text(decode_gsm_text(self.inbound_default, octets, header_bytes)),
            1 => Content::Text(decode_ia5(octets)),
            3 => Content::Text(decode_gsm_text(GsmText::Latin1, octets, header_bytes)),
            8 => Content::Text(decode_utf16(octets)),
            2 | 4 => Content::Binary(octets.to_vec()),
            _ => self.decode_gsm_scheme(data_coding, octets, header_bytes),
        }
    }

    /// The GSM data coding groups that carriers pass through: message classes and message waiting.
    fn decode_gsm_scheme(&self, data_coding: u8, octets: &[u8], header_bytes: usize) -> Content {
        let alphabet = match data_coding >> 4 {
            0x1 | 0x3 | 0x5 | 0x7 | 0x0 if data_coding >= 0x10 => data_coding >> 2 & 3,
            0xC | 0xD => 0,
            0xE => 2,
            0xF => data_coding >> 2 & 1,
            _ => 1,
        };
        match alphabet {
            0 => Content::Text(decode_gsm_text(self.inbound_default, octets, header_bytes)),
            2 => Content::Text(decode_utf16(octets)),
            _ => Content::Binary(octets.to_vec()),
        }
    }
}

fn decode_gsm_text(form: GsmText, octets: &[u8], header_bytes: usize) -> String {
    match form {
        GsmText::Gsm => decode_gsm(octets),
        GsmText::GsmPacked => decode_gsm_packed(octets, (7 - header_bytes * 8 % 7) % 7),
        GsmText::Latin1 | GsmText::Ia5 => octets.iter().map(|&octet| char::from(octet)).collect(),
    }
}

/// Some SMSCs (node-smpp among them) announce IA5 and write GSM 03.38. Its escape, its `@`, `£` and accented
/// letters are control characters in IA5, where no text has them.
fn decode_ia5(octets: &[u8]) -> String {
    let is_gsm = octets
        .iter()
        .any(|octet| *octet < b' ' && !matches!(octet, b'\n' | b'\r' | b'\t'));
    decode_gsm_text(if is_gsm { GsmText::Gsm } else { GsmText::Ia5 }, octets, 0)
}

/// A lone surrogate becomes U+FFFD, an odd last octet is dropped.
fn decode_utf16(octets: &[u8]) -> String {
    let units = octets
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trunk_chooses_the_form_of_gsm_text() {
        assert_eq!(TextCoding::GSM.encode("é").octets, [5]);
        let latin1 = TextCoding::LATIN1.encode("é[");
        assert_eq!(
            (latin1.data_coding, latin1.octets.as_slice(), latin1.units),
            (3, &[0xE9, 0x5B][..], 3)
        );
        assert_eq!(TextCoding::IA5.encode("a{").data_coding, 1);
    }

    #[test]
    fn what_the_form_lacks_goes_as_utf16() {
        assert!(
            TextCoding::LATIN1.encode("5 €").ucs2,
            "the euro sign is not in Latin-1"
        );
        assert!(
            TextCoding::LATIN1.encode("ç").ucs2,
            "the SMSC could not translate it to GSM"
        );
        assert!(TextCoding::IA5.encode("é").ucs2);
        let emoji = TextCoding::GSM.encode("👍");
        assert_eq!(
            (emoji.octets.as_slice(), emoji.units),
            (&[0xD8, 0x3D, 0xDC, 0x4D][..], 2)
        );
    }

    #[test]
    fn inbound_coding_groups() {
        let coding = TextCoding::GSM;
        assert_eq!(coding.decode(0, &[0]).text(), Some("@"));
        assert_eq!(coding.decode(3, &[0xE9]).text(), Some("é"));
        assert_eq!(coding.decode(1, b"[a@b]").text(), Some("[a@b]"));
        assert_eq!(coding.decode(1, b"\x1B<a\0b\x1B>").text(), Some("[a@b]"));
        assert_eq!(coding.decode(0xF1, &[0]).text(), Some("@"));
        assert_eq!(coding.decode(0x19, &[0x20, 0xAC]).text(), Some("€"));
        assert_eq!(coding.decode(0xF5, &[1]), Content::Binary(vec![1]));
        assert_eq!(
            coding.decode(8, &[0xD8, 0x3D, 0x00]).text(),
            Some("\u{FFFD}")
        );
    }
}
