//! The store and the tenant handle.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use clarion_domain::id::{CampaignId, IdMaker, NodeId, TenantId};
use clarion_domain::links::host;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::target::AllowedNetworks;

use crate::campaigns::Steps;
use crate::db::{Db, DbError, sql};
use crate::seal::{DataKey, IndexKey, Keyring, SealError};
use crate::signal::Signals;

/// Campaigns whose steps are remembered.
const STEPS_KNOWN_MAX: usize = 10_000;

/// One field of a form or request that cannot stand as it is; the message says what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldFault {
    pub field: &'static str,
    pub message: String,
}

/// Why the store could not do what was asked. `Invalid`, `NotFound` and `Conflict` are for the user to read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Something else stands in the way: a doubled name, a state that has moved on.
    #[error("{0}")]
    Conflict(String),
    /// The request itself cannot be: says what to do instead.
    #[error("{0}")]
    Invalid(String),
    /// Not by this actor.
    #[error("{0}")]
    Forbidden(String),
    /// Several fields at once, each with its own message.
    #[error("{}", .0.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect::<Vec<_>>().join("; "))]
    Faults(Vec<FieldFault>),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// One page of a listing; `next` is the cursor of the page after it: an identifier, unless the listing's order needs more.
#[derive(Debug, Clone)]
pub struct Page<T, C = i64> {
    pub rows: Vec<T>,
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// From `limit + 1` fetched rows: the extra one only tells that there is more.
    pub(crate) fn cut(mut rows: Vec<T>, limit: i64, cursor: impl Fn(&T) -> C) -> Self {
        let more = rows.len() as i64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(0));
        let next = if more { rows.last().map(cursor) } else { None };
        Self { rows, next }
    }
}

/// A tenant's keys, unwrapped.
pub(crate) struct TenantKeys {
    pub index: IndexKey,
    pub data: DataKey,
}

struct Shared {
    db: Db,
    keyring: Keyring,
    ids: Mutex<IdMaker>,
    node: NodeId,
    signals: Signals,
    keys: RwLock<HashMap<TenantId, Arc<TenantKeys>>>,
    webhook_networks: OnceLock<AllowedNetworks>,
    own_host: OnceLock<String>,
    steps: Mutex<HashMap<CampaignId, Option<Arc<Steps>>>>,
}

/// The database, its keyring, and this node's identifiers. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

impl Store {
    /// `node` is this process's number among those that share the database, 0 to 127.
    pub fn new(db: Db, keyring: &Path, node: u8) -> Result<Self, StoreError> {
        let shared = Shared {
            db,
            keyring: Keyring::open_or_create(keyring)?,
            ids: Mutex::new(IdMaker::new(node)),
            node: NodeId(i64::from(node)),
            signals: Signals::default(),
            keys: RwLock::default(),
            webhook_networks: OnceLock::new(),
            own_host: OnceLock::new(),
            steps: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// As `new`, for a database that may be old: where there are tenants no keyring is made in the place of a lost one.
    pub async fn open(db: Db, keyring: &Path, node: u8) -> Result<Self, StoreError> {
        if !keyring.exists() && db.query_first(sql!("SELECT id FROM tenant LIMIT 1"), &[]).await?.is_some() {
            let why = "it is not there, and the database is sealed with it: restore it from its backup".to_owned();
            return Err(SealError::Keyring { path: keyring.to_owned(), why }.into());
        }
        Self::new(db, keyring, node)
    }

    #[must_use]
    pub fn db(&self) -> &Db {
        &self.shared.db
    }

    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.shared.keyring
    }

    #[must_use]
    pub fn node(&self) -> NodeId {
        self.shared.node
    }

    #[must_use]
    pub fn signals(&self) -> &Signals {
        &self.shared.signals
    }

    /// Says once, at the start, which networks webhooks may go to beside the public internet. Both who writes an address down and who
    /// sends there ask here.
    pub fn allow_webhook_networks(&self, networks: AllowedNetworks) {
        // Whoever says it a second time runs in the process of a first, whose word holds.
        let _ = self.shared.webhook_networks.set(networks);
    }

    #[must_use]
    pub fn webhook_networks(&self) -> &AllowedNetworks {
        self.shared.webhook_networks.get_or_init(AllowedNetworks::default)
    }

    /// Says once, at the start, under which name browsers reach the portal: no tenant's links can stand there, whatever a request's Host says.
    pub fn own_host(&self, host: String) {
        let _ = self.shared.own_host.set(host);
    }

    /// By name alone: cookies do not tell ports apart.
    pub(crate) fn is_own_host(&self, host: &str) -> bool {
        self.shared.own_host.get().is_some_and(|own| host::bare(own) == host::bare(host))
    }

    /// The steps of a campaign that has started, if they were read before: the sending loops ask for each of their transactions.
    pub(crate) fn known_steps(&self, id: CampaignId) -> Option<Option<Arc<Steps>>> {
        self.shared.steps.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(crate) fn know_steps(&self, id: CampaignId, steps: Option<Arc<Steps>>) {
        let mut known = self.shared.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= STEPS_KNOWN_MAX {
            known.clear();
        }
        known.insert(id, steps);
    }

    /// A fresh identifier of this node.
    #[must_use]
    pub fn next_id(&self, now: Instant) -> i64 {
        self.id_block(now, 1)
    }

    /// The first of `count` fresh identifiers in a row (at most 8,192).
    #[must_use]
    pub fn id_block(&self, now: Instant, count: u16) -> i64 {
        self.shared.ids.lock().unwrap_or_else(PoisonError::into_inner).block(now.ms(), count)
    }

    /// The only way to a tenant's rows. Fails when there is no such tenant.
    pub async fn tenant(&self, id: TenantId, actor: Actor) -> Result<Tenant, StoreError> {
        let known = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let keys = match known {
            Some(keys) => keys,
            None => {
                let keys = Arc::new(self.load_tenant_keys(id).await?);
                self.shared.keys.write().unwrap_or_else(PoisonError::into_inner).insert(id, keys.clone());
                keys
            }
        };
        Ok(Tenant { store: self.clone(), id, actor, keys })
    }

    /// Forgets unwrapped tenant keys, so that the next use reads them anew: after a rotation.
    pub(crate) fn forget_tenant_keys(&self) {
        self.shared.keys.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// One tenant's rows, in the name of one actor.
#[derive(Clone)]
pub struct Tenant {
    pub(crate) store: Store,
    pub(crate) id: TenantId,
    pub(crate) actor: Actor,
    pub(crate) keys: Arc<TenantKeys>,
}

impl Tenant {
    #[must_use]
    pub fn id(&self) -> TenantId {
        self.id
    }

    #[must_use]
    pub fn actor(&self) -> Actor {
        self.actor
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The blind index by which a number (E.164, `+44…`) is found in this tenant's rows.
    #[must_use]
    pub fn number_index(&self, e164: &str) -> [u8; 16] {
        self.keys.index.number(e164)
    }

    #[must_use]
    pub fn reference_index(&self, reference: &str) -> [u8; 16] {
        self.keys.index.reference(reference)
    }

    /// A keyed hash of a message as it came, to know it again.
    #[must_use]
    pub fn message_index(&self, message: &str) -> [u8; 16] {
        self.keys.index.message(message)
    }

    pub(crate) fn db(&self) -> &Db {
        self.store.db()
    }
}
