//! Base64 (RFC 4648) of SRTP keys, whose length is always thirty bytes: forty letters without padding.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn encode_key(key: &[u8; 30]) -> String {
    let mut text = String::with_capacity(40);
    for three in key.chunks_exact(3) {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(LETTERS[(bits >> shift & 63) as usize]));
        }
    }
    text
}

pub fn decode_key(text: &str) -> Option<[u8; 30]> {
    let text = text.as_bytes();
    if text.len() != 40 {
        return None;
    }
    let mut key = [0; 30];
    for (three, four) in key.chunks_exact_mut(3).zip(text.chunks_exact(4)) {
        let mut bits = 0;
        for letter in four {
            bits = bits << 6 | LETTERS.iter().position(|known| known == letter)? as u32;
        }
        three.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 4568, section 6.1's style of example, encoded by another tool.
    #[test]
    fn there_and_back() {
        let key: [u8; 30] = std::array::from_fn(|place| place as u8);
        assert_eq!(encode_key(&key), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd");
        assert_eq!(decode_key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"), Some(key));
        assert_eq!(decode_key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw="), None);
        assert_eq!(decode_key(""), None);
    }
}
