//! Via: where a request came by, and where its response goes (RFC 3261, section 18.2; RFC 3581).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::params::Params;
use crate::uri::{bracketed, host_port};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// UDP, TCP, TLS or what else was written.
    pub transport: String,
    pub host: String,
    pub port: Option<u16>,
    pub params: Params,
}

impl Via {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (protocol, rest) = text.trim().split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        if !protocol.trim().eq_ignore_ascii_case("SIP") || version.trim() != "2.0" {
            return None;
        }
        let (transport, rest) = rest.trim_start().split_once([' ', '\t'])?;
        let (place, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = host_port(place)?;
        Some(Self { transport: transport.to_ascii_uppercase(), host, port, params: Params::parse(params) })
    }

    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch").filter(|branch| !branch.is_empty())
    }

    /// Notes where the request really came from.
    pub fn receive_from(&mut self, source: SocketAddr) {
        let rport = self.params.has("rport");
        if rport {
            self.params.set("rport", Some(source.port().to_string()));
        }
        if rport || self.host.parse::<IpAddr>().ok() != Some(source.ip()) {
            self.params.set("received", Some(source.ip().to_string()));
        }
    }

    /// Where an unreliable response goes.
    #[must_use]
    pub fn response_address(&self, source: SocketAddr) -> SocketAddr {
        let port = match self.params.get("rport").and_then(|port| port.parse().ok()) {
            Some(port) => port,
            None => self.port.unwrap_or(5060),
        };
        SocketAddr::new(source.ip(), port)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, bracketed(&self.host))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_spaces_and_a_source_behind_a_translator() {
        let mut via = Via::parse("SIP / 2.0 / udp 192.0.2.1 : 5070 ; branch=z9hG4bKx;rport").expect("a via");
        let source: SocketAddr = "198.51.100.9:1024".parse().expect("an address");
        assert_eq!((via.transport.as_str(), via.port, via.branch()), ("UDP", Some(5070), Some("z9hG4bKx")));
        via.receive_from(source);
        assert_eq!(via.response_address(source), source);
        assert_eq!(via.to_string(), "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKx;rport=1024;received=198.51.100.9");
    }

    #[test]
    fn without_rport_the_port_is_the_senders_own() {
        let source: SocketAddr = "192.0.2.1:1024".parse().expect("an address");
        let mut via = Via::parse("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx").expect("a via");
        via.receive_from(source);
        assert!(!via.params.has("received"));
        assert_eq!(via.response_address(source).port(), 5060);
        for text in ["", "SIP/2.0/UDP", "SIP/3.0/UDP h", "HTTP/2.0/UDP h", "SIP/2.0/UDP :5060", "SIP/2.0/UDP h:x"] {
            assert_eq!(Via::parse(text), None, "{text}");
        }
    }
}
