//! The campaigns of a stretch of days.

use clarion_domain::campaigns::calendar::{self, CalendarDay, Planned};
use clarion_domain::time::{DAY_MS, Instant};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::campaign::{CampaignRecord, read};
use crate::compliance::rule_book;
use crate::db::sql;
use crate::params;
use crate::store::{StoreError, Tenant};

const CAMPAIGNS_MAX: i64 = 200;

/// Days, and the campaigns that their entries name by place.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub days: Vec<CalendarDay>,
    pub campaigns: Vec<CampaignRecord>,
    /// There are more campaigns in these days than are looked at.
    pub more: bool,
}

impl Tenant {
    /// In the tenant's zone, with the bank holidays of its country.
    pub async fn calendar(&self, first: Date, count: usize, now: Instant) -> Result<Calendar, StoreError> {
        let record = self.record().await?;
        let zone = TimeZone::get(&record.zone).unwrap_or(TimeZone::UTC);
        let begins: Instant = first.at(0, 0, 0, 0).to_zoned_datetime(zone.clone()).map_or(now, |day| day.timestamp().into());
        // A day has at most 25 hours.
        let ends = begins.plus_ms(count as i64 * DAY_MS + DAY_MS);
        let select = sql!(
            "SELECT id, name, channel, purpose, underlying_purpose, not_marketing_reason, legal_basis, assessment_reference, state, list_id, filter_id,
                    body, sender, schedule, retry, rate_per_second, starts_at, audience_size, next_position, state_reason,
                    created_by, created_at, started_by, started_at, finished_at, script, call_settings, recording, sequence_id, step, sequence, stops
             FROM campaign WHERE tenant_id = $1 AND step = 1 AND COALESCE(started_at, starts_at) < $3 AND COALESCE(finished_at, $2) >= $2
               AND (started_at IS NOT NULL OR state IN ('draft', 'scheduled', 'starting'))
             ORDER BY id DESC LIMIT $4"
        );
        let rows = self.db().query(select, &params![self.id, begins, ends, CAMPAIGNS_MAX + 1]).await?;
        let mut campaigns = rows.into_iter().map(read).collect::<Result<Vec<CampaignRecord>, _>>()?;
        let more = campaigns.len() as i64 > CAMPAIGNS_MAX;
        campaigns.truncate(CAMPAIGNS_MAX as usize);
        let planned: Vec<Planned> = campaigns
            .iter()
            .map(|campaign| Planned { starts_at: campaign.started_at.or(campaign.starts_at), ended_at: campaign.finished_at, schedule: campaign.schedule.clone() })
            .collect();
        let pack = rule_book().pack(Some(&record.default_region), now);
        Ok(Calendar { days: calendar::days(first, count, &zone, pack.holidays(), &planned), campaigns, more })
    }
}
