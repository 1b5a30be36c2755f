//! Octets that are ready to be written, and how far the writing has come: the line between lost and not sent.

/// A buffer with positions counted from the session's beginning.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    octets: Vec<u8>,
    start: usize,
    written: u64,
}

/// Beyond this nothing more is encoded, so that little is in doubt when a connection dies.
const FULL_BYTES: usize = 256 * 1024;

impl Outbox {
    /// What is to be written next.
    pub(super) fn ready(&self) -> &[u8] {
        &self.octets[self.start..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.octets.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.octets.len() - self.start >= FULL_BYTES
    }

    /// Appends, and says at which position the appended part ends.
    pub(super) fn append(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> u64 {
        encode(&mut self.octets);
        self.written + (self.octets.len() - self.start) as u64
    }

    /// The connection took this many octets.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.start += bytes;
        self.written += bytes as u64;
        if self.start == self.octets.len() {
            self.octets.clear();
            self.start = 0;
        } else if self.start > FULL_BYTES {
            self.octets.drain(..self.start);
            self.start = 0;
        }
    }

    /// Whether everything up to `position` was taken by the connection. A PDU that lacks even its last
    /// octet cannot have been acted on, since the peer frames by length.
    pub(super) fn has_written(&self, position: u64) -> bool {
        position <= self.written
    }
}
