//! The code of a short link: sixty bits that nobody can guess, in letters that nobody mixes up.

/// Digits and small letters without `i`, `l`, `o` and `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Five bits each.
pub const CODE_CHARS: usize = 12;

/// Stands in a preview and in a test message: as long as every code, and of nobody.
pub const SAMPLE_CODE: &str = "samp1e000000";

/// The code that these random bytes make.
#[must_use]
pub fn code_of(random: [u8; 8]) -> String {
    let bits = u64::from_le_bytes(random);
    (0..CODE_CHARS).map(|place| char::from(ALPHABET[(bits >> (5 * place)) as usize & 31])).collect()
}

/// A code as somebody may have typed it; `None` when it cannot be one.
#[must_use]
pub fn read(text: &str) -> Option<String> {
    if text.len() != CODE_CHARS {
        return None;
    }
    let letter = |byte: u8| match byte.to_ascii_lowercase() {
        b'o' => Some(b'0'),
        b'i' | b'l' => Some(b'1'),
        byte if ALPHABET.contains(&byte) => Some(byte),
        _ => None,
    };
    text.bytes().map(|byte| letter(byte).map(char::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_a_person_types() {
        assert_eq!(read("SAMPLEOOoo00"), read(SAMPLE_CODE));
        assert_eq!(read("short"), None);
        assert_eq!(read("samp1e00000u"), None);
        assert_eq!(read("samp1e0000é"), None);
        assert_eq!(read("../../../../"), None);
    }

    proptest! {
        #[test]
        fn each_of_sixty_bits_counts(random: [u8; 8], bit in 0usize..60) {
            let mut other = random;
            other[bit / 8] ^= 1 << (bit % 8);
            let code = code_of(random);
            prop_assert_eq!(read(&code), Some(code.clone()));
            prop_assert_ne!(code, code_of(other));
        }
    }
}
