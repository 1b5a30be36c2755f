//! Who did what to which record. Personal data never stands in an event.

mod anchor;
pub(crate) mod chain;
mod sweep;
mod verify;

pub use anchor::Anchor;
pub use chain::OPERATOR;
pub use verify::{ChainCheck, ChainFault, LastCheck};

use clarion_domain::audit::event::Act;
use clarion_domain::id::AuditEventId;
use clarion_domain::time::Instant;

use clarion_domain::audit::chain::Chain;
use clarion_domain::id::TenantId;

use crate::db::{Row, Tx, sql};
use crate::params;
use crate::seal::hex;
use crate::store::{Page, Store, StoreError, Tenant};
use chain::{Content, PendingAct};

/// One audited act, as the portal and the API show it.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    pub id: AuditEventId,
    pub at: Instant,
    /// `user:usr_…`, `key:key_…`, `operator`, `system` or `subject`.
    pub actor: String,
    pub act: Act,
    /// What kind of record: `campaign`, `import`, `contact` ….
    pub object_kind: String,
    /// Its number; 0 when the act has no single object.
    pub object_id: i64,
    pub detail: String,
    pub chain: Chain,
    /// Its place in the chain, from 1.
    pub number: i64,
    /// Over what it says and the hash before it, in hexadecimal.
    pub hash: String,
}

fn read(mut row: Row) -> Result<AuditEvent, StoreError> {
    let hash: Option<Vec<u8>> = row.take(9)?;
    let (id, at, actor, act) = (row.take(0)?, row.take(1)?, row.take(2)?, row.word(3)?);
    Ok(AuditEvent { id, at, actor, act, object_kind: row.take(4)?, object_id: row.take(5)?, detail: row.take(6)?, chain: row.word(7)?, number: row.take(8)?, hash: hex(&hash.unwrap_or_default()) })
}

impl Store {
    async fn events_of(&self, tenant: TenantId, object_kind: &str, act: &str, before: Option<i64>, limit: i64) -> Result<Page<AuditEvent>, StoreError> {
        let select = sql!(
            "SELECT id, at, actor, act, object_kind, object_id, detail, chain, number, hash FROM audit_event
             WHERE tenant_id = $1 AND id < $2 AND ($3 = '' OR object_kind = $3) AND ($4 = '' OR act = $4)
             ORDER BY id DESC LIMIT $5"
        );
        let rows = self.db().query(select, &params![tenant, before.unwrap_or(i64::MAX), object_kind, act, limit + 1]).await?;
        let events = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::cut(events, limit, |event: &AuditEvent| event.id.0))
    }

    /// The operator's own acts, the newest first.
    pub async fn operator_events(&self, limit: i64) -> Result<Page<AuditEvent>, StoreError> {
        self.events_of(OPERATOR, "", "", None, limit).await
    }
}

impl Tenant {
    /// Records an act in the transaction that does it: both happen or neither does.
    pub(crate) async fn audit(&self, tx: &mut Tx, now: Instant, act: Act, object_kind: &str, object_id: i64, detail: &str) -> Result<(), StoreError> {
        let event = Content { id: self.store.next_id(now), at: now.ms(), actor: self.actor.to_string(), act: act.as_str().into(), object_kind: object_kind.into(), object_id, detail: detail.into() };
        tx.record(PendingAct { store: self.store.clone(), tenant: self.id, act, event });
        Ok(())
    }

    /// Records an act that changes no row of its own: a reveal, an export, a sign-in.
    pub async fn audit_alone(&self, now: Instant, act: Act, object_kind: &str, object_id: i64, detail: &str) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.audit(&mut tx, now, act, object_kind, object_id, detail).await?;
        Ok(tx.commit().await?)
    }

    /// The newest events first. `object_kind` and `act` narrow the listing when not empty; `before` is a page's cursor.
    pub async fn audit_events(&self, object_kind: &str, act: &str, before: Option<i64>, limit: i64) -> Result<Page<AuditEvent>, StoreError> {
        self.store.events_of(self.id, object_kind, act, before, limit).await
    }
}
