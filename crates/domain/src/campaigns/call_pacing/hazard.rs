//! How likely something ends in the next moment, by how long it has lasted: learned from what ended, and slowly forgotten.

/// A step of age.
pub(super) const STEP_MS: i64 = 2_000;

/// Ends by age, in steps of two seconds.
#[derive(Debug, Clone)]
pub(super) struct Hazard {
    /// Decayed counts of ends in, and of survivals into, each step.
    ends: Vec<f64>,
    exposed: Vec<f64>,
    /// What is kept of the old at each new observation.
    keep: f64,
    /// Steps on either side that lend their counts to one.
    reach: usize,
    smooth: Vec<f64>,
}

/// How strongly the overall hazard pulls at a step with few observations.
const SHRINK: f64 = 4.0;

impl Hazard {
    /// `first_guess` is the chance of an end in a step before anything was seen; `memory` the number of observations that count.
    pub(super) fn new(steps: usize, first_guess: f64, memory: f64, reach: usize) -> Self {
        let (ends, exposed) = (vec![first_guess * 0.2; steps], vec![0.2; steps]);
        let mut hazard = Self { ends, exposed, keep: 1.0 - 1.0 / memory, reach, smooth: Vec::new() };
        hazard.smooth();
        hazard
    }

    /// Something lasted this long; `ended` is whether it ended so, and not in another way.
    pub(super) fn note(&mut self, age_ms: i64, ended: bool) {
        let last = step_of(age_ms, self.ends.len());
        self.ends.iter_mut().chain(&mut self.exposed).for_each(|count| *count *= self.keep);
        self.exposed[..=last].iter_mut().for_each(|count| *count += 1.0);
        if ended {
            self.ends[last] += 1.0;
        }
        self.smooth();
    }

    fn smooth(&mut self) {
        let overall = self.ends.iter().sum::<f64>() / self.exposed.iter().sum::<f64>().max(1e-9);
        let steps = self.ends.len();
        self.smooth.clear();
        self.smooth.extend((0..steps).map(|step| {
            let near = step.saturating_sub(self.reach)..(step + self.reach + 1).min(steps);
            let (ends, exposed) = (self.ends[near.clone()].iter().sum::<f64>(), self.exposed[near].iter().sum::<f64>());
            ((ends + SHRINK * overall) / (exposed + SHRINK)).clamp(0.0, 1.0)
        }));
    }

    /// How long it lasts.
    pub(super) fn mean_ms(&self) -> f64 {
        let mut lasts = 1.0;
        let steps = self.smooth.iter().map(|ends| {
            let so_far = lasts;
            lasts *= 1.0 - ends;
            so_far
        });
        steps.sum::<f64>() * STEP_MS as f64
    }

    /// The chance that it ends in this step, having lasted into it.
    pub(super) fn at(&self, step: usize) -> f64 {
        self.smooth[step.min(self.smooth.len() - 1)]
    }
}

pub(super) fn step_of(age_ms: i64, steps: usize) -> usize {
    usize::try_from(age_ms / STEP_MS).unwrap_or(0).min(steps - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_when_things_end_and_forgets() {
        let mut hazard = Hazard::new(10, 0.5, 200.0, 0);
        (0..500).for_each(|_| hazard.note(3 * STEP_MS, true));
        assert!(hazard.at(3) > 0.95 && hazard.at(1) < 0.02, "{} {}", hazard.at(3), hazard.at(1));
        (0..2_000).for_each(|_| hazard.note(STEP_MS, true));
        assert!(hazard.at(1) > 0.95, "what was learned first is forgotten: {}", hazard.at(1));
        assert_eq!(hazard.at(99), hazard.at(9));
    }

    #[test]
    fn an_end_of_another_kind_is_exposure_alone() {
        let mut hazard = Hazard::new(10, 0.1, 500.0, 0);
        (0..1_000).for_each(|n| hazard.note(0, n % 4 == 0));
        assert!((hazard.at(0) - 0.25).abs() < 0.02, "{}", hazard.at(0));
    }
}
