//! The range of UDP ports for audio: an even one for RTP and the odd one after it for RTCP, taken in turn.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Mutex;

/// From the first to the last, both usable. A port that was given back rests as long as the range allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

#[derive(Debug)]
pub struct Ports {
    range: PortRange,
    next: Mutex<u16>,
}

/// The two sockets of a leg.
#[derive(Debug)]
pub struct Sockets {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
}

impl PortRange {
    /// How many legs fit.
    #[must_use]
    pub fn legs(self) -> usize {
        let first = usize::from(self.first).next_multiple_of(2);
        (usize::from(self.last) + 1).saturating_sub(first) / 2
    }
}

impl Ports {
    #[must_use]
    pub fn new(range: PortRange) -> Self {
        Self { range, next: Mutex::new(range.first) }
    }

    fn take(&self) -> u16 {
        let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let first = self.range.first.next_multiple_of(2);
        let port = if *next < first || *next >= self.range.last { first } else { *next };
        *next = port.saturating_add(2);
        port
    }

    /// The next pair of ports that nobody has.
    pub fn open(&self, address: IpAddr) -> io::Result<Sockets> {
        let mut error = io::Error::new(io::ErrorKind::AddrNotAvailable, "the range of ports for audio is empty");
        for _ in 0..self.range.legs() {
            let port = self.take();
            match open_pair(address, port) {
                Ok(sockets) => return Ok(sockets),
                // Out of descriptors, or no such address: another port does not help.
                Err(other) if other.kind() != io::ErrorKind::AddrInUse => return Err(other),
                Err(busy) => error = busy,
            }
        }
        Err(error)
    }
}

fn open_pair(address: IpAddr, port: u16) -> io::Result<Sockets> {
    let rtp = UdpSocket::bind(SocketAddr::new(address, port))?;
    let rtcp = UdpSocket::bind(SocketAddr::new(address, port + 1))?;
    rtp.set_nonblocking(true)?;
    rtcp.set_nonblocking(true)?;
    Ok(Sockets { rtp, rtcp })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn pairs_are_even_and_odd_and_go_round() {
        let ports = Ports::new(PortRange { first: 41_001, last: 41_006 });
        assert_eq!(PortRange { first: 41_001, last: 41_006 }.legs(), 2);
        let port = |sockets: &Sockets| sockets.rtp.local_addr().unwrap().port();
        let first = ports.open(HERE).unwrap();
        let second = ports.open(HERE).unwrap();
        assert_eq!((port(&first), port(&second)), (41_002, 41_004));
        assert_eq!(first.rtcp.local_addr().unwrap().port(), 41_003);
        assert_eq!(ports.open(HERE).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        assert_eq!(port(&ports.open(HERE).unwrap()), 41_002);
    }

    #[test]
    fn an_empty_range_opens_nothing() {
        assert!(Ports::new(PortRange { first: 41_101, last: 41_102 }).open(HERE).is_err());
    }
}
