//! Who speaks when, and what follows from it.
//!
//! A person answers shortly and waits; a greeting goes on. How much what was heard so far speaks for a machine is weighed by `score`; what is made of
//! it is here: a machine is told while it speaks, a person in a pause. `tests/detect_confusion.rs` states what is reached on
//! material that was kept apart.

use super::score::score;
use super::verdict::{Answer, Features};
use super::voice::STEP_MS;

/// Steps of voice until an utterance begins, and without until it has ended.
const BEGIN_STEPS: u32 = 6;
const END_STEPS: u32 = 12;

/// Points, the logarithm of the odds, from which it is a machine while somebody speaks, and up to which it is a person while they pause. Chosen on
/// the half `TUNING` of the material, on which no tree was grown.
const MACHINE_POINTS: f32 = 1.8;
const PERSON_POINTS: f32 = -1.2;
/// Whoever has said less may be a firm's switchboard, which speaks for up to 4.3 s: no machine yet, whatever the points.
const MACHINE_SPEECH_MS: u32 = 4_400;
/// A pause in which a person may be told, and one after which nobody goes on reading a greeting.
const PAUSE_MS: u32 = 450;
const LONG_PAUSE_MS: u32 = 1_500;
/// After a verdict for a person it takes more points, or so much speech without a rest.
const CORRECTION_POINTS: f32 = 2.3;
const CORRECTION_LEAST_MS: u32 = 4_000;
const CORRECTION_SPEECH_MS: u32 = 9_000;
const CORRECTION_PAUSE_MS: u32 = 1_000;
const JUDGE_EACH_MS: u32 = 60;
/// When the time is up, it is enough that a machine is likelier than not, for whoever still speaks then and has spoken for so long: without it
/// a third fewer machines are found by 6 s, and of the people in `TUNING` not one less is taken for one.
const LAST_POINTS: f32 = 0.0;
const LAST_SPEECH_MS: u32 = 3_000;

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
    last_pause_ms: u32,
    judge_at_ms: u32,
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

    /// For how long nobody has spoken, since somebody did.
    #[must_use]
    pub fn pause_ms(&self) -> u32 {
        self.pause_ms
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
        self.last_pause_ms = self.pause_ms.saturating_sub(back);
        self.longest_pause_ms = self.longest_pause_ms.max(self.last_pause_ms);
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

    #[must_use]
    pub fn features(&self) -> Features {
        let current = self.utterance_ms;
        let heard = Features {
            elapsed_ms: self.elapsed_ms,
            first_speech_ms: self.first_speech_ms,
            first_utterance_ms: if self.utterances == 1 && self.speaking { current } else { self.first_utterance_ms },
            longest_utterance_ms: self.longest_utterance_ms.max(current),
            speech_ms: self.speech_ms(),
            utterances: self.utterances,
            longest_pause_ms: self.longest_pause_ms,
            pause_ms: self.pause_ms,
            speech_dbfs: if self.energy_steps == 0 { -100.0 } else { 10.0 * (self.energy / f64::from(self.energy_steps)).log10() as f32 },
            last_pause_ms: self.last_pause_ms,
            utterance_ms: current,
            ..Features::default()
        };
        Features { machine_points: score(&heard), ..heard }
    }

    /// The verdict on whoever has spoken and was not told by the time set for it.
    #[must_use]
    pub fn time_is_up(&self) -> Answer {
        let is_machine = self.speaking && self.speech_ms() >= LAST_SPEECH_MS && self.features().machine_points >= LAST_POINTS;
        if is_machine { Answer::Machine } else { Answer::Unsure }
    }

    /// A verdict by timing, given the last one. Asked each step, it looks every so often.
    #[must_use]
    pub fn judge(&mut self, last: Option<Answer>) -> Option<Answer> {
        if self.first_speech_ms.is_none() || self.elapsed_ms < self.judge_at_ms {
            return None;
        }
        self.judge_at_ms = self.elapsed_ms + JUDGE_EACH_MS;
        let speech = self.speech_ms();
        match last {
            None if self.speaking => (speech >= MACHINE_SPEECH_MS && self.features().machine_points >= MACHINE_POINTS).then_some(Answer::Machine),
            None if self.pause_ms >= LONG_PAUSE_MS => Some(Answer::Human),
            None if self.pause_ms >= PAUSE_MS => (self.features().machine_points <= PERSON_POINTS).then_some(Answer::Human),
            Some(Answer::Human | Answer::Unsure) if self.speaking => {
                let goes_on = speech >= CORRECTION_SPEECH_MS && self.longest_pause_ms < CORRECTION_PAUSE_MS;
                (goes_on || speech >= CORRECTION_LEAST_MS && self.features().machine_points >= CORRECTION_POINTS).then_some(Answer::Machine)
            }
            _ => None,
        }
    }
}
