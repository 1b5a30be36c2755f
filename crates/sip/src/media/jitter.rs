//! The jitter buffer: a ring of samples by RTP timestamp, so that any packet length, order and doubling is the same to it.
//!
//! It adapts by two moves alone. Empty when a frame is due: it waits, which makes the delay a frame longer. Never
//! nearly empty for two seconds: it leaves out a frame, a quiet one if there is one. The delay is bounded by the ring. When all that
//! comes is too late, since the way has become longer or the far end's clock has stood still, it begins anew.

use super::{FRAME_SAMPLES, Frame};

/// Samples that the ring holds: 512 ms.
const RING: usize = 4_096;
const MASK: u32 = RING as u32 - 1;
const FRAME: i32 = FRAME_SAMPLES as i32;
/// Delay to begin with: 40 ms.
const START: u32 = 320;
/// The most that may wait to be played, 300 ms: beyond it the oldest is left out.
const DEPTH_MAX: i32 = 2_400;
/// Frames for which it waits when empty before it lets time pass.
const WAITS_MAX: u32 = 6;
/// A timestamp this far behind is a new start and no late packet: one second.
const RESTART: i32 = -8_000;
/// So many packets in a row that come too late, with nothing left to play, are a longer way and no stragglers.
const LATE_MAX: u32 = 4;
/// Frames over which the smallest depth is taken before delay is given back: 2 s.
const CALM_FRAMES: u32 = 100;

/// What a turn of the wheel got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// All of it was received.
    Whole,
    /// So many of the samples are missing, and zero.
    Missing(usize),
    /// Nothing at all.
    Nothing,
}

pub struct JitterBuffer {
    ring: Box<[i16; RING]>,
    have: Box<[bool; RING]>,
    started: bool,
    /// Timestamp of the next sample to be played.
    play: u32,
    /// Timestamp after the newest sample.
    end: u32,
    waits: u32,
    calm: u32,
    depth_min: i32,
    late_in_a_row: u32,
    pub late_packets: u64,
    pub left_out_frames: u64,
}

fn zeroed<T: Copy + Default>() -> Box<[T; RING]> {
    let all: Box<[T]> = vec![T::default(); RING].into_boxed_slice();
    all.try_into().unwrap_or_else(|_| unreachable!("made with this length"))
}

/// Where so many samples from this timestamp on lie in the ring: a stretch and how many came before it, and the rest from the ring's start.
fn places(timestamp: u32, samples: usize) -> impl Iterator<Item = (std::ops::Range<usize>, usize)> {
    let start = (timestamp & MASK) as usize;
    let first = samples.min(RING - start);
    [(start..start + first, 0), (0..samples - first, first)].into_iter().filter(|(places, _)| !places.is_empty())
}

impl Default for JitterBuffer {
    fn default() -> Self {
        Self { ring: zeroed(), have: zeroed(), started: false, play: 0, end: 0, waits: 0, calm: 0, depth_min: i32::MAX, late_in_a_row: 0, late_packets: 0, left_out_frames: 0 }
    }
}

impl JitterBuffer {
    /// Another stream begins.
    pub fn restart(&mut self) {
        self.started = false;
    }

    fn depth(&self) -> i32 {
        self.end.wrapping_sub(self.play) as i32
    }

    /// Milliseconds that a sample received now will wait.
    #[cfg(test)]
    #[must_use]
    pub fn depth_ms(&self) -> u32 {
        if self.started { u32::try_from(self.depth().max(0)).unwrap_or(0) / 8 } else { 0 }
    }

    fn anchor(&mut self, timestamp: u32) {
        self.have.fill(false);
        self.started = true;
        self.play = timestamp.wrapping_sub(START);
        self.end = timestamp;
        self.waits = 0;
        self.calm = 0;
        self.depth_min = i32::MAX;
    }

    /// Takes the samples of one packet.
    pub fn insert(&mut self, timestamp: u32, samples: &[i16]) {
        let length = samples.len().min(RING / 2) as i32;
        let mut offset = timestamp.wrapping_sub(self.play) as i32;
        // After a silence without packets (discontinuous transmission) the next one begins anew.
        let after_a_gap = self.depth() < FRAME && offset > START as i32 + FRAME;
        if !self.started || after_a_gap || offset < RESTART || offset.saturating_add(length) > RING as i32 {
            self.anchor(timestamp);
            offset = START as i32;
        }
        if offset + length <= 0 {
            self.late_packets += 1;
            self.late_in_a_row += 1;
            if self.late_in_a_row < LATE_MAX || self.depth() >= FRAME {
                return;
            }
            self.anchor(timestamp);
            offset = START as i32;
        }
        self.late_in_a_row = 0;
        let skipped = usize::try_from(-offset).unwrap_or(0);
        let samples = &samples[skipped..length as usize];
        for (places, from) in places(timestamp.wrapping_add(skipped as u32), samples.len()) {
            self.ring[places.clone()].copy_from_slice(&samples[from..from + places.len()]);
            self.have[places].fill(true);
        }
        let end = timestamp.wrapping_add(length as u32);
        if end.wrapping_sub(self.end) as i32 > 0 {
            self.end = end;
        }
    }

