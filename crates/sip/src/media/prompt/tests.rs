use super::*;

/// A WAV file by hand: a sine of 440 Hz.
fn wav(rate_hz: u32, channels: u16, bits: u16, seconds: f32, amplitude: f32) -> Vec<u8> {
    let frames = (rate_hz as f32 * seconds) as usize;
    let mut data = Vec::new();
    for n in 0..frames {
        let sample = amplitude * (std::f32::consts::TAU * 440.0 * n as f32 / rate_hz as f32).sin();
        for _ in 0..channels {
            match bits {
                8 => data.push((128.0 + 127.0 * sample) as u8),
                16 => data.extend(((32_767.0 * sample) as i16).to_le_bytes()),
                _ => data.extend(&((8_388_607.0 * sample) as i32).to_le_bytes()[..3]),
            }
        }
    }
    let block = channels * bits / 8;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate_hz.to_le_bytes());
    file.extend((rate_hz * u32::from(block)).to_le_bytes());
    file.extend(block.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

fn share_of_440(audio: &[i16]) -> f32 {
    let (mut real, mut imaginary, mut energy) = (0.0, 0.0, 1.0);
    for (n, sample) in audio.iter().enumerate() {
        let (turn, value) = (std::f64::consts::TAU * 440.0 * n as f64 / 8_000.0, f64::from(*sample));
        real += value * turn.cos();
        imaginary += value * turn.sin();
        energy += value * value;
    }
    (2.0 * (real * real + imaginary * imaginary) / audio.len() as f64 / energy) as f32
}

#[test]
fn wav_of_many_shapes_sounds_the_same() {
    for (rate, channels, bits) in [(8_000, 1, 16), (8_000, 1, 8), (16_000, 2, 16), (44_100, 2, 16), (48_000, 1, 24), (22_050, 6, 16)] {
        let prompt = load(wav(rate, channels, bits, 1.0, 0.3), PromptLimits::default()).unwrap_or_else(|error| panic!("{rate} {channels} {bits}: {error}"));
        assert!((990..=1_000).contains(&prompt.duration().as_millis()), "{rate}: {:?}", prompt.duration());
        assert!(share_of_440(&prompt.audio[400..7_600]) > 0.99, "{rate} {channels} {bits}");
        assert_eq!(Prompt::from_bytes(&prompt.to_bytes()).audio, prompt.audio);
    }
}

/// A file that somebody else's program wrote: a sine of 440 Hz, 44.1 kHz stereo.
fn sox(kind: &str, seconds: &str) -> Vec<u8> {
    let made = std::process::Command::new("sox").args(["-n", "-r", "44100", "-c", "2", "-t", kind, "-", "synth", seconds, "sine", "440", "gain", "-9"]).output();
    let made = made.expect("sox is installed (./test sees to it)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

#[test]
fn mp3_ogg_and_flac_of_other_programs_sound_the_same() {
    for kind in ["mp3", "ogg", "flac", "wav"] {
        let prompt = load(sox(kind, "1.5"), PromptLimits::default()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!((1_450..=1_600).contains(&prompt.duration().as_millis()), "{kind}: {:?}", prompt.duration());
        assert!(share_of_440(&prompt.audio[2_000..10_000]) > 0.99, "{kind}");
    }
}

#[test]
fn what_is_no_prompt_is_refused_with_its_reason() {
    let limits = PromptLimits { bytes_max: 100_000, seconds_max: 3 };
    let cases: [(Vec<u8>, PromptError); 7] = [
        (vec![], PromptError::Empty),
        (vec![1; 100_001], PromptError::TooBig { bytes: 100_001, bytes_max: 100_000 }),
        (b"%PDF-1.7 not a sound at all, but long enough to be looked at".to_vec(), PromptError::UnknownFormat),
        (vec![0; 5_000], PromptError::UnknownFormat),
        (wav(8_000, 1, 16, 3.5, 0.3), PromptError::TooLong { seconds_max: 3 }),
        (wav(8_000, 1, 16, 1.0, 0.0), PromptError::Silent),
        (wav(2_000, 1, 16, 1.0, 0.5), PromptError::OddRate { rate_hz: 2_000 }),
    ];
    for (file, expected) in cases {
        assert_eq!(load(file, limits).unwrap_err(), expected);
    }
    assert!(load(wav(8_000, 1, 16, 0.0, 0.3), limits).is_err());
}

#[test]
fn a_file_that_was_cut_off_is_played_as_far_as_it_goes() {
    let whole = wav(8_000, 1, 16, 2.0, 0.3);
    let prompt = load(whole[..whole.len() / 2].to_vec(), PromptLimits::default()).unwrap();
    assert!((900..=1_000).contains(&prompt.duration().as_millis()), "{:?}", prompt.duration());
}

/// Any bytes end as a prompt or as a refusal, in bounded time and memory, whatever was changed in them.
#[test]
fn changed_files_harm_nothing() {
    let mut seed = 0x00c0_ffee_u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut originals = vec![wav(8_000, 1, 16, 0.1, 0.3), wav(44_100, 2, 16, 0.05, 0.3)];
    originals.extend(["mp3", "ogg", "flac"].map(|kind| sox(kind, "0.2")));
    for original in &originals {
        for _ in 0..400 {
            let mut file = original.clone();
            for _ in 0..1 + next(12) {
                let at = if next(2) == 0 { next(file.len().min(200)) } else { next(file.len()) };
                file[at] = next(256) as u8;
            }
            if next(4) == 0 {
                file.truncate(next(file.len()));
            }
            if let Ok(prompt) = load(file, PromptLimits { bytes_max: 1 << 20, seconds_max: 20 }) {
                assert!(prompt.duration().as_secs() <= 20);
            }
        }
    }
}
