//! Who speaks when, and what follows from it.
//!
//! A person answers shortly and waits; a greeting goes on. So each second of speech is a point for a machine, each pause
//! between utterances is a little one too (sentences), a long pause takes points away, and how long one must wait after
//! the last word before calling it a person grows with how long they spoke. The constants were tuned on generated
//! material; `tests/detect_confusion.rs` states what they reach on material that was kept apart.

use super::verdict::{Answer, Features};
use super::voice::STEP_MS;

/// Steps of voice until an utterance begins, and without until it has ended.
const BEGIN_STEPS: u32 = 6;
const END_STEPS: u32 = 12;

/// Points from which it is a machine: a firm's switchboard speaks for up to 4.3 s.
const MACHINE_POINTS: f32 = 4.4;
/// After a verdict for a person, only this much speech without a rest is a machine all the same.
const CORRECTION_SPEECH_MS: u32 = 9_000;
const CORRECTION_PAUSE_MS: u32 = 1_000;

/// Speech up to so long is a person's after such a pause.
const PERSON: [(u32, u32); 4] = [(1_300, 480), (2_300, 620), (3_400, 800), (5_200, 1_000)];

#[derive(Debug, Default)]
pub struct Timing {
    elapsed_ms: u32,
    speaking: bool,
    /// Steps that differ from the state.
    differing: u32,
    first_speech_ms: Option<u32>,
    first_utterance_ms: u32,
    longest_utterance_ms: u32,
    ended_speech_ms: u32,
    utterance_ms: u32,
    utterances: u32,
    longest_pause_ms: u32,
    pause_ms: u32,
    energy: f64,
    energy_steps: u32,
}

impl Timing {
    /// Everything before the answer is forgotten.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    #[must_use]
    pub fn speaking(&self) -> bool {
        self.speaking
    }

    #[must_use]
    pub fn heard_speech(&self) -> bool {
        self.first_speech_ms.is_some()
    }

    /// Whether so much was said that a low tone is hardly the network's.
    #[must_use]
    pub fn spoke(&self) -> bool {
        self.speech_ms() >= 900
    }

    /// One step of voice or none, at a level.
    pub fn step(&mut self, voice: bool, dbfs: f32) {
        self.elapsed_ms += STEP_MS;
        if voice {
            self.energy += f64::from(10f32.powf(dbfs / 10.0));
            self.energy_steps += 1;
        }
        if self.speaking {
            self.utterance_ms += STEP_MS;
        } else if self.first_speech_ms.is_some() {
            self.pause_ms += STEP_MS;
        }
        if voice == self.speaking {
            self.differing = 0;
            return;
        }
        self.differing += 1;
        if !self.speaking && self.differing >= BEGIN_STEPS {
            self.begins();
        } else if self.speaking && self.differing >= END_STEPS {
            self.ends();
        }
    }

    fn begins(&mut self) {
        let back = BEGIN_STEPS * STEP_MS;
        self.first_speech_ms = self.first_speech_ms.or(Some(self.elapsed_ms - back));
        self.speaking = true;
        self.differing = 0;
        self.utterances += 1;
        self.utterance_ms = back;
        self.longest_pause_ms = self.longest_pause_ms.max(self.pause_ms.saturating_sub(back));
        self.pause_ms = 0;
    }

    fn ends(&mut self) {
        let back = END_STEPS * STEP_MS;
        self.speaking = false;
        self.differing = 0;
        let length = self.utterance_ms - back;
        self.ended_speech_ms += length;
        self.longest_utterance_ms = self.longest_utterance_ms.max(length);
        if self.utterances == 1 {
            self.first_utterance_ms = length;
        }
        self.utterance_ms = 0;
        self.pause_ms = back;
    }

    fn speech_ms(&self) -> u32 {
        self.ended_speech_ms + self.utterance_ms.saturating_sub(self.differing * STEP_MS)
    }

    fn points(&self) -> f32 {
        let rest = self.longest_pause_ms.saturating_sub(600) as f32 / 1_000.0;
        self.speech_ms() as f32 / 1_000.0 + 0.15 * self.utterances.saturating_sub(1).min(4) as f32 - 1.5 * rest
    }

    #[must_use]
    pub fn features(&self) -> Features {
        let current = self.utterance_ms;
        Features {
            elapsed_ms: self.elapsed_ms,
            first_speech_ms: self.first_speech_ms,
            first_utterance_ms: if self.utterances == 1 && self.speaking { current } else { self.first_utterance_ms },
            longest_utterance_ms: self.longest_utterance_ms.max(current),
            speech_ms: self.speech_ms(),
            utterances: self.utterances,
            longest_pause_ms: self.longest_pause_ms,
            pause_ms: self.pause_ms,
            speech_dbfs: if self.energy_steps == 0 { -100.0 } else { 10.0 * (self.energy / f64::from(self.energy_steps)).log10() as f32 },
            machine_points: self.points(),
            ..Features::default()
        }
    }

    /// A verdict by timing, given the last one.
    #[must_use]
    pub fn judge(&self, last: Option<Answer>) -> Option<Answer> {
        let speech = self.speech_ms();
        match last {
            None if self.speaking && self.points() >= MACHINE_POINTS => Some(Answer::Machine),
            None if !self.speaking && speech > 0 => {
                let wait = PERSON.iter().find(|(spoken, _)| speech <= *spoken).map_or(PERSON[PERSON.len() - 1].1, |(_, wait)| *wait);
                (self.pause_ms >= wait).then_some(Answer::Human)
            }
            Some(Answer::Human | Answer::Unsure | Answer::Silence) if self.speaking && speech >= CORRECTION_SPEECH_MS && self.longest_pause_ms < CORRECTION_PAUSE_MS => Some(Answer::Machine),
            _ => None,
        }
    }
}
