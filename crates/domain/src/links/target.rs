//! Where a short link leads: a web address, and nothing else.

use url::Url;

pub const TARGET_CHARS_MAX: usize = 2_000;

/// Whether somebody may be led there: `http` or `https`, a host, and no password.
#[must_use]
pub fn is_target(text: &str) -> bool {
    let plain = text.len() <= TARGET_CHARS_MAX && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    plain && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && url.password().is_none())
}

/// A value of a person's within an address: what it holds cannot become another part of it.
#[must_use]
pub fn escaped(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_to_web_addresses_alone() {
        for good in ["https://example.com", "http://example.com/a?b=c#d", "https://example.com:8443/ü"] {
            assert!(is_target(good), "{good}");
        }
        for bad in ["javascript:alert(1)", "data:text/html,x", "ftp://example.com", "example.com", "https://", "https://user:pass@example.com", "https://example.com/a b", "//example.com"] {
            assert!(!is_target(bad), "{bad}");
        }
        assert_eq!(escaped("A 1/2&x=é"), "A%201%2F2%26x%3D%C3%A9");
    }
}
