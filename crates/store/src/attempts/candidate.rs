//! Who may be next: recipients behind the campaign's cursor, and those that are due again.

use std::collections::HashMap;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::id::{AddressId, CampaignId, ContactId, TenantId};
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// A recipient that may be asked about now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub position: u32,
    pub contact: ContactId,
    pub address: AddressId,
    pub try_number: u8,
    /// Set when it came from `due`: the row to remove when it is claimed or decided.
    pub due_at: Option<Instant>,
    /// It is over for them: they are passed, and not asked about.
    pub ended: bool,
}

fn read(mut row: Row) -> Result<(u32, ContactId, AddressId), DbError> {
    let position: i64 = row.take(0)?;
    let position = u32::try_from(position).map_err(|_| DbError::Failed("an audience position beyond 32 bits".into()))?;
    Ok((position, row.take(1)?, row.take(2)?))
}

/// What ends a way through a campaign for good: `completed` leaves room for one more try of the last step, until a stop overrules it.
fn is_stop(ended: &str) -> bool {
    !ended.is_empty() && ended != "completed"
}

/// The next `limit` recipients at or after the cursor, for their first try.
pub async fn fresh_candidates(tx: &mut Tx, campaign: CampaignId, from: u32, limit: usize) -> Result<Vec<Candidate>, DbError> {
    let select = sql!("SELECT position, contact_id, address_id, ended FROM recipient WHERE campaign_id = $1 AND position >= $2 ORDER BY position LIMIT $3");
    let mut found = Vec::new();
    for mut row in tx.query(select, &params![campaign, i64::from(from), limit as i64]).await? {
        let ended: String = row.take(3)?;
        let (position, contact, address) = read(row)?;
        found.push(Candidate { position, contact, address, try_number: 1, due_at: None, ended: is_stop(&ended) });
    }
    Ok(found)
}

/// The `limit` recipients that have been due the longest. `first` is the campaign's first step, which knows for whom it is over.
pub async fn due_candidates(tx: &mut Tx, campaign: CampaignId, first: CampaignId, now: Instant, limit: usize) -> Result<Vec<Candidate>, DbError> {
    let select = sql!(
        "SELECT d.position, r.contact_id, r.address_id, d.try_number, d.due_at,
                COALESCE((SELECT f.ended FROM recipient f WHERE f.campaign_id = $4 AND f.position = d.position), '')
         FROM due d JOIN recipient r ON r.campaign_id = d.campaign_id AND r.position = d.position
         WHERE d.campaign_id = $1 AND d.due_at <= $2 ORDER BY d.due_at, d.position LIMIT $3"
    );
    let mut found = Vec::new();
    for mut row in tx.query(select, &params![campaign, now, limit as i64, first]).await? {
        let (try_number, due_at, ended): (i64, Instant, String) = (row.take(3)?, row.take(4)?, row.take(5)?);
        let (position, contact, address) = read(row)?;
        found.push(Candidate { position, contact, address, try_number: try_number.clamp(1, 255) as u8, due_at: Some(due_at), ended: is_stop(&ended) });
    }
    Ok(found)
}

/// Moves the cursor; false when another node moved it first, or somebody was stopped since `stops` was read: then nothing of this
/// transaction may stand.
pub async fn advance(tx: &mut Tx, campaign: CampaignId, from: u32, to: u32, stops: i64) -> Result<bool, DbError> {
    let update = sql!("UPDATE campaign SET next_position = $3 WHERE id = $1 AND next_position = $2 AND stops = $4 AND state = 'running'");
    Ok(tx.execute(update, &params![campaign, i64::from(from), i64::from(to), stops]).await? == 1)
}

/// Puts recipients off until a time, as long as the campaign is not over, for everybody or for them. `why` is a word and rule ids:
/// `deferred UK-34`, `retry after expired`, `put back`, `waits for a trunk`.
pub async fn add_due(tx: &mut Tx, campaign: CampaignId, due: &[(Candidate, Instant, String)]) -> Result<(), DbError> {
    let insert = sql!(
        "INSERT INTO due (campaign_id, due_at, position, try_number, why)
         SELECT id, CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS TEXT) FROM campaign
         WHERE id = $1 AND state IN ('running', 'paused')
           AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.campaign_id = campaign.sequence_id AND r.position = CAST($3 AS BIGINT) AND r.ended NOT IN ('', 'completed'))
         ON CONFLICT (campaign_id, due_at, position) DO NOTHING"
    );
    let batch: Vec<_> = due.iter().map(|(who, at, why)| params![campaign, *at, i64::from(who.position), i64::from(who.try_number), why.as_str()]).collect();
    tx.execute_many(insert, &batch).await?;
    Ok(())
}

