//! Keys heard as tones in the audio, by Goertzel's filter at the eight frequencies every 10 ms over the last 20.
//!
//! A voice is told from a key by five things: nearly all of the sound is in two tones, neither is much stronger than
//! the other, none of the other six is near them, they are no overtone of something, and it stays so for 40 ms.

use super::keys::Key;
use super::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

const HOP: usize = 80;
const TONES_HZ: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];
/// Softest root mean square that is listened to: -38 dBm0 or so.
const LEVEL_MIN: f32 = 200.0;
/// Share of all energy that the two tones must hold.
const SHARE_MIN: f32 = 0.78;
/// How much stronger one of the two may be, in power: 8 dB.
const TWIST_MAX: f32 = 6.3;
/// The two over the others of their group, in power.
const APART_MIN: f32 = 6.3;
/// Windows that must agree, and windows without it after which the next is a new press.
const AGREE: u8 = 3;
const RELEASE: u8 = 3;

#[derive(Debug)]
pub struct InBandKeys {
    window: [f32; FRAME_SAMPLES],
    candidate: Option<Key>,
    agreed: u8,
    held: Option<Key>,
    absent: u8,
}

impl Default for InBandKeys {
    fn default() -> Self {
        Self { window: [0.0; FRAME_SAMPLES], candidate: None, agreed: 0, held: None, absent: 0 }
    }
}

/// Power at each frequency, such that a pure tone there has the whole energy of the window.
fn powers(window: &[f32; FRAME_SAMPLES]) -> [f32; 8] {
    let factors = TONES_HZ.map(|hz| 2.0 * (std::f32::consts::TAU * hz / SAMPLE_RATE_HZ as f32).cos());
    let (mut one, mut two) = ([0.0f32; 8], [0.0f32; 8]);
    for sample in window {
        for n in 0..8 {
            let next = sample + factors[n] * one[n] - two[n];
            two[n] = one[n];
            one[n] = next;
        }
    }
    let scale = 2.0 / FRAME_SAMPLES as f32;
    std::array::from_fn(|n| scale * (one[n] * one[n] + two[n] * two[n] - factors[n] * one[n] * two[n]))
}

fn strongest(group: &[f32]) -> (usize, f32, f32) {
    let mut best = (0, 0.0f32, 0.0f32);
    for (n, power) in group.iter().enumerate() {
        if *power > best.1 {
            best = (n, *power, best.1);
        } else if *power > best.2 {
            best.2 = *power;
        }
    }
    best
}

/// The key of one window.
fn judge(window: &[f32; FRAME_SAMPLES]) -> Option<Key> {
    let energy: f32 = window.iter().map(|sample| sample * sample).sum();
    if energy < LEVEL_MIN * LEVEL_MIN * FRAME_SAMPLES as f32 {
        return None;
    }
    let powers = powers(window);
    let (row, low, low_next) = strongest(&powers[..4]);
    let (column, high, high_next) = strongest(&powers[4..]);
    let clear = low + high >= SHARE_MIN * energy && low <= TWIST_MAX * high && high <= TWIST_MAX * low && low >= APART_MIN * low_next && high >= APART_MIN * high_next;
    let name = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']][row][column];
    clear.then(|| Key::from_char(name)).flatten()
}

impl InBandKeys {
    /// Hears 20 ms; gives a key when it is newly pressed.
    pub fn hear(&mut self, frame: &Frame) -> Option<Key> {
        let mut pressed = None;
        for half in frame.chunks_exact(HOP) {
            self.window.copy_within(HOP.., 0);
            for (place, sample) in self.window[FRAME_SAMPLES - HOP..].iter_mut().zip(half) {
                *place = f32::from(*sample);
            }
            pressed = pressed.or(self.step());
        }
        pressed
    }

