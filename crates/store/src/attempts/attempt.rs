//! An attempt's row is inserted when the carrier answers, and updated by its primary key when the receipt comes.

use std::collections::HashMap;
use std::sync::Arc;

use clarion_domain::attempts::attempt::AttemptState;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{AddressId, AttemptId, CampaignId, ContactId, TenantId, TrunkId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, Tx, Value, sql};
use crate::params;

/// An attempt as stored.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    pub id: AttemptId,
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub position: u32,
    pub try_number: u8,
    pub contact: ContactId,
    pub address: AddressId,
    pub channel: Channel,
    pub trunk: TrunkId,
    pub state: AttemptState,
    pub disposition: Disposition,
    /// The raw cause's text (`domain::outcomes::cause`), empty while accepted.
    pub cause: String,
    /// Rule pack and rules that permitted it.
    pub decision: Arc<str>,
    pub segments: u16,
    /// Ten-thousandths of the trunk's currency unit.
    pub cost: i64,
    /// The text as sent, sealed with the person's key; empty in what is read back.
    pub sealed_body: Option<Vec<u8>>,
    /// The carrier's id of the first part.
    pub carrier_message_id: String,
    /// One bit a part that was reported delivered.
    pub parts_heard: i64,
    pub claimed_at: Instant,
    pub answered_at: Instant,
    pub settled_at: Option<Instant>,
}

/// What a receipt changes.
#[derive(Debug, Clone)]
pub struct SettledRow {
    pub id: AttemptId,
    pub state: AttemptState,
    pub disposition: Disposition,
    pub cause: String,
    pub parts_heard: i64,
    pub settled_at: Option<Instant>,
}

/// Inserts attempts; for each, whether it was new. One that exists was called `unknown` by a node that took the claim over.
pub async fn add_attempts(tx: &mut Tx, attempts: &[AttemptRow]) -> Result<Vec<bool>, DbError> {
    let insert = sql!(
        "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition,
         cause, decision, segments, cost, sealed_body, carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         ON CONFLICT (id) DO NOTHING",
        postgres "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition,
         cause, decision, segments, cost, sealed_body, carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         ON CONFLICT (id) DO NOTHING RETURNING id"
    );
    let batch = attempts
        .iter()
        .map(|row| {
            params![
                row.id, row.tenant, row.campaign, i64::from(row.position), i64::from(row.try_number), row.contact, row.address, Value::Word(row.channel.as_str()), row.trunk,
                Value::Word(row.state.as_str()), Value::Word(row.disposition.as_str()), row.cause.as_str(), row.decision.clone(), i64::from(row.segments), row.cost,
                row.sealed_body.as_deref(), row.carrier_message_id.as_str(), row.parts_heard, row.claimed_at, row.answered_at, row.settled_at
            ]
        });
    tx.insert_new(insert, batch).await
}

pub async fn settle_attempts(tx: &mut Tx, settled: &[SettledRow]) -> Result<(), DbError> {
    let update = sql!("UPDATE attempt SET state = $2, disposition = $3, cause = $4, parts_heard = $5, settled_at = $6 WHERE id = $1");
    // The last word of each: several parts of a message may have been heard of at once.
    let last: HashMap<AttemptId, &SettledRow> = settled.iter().map(|row| (row.id, row)).collect();
    let mut last: Vec<&SettledRow> = last.into_values().collect();
    last.sort_unstable_by_key(|row| row.id);
    let batch = last
        .iter()
        .map(|row| params![row.id, Value::Word(row.state.as_str()), Value::Word(row.disposition.as_str()), row.cause.as_str(), row.parts_heard, row.settled_at]);
    tx.write_batch(update, batch).await?;
    Ok(())
}

/// Corrects what attempts cost.
pub async fn set_costs(tx: &mut Tx, costs: &[(AttemptId, i64)]) -> Result<(), DbError> {
    let update = sql!("UPDATE attempt SET cost = $2 WHERE id = $1");
    let batch: Vec<_> = costs.iter().map(|(id, cost)| params![*id, *cost]).collect();
    tx.execute_many(update, &batch).await?;
    Ok(())
}

/// Those of `ids` that exist, without their texts.
pub async fn attempts_by_id(tx: &mut Tx, ids: &[AttemptId]) -> Result<Vec<AttemptRow>, DbError> {
    let select = sql!(
        "SELECT id, tenant_id, campaign_id, position, try_number, contact_id, address_id, trunk_id, state, disposition, cause, decision,
         segments, cost, carrier_message_id, parts_heard, claimed_at, answered_at, settled_at, channel FROM attempt WHERE id = $1"
    );
    let batch: Vec<_> = ids.iter().map(|id| params![*id]).collect();
    tx.query_many(select, &batch).await?.into_iter().flatten().map(read).collect()
}

fn read(mut row: Row) -> Result<AttemptRow, DbError> {
    Ok(AttemptRow {
        id: row.take(0)?,
        tenant: row.take(1)?,
        campaign: row.take(2)?,
        position: row.take::<i64>(3)?.try_into().unwrap_or(0),
        try_number: row.take::<i64>(4)?.clamp(1, 255) as u8,
        contact: row.take(5)?,
        address: row.take(6)?,
        trunk: row.take(7)?,
        state: row.word(8)?,
        disposition: row.word(9)?,
        cause: row.take(10)?,
        decision: row.take::<String>(11)?.into(),
        segments: row.take::<i64>(12)?.try_into().unwrap_or(0),
        cost: row.take(13)?,
        sealed_body: None,
        carrier_message_id: row.take(14)?,
        parts_heard: row.take(15)?,
        claimed_at: row.take(16)?,
        answered_at: row.take(17)?,
        settled_at: row.take(18)?,
        channel: row.word(19)?,
    })
}
