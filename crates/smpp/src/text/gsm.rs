//! The GSM 03.38 (3GPP TS 23.038, 6.2.1) default alphabet and its extension, one septet an octet.

/// The escape that announces a character of the extension table.
pub(crate) const ESCAPE: u8 = 0x1B;

/// 0x1B is the escape itself and stands for a space when nothing follows it.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// How one character is written: a septet, or an escape and a septet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Septets {
    One(u8),
    Escaped(u8),
}

pub(crate) fn of_char(c: char) -> Option<Septets> {
    match c {
        ' '..='#' | '%'..='?' | 'A'..='Z' | 'a'..='z' => Some(Septets::One(c as u8)),
        _ => of_uncommon_char(c),
    }
}

fn of_uncommon_char(c: char) -> Option<Septets> {
    if let Some((septet, _)) = EXTENSION.iter().find(|(_, extended)| *extended == c) {
        return Some(Septets::Escaped(*septet));
    }
    let found = DEFAULT.iter().position(|&known| known == c)?;
    u8::try_from(found).ok().map(Septets::One)
}

/// The septets that `text` takes, or `None` when a character is in neither table.
pub fn septets(text: &str) -> Option<usize> {
    text.chars().try_fold(0, |sum, c| match of_char(c)? {
        Septets::One(_) => Some(sum + 1),
        Septets::Escaped(_) => Some(sum + 2),
    })
}

/// One septet an octet, or `None` when a character is in neither table.
pub fn encode_gsm(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match of_char(c)? {
            Septets::One(septet) => out.push(septet),
            Septets::Escaped(septet) => out.extend_from_slice(&[ESCAPE, septet]),
        }
    }
    Some(out)
}

/// Reads one septet an octet. An unknown extension falls back to the default table, as 6.2.1 asks; an
/// octet above 0x7F is taken as Latin-1, which is what the peers that send one mean.
pub fn decode_gsm(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets.iter();
    while let Some(&octet) = rest.next() {
        if octet != ESCAPE {
            text.push(
                DEFAULT
                    .get(usize::from(octet))
                    .copied()
                    .unwrap_or(char::from(octet)),
            );
            continue;
        }
        let Some(&next) = rest.next() else { break };
        let extended = EXTENSION
            .iter()
            .find(|(septet, _)| *septet == next)
            .map(|(_, c)| *c);
        text.push(
            extended
                .or(DEFAULT.get(usize::from(next)).copied())
                .unwrap_or(char::from(next)),
        );
    }
    text
}

/// Reads septets packed eight to seven octets (23.038, 6.1.2.1), beginning after `skip_bits` fill bits.
/// With a user data header of `n` octets in front, `skip_bits` is what fills up to the next septet:
/// `(7 - n * 8 % 7) % 7`. A trailing septet of zero in the last seven bits is padding, not `@`.
pub fn decode_gsm_packed(octets: &[u8], skip_bits: usize) -> String {
    let bits = octets.len() * 8;
    let count = bits.saturating_sub(skip_bits) / 7;
    let mut unpacked: Vec<u8> = (0..count)
        .map(|index| {
            let at = skip_bits + index * 7;
            let low = u16::from(octets[at / 8]) >> (at % 8);
            let high = octets
                .get(at / 8 + 1)
                .map_or(0, |&octet| u16::from(octet) << (8 - at % 8));
            ((low | high) & 0x7F) as u8
        })
        .collect();
    if skip_bits == 0 && bits.is_multiple_of(7) && unpacked.last() == Some(&0) {
        unpacked.pop();
    }
    decode_gsm(&unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_survive_both_ways() {
        let every: String = DEFAULT
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != 0x1B)
            .map(|(_, c)| *c)
            .collect();
        let encoded = encode_gsm(&every).expect("all in the table");
        assert_eq!(encoded.len(), 127);
        assert_eq!(decode_gsm(&encoded), every);
        let extension = "\u{0C}^{}\\[~]|€";
        assert_eq!(septets(extension), Some(20));
        assert_eq!(
            decode_gsm(&encode_gsm(extension).expect("all in the table")),
            extension
        );
    }

    #[test]
    fn fixed_points_of_the_table() {
        assert_eq!(
            encode_gsm("@£€é_").as_deref(),
            Some(&[0x00, 0x01, 0x1B, 0x65, 0x05, 0x11][..])
        );
        assert_eq!(encode_gsm("ç"), None);
        assert_eq!(encode_gsm("`"), None);
        assert_eq!(decode_gsm(&[0x1B, 0x41, 0x1B]), "A");
    }

    #[test]
    fn packed_septets_are_read() {
        assert_eq!(
            decode_gsm_packed(&[0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37], 0),
            "hellohello"
        );
        assert_eq!(
            decode_gsm_packed(&[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x00], 0),
            "1234567"
        );
    }
}
