//! Keys to the far end: telephone-event packets when they were agreed on, tones in the audio otherwise.

use std::collections::VecDeque;

use super::keys::Key;
use super::{FRAME_SAMPLES, Frame};

/// Keys that may wait to be sent.
const WAITING_MAX: usize = 64;
/// Frames that a key sounds, 120 ms, and the pause after it, 80 ms.
const TONE_FRAMES: u16 = 6;
const PAUSE_FRAMES: u16 = 4;
/// Peak of each of the two tones: -9 dBm0 or so.
const AMPLITUDE: f32 = 7_000.0;

/// What a turn of the wheel sends in place of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTurn {
    /// No key is under way.
    Idle,
    /// The key sounds; `samples` of it so far. At its end the packet goes three times.
    Sounding { key: Key, samples: u16, first: bool, last: bool },
    /// The pause after a key.
    Pause,
}

#[derive(Debug, Default)]
pub struct KeySender {
    waiting: VecDeque<Key>,
    current: Option<Key>,
    frames: u16,
}

impl KeySender {
    pub fn push(&mut self, keys: &[Key]) {
        let room = WAITING_MAX.saturating_sub(self.waiting.len());
        self.waiting.extend(keys.iter().take(room));
    }

    /// One turn. The second value tells that the last key with its pause has now been sent.
    pub fn turn(&mut self) -> (KeyTurn, bool) {
        if self.current.is_none() {
            self.current = self.waiting.pop_front();
            self.frames = 0;
        }
        let Some(key) = self.current else { return (KeyTurn::Idle, false) };
        self.frames += 1;
        if self.frames <= TONE_FRAMES {
            let samples = self.frames * FRAME_SAMPLES as u16;
            return (KeyTurn::Sounding { key, samples, first: self.frames == 1, last: self.frames == TONE_FRAMES }, false);
        }
        if self.frames >= TONE_FRAMES + PAUSE_FRAMES {
            self.current = None;
        }
        (KeyTurn::Pause, self.current.is_none() && self.waiting.is_empty())
    }
}

/// The tones of a key for the frame that ends `samples` after its beginning.
pub fn tone(key: Key, samples: u16, frame: &mut Frame) {
    let (low, high) = key.tones_hz();
    let start = usize::from(samples).saturating_sub(FRAME_SAMPLES);
    for (n, sample) in frame.iter_mut().enumerate() {
        let time = (start + n) as f32 / super::SAMPLE_RATE_HZ as f32;
        let turn = std::f32::consts::TAU * time;
        *sample = (AMPLITUDE * ((turn * low).sin() + (turn * high).sin())) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sound_one_after_the_other_with_pauses_and_the_end_is_told() {
        let mut sender = KeySender::default();
        assert_eq!(sender.turn(), (KeyTurn::Idle, false));
        sender.push(&[Key::from_char('1').unwrap(), Key::from_char('2').unwrap()]);
        let turns: Vec<_> = (0..21).map(|_| sender.turn()).collect();
        let sounding: String = turns.iter().map(|(turn, _)| match turn {
            KeyTurn::Sounding { key, last: false, .. } => key.as_char(),
            KeyTurn::Sounding { .. } => '!',
            KeyTurn::Pause => '.',
            KeyTurn::Idle => ' ',
        }).collect();
        assert_eq!(sounding, "11111!....22222!.... ");
        assert_eq!(turns.iter().position(|(_, done)| *done), Some(19));
    }
}
