//! How well a stream arrives, counted as RFC 3550 does (appendix A.3, A.8), and RTCP reports of it to the far end.

use std::time::{Duration, Instant};

use super::SAMPLE_RATE_HZ;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BLOCK: usize = 24;
/// The longest report that is written, with room for SRTCP's trailer.
pub const REPORT_MAX: usize = 128;

/// The quality of a leg so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quality {
    pub packets_received: u64,
    pub packets_lost: u64,
    pub jitter_ms: u32,
    /// What the far end says it loses of our packets, in 1/256, as last told.
    pub far_end_loss_256: Option<u8>,
}

#[derive(Debug, Default)]
pub struct Reception {
    ssrc: u32,
    started: bool,
    first: u32,
    highest: u32,
    received: u64,
    earlier: (u64, u64),
    reported: (u64, u64),
    jitter: f64,
    transit: Option<i64>,
    far_end_loss: Option<u8>,
    /// Middle of the far end's last NTP time, and when it came.
    last_report: Option<(u32, Instant)>,
}

impl Reception {
    /// Counts a packet that was taken.
    pub fn count(&mut self, ssrc: u32, sequence: u16, timestamp: u32, since_start: Duration) {
        if !self.started || ssrc != self.ssrc {
            let (expected, received) = self.totals();
            *self = Self { ssrc, started: true, first: u32::from(sequence), highest: u32::from(sequence), earlier: (expected, received), reported: self.reported, far_end_loss: self.far_end_loss, ..Self::default() };
        }
        let ahead = sequence.wrapping_sub(self.highest as u16) as i16;
        if ahead > 0 {
            self.highest = self.highest.wrapping_add(ahead as u32);
        }
        self.received += 1;
        let arrival = (since_start.as_micros() * u128::from(SAMPLE_RATE_HZ) / 1_000_000) as i64;
        let transit = arrival.wrapping_sub(i64::from(timestamp));
        if let Some(before) = self.transit.replace(transit) {
            // Both clocks wrap at 32 bits; a jump of the far end's clock is no jitter.
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            if difference < SAMPLE_RATE_HZ {
                self.jitter += (f64::from(difference) - self.jitter) / 16.0;
            }
        }
    }

    /// Expected and received, of all streams.
    fn totals(&self) -> (u64, u64) {
        let expected = if self.started { u64::from(self.highest.wrapping_sub(self.first)) + 1 } else { 0 };
        (self.earlier.0 + expected, self.earlier.1 + self.received)
    }

    #[must_use]
    pub fn quality(&self) -> Quality {
        let (expected, received) = self.totals();
        Quality { packets_received: received, packets_lost: expected.saturating_sub(received), jitter_ms: (self.jitter * 1_000.0 / f64::from(SAMPLE_RATE_HZ)) as u32, far_end_loss_256: self.far_end_loss }
    }

    /// Takes a compound packet from the far end.
    pub fn take(&mut self, packet: &[u8], our_ssrc: u32, now: Instant) {
        let mut rest = packet;
        while let [first, kind, high, low, ..] = *rest {
            let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
            let Some(one) = rest.get(..length).filter(|_| first >> 6 == 2) else { return };
            let blocks = match kind {
                SENDER_REPORT => {
                    if let Some(Ok(middle)) = one.get(10..14).map(TryInto::try_into) {
                        self.last_report = Some((u32::from_be_bytes(middle), now));
                    }
                    one.get(28..)
                }
                RECEIVER_REPORT => one.get(8..),
                _ => None,
            };
            for block in blocks.unwrap_or_default().chunks_exact(BLOCK).take(usize::from(first & 0x1f)) {
                if block[..4] == our_ssrc.to_be_bytes() {
                    self.far_end_loss = Some(block[4]);
                }
            }
            rest = &rest[length..];
        }
    }

