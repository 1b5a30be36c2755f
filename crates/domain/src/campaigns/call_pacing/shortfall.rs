//! How many people the calls in flight may bring for whom no agent is free: a number that is passed with no more than a given chance.
//!
//! Agents who will be released meanwhile are not counted on: they may leave, or be taken by another campaign.

/// What a call in flight is likely to come to at the least: below this no more was learned than that few answer today. Six calls or fewer are
/// thereby counted as answered, all of them, at a chance of one in a million.
const ANSWER_MIN: f64 = 0.1;

/// Free agents, and calls that may be answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shortfall {
    /// Less the people who wait.
    pub free: i64,
    pub in_flight: u32,
    /// Answers to be expected of those in flight, and of one more call.
    pub answers: f64,
    pub new_call: f64,
}

impl Shortfall {
    /// Whether, with so many calls more, no more than `spare` people meet no free agent: certainly, or but for the chance given.
    pub(super) fn bears(&self, new_calls: u32, spare: u32, chance_max: f64) -> bool {
        let calls = self.in_flight + new_calls;
        let too_many = self.free + i64::from(spare) + 1;
        let expected = self.answers + f64::from(new_calls) * self.new_call;
        i64::from(calls) < too_many || at_least(too_many, calls, expected) <= chance_max
    }

    /// The most calls that may be launched, of so many.
    pub(super) fn room(&self, spare: u32, calls_max: u32, chance_max: f64) -> u32 {
        least(calls_max + 1, |calls| !self.bears(calls, spare, chance_max)).saturating_sub(1)
    }

    /// The fewest people who must be spare for so many calls more.
    pub(super) fn needs(&self, new_calls: u32, chance_max: f64) -> u32 {
        let all = i64::from(self.in_flight + new_calls) - self.free;
        least(u32::try_from(all).unwrap_or(0), |spare| self.bears(new_calls, spare, chance_max))
    }
}

/// The least number for which it holds, or `max`; once it holds, it holds for all above.
fn least(max: u32, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, max);
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// A bound (Chernoff's) on the chance of this many answers or more to so many calls. Their chances may differ: at the same sum that only makes
/// many answers rarer (Hoeffding).
fn at_least(count: i64, calls: u32, expected: f64) -> f64 {
    if count <= 0 {
        return 1.0;
    }
    let (count, calls) = (count as f64, f64::from(calls));
    let chance = (expected / calls).clamp(ANSWER_MIN, 1.0);
    if count <= calls * chance {
        return 1.0;
    }
    let rest = calls - count;
    let unlikely = if rest > 0.0 { rest * (rest / (calls * (1.0 - chance))).ln() } else { 0.0 };
    (-(count * (count / (calls * chance)).ln() + unlikely)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaigns::call_pacing::crowd::Crowd;
    use proptest::prelude::*;

    const RARELY: f64 = 1e-6;

    #[test]
    fn many_calls_are_not_all_answered_and_few_may_be() {
        let of = |in_flight: u32, chance: f64| Shortfall { free: 0, in_flight, answers: f64::from(in_flight) * chance, new_call: chance };
        assert_eq!((of(6, 0.01).needs(0, RARELY), of(5, 0.01).needs(1, RARELY)), (6, 6), "all of a few");
        let (many, certain) = (of(100, 0.2), of(100, 1.0));
        assert!((40..50).contains(&many.needs(0, RARELY)), "{}", many.needs(0, RARELY));
        assert_eq!(certain.needs(0, RARELY), 100, "nothing is known");
        assert_eq!(certain.room(120, 64, RARELY), 20, "every one counted");
        assert!(many.room(50, 64, RARELY) > 0 && many.room(30, 64, RARELY) == 0);
        assert_eq!(Shortfall { free: -3, ..of(0, 0.2) }.needs(0, RARELY), 3, "people who wait already are certain");
    }

    proptest! {
        /// The chance that more people meet no agent than were counted with is what it claims, or less; nor are more counted than there are.
        #[test]
        fn what_is_counted_with_is_passed_as_rarely_as_it_says(chances in proptest::collection::vec(0.0f64..0.9, 1..60), new_calls in 0u32..10, new_call in 0.0f64..0.9, free in 0i64..20, exponent in 1i32..8) {
            let chance_max = 10f64.powi(-exponent);
            let shortfall = Shortfall { free, in_flight: chances.len() as u32, answers: chances.iter().sum(), new_call };
            let mut answers = Crowd::new();
            chances.iter().for_each(|chance| answers.add(*chance, 1));
            answers.add(new_call, new_calls);
            let spare = shortfall.needs(new_calls, chance_max);
            let passed = answers.at_least(free + i64::from(spare) + 1);
            prop_assert!(passed <= chance_max, "{} people: {}", spare, passed);
            let all = i64::from(shortfall.in_flight + new_calls);
            prop_assert!(i64::from(spare) <= (all - free).max(0));
            prop_assert!(all > 6 || exponent < 6 || i64::from(spare) == (all - free).max(0), "of a few calls every one is counted");
            prop_assert!(spare == 0 || !shortfall.bears(new_calls, spare - 1, chance_max), "not one more than is needed");
            prop_assert!(shortfall.room(spare, 64, chance_max) >= new_calls);
        }
    }
}
