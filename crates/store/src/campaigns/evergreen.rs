//! An evergreen campaign takes people in while it runs: whoever has come to match its list and filter, each once, up to the day's ceiling. It looks at
//! all who match when it begins, when its filter is changed and once a night; otherwise at who was added, changed or listed since.

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::sequence::Sequence;
use clarion_domain::id::{CampaignId, TenantId};
use clarion_domain::time::{DAY_MS, Instant};

use super::campaign::CampaignRecord;
use super::freeze::FREEZE_CHUNK;
use crate::contacts::{AudienceMember, Changes};
use crate::db::{Params, sql};
use crate::params;
use crate::store::{Store, StoreError, Tenant};

/// Where a look for new people goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// At who has changed since the last one, and who may come again.
    #[default]
    Changes,
    /// At all who match, behind this contact. The changes up to `to` are among what it sees.
    All { to: i64, after: i64 },
}

/// What a look for new people did. `looked_at` is how many people it went through, most of whom may be in the campaign already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeIn {
    /// There may be more.
    More { at: Look, taken: i64, looked_at: i64 },
    /// Everybody who may be new was looked at, or the day's ceiling is reached.
    Done { taken: i64, looked_at: i64 },
    /// It takes nobody in: not running, its time is over, or another node was faster.
    NotOurs,
}

/// Some of those who may be new.
struct Part {
    who: Vec<AudienceMember>,
    looked_at: i64,
    /// The changes up to here need no look any more once these have come in.
    to: Option<i64>,
    /// Rows of `comes_again` that need none either.
    again: Vec<Params>,
    next: Option<Look>,
}

impl Store {
    /// Running campaigns that take people in now.
    pub async fn evergreen_campaigns(&self, now: Instant) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let select = sql!("SELECT tenant_id, id, sequence FROM campaign WHERE state IN ('scheduled', 'starting', 'running') AND state = 'running' AND step = 1 AND sequence <> '' ORDER BY id");
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
    /// Looks at some of those who may be new, and takes in who is. The size of the audience is the fence: of two nodes that look at once, one
    /// takes. How far it has looked is written with those whom it takes: what a crash leaves is looked at again.
    pub async fn take_new_people(&self, id: CampaignId, at: Look, now: Instant) -> Result<TakeIn, StoreError> {
        let record = self.campaign(id).await?;
        let Some(evergreen) = record.sequence.evergreen.filter(|evergreen| now.ms() < evergreen.until_ms) else { return Ok(TakeIn::NotOurs) };
        if record.state != CampaignState::Running || record.schedule.is_over(now) {
            return Ok(TakeIn::NotOurs);
        }
        let (day, taken_today) = self.taken_in_today(id, now).await?;
        let room = evergreen.new_a_day_max.map_or(i64::MAX, |most| i64::from(most) - taken_today);
        if room <= 0 {
            return Ok(TakeIn::Done { taken: 0, looked_at: 0 });
        }
        let again_since = evergreen.again_after_days.map(|days| now.plus_ms(-i64::from(days) * DAY_MS));
        let mut part = match at {
            Look::Changes => self.who_changed(&record, again_since).await?,
            Look::All { to, after } => self.who_matches(&record, to, after).await?,
        };
        part.who = self.not_in_yet(&record, &part.who, again_since).await?;
        if part.who.len() as i64 > room {
            part.who.truncate(usize::try_from(room).unwrap_or(usize::MAX));
            // Whoever is left out is looked at again.
            (part.to, part.next) = (None, None);
            part.again.clear();
        }
        let taken = part.who.len() as i64;
        if !self.write_look(&record, &part, (&day, taken_today + taken), now).await? {
            return Ok(TakeIn::NotOurs);
        }
        Ok(match part.next {
            Some(at) => TakeIn::More { at, taken, looked_at: part.looked_at },
            None => TakeIn::Done { taken, looked_at: part.looked_at },
        })
    }

