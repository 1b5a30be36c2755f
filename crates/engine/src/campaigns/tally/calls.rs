//! What a dry run of calls counts: one call to each person, how fast calls go by how long they last, what they cost.

use clarion_domain::campaigns::call_rate::{CallLimits, CallTimes};
use clarion_domain::campaigns::script::Script;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_store::attempts::PastTimes;
use clarion_store::campaigns::{CallForecast, CampaignRecord};
use clarion_store::{StoreError, Tenant};

/// The tenant's calls of so long, and so many of them, tell how long calls last.
const LEARNED_FROM_MS: i64 = 30 * DAY_MS;
const LEARNED_FROM_CALLS: i64 = 3_000;
/// Fewer calls tell nothing.
const LEARNED_FROM_MIN: i64 = 50;

/// What is the same for all calls of a dry run, and the calls as they are counted.
pub(in crate::campaigns) struct CallsTally {
    limits: CallLimits,
    times: CallTimes,
    learned_from: u64,
    pub calls: u64,
}

impl CallsTally {
    pub(in crate::campaigns) async fn read(tenant: &Tenant, campaign: &CampaignRecord, now: Instant) -> Result<Self, StoreError> {
        let past = tenant.past_times(now.plus_ms(-LEARNED_FROM_MS), LEARNED_FROM_CALLS).await?;
        let learned = times_of(&past);
        let script = tenant.check_script(&campaign.script).await?.ok();
        let group = script.as_deref().and_then(|script: &Script| script.targets().first().copied());
        let targets = tenant.transfer_targets().await?;
        let agents = targets.iter().filter(|target| target.target.enabled && Some(target.target.group.as_str()) == group).map(|target| target.target.capacity).sum();
        let limits = CallLimits { pacing: campaign.call_pacing, trunks_per_second: 0, trunks_at_once: 0, agents };
        let times = learned.unwrap_or_else(|| CallTimes::assumed(campaign.call_pacing.ring_ms_max));
        Ok(Self { limits, times, learned_from: learned.map_or(0, |_| u64::try_from(past.calls).unwrap_or(0)), calls: 0 })
    }

    /// A trunk that carries some of the calls.
    pub(super) fn add_trunk(&mut self, rate_per_second: i64, settings: &TrunkSettings) {
        let TrunkSettings::Sip(sip) = settings else { return };
        self.limits.trunks_per_second = self.limits.trunks_per_second.saturating_add(u32::try_from(rate_per_second).unwrap_or(0));
        self.limits.trunks_at_once = self.limits.trunks_at_once.saturating_add(sip.calls_at_once);
    }

    /// What a call over this trunk costs on average, in hundredths of what the trunk counts in.
    pub(super) fn cost_of_100(&self, settings: &TrunkSettings) -> i64 {
        let TrunkSettings::Sip(sip) = settings else { return 0 };
        sip.price().of_answered(Some(self.times.talk_ms.into())).saturating_mul(i64::from(self.times.answered_percent))
    }

    pub(super) fn rate(&self) -> clarion_domain::campaigns::call_rate::CallRate {
        self.limits.rate(&self.times)
    }

    pub(super) fn forecast(&self) -> CallForecast {
        let CallTimes { answered_percent, ring_answered_ms, ring_unanswered_ms, talk_ms } = self.times;
        let calls_an_hour = self.rate().per_1000_s * 3_600 / 1_000;
        CallForecast { calls: self.calls, calls_an_hour, agents: self.limits.agents, answered_percent, ring_answered_ms, ring_unanswered_ms, talk_ms, learned_from: self.learned_from }
    }
}

/// `None` when there were too few of them, or nobody ever answered.
fn times_of(past: &PastTimes) -> Option<CallTimes> {
    let unanswered = past.calls - past.answered;
    if past.calls < LEARNED_FROM_MIN || past.answered == 0 {
        return None;
    }
    let mean = |sum: i64, n: i64| u32::try_from(sum / n.max(1)).unwrap_or(u32::MAX);
    Some(CallTimes {
        answered_percent: u8::try_from((past.answered * 100 / past.calls).clamp(1, 100)).unwrap_or(100),
        ring_answered_ms: mean(past.ring_answered_ms, past.answered),
        ring_unanswered_ms: mean(past.ring_unanswered_ms, unanswered),
        talk_ms: mean(past.talk_ms, past.answered),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_learned_from_calls_enough_and_from_answers() {
        let past = PastTimes { calls: 100, answered: 40, ring_answered_ms: 40 * 8_000, ring_unanswered_ms: 60 * 20_000, talk_ms: 40 * 90_000 };
        assert_eq!(times_of(&past), Some(CallTimes { answered_percent: 40, ring_answered_ms: 8_000, ring_unanswered_ms: 20_000, talk_ms: 90_000 }));
        assert_eq!(times_of(&PastTimes { calls: 49, ..past }), None);
        assert_eq!(times_of(&PastTimes { answered: 0, ..past }), None);
    }
}