    /// The next 20 ms.
    pub fn pull(&mut self, frame: &mut Frame) -> Pulled {
        frame.fill(0);
        if !self.started {
            return Pulled::Nothing;
        }
        let depth = self.depth();
        if depth < FRAME {
            return self.wait(frame);
        }
        self.waits = 0;
        if depth > DEPTH_MAX {
            self.leave_out(depth - START as i32);
        }
        let pulled = self.take(frame);
        self.give_back_delay(depth, frame);
        pulled
    }

    fn wait(&mut self, frame: &mut Frame) -> Pulled {
        self.waits += 1;
        self.calm = 0;
        self.depth_min = i32::MAX;
        if self.waits <= WAITS_MAX {
            return Pulled::Nothing;
        }
        // Too long: what little is left is played, and time passes.
        let got = self.take(frame);
        if self.depth() < 0 {
            self.end = self.play;
        }
        match got {
            Pulled::Missing(missing) if missing == FRAME_SAMPLES => Pulled::Nothing,
            other => other,
        }
    }

    fn take(&mut self, frame: &mut Frame) -> Pulled {
        let mut missing = 0;
        for (places, from) in places(self.play, FRAME_SAMPLES) {
            let (ring, have, frame) = (&self.ring[places.clone()], &mut self.have[places.clone()], &mut frame[from..from + places.len()]);
            let had = have.iter().map(|had| usize::from(*had)).sum::<usize>();
            if had == frame.len() {
                frame.copy_from_slice(ring);
            } else {
                missing += frame.len() - had;
                frame.iter_mut().zip(ring).zip(&*have).filter(|(_, had)| **had).for_each(|((into, sample), _)| *into = *sample);
            }
            have.fill(false);
        }
        self.play = self.play.wrapping_add(FRAME_SAMPLES as u32);
        if missing == 0 { Pulled::Whole } else { Pulled::Missing(missing) }
    }

    fn leave_out(&mut self, samples: i32) {
        let samples = u32::try_from(samples).unwrap_or(0);
        for (places, _) in places(self.play, (samples as usize).min(RING)) {
            self.have[places].fill(false);
        }
        self.play = self.play.wrapping_add(samples);
        self.left_out_frames += u64::from(samples) / FRAME_SAMPLES as u64;
        self.calm = 0;
        self.depth_min = i32::MAX;
    }

