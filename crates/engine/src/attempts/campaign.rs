//! A running campaign as the sending loop knows it.

use std::collections::HashMap;

use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::template::Template;
use clarion_domain::carriers::rate::RateBucket;
use clarion_domain::id::{CampaignId, TrunkId};
use clarion_domain::time::{Instant, SECOND_MS};
use clarion_store::campaigns::CampaignRecord;
use clarion_store::compliance::CampaignTerms;
use clarion_store::{StoreError, Tenant};

/// Limits of the tenant and the software's rules are read anew so often.
const TERMS_LAST_MS: i64 = 5 * SECOND_MS;
/// A trunk that refused a recipient is avoided; so many are remembered.
const AVOIDED_MAX: usize = 10_000;

pub(crate) struct RunningCampaign {
    pub tenant: Tenant,
    pub id: CampaignId,
    pub sender: String,
    pub retry: RetryRules,
    pub template: Template,
    pub terms: CampaignTerms,
    made_at: Instant,
    rate: i64,
    bucket: RateBucket,
    /// Messages that the campaign's own rate allows now.
    credit: u32,
    /// Nothing is due before.
    pub idle_until: Instant,
    avoided: HashMap<u32, TrunkId>,
}

impl RunningCampaign {
    pub(crate) async fn load(tenant: Tenant, record: &CampaignRecord, now: Instant) -> Result<Self, StoreError> {
        let template = tenant.parse_template(&record.body).await?;
        let terms = tenant.campaign_terms(record).await?;
        Ok(Self {
            tenant,
            id: record.id,
            sender: record.sender.clone(),
            retry: record.retry.clone(),
            template,
            terms,
            made_at: now,
            rate: record.rate_per_second,
            bucket: RateBucket::new(u32::try_from(record.rate_per_second).unwrap_or(u32::MAX), now),
            credit: 0,
            idle_until: Instant(0),
            avoided: HashMap::new(),
        })
    }

    pub(crate) fn is_stale(&self, now: Instant) -> bool {
        now.ms() - self.made_at.ms() > TERMS_LAST_MS
    }

    /// Takes over what must outlive a reload.
    pub(crate) fn succeed(&mut self, before: Self) {
        self.avoided = before.avoided;
        self.idle_until = before.idle_until;
        if before.rate == self.rate {
            (self.bucket, self.credit) = (before.bucket, before.credit);
        }
    }

    /// Messages that may be claimed now, at most `limit`.
    pub(crate) fn allowance(&mut self, limit: u32, now: Instant) -> u32 {
        if self.rate <= 0 {
            return limit;
        }
        self.credit += self.bucket.take(limit.saturating_sub(self.credit), now);
        self.credit.min(limit)
    }

    pub(crate) fn spend(&mut self, messages: u32) {
        if self.rate > 0 {
            self.credit = self.credit.saturating_sub(messages);
        }
    }

    pub(crate) fn avoid(&mut self, position: u32, trunk: TrunkId) {
        if self.avoided.len() < AVOIDED_MAX {
            self.avoided.insert(position, trunk);
        }
    }

    pub(crate) fn avoided(&self, position: u32) -> Option<TrunkId> {
        self.avoided.get(&position).copied()
    }
}
