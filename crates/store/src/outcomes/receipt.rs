//! A receipt whose attempt is not known yet: it came before the submit response, or it is another node's.

use clarion_domain::id::TrunkId;
use clarion_domain::outcomes::receipt::ReceiptState;
use clarion_domain::time::Instant;

use crate::db::{DbError, Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// Kept until it is matched, or for as long as receipts are waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedReceipt {
    pub id: i64,
    pub trunk: TrunkId,
    pub carrier_message_id: String,
    pub state: ReceiptState,
    /// The carrier's error code, as `ErrorCode` reads it; empty when there is none.
    pub error: String,
    pub received_at: Instant,
}

pub async fn add_unmatched(tx: &mut Tx, receipts: &[UnmatchedReceipt]) -> Result<(), DbError> {
    let insert = sql!("INSERT INTO receipt_unmatched (id, trunk_id, carrier_message_id, state, cause, received_at) VALUES ($1, $2, $3, $4, $5, $6)");
    let batch: Vec<_> = receipts
        .iter()
        .map(|receipt| params![receipt.id, receipt.trunk, receipt.carrier_message_id.as_str(), receipt.state.as_str(), receipt.error.as_str(), receipt.received_at])
        .collect();
    tx.execute_many(insert, &batch).await?;
    Ok(())
}

pub async fn drop_unmatched(tx: &mut Tx, ids: &[i64]) -> Result<(), DbError> {
    let delete = sql!("DELETE FROM receipt_unmatched WHERE id = $1");
    let batch: Vec<_> = ids.iter().map(|id| params![*id]).collect();
    tx.execute_many(delete, &batch).await?;
    Ok(())
}

impl Store {
    /// Writes one unmatched receipt in a transaction of its own: how a webhook hands a receipt to the engine.
    pub async fn queue_receipt(&self, receipt: UnmatchedReceipt) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        add_unmatched(&mut tx, std::slice::from_ref(&receipt)).await?;
        tx.commit().await?;
        self.signals().raise(crate::signal::Signal::Notices);
        Ok(())
    }

    /// Drops receipts that came before a time and never found their attempt. Returns how many went.
    pub async fn forget_unmatched(&self, before: Instant) -> Result<u64, StoreError> {
        let delete = sql!("DELETE FROM receipt_unmatched WHERE received_at < $1");
        Ok(self.db().execute(delete, &params![before]).await?)
    }

    /// The oldest unmatched receipts with an identifier above `after`.
    pub async fn unmatched_receipts(&self, after: i64, limit: i64) -> Result<Vec<UnmatchedReceipt>, StoreError> {
        let select = sql!("SELECT id, trunk_id, carrier_message_id, state, cause, received_at FROM receipt_unmatched WHERE id > $1 ORDER BY id LIMIT $2");
        let mut found = Vec::new();
        for mut row in self.db().query(select, &params![after, limit]).await? {
            found.push(UnmatchedReceipt {
                id: row.take(0)?,
                trunk: row.take(1)?,
                carrier_message_id: row.take(2)?,
                state: row.word(3)?,
                error: row.take(4)?,
                received_at: row.take(5)?,
            });
        }
        Ok(found)
    }
}
