//! Old entries go from the front of their chain; a signed anchor says where the rest begins.

use clarion_domain::audit::chain::{AnchorKind, Chain};
use clarion_domain::time::Instant;

use super::anchor::{Anchor, write_anchor};
use super::chain::as_hash;
use crate::db::{Params, sql};
use crate::params;
use crate::privacy::{SWEEP_BATCH, SweepCount, Target};
use crate::store::{StoreError, Tenant};

impl Tenant {
    /// Deletes what is older than `before`, up to the first entry that is not. Nodes' clocks differ by little; where one was wrong for
    /// a while, what stands behind its entries waits for them.
    pub(crate) async fn sweep_chain(&self, target: Target<'_>, chain: Chain, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let mut count = 0;
        loop {
            let mut tx = self.db().begin().await?;
            let oldest = sql!("SELECT number, id, hash, at FROM audit_event WHERE tenant_id = $1 AND chain = $2 AND number > 0 ORDER BY number LIMIT $3");
            let (mut ids, mut last) = (Vec::new(), None);
            for mut row in tx.query(oldest, &params![self.id, chain.as_str(), SWEEP_BATCH]).await? {
                if row.take::<Instant>(3)? >= before {
                    break;
                }
                ids.push(row.take::<i64>(1)?);
                last = Some((row.take::<i64>(0)?, as_hash(&row.take::<Option<Vec<u8>>>(2)?.unwrap_or_default())));
            }
            let Some((number, hash)) = last else { return Ok(target.count(count)) };
            let anchor = Anchor { tenant: self.id, chain, kind: AnchorKind::Start, number, hash, at: now };
            write_anchor(&mut tx, self.store.keyring(), &anchor).await?;
            let batch: Vec<Params> = ids.iter().map(|id| params![*id]).collect();
            tx.execute_many(sql!("DELETE FROM audit_event WHERE id = $1"), &batch).await?;
            self.keep_evidence(&mut tx, target, &ids, 0, now).await?;
            tx.commit().await?;
            count += ids.len() as i64;
        }
    }
}
