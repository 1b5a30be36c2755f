//! What a carrier takes for a call: a fee for the connection, and so much a minute of what it bills.

use serde::{Deserialize, Serialize};

const MINUTE_SECONDS: u64 = 60;
const STEP_SECONDS_MAX: u32 = 3_600;

/// How answered time is rounded up: at least `first_seconds`, and beyond them in steps of `step_seconds`. Carriers write it 60/60, 30/6 or 1/1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BillingIncrement {
    first_seconds: u32,
    step_seconds: u32,
}

/// An increment that does not read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no billing increment: write the first seconds and the step, as the carrier does, such as 60/60, 30/6 or 1/1")]
pub struct MalformedIncrement(String);

impl BillingIncrement {
    /// By the second.
    pub const SECOND: Self = Self { first_seconds: 1, step_seconds: 1 };

    /// Seconds that are billed for a leg that was up for so long: one that was answered is billed for the first of them at least.
    #[must_use]
    pub fn billed_seconds(self, answered_ms: u64) -> u64 {
        let seconds = answered_ms.div_ceil(1_000);
        let (first, step) = (u64::from(self.first_seconds), u64::from(self.step_seconds));
        first + seconds.saturating_sub(first).div_ceil(step) * step
    }
}

impl std::str::FromStr for BillingIncrement {
    type Err = MalformedIncrement;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || MalformedIncrement(text.to_owned());
        let (first, step) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = |part: &str| part.trim().parse::<u32>().ok().filter(|seconds| (1..=STEP_SECONDS_MAX).contains(seconds)).ok_or_else(wrong);
        Ok(Self { first_seconds: seconds(first)?, step_seconds: seconds(step)? })
    }
}

impl std::fmt::Display for BillingIncrement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.first_seconds, self.step_seconds)
    }
}

impl TryFrom<String> for BillingIncrement {
    type Error = MalformedIncrement;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BillingIncrement> for String {
    fn from(increment: BillingIncrement) -> Self {
        increment.to_string()
    }
}

/// The price of a trunk's calls, in ten-thousandths of its currency's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallPrice {
    pub per_minute: i64,
    pub connection_fee: i64,
    pub increment: BillingIncrement,
}

impl CallPrice {
    /// What a leg costs that was up for so long after its answer; one that nobody answered costs nothing. Half a ten-thousandth rounds up.
    #[must_use]
    pub fn of_answered(&self, answered_ms: Option<u64>) -> i64 {
        let Some(answered_ms) = answered_ms else { return 0 };
        let billed = i64::try_from(self.increment.billed_seconds(answered_ms)).unwrap_or(i64::MAX);
        let minutes = self.per_minute.saturating_mul(billed).saturating_add(MINUTE_SECONDS as i64 / 2) / MINUTE_SECONDS as i64;
        self.connection_fee.saturating_add(minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(increment: &str) -> CallPrice {
        CallPrice { per_minute: 120, connection_fee: 50, increment: increment.parse().expect("an increment") }
    }

    #[test]
    fn answered_time_is_billed_as_the_carrier_rounds_it() {
        let cases: &[(&str, u64, u64)] = &[
            ("1/1", 0, 1),
            ("1/1", 1, 1),
            ("1/1", 61_000, 61),
            ("1/1", 61_001, 62),
            ("60/60", 0, 60),
            ("60/60", 60_000, 60),
            ("60/60", 60_001, 120),
            ("30/6", 29_000, 30),
            ("30/6", 30_001, 36),
            ("30/6", 43_000, 48),
        ];
        for (increment, answered_ms, billed) in cases {
            assert_eq!(increment.parse::<BillingIncrement>().expect("reads").billed_seconds(*answered_ms), *billed, "{increment}, {answered_ms} ms");
        }
    }

    #[test]
    fn a_call_costs_its_fee_and_its_minutes_and_nothing_when_nobody_answered() {
        assert_eq!(price("60/60").of_answered(None), 0);
        assert_eq!(price("60/60").of_answered(Some(61_000)), 50 + 240);
        assert_eq!(price("1/1").of_answered(Some(30_000)), 50 + 60);
        assert_eq!(price("1/1").of_answered(Some(200)), 50 + 2, "one second of two ten-thousandths");
    }

    #[test]
    fn what_is_no_increment_is_refused() {
        for text in ["", "60", "0/1", "1/0", "60/60/60", "a/b", "3601/1", "-1/1"] {
            assert!(text.parse::<BillingIncrement>().is_err(), "{text}");
        }
        assert_eq!("30/6".parse::<BillingIncrement>().expect("reads").to_string(), "30/6");
    }

    proptest! {
        /// Never less than the time that was talked, and less than a step more once the first seconds are over.
        #[test]
        fn billed_time_covers_the_talk(first in 1u32..=3_600, step in 1u32..=3_600, answered_ms in 0u64..100_000_000) {
            let billed = BillingIncrement { first_seconds: first, step_seconds: step }.billed_seconds(answered_ms);
            let talked = answered_ms.div_ceil(1_000);
            prop_assert!(billed >= talked && billed >= u64::from(first));
            prop_assert!(billed == u64::from(first) || billed < talked + u64::from(step));
        }
    }
}
