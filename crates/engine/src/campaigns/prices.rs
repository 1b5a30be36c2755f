//! Which trunk a message or a call would take if all were up, and what it would cost there.

use std::collections::BTreeMap;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::segments::ReferenceWidth;
use clarion_domain::carriers::route::{Route, Router};
use clarion_domain::carriers::settings::{LongMessageForm, TrunkSettings};
use clarion_domain::carriers::trunk::{TrunkKind, TrunkState};
use clarion_domain::id::{TenantId, TrunkId};
use clarion_store::carriers::TrunkRecord;
use clarion_store::{StoreError, Tenant};

/// A tenant's routes and trunks at one time.
pub(super) struct Prices {
    tenant: TenantId,
    router: Router,
    trunks: BTreeMap<i64, TrunkRecord>,
}

/// How much of each part of a long message this trunk spends on tying them together.
pub(super) fn reference_of(trunk: &TrunkRecord) -> ReferenceWidth {
    match &trunk.settings {
        TrunkSettings::Smpp(smpp) if smpp.long_message == LongMessageForm::Udh16 => ReferenceWidth::Long,
        TrunkSettings::Smpp(_) | TrunkSettings::Http(_) | TrunkSettings::Sip(_) => ReferenceWidth::Short,
    }
}

impl Prices {
    pub async fn read(tenant: &Tenant, channel: Channel) -> Result<Self, StoreError> {
        let routes = tenant.routes().await?.into_iter().map(|route| Route {
            id: route.id,
            tenant: route.tenant,
            prefix: route.prefix,
            sender: route.sender,
            trunk: route.trunk,
            priority: i32::try_from(route.priority).unwrap_or(i32::MAX),
        });
        let trunks = tenant.trunks().await?.into_iter().filter(|trunk| trunk.enabled && (trunk.settings.kind() == TrunkKind::Sip) == (channel == Channel::Voice)).map(|trunk| (trunk.id.0, trunk));
        Ok(Self { tenant: tenant.id(), router: Router::new(routes.collect()), trunks: trunks.collect() })
    }

    /// The enabled trunk that the routes name first.
    pub fn trunk(&self, e164: &str, sender: &str) -> Option<&TrunkRecord> {
        let state = |id: TrunkId| if self.trunks.contains_key(&id.0) { TrunkState::Up } else { TrunkState::Disabled };
        self.router.choose(self.tenant, e164, sender, state).and_then(|route| self.trunks.get(&route.trunk.0))
    }
}
