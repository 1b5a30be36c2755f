//! People loaded before numbers were found by their end get what that needs, a little at a time. Ever after there is nothing to do.

use std::time::Duration;

use clarion_domain::tenancy::tenant::Actor;
use clarion_store::{Store, StoreError};

/// Between two batches, so that nobody else waits.
const PAUSE: Duration = Duration::from_millis(50);
/// An old backup may be restored while this runs.
const AGAIN: Duration = Duration::from_secs(3_600);

/// Works until the task is dropped.
pub async fn run(store: Store) {
    loop {
        if let Err(error) = fill(&store).await {
            tracing::warn!(%error, "people of before are not found by a part of their number yet; trying again");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn fill(store: &Store) -> Result<(), StoreError> {
    for record in store.tenants().await? {
        let tenant = store.tenant(record.id, Actor::System).await?;
        while tenant.fill_search_indexes().await? > 0 {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}
