//! A node's time-limited claim of a piece of work. The epoch fences: who lost the lease cannot commit under it.

use clarion_domain::time::{Instant, SECOND_MS};

use crate::db::{Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// How long a lease lasts without being renewed.
pub const LEASE_MS: i64 = 30 * SECOND_MS;

/// A lease that this node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    name: String,
    node: i64,
    epoch: i64,
}

impl Store {
    /// Takes the lease when it is free, lapsed, or this node's own from before a restart; `None` when another node has it.
    pub async fn take_lease(&self, name: &str, now: Instant) -> Result<Option<Lease>, StoreError> {
        let take = sql!(
            "INSERT INTO lease (name, node_id, epoch, expires_at) VALUES ($1, $2, 1, $3)
             ON CONFLICT (name) DO UPDATE SET node_id = excluded.node_id, epoch = lease.epoch + 1, expires_at = excluded.expires_at
             WHERE lease.expires_at <= $4 OR lease.node_id = excluded.node_id RETURNING epoch"
        );
        let mut tx = self.db().begin().await?;
        let row = tx.query_first(take, &params![name, self.node(), now.plus_ms(LEASE_MS), now]).await?;
        tx.commit().await?;
        Ok(match row {
            Some(mut row) => Some(Lease { name: name.to_owned(), node: self.node().0, epoch: row.take(0)? }),
            None => None,
        })
    }

    /// Gives the lease back, so that another node need not wait for it to lapse.
    pub async fn give_back_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let delete = sql!("DELETE FROM lease WHERE name = $1 AND node_id = $2 AND epoch = $3");
        self.db().execute(delete, &params![lease.name.as_str(), lease.node, lease.epoch]).await?;
        Ok(())
    }
}

impl Lease {
    /// Renews the lease in the transaction that works under it; fails when another node has taken it over.
    pub async fn renew(&self, tx: &mut Tx, now: Instant) -> Result<(), StoreError> {
        let update = sql!("UPDATE lease SET expires_at = $1 WHERE name = $2 AND node_id = $3 AND epoch = $4");
        if tx.execute(update, &params![now.plus_ms(LEASE_MS), self.name.as_str(), self.node, self.epoch]).await? == 0 {
            return Err(StoreError::Conflict("another node has taken this work over".into()));
        }
        Ok(())
    }
}
