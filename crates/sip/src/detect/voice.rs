//! Whether somebody speaks, every 16 ms, by the `earshot` network, which wants 16 kHz.

use earshot::Detector;

/// Samples at 8 kHz of one prediction.
const STEP: usize = 128;
pub const STEP_MS: u32 = 16;
/// The network's score from which it is a voice.
const VOICE_MIN: f32 = 0.5;

/// Taps of the half-band filter between two samples.
const TAPS: [f32; 4] = [0.615_5, -0.155_3, 0.052_3, -0.012_5];

pub struct Voice {
    network: Box<Detector>,
    /// The last samples at 8 kHz, for the filter, then those that wait.
    waiting: [i16; STEP + 8],
    held: usize,
}

impl Default for Voice {
    fn default() -> Self {
        Self { network: Detector::default_boxed(), waiting: [0; STEP + 8], held: 8 }
    }
}

impl Voice {
    /// Takes samples; tells of each step that they complete.
    pub fn hear(&mut self, samples: &[i16], mut tell: impl FnMut(bool)) {
        for sample in samples {
            self.waiting[self.held] = *sample;
            self.held += 1;
            if self.held == self.waiting.len() {
                let wide = self.widened();
                tell(self.network.predict_f32(&wide) >= VOICE_MIN);
                self.waiting.copy_within(STEP.., 0);
                self.held = 8;
            }
        }
    }

    /// Twice the rate: a sample between each two.
    fn widened(&self) -> [f32; 2 * STEP] {
        let at = |place: usize| f32::from(self.waiting[place]) / 32_768.0;
        let mut wide = [0.0; 2 * STEP];
        for (n, pair) in wide.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let centre = n + 4;
            let between: f32 = TAPS.iter().enumerate().map(|(k, tap)| tap * (at(centre - 1 - k) + at(centre + k))).sum();
            *pair = [between.clamp(-1.0, 1.0), at(centre)];
        }
        wide
    }
}
