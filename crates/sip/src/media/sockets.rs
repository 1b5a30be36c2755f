//! Emptying a socket by one system call for many packets.

use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, recvmmsg};

/// Packets of one call.
const BATCH: usize = 8;
/// Calls for one socket in one turn: what a flood leaves behind waits in the kernel, and is dropped there.
const CALLS: usize = 4;
/// Longer packets are cut, and are no audio then.
const PACKET_MAX: usize = 1_500;

enum Headers {
    V4(MultiHeaders<SockaddrIn>),
    V6(MultiHeaders<SockaddrIn6>),
}

/// Room for packets, used for one socket after the other.
pub(super) struct Inbox {
    headers: Headers,
    packets: Box<[[u8; PACKET_MAX]; BATCH]>,
}

type Received = [(usize, SocketAddr); BATCH];

fn call<'a, S: SockaddrLike + Copy>(socket: &UdpSocket, headers: &'a mut MultiHeaders<S>, packets: &'a mut [[u8; PACKET_MAX]; BATCH], received: &mut Received, plain: impl Fn(S) -> SocketAddr) -> usize {
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

impl Inbox {
    pub fn new(v6: bool) -> Self {
        let headers = if v6 { Headers::V6(MultiHeaders::preallocate(BATCH, None)) } else { Headers::V4(MultiHeaders::preallocate(BATCH, None)) };
        Self { headers, packets: Box::new([[0; PACKET_MAX]; BATCH]) }
    }

    /// Hands over all packets that wait, up to the limit; returns how many.
    pub fn empty(&mut self, socket: &UdpSocket, mut take: impl FnMut(&mut [u8], SocketAddr)) -> u64 {
        let mut all = 0;
        for _ in 0..CALLS {
            let mut received = [(0, SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))); BATCH];
            let count = match &mut self.headers {
                Headers::V4(headers) => call(socket, headers, &mut self.packets, &mut received, |from: SockaddrIn| SocketAddr::V4(SocketAddrV4::from(from))),
                Headers::V6(headers) => call(socket, headers, &mut self.packets, &mut received, |from: SockaddrIn6| SocketAddr::V6(SocketAddrV6::from(from))),
            };
            for (packet, (length, from)) in self.packets.iter_mut().zip(received).take(count) {
                take(&mut packet[..length.min(PACKET_MAX)], from);
            }
            all += count as u64;
            if count < BATCH {
                break;
            }
        }
        all
    }
}
