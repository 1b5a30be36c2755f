//! SIP and tel URIs (RFC 3261, section 19; RFC 3966), read leniently.

use std::fmt;

use crate::params::Params;

/// Longer URIs are refused: no address of the telephone network comes near.
const URI_BYTES_MAX: usize = 2_048;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
}

/// An address. The user part is kept as it was written, escapes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    pub scheme: Scheme,
    /// The number of a `tel:` URI stands here too.
    pub user: Option<String>,
    /// Without brackets around an IPv6 address; empty in a `tel:` URI.
    pub host: String,
    pub port: Option<u16>,
    pub params: Params,
    /// What follows `?`, without it.
    pub headers: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    #[error("the scheme is none of sip, sips and tel")]
    Scheme,
    #[error("the URI cannot be read")]
    Form,
}

impl Uri {
    /// An address at a host: `sip:user@host:port`.
    #[must_use]
    pub fn sip(user: Option<&str>, host: &str, port: Option<u16>) -> Self {
        Self { scheme: Scheme::Sip, user: user.map(str::to_owned), host: host.to_owned(), port, params: Params::default(), headers: None }
    }

    pub fn parse(text: &str) -> Result<Self, UriError> {
        let text = text.trim();
        if text.len() > URI_BYTES_MAX || text.bytes().any(|byte| byte <= b' ' || byte == 0x7F || matches!(byte, b'<' | b'>')) {
            return Err(UriError::Form);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "sip" => Scheme::Sip,
            "sips" => Scheme::Sips,
            "tel" => Scheme::Tel,
            _ => return Err(UriError::Scheme),
        };
        if scheme == Scheme::Tel {
            let (number, params) = rest.split_once(';').unwrap_or((rest, ""));
            if number.is_empty() {
                return Err(UriError::Form);
            }
            return Ok(Self { scheme, user: Some(number.to_owned()), host: String::new(), port: None, params: Params::parse(params), headers: None });
        }
        // A user part may hold `;`, `?` and `/`: it ends at the last `@` before a `?`-part could begin.
        let (user, rest) = match rest.rfind('@') {
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let (rest, headers) = rest.split_once('?').map_or((rest, None), |(rest, headers)| (rest, Some(headers.to_owned())));
        let (place, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = host_port(place).ok_or(UriError::Form)?;
        Ok(Self { scheme, user: user.filter(|user| !user.is_empty()).map(str::to_owned), host, port, params: Params::parse(params), headers })
    }

    /// The user part without a password and with escapes undone.
    #[must_use]
    pub fn user_text(&self) -> String {
        let user = self.user.as_deref().unwrap_or_default();
        unescape(user.split(':').next().unwrap_or_default())
    }

    /// `host` or `host:port`, an IPv6 address in brackets.
    #[must_use]
    pub fn host_port(&self) -> String {
        let mut text = bracketed(&self.host);
        if let Some(port) = self.port {
            text.push(':');
            text.push_str(&port.to_string());
        }
        text
    }

    /// Whether a Route entry is a loose router (RFC 3261, section 16.12).
    #[must_use]
    pub fn is_loose(&self) -> bool {
        self.params.has("lr")
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Tel => return write!(f, "tel:{}{}", self.user.as_deref().unwrap_or_default(), self.params),
            Scheme::Sip => f.write_str("sip:")?,
            Scheme::Sips => f.write_str("sips:")?,
        }
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}{}", self.host_port(), self.params)?;
        if let Some(headers) = &self.headers {
            write!(f, "?{headers}")?;
        }
        Ok(())
    }
}

/// Brackets around what holds a colon.
pub(crate) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Reads `host`, `host:port`, `[v6]` and `[v6]:port`, with spaces around them.
pub(crate) fn host_port(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.trim();
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, rest.trim())
    } else {
        let at = text.find(':').unwrap_or(text.len());
        (text[..at].trim_end(), &text[at..])
    };
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.trim().parse().ok()?),
        None if port.is_empty() => None,
        None => return None,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    (!host.is_empty() && host.bytes().all(plain)).then(|| (host.to_owned(), port))
}

/// Writes a user part so that it cannot become anything else (RFC 3261, section 25.1: `user`).
#[must_use]
pub fn escape_user(user: &str) -> String {
    let mut text = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| tail.get(..2)).flatten().and_then(|pair| std::str::from_utf8(pair).ok()).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_back() {
        for text in ["sip:01632960001@198.51.100.7:5070;transport=tcp", "sips:a%3Bb@example.com", "sip:[2001:db8::1]:5060;lr", "tel:+441632960001;phone-context=example.com", "sip:example.com", "sip:u;x=y@h?Subject=x"] {
            assert_eq!(Uri::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_uri_is_an_error() {
        assert_eq!(Uri::parse("mailto:a@b"), Err(UriError::Scheme));
        for text in ["sip:", "sip:a@", "sip:a@h:99999", "sip:a@[::zz]", "sip:a b@h", "sip:a@h>", "sip:a@h:x", "tel:"] {
            assert_eq!(Uri::parse(text), Err(UriError::Form), "{text}");
        }
        assert_eq!(Uri::parse(&format!("sip:{}@h", "a".repeat(3_000))), Err(UriError::Form));
    }

    #[test]
    fn a_user_part_cannot_break_out() {
        assert_eq!(escape_user("a@b;c>\r\n"), "a%40b%3Bc%3E%0D%0A");
        assert_eq!(Uri::parse("sip:a%40b:secret@h").expect("a uri").user_text(), "a@b");
        assert_eq!(Uri::parse("sip:%zz%4@h").expect("a uri").user_text(), "%zz%4");
    }
}
