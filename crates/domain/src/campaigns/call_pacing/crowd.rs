//! How many of a crowd of independent chances come true: exactly for a small crowd, by the normal curve for a large one.

/// Above this the exact distribution costs more than it tells.
const EXACT_MAX: usize = 72;

/// A sum of independent yes-or-no chances.
#[derive(Debug, Clone)]
pub(super) struct Crowd {
    size: usize,
    mean: f64,
    variance: f64,
    /// `exact[k]` is the chance of exactly k, while the crowd is small.
    exact: Vec<f64>,
}

impl Crowd {
    pub(super) fn new() -> Self {
        Self { size: 0, mean: 0.0, variance: 0.0, exact: vec![1.0] }
    }

    /// Adds so many members of the same chance.
    pub(super) fn add(&mut self, chance: f64, members: u32) {
        let n = f64::from(members);
        self.size += members as usize;
        self.mean += n * chance;
        self.variance += n * chance * (1.0 - chance);
        if self.size > EXACT_MAX {
            self.exact.clear();
        } else if !self.exact.is_empty() {
            (0..members).for_each(|_| self.convolve(chance));
        }
    }

    fn convolve(&mut self, chance: f64) {
        self.exact.push(0.0);
        for k in (1..self.exact.len()).rev() {
            self.exact[k] = self.exact[k] * (1.0 - chance) + self.exact[k - 1] * chance;
        }
        self.exact[0] *= 1.0 - chance;
    }

    /// The chance of this many or more.
    pub(super) fn at_least(&self, count: i64) -> f64 {
        if count <= 0 {
            return 1.0;
        }
        if !self.exact.is_empty() {
            return self.exact.iter().skip(usize::try_from(count).unwrap_or(usize::MAX)).sum();
        }
        let away = (count as f64 - 0.5 - self.mean) / self.variance.max(1e-9).sqrt();
        upper_tail(away)
    }
}

/// The chance that a standard normal is above this (Abramowitz and Stegun 26.2.17; wrong by less than 1e-7).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly = t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * poly;
    if z >= 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_exactly_when_small_and_nearly_when_large() {
        let mut coins = Crowd::new();
        coins.add(0.5, 4);
        assert!((coins.at_least(3) - 5.0 / 16.0).abs() < 1e-12 && coins.at_least(0) == 1.0 && coins.at_least(5) == 0.0);
        let (mut small, mut large) = (Crowd::new(), Crowd::new());
        small.add(0.3, 70);
        large.add(0.3, 70);
        large.exact.clear();
        for count in [10, 20, 25, 30] {
            assert!((small.at_least(count) - large.at_least(count)).abs() < 0.008, "{count}: {} {}", small.at_least(count), large.at_least(count));
        }
    }
}
