//! Sound files as people send them, made into what a call plays: 8 kHz, 16 bits, one channel.
//!
//! The server may give another reader (`ReadPrompt`), one that knows more formats: this crate sees no codec.

use std::io::Cursor;

use hound::{SampleFormat, WavReader, WavSpec};

pub const PROMPT_BYTES_MAX: usize = 64 * 1024 * 1024;
const RATE_HZ: u32 = 8_000;
const SECONDS_MAX: u64 = 600;
/// Sample rates that people's programs write.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=96_000;

/// Makes a file into samples.
pub type ReadPrompt = fn(Vec<u8>) -> Result<Vec<i16>, PromptFileError>;

/// Why a file is no prompt; each is a sentence for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptFileError {
    /// A kind of file that this server does not read.
    #[error("{0}")]
    OtherFormat(String),
    #[error("{0}")]
    Unreadable(String),
}

/// Reads WAV.
pub fn read_wav(file: Vec<u8>) -> Result<Vec<i16>, PromptFileError> {
    let unreadable = |text: &str| PromptFileError::Unreadable(text.to_owned());
    if file.is_empty() {
        return Err(unreadable("the file is empty: choose a recording"));
    }
    if !file.starts_with(b"RIFF") {
        return Err(PromptFileError::OtherFormat("this server reads WAV files alone: save the recording as WAV (PCM), with 8 to 96 kHz and one or two channels".into()));
    }
    let mut reader = WavReader::new(Cursor::new(file)).map_err(|error| PromptFileError::Unreadable(format!("the WAV file cannot be read ({error}): save it again as PCM")))?;
    let spec = reader.spec();
    if !RATES_HZ.contains(&spec.sample_rate) || !(1..=2).contains(&spec.channels) {
        return Err(PromptFileError::Unreadable(format!("{} Hz and {} channels: a prompt has 8 to 96 kHz and one or two channels", spec.sample_rate, spec.channels)));
    }
    if !(8..=32).contains(&spec.bits_per_sample) {
        return Err(PromptFileError::Unreadable(format!("{} bits a sample: a prompt has 8 to 32", spec.bits_per_sample)));
    }
    if u64::from(reader.duration()) > SECONDS_MAX * u64::from(spec.sample_rate) {
        return Err(unreadable("a prompt lasts up to ten minutes: shorten it"));
    }
    let samples = samples(&mut reader, spec).map_err(|error| PromptFileError::Unreadable(format!("the WAV file breaks off ({error}): send it whole")))?;
    let mono: Vec<f32> = samples.chunks_exact(usize::from(spec.channels)).map(|frame| frame.iter().sum::<f32>() / frame.len() as f32).collect();
    if mono.is_empty() {
        return Err(unreadable("there is no sound in the file: record it again"));
    }
    Ok(to_8_khz(&mono, spec.sample_rate).into_iter().map(|sample| (sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16).collect())
}

fn samples(reader: &mut WavReader<Cursor<Vec<u8>>>, spec: WavSpec) -> Result<Vec<f32>, hound::Error> {
    match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().map(|sample| sample.map(|sample| if sample.is_finite() { sample } else { 0.0 })).collect(),
        SampleFormat::Int => {
            let full = (1_i64 << (spec.bits_per_sample - 1)) as f32;
            reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 / full)).collect()
        }
    }
}

/// Zero crossings of the filter on either side: enough that what lies above 4 kHz does not fold into the speech.
const HALF_CROSSINGS: usize = 24;

/// A windowed sinc, with one set of taps for each phase that the two rates can have.
fn to_8_khz(samples: &[f32], rate_hz: u32) -> Vec<f32> {
    if rate_hz == RATE_HZ {
        return samples.to_vec();
    }
    let common = greatest_common(rate_hz, RATE_HZ);
    let (up, down) = ((RATE_HZ / common) as usize, (rate_hz / common) as usize);
    let half = (HALF_CROSSINGS * rate_hz as usize).div_ceil(RATE_HZ as usize);
    // Cut a little below half the new rate, in turns for each old sample.
    let cut = 0.46 * f64::from(RATE_HZ) / f64::from(rate_hz);
    let phases: Vec<Vec<f32>> = (0..up).map(|phase| taps(half, cut, phase as f64 / up as f64)).collect();
    let len = samples.len() * up / down;
    (0..len)
        .map(|place| {
            let (at, phase) = (place * down / up, place * down % up);
            let first = (at + 1).saturating_sub(half);
            let skipped = (first + half) - (at + 1);
            let near = &samples[first..samples.len().min(at + half + 1)];
            near.iter().zip(&phases[phase][skipped..]).map(|(sample, tap)| sample * tap).sum()
        })
        .collect()
}

