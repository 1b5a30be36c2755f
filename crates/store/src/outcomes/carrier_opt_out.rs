//! A carrier refuses whoever has opted out with it: the next campaign must know, so their number goes on the suppression list.

use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{AttemptId, TenantId};
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;

use crate::compliance::NewSuppression;
use crate::contacts::NUMBER_LABEL;
use crate::db::{Params, Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// By whom it was said, on the entry.
pub const CARRIER_SOURCE: &str = "carrier";

/// Suppresses texts to the numbers of these attempts and notices, in the transaction that keeps their outcome, and ends the sequences their people
/// are in as a stop of their own would. Somebody erased meanwhile has their tombstone.
pub async fn suppress_opted_out(tx: &mut Tx, store: &Store, attempts: &[AttemptId], notices: &[i64], now: Instant) -> Result<(), StoreError> {
    for (tenant, number) in numbers(tx, store, attempts, notices).await? {
        let tenant = store.tenant(tenant, Actor::System).await?;
        let new = NewSuppression { number: &number, scope: SuppressionScope::Sms, reason: SuppressionReason::CarrierBlock, source: CARRIER_SOURCE };
        tenant.suppress_in_tx(tx, &new, now).await?;
        tenant.stop_on_reply_in_tx(tx, number.reveal(), ReplyMeaning::Stop, "", now).await?;
    }
    Ok(())
}

async fn numbers(tx: &mut Tx, store: &Store, attempts: &[AttemptId], notices: &[i64]) -> Result<Vec<(TenantId, Personal)>, StoreError> {
    let of_attempt = sql!(
        "SELECT t.tenant_id, a.sealed_number, c.wrapped_key FROM attempt t JOIN address a ON a.id = t.address_id JOIN contact c ON c.id = a.contact_id WHERE t.id = $1"
    );
    let of_notice = sql!("SELECT tenant_id, sealed_number FROM notice WHERE id = $1");
    let mut found = Vec::with_capacity(attempts.len() + notices.len());
    let batch: Vec<Params> = attempts.iter().map(|id| params![*id]).collect();
    for mut row in tx.query_many(of_attempt, &batch).await?.into_iter().flatten() {
        let (tenant, sealed, wrapped): (TenantId, Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(0)?, row.take(1)?, row.take(2)?);
        if let (Some(sealed), Some(wrapped)) = (sealed, wrapped) {
            found.push((tenant, store.keyring().unwrap(&wrapped)?.open_text(NUMBER_LABEL, &sealed)?.into()));
        }
    }
    let batch: Vec<Params> = notices.iter().map(|id| params![*id]).collect();
    for mut row in tx.query_many(of_notice, &batch).await?.into_iter().flatten() {
        let (tenant, sealed): (TenantId, Option<Vec<u8>>) = (row.take(0)?, row.take(1)?);
        if let Some(sealed) = sealed {
            let handle = store.tenant(tenant, Actor::System).await?;
            found.push((tenant, handle.keys.data.open_text("notice.number", &sealed)?.into()));
        }
    }
    Ok(found)
}
