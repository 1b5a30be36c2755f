//! How much what was heard speaks for a machine: boosted trees over the timings.
//!
//! The trees in `trees.rs` were grown by `tests/detect_training.rs` on generated material and are never edited by hand.

use super::trees::TREES;
use super::verdict::Features;

/// What the trees look at.
pub const INPUTS: usize = 13;

/// Seven questions, and eight answers to add. Question n is followed by 2n+1 when it is below the bound, by 2n+2 otherwise.
pub struct Tree {
    pub at: [(usize, f32); 7],
    pub leaf: [f32; 8],
}

/// The inputs, in milliseconds but for the counts and the share.
#[must_use]
pub fn inputs(heard: &Features) -> [f32; INPUTS] {
    let first = heard.first_speech_ms.unwrap_or(heard.elapsed_ms);
    // From the first word to the last.
    let span = heard.elapsed_ms.saturating_sub(first).saturating_sub(heard.pause_ms);
    let gaps = span.saturating_sub(heard.speech_ms);
    let speech = heard.speech_ms as f32;
    [
        heard.elapsed_ms.saturating_sub(first) as f32,
        // Whoever begins late began late: how late says nothing more.
        first.min(1_500) as f32,
        heard.first_utterance_ms as f32,
        heard.longest_utterance_ms as f32,
        speech,
        heard.utterances as f32,
        heard.longest_pause_ms as f32,
        heard.pause_ms as f32,
        heard.utterance_ms as f32,
        span as f32,
        gaps as f32,
        speech / heard.utterances.max(1) as f32,
        heard.last_pause_ms as f32,
    ]
}

/// The logarithm of the odds on a machine.
#[must_use]
pub fn score(heard: &Features) -> f32 {
    let inputs = inputs(heard);
    TREES.iter().map(|tree| tree.leaf[tree.leaf_of(&inputs)]).sum()
}

impl Tree {
    #[must_use]
    pub fn leaf_of(&self, inputs: &[f32; INPUTS]) -> usize {
        let mut node = 0;
        while node < self.at.len() {
            let (input, bound) = self.at[node];
            node = 2 * node + if inputs[input] < bound { 1 } else { 2 };
        }
        node - self.at.len()
    }
}
