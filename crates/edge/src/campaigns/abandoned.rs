//! The abandoned rate of a campaign of calls, today against its ceiling and over the 30 days of US-3.

use clarion_domain::compliance::abandonment::{AbandonedRate, AbandonmentDay, US_DAYS, london_day, us_window};
use clarion_domain::id::CampaignId;
use clarion_domain::time::Instant;
use clarion_store::campaigns::CampaignRecord;
use clarion_store::{StoreError, Tenant};
use jiff::ToSpan;
use jiff::civil::Date;

pub struct Abandoned {
    pub today: Date,
    pub counted_today: AbandonmentDay,
    pub rate_today: AbandonedRate,
    pub days_30: AbandonmentDay,
    pub rate_30: AbandonedRate,
    /// In ten-thousandths.
    pub ceiling_bp: u16,
    /// Since when there is one call for each free agent, for the rest of today.
    pub latched_at: Option<Instant>,
}

impl Abandoned {
    /// By which today is judged: with the detector's mistakes where they are known.
    pub fn rate_today_bp(&self) -> u32 {
        self.rate_today.with_mistakes_bp.unwrap_or(self.rate_today.counted_bp)
    }

    pub fn is_above_ceiling(&self) -> bool {
        self.rate_today_bp() > u32::from(self.ceiling_bp)
    }
}

/// Whether today counts anything that could stand against a campaign, asked before all the rest is read.
pub async fn counts_today(tenant: &Tenant, campaign: CampaignId, now: Instant) -> Result<bool, StoreError> {
    let days = tenant.store().abandonment_days(campaign, &london_day(now).to_string()).await?;
    Ok(days.iter().any(|day| day.abandoned > 0 || day.silent > 0 || day.machine_ended > 0))
}

/// The counts of a campaign that the tenant was asked for, and is its own.
pub async fn read(tenant: &Tenant, campaign: &CampaignRecord, now: Instant) -> Result<Abandoned, StoreError> {
    let today = london_day(now);
    let since = today.saturating_sub((US_DAYS - 1).days());
    let stored = tenant.store().abandonment_days(campaign.id, &since.to_string()).await?;
    let days: Vec<(Date, AbandonmentDay)> = stored.iter().filter_map(|day| Some((day.day.parse().ok()?, day.counts()))).collect();
    let latched_at = stored.iter().find(|day| day.day == today.to_string()).and_then(|day| day.latched_at);
    // Without a way for machines, or a branch by who answered, the detector's word ends no call. A script that no longer checks may have had one.
    let ignores_machines = tenant.check_script(&campaign.script).await?.is_ok_and(|script| !script.acts_on_machines());
    let counted_today = days.iter().find(|(day, _)| *day == today).map_or_else(AbandonmentDay::default, |(_, counts)| *counts);
    let days_30 = us_window(&days, today);
    let estimate = if ignores_machines { None } else { tenant.mistake_estimate().await? };
    let rate = |counts: &AbandonmentDay| counts.rate(!ignores_machines, estimate.as_ref());
    Ok(Abandoned { today, counted_today, rate_today: rate(&counted_today), days_30, rate_30: rate(&days_30), ceiling_bp: campaign.call_pacing.ceiling_bp(), latched_at })
}
