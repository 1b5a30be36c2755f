//! Sound files made into prompts, for the portal, the API and the command: the edge sees no codec.

use clarion_edge::PromptFileError;
use clarion_sip::media::prompt::{PromptError, PromptLimits, load};

/// WAV, MP3, OGG Vorbis or FLAC as 8 kHz of one channel, levelled.
pub fn read(file: Vec<u8>) -> Result<Vec<i16>, PromptFileError> {
    match load(file, PromptLimits::default()) {
        Ok(prompt) => Ok(prompt.audio.to_vec()),
        Err(error @ PromptError::UnknownFormat) => Err(PromptFileError::OtherFormat(error.to_string())),
        Err(error) => Err(PromptFileError::Unreadable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_edge_writes_and_names_what_it_cannot_read() {
        let samples: Vec<i16> = (0..8_000).map(|place| ((f64::from(place) * 0.35).sin() * 12_000.0) as i16).collect();
        assert_eq!(read(clarion_edge::wav(&samples)).map(|read| read.len()), Ok(8_000));
        assert!(matches!(read(b"hello, this is no sound".to_vec()), Err(PromptFileError::OtherFormat(_))));
        assert!(matches!(read(Vec::new()), Err(PromptFileError::Unreadable(_))));
    }
}