    fn give_back_delay(&mut self, depth: i32, frame: &Frame) {
        self.calm += 1;
        self.depth_min = self.depth_min.min(depth);
        let spare = self.depth_min - 2 * FRAME;
        if self.calm < CALM_FRAMES || spare < FRAME {
            if self.calm >= CALM_FRAMES {
                self.calm = 0;
                self.depth_min = i32::MAX;
            }
            return;
        }
        let energy: i64 = frame.iter().map(|sample| i64::from(*sample).pow(2)).sum();
        let quiet = energy < 160 * 300 * 300;
        if quiet || spare > 6 * FRAME {
            self.leave_out(FRAME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet whose samples tell their own timestamps.
    fn packet(timestamp: u32, length: u32) -> Vec<i16> {
        (0..length).map(|n| (timestamp.wrapping_add(n) % 30_000) as i16 + 1).collect()
    }

    fn insert(buffer: &mut JitterBuffer, timestamp: u32, length: u32) {
        buffer.insert(timestamp, &packet(timestamp, length));
    }

    /// All that is played, without the zeros of waiting.
    fn play(buffer: &mut JitterBuffer, frames: usize) -> Vec<i16> {
        let mut all = Vec::new();
        for _ in 0..frames {
            let mut frame = [0; FRAME_SAMPLES];
            buffer.pull(&mut frame);
            all.extend(frame.iter().filter(|sample| **sample != 0));
        }
        all
    }

    fn expected(from: u32, samples: u32) -> Vec<i16> {
        packet(from, samples)
    }

    #[test]
    fn order_and_doubling_do_not_matter() {
        let mut buffer = JitterBuffer::default();
        for n in [0u32, 2, 1, 1, 4, 3, 0] {
            insert(&mut buffer, 1_000 + n * 160, 160);
        }
        assert_eq!(play(&mut buffer, 7), expected(1_000, 800));
    }

    #[test]
    fn packets_of_any_length_give_the_same_sound() {
        for length in [80u32, 160, 240, 320, 480] {
            let mut buffer = JitterBuffer::default();
            let mut played = Vec::new();
            let mut sent = 0;
            for turn in 0..100u32 {
                while sent * length <= turn * 160 {
                    insert(&mut buffer, sent * length, length);
                    sent += 1;
                }
                played.extend(play(&mut buffer, 1));
            }
            let whole = expected(0, 100 * 160);
            assert!(played.len() > 90 * 160, "{length}: {}", played.len());
            assert_eq!(played[..], whole[..played.len()], "{length}");
        }
    }

    #[test]
    fn timestamps_wrap() {
        let mut buffer = JitterBuffer::default();
        let start = u32::MAX - 200;
        for n in 0..5u32 {
            insert(&mut buffer, start.wrapping_add(n * 160), 160);
        }
        assert_eq!(play(&mut buffer, 7).len(), 800);
    }

    #[test]
    fn a_lost_packet_leaves_its_gap_and_no_more() {
        let mut buffer = JitterBuffer::default();
        for n in [0u32, 1, 3, 4] {
            insert(&mut buffer, n * 160, 160);
        }
        let mut pulled = Vec::new();
        for _ in 0..7 {
            let mut frame = [0; FRAME_SAMPLES];
            pulled.push(buffer.pull(&mut frame));
        }
        use Pulled::{Missing, Whole};
        assert_eq!(pulled, [Missing(160), Missing(160), Whole, Whole, Missing(160), Whole, Whole]);
    }

    #[test]
    fn late_packets_make_the_delay_longer_and_calm_gives_it_back() {
        let mut buffer = JitterBuffer::default();
        let mut frame = [0; FRAME_SAMPLES];
        let mut arrived = 0u32;
        let mut depths = Vec::new();
        for turn in 0..1_500u32 {
            // For ten seconds packets come in bursts of five, then evenly.
            let due = if turn < 500 { turn / 5 * 5 } else { turn + 1 };
            while arrived < due {
                buffer.insert(arrived * 160, &[100; 160]);
                arrived += 1;
            }
            let pulled = buffer.pull(&mut frame);
            if (100..500).contains(&turn) {
                assert_eq!(pulled, Pulled::Whole, "turn {turn}: bursts are evened out once they are known");
            }
            depths.push(buffer.depth_ms());
        }
        assert!(depths[499] >= 20 && depths[400..500].iter().max().unwrap() >= &80);
        assert!(depths[1_499] <= 60, "the delay is given back: {}", depths[1_499]);
        assert!(depths.iter().all(|ms| *ms <= 512));
    }

    #[test]
    fn a_pause_without_packets_begins_anew_and_is_not_caught_up() {
        let mut buffer = JitterBuffer::default();
        for n in 0..5u32 {
            insert(&mut buffer, n * 160, 160);
        }
        play(&mut buffer, 50);
        for n in 50..55u32 {
            insert(&mut buffer, n * 160, 160);
        }
        assert_eq!(play(&mut buffer, 7), expected(50 * 160, 800));
    }

    /// From one moment on each packet comes so much later than those before it: or the far end's clock stood still for so long.
    #[test]
    fn a_way_that_becomes_longer_is_heard_again() {
        for longer_ms in (20..=1_500).step_by(20) {
            let mut buffer = JitterBuffer::default();
            let longer = longer_ms / 20;
            let heard: usize = (0..500)
                .map(|turn: u32| {
                    if turn < 100 {
                        insert(&mut buffer, turn * 160, 160);
                    } else if turn >= 100 + longer {
                        insert(&mut buffer, (turn - longer) * 160, 160);
                    }
                    play(&mut buffer, 1).len()
                })
                .skip(110 + longer as usize)
                .sum();
            let possible = (500 - 110 - longer as usize) * FRAME_SAMPLES;
            assert!(heard + 10 * FRAME_SAMPLES >= possible, "{longer_ms} ms: {heard} of {possible}");
        }
    }

    #[test]
    fn a_flood_stays_bounded() {
        let mut buffer = JitterBuffer::default();
        for n in 0..10_000u32 {
            insert(&mut buffer, n * 160, 160);
            assert!(buffer.depth_ms() <= 512);
        }
        for n in 0..10_000u32 {
            insert(&mut buffer, n.wrapping_mul(2_654_435_761), 160);
            assert!(buffer.depth_ms() <= 512);
        }
        play(&mut buffer, 1);
        assert!(buffer.depth_ms() <= 300);
    }
}
