//! What is left of the day for a campaign: until when it may call, and whom. The pacer counts on half of what that would bring.

use clarion_domain::campaigns::call_pacing::{Ahead, PacingMode};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::abandonment::end_of_london_day;
use clarion_domain::compliance::opening::Opening;
use clarion_domain::time::Instant;
use clarion_store::campaigns::CampaignRecord;
use clarion_store::compliance::CampaignTerms;
use clarion_store::{StoreError, Tenant};
use jiff::tz::TimeZone;

/// Of those who wait for another try no more than these are counted.
const RETRIES_MAX: i64 = 10_000;

/// As the campaign was read last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RestOfDay {
    until: Instant,
    recipients: u32,
}

impl RestOfDay {
    /// Of a predictive campaign; no other asks. Hours are those of the tenant's zone: most of its people are there, and of the others half are counted on.
    pub async fn read(tenant: &Tenant, record: &CampaignRecord, terms: &CampaignTerms, now: Instant) -> Result<Self, StoreError> {
        if !matches!(record.call_pacing.pace, PacingMode::Predictive { .. }) {
            return Ok(Self::default());
        }
        let own = tenant.record().await?;
        let zone = TimeZone::get(&own.zone).unwrap_or(TimeZone::UTC);
        let rules = terms.rules(&own.default_region, now);
        let windows = terms.purpose.map(|purpose| rules.openings(purpose, Channel::Voice)).unwrap_or_default();
        let hours = Opening { hours: terms.hours, closed_on_holidays: false };
        let closes = windows.iter().chain([&hours]).map(|opening| {
            let spell = opening.spell(&zone, rules.holidays(), now);
            if spell.is_open { spell.until } else { now }
        });
        let ends = record.schedule.ends_at_ms.map(Instant).into_iter().chain([end_of_london_day(now)]);
        let until = closes.chain(ends).min().unwrap_or(now);
        // Whoever comes to a later step is due there.
        let untouched = if record.step > 1 { 0 } else { record.audience_size.saturating_sub(record.next_position).max(0) };
        let due = tenant.due_before(record.id, until, RETRIES_MAX).await?;
        Ok(Self { until, recipients: u32::try_from(untouched.saturating_add(due)).unwrap_or(u32::MAX) })
    }

    /// What the pacer hears: its agents may be gone before, and the rules refuse some of those who are left.
    pub fn ahead(&self, agents_until: Instant, rivals: u32, permits: &Permits, now: Instant) -> Ahead {
        let recipients = f64::from(self.recipients) * permits.share();
        Ahead { ms: (self.until.min(agents_until).ms() - now.ms()).max(0), recipients: recipients as u32, rivals }
    }
}

/// How many of those asked about were permitted, of some five hundred. Before anybody was, half.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permits {
    asked: f64,
    permitted: f64,
}

impl Default for Permits {
    fn default() -> Self {
        Self { asked: 2.0, permitted: 1.0 }
    }
}

impl Permits {
    const KEEP: f64 = 1.0 - 1.0 / 500.0;

    pub fn note(&mut self, asked: usize, permitted: usize) {
        let keep = Self::KEEP.powf(asked as f64);
        self.asked = self.asked * keep + asked as f64;
        self.permitted = self.permitted * keep + permitted as f64;
    }

    fn share(&self) -> f64 {
        (self.permitted / self.asked).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clarion_domain::time::HOUR_MS;

    #[test]
    fn the_first_end_counts_and_whom_the_rules_let_through() {
        let rest = RestOfDay { until: Instant(8 * HOUR_MS), recipients: 1_000 };
        let mut permits = Permits::default();
        assert_eq!(rest.ahead(Instant(9 * HOUR_MS), 2, &permits, Instant(HOUR_MS)), Ahead { ms: 7 * HOUR_MS, recipients: 500, rivals: 2 });
        permits.note(98, 9);
        assert_eq!(rest.ahead(Instant(2 * HOUR_MS), 0, &permits, Instant(HOUR_MS)), Ahead { ms: HOUR_MS, recipients: 98, rivals: 0 }, "the agents leave first, and a tenth is permitted");
        (0..100).for_each(|_| permits.note(50, 50));
        assert_eq!(rest.ahead(Instant(0), 0, &permits, Instant(HOUR_MS)), Ahead { ms: 0, recipients: 999, rivals: 0 }, "what was long ago is forgotten");
    }
}
