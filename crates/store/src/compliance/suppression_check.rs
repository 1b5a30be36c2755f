//! The last look right before the wire: suppressions only, one batch.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::hold::Hold;
use clarion_domain::compliance::suppression::Suppression;

use crate::db::{Params, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

impl Tenant {
    /// What stands against a number, whoever it belongs to, as of this transaction: its suppressions, and the holds on the
    /// person whose number it is.
    pub async fn standing_of(&self, tx: &mut Tx, number: [u8; 16]) -> Result<(Vec<Suppression>, Vec<Hold>), StoreError> {
        let entries = sql!("SELECT scope, reason FROM suppression WHERE tenant_id = $1 AND number_index = $2");
        let holds = sql!(
            "SELECT h.reason, h.until_at FROM address a JOIN hold h ON h.contact_id = a.contact_id
             WHERE a.tenant_id = $1 AND a.number_index = $2 AND h.lifted_at IS NULL"
        );
        let entries = tx.query(entries, &params![self.id, number]).await?;
        let entries = entries.into_iter().map(|mut row| Ok(Suppression { scope: row.word(0)?, reason: row.word(1)? }));
        let entries = entries.collect::<Result<_, StoreError>>()?;
        let holds = tx.query(holds, &params![self.id, number]).await?;
        let holds = holds.into_iter().map(|mut row| Ok(Hold { reason: row.word(0)?, until: row.take(1)? }));
        Ok((entries, holds.collect::<Result<_, StoreError>>()?))
    }

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
