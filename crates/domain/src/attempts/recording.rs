//! A recording of a call: what of it is recorded, from when to when, and for how long it is kept.

use serde::{Deserialize, Serialize};

use crate::compliance::purpose::{Purpose, StatedPurpose};
use crate::privacy::retention::RecordClass;
use crate::time::{DAY_MS, HOUR_MS, Instant};
use crate::word::words;

words! {
    /// What of a call was recorded.
    pub enum RecordingKind {
        /// The person and an agent, from when they are joined: the person left, the agent right.
        Talk = "talk",
        /// What the person said when a script's step asked them to: the person alone.
        Message = "message",
        /// The first seconds after the answer, to label who answered: the person alone.
        Opening = "opening",
    }
}

/// A recording that runs for so long ends: nobody talks so long, and a line left open must not fill the database.
pub const RECORDING_MS_MAX: u32 = 4 * HOUR_MS as u32;
/// How much of an answered call is recorded to be labelled: the detector has given its first word by then.
pub const OPENING_MS: u32 = 10_000;
/// Samples of one channel in a second.
pub const RECORDING_RATE_HZ: u32 = 8_000;
/// Evidence of collecting debts in the United States is kept for three years from the call, whatever the tenant's own period says
/// (US-15, 12 CFR 1006.100).
const US_COLLECTIONS_KEPT_MS: i64 = 3 * 366 * DAY_MS;

impl RecordingKind {
    #[must_use]
    pub fn channels(self) -> u8 {
        match self {
            Self::Talk => 2,
            Self::Message | Self::Opening => 1,
        }
    }

    #[must_use]
    pub fn class(self) -> RecordClass {
        match self {
            Self::Talk | Self::Message => RecordClass::Recording,
            Self::Opening => RecordClass::OpeningRecording,
        }
    }
}

/// Until when the law wants this recording kept, beyond a tenant's own period; `None` where it wants nothing.
#[must_use]
pub fn kept_at_least_until(kind: RecordingKind, purpose: Option<StatedPurpose>, region: &str, began_at: Instant) -> Option<Instant> {
    let collects = purpose.is_some_and(|stated| stated.purpose == Purpose::Collections || stated.underlying == Some(Purpose::Collections));
    (kind != RecordingKind::Opening && region == "US" && collects).then(|| began_at.plus_ms(US_COLLECTIONS_KEPT_MS))
}

/// A place in a recording, in milliseconds from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingMark {
    pub at_ms: u64,
    pub what: RecordingMarkKind,
}

words! {
    pub enum RecordingMarkKind {
        /// Silence is recorded from here on, as somebody asked for.
        Paused = "paused",
        Resumed = "resumed",
        /// Something is missing here: the machine did not keep up.
        Lost = "lost",
    }
}

/// What a campaign records of its calls beside the steps of its script, and how people are told (UK GDPR art. 13).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingSettings {
    /// The talk with an agent, from when they are joined to the end of the call.
    pub talks: bool,
    /// The first seconds of each answered call, to be labelled.
    pub openings: bool,
    /// What the person hears before their talk is recorded.
    pub announcement: String,
    /// Where they were told before: a contract, a privacy notice.
    pub told_in: String,
}

pub const ANNOUNCEMENT_CHARS_MAX: usize = 500;
pub const TOLD_IN_CHARS_MAX: usize = 200;

/// Why a campaign may not record like this; each says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordingFault {
    #[error("say how people learn that their talk is recorded: write what they hear before it, or where they were told (DP-33)")]
    TalkUntold,
    #[error("the first seconds are recorded before anything can be said: name where people were told, such as your privacy notice (DP-33)")]
    OpeningUntold,
    #[error("the announcement is longer than {ANNOUNCEMENT_CHARS_MAX} characters: shorten it")]
    AnnouncementTooLong,
    #[error("the announcement is the same for everybody: take the braces out")]
    AnnouncementWithFields,
    #[error("where people were told is longer than {TOLD_IN_CHARS_MAX} characters: shorten it")]
    ToldInTooLong,
    #[error("a call that the carrier joins (refer) cannot be recorded: let the script's transfers bridge, or record no talks")]
    Refers,
    #[error("a step records what people say and does not say so: give it a speech that does, or name where people were told (DP-33)")]
    StepUntold,
}

