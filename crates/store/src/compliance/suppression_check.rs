//! The last look right before the wire: suppressions only, one batch.

use clarion_domain::campaigns::campaign::Channel;

use crate::db::{Params, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

impl Tenant {
    /// For each number, whether nothing on the suppression list stops this channel, as of this transaction.
    pub async fn still_contactable(&self, tx: &mut Tx, numbers: &[[u8; 16]], channel: Channel) -> Result<Vec<bool>, StoreError> {
        let any = sql!("SELECT 1 FROM suppression WHERE tenant_id = $1 LIMIT 1", postgres "SELECT 1::bigint FROM suppression WHERE tenant_id = $1 LIMIT 1");
        if tx.query_first(any, &params![self.id]).await?.is_none() {
            return Ok(vec![true; numbers.len()]);
        }
        let select = sql!("SELECT id FROM suppression WHERE tenant_id = $1 AND number_index = $2 AND scope IN ('every', $3) LIMIT 1");
        let batch: Vec<Params> = numbers.iter().map(|number| params![self.id, number, channel.as_str()]).collect();
        Ok(tx.query_many(select, &batch).await?.iter().map(Vec::is_empty).collect())
    }
}
