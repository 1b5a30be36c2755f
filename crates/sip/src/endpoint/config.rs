//! Where an endpoint listens, and how it is to be reached.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::call::{CallRules, Redirects};
use crate::tls::{TlsError, acceptor};
use crate::transaction::Timers;
use crate::transport::Sockets;
use crate::wire::Advertised;

/// Room for a burst of a few thousand messages while the thread is busy.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// Ports of the system's choice that are tried for one that is free of both kinds.
const PORTS_MAX: usize = 32;

#[derive(Clone)]
pub struct TlsListener {
    pub address: SocketAddr,
    pub certificate_pem: Vec<u8>,
    pub key_pem: Vec<u8>,
}

#[derive(Clone)]
pub struct EndpointConfig {
    pub udp: Option<SocketAddr>,
    pub tcp: Option<SocketAddr>,
    pub tls: Option<TlsListener>,
    /// The address in Via and Contact, when it is not the one bound: behind a translator, or bound to all.
    pub public_address: Option<IpAddr>,
    pub timers: Timers,
    pub user_agent: String,
    /// Take calls from outside; without it they are answered 403.
    pub incoming: bool,
    /// The shortest session interval that a call from outside may ask for (RFC 4028).
    pub session_min: std::time::Duration,
    /// In a call from outside, the wait for any answer to a request of ours before the next server of the name that it goes to is asked.
    pub silence_max: std::time::Duration,
    /// Whom to ask for names; the system's when empty.
    pub name_servers: Vec<SocketAddr>,
}

impl EndpointConfig {
    /// UDP and TCP at one address, no calls from outside.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            udp: Some(address),
            tcp: Some(address),
            tls: None,
            public_address: None,
            timers: Timers::default(),
            user_agent: concat!("Clarion/", env!("CARGO_PKG_VERSION")).to_owned(),
            incoming: false,
            session_min: std::time::Duration::from_secs(90),
            silence_max: std::time::Duration::from_secs(4),
            name_servers: Vec::new(),
        }
    }

    pub(super) fn incoming_rules(&self) -> Option<CallRules> {
        self.incoming.then_some(CallRules {
            credentials: None,
            session_expires: None,
            session_min: self.session_min,
            reliable_provisional: true,
            silence_max: self.silence_max,
            redirects: Redirects::End,
        })
    }

    pub(super) fn sockets(&self) -> Result<(Sockets, Advertised), BindError> {
        let addresses: Vec<SocketAddr> = [self.udp, self.tcp, self.tls.as_ref().map(|tls| tls.address)].into_iter().flatten().collect();
        let first = addresses.first().ok_or(BindError::Nowhere)?;
        if addresses.iter().any(|address| address.is_ipv6() != first.is_ipv6()) {
            return Err(BindError::Families);
        }
        let refused = |address| move |source| BindError::Address { address, source };
        let (udp, tcp) = match (self.udp, self.tcp) {
            // Port zero for both means the same port, as a real one would.
            (Some(address), Some(tcp)) if address == tcp && address.port() == 0 => {
                let (udp, tcp) = same_port(address, listener).map_err(refused(address))?;
                (Some(udp), Some(tcp))
            }
            (udp, tcp) => {
                let udp = udp.map(|address| datagrams(address).map_err(refused(address))).transpose()?;
                (udp, tcp.map(|address| listener(address).map_err(refused(address))).transpose()?)
            }
        };
        let bound = udp.as_ref().and_then(|udp| udp.local_addr().ok());
        let tls = self.tls.as_ref().map(|tls| -> Result<_, BindError> {
            let acceptor = acceptor(&tls.certificate_pem, &tls.key_pem)?;
            Ok((listener(tls.address).map_err(refused(tls.address))?, acceptor))
        }).transpose()?;
        let reach = |bound: Option<SocketAddr>| -> Result<Option<SocketAddr>, BindError> {
            let Some(bound) = bound else { return Ok(None) };
            let ip = self.public_address.unwrap_or(bound.ip());
            if ip.is_unspecified() { Err(BindError::PublicAddress) } else { Ok(Some(SocketAddr::new(ip, bound.port()))) }
        };
        let advertised = Advertised {
            udp: reach(bound)?,
            tcp: reach(tcp.as_ref().and_then(|tcp| tcp.local_addr().ok()))?,
            tls: reach(tls.as_ref().and_then(|(tls, _)| tls.local_addr().ok()))?,
        };
        Ok((Sockets { udp, tcp, tls, v6: first.is_ipv6() }, advertised))
    }
}

/// The system chooses the port among those free of datagrams; of streams it may be taken, and then another is tried.
fn same_port(address: SocketAddr, mut listener: impl FnMut(SocketAddr) -> std::io::Result<TcpListener>) -> std::io::Result<(UdpSocket, TcpListener)> {
    // Held until the end, so that no port is offered twice.
    let mut taken = Vec::new();
    loop {
        let udp = datagrams(address)?;
        match listener(SocketAddr::new(address.ip(), udp.local_addr()?.port())) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && taken.len() + 1 < PORTS_MAX => taken.push(udp),
            Err(error) => return Err(error),
        }
    }
}

fn datagrams(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // The system may allow less; what it gives is taken.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("SIP needs at least one address to listen at")]
    Nowhere,
    #[error("the addresses of SIP must all be IPv4 or all IPv6")]
    Families,
    #[error("SIP cannot listen at {address}: {source}")]
    Address { address: SocketAddr, source: std::io::Error },
    #[error("SIP listens at every address: name the public address that others shall use")]
    PublicAddress,
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the SIP thread cannot be started: {0}")]
    Thread(std::io::Error),
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    fn anywhere() -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }

    #[test]
    fn a_port_that_is_taken_for_streams_gives_way_to_another() {
        let mut asked = Vec::new();
        let (udp, tcp) = same_port(anywhere(), |address| {
            asked.push(address.port());
            // Somebody was faster, twice.
            let _first = (asked.len() <= 2).then(|| TcpListener::bind(address));
            listener(address)
        })
        .expect("sockets");
        assert_eq!(asked.len(), 3);
        assert!(asked[0] != asked[1] && asked[1] != asked[2] && asked[0] != asked[2], "{asked:?}");
        assert_eq!(udp.local_addr().expect("a port").port(), asked[2]);
        assert_eq!(tcp.local_addr().expect("a port").port(), asked[2]);
    }

    #[test]
    fn the_search_for_a_port_ends() {
        let mut asked = 0;
        let error = same_port(anywhere(), |_| {
            asked += 1;
            Err(ErrorKind::AddrInUse.into())
        })
        .expect_err("none is free");
        assert_eq!((error.kind(), asked), (ErrorKind::AddrInUse, PORTS_MAX));
        let mut asked = 0;
        let error = same_port(anywhere(), |_| {
            asked += 1;
            Err(ErrorKind::PermissionDenied.into())
        });
        assert_eq!((error.map(|_| ()).map_err(|error| error.kind()), asked), (Err(ErrorKind::PermissionDenied), 1), "another fault is no port's");
    }

    #[test]
    fn a_port_that_was_named_is_not_replaced() {
        let holder = TcpListener::bind(anywhere()).expect("a listener");
        let address = holder.local_addr().expect("a port");
        match EndpointConfig::new(address).sockets().map(|_| ()) {
            Err(BindError::Address { address: named, source }) => assert_eq!((named, source.kind()), (address, ErrorKind::AddrInUse)),
            other => panic!("{other:?}"),
        }
    }
}
