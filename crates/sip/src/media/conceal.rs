//! What is heard where nothing was received: the last pitch period again, fading, then noise as soft as the background.

use super::{FRAME_SAMPLES, Frame};

const HISTORY: usize = 400;
/// Lags that are tried for the pitch: 50 to 200 Hz.
const LAG_MIN: usize = 40;
const LAG_MAX: usize = 160;
/// Samples until a repetition has faded: 60 ms.
const FADE: f32 = 480.0;
/// Comfort noise is never louder than this root mean square, whatever a packet asks for.
const NOISE_MAX: f32 = 300.0;

#[derive(Debug)]
pub struct Concealment {
    history: [i16; HISTORY],
    lag: usize,
    /// Samples made up since the last that was received.
    made_up: usize,
    /// Root mean square of the background.
    noise: f32,
    chance: u32,
    heard: bool,
}

impl Default for Concealment {
    fn default() -> Self {
        Self { history: [0; HISTORY], lag: LAG_MAX, made_up: 0, noise: 0.0, chance: 0x9e37_79b9, heard: false }
    }
}

impl Concealment {
    /// A frame that was received whole.
    pub fn received(&mut self, frame: &Frame) {
        self.heard = true;
        self.made_up = 0;
        self.remember(frame);
        let energy: f32 = frame.iter().map(|sample| f32::from(*sample) * f32::from(*sample)).sum();
        let level = (energy / FRAME_SAMPLES as f32).sqrt();
        // Quick to fall, slow to rise: the level between the words.
        self.noise = if level < self.noise { 0.7 * self.noise + 0.3 * level } else { (self.noise * 1.01 + 0.05).min(level) };
    }

    /// The far end tells how loud its background is (RFC 3389), in -dBov.
    pub fn background(&mut self, level: u8) {
        self.heard = true;
        self.noise = 32_768.0 * 10f32.powf(-f32::from(level & 0x7f) / 20.0) / std::f32::consts::SQRT_2;
    }

    /// Fills a frame of which nothing was received.
    pub fn fill(&mut self, frame: &mut Frame) {
        if !self.heard {
            frame.fill(0);
            return;
        }
        if self.made_up == 0 {
            self.lag = self.pitch();
        }
        let noise = self.noise.min(NOISE_MAX) * 1.7;
        for (n, sample) in frame.iter_mut().enumerate() {
            let strength = (1.0 - (self.made_up + n) as f32 / FADE).max(0.0);
            let repeated = f32::from(self.history[HISTORY - self.lag + (self.made_up + n) % self.lag]);
            self.chance = self.chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (self.chance >> 8) as f32 / (1u32 << 23) as f32 - 1.0;
            *sample = (strength * repeated + (1.0 - strength) * noise * white) as i16;
        }
        self.made_up = (self.made_up + FRAME_SAMPLES).min(100_000);
    }

    /// A frame that was received in part; the few samples that are missing stay zero.
    pub fn received_in_part(&mut self, frame: &Frame) {
        self.heard = true;
        self.made_up = 0;
        self.remember(frame);
    }

    fn remember(&mut self, frame: &Frame) {
        self.history.copy_within(FRAME_SAMPLES.., 0);
        self.history[HISTORY - FRAME_SAMPLES..].copy_from_slice(frame);
    }

    /// The lag at which the last 20 ms are most like what was before them.
    fn pitch(&self) -> usize {
        let recent = &self.history[HISTORY - FRAME_SAMPLES..];
        let mut best = (LAG_MAX, f32::MIN);
        for lag in LAG_MIN..=LAG_MAX {
            let before = &self.history[HISTORY - FRAME_SAMPLES - lag..HISTORY - lag];
            let (mut product, mut energy) = (0.0f32, 1.0f32);
            for (now, then) in recent.iter().zip(before).step_by(2) {
                product += f32::from(*now) * f32::from(*then);
                energy += f32::from(*then) * f32::from(*then);
            }
            let likeness = product / energy.sqrt();
            if likeness > best.1 {
                best = (lag, likeness);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, start: usize) -> Frame {
        std::array::from_fn(|n| (8_000.0 * (std::f32::consts::TAU * hz * (start + n) as f32 / 8_000.0).sin()) as i16)
    }

    fn level(frame: &Frame) -> f32 {
        (frame.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / 160.0).sqrt()
    }

    #[test]
    fn a_voice_goes_on_for_a_moment_and_fades() {
        let mut concealment = Concealment::default();
        for n in 0..5 {
            concealment.received(&tone(125.0, n * 160));
        }
        let mut levels = Vec::new();
        for n in 0..6 {
            let mut frame = [0; FRAME_SAMPLES];
            concealment.fill(&mut frame);
            if n == 0 {
                let truth = tone(125.0, 800);
                let error: Frame = std::array::from_fn(|k| frame[k] - truth[k]);
                assert!(level(&error) < 0.5 * level(&truth), "the tone goes on in phase");
            }
            levels.push(level(&frame));
        }
        assert!(levels[0] > 3_000.0 && levels[1] < levels[0] && levels[4] < 400.0, "{levels:?}");
    }

    #[test]
    fn silence_is_filled_as_softly_as_the_background_was() {
        let mut concealment = Concealment::default();
        let mut frame = [7; FRAME_SAMPLES];
        concealment.fill(&mut frame);
        assert_eq!(frame, [0; FRAME_SAMPLES], "before anything was heard there is nothing");
        concealment.background(60);
        for _ in 0..10 {
            concealment.fill(&mut frame);
        }
        let told = 32_768.0 * 10f32.powf(-3.0) / std::f32::consts::SQRT_2;
        assert!((told * 0.7..told * 1.4).contains(&level(&frame)), "{} for {told}", level(&frame));
        concealment.background(0);
        concealment.fill(&mut frame);
        assert!(level(&frame) < 400.0, "a loud background is not believed");
    }
}
