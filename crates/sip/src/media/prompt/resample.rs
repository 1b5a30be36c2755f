//! To 8 kHz by a windowed sinc, one set of taps for each of the phases that the two rates have.

use super::super::SAMPLE_RATE_HZ;

/// Zero crossings of the sinc on either side, at the lower of the two rates.
const CROSSINGS: f64 = 24.0;
/// Pass band as a share of half the lower rate.
const PASS: f64 = 0.94;

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

pub fn to_8_khz(samples: &[f32], rate_hz: u32) -> Vec<f32> {
    if rate_hz == SAMPLE_RATE_HZ {
        return samples.to_vec();
    }
    let common = gcd(rate_hz, SAMPLE_RATE_HZ);
    let (step, phases) = (u64::from(rate_hz / common), u64::from(SAMPLE_RATE_HZ / common));
    let cut = PASS * (f64::from(SAMPLE_RATE_HZ) / f64::from(rate_hz)).min(1.0);
    let half = (CROSSINGS / cut).ceil() as usize;
    let mut taps: Vec<Option<Box<[f32]>>> = vec![None; phases as usize];
    let length = samples.len() as u64 * phases / step;
    (0..length).map(|n| {
        let place = n * step;
        let (whole, phase) = ((place / phases) as usize, (place % phases) as usize);
        let taps = taps[phase].get_or_insert_with(|| filter(phase as f64 / phases as f64, cut, half));
        let first = whole as isize - half as isize + 1;
        taps.iter().enumerate().map(|(k, tap)| usize::try_from(first + k as isize).ok().and_then(|at| samples.get(at)).map_or(0.0, |sample| sample * tap)).sum()
    }).collect()
}

/// The taps for a place this far after a sample.
fn filter(after: f64, cut: f64, half: usize) -> Box<[f32]> {
    let taps: Vec<f64> = (0..2 * half).map(|k| {
        let distance = k as f64 - (half as f64 - 1.0) - after;
        let turn = std::f64::consts::PI * distance;
        let sinc = if distance.abs() < 1e-9 { cut } else { (cut * turn).sin() / turn };
        let edge = (std::f64::consts::PI * distance / (half as f64 + 1.0)).cos();
        // A Hann window squared: side lobes far below what eight bits can tell.
        sinc * (0.5 + 0.5 * edge).powi(2)
    }).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate_hz: u32, seconds: f64) -> Vec<f32> {
        (0..(f64::from(rate_hz) * seconds) as usize).map(|n| (0.5 * (std::f64::consts::TAU * hz * n as f64 / f64::from(rate_hz)).sin()) as f32).collect()
    }

    fn level(samples: &[f32]) -> f32 {
        (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn what_the_telephone_carries_passes_and_what_it_does_not_is_gone() {
        for rate in [11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
            for hz in [200.0, 1_000.0, 3_000.0] {
                let out = to_8_khz(&tone(hz, rate, 0.5), rate);
                assert!((3_998..=4_000).contains(&out.len()), "{rate}: {}", out.len());
                let expected = tone(hz, 8_000, 0.5);
                let error: Vec<f32> = out.iter().zip(&expected).skip(200).take(3_500).map(|(a, b)| a - b).collect();
                assert!(level(&error) < 0.01, "{hz} Hz of {rate}: {}", level(&error));
            }
            for hz in [4_700.0, 5_200.0] {
                let out = to_8_khz(&tone(hz, rate, 0.5), rate);
                assert!(level(&out[200..3_700]) < 0.01, "{hz} Hz of {rate} folds back: {}", level(&out));
            }
        }
    }

    #[test]
    fn lower_rates_are_raised() {
        let out = to_8_khz(&tone(700.0, 6_000, 0.5), 6_000);
        assert_eq!(out.len(), 4_000);
        assert!((level(&out[200..3_700]) - 0.3536).abs() < 0.01);
    }
}
