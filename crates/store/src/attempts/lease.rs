//! A node's heartbeat, and its time-limited claim of a tenant's sending.
//!
//! One node sends for a tenant at a time, so that its caps and its campaigns' cursors have one reader. The lease only
//! avoids needless conflicts: the cursor's own guard (`advance`) is what makes a doubled claim impossible.

use clarion_domain::id::NodeId;
use clarion_domain::time::Instant;

use crate::db::{Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// A lease that this node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    pub epoch: i64,
    pub expires_at: Instant,
}

/// Whether a lease is still this node's. While the transaction is open nobody else takes it.
pub async fn holds_lease(tx: &mut Tx, node: NodeId, lease: &Lease, now: Instant) -> Result<bool, StoreError> {
    let touch = sql!("UPDATE lease SET epoch = epoch WHERE name = $1 AND node_id = $2 AND epoch = $3 AND expires_at > $4");
    Ok(tx.execute(touch, &params![lease.name.as_str(), node, lease.epoch, now]).await? == 1)
}

impl Store {
    /// Says that this node lives.
    pub async fn beat(&self, name: &str, started_at: Instant, now: Instant) -> Result<(), StoreError> {
        let upsert = sql!(
            "INSERT INTO node (id, name, started_at, seen_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, started_at = excluded.started_at, seen_at = excluded.seen_at"
        );
        self.db().execute(upsert, &params![self.node(), name, started_at, now]).await?;
        Ok(())
    }

    /// Nodes as last seen: number, name, started, seen.
    pub async fn nodes(&self) -> Result<Vec<(NodeId, String, Instant, Instant)>, StoreError> {
        let select = sql!("SELECT id, name, started_at, seen_at FROM node ORDER BY id");
        let rows = self.db().query(select, &[]).await?;
        Ok(rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?))).collect::<Result<_, crate::db::DbError>>()?)
    }

    /// Takes or renews a lease for `life_ms`; `None` while another node holds it.
    pub async fn lease(&self, name: &str, now: Instant, life_ms: i64) -> Result<Option<Lease>, StoreError> {
        let upsert = sql!(
            "INSERT INTO lease (name, node_id, epoch, expires_at) VALUES ($1, $2, 1, $4)
             ON CONFLICT (name) DO UPDATE SET node_id = excluded.node_id, expires_at = excluded.expires_at,
             epoch = CASE WHEN lease.node_id = excluded.node_id THEN lease.epoch ELSE lease.epoch + 1 END
             WHERE lease.node_id = excluded.node_id OR lease.expires_at < $3
             RETURNING epoch"
        );
        let expires_at = now.plus_ms(life_ms);
        let mut tx = self.db().begin().await?;
        let row = tx.query_first(upsert, &params![name, self.node(), now, expires_at]).await?;
        tx.commit().await?;
        Ok(match row {
            Some(mut row) => Some(Lease { name: name.to_owned(), epoch: row.take(0)?, expires_at }),
            None => None,
        })
    }

    /// How many nodes send for some tenant now.
    pub async fn sending_nodes(&self, now: Instant) -> Result<u32, StoreError> {
        let select = sql!("SELECT COUNT(DISTINCT node_id) FROM lease WHERE name LIKE 'sending %' AND expires_at > $1");
        let nodes: i64 = self.db().query_first(select, &params![now]).await?.map_or(Ok(0), |mut row| row.take(0))?;
        Ok(u32::try_from(nodes).unwrap_or(u32::MAX))
    }

    /// Gives a lease back, so that another node need not wait for its end.
    pub async fn release_lease(&self, name: &str) -> Result<(), StoreError> {
        let delete = sql!("DELETE FROM lease WHERE name = $1 AND node_id = $2");
        self.db().execute(delete, &params![name, self.node()]).await?;
        Ok(())
    }
}
