//! The spectrum of the last 32 ms, every 10 ms.

use std::sync::{Arc, LazyLock};

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

const SIZE: usize = 256;
pub const HOP: usize = 80;
pub const HOP_MS: u32 = 10;
const BIN_HZ: f32 = 8_000.0 / SIZE as f32;
/// Bins whose energy counts: 95 to 3,600 Hz.
const FIRST: usize = 3;
const LAST: usize = 115;
/// Lower than 340 Hz there is a voice's own pitch, and no tone of a machine.
const PEAK_FIRST: usize = 11;

static PLAN: LazyLock<Arc<dyn RealToComplex<f32>>> = LazyLock::new(|| RealFftPlanner::<f32>::new().plan_fft_forward(SIZE));
static WINDOW: LazyLock<[f32; SIZE]> = LazyLock::new(|| std::array::from_fn(|n| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / SIZE as f32).cos()));

/// What is seen in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Level of the newest 10 ms against full scale.
    pub dbfs: f32,
    /// The strongest frequency, and the share of all energy that is at it.
    pub peak_hz: f32,
    pub purity: f32,
    /// The share between 330 and 670 Hz, where the network's own tones are.
    pub low_share: f32,
}

pub struct Spectrum {
    history: [f32; SIZE],
    windowed: [f32; SIZE],
    bins: [Complex32; SIZE / 2 + 1],
    scratch: Vec<Complex32>,
}

impl Default for Spectrum {
    fn default() -> Self {
        Self { history: [0.0; SIZE], windowed: [0.0; SIZE], bins: [Complex32::default(); SIZE / 2 + 1], scratch: PLAN.make_scratch_vec() }
    }
}

impl Spectrum {
    pub fn step(&mut self, hop: &[i16; HOP]) -> Look {
        self.history.copy_within(HOP.., 0);
        let mut energy = 0.0;
        for (place, sample) in self.history[SIZE - HOP..].iter_mut().zip(hop) {
            *place = f32::from(*sample) / 32_768.0;
            energy += *place * *place;
        }
        let dbfs = 10.0 * (energy / HOP as f32).max(1e-10).log10();
        for ((out, sample), window) in self.windowed.iter_mut().zip(&self.history).zip(WINDOW.iter()) {
            *out = sample * window;
        }
        // Only wrong lengths can fail, and these are fixed.
        let _ = PLAN.process_with_scratch(&mut self.windowed, &mut self.bins, &mut self.scratch);
        let power = |bin: usize| self.bins[bin].norm_sqr();
        let (mut total, mut low, mut peak) = (1e-9f32, 0.0f32, PEAK_FIRST);
        for bin in FIRST..=LAST {
            total += power(bin);
            if (11..=21).contains(&bin) {
                low += power(bin);
            }
            if bin > PEAK_FIRST && power(bin) > power(peak) {
                peak = bin;
            }
        }
        let around: f32 = (peak - 2..=peak + 2).map(power).sum();
        Look { dbfs, peak_hz: BIN_HZ * (peak as f32 + self.offset(peak)), purity: around / total.max(around), low_share: low / total }
    }

    /// Where between the bins the peak is, by a parabola through the logarithms.
    fn offset(&self, peak: usize) -> f32 {
        let log = |bin: usize| self.bins[bin].norm_sqr().max(1e-12).ln();
        let (before, at, after) = (log(peak - 1), log(peak), log(peak + 1));
        let bend = before - 2.0 * at + after;
        if bend.abs() < 1e-6 { 0.0 } else { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) }
    }
}
