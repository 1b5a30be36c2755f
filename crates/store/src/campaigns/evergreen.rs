//! An evergreen campaign takes people in while it runs: whoever has come to match its list and filter, each once, up to the day's ceiling.

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::sequence::Sequence;
use clarion_domain::contacts::filter::Filter;
use clarion_domain::id::{CampaignId, TenantId};
use clarion_domain::time::{DAY_MS, Instant};

use super::campaign::CampaignRecord;
use super::freeze::FREEZE_CHUNK;
use crate::contacts::AudienceMember;
use crate::db::{Params, sql};
use crate::params;
use crate::store::{Store, StoreError, Tenant};

/// What a look for new people did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeIn {
    /// There may be more; go on behind this contact.
    More { after: i64, taken: i64 },
    /// Everybody who matches was looked at, or the day's ceiling is reached.
    Done { taken: i64 },
    /// It takes nobody in: not running, its time is over, or another node was faster.
    NotOurs,
}

impl Store {
    /// Running campaigns that take people in now.
    pub async fn evergreen_campaigns(&self, now: Instant) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let select = sql!("SELECT tenant_id, id, sequence FROM campaign WHERE state = 'running' AND step = 1 AND sequence <> '' ORDER BY id");
        let mut found = Vec::new();
        for mut row in self.db().query(select, &[]).await? {
            let sequence: Sequence = row.json(2)?;
            if sequence.evergreen.is_some_and(|evergreen| now.ms() < evergreen.until_ms) {
                found.push((row.take(0)?, row.take(1)?));
            }
        }
        Ok(found)
    }
}

impl Tenant {
    /// Looks at one chunk of those who match, behind a contact, and takes in who is new. The size of the audience is the fence: of two
    /// nodes that look at once, one takes.
    pub async fn take_new_people(&self, id: CampaignId, after: Option<i64>, now: Instant) -> Result<TakeIn, StoreError> {
        let record = self.campaign(id).await?;
        let Some(evergreen) = record.sequence.evergreen.filter(|evergreen| now.ms() < evergreen.until_ms) else { return Ok(TakeIn::NotOurs) };
        if record.state != CampaignState::Running || record.schedule.is_over(now) {
            return Ok(TakeIn::NotOurs);
        }
        let (day, taken_today) = self.taken_in_today(id, now).await?;
        let room = evergreen.new_a_day_max.map_or(i64::MAX, |most| i64::from(most) - taken_today);
        if room <= 0 {
            return Ok(TakeIn::Done { taken: 0 });
        }
        let filter = match record.filter_id {
            Some(id) => self.filter(id).await?.filter,
            None => Filter::default(),
        };
        let page = self.audience(record.list_id, &filter, after, FREEZE_CHUNK).await?;
        let again_since = evergreen.again_after_days.map(|days| now.plus_ms(-i64::from(days) * DAY_MS));
        let mut new = self.not_in_yet(&record, &page.rows, again_since).await?;
        let cut = new.len() as i64 > room;
        new.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        let taken = new.len() as i64;
        if taken > 0 && !self.add_recipients(&record, &new, (&day, taken_today + taken), now).await? {
            return Ok(TakeIn::NotOurs);
        }
        Ok(match page.next {
            Some(after) if !cut => TakeIn::More { after, taken },
            _ => TakeIn::Done { taken },
        })
    }

    /// Today by the tenant's clock, and how many came in since it began.
    pub async fn taken_in_today(&self, id: CampaignId, now: Instant) -> Result<(String, i64), StoreError> {
        let zone = jiff::tz::TimeZone::get(&self.record().await?.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let today = zone.to_datetime(jiff::Timestamp::from_millisecond(now.ms()).unwrap_or_default()).date().to_string();
        let select = sql!("SELECT taken_in FROM campaign WHERE id = $1 AND tenant_id = $2 AND taken_in_day = $3");
        let taken = self.db().query_first(select, &params![id, self.id, today.as_str()]).await?.map(|mut row| row.take(0)).transpose()?;
        Ok((today, taken.unwrap_or(0)))
    }

    /// Those who were never in it, or whose time in it ended before `again_since`.
    async fn not_in_yet(&self, record: &CampaignRecord, members: &[AudienceMember], again_since: Option<Instant>) -> Result<Vec<AudienceMember>, StoreError> {
        let select = sql!("SELECT position FROM recipient WHERE contact_id = $1 AND campaign_id = $2 AND (ended = '' OR moved_at IS NULL OR moved_at > $3) LIMIT 1");
        // Before all time: whoever was in it ever.
        let since = again_since.unwrap_or(Instant(i64::MIN));
        let batch: Vec<Params> = members.iter().map(|member| params![member.contact_id, record.id, since]).collect();
        let known = self.db().query_many(select, &batch).await?;
        Ok(members.iter().zip(known).filter(|(_, rows)| rows.is_empty()).map(|(member, _)| *member).collect())
    }

    async fn add_recipients(&self, record: &CampaignRecord, new: &[AudienceMember], (day, taken_today): (&str, i64), now: Instant) -> Result<bool, StoreError> {
        let mut tx = self.db().begin().await?;
        let fence = sql!(
            "UPDATE campaign SET audience_size = $4, taken_in_day = $5, taken_in = $6
             WHERE id = $1 AND tenant_id = $2 AND state = 'running' AND audience_size = $3"
        );
        let size = record.audience_size + new.len() as i64;
        if tx.execute(fence, &params![record.id, self.id, record.audience_size, size, day, taken_today]).await? == 0 {
            return Ok(false);
        }
        let insert = sql!("INSERT INTO recipient (campaign_id, position, contact_id, address_id, moved_at) VALUES ($1, $2, $3, $4, $5)");
        let places = (record.audience_size..).zip(new);
        let batch: Vec<Params> = places.map(|(position, member)| params![record.id, position, member.contact_id, member.address_id, now]).collect();
        tx.execute_many(insert, &batch).await?;
        self.commit_move(tx).await?;
        Ok(true)
    }
}
