//! Idempotency keys: a request sent twice under one key is done once, and answered the same both times.
//!
//! A row is written before the request is done and completed after. One that was never completed stands for a
//! request that broke off half-way: whether it took effect is not known, so it is never silently done again.

use clarion_domain::time::{DAY_MS, Instant};

use crate::db::{DbError, sql};
use crate::params;
use crate::store::{Store, StoreError, Tenant};

/// How long a key is remembered.
pub const IDEMPOTENCY_KEPT_MS: i64 = DAY_MS;
const LABEL: &str = "idempotency.answer";

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyClaim {
    /// Nobody used this key before: do the request, then `keep_answer` or `release_idempotency_key`.
    Fresh,
    /// Done before with this request; `answer` is `None` when it may be given only once (it held a secret), or somebody was erased since.
    Answered { request_hash: Vec<u8>, status: u16, answer: Option<Vec<u8>> },
    /// Another request with this key is being done, or broke off.
    Unfinished { request_hash: Vec<u8>, since: Instant },
}

impl Tenant {
    /// Takes the key for one request. `request_hash` may be empty when it is known only after the body was read.
    pub async fn claim_idempotency_key(&self, key_hash: &[u8; 32], request_hash: &[u8], now: Instant) -> Result<IdempotencyClaim, StoreError> {
        let insert = sql!(
            "INSERT INTO idempotency_key (tenant_id, key_hash, request_hash, status, created_at) VALUES ($1, $2, $3, 0, $4)
             ON CONFLICT (tenant_id, key_hash) DO UPDATE SET request_hash = $3, status = 0, sealed_answer = NULL, created_at = $4
             WHERE idempotency_key.created_at <= $5"
        );
        let expired = now.plus_ms(-IDEMPOTENCY_KEPT_MS);
        if self.db().execute(insert, &params![self.id, key_hash, request_hash, now, expired]).await? == 1 {
            return Ok(IdempotencyClaim::Fresh);
        }
        let select = sql!("SELECT request_hash, status, sealed_answer, created_at FROM idempotency_key WHERE tenant_id = $1 AND key_hash = $2");
        // Released between the two statements: the sender's next try will find it free.
        let Some(mut row) = self.db().query_first(select, &params![self.id, key_hash]).await? else {
            return Ok(IdempotencyClaim::Unfinished { request_hash: request_hash.to_vec(), since: now });
        };
        let (request_hash, status, sealed, since): (Vec<u8>, i64, Option<Vec<u8>>, Instant) = (row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?);
        if status == 0 {
            return Ok(IdempotencyClaim::Unfinished { request_hash, since });
        }
        let status = u16::try_from(status).map_err(|_| DbError::Failed("column status is no HTTP status".into()))?;
        let answer = sealed.map(|sealed| self.keys.data.open(LABEL, &sealed)).transpose()?.map(|plain| plain.to_vec());
        Ok(IdempotencyClaim::Answered { request_hash, status, answer })
    }

    /// Completes a claim. Without an answer, the key only says that the request was done.
    pub async fn keep_answer(&self, key_hash: &[u8; 32], request_hash: &[u8], status: u16, answer: Option<&[u8]>) -> Result<(), StoreError> {
        let sealed = answer.map(|plain| self.keys.data.seal(LABEL, plain)).transpose()?;
        let update = sql!("UPDATE idempotency_key SET request_hash = $3, status = $4, sealed_answer = $5 WHERE tenant_id = $1 AND key_hash = $2");
        self.db().execute(update, &params![self.id, key_hash, request_hash, i64::from(status), sealed]).await?;
        Ok(())
    }

    /// Gives a claim back: the request was refused and changed nothing, so the corrected one may use the key.
    pub async fn release_idempotency_key(&self, key_hash: &[u8; 32]) -> Result<(), StoreError> {
        let delete = sql!("DELETE FROM idempotency_key WHERE tenant_id = $1 AND key_hash = $2 AND status = 0");
        self.db().execute(delete, &params![self.id, key_hash]).await?;
        Ok(())
    }
}

impl Store {
    /// Deletes what is past its day; for the sweep. Returns how many went.
    pub async fn forget_idempotency_keys(&self, now: Instant) -> Result<u64, StoreError> {
        let delete = sql!("DELETE FROM idempotency_key WHERE created_at <= $1");
        Ok(self.db().execute(delete, &params![now.plus_ms(-IDEMPOTENCY_KEPT_MS)]).await?)
    }
}
