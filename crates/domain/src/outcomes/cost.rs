//! What a message costs, in ten-thousandths of a minor unit (0.0001 penny), so that no float ever meets money.

/// A price or a sum: 1 p is 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Cost(pub i64);

/// An amount that does not read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a price: write minor units with at most four decimals, such as 3.25 for three and a quarter pence")]
pub struct MalformedCost(String);

const PER_MINOR_UNIT: i64 = 10_000;
const DECIMALS: usize = 4;

impl Cost {
    /// Price of a message: so much a segment.
    #[must_use]
    pub fn of_segments(per_segment: Self, segments: u16) -> Self {
        Self(per_segment.0.saturating_mul(i64::from(segments)))
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Whole minor units, halves upwards: for a bill, once, at the end of the sum.
    #[must_use]
    pub fn minor_units(self) -> i64 {
        self.0.saturating_add(PER_MINOR_UNIT / 2).div_euclid(PER_MINOR_UNIT)
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0.unsigned_abs() / PER_MINOR_UNIT as u64, self.0.unsigned_abs() % PER_MINOR_UNIT as u64);
        let sign = if self.0 < 0 { "-" } else { "" };
        let decimals = format!("{rest:04}");
        let decimals = decimals.trim_end_matches('0');
        if decimals.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{decimals}") }
    }
}

impl std::str::FromStr for Cost {
    type Err = MalformedCost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || MalformedCost(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS || text.ends_with('.') {
            return Err(wrong());
        }
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let rest: i64 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| wrong())?;
        whole.checked_mul(PER_MINOR_UNIT).and_then(|whole| whole.checked_add(rest)).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_without_floats() {
        let price: Cost = "3.25".parse().expect("a price");
        assert_eq!((price, price.to_string()), (Cost(32_500), "3.25".into()));
        assert_eq!(Cost::of_segments(price, 3).to_string(), "9.75");
        assert_eq!((Cost(97_500).minor_units(), Cost(94_999).minor_units(), Cost(0).to_string()), (10, 9, "0".into()));
        for text in ["", ".5", "3.", "3,25", "-1", "1.23456", "a", "99999999999999999999", " 1"] {
            assert!(text.parse::<Cost>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(amount in 0i64..i64::MAX) {
            prop_assert_eq!(Cost(amount).to_string().parse::<Cost>(), Ok(Cost(amount)));
        }
    }
}