    /// Writes a sender report with one block and a description without a name of anybody.
    pub fn report(&mut self, our_ssrc: u32, timestamp: u32, sent: (u32, u32), since_start: Duration, now: Instant, buffer: &mut [u8; REPORT_MAX]) -> usize {
        let blocks = u8::from(self.started);
        let words = 6 + 6 * u16::from(blocks);
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            buffer[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&[0x80 | blocks, SENDER_REPORT]);
        put(&words.to_be_bytes());
        put(&our_ssrc.to_be_bytes());
        // Time since the leg began: the RFC allows it where the time of day is nobody's business.
        put(&(since_start.as_secs() as u32).to_be_bytes());
        put(&(((u64::from(since_start.subsec_nanos())) << 32) / 1_000_000_000).to_be_bytes()[4..]);
        put(&timestamp.to_be_bytes());
        put(&sent.0.to_be_bytes());
        put(&sent.1.to_be_bytes());
        if self.started {
            put(&self.block(now));
        }
        put(&[0x81, DESCRIPTION, 0, 3]);
        put(&our_ssrc.to_be_bytes());
        put(&[1, 1, b'-', 0, 0, 0, 0, 0]);
        at
    }

    fn block(&mut self, now: Instant) -> [u8; BLOCK] {
        let (expected, received) = self.totals();
        let (new_expected, new_received) = (expected - self.reported.0.min(expected), received - self.reported.1.min(received));
        self.reported = (expected, received);
        let fraction = (new_expected.saturating_sub(new_received) * 256).checked_div(new_expected).unwrap_or(0).min(255);
        let lost = expected.saturating_sub(received).min(0x7f_ffff) as u32;
        let (last, delay) = self.last_report.map_or((0, 0), |(middle, at)| (middle, (now.saturating_duration_since(at).as_millis() * 65_536 / 1_000) as u32));
        let mut block = [0; BLOCK];
        for (place, word) in block.as_chunks_mut::<4>().0.iter_mut().zip([self.ssrc, (fraction as u32) << 24 | lost, self.highest, self.jitter as u32, last, delay]) {
            *place = word.to_be_bytes();
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_jitter_are_counted_and_reported() {
        let now = Instant::now();
        let mut reception = Reception::default();
        for n in (0..100u32).filter(|n| n % 10 != 5) {
            reception.count(7, (65_500 + n) as u16, n * 160, Duration::from_millis(u64::from(n) * 20 + u64::from(n % 2) * 8));
        }
        let quality = reception.quality();
        assert_eq!((quality.packets_received, quality.packets_lost), (90, 10));
        assert!((5..=8).contains(&quality.jitter_ms), "{quality:?}");

        let mut buffer = [0; REPORT_MAX];
        let length = reception.report(9, 1_000, (50, 8_000), Duration::from_millis(2_500), now, &mut buffer);
        assert_eq!(length, 28 + 24 + 16);
        assert_eq!(buffer[..4], [0x81, 200, 0, 12]);
        assert_eq!(u32::from_be_bytes(buffer[12..16].try_into().unwrap()), 1 << 31, "half a second as NTP has it");
        let mut far = Reception::default();
        far.take(&buffer[..length], 7, now);
        assert_eq!(far.quality().far_end_loss_256, Some(25));
        assert!(far.last_report.is_some());
    }

    #[test]
    fn another_source_keeps_what_was_counted() {
        let mut reception = Reception::default();
        reception.count(1, 10, 0, Duration::ZERO);
        reception.count(1, 13, 480, Duration::from_millis(60));
        reception.count(2, 500, 0, Duration::from_millis(80));
        assert_eq!(reception.quality(), Quality { packets_received: 3, packets_lost: 2, ..Quality::default() });
    }

    #[test]
    fn cut_and_random_reports_harm_nothing() {
        let mut reception = Reception::default();
        let mut seed = 3u32;
        for length in 0..2_000usize {
            let packet: Vec<u8> = (0..length % 90).map(|n| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if n == 0 { 0x81 } else { (seed >> 24) as u8 }
            }).collect();
            reception.take(&packet, 1, Instant::now());
        }
        reception.take(&[0x81, 201, 0, 7, 0, 0, 0, 5], 1, Instant::now());
    }
}
