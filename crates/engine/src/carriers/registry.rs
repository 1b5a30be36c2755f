//! The trunks and routes of this node, kept in step with the store.

use std::collections::HashMap;

use clarion_domain::carriers::trunk::{TrunkKind, TrunkState};
use clarion_domain::id::{TenantId, TrunkId};
use clarion_domain::time::Instant;
use clarion_store::carriers::{TrunkStatus, report_status};
use clarion_store::{Store, StoreError};
use tokio::sync::mpsc;

use super::routes::Routes;
use super::trunk::Trunk;
use super::wire::WireEvent;

pub(crate) struct Carriers {
    trunks: HashMap<TrunkId, Trunk>,
    /// Trunks whose settings cannot be used, with why.
    broken: HashMap<TrunkId, (i64, String)>,
    routes: Routes,
    events: mpsc::Sender<Vec<WireEvent>>,
}

impl Carriers {
    pub(crate) fn new(events: mpsc::Sender<Vec<WireEvent>>) -> Self {
        Self { trunks: HashMap::new(), broken: HashMap::new(), routes: Routes::default(), events }
    }

    /// Reads the trunks that carry messages, and routes; starts what is new, stops what is gone, and starts anew what has changed.
    pub(crate) async fn reload(&mut self, store: &Store, now: Instant, now_micros: u64) -> Result<(), StoreError> {
        let mut records = store.trunks().await?;
        records.retain(|record| record.settings.kind() != TrunkKind::Sip);
        let stays = |trunk: &Trunk| records.iter().any(|record| record.id == trunk.id() && record.enabled && record.version == trunk.record.version);
        let gone: Vec<TrunkId> = self.trunks.values().filter(|trunk| !stays(trunk)).map(Trunk::id).collect();
        for id in gone {
            if let Some(trunk) = self.trunks.remove(&id) {
                trunk.stop();
            }
        }
        for record in records.into_iter().filter(|record| record.enabled) {
            let known = self.trunks.contains_key(&record.id) || self.broken.get(&record.id).is_some_and(|(version, _)| *version == record.version);
            if known {
                continue;
            }
            let (id, version) = (record.id, record.version);
            let secret = store.trunk_secret(id).await?;
            match Trunk::start(record, &secret, &self.events, now, now_micros) {
                Ok(trunk) => {
                    self.broken.remove(&id);
                    self.trunks.insert(id, trunk);
                }
                Err(error) => {
                    tracing::warn!(trunk = %id, %error, "a trunk's settings cannot be used");
                    self.broken.insert(id, (version, error.to_string()));
                }
            }
        }
        // A tenant's own trunk is used by the one node that sends for it; the operator's by every node that sends.
        let nodes = store.sending_nodes(now).await?;
        for trunk in self.trunks.values() {
            trunk.share_among(if trunk.record.tenant.is_none() { nodes } else { 1 });
        }
        self.routes = Routes::read(store).await?;
        Ok(())
    }

    pub(crate) fn get(&self, id: TrunkId) -> Option<&Trunk> {
        self.trunks.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: TrunkId) -> Option<&mut Trunk> {
        self.trunks.get_mut(&id)
    }

    /// Trunks that may carry this message, best first, up or not; `avoid` has refused it already.
    pub(crate) fn candidates(&self, tenant: TenantId, e164: &str, sender: &str, avoid: Option<TrunkId>) -> Vec<TrunkId> {
        self.routes.candidates((tenant, e164, sender), avoid, |id| self.trunks.get(&id).map(|trunk| trunk.record.tenant))
    }

    /// Whether a trunk other than `but` may send for this tenant now.
    pub(crate) fn has_other(&self, tenant: TenantId, but: TrunkId) -> bool {
        self.trunks.values().any(|trunk| trunk.id() != but && trunk.record.tenant.is_none_or(|owner| owner == tenant) && trunk.can_send())
    }

    /// Whether a trunk other than `but` has room for this tenant now.
    pub(crate) fn has_room_beside(&mut self, tenant: TenantId, but: TrunkId, now_micros: u64) -> bool {
        self.trunks.values_mut().any(|trunk| trunk.id() != but && trunk.record.tenant.is_none_or(|owner| owner == tenant) && trunk.budget(now_micros) > 0)
    }

    /// Segments that could go now over any trunk.
    pub(crate) fn budget(&mut self, now_micros: u64) -> u32 {
        self.trunks.values_mut().map(|trunk| trunk.budget(now_micros)).fold(0, u32::saturating_add)
    }

    pub(crate) fn stop(&self) {
        for trunk in self.trunks.values() {
            trunk.stop();
        }
    }

    /// Writes what this node sees of its trunks.
    pub(crate) async fn report(&mut self, store: &Store, now: Instant) -> Result<(), StoreError> {
        let node = store.node();
        let mut all: Vec<TrunkStatus> = self.trunks.values_mut().map(|trunk| trunk.status(node, now)).collect();
        all.extend(self.broken.iter().map(|(id, (_, reason))| TrunkStatus {
            trunk: *id,
            node,
            state: TrunkState::Refused,
            reason: reason.clone(),
            rate_now: 0,
            outstanding: 0,
            accepted: 0,
            throttled: 0,
            since: now,
            seen_at: now,
        }));
        if all.is_empty() { Ok(()) } else { report_status(store, &all).await }
    }
}
