//! How fast a campaign may go.

use crate::word::words;

pub const RATE_PER_SECOND_MAX: u32 = 10_000;

words! {
    /// What holds a campaign back.
    pub enum Bottleneck {
        /// The campaign's own messages a second.
        Campaign = "campaign",
        /// What its trunks take in segments a second.
        Trunks = "trunks",
        /// Calls at the same time, by the campaign's own limit.
        CallsAtOnce = "calls_at_once",
        /// Agents, of whom each call may need one.
        Agents = "agents",
    }
}

/// Messages a second, 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MessagesPerSecond(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} messages a second cannot be kept: choose 1 to {RATE_PER_SECOND_MAX}")]
pub struct RateOutOfRange(u32);

impl MessagesPerSecond {
    pub fn new(rate: u32) -> Result<Self, RateOutOfRange> {
        if (1..=RATE_PER_SECOND_MAX).contains(&rate) { Ok(Self(rate)) } else { Err(RateOutOfRange(rate)) }
    }

    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for MessagesPerSecond {
    type Error = RateOutOfRange;
    fn try_from(rate: u32) -> Result<Self, Self::Error> {
        Self::new(rate)
    }
}

impl From<MessagesPerSecond> for u32 {
    fn from(rate: MessagesPerSecond) -> Self {
        rate.0
    }
}

/// The limits that act on a campaign at one time. Carriers count segments, people count messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub campaign: MessagesPerSecond,
    /// What is left for this campaign of its trunks' rates, in segments a second; 0 when no trunk is up.
    pub trunks_segments_per_second: u32,
}

/// What holds attempts to their speed.
pub trait Rate {
    /// Milliseconds that so many attempts of so many segments take, and what holds them back; `None` when nothing moves.
    fn duration_ms(&self, attempts: u64, segments: u64) -> Option<(u64, Bottleneck)>;
}

impl Rate for Pace {
    fn duration_ms(&self, messages: u64, segments: u64) -> Option<(u64, Bottleneck)> {
        let by_campaign = messages.saturating_mul(1_000).div_ceil(u64::from(self.campaign.get()));
        if self.trunks_segments_per_second == 0 {
            return (messages == 0).then_some((0, Bottleneck::Campaign));
        }
        let by_trunks = segments.saturating_mul(1_000).div_ceil(u64::from(self.trunks_segments_per_second));
        Some(if by_trunks > by_campaign { (by_trunks, Bottleneck::Trunks) } else { (by_campaign, Bottleneck::Campaign) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(campaign: u32, trunks: u32) -> Pace {
        Pace { campaign: MessagesPerSecond::new(campaign).expect("a rate"), trunks_segments_per_second: trunks }
    }

    #[test]
    fn the_slower_of_campaign_and_trunks_counts_and_long_messages_count_in_segments() {
        assert_eq!(pace(10, 100).duration_ms(1_000, 1_000), Some((100_000, Bottleneck::Campaign)));
        assert_eq!(pace(10, 20).duration_ms(1_000, 3_000), Some((150_000, Bottleneck::Trunks)));
        assert_eq!(pace(10, 0).duration_ms(1, 1), None);
        assert_eq!(pace(10, 0).duration_ms(0, 0), Some((0, Bottleneck::Campaign)));
    }

    #[test]
    fn a_rate_has_bounds_also_when_read_from_the_store() {
        assert_eq!(MessagesPerSecond::new(0), Err(RateOutOfRange(0)));
        assert!(serde_json::from_str::<MessagesPerSecond>("10001").is_err());
        assert_eq!(serde_json::from_str::<MessagesPerSecond>("250").unwrap().get(), 250);
    }
}
