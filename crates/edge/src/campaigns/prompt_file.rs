//! Sound files as people send them. This crate sees no codec: the server gives what makes a file into a prompt.

use clarion_domain::attempts::recording;

use crate::page::figure::count;

pub const PROMPT_BYTES_MAX: usize = 50 * 1024 * 1024;

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

/// A size from which on nothing is said: 0xFFFFFFFF, or a little under 2 GB, of programs that could not go back to write the true one. So is 0.
const UNKNOWN_FROM: u32 = 0x7FFF_0000;
/// Some programs count a WAV's own first eight bytes among those that follow them.
const RIFF_HEADER: usize = 8;

/// What `reader` makes of a file that came whole. A WAV that was cut off would be played as far as it goes, and nobody would know before people hear it.
pub fn read(reader: ReadPrompt, file: Vec<u8>) -> Result<Vec<i16>, PromptFileError> {
    match said_length(&file).filter(|said| *said > file.len()) {
        Some(said) => Err(PromptFileError::Unreadable(format!(
            "the file is cut off: it says of itself that it has {} bytes, and {} came. Copy or export the recording once more, and send the whole file",
            count(said as i64),
            count(file.len() as i64)
        ))),
        None => reader(file),
    }
}

/// How long a WAV must be at least by its RIFF header and that of its sound, where they know.
fn said_length(file: &[u8]) -> Option<usize> {
    if !file.starts_with(b"RIFF") || file.get(8..12) != Some(b"WAVE".as_slice()) {
        return None;
    }
    let size = |at: usize| {
        let bytes: [u8; 4] = file.get(at..at + 4)?.try_into().ok()?;
        let size = u32::from_le_bytes(bytes);
        (1..UNKNOWN_FROM).contains(&size).then_some(size as usize)
    };
    let whole = size(4).filter(|whole| *whole > file.len());
    let mut at = 12;
    while let Some(chunk) = size(at + 4) {
        let end = at + 8 + chunk;
        if file.get(at..at + 4) == Some(b"data".as_slice()) {
            return Some(end).max(whole.map(|whole| whole + RIFF_HEADER));
        }
        // Chunks begin at even places.
        at = end + end % 2;
    }
    whole.map(|whole| whole + RIFF_HEADER)
}

/// A WAV file of what a call plays.
#[must_use]
pub fn wav(samples: &[i16]) -> Vec<u8> {
    recording::wav(1, samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(mut file: Vec<u8>, at: usize, size: u32) -> Vec<u8> {
        file[at..at + 4].copy_from_slice(&size.to_le_bytes());
        file
    }

    fn is_whole(file: Vec<u8>) -> bool {
        read(|_| Ok(Vec::new()), file).is_ok()
    }

    #[test]
    fn a_wav_that_is_cut_off_is_refused_and_one_that_does_not_know_its_length_is_not() {
        let whole = wav(&[7; 1_000]);
        assert_eq!(whole.len(), 2_044);
        assert!(is_whole(whole.clone()));
        let cut = read(|_| Ok(Vec::new()), whole[..1_044].to_vec());
        assert!(matches!(&cut, Err(PromptFileError::Unreadable(why)) if why.starts_with("the file is cut off: it says of itself that it has 2,044 bytes, and 1,044 came")), "{cut:?}");
        for (place, said, stands) in [(4, 4_000, false), (4, 2_036, true), (4, 2_044, true), (4, 0, true), (4, u32::MAX, true), (40, 2_001, false), (40, 0, true), (40, u32::MAX, true), (40, 0x7FFF_F000, true)] {
            assert_eq!(is_whole(with(whole.clone(), place, said)), stands, "{said} at {place}");
        }
        assert!(!is_whole(with(whole[..1_044].to_vec(), 40, 0)), "its RIFF header knows");
        assert!(!is_whole(with(whole[..1_044].to_vec(), 4, 0)), "its data header knows");
        assert!(is_whole(with(with(whole[..1_044].to_vec(), 4, u32::MAX), 40, u32::MAX)), "of a stream nobody knows");
        assert!(!is_whole(whole[..20].to_vec()), "before its sound");
        assert!(is_whole(b"RIFF".to_vec()) && is_whole(Vec::new()) && is_whole(b"fLaC and so on".to_vec()), "what is no WAV is the reader's");
    }
}
