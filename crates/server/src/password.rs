//! A password that somebody can type and nobody can guess.

use anyhow::Context;
use std::io::Read;

/// 32 letters and digits that are not mistaken for each other; 20 of them are 100 bits.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS: usize = 4;
const GROUP: usize = 5;

/// From the system's own source of chance.
pub fn make() -> anyhow::Result<String> {
    let mut bytes = [0u8; GROUPS * GROUP];
    std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes)).context("the system gave no random bytes")?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
    Ok(letters.chunks(GROUP).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::make;

    #[test]
    fn two_are_never_alike() {
        let (first, second) = (make().expect("makes"), make().expect("makes"));
        assert_ne!(first, second);
        assert_eq!(first.len(), 23);
    }
}
