//! Emptying a socket by one system call for many packets.

use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, recvmmsg};

enum Headers {
    V4(MultiHeaders<SockaddrIn>),
    V6(MultiHeaders<SockaddrIn6>),
}

/// Room for the packets of one call, used for one socket after the other. Longer packets are cut.
pub struct Inbox<const PACKETS: usize, const BYTES: usize> {
    headers: Headers,
    packets: Box<[[u8; BYTES]; PACKETS]>,
}

type Received<const PACKETS: usize> = [(usize, SocketAddr); PACKETS];

fn call<'a, S: SockaddrLike + Copy, const PACKETS: usize, const BYTES: usize>(socket: &impl AsRawFd, headers: &'a mut MultiHeaders<S>, packets: &'a mut [[u8; BYTES]; PACKETS], received: &mut Received<PACKETS>, plain: impl Fn(S) -> SocketAddr) -> usize {
    let mut slices = packets.each_mut().map(|packet| [IoSliceMut::new(packet)]);
    // An error is most often that nothing waits; an ICMP refusal is the far end's own loss.
    let Ok(results) = recvmmsg(socket.as_raw_fd(), headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) else { return 0 };
    let mut count = 0;
    for (place, message) in received.iter_mut().zip(results) {
        if let Some(from) = message.address {
            *place = (message.bytes, plain(from));
        } else {
            place.0 = 0;
        }
        count += 1;
    }
    count
}

impl<const PACKETS: usize, const BYTES: usize> Inbox<PACKETS, BYTES> {
    #[must_use]
    pub fn new(v6: bool) -> Self {
        let headers = if v6 { Headers::V6(MultiHeaders::preallocate(PACKETS, None)) } else { Headers::V4(MultiHeaders::preallocate(PACKETS, None)) };
        let packets: Box<[[u8; BYTES]]> = vec![[0; BYTES]; PACKETS].into_boxed_slice();
        Self { headers, packets: packets.try_into().unwrap_or_else(|_| unreachable!("made with this length")) }
    }

    /// Hands over the packets that wait, by so many calls at most; returns how many. What a flood leaves behind waits in the
    /// kernel, and is dropped there.
    pub fn empty(&mut self, socket: &impl AsRawFd, calls_max: usize, mut take: impl FnMut(&mut [u8], SocketAddr)) -> u64 {
        let mut all = 0;
        for _ in 0..calls_max {
            let mut received = [(0, SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))); PACKETS];
            let count = match &mut self.headers {
                Headers::V4(headers) => call(socket, headers, &mut self.packets, &mut received, |from: SockaddrIn| SocketAddr::V4(SocketAddrV4::from(from))),
                Headers::V6(headers) => call(socket, headers, &mut self.packets, &mut received, |from: SockaddrIn6| SocketAddr::V6(SocketAddrV6::from(from))),
            };
            for (packet, (length, from)) in self.packets.iter_mut().zip(received).take(count) {
                take(&mut packet[..length.min(BYTES)], from);
            }
            all += count as u64;
            if count < PACKETS {
                break;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn packets_come_whole_and_in_order_up_to_the_limit() {
        let (from, to) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        for n in 0..10u8 {
            from.send_to(&vec![n; usize::from(n) * 10], to.local_addr().unwrap()).unwrap();
        }
        let mut inbox = Inbox::<3, 64>::new(false);
        let mut seen = Vec::new();
        let mut empty = |calls| inbox.empty(&to, calls, |packet, address| seen.push((packet.to_vec(), address)));
        assert_eq!([empty(2), empty(8), empty(8)], [6, 4, 0]);
        for (n, (packet, address)) in (0u8..).zip(seen) {
            assert_eq!(packet, vec![n; (usize::from(n) * 10).min(64)]);
            assert_eq!(address, from.local_addr().unwrap());
        }
    }
}
