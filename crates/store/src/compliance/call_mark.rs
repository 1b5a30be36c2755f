//! What must be remembered of calls to a number, across campaigns: when one was abandoned (UK-8), when a machine answered (UK-9).

use clarion_domain::id::AddressId;
use clarion_domain::time::Instant;

use crate::db::{DbError, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// The last marks of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallMark {
    pub abandoned_at: Option<Instant>,
    pub machine_at: Option<Instant>,
}

impl Tenant {
    /// Notes marks on a number; what is `None` stays as it was.
    pub async fn mark_number(&self, tx: &mut Tx, number_index: &[u8; 16], mark: CallMark) -> Result<(), DbError> {
        let upsert = sql!(
            "INSERT INTO call_mark (tenant_id, number_index, abandoned_at, machine_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant_id, number_index) DO UPDATE SET abandoned_at = COALESCE(excluded.abandoned_at, call_mark.abandoned_at),
             machine_at = COALESCE(excluded.machine_at, call_mark.machine_at)"
        );
        tx.execute(upsert, &params![self.id(), *number_index, mark.abandoned_at, mark.machine_at]).await?;
        Ok(())
    }

    /// The same by a person's address; nothing when it is gone.
    pub async fn mark_address(&self, tx: &mut Tx, address: AddressId, mark: CallMark) -> Result<(), DbError> {
        let upsert = sql!(
            "INSERT INTO call_mark (tenant_id, number_index, abandoned_at, machine_at)
             SELECT a.tenant_id, a.number_index, CAST($3 AS BIGINT), CAST($4 AS BIGINT) FROM address a WHERE a.id = $2 AND a.tenant_id = $1 AND a.number_index IS NOT NULL
             ON CONFLICT (tenant_id, number_index) DO UPDATE SET abandoned_at = COALESCE(excluded.abandoned_at, call_mark.abandoned_at),
             machine_at = COALESCE(excluded.machine_at, call_mark.machine_at)"
        );
        tx.execute(upsert, &params![self.id(), address, mark.abandoned_at, mark.machine_at]).await?;
        Ok(())
    }

    /// The marks of each number outside a transaction, to explain.
    pub async fn call_marks_of(&self, numbers: &[[u8; 16]]) -> Result<Vec<CallMark>, StoreError> {
        let mut tx = self.db().begin().await?;
        self.call_marks(&mut tx, numbers).await
    }

    /// The marks of each number, in their order.
    pub async fn call_marks(&self, tx: &mut Tx, numbers: &[[u8; 16]]) -> Result<Vec<CallMark>, StoreError> {
        let select = sql!("SELECT abandoned_at, machine_at FROM call_mark WHERE tenant_id = $1 AND number_index = $2");
        let batch: Vec<_> = numbers.iter().map(|index| params![self.id(), *index]).collect();
        let mut marks = Vec::with_capacity(numbers.len());
        for rows in tx.query_many(select, &batch).await? {
            marks.push(match rows.into_iter().next() {
                Some(mut row) => CallMark { abandoned_at: row.take(0)?, machine_at: row.take(1)? },
                None => CallMark::default(),
            });
        }
        Ok(marks)
    }
}
