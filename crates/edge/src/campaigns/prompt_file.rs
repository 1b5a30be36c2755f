//! Sound files as people send them. This crate sees no codec: the server gives what makes a file into a prompt.

pub const PROMPT_BYTES_MAX: usize = 50 * 1024 * 1024;
const RATE_HZ: u32 = 8_000;

/// Makes a WAV, MP3, OGG Vorbis or FLAC file into what a call plays: 8 kHz, 16 bits, one channel.
pub type ReadPrompt = fn(Vec<u8>) -> Result<Vec<i16>, PromptFileError>;

/// Why a file is no prompt; each is a sentence for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptFileError {
    /// A kind of file that is not read.
    #[error("{0}")]
    OtherFormat(String),
    #[error("{0}")]
    Unreadable(String),
}

/// A WAV file of what a call plays.
#[must_use]
pub fn wav(samples: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(samples.len() * 2 + 44);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&bytes.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    for (value, width) in [(1, 2), (1, 2), (RATE_HZ, 4), (RATE_HZ * 2, 4), (2, 2), (16, 2)] {
        file.extend_from_slice(&value.to_le_bytes()[..width]);
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}