/// When a campaign that is not over tries again; `None` when it is.
pub async fn retry_rules(tx: &mut Tx, campaign: CampaignId) -> Result<Option<RetryRules>, DbError> {
    let select = sql!("SELECT retry FROM campaign WHERE id = $1 AND state IN ('running', 'paused')");
    tx.query_first(select, &params![campaign]).await?.map(|mut row| row.json(0)).transpose()
}

/// Takes back a retry that was planned: what it would try again has arrived.
pub async fn remove_retry(tx: &mut Tx, campaign: CampaignId, position: u32, try_number: u8) -> Result<(), DbError> {
    let delete = sql!(
        "DELETE FROM due WHERE (campaign_id, due_at, position) IN (SELECT d.campaign_id, d.due_at, d.position FROM due d WHERE d.campaign_id = $1 AND d.position = $2)
           AND try_number = $3 AND why LIKE 'retry after %'"
    );
    tx.execute(delete, &params![campaign, i64::from(position), i64::from(try_number)]).await?;
    Ok(())
}

/// Whether it is over for somebody: nothing that was not sent goes to them any more.
pub async fn is_stopped(tx: &mut Tx, campaign: CampaignId, position: u32) -> Result<bool, DbError> {
    let select = sql!("SELECT r.ended FROM campaign c JOIN recipient r ON r.campaign_id = c.sequence_id AND r.position = $2 WHERE c.id = $1");
    let ended = tx.query_first(select, &params![campaign, i64::from(position)]).await?.map(|mut row| row.take::<String>(0)).transpose()?;
    Ok(ended.is_some_and(|ended| is_stop(&ended)))
}

/// When the next recipient is due; `None` when nobody waits.
pub async fn next_due(tx: &mut Tx, campaign: CampaignId) -> Result<Option<Instant>, DbError> {
    let select = sql!("SELECT MIN(due_at) FROM due WHERE campaign_id = $1");
    tx.query_first(select, &params![campaign]).await?.map_or(Ok(None), |mut row| row.take(0))
}

/// Takes recipients out of `due`; false when one was gone already: then nothing of this transaction may stand.
pub async fn remove_due(tx: &mut Tx, campaign: CampaignId, taken: &[Candidate]) -> Result<bool, DbError> {
    let delete = sql!("DELETE FROM due WHERE campaign_id = $1 AND due_at = $2 AND position = $3 RETURNING position");
    let batch: Vec<_> = taken.iter().filter_map(|who| who.due_at.map(|at| params![campaign, at, i64::from(who.position)])).collect();
    let wanted = batch.len();
    Ok(tx.write_batch(delete, batch.into_iter()).await?.len() == wanted)
}

/// Who stands at these audience positions. Somebody whose row is no longer kept is not among them.
pub async fn recipients_at(tx: &mut Tx, campaign: CampaignId, positions: &[u32]) -> Result<HashMap<u32, (ContactId, AddressId)>, DbError> {
    let select = sql!("SELECT position, contact_id, address_id FROM recipient WHERE campaign_id = $1 AND position = $2");
    let batch: Vec<_> = positions.iter().map(|position| params![campaign, i64::from(*position)]).collect();
    let rows = tx.query_many(select, &batch).await?;
    rows.into_iter().flatten().map(|row| read(row).map(|(position, contact, address)| (position, (contact, address)))).collect()
}

impl Store {
    /// The campaigns of a channel that run now, with their tenants.
    pub async fn running_campaigns(&self, channel: Channel) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let select = sql!("SELECT tenant_id, id FROM campaign WHERE state IN ('scheduled', 'starting', 'running') AND state = 'running' AND channel = $1 ORDER BY id");
        let rows = self.db().query(select, &params![channel.as_str()]).await?;
        Ok(rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect::<Result<_, DbError>>()?)
    }
}
