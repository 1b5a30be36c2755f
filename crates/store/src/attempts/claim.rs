//! A claim is one row for a batch, written before the wire. What a crash leaves in it without an attempt is `unknown`.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{AttemptId, CampaignId, ClaimId, NodeId, TenantId, TrunkId};
use clarion_domain::time::Instant;

use crate::db::{DbError, Tx, sql};
use crate::params;

/// A batch of recipients of one campaign on their way to one trunk. Item `i` is attempt `first_attempt + i`.
#[derive(Debug, Clone)]
pub struct ClaimRow {
    pub id: ClaimId,
    pub tenant: TenantId,
    pub campaign: CampaignId,
    /// The campaign's: read with it, not written.
    pub channel: Channel,
    pub node: NodeId,
    pub trunk: TrunkId,
    pub first_attempt: AttemptId,
    /// Audience position and number of the try.
    pub items: Vec<(u32, u8)>,
    /// What each message counts, in the order of the items; empty for calls, and in what an earlier version wrote.
    pub segments: Vec<u8>,
    /// Indexes of items that surely did not go to the wire and were put back.
    pub released: Vec<u16>,
    /// What permitted the batch: rule pack and rules passed.
    pub decision: String,
    pub claimed_at: Instant,
}

const ITEM_BYTES: usize = 5;

fn pack_items(items: &[(u32, u8)]) -> Vec<u8> {
    items.iter().flat_map(|(position, try_number)| position.to_le_bytes().into_iter().chain([*try_number])).collect()
}

fn unpack_items(bytes: &[u8]) -> Vec<(u32, u8)> {
    bytes.chunks_exact(ITEM_BYTES).map(|item| (u32::from_le_bytes([item[0], item[1], item[2], item[3]]), item[4])).collect()
}

fn pack_released(released: &[u16]) -> Vec<u8> {
    released.iter().flat_map(|index| index.to_le_bytes()).collect()
}

pub async fn add_claim(tx: &mut Tx, claim: &ClaimRow) -> Result<(), DbError> {
    let insert = sql!(
        "INSERT INTO claim (id, tenant_id, campaign_id, node_id, trunk_id, first_attempt_id, items, released, decision, claimed_at, segments)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let values = params![
        claim.id, claim.tenant, claim.campaign, claim.node, claim.trunk, claim.first_attempt,
        pack_items(&claim.items), pack_released(&claim.released), claim.decision.as_str(), claim.claimed_at, claim.segments.as_slice()
    ];
    tx.execute(insert, &values).await?;
    Ok(())
}

/// Ends claims all of whose items are answered or released. Returns, for each, whether it was still there:
/// a claim that is gone was taken over by another node, which called its open items `unknown`.
pub async fn remove_claims(tx: &mut Tx, claims: &[ClaimId]) -> Result<Vec<bool>, DbError> {
    let delete = sql!("DELETE FROM claim WHERE id = $1");
    let batch: Vec<_> = claims.iter().map(|id| params![*id]).collect();
    Ok(tx.execute_many(delete, &batch).await?.into_iter().map(|touched| touched == 1).collect())
}

/// Notes that items of a claim did not go to the wire. Returns false when the claim was taken over meanwhile:
/// then they must not be put back.
pub async fn release_items(tx: &mut Tx, claim: ClaimId, released: &[u16]) -> Result<bool, DbError> {
    let update = sql!("UPDATE claim SET released = $2 WHERE id = $1");
    Ok(tx.execute(update, &params![claim, pack_released(released)]).await? == 1)
}

/// Claims of a channel whose node has not been seen since `seen_before`, or that this very node left in an earlier life: before `started_at`,
/// the start of what claims for that channel, since each of them may be restarted while the other goes on.
pub async fn claims_of_silent_nodes(tx: &mut Tx, own: NodeId, channel: Channel, seen_before: Instant, started_at: Instant) -> Result<Vec<ClaimRow>, DbError> {
    let select = sql!(
        "SELECT c.id, c.tenant_id, c.campaign_id, c.node_id, c.trunk_id, c.first_attempt_id, c.items, c.released, c.decision, c.claimed_at, m.channel, c.segments
         FROM claim c JOIN campaign m ON m.id = c.campaign_id LEFT JOIN node n ON n.id = c.node_id
         WHERE m.channel = $4 AND ((c.node_id = $1 AND c.claimed_at < $3) OR (c.node_id <> $1 AND (n.seen_at IS NULL OR n.seen_at < $2)))
         ORDER BY c.id LIMIT 1000"
    );
    let mut claims = Vec::new();
    for mut row in tx.query(select, &params![own, seen_before, started_at, channel.as_str()]).await? {
        let released: Vec<u8> = row.take(7)?;
        claims.push(ClaimRow {
            id: row.take(0)?,
            tenant: row.take(1)?,
            campaign: row.take(2)?,
            node: row.take(3)?,
            trunk: row.take(4)?,
            first_attempt: row.take(5)?,
            items: unpack_items(&row.take::<Vec<u8>>(6)?),
            released: released.chunks_exact(2).map(|index| u16::from_le_bytes([index[0], index[1]])).collect(),
            decision: row.take(8)?,
            claimed_at: row.take(9)?,
            channel: row.word(10)?,
            segments: row.take::<Option<Vec<u8>>>(11)?.unwrap_or_default(),
        });
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_survive_packing() {
        let items = vec![(0, 1), (70_000, 3), (u32::MAX, 255)];
        assert_eq!(unpack_items(&pack_items(&items)), items);
    }
}
