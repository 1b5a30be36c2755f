//! Whether more people answer lately than was learned: the learned chances follow a change within a thousand calls, this within a hundred.

use crate::campaigns::call_pacing::hazard::{Hazard, step_of};

/// What is kept of the old at each call.
const KEEP: f64 = 1.0 - 1.0 / 100.0;
/// As if so many had been expected and had answered: a few answers are no surprise.
const CALM: f64 = 5.0;

#[derive(Debug, Clone, Default)]
pub(super) struct Surprise {
    answered: f64,
    expected: f64,
}

impl Surprise {
    /// A call is over, or a person wants an agent; what was learned before it says how likely that was.
    pub(super) fn note(&mut self, learned: &Hazard, steps: usize, age_ms: i64, answered: bool) {
        let expected: f64 = (0..=step_of(age_ms, steps)).map(|step| learned.at(step)).sum();
        self.answered = self.answered * KEEP + f64::from(u8::from(answered));
        self.expected = self.expected * KEEP + expected;
    }

    /// How many times as many as was expected; fewer are no reason for less care.
    pub(super) fn times(&self) -> f64 {
        ((self.answered + CALM) / (self.expected + CALM)).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaigns::call_pacing::hazard::STEP_MS;

    #[test]
    fn sees_a_rise_within_a_hundred_calls_and_no_fall() {
        let mut learned = Hazard::new(10, 0.05, 100_000.0, 0);
        (0..4_000).for_each(|n| learned.note(5 * STEP_MS, n % 5 == 0));
        let after = |every: usize| {
            let mut surprise = Surprise::default();
            (0..400).for_each(|n| surprise.note(&learned, 10, 5 * STEP_MS, n % 5 == 0));
            assert!(surprise.times() < 1.3, "as was learned: {}", surprise.times());
            (0..100).for_each(|n| surprise.note(&learned, 10, 5 * STEP_MS, n % every == 0));
            surprise.times()
        };
        assert!(after(1) > 2.5, "everybody answers: {}", after(1));
        assert!(after(50) == 1.0, "hardly anybody does: {}", after(50));
    }
}
