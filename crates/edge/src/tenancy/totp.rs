//! Codes of an authenticator application: RFC 6238 over HMAC-SHA-1, six digits, a new one every half minute.

use clarion_domain::time::{Instant, SECOND_MS};
use ring::hmac;

const STEP_MS: i64 = 30 * SECOND_MS;
pub const DIGITS: u32 = 6;
/// A phone's clock may be so many steps off.
const STEPS_OFF: i64 = 1;

fn step_at(now: Instant) -> i64 {
    now.ms().div_euclid(STEP_MS)
}

fn code(secret: &[u8], step: i64, digits: u32) -> u32 {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    let cut = [tag[offset] & 0x7f, tag[offset + 1], tag[offset + 2], tag[offset + 3]];
    u32::from_be_bytes(cut) % 10u32.pow(digits)
}

/// The step whose code this is, of those that a clock may show now: what is used up when the code is accepted.
pub fn step_of(secret: &[u8], typed: &str, now: Instant) -> Option<i64> {
    if typed.len() != DIGITS as usize || !typed.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let typed: u32 = typed.parse().ok()?;
    let here = step_at(now);
    (here - STEPS_OFF..=here + STEPS_OFF).find(|step| code(secret, *step, DIGITS) == typed)
}

/// What an application reads from the square or takes by hand.
pub fn base32(secret: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut held, mut bits) = (String::new(), 0u32, 0);
    for byte in secret {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    text
}

/// The address that the square holds.
pub fn address(secret: &[u8], organisation: &str, username: &str) -> String {
    format!("otpauth://totp/Clarion:{}?secret={}&issuer=Clarion%20{}", escaped(username), base32(secret), escaped(organisation))
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, Appendix B, and RFC 4226, Appendix D.
    #[test]
    fn gives_the_codes_of_the_rfcs() {
        let secret = b"12345678901234567890";
        let vectors = [(59, 94_287_082), (1_111_111_109, 7_081_804), (1_111_111_111, 14_050_471), (1_234_567_890, 89_005_924), (2_000_000_000, 69_279_037), (20_000_000_000, 65_353_130)];
        for (seconds, expected) in vectors {
            assert_eq!(code(secret, step_at(Instant(seconds * 1000)), 8), expected, "{seconds}");
        }
        let counted = [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        assert!(counted.iter().zip(0..).all(|(expected, step)| code(secret, step, 6) == *expected));
    }

    #[test]
    fn a_code_is_good_one_step_early_and_late_and_no_more() {
        let (secret, now) = (b"12345678901234567890", Instant(1_800_000_015_000));
        let here = step_at(now);
        let typed = |step| format!("{:06}", code(secret, step, DIGITS));
        for (step, expected) in [(here - 2, None), (here - 1, Some(here - 1)), (here, Some(here)), (here + 1, Some(here + 1)), (here + 2, None)] {
            assert_eq!(step_of(secret, &typed(step), now), expected);
        }
        assert_eq!(["", "12345", "1234567", "12a456", "+12345"].map(|typed| step_of(secret, typed, now)), [None; 5]);
    }

    #[test]
    fn writes_what_applications_read() {
        assert_eq!(base32(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(base32(b"f"), "MY");
        assert_eq!(address(b"f", "North & Co", "a@b"), "otpauth://totp/Clarion:a%40b?secret=MY&issuer=Clarion%20North%20%26%20Co");
    }
}
