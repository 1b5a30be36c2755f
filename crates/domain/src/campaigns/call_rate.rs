//! How many calls a campaign makes in an hour at its limits, by how long calls ring and talks last: the forecast of a dry run.

use crate::campaigns::call_pacing::{CallPacing, PacingMode};
use crate::campaigns::pacing::{Bottleneck, Rate};

/// How calls go on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimes {
    /// Of a hundred calls, those that somebody or something answers.
    pub answered_percent: u8,
    pub ring_answered_ms: u32,
    /// Calls that nobody answers, the busy ones among them.
    pub ring_unanswered_ms: u32,
    /// From the answer to the end.
    pub talk_ms: u32,
}

/// Everything that holds a campaign of calls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    pub pacing: CallPacing,
    pub trunks_per_second: u32,
    pub trunks_at_once: u32,
    /// Agents to whom its script puts people through.
    pub agents: u32,
}

/// Calls in 1,000 seconds, and what holds them to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallRate {
    pub per_1000_s: u64,
    pub bottleneck: Bottleneck,
}

impl CallTimes {
    /// What is assumed before anything was learned: three of ten answer after ten seconds and stay for a minute; the others ring out.
    #[must_use]
    pub fn assumed(ring_ms_max: u32) -> Self {
        Self { answered_percent: 30, ring_answered_ms: 10_000, ring_unanswered_ms: ring_ms_max, talk_ms: 60_000 }
    }

    /// How long a call occupies its line, over all.
    #[must_use]
    pub fn mean_ms(&self) -> u64 {
        let answered = u64::from(self.answered_percent.min(100));
        let whole = answered * (u64::from(self.ring_answered_ms) + u64::from(self.talk_ms)) + (100 - answered) * u64::from(self.ring_unanswered_ms);
        (whole / 100).max(1)
    }
}

impl CallLimits {
    /// The least of all limits.
    #[must_use]
    pub fn rate(&self, times: &CallTimes) -> CallRate {
        let mean_ms = times.mean_ms();
        let at_once = |lines: u64| lines.saturating_mul(1_000_000) / mean_ms;
        let pacing = &self.pacing;
        let agents = match pacing.pace {
            PacingMode::Agentless => u64::MAX,
            // An agent is held from the launch of each call to its end.
            PacingMode::Progressive => at_once(self.agents.into()),
            PacingMode::Power { calls_per_slot_percent } => at_once(u64::from(self.agents) * u64::from(calls_per_slot_percent)) / 100,
            // At best agents do nothing but talk to those who answer.
            PacingMode::Predictive { .. } => u64::from(self.agents) * 100_000_000 / (u64::from(times.answered_percent.max(1)) * u64::from(times.talk_ms.max(1))),
        };
        let limits = [
            (u64::from(pacing.calls_per_second_max) * 1_000, Bottleneck::Campaign),
            (at_once(pacing.calls_at_once_max.into()), Bottleneck::CallsAtOnce),
            (u64::from(self.trunks_per_second) * 1_000, Bottleneck::Trunks),
            (at_once(self.trunks_at_once.into()), Bottleneck::Trunks),
            (agents, Bottleneck::Agents),
        ];
        let (per_1000_s, bottleneck) = limits.into_iter().min_by_key(|(calls, _)| *calls).unwrap_or((0, Bottleneck::Campaign));
        CallRate { per_1000_s, bottleneck }
    }
}

impl Rate for CallRate {
    fn duration_ms(&self, calls: u64, _: u64) -> Option<(u64, Bottleneck)> {
        if self.per_1000_s == 0 {
            return (calls == 0).then_some((0, self.bottleneck));
        }
        Some((calls.saturating_mul(1_000_000).div_ceil(self.per_1000_s), self.bottleneck))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half answer after 10 s and stay for 40, half ring for 20: 35 s a call.
    const TIMES: CallTimes = CallTimes { answered_percent: 50, ring_answered_ms: 10_000, ring_unanswered_ms: 20_000, talk_ms: 40_000 };

    fn limits(pace: PacingMode, agents: u32) -> CallLimits {
        let pacing = CallPacing { pace, calls_per_second_max: 2, calls_at_once_max: 50, ring_ms_max: 20_000 };
        CallLimits { pacing, trunks_per_second: 10, trunks_at_once: 100, agents }
    }

    #[test]
    fn the_least_of_all_limits_counts() {
        assert_eq!(TIMES.mean_ms(), 35_000);
        let rate = |limits: CallLimits| limits.rate(&TIMES);
        assert_eq!(rate(limits(PacingMode::Progressive, 7)), CallRate { per_1000_s: 200, bottleneck: Bottleneck::Agents }, "seven lines of 35 s each");
        assert_eq!(rate(limits(PacingMode::Power { calls_per_slot_percent: 150 }, 7)).per_1000_s, 300);
        assert_eq!(rate(limits(PacingMode::Predictive { ceiling_bp: 300 }, 7)).per_1000_s, 350, "an agent talks for 20 s of each call");
        assert_eq!(rate(limits(PacingMode::Agentless, 0)), CallRate { per_1000_s: 1_428, bottleneck: Bottleneck::CallsAtOnce });
        assert_eq!(rate(CallLimits { trunks_at_once: 7, ..limits(PacingMode::Agentless, 0) }), CallRate { per_1000_s: 200, bottleneck: Bottleneck::Trunks });
        assert_eq!(rate(CallLimits { pacing: CallPacing { calls_per_second_max: 1, ..limits(PacingMode::Agentless, 0).pacing }, ..limits(PacingMode::Agentless, 0) }).bottleneck, Bottleneck::Campaign);
    }

    #[test]
    fn calls_take_their_time_at_the_rate_and_for_ever_without_one() {
        let rate = limits(PacingMode::Progressive, 7).rate(&TIMES);
        assert_eq!(rate.duration_ms(200, 0), Some((1_000_000, Bottleneck::Agents)));
        let nobody = limits(PacingMode::Progressive, 0).rate(&TIMES);
        assert_eq!((nobody.duration_ms(1, 0), nobody.duration_ms(0, 0)), (None, Some((0, Bottleneck::Agents))));
    }
}