impl RecordingSettings {
    /// What stands against these settings by themselves.
    #[must_use]
    pub fn faults(&self) -> Vec<RecordingFault> {
        let (said, told) = (!self.announcement.trim().is_empty(), !self.told_in.trim().is_empty());
        let found = [
            (self.talks && !said && !told, RecordingFault::TalkUntold),
            (self.openings && !told, RecordingFault::OpeningUntold),
            (self.announcement.chars().count() > ANNOUNCEMENT_CHARS_MAX, RecordingFault::AnnouncementTooLong),
            (self.announcement.contains(['{', '}']), RecordingFault::AnnouncementWithFields),
            (self.told_in.chars().count() > TOLD_IN_CHARS_MAX, RecordingFault::ToldInTooLong),
        ];
        found.into_iter().filter_map(|(wrong, fault)| wrong.then_some(fault)).collect()
    }

    /// What the person must hear before their talk is recorded.
    #[must_use]
    pub fn announced(&self) -> Option<&str> {
        Some(self.announcement.trim()).filter(|text| self.talks && !text.is_empty())
    }
}

pub const WAV_HEADER_BYTES: usize = 44;

/// What stands before `samples` samples (of all channels together, 16 bits each) in a WAV file.
#[must_use]
pub fn wav_header(channels: u8, samples: u64) -> [u8; WAV_HEADER_BYTES] {
    let bytes = u32::try_from(samples * 2).unwrap_or(u32::MAX - 36);
    let frame = u16::from(channels) * 2;
    let mut header = [0; WAV_HEADER_BYTES];
    let mut place = 0;
    let mut put = |part: &[u8]| {
        header[place..place + part.len()].copy_from_slice(part);
        place += part.len();
    };
    put(b"RIFF");
    put(&(bytes + 36).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16_u32.to_le_bytes());
    put(&1_u16.to_le_bytes());
    put(&u16::from(channels).to_le_bytes());
    put(&RECORDING_RATE_HZ.to_le_bytes());
    put(&(RECORDING_RATE_HZ * u32::from(frame)).to_le_bytes());
    put(&frame.to_le_bytes());
    put(&16_u16.to_le_bytes());
    put(b"data");
    put(&bytes.to_le_bytes());
    header
}

/// A WAV file at 8 kHz; of two channels a sample of each in turn.
#[must_use]
pub fn wav(channels: u8, samples: &[i16]) -> Vec<u8> {
    let mut file = Vec::with_capacity(WAV_HEADER_BYTES + samples.len() * 2);
    file.extend_from_slice(&wav_header(channels, samples.len() as u64));
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_recorded_of_people_who_were_not_told() {
        let told = |talks, openings, announcement: &str, told_in: &str| RecordingSettings { talks, openings, announcement: announcement.into(), told_in: told_in.into() }.faults();
        assert_eq!(told(false, false, "", ""), []);
        assert_eq!(told(true, false, " ", ""), [RecordingFault::TalkUntold]);
        assert_eq!(told(true, false, "This call is recorded.", ""), []);
        assert_eq!(told(true, true, "This call is recorded.", ""), [RecordingFault::OpeningUntold]);
        assert_eq!(told(true, true, "", "privacy notice, section 4"), []);
        assert_eq!(told(true, false, "Dear {first_name}, we record.", ""), [RecordingFault::AnnouncementWithFields]);
        assert_eq!(told(true, false, &"x".repeat(501), ""), [RecordingFault::AnnouncementTooLong]);
    }

    #[test]
    fn a_wav_says_what_follows() {
        let header = wav_header(2, 16_000);
        assert_eq!((&header[..4], &header[8..16], &header[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        assert_eq!((word(4), word(24), word(28), word(40)), (32_036, 8_000, 32_000, 32_000));
        assert_eq!((header[20], header[22], header[32], header[34]), (1, 2, 4, 16));
    }

    #[test]
    fn settings_are_stored_in_words_and_an_empty_object_records_nothing() {
        assert_eq!(serde_json::from_str::<RecordingSettings>("{}").expect("reads"), RecordingSettings::default());
        assert!(serde_json::from_str::<RecordingSettings>(r#"{"talk":true}"#).is_err(), "a misspelt wish is no wish");
    }

    #[test]
    fn collecting_debts_in_the_united_states_keeps_a_recording_for_three_years() {
        let collections = Some(StatedPurpose { purpose: Purpose::Collections, underlying: None, reasoned_not_marketing: false });
        let until = kept_at_least_until(RecordingKind::Talk, collections, "US", Instant(0));
        assert!(until.is_some_and(|until| until.ms() >= 3 * 365 * DAY_MS));
        assert_eq!(kept_at_least_until(RecordingKind::Talk, collections, "GB", Instant(0)), None);
        assert_eq!(kept_at_least_until(RecordingKind::Opening, collections, "US", Instant(0)), None, "what is for measuring is no evidence");
        assert_eq!(kept_at_least_until(RecordingKind::Talk, None, "US", Instant(0)), None);
    }
}