    /// The changes are read before the filter: a later one of it is a change of its own.
    async fn who_changed(&self, record: &CampaignRecord, again_since: Option<Instant>) -> Result<Part, StoreError> {
        let select = sql!("SELECT looked_to FROM campaign WHERE id = $1 AND tenant_id = $2");
        let looked_to: i64 = self.db().query_first(select, &params![record.id, self.id]).await?.ok_or(StoreError::NotFound("campaign"))?.take(0)?;
        let Changes::Of { mut people, to, mut more } = self.changes_after(looked_to).await? else {
            let to = self.last_change().await?;
            return self.who_matches(record, to, 0).await;
        };
        let mut again = Vec::new();
        if let Some(since) = again_since {
            let select = sql!(
                "SELECT g.ended_at, g.position, r.contact_id FROM comes_again g JOIN recipient r ON r.campaign_id = g.campaign_id AND r.position = g.position
                 WHERE g.campaign_id = $1 AND g.ended_at <= $2 ORDER BY g.ended_at, g.position LIMIT $3"
            );
            for mut row in self.db().query(select, &params![record.id, since, FREEZE_CHUNK]).await? {
                again.push(params![record.id, row.take::<i64>(0)?, row.take::<i64>(1)?]);
                people.push(row.take(2)?);
            }
            more |= again.len() as i64 == FREEZE_CHUNK;
            people.sort_unstable();
            people.dedup();
        }
        let looked_at = people.len() as i64;
        let who = if people.is_empty() { Vec::new() } else { self.audience_among(record.list_id, &self.filter_of(record).await?, &people).await? };
        Ok(Part { who, looked_at, to: (to > looked_to).then_some(to), again, next: more.then_some(Look::Changes) })
    }

    async fn who_matches(&self, record: &CampaignRecord, to: i64, after: i64) -> Result<Part, StoreError> {
        let page = self.audience(record.list_id, &self.filter_of(record).await?, Some(after), FREEZE_CHUNK).await?;
        Ok(match page.next {
            Some(after) => Part { looked_at: FREEZE_CHUNK, who: page.rows, to: None, again: Vec::new(), next: Some(Look::All { to, after }) },
            None => Part { looked_at: page.rows.len() as i64, who: page.rows, to: Some(to), again: Vec::new(), next: None },
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

    /// False when another node took people in meanwhile: then nothing is written.
    async fn write_look(&self, record: &CampaignRecord, part: &Part, (day, taken_today): (&str, i64), now: Instant) -> Result<bool, StoreError> {
        if part.who.is_empty() && part.to.is_none() && part.again.is_empty() {
            return Ok(true);
        }
        let mut tx = self.db().begin().await?;
        if !part.who.is_empty() {
            let fence = sql!(
                "UPDATE campaign SET audience_size = $4, taken_in_day = $5, taken_in = $6
                 WHERE id = $1 AND tenant_id = $2 AND state = 'running' AND audience_size = $3"
            );
            let size = record.audience_size + part.who.len() as i64;
            if tx.execute(fence, &params![record.id, self.id, record.audience_size, size, day, taken_today]).await? == 0 {
                return Ok(false);
            }
            let insert = sql!("INSERT INTO recipient (campaign_id, position, contact_id, address_id, moved_at) VALUES ($1, $2, $3, $4, $5)");
            let places = (record.audience_size..).zip(&part.who);
            let batch: Vec<Params> = places.map(|(position, member)| params![record.id, position, member.contact_id, member.address_id, now]).collect();
            tx.execute_many(insert, &batch).await?;
        }
        if let Some(to) = part.to {
            tx.execute(sql!("UPDATE campaign SET looked_to = $3 WHERE id = $1 AND tenant_id = $2 AND looked_to < $3"), &params![record.id, self.id, to]).await?;
        }
        tx.execute_many(sql!("DELETE FROM comes_again WHERE campaign_id = $1 AND ended_at = $2 AND position = $3"), &part.again).await?;
        if part.who.is_empty() {
            tx.commit().await?;
        } else {
            self.commit_move(tx).await?;
        }
        Ok(true)
    }
}
