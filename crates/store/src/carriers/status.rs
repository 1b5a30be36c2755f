//! What each node says of each trunk, a few times a minute and at every change.

use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::id::{NodeId, TrunkId};
use clarion_domain::time::Instant;

use crate::db::sql;
use crate::params;
use crate::store::{Store, StoreError};

/// A trunk as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkStatus {
    pub trunk: TrunkId,
    pub node: NodeId,
    pub state: TrunkState,
    /// In words, for the portal; empty when all is well.
    pub reason: String,
    /// Segments a second that the limiter holds now.
    pub rate_now: i64,
    /// Submissions without an answer.
    pub outstanding: i64,
    /// Since the node started.
    pub accepted: i64,
    pub throttled: i64,
    pub since: Instant,
    pub seen_at: Instant,
}

/// Writes the status rows of this node's trunks.
pub async fn report_status(store: &Store, all: &[TrunkStatus]) -> Result<(), StoreError> {
    let upsert = sql!(
        "INSERT INTO trunk_status (trunk_id, node_id, state, reason, rate_now, outstanding, accepted, throttled, since, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (trunk_id, node_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, rate_now = excluded.rate_now,
         outstanding = excluded.outstanding, accepted = excluded.accepted, throttled = excluded.throttled, since = excluded.since, seen_at = excluded.seen_at"
    );
    let batch: Vec<_> = all
        .iter()
        .map(|row| params![row.trunk, row.node, row.state.as_str(), row.reason.as_str(), row.rate_now, row.outstanding, row.accepted, row.throttled, row.since, row.seen_at])
        .collect();
    let mut tx = store.db().begin().await?;
    tx.execute_many(upsert, &batch).await?;
    Ok(tx.commit().await?)
}

impl Store {
    /// The last word of every node on every trunk.
    pub async fn trunk_status(&self) -> Result<Vec<TrunkStatus>, StoreError> {
        let select = sql!("SELECT trunk_id, node_id, state, reason, rate_now, outstanding, accepted, throttled, since, seen_at FROM trunk_status ORDER BY trunk_id, node_id");
        let mut all = Vec::new();
        for mut row in self.db().query(select, &[]).await? {
            all.push(TrunkStatus {
                trunk: row.take(0)?,
                node: row.take(1)?,
                state: row.word(2)?,
                reason: row.take(3)?,
                rate_now: row.take(4)?,
                outstanding: row.take(5)?,
                accepted: row.take(6)?,
                throttled: row.take(7)?,
                since: row.take(8)?,
                seen_at: row.take(9)?,
            });
        }
        Ok(all)
    }
}
