//! How many segments may be claimed for a trunk now: what its rate has let grow since the last look.

/// What may be saved up. Longer than a cycle with a slow commit, shorter than anybody's patience after an opt-out.
const SAVED_MICROS: f64 = 50_000.0;

/// A bucket that fills at the rate of the moment. Time is the caller's, in microseconds from any fixed point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Credit {
    level: f64,
    at_micros: u64,
}

impl Credit {
    pub(super) fn new(at_micros: u64) -> Self {
        Self { level: 1.0, at_micros }
    }

    /// Fills up; at least one segment can always be saved.
    pub(super) fn fill(&mut self, rate_per_second: f64, now_micros: u64) {
        let elapsed = now_micros.saturating_sub(self.at_micros) as f64;
        let full = (rate_per_second * SAVED_MICROS / 1e6).max(1.0);
        self.level = (self.level + elapsed * rate_per_second / 1e6).min(full);
        self.at_micros = now_micros;
    }

    /// Whole segments; a long message may overdraw it, and is paid back before the next.
    pub(super) fn available(&self) -> u32 {
        self.level.max(0.0) as u32
    }

    pub(super) fn spend(&mut self, segments: u32) {
        self.level -= f64::from(segments);
    }

    pub(super) fn spend_back(&mut self, segments: u32) {
        self.level += f64::from(segments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_the_rate_and_pays_overdrafts_back() {
        let mut credit = Credit::new(0);
        let mut sent = 0;
        for step in 1..=1_000u64 {
            credit.fill(200.0, step * 10_000);
            while credit.available() > 0 {
                credit.spend(3);
                sent += 3;
            }
        }
        assert!((1_990..=2_010).contains(&sent), "{sent} in ten seconds at 200 a second");
    }
}
