//! What is written of an account by people: public keys as `authorized_keys` has them, and networks.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::digest::{SHA256, digest};

const LINE_BYTES_MAX: usize = 8_192;
const RSA_BITS_MIN: usize = 2_048;
const NETWORKS_MAX: usize = 50;
const KINDS: [&str; 5] = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

/// Why a key cannot be let in; says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("this is no public key: paste the one line of the .pub file, which begins with ssh-ed25519, ecdsa-sha2-nistp256 or ssh-rsa")]
    Malformed,
    #[error("this is a private key: nobody but its owner may ever have it. Make a new pair, and paste the one line of its .pub file")]
    Private,
    #[error("this RSA key is shorter than {RSA_BITS_MIN} bits: make a new pair with ssh-keygen -t ed25519")]
    Short,
}

/// A public key in its one spelling, without what stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    pub line: String,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

/// The next length-prefixed field of a key.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

impl PublicKey {
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else { return Err(KeyError::Malformed) };
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(encoded)) = (words.next(), words.next()) else { return Err(KeyError::Malformed) };
        if line.len() > LINE_BYTES_MAX || !KINDS.contains(&kind) {
            return Err(KeyError::Malformed);
        }
        let blob = STANDARD.decode(encoded).map_err(|_| KeyError::Malformed)?;
        let (named, rest) = field(&blob).ok_or(KeyError::Malformed)?;
        let (first, rest) = field(rest).ok_or(KeyError::Malformed)?;
        if named != kind.as_bytes() || (kind == "ssh-ed25519" && (first.len() != 32 || !rest.is_empty())) {
            return Err(KeyError::Malformed);
        }
        if kind == "ssh-rsa" {
            let (modulus, _) = field(rest).ok_or(KeyError::Malformed)?;
            let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
            let bits = (modulus.len() - zeros) * 8 - modulus.get(zeros).map_or(0, |top| top.leading_zeros() as usize);
            if bits < RSA_BITS_MIN {
                return Err(KeyError::Short);
            }
        }
        let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(digest(&SHA256, &blob)));
        // The comment is often a person's name at their machine: it is not kept.
        Ok(Self { line: format!("{kind} {encoded}"), fingerprint })
    }
}

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    #[error("{0} is no network: write an address, or one with the bits that count, such as 192.0.2.0/24 or 2001:db8::/32")]
    Malformed(String),
    #[error("at most {NETWORKS_MAX} networks")]
    TooMany,
}

fn number(address: IpAddr) -> (u128, u8) {
    match address.to_canonical() {
        IpAddr::V4(four) => (u128::from(four.to_bits()), 32),
        IpAddr::V6(six) => (six.to_bits(), 128),
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let width = number(address).1;
        let bits = bits.map_or(Some(width), |bits| bits.parse().ok())?;
        (bits <= width).then_some(Self { address, bits })
    }

    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let ((ours, width), (theirs, other)) = (number(self.address), number(address));
        width == other && (self.bits == 0 || (ours ^ theirs) >> (width - self.bits) == 0)
    }
}

/// Networks separated by white space or commas.
pub(super) fn networks(text: &str) -> Result<Vec<Network>, NetworkError> {
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter == ',').filter(|word| !word.is_empty()).collect();
    if words.len() > NETWORKS_MAX {
        return Err(NetworkError::TooMany);
    }
    words.into_iter().map(|word| Network::parse(word).ok_or_else(|| NetworkError::Malformed(word.chars().take(50).collect()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMu7nXOkUvkhZfjPE4TDyO0DxYBLIOrsGZCPfV7Wlxnb";

    #[test]
    fn a_key_is_read_without_its_comment() {
        let key = PublicKey::parse(&format!("\n# ours\n{KEY} somebody@machine\n")).expect("reads");
        assert_eq!(key.line, KEY);
        assert!(key.fingerprint.starts_with("SHA256:") && key.fingerprint.len() == 50, "{}", key.fingerprint);
        for wrong in ["", "ssh-ed25519", "ssh-dss AAAA", "ssh-ed25519 !!!!", &KEY[..50], &KEY.replace("ssh-ed25519", "ssh-rsa"), &format!("{KEY}\n{KEY}")] {
            assert_eq!(PublicKey::parse(wrong), Err(KeyError::Malformed), "{wrong}");
        }
        assert_eq!(PublicKey::parse("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"), Err(KeyError::Private));
        let mut short = [0u8, 0, 0, 7].to_vec();
        short.extend(b"ssh-rsa\0\0\0\x01\x03\0\0\0\x81\0");
        short.extend([0xff; 128]);
        assert_eq!(PublicKey::parse(&format!("ssh-rsa {}", STANDARD.encode(short))), Err(KeyError::Short));
    }

    #[test]
    fn a_network_holds_its_addresses() {
        let holds = |network: &str, address: &str| networks(network).expect("reads").iter().any(|network| network.holds(address.parse().expect("an address")));
        assert!(holds("192.0.2.0/24, 2001:db8::/32", "192.0.2.200") && holds("192.0.2.0/24 2001:db8::/32", "2001:db8:1::9"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && holds("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(!holds("192.0.2.0/24", "192.0.3.1") && !holds("0.0.0.0/0", "2001:db8::1") && !holds("", "192.0.2.1"));
        for wrong in ["192.0.2.0/33", "192.0.2", "host.example", "::/129", "10.0.0.0/x"] {
            assert!(networks(wrong).is_err(), "{wrong}");
        }
    }
}
