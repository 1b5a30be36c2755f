//! Who may be next: recipients behind the campaign's cursor, and those that are due again.

use clarion_domain::id::{AddressId, CampaignId, ContactId};
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, Tx, sql};
use crate::params;

/// A recipient that may be asked about now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub position: u32,
    pub contact: ContactId,
    pub address: AddressId,
    pub try_number: u8,
    /// Set when it came from `due`: the row to remove when it is claimed or decided.
    pub due_at: Option<Instant>,
}

fn read(mut row: Row) -> Result<(u32, ContactId, AddressId), DbError> {
    let position: i64 = row.take(0)?;
    let position = u32::try_from(position).map_err(|_| DbError::Failed("an audience position beyond 32 bits".into()))?;
    Ok((position, row.take(1)?, row.take(2)?))
}

/// The next `limit` recipients at or after the cursor, for their first try.
pub async fn fresh_candidates(tx: &mut Tx, campaign: CampaignId, from: u32, limit: usize) -> Result<Vec<Candidate>, DbError> {
    let select = sql!("SELECT position, contact_id, address_id FROM recipient WHERE campaign_id = $1 AND position >= $2 ORDER BY position LIMIT $3");
    let rows = tx.query(select, &params![campaign, i64::from(from), limit as i64]).await?;
    rows.into_iter().map(|row| read(row).map(|(position, contact, address)| Candidate { position, contact, address, try_number: 1, due_at: None })).collect()
}

/// The `limit` recipients that have been due the longest.
pub async fn due_candidates(tx: &mut Tx, campaign: CampaignId, now: Instant, limit: usize) -> Result<Vec<Candidate>, DbError> {
    let select = sql!(
        "SELECT d.position, r.contact_id, r.address_id, d.try_number, d.due_at
         FROM due d JOIN recipient r ON r.campaign_id = d.campaign_id AND r.position = d.position
         WHERE d.campaign_id = $1 AND d.due_at <= $2 ORDER BY d.due_at, d.position LIMIT $3"
    );
    let mut found = Vec::new();
    for mut row in tx.query(select, &params![campaign, now, limit as i64]).await? {
        let (try_number, due_at): (i64, Instant) = (row.take(3)?, row.take(4)?);
        let (position, contact, address) = read(row)?;
        found.push(Candidate { position, contact, address, try_number: try_number.clamp(1, 255) as u8, due_at: Some(due_at) });
    }
    Ok(found)
}

/// Moves the cursor; false when another node moved it first: then nothing of this transaction may stand.
pub async fn advance(tx: &mut Tx, campaign: CampaignId, from: u32, to: u32) -> Result<bool, DbError> {
    let update = sql!("UPDATE campaign SET next_position = $3 WHERE id = $1 AND next_position = $2 AND state = 'running'");
    Ok(tx.execute(update, &params![campaign, i64::from(from), i64::from(to)]).await? == 1)
}

/// Puts recipients off until a time. `why` is a word and rule ids: `deferred UK-34`, `retry`, `put_back`.
pub async fn add_due(tx: &mut Tx, campaign: CampaignId, due: &[(Candidate, Instant, String)]) -> Result<(), DbError> {
    let insert = sql!(
        "INSERT INTO due (campaign_id, due_at, position, try_number, why) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (campaign_id, due_at, position) DO NOTHING"
    );
    let batch: Vec<_> = due.iter().map(|(who, at, why)| params![campaign, *at, i64::from(who.position), i64::from(who.try_number), why.as_str()]).collect();
    tx.execute_many(insert, &batch).await?;
    Ok(())
}

/// Takes recipients out of `due`; false when one was gone already: then nothing of this transaction may stand.
pub async fn remove_due(tx: &mut Tx, campaign: CampaignId, taken: &[Candidate]) -> Result<bool, DbError> {
    let delete = sql!("DELETE FROM due WHERE campaign_id = $1 AND due_at = $2 AND position = $3");
    let batch: Vec<_> = taken.iter().filter_map(|who| who.due_at.map(|at| params![campaign, at, i64::from(who.position)])).collect();
    Ok(tx.execute_many(delete, &batch).await?.into_iter().all(|touched| touched == 1))
}
