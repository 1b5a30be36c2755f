//! The packets of a leg to the far end: sequence, timestamps, packet length, keys among the audio.

use super::g711;
use super::keys::Key;
use super::rtp::{HEADER, Header};
use super::{FRAME_SAMPLES, Frame};
use crate::negotiated::Codec;

/// The longest packet, 60 ms.
const PAYLOAD_MAX: usize = 480;
/// Room for SRTP's tag.
const TRAILER: usize = 16;

/// A packet that is ready, with the room that a cipher may use after it.
pub type Buffer = [u8; HEADER + PAYLOAD_MAX + TRAILER];

pub struct Outgoing {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    codec: Codec,
    packet_samples: usize,
    pending: [u8; PAYLOAD_MAX],
    pending_length: usize,
    marker: bool,
    event_timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

impl Outgoing {
    /// `chance` gives the source identifier and the two beginnings that RFC 3550 wants unpredictable.
    #[must_use]
    pub fn new(chance: u128) -> Self {
        let [ssrc, timestamp, rest] = [chance as u32, (chance >> 32) as u32, (chance >> 64) as u32];
        let sequence = (rest & 0x7fff) as u16;
        Self { ssrc, sequence, timestamp, codec: Codec::Pcma, packet_samples: FRAME_SAMPLES, pending: [0; PAYLOAD_MAX], pending_length: 0, marker: true, event_timestamp: 0, packets: 0, octets: 0 }
    }

    /// What was agreed on; packet lengths that are no multiple of 10 ms, or too long, are brought into range.
    pub fn agree(&mut self, codec: Codec, packet_ms: u8) {
        let samples = usize::from(packet_ms / 10 * 10).clamp(10, 60) * 8;
        if codec != self.codec || samples != self.packet_samples {
            self.timestamp = self.timestamp.wrapping_add(self.pending_length as u32);
            self.pending_length = 0;
        }
        self.codec = codec;
        self.packet_samples = samples;
    }

    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    #[must_use]
    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Time passes without a packet.
    pub fn skip(&mut self, frames: u32) {
        self.timestamp = self.timestamp.wrapping_add(self.pending_length as u32 + frames.wrapping_mul(FRAME_SAMPLES as u32));
        self.pending_length = 0;
        self.marker = true;
    }

    fn write(&mut self, buffer: &mut Buffer, marker: bool, payload_type: u8, timestamp: u32, payload: &[u8]) -> usize {
        let header = Header { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        let (head, rest) = buffer.split_at_mut(HEADER);
        if let Ok(head) = head.try_into() {
            header.write(head);
        }
        rest[..payload.len()].copy_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        HEADER + payload.len()
    }

    /// Takes 20 ms of audio and hands over what packets are full with it.
    pub fn audio(&mut self, frame: &Frame, mut send: impl FnMut(&mut Buffer, usize)) {
        let mut buffer = [0; HEADER + PAYLOAD_MAX + TRAILER];
        let mut rest: &[i16] = frame;
        while !rest.is_empty() {
            let room = self.packet_samples - self.pending_length;
            let taken = rest.len().min(room);
            g711::encode(self.codec, &rest[..taken], &mut self.pending[self.pending_length..]);
            self.pending_length += taken;
            rest = &rest[taken..];
            if self.pending_length == self.packet_samples {
                let payload = self.pending;
                let marker = std::mem::take(&mut self.marker);
                let length = self.write(&mut buffer, marker, self.codec.payload_type(), self.timestamp, &payload[..self.packet_samples]);
                self.timestamp = self.timestamp.wrapping_add(self.packet_samples as u32);
                self.pending_length = 0;
                send(&mut buffer, length);
            }
        }
    }

    /// 20 ms of a key as a telephone-event. At its end the packet goes three times.
    pub fn key(&mut self, payload_type: u8, key: Key, samples: u16, (first, last): (bool, bool), mut send: impl FnMut(&mut Buffer, usize)) {
        if first {
            self.timestamp = self.timestamp.wrapping_add(self.pending_length as u32);
            self.pending_length = 0;
            self.event_timestamp = self.timestamp;
        }
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        let [high, low] = samples.to_be_bytes();
        let payload = [key.event(), if last { 0x80 } else { 0 } | 10, high, low];
        let mut buffer = [0; HEADER + PAYLOAD_MAX + TRAILER];
        for _ in 0..if last { 3 } else { 1 } {
            let length = self.write(&mut buffer, first, payload_type, self.event_timestamp, &payload);
            send(&mut buffer, length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::key_receiver::KeyReceiver;

    fn headers(outgoing: &mut Outgoing, frames: usize) -> Vec<(Header, usize)> {
        let mut all = Vec::new();
        for _ in 0..frames {
            outgoing.audio(&[100; FRAME_SAMPLES], |buffer, length| all.push((Header::read(&buffer[..length]).unwrap().0, length - HEADER)));
        }
        all
    }

    #[test]
    fn any_packet_length_keeps_sequence_and_time_in_step() {
        for (packet_ms, packets) in [(10, 24), (20, 12), (30, 8), (40, 6), (60, 4)] {
            let mut outgoing = Outgoing::new(7);
            outgoing.agree(Codec::Pcmu, packet_ms);
            let all = headers(&mut outgoing, 12);
            assert_eq!(all.len(), packets, "{packet_ms}");
            assert!(all[0].0.marker && !all[1].0.marker);
            for pair in all.windows(2) {
                assert_eq!(pair[1].0.sequence, pair[0].0.sequence.wrapping_add(1));
                assert_eq!(pair[1].0.timestamp, pair[0].0.timestamp.wrapping_add(u32::from(packet_ms) * 8));
                assert_eq!(pair[0].1, usize::from(packet_ms) * 8);
                assert_eq!(pair[0].0.payload_type, 0);
            }
        }
    }

    #[test]
    fn odd_packet_lengths_are_brought_into_range() {
        for (asked, bytes) in [(0, 80), (1, 80), (25, 160), (200, 480), (255, 480)] {
            let mut outgoing = Outgoing::new(1);
            outgoing.agree(Codec::Pcma, asked);
            assert_eq!(headers(&mut outgoing, 4)[0].1, bytes, "{asked}");
        }
    }

    #[test]
    fn a_key_is_one_event_with_one_timestamp_and_audio_goes_on_after_it() {
        let mut outgoing = Outgoing::new(1 << 40);
        let before = headers(&mut outgoing, 1)[0].0;
        let mut receiver = KeyReceiver::default();
        let mut heard = Vec::new();
        let key = Key::from_char('9').unwrap();
        for n in 1..=6u16 {
            outgoing.key(101, key, n * 160, (n == 1, n == 6), |buffer, length| {
                let (header, start) = Header::read(&buffer[..length]).unwrap();
                assert_eq!(header.timestamp, before.timestamp.wrapping_add(160));
                heard.extend(receiver.take(header.timestamp, header.marker, &buffer[start..length]));
            });
        }
        assert_eq!(heard, [key]);
        let after = headers(&mut outgoing, 1)[0].0;
        assert_eq!(after.timestamp, before.timestamp.wrapping_add(7 * 160));
        assert_eq!(after.sequence, before.sequence.wrapping_add(9));
    }
}
