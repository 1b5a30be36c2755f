//! From a file's bytes to mono samples at the file's own rate.

use std::io::Cursor;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::{PromptError, PromptLimits};

/// Packets in a row that may be damaged before the file is.
const DAMAGED_MAX: u32 = 50;

pub struct Decoded {
    pub mono: Vec<f32>,
    pub rate_hz: u32,
}

fn refusal(error: &Error) -> PromptError {
    match error {
        Error::Unsupported(what) => PromptError::UnsupportedCoding((*what).to_owned()),
        other => PromptError::Damaged(other.to_string()),
    }
}

pub fn decode(file: Vec<u8>, limits: PromptLimits) -> Result<Decoded, PromptError> {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(file)), Default::default());
    let mut format = symphonia::default::get_probe().probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default()).map_err(|error| match error {
        Error::Unsupported(_) | Error::IoError(_) => PromptError::UnknownFormat,
        other => refusal(&other),
    })?;
    let track = format.default_track(TrackType::Audio).ok_or(PromptError::NoSound)?;
    let id = track.id;
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio()).ok_or(PromptError::NoSound)?;
    let mut decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).map_err(|error| refusal(&error))?;

    let mut decoded = Decoded { mono: Vec::new(), rate_hz: 0 };
    let (mut damaged, mut last) = (0, String::new());
    let mut interleaved: Vec<f32> = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == id => packet,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            // A file that was cut off is played as far as it goes.
            Err(Error::IoError(_)) => break,
            Err(error) => return Err(refusal(&error)),
        };
        match decoder.decode(&packet) {
            Ok(audio) => {
                damaged = 0;
                let (rate_hz, channels) = (audio.spec().rate(), audio.spec().channels().count());
                interleaved.resize(audio.samples_interleaved(), 0.0);
                audio.copy_to_slice_interleaved(&mut interleaved);
                add(&mut decoded, rate_hz, channels, &interleaved, limits)?;
            }
            Err(Error::DecodeError(what)) if damaged < DAMAGED_MAX => {
                damaged += 1;
                last = what.to_owned();
            }
            Err(error) => return Err(refusal(&error)),
        }
    }
    match decoded.mono.is_empty() {
        true if !last.is_empty() => Err(PromptError::Damaged(last)),
        true => Err(PromptError::NoSound),
        false => Ok(decoded),
    }
}

fn add(decoded: &mut Decoded, rate_hz: u32, channels: usize, interleaved: &[f32], limits: PromptLimits) -> Result<(), PromptError> {
    if !(4_000..=192_000).contains(&rate_hz) {
        return Err(PromptError::OddRate { rate_hz });
    }
    if decoded.rate_hz == 0 {
        decoded.rate_hz = rate_hz;
    } else if decoded.rate_hz != rate_hz {
        return Err(PromptError::UnsupportedCoding("the sampling rate changes within the file".to_owned()));
    }
    let channels = channels.max(1);
    // What is no number, or far beyond full scale, is damage.
    decoded.mono.extend(interleaved.chunks_exact(channels).map(|frame| frame.iter().map(|sample| if sample.is_finite() { sample.clamp(-8.0, 8.0) } else { 0.0 }).sum::<f32>() / channels as f32));
    if decoded.mono.len() as u64 > u64::from(limits.seconds_max) * u64::from(rate_hz) {
        return Err(PromptError::TooLong { seconds_max: limits.seconds_max });
    }
    Ok(())
}
