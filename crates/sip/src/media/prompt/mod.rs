//! Prompts as people upload them, WAV, MP3, OGG Vorbis or FLAC, made into what a leg plays: 8 kHz mono, levelled.

mod decode;
mod level;
mod resample;

use std::time::Duration;

use super::{Piece, SAMPLE_RATE_HZ};

pub use level::{PEAK_MAX_DBFS, SPEECH_DBFS};

/// What a file may be at most.
#[derive(Debug, Clone, Copy)]
pub struct PromptLimits {
    pub bytes_max: usize,
    pub seconds_max: u32,
}

impl Default for PromptLimits {
    fn default() -> Self {
        Self { bytes_max: 50 << 20, seconds_max: 600 }
    }
}

/// Why a file is no prompt; each is a sentence for whoever uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    #[error("the file is empty")]
    Empty,
    #[error("the file has {bytes} bytes; at most {bytes_max} are allowed")]
    TooBig { bytes: usize, bytes_max: usize },
    #[error("this is no WAV, MP3, OGG Vorbis or FLAC file")]
    UnknownFormat,
    #[error("the file's sound is coded in a way that is not supported: {0}")]
    UnsupportedCoding(String),
    #[error("the file is damaged: {0}")]
    Damaged(String),
    #[error("the sound is longer than {seconds_max} s")]
    TooLong { seconds_max: u32 },
    #[error("the sound is sampled at {rate_hz} Hz; between 4,000 and 192,000 are supported")]
    OddRate { rate_hz: u32 },
    #[error("there is no sound in the file")]
    NoSound,
    #[error("the sound is silent throughout")]
    Silent,
}

/// A prompt that is ready to be played.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub audio: Piece,
}

impl Prompt {
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.audio.len() as u64 * 1_000_000 / u64::from(SAMPLE_RATE_HZ))
    }

    /// As the bytes of a cache: little-endian samples.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.audio.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    /// From the bytes of a cache.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { audio: bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect() }
    }
}

/// Reads a file of any supported kind. Takes some 10 ms for each minute of sound: call it off the async threads.
pub fn load(file: Vec<u8>, limits: PromptLimits) -> Result<Prompt, PromptError> {
    if file.is_empty() {
        return Err(PromptError::Empty);
    }
    if file.len() > limits.bytes_max {
        return Err(PromptError::TooBig { bytes: file.len(), bytes_max: limits.bytes_max });
    }
    // The decoders are others' code on strangers' bytes: a panic there is a damaged file and no more.
    let decoded = std::panic::catch_unwind(|| decode::decode(file, limits)).unwrap_or_else(|_| Err(PromptError::Damaged("its decoder gave up".to_owned())))?;
    let narrow = resample::to_8_khz(&decoded.mono, decoded.rate_hz);
    let audio = level::level(&narrow)?;
    Ok(Prompt { audio: audio.into() })
}

#[cfg(test)]
mod tests;
