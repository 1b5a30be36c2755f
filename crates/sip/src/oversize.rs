//! Requests that are too large for a datagram (RFC 3261, section 18.1.1): they go to the same place by a stream, and as datagrams
//! after all where that place takes no streams.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::hop::{Destination, Hop, Transport};

/// Larger ones may not fit the path, whose width is not known.
pub const REQUEST_BYTES_MAX: usize = 1_300;
/// How long a connection may take to come about. The system's first call may be lost, and is repeated within this time.
pub const CONNECT_MAX: Duration = Duration::from_millis(2_500);
/// For how long a place that took no stream is not asked again: a wall that swallows the attempt costs each call `CONNECT_MAX`.
const REFUSED_FOR: Duration = Duration::from_secs(600);
/// Places that are remembered; what is forgotten is only asked anew.
const PLACES_MAX: usize = 1_024;

enum Takes {
    Streams,
    DatagramsUntil(Instant),
}

/// What is known of places that we send large requests to.
#[derive(Default)]
pub struct Places(HashMap<String, Takes>);

impl Places {
    /// Where a request of this size goes instead, when it would go as a datagram and is too large for one.
    #[must_use]
    pub fn instead(&self, now: Instant, to: &Destination, bytes: usize) -> Option<Destination> {
        let (place, stream) = by_stream(to, bytes)?;
        match self.0.get(&place) {
            Some(Takes::DatagramsUntil(until)) if now < *until => None,
            _ => Some(stream),
        }
    }

    /// The same for an ACK, of whose failure nobody would hear: only where streams were seen to be taken.
    #[must_use]
    pub fn surely_instead(&self, to: &Destination, bytes: usize) -> Option<Destination> {
        let (place, stream) = by_stream(to, bytes)?;
        matches!(self.0.get(&place), Some(Takes::Streams)).then_some(stream)
    }

    pub fn took(&mut self, to: &Destination) {
        self.note(to, Takes::Streams);
    }

    pub fn refused(&mut self, now: Instant, to: &Destination) {
        self.note(to, Takes::DatagramsUntil(now + REFUSED_FOR));
    }

    fn note(&mut self, to: &Destination, takes: Takes) {
        let Some((place, _)) = by_stream(to, usize::MAX) else { return };
        if self.0.len() >= PLACES_MAX && !self.0.contains_key(&place) {
            self.0.clear();
        }
        self.0.insert(place, takes);
    }
}

/// The place's name, and the way to it by a stream; `None` for what fits, or goes by a stream anyway.
fn by_stream(to: &Destination, bytes: usize) -> Option<(String, Destination)> {
    if bytes <= REQUEST_BYTES_MAX {
        return None;
    }
    match to {
        Destination::Hop(Hop { transport: Transport::Udp, address, .. }) => Some((address.to_string(), Destination::Hop(Hop { transport: Transport::Tcp, address: *address, tls: None }))),
        Destination::Name { transport: Transport::Udp, host, port, turn, .. } => {
            let stream = Destination::Name { transport: Transport::Tcp, host: host.clone(), port: *port, tls: None, turn: *turn };
            Some((format!("{host}:{}", port.unwrap_or_default()), stream))
        }
        _ => None,
    }
}
