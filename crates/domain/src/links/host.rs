//! The host under which a tenant's short links stand: a name of its own, never an address, and with a port where it needs one.

use core::net::IpAddr;

use url::{Host, Url};

/// Why a host cannot be used; the text is for whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostFault {
    #[error("write the name alone, such as go.example.com: no https:// before it and nothing behind it")]
    NotAHost,
    #[error("use a name with a dot in it, such as go.example.com")]
    NoDot,
    #[error("use a name, not an address")]
    IsAnAddress,
    #[error("this is the name of the portal itself: use another that points here, such as go.example.com")]
    IsThePortal,
}

/// A host as it is compared: `go.example.com`, `go.example.com:8443`.
///
/// `address_allowed` says whether the operator lets an address stand in its place.
pub fn parse(text: &str, address_allowed: impl Fn(IpAddr) -> bool) -> Result<String, HostFault> {
    let text = text.trim();
    let strange = |letter: char| letter.is_whitespace() || letter.is_control() || "/@?#\\%".contains(letter);
    if text.is_empty() || text.len() > 253 || text.contains(strange) {
        return Err(HostFault::NotAHost);
    }
    let url = Url::parse(&format!("http://{text}/")).map_err(|_| HostFault::NotAHost)?;
    let address = match url.host() {
        Some(Host::Domain(name)) if !name.trim_end_matches('.').contains('.') => return Err(HostFault::NoDot),
        Some(Host::Domain(_)) => None,
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        None => return Err(HostFault::NotAHost),
    };
    if address.is_some_and(|address| !address_allowed(address)) {
        return Err(HostFault::IsAnAddress);
    }
    named(text).ok_or(HostFault::NotAHost)
}

/// The host that a request names, as it is compared: in small letters, without the usual port.
#[must_use]
pub fn named(header: &str) -> Option<String> {
    let url = Url::parse(&format!("http://{}/", header.trim())).ok()?;
    if url.path() != "/" || !url.username().is_empty() || url.query().is_some() {
        return None;
    }
    let name = url.host_str()?.trim_end_matches('.');
    Some(match url.port() {
        Some(443) | None => name.to_owned(),
        Some(port) => format!("{name}:{port}"),
    })
}

/// A host (as `parse` and `named` give it) without its port.
#[must_use]
pub fn bare(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}

/// A host's name as DNS knows it; `None` when it is an address.
#[must_use]
pub fn name_of(host: &str) -> Option<&str> {
    let name = bare(host);
    let is_address = name.starts_with('[') || name.parse::<IpAddr>().is_ok();
    (!is_address).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_says_what_is_wrong_with_others() {
        use HostFault::{IsAnAddress, NoDot, NotAHost};
        for (text, expected) in [
            (" Go.Example.com ", Ok("go.example.com")),
            ("go.example.com:80", Ok("go.example.com")),
            ("go.example.com:443", Ok("go.example.com")),
            ("go.example.com:8443", Ok("go.example.com:8443")),
            ("https://go.example.com", Err(NotAHost)),
            ("go.example.com/x", Err(NotAHost)),
            ("user@go.example.com", Err(NotAHost)),
            ("go example.com", Err(NotAHost)),
            ("", Err(NotAHost)),
            ("localhost", Err(NoDot)),
            ("127.0.0.1", Err(IsAnAddress)),
            ("0x7f.1", Err(IsAnAddress)),
            ("[::1]:80", Err(IsAnAddress)),
        ] {
            assert_eq!(parse(text, |_| false).as_deref(), expected.as_ref().map(|name| *name), "{text}");
        }
        assert_eq!(parse("127.0.0.1:8080", |address| address.is_loopback()).as_deref(), Ok("127.0.0.1:8080"));
        assert_eq!(named("GO.example.com.:443").as_deref(), Some("go.example.com"));
        assert_eq!(named("go.example.com/../x"), None);
        for (host, alone, in_dns) in [
            ("go.example.com:8443", "go.example.com", Some("go.example.com")),
            ("go.example.com", "go.example.com", Some("go.example.com")),
            ("127.0.0.1:8080", "127.0.0.1", None),
            ("[::1]:8080", "[::1]", None),
            ("[::1]", "[::1]", None),
        ] {
            assert_eq!((bare(host), name_of(host)), (alone, in_dns), "{host}");
        }
    }
}