    fn step(&mut self) -> Option<Key> {
        let key = judge(&self.window);
        if key.is_none() || key != self.held {
            self.absent = self.absent.saturating_add(1);
            if self.absent >= RELEASE {
                self.held = None;
            }
        } else {
            self.absent = 0;
        }
        self.agreed = if key.is_some() && key == self.candidate { self.agreed.saturating_add(1) } else { u8::from(key.is_some()) };
        self.candidate = key;
        if self.agreed >= AGREE && key != self.held {
            self.held = key;
            self.absent = 0;
            return key;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::key_sender::tone;

    struct Chance(u64);

    impl Chance {
        fn next(&mut self) -> f32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / (1u64 << 24) as f32
        }

        /// Nearly normal, with the deviation 1.
        fn normal(&mut self) -> f32 {
            (0..12).map(|_| self.next()).sum::<f32>() - 6.0
        }
    }

    /// A press of 60 ms with 60 ms of pause, at any offset to the frames, `snr_db` over white noise.
    fn presses(keys: &[Key], snr_db: f32, chance: &mut Chance) -> Vec<i16> {
        let mut audio = Vec::new();
        let signal = 7_000.0f32;
        let noise = signal * 10f32.powf(-snr_db / 20.0);
        for key in keys {
            let mut sound = [0i16; FRAME_SAMPLES * 3];
            for (n, frame) in sound.as_chunks_mut::<FRAME_SAMPLES>().0.iter_mut().enumerate() {
                tone(*key, (n as u16 + 1) * 160, frame);
            }
            audio.extend(sound.iter().map(|sample| f32::from(*sample)));
            audio.extend(std::iter::repeat_n(0.0, 480 + (chance.next() * 160.0) as usize));
        }
        audio.iter().map(|sample| (sample + noise * chance.normal()).clamp(-32_768.0, 32_767.0) as i16).collect()
    }

    fn heard(audio: &[i16]) -> Vec<Key> {
        let mut detector = InBandKeys::default();
        audio.as_chunks::<FRAME_SAMPLES>().0.iter().filter_map(|frame| detector.hear(frame)).collect()
    }

    #[test]
    fn keys_are_heard_through_noise_at_18_db() {
        let mut chance = Chance(11);
        let keys: Vec<_> = (0..1_600).map(|n| Key::from_event((n % 16) as u8).unwrap()).collect();
        let audio = presses(&keys, 18.0, &mut chance);
        let heard = heard(&audio);
        // An insertion or a swap would shift what follows: count by the longest prefix walk.
        let mut matched = 0;
        let mut rest = keys.iter();
        for key in &heard {
            if rest.any(|sent| sent == key) {
                matched += 1;
            }
        }
        println!("heard {} of {}", matched, keys.len());
        assert!(matched >= keys.len() * 99 / 100, "{matched} of {}", keys.len());
        assert!(heard.len() <= keys.len(), "none is heard twice");
    }

    #[test]
    fn noise_tones_and_chords_are_no_keys() {
        let mut chance = Chance(5);
        let noise: Vec<i16> = (0..800_000).map(|_| (3_000.0 * chance.normal()) as i16).collect();
        assert_eq!(heard(&noise), []);
        for hz in (300..3_400).step_by(17) {
            let single: Vec<i16> = (0..4_000).map(|n| (9_000.0 * (std::f32::consts::TAU * hz as f32 * n as f32 / 8_000.0).sin()) as i16).collect();
            assert_eq!(heard(&single), [], "{hz} Hz");
        }
        let ringing: Vec<i16> = (0..8_000).map(|n| { let t = n as f32 / 8_000.0; (5_000.0 * ((std::f32::consts::TAU * 400.0 * t).sin() + (std::f32::consts::TAU * 450.0 * t).sin())) as i16 }).collect();
        assert_eq!(heard(&ringing), []);
    }

    #[test]
    fn one_long_press_is_one_key() {
        let key = Key::from_char('7').unwrap();
        let mut audio = Vec::new();
        for n in 1..=100u16 {
            let mut frame = [0; FRAME_SAMPLES];
            tone(key, n * 160, &mut frame);
            audio.extend(frame);
        }
        assert_eq!(heard(&audio), [key]);
    }
}
