//! Where a message goes: an address with its transport, a name yet to be looked up, or a stream that is open.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::tls::TlsClient;
use crate::uri::{Scheme, Uri};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Transport {
    #[default]
    Udp,
    Tcp,
    Tls,
}

impl Transport {
    #[must_use]
    pub fn is_reliable(self) -> bool {
        self != Self::Udp
    }

    #[must_use]
    pub fn default_port(self) -> u16 {
        if self == Self::Tls { 5061 } else { 5060 }
    }

    /// As it stands in a Via.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text))
    }
}

/// One server of a trunk, looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    pub transport: Transport,
    pub address: SocketAddr,
    /// What to trust, over TLS.
    pub tls: Option<Arc<TlsClient>>,
}

/// An open connection, by the number that the task with the sockets gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId(pub u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    Hop(Hop),
    /// `turn` says with which of its servers to begin, counted on where the one before kept silent.
    Name { transport: Transport, host: String, port: Option<u16>, tls: Option<Arc<TlsClient>>, turn: u16 },
    /// The stream while it is open, and this address when it is not.
    Stream { id: StreamId, transport: Transport, address: SocketAddr },
}

impl Destination {
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::Hop(hop) => hop.transport,
            Self::Name { transport, .. } | Self::Stream { transport, .. } => *transport,
        }
    }

    /// Where a request to this URI goes (RFC 3263), by `like`'s transport and trust where it names none.
    #[must_use]
    pub fn of_uri(uri: &Uri, like: &Self) -> Self {
        let named = uri.params.get("transport").and_then(Transport::parse);
        let transport = if uri.scheme == Scheme::Sips { Transport::Tls } else { named.unwrap_or(like.transport()) };
        let tls = match like {
            Self::Hop(Hop { tls, .. }) | Self::Name { tls, .. } => tls.clone(),
            Self::Stream { .. } => None,
        };
        let place = uri.params.get("maddr").filter(|host| !host.is_empty()).unwrap_or(&uri.host);
        match place.parse() {
            Ok(ip) => Self::Hop(Hop { transport, address: SocketAddr::new(ip, uri.port.unwrap_or(transport.default_port())), tls }),
            Err(_) => Self::Name { transport, host: place.to_owned(), port: uri.port, tls, turn: 0 },
        }
    }
}
