//! A script as it is written, in TOML or JSON: named steps, each doing one thing and naming the next.
//!
//! ```toml
//! language = "en-GB"
//! start = "greeting"
//!
//! [steps.greeting]
//! do = "say"
//! text = "Hello {first_name|there}. This is North Bank."
//! next = "menu"
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::campaigns::script::fault::{ScriptFault, ScriptFaultKind};

pub const SCRIPT_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptDocument {
    /// Of its texts, as a tag such as `en-GB`.
    pub language: String,
    /// A voice of the speech engine; its own choice when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// Where a person's call begins.
    pub start: String,
    /// Where a call goes on once a machine is heard; without it the detector changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The information message (UK-7), for when no agent can be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub information: Option<SpeechDocument>,
    /// A prompt that is heard in the place of words that could not be rendered, where these have no fallback of their own. The information message
    /// has its own or none: the law says what it must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    pub steps: BTreeMap<String, StepDocument>,
}

/// Something to be heard: a text to be spoken or the name of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// A prompt that is heard in the place of the text when that could not be rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
}

/// How an agent is joined to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferMode {
    /// We stay in the middle.
    #[default]
    Bridge,
    /// The carrier joins them (REFER) and we are out of it.
    Refer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepDocument {
    Say {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        voice: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    Play {
        prompt: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    Gather(GatherDocument),
    /// Goes one way or another by what a gather step got, or by who answered.
    Branch {
        /// `answered_by`, or the name of a gather step.
        on: String,
        cases: BTreeMap<String, String>,
        otherwise: String,
    },
    Transfer {
        /// A transfer target of the tenant.
        target: String,
        #[serde(default)]
        mode: TransferMode,
        /// How long the agent is rung; not beyond two seconds after the answer while the person has heard nothing.
        #[serde(default = "ring_ms")]
        ring_ms_max: u32,
        /// What the person hears meanwhile.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speech: Option<SpeechDocument>,
        /// After the information message, when no agent could be had; else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        otherwise: Option<String>,
        /// After the agent has left; else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// Waits until a message can be left, and leaves it.
    VoicemailDrop {
        speech: SpeechDocument,
        #[serde(default = "voicemail_ms")]
        wait_ms_max: u32,
        /// Else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// Records what the person says.
    Record {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speech: Option<SpeechDocument>,
        #[serde(default = "record_ms")]
        record_ms_max: u32,
        /// So long a silence ends it.
        #[serde(default = "silence_ms")]
        silence_ms_max: u32,
        /// The key that ends it; any key does without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end_key: Option<char>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// From here on recordings of this call hold silence: for what nobody may keep, such as card numbers.
    PauseRecording {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    ResumeRecording {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// Suppresses the number, then says so.
    OptOut {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speech: Option<SpeechDocument>,
        /// Else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    HangUp {},
}

/// Waits for keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatherDocument {
    /// What asks for the keys; the first key ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechDocument>,
    #[serde(default = "one")]
    pub digits_max: u8,
    /// To the first key, counted from the end of the speech.
    #[serde(default = "first_key_ms")]
    pub timeout_ms: u32,
    #[serde(default = "next_key_ms")]
    pub between_keys_ms: u32,
    /// Ends an entry before it is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_key: Option<char>,
    /// How often the person is asked again.
    #[serde(default = "two")]
    pub retries: u8,
    /// What was entered, and the step that it leads to.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    /// Any other entry, kept for a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// After the last wrong entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// After the last time that nothing was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

fn one() -> u8 {
    1
}
fn two() -> u8 {
    2
}
fn first_key_ms() -> u32 {
    5_000
}
fn next_key_ms() -> u32 {
    3_000
}
fn ring_ms() -> u32 {
    20_000
}
fn voicemail_ms() -> u32 {
    30_000
}
fn record_ms() -> u32 {
    60_000
}
fn silence_ms() -> u32 {
    5_000
}

/// The document with its steps not yet read, so that a fault in one does not hide the faults of the others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    language: String,
    voice: Option<String>,
    start: String,
    machine: Option<String>,
    information: Option<SpeechDocument>,
    fallback: Option<String>,
    steps: BTreeMap<String, serde_json::Value>,
}

impl ScriptDocument {
    /// Reads TOML, or JSON when it begins with a brace. Every step that does not read is named.
    pub fn read(text: &str) -> Result<Self, Vec<ScriptFault>> {
        let whole = |reason: String| vec![ScriptFault::of_the_script(ScriptFaultKind::Syntax(reason.trim().to_owned()))];
        if text.len() > SCRIPT_BYTES_MAX {
            return Err(vec![ScriptFault::of_the_script(ScriptFaultKind::TooLong { what: "the script", max: SCRIPT_BYTES_MAX, unit: "bytes" })]);
        }
        let outline: Outline = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| whole(error.to_string()))?
        } else {
            toml::from_str(text).map_err(|error| whole(error.to_string()))?
        };
        let (mut steps, mut faults) = (BTreeMap::new(), Vec::new());
        for (name, value) in outline.steps {
            match serde_json::from_value(value) {
                Ok(step) => drop(steps.insert(name, step)),
                Err(error) => faults.push(ScriptFault::of(&name, ScriptFaultKind::Syntax(error.to_string()))),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { language: outline.language, voice: outline.voice, start: outline.start, machine: outline.machine, information: outline.information, fallback: outline.fallback, steps })
    }

    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
