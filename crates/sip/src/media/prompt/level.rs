//! Every prompt equally loud: the level of its speech, pauses left out, is brought to −20 dBFS, unless its peaks would
//! pass −3 dBFS; then they stand there.

use super::PromptError;

/// Level of the speech (root mean square of its louder parts) against full scale.
pub const SPEECH_DBFS: f32 = -20.0;
/// No sample is louder.
pub const PEAK_MAX_DBFS: f32 = -3.0;
/// More than this is no quiet recording but its noise.
const GAIN_MAX_DB: f32 = 40.0;
/// Samples of which a level is taken, 20 ms.
const BLOCK: usize = 160;
/// Blocks this far under the loudest are pauses.
const PAUSE_DB: f32 = 25.0;
/// Below it all is silence.
const SILENCE_DBFS: f32 = -75.0;

fn factor(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

pub fn level(samples: &[f32]) -> Result<Vec<i16>, PromptError> {
    if samples.is_empty() {
        return Err(PromptError::NoSound);
    }
    let offset = samples.iter().sum::<f32>() / samples.len() as f32;
    let powers: Vec<f32> = samples.chunks(BLOCK).map(|block| block.iter().map(|sample| (sample - offset).powi(2)).sum::<f32>() / block.len() as f32).collect();
    let loudest = powers.iter().copied().fold(0.0, f32::max);
    if loudest < factor(SILENCE_DBFS).powi(2) {
        return Err(PromptError::Silent);
    }
    let threshold = loudest * factor(-PAUSE_DB).powi(2);
    let spoken: Vec<f32> = powers.into_iter().filter(|power| *power >= threshold).collect();
    let speech = (spoken.iter().sum::<f32>() / spoken.len() as f32).sqrt();
    let peak = samples.iter().map(|sample| (sample - offset).abs()).fold(0.0, f32::max);
    let gain = (factor(SPEECH_DBFS) / speech).min(factor(PEAK_MAX_DBFS) / peak).min(factor(GAIN_MAX_DB));
    Ok(samples.iter().map(|sample| ((sample - offset) * gain * 32_768.0).clamp(-32_768.0, 32_767.0) as i16).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: f32, length: usize) -> Vec<f32> {
        (0..length).map(|n| amplitude * (n as f32 * 0.4).sin()).collect()
    }

    fn dbfs(samples: &[i16]) -> f32 {
        10.0 * (samples.iter().map(|sample| (f32::from(*sample) / 32_768.0).powi(2)).sum::<f32>() / samples.len() as f32).log10()
    }

    #[test]
    fn soft_and_loud_become_equal_and_pauses_do_not_count() {
        for amplitude in [0.01, 0.1, 0.9] {
            let mut samples = vec![0.0; 8_000];
            samples.extend(tone(amplitude, 8_000));
            samples.extend(vec![0.0; 8_000]);
            samples.iter_mut().for_each(|sample| *sample += 0.05);
            let out = level(&samples).unwrap();
            assert!((dbfs(&out[8_000..16_000]) - SPEECH_DBFS).abs() < 0.3, "{amplitude}: {}", dbfs(&out[8_000..16_000]));
            assert!(dbfs(&out[..8_000]) < -50.0, "the offset is taken out");
        }
    }

    #[test]
    fn peaks_are_never_cut() {
        let mut samples = tone(0.05, 16_000);
        samples[9_000] = 0.95;
        let out = level(&samples).unwrap();
        let peak = out.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((f32::from(peak) / 32_768.0 - factor(PEAK_MAX_DBFS)).abs() < 0.01, "{peak}");
    }

    #[test]
    fn silence_is_refused() {
        assert_eq!(level(&[0.25; 8_000]), Err(PromptError::Silent));
        assert_eq!(level(&[]), Err(PromptError::NoSound));
    }
}
