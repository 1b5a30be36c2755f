//! The routes of this node, kept in step with the store: which trunks may carry to this number from this sender.

use clarion_domain::carriers::route::{Route, Router};
use clarion_domain::id::{TenantId, TrunkId};
use clarion_store::{Store, StoreError};

#[derive(Default)]
pub(super) struct Routes(Router);

impl Routes {
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let routes = store.routes().await?.into_iter().map(|route| Route {
            id: route.id,
            tenant: route.tenant,
            prefix: if route.prefix == "+" { String::new() } else { route.prefix },
            sender: route.sender,
            trunk: route.trunk,
            priority: i32::try_from(route.priority).unwrap_or(i32::MAX),
        });
        Ok(Self(Router::new(routes.collect())))
    }

    /// Best first, each once. `owner` knows the trunks that are run here, and whose each is: `Some(None)` for the operator's.
    pub fn candidates(&self, (tenant, e164, sender): (TenantId, &str, &str), avoid: Option<TrunkId>, owner: impl Fn(TrunkId) -> Option<Option<TenantId>>) -> Vec<TrunkId> {
        let mut found: Vec<TrunkId> = Vec::new();
        for route in self.0.candidates(tenant, e164, sender) {
            let usable = owner(route.trunk).is_some_and(|owner| owner.is_none_or(|owner| owner == tenant));
            if usable && Some(route.trunk) != avoid && !found.contains(&route.trunk) {
                found.push(route.trunk);
            }
        }
        found
    }
}
