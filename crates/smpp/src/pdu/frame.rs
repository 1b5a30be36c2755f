//! Cutting a stream of octets into frames by `command_length` alone, so that nothing inside one PDU,
//! however wrong, can reach the next.

use super::HEADER_BYTES;
use super::command::CommandId;
use super::decode::{DecodeError, Undecodable};

/// The longest PDU that is read whole; a longer one is skipped and answered with `generic_nack`.
pub const FRAME_MAX_BYTES: usize = 64 * 1024;
/// Beyond this a `command_length` is noise, and the stream cannot be trusted any further.
const SKIP_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What the stream holds next.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// One whole PDU, header included.
    Whole(&'a [u8]),
    /// A PDU too long to read; its octets are being skipped.
    Skipped(DecodeError),
    /// More octets are needed.
    Incomplete,
    /// `command_length` is impossible: there is no telling where the next PDU begins. Close the session.
    Lost(DecodeError),
}

/// A growing window over the octets of one stream.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Octets before this are done with.
    start: usize,
    /// Octets after this are room.
    end: usize,
    /// Octets of an oversized PDU that are still to come.
    skip: usize,
}

impl Framer {
    /// Room for the next read, at least `bytes_min` octets.
    pub fn room(&mut self, bytes_min: usize) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.buffer.len() - self.end < bytes_min {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.buffer.len() - self.end < bytes_min {
                self.buffer.resize(self.end + bytes_min, 0);
            }
        }
        &mut self.buffer[self.end..]
    }

    /// Says how many octets of [`Framer::room`] were filled.
    pub fn filled(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.buffer.len());
    }

    /// The next frame.
    pub fn next_frame(&mut self) -> Frame<'_> {
        let skipped = self.skip.min(self.end - self.start);
        self.start += skipped;
        self.skip -= skipped;
        let available = &self.buffer[self.start..self.end];
        if self.skip > 0 || available.len() < HEADER_BYTES {
            return self.short_header();
        }
        let length = usize::try_from(header_word(available, 0)).unwrap_or(usize::MAX);
        if !(HEADER_BYTES..=SKIP_MAX_BYTES).contains(&length) {
            return Frame::Lost(header_error(available, Undecodable::Headerless));
        }
        if length > FRAME_MAX_BYTES {
            let error = header_error(available, Undecodable::Oversized);
            self.skip = length;
            return Frame::Skipped(error);
        }
        if available.len() < length {
            return Frame::Incomplete;
        }
        let start = self.start;
        self.start += length;
        Frame::Whole(&self.buffer[start..start + length])
    }

    /// A `command_length` under 16 is seen as soon as its four octets are there: a peer that sends only
    /// those would otherwise never be answered.
    fn short_header(&self) -> Frame<'_> {
        let available = &self.buffer[self.start..self.end];
        let impossible = self.skip == 0
            && available.len() >= 4
            && header_word(available, 0) < HEADER_BYTES as u32;
        match impossible {
            true => Frame::Lost(header_error(available, Undecodable::Headerless)),
            false => Frame::Incomplete,
        }
    }
}

fn header_word(octets: &[u8], at: usize) -> u32 {
    let word = octets.get(at..at + 4).unwrap_or_default();
    word.iter()
        .fold(0, |sum, &octet| sum << 8 | u32::from(octet))
}

fn header_error(octets: &[u8], why: Undecodable) -> DecodeError {
    DecodeError {
        command: CommandId(header_word(octets, 4)),
        sequence: header_word(octets, 12),
        why,
    }
}
