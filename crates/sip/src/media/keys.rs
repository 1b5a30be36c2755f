//! The keys of a telephone, as events (RFC 4733) and as pairs of tones (ITU-T Q.23).

/// One of `0`–`9`, `*`, `#`, `A`–`D`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u8);

const NAMES: &[u8; 16] = b"0123456789*#ABCD";
/// Low and high tone by event code.
const TONES_HZ: [(f32, f32); 16] = [
    (941.0, 1336.0), (697.0, 1209.0), (697.0, 1336.0), (697.0, 1477.0), (770.0, 1209.0), (770.0, 1336.0), (770.0, 1477.0), (852.0, 1209.0),
    (852.0, 1336.0), (852.0, 1477.0), (941.0, 1209.0), (941.0, 1477.0), (697.0, 1633.0), (770.0, 1633.0), (852.0, 1633.0), (941.0, 1633.0),
];

impl Key {
    #[must_use]
    pub fn from_event(code: u8) -> Option<Self> {
        (code < 16).then_some(Self(code))
    }

    #[must_use]
    pub fn from_char(name: char) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        NAMES.iter().position(|known| char::from(*known) == upper).and_then(|code| u8::try_from(code).ok()).map(Self)
    }

    #[must_use]
    pub fn event(self) -> u8 {
        self.0
    }

    #[must_use]
    pub fn as_char(self) -> char {
        char::from(NAMES[usize::from(self.0)])
    }

    /// The low and the high tone.
    #[must_use]
    pub fn tones_hz(self) -> (f32, f32) {
        TONES_HZ[usize::from(self.0)]
    }
}

/// How a key was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPath {
    /// telephone-event packets.
    Event,
    /// Tones in the audio.
    InBand,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_go_both_ways() {
        for code in 0..16 {
            let key = Key::from_event(code).unwrap();
            assert_eq!(Key::from_char(key.as_char()), Some(key));
            assert_eq!(key.event(), code);
        }
        assert_eq!(Key::from_event(16), None);
        assert_eq!(Key::from_char('x'), None);
        assert_eq!(Key::from_char('#').unwrap().tones_hz(), (941.0, 1477.0));
    }
}
