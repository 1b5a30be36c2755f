//! Whose packets are heard: the negotiated address, or the one behind a translator that proves itself, and one
//! synchronisation source at a time. A stranger cannot take over a stream that is alive.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// From where audio is taken when it does not come from the negotiated address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Latch {
    /// From the negotiated address alone.
    Never,
    /// From another port of the negotiated host.
    #[default]
    SameHost,
    /// From anywhere: for far ends behind a translator that tell a private address.
    Anywhere,
}

/// Packets in a row that a newcomer must send to be believed.
const PROBATION: u8 = 3;
/// A stream that was heard within this time is not given up for another address.
const ADDRESS_QUIET: Duration = Duration::from_secs(2);
/// A stream that was heard within this time is not given up for another source at the same address.
const SSRC_QUIET: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    next_sequence: u16,
    run: u8,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Refused,
    Heard,
    /// The first packet of a stream: what was buffered of another is void.
    HeardAnew,
}

/// The far end as it is known so far.
#[derive(Debug)]
pub struct Source {
    negotiated: SocketAddr,
    latch: Latch,
    current: Option<(SocketAddr, u32)>,
    heard_at: Option<Instant>,
    candidate: Option<Candidate>,
}

impl Source {
    #[must_use]
    pub fn new(negotiated: SocketAddr, latch: Latch) -> Self {
        Self { negotiated, latch, current: None, heard_at: None, candidate: None }
    }

    /// Where to send to: the address that was latched on, or the negotiated one.
    #[must_use]
    pub fn target(&self) -> SocketAddr {
        self.current.map_or(self.negotiated, |(address, _)| address)
    }

    /// A new agreement: a new address begins anew, the same one keeps what was latched.
    pub fn renegotiate(&mut self, negotiated: SocketAddr) {
        if negotiated != self.negotiated {
            *self = Self::new(negotiated, self.latch);
        }
    }

    /// Whether anything from this address could be heard: asked before any cipher is spent on a packet.
    #[must_use]
    pub fn may_come_from(&self, from: SocketAddr) -> bool {
        from == self.negotiated
            || self.current.is_some_and(|(address, _)| address == from)
            || match self.latch {
                Latch::Never => false,
                Latch::SameHost => from.ip() == self.negotiated.ip(),
                Latch::Anywhere => true,
            }
    }

    /// Takes or refuses a packet.
    pub fn admit(&mut self, from: SocketAddr, ssrc: u32, sequence: u16, now: Instant) -> Admission {
        if !self.may_come_from(from) {
            return Admission::Refused;
        }
        let admission = match self.current {
            Some(current) if current == (from, ssrc) => Admission::Heard,
            None if from == self.negotiated => Admission::HeardAnew,
            // The negotiated address may always take over from a latched one.
            Some((address, _)) if from == self.negotiated && address != from => self.probe(from, ssrc, sequence),
            Some((address, _)) => {
                let quiet = if address == from { SSRC_QUIET } else { ADDRESS_QUIET };
                if self.heard_at.is_some_and(|heard| now.saturating_duration_since(heard) < quiet) { Admission::Refused } else { self.probe(from, ssrc, sequence) }
            }
            None => self.probe(from, ssrc, sequence),
        };
        if admission != Admission::Refused {
            self.current = Some((from, ssrc));
            self.heard_at = Some(now);
            self.candidate = None;
        }
        admission
    }

    fn probe(&mut self, from: SocketAddr, ssrc: u32, sequence: u16) -> Admission {
        let run = match self.candidate {
            Some(known) if (known.from, known.ssrc, known.next_sequence) == (from, ssrc, sequence) => known.run + 1,
            _ => 1,
        };
        if run >= PROBATION {
            return Admission::HeardAnew;
        }
        self.candidate = Some(Candidate { from, ssrc, next_sequence: sequence.wrapping_add(1), run });
        Admission::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn the_negotiated_address_is_heard_at_once_and_a_strange_host_never() {
        let now = Instant::now();
        let mut source = Source::new(address("192.0.2.1:4000"), Latch::SameHost);
        for sequence in 0..100 {
            assert_eq!(source.admit(address("198.51.100.9:4000"), 5, sequence, now), Admission::Refused);
        }
        assert_eq!(source.admit(address("192.0.2.1:4000"), 7, 1, now), Admission::HeardAnew);
        assert_eq!(source.admit(address("192.0.2.1:4000"), 7, 2, now), Admission::Heard);
    }

    #[test]
    fn another_port_of_the_host_proves_itself_by_three_in_a_row() {
        let now = Instant::now();
        let mut source = Source::new(address("192.0.2.1:4000"), Latch::SameHost);
        let behind = address("192.0.2.1:61000");
        assert_eq!(source.admit(behind, 7, 1, now), Admission::Refused);
        assert_eq!(source.admit(behind, 7, 3, now), Admission::Refused);
        assert_eq!(source.admit(behind, 7, 4, now), Admission::Refused);
        assert_eq!(source.admit(behind, 7, 5, now), Admission::HeardAnew);
        assert_eq!(source.target(), behind);
    }

    #[test]
    fn a_living_stream_is_not_taken_over() {
        let start = Instant::now();
        let mut source = Source::new(address("192.0.2.1:4000"), Latch::Anywhere);
        source.admit(address("192.0.2.1:4000"), 7, 1, start);
        for sequence in 0..50u16 {
            let now = at(start, u64::from(sequence) * 20);
            assert_eq!(source.admit(address("203.0.113.5:9"), 66, sequence, now), Admission::Refused);
            assert_eq!(source.admit(address("192.0.2.1:4000"), 66, sequence, now), Admission::Refused);
            assert_eq!(source.admit(address("192.0.2.1:4000"), 7, sequence + 2, now), Admission::Heard);
        }
        let late = at(start, 5_000);
        let answers: Vec<_> = (0..3).map(|sequence| source.admit(address("203.0.113.5:9"), 66, sequence, late)).collect();
        assert_eq!(answers, [Admission::Refused, Admission::Refused, Admission::HeardAnew]);
    }

    #[test]
    fn a_flood_of_random_sources_changes_nothing() {
        let start = Instant::now();
        let mut source = Source::new(address("192.0.2.1:4000"), Latch::SameHost);
        source.admit(address("192.0.2.1:4000"), 7, 1, start);
        let later = at(start, 10_000);
        for n in 0..10_000u32 {
            assert_eq!(source.admit(address("192.0.2.1:4000"), n.wrapping_mul(2_654_435_761) | 8, n as u16, later), Admission::Refused);
        }
        assert_eq!(source.admit(address("192.0.2.1:4000"), 7, 2, later), Admission::Heard);
    }
}