/// Weights of the samples from `half - 1` before to `half` after a point that lies `offset` after a sample.
fn taps(half: usize, cut: f64, offset: f64) -> Vec<f32> {
    let weight = |place: usize| {
        let t = place as f64 - (half as f64 - 1.0) - offset;
        let turn = std::f64::consts::TAU * cut * t;
        let sinc = if turn.abs() < 1e-9 { 1.0 } else { turn.sin() / turn };
        let window = 0.5 + 0.5 * (std::f64::consts::PI * (t / half as f64).clamp(-1.0, 1.0)).cos();
        sinc * window
    };
    let weights: Vec<f64> = (0..2 * half).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

fn greatest_common(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common(b, a % b) }
}

/// A WAV file of what a call plays.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate_hz: u32, hz: f32, channels: u16) -> Vec<u8> {
        let spec = WavSpec { channels, sample_rate: rate_hz, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).expect("writes");
        for place in 0..rate_hz {
            let sample = (std::f32::consts::TAU * hz * place as f32 / rate_hz as f32).sin() * 16_000.0;
            (0..channels).for_each(|_| writer.write_sample(sample as i16).expect("writes"));
        }
        writer.finalize().expect("ends");
        file.into_inner()
    }

    /// The strength of a tone within samples, 1 for the tone alone at the strength of `tone`.
    fn strength(samples: &[i16], hz: f32) -> f32 {
        let (mut re, mut im) = (0.0, 0.0);
        for (place, sample) in samples.iter().enumerate() {
            let turn = std::f32::consts::TAU * hz * place as f32 / 8_000.0;
            re += f32::from(*sample) * turn.cos();
            im += f32::from(*sample) * turn.sin();
        }
        re.hypot(im) / samples.len() as f32 / 8_000.0
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_strength_at_every_rate() {
        for rate_hz in [8_000, 16_000, 22_050, 44_100, 48_000] {
            for channels in [1, 2] {
                let samples = read_wav(tone(rate_hz, 1_000.0, channels)).expect("a prompt");
                assert!(samples.len().abs_diff(8_000) <= 1, "{rate_hz}: {}", samples.len());
                assert!((strength(&samples, 1_000.0) - 1.0).abs() < 0.02, "{rate_hz}: {}", strength(&samples, 1_000.0));
            }
        }
    }

    #[test]
    fn what_lies_above_the_new_rate_does_not_fold_into_the_speech() {
        let samples = read_wav(tone(48_000, 6_500.0, 1)).expect("a prompt");
        assert!(strength(&samples, 1_500.0) < 0.01, "{}", strength(&samples, 1_500.0));
    }

    #[test]
    fn what_is_no_prompt_says_why() {
        let other = |file: &[u8]| matches!(read_wav(file.to_vec()), Err(PromptFileError::OtherFormat(_)));
        let unreadable = |file: &[u8]| matches!(read_wav(file.to_vec()), Err(PromptFileError::Unreadable(_)));
        assert!(other(b"ID3\x04 an MP3") && other(b"OggS") && other(b"fLaC") && other(b"hello"));
        let whole = tone(8_000, 440.0, 1);
        let half = whole[..whole.len() / 2].to_vec();
        assert!(unreadable(b"") && unreadable(b"RIFF") && unreadable(&whole[..44]) && unreadable(&half) && unreadable(&tone(4_000, 440.0, 1)));
    }

    #[test]
    fn what_is_played_is_a_wav_file_again() {
        let samples = read_wav(tone(8_000, 440.0, 1)).expect("a prompt");
        assert_eq!(read_wav(wav(&samples)).expect("reads"), samples);
    }
}
