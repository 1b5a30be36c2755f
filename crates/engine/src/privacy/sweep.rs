//! Once a night, every tenant's records that were kept long enough go.

use std::collections::HashSet;
use std::time::Duration;

use clarion_domain::id::TenantId;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant};
use clarion_store::audit::OPERATOR;
use clarion_store::seal::hex;
use clarion_store::{Store, StoreError};

use crate::intake::Clock;

const LEASE: &str = "retention sweep";
/// Two in the morning, UTC: when little is sent in the regions that the rules know.
const BEGINS_MS_OF_DAY: i64 = 2 * HOUR_MS;
/// No carrier tells of a message later than this.
const RECEIPTS_COME_MS: i64 = 8 * DAY_MS;
const LOOK: Duration = Duration::from_secs(300);

/// The last night whose sweep should have begun by now, as a number of days.
fn night_of(now: Instant) -> i64 {
    (now.ms() - BEGINS_MS_OF_DAY).div_euclid(DAY_MS)
}

/// Works until the task is dropped: sweeps at the start, in case the machine was off at night, and then every night.
pub async fn run(store: Store, clock: Clock) {
    let (mut swept, mut begun, mut done) = (None, None, HashSet::new());
    loop {
        let tonight = night_of(clock());
        if begun != Some(tonight) {
            done.clear();
            begun = Some(tonight);
        }
        if swept != Some(tonight) {
            match sweep_tenants(&store, &mut done, clock()).await {
                Ok(true) => swept = Some(tonight),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the retention sweep did not end; trying again in five minutes"),
            }
        }
        if let Err(error) = tidy(&store, clock()).await {
            tracing::warn!(%error, "what is of no more use could not be removed; trying again in five minutes");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Removes what belongs to no retention class: ended sign-ins, kept answers of the API, the carriers' ids of old messages.
async fn tidy(store: &Store, now: Instant) -> Result<(), StoreError> {
    store.sweep_sessions(now).await?;
    store.forget_idempotency_keys(now).await?;
    store.forget_references(now.plus_ms(-RECEIPTS_COME_MS)).await?;
    store.forget_unmatched(now.plus_ms(-RECEIPTS_COME_MS)).await?;
    // What another process erased beside this one may still stand in the log.
    store.db().truncate_log().await?;
    Ok(())
}

/// Sweeps every tenant that is not `done` as of `now`, and notes it there. One that cannot be swept keeps no other from it; whether all were
/// swept. Does nothing while another node sweeps.
pub async fn sweep_tenants(store: &Store, done: &mut HashSet<TenantId>, now: Instant) -> Result<bool, StoreError> {
    let Some(lease) = store.take_lease(LEASE, now).await? else { return Ok(true) };
    let mut whole = true;
    for tenant in store.tenants().await?.into_iter().map(|tenant| tenant.id).chain([OPERATOR]) {
        if done.contains(&tenant) {
            continue;
        }
        match sweep_tenant(store, tenant, now).await {
            Ok(()) => {
                done.insert(tenant);
            }
            Err(error) => {
                tracing::error!(tenant = %tenant, %error, "a tenant's retention sweep did not end; trying again in five minutes");
                whole = false;
            }
        }
    }
    store.give_back_lease(&lease).await?;
    Ok(whole)
}

/// The operator has an audit, and nothing else that is swept.
async fn sweep_tenant(store: &Store, tenant: TenantId, now: Instant) -> Result<(), StoreError> {
    if tenant != OPERATOR {
        let handle = store.tenant(tenant, Actor::System).await?;
        for count in handle.sweep(now).await? {
            tracing::info!(tenant = %tenant, class = %count.class, source = count.source, count = count.count, "records kept long enough were removed");
        }
    }
    vouch(store, tenant, now).await
}

/// Verifies a tenant's audit, and anchors its end when it is whole: a signature under a broken chain would say that it is one.
async fn vouch(store: &Store, tenant: TenantId, now: Instant) -> Result<(), StoreError> {
    let checks = store.verify_audit(tenant).await?;
    let found = store.keep_audit_check(tenant, &checks, now).await?;
    if found.fault.is_empty() {
        // Whoever can only write to the database can cut off the newest entries; what this line says, kept elsewhere, shows it.
        for anchor in store.anchor_audit(tenant, now).await? {
            tracing::info!(tenant = %tenant, chain = %anchor.chain, number = anchor.number, hash = hex(&anchor.hash), "the audit is whole and was anchored");
        }
        return Ok(());
    }
    tracing::error!(tenant = %tenant, fault = found.fault, "the audit is not as it was written: see `clarion audit verify`");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_begins_at_two() {
        let midnight = 20_780 * DAY_MS;
        assert_eq!(night_of(Instant(midnight + 2 * HOUR_MS - 1)), 20_779);
        assert_eq!(night_of(Instant(midnight + 2 * HOUR_MS)), 20_780);
    }
}
