//! What a detector says, with its reasons as plain numbers, so that they can be kept beside the call and counted later.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Human,
    /// A greeting is being played.
    Machine,
    /// A machine that records from now on.
    VoicemailReady,
    Fax,
    /// The special tones before an announcement of the network, or its tone for an unobtainable number.
    NetworkAnnouncement,
    Busy,
    /// Nobody said anything in time: never a machine.
    Silence,
    /// Speech that is neither clearly a person's nor a machine's: to be treated as a person.
    Unsure,
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    Timing,
    Tone,
    Beep,
    /// For a voicemail: its greeting ended and nothing followed. For a silence: nothing at all.
    Quiet,
}

/// Measured from the answer (from the first audio, where there was no answer yet), all in milliseconds unless named otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Features {
    pub elapsed_ms: u32,
    pub before_answer: bool,
    pub first_speech_ms: Option<u32>,
    pub first_utterance_ms: u32,
    pub longest_utterance_ms: u32,
    pub speech_ms: u32,
    pub utterances: u32,
    /// Between utterances.
    pub longest_pause_ms: u32,
    /// Since the last utterance ended; 0 while somebody speaks.
    pub pause_ms: u32,
    /// The pause before the utterance that goes on, or that ended last.
    #[serde(default)]
    pub last_pause_ms: u32,
    /// How long the utterance has lasted that goes on; 0 while nobody speaks.
    #[serde(default)]
    pub utterance_ms: u32,
    /// Of the speech, against full scale.
    pub speech_dbfs: f32,
    /// What the timings say for a machine, as the logarithm of the odds; see `score`.
    pub machine_points: f32,
    pub tone_hz: Option<f32>,
    pub tone_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub answer: Answer,
    pub evidence: Evidence,
    pub features: Features,
}
