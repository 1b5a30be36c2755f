//! Who did what to which record. Personal data never stands in an event.

use clarion_domain::audit::event::Act;
use clarion_domain::id::AuditEventId;
use clarion_domain::time::Instant;

use crate::db::{Tx, sql};
use crate::params;
use crate::store::{Page, StoreError, Tenant};

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
}

impl Tenant {
    /// Records an act in the transaction that does it: both happen or neither does.
    pub(crate) async fn audit(&self, tx: &mut Tx, now: Instant, act: Act, object_kind: &str, object_id: i64, detail: &str) -> Result<(), StoreError> {
        let insert = sql!("INSERT INTO audit_event (id, tenant_id, at, actor, act, object_kind, object_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let id = self.store.next_id(now);
        tx.execute(insert, &params![id, self.id, now, self.actor.to_string(), act.as_str(), object_kind, object_id, detail]).await?;
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
        let select = sql!(
            "SELECT id, at, actor, act, object_kind, object_id, detail FROM audit_event
             WHERE tenant_id = $1 AND id < $2 AND ($3 = '' OR object_kind = $3) AND ($4 = '' OR act = $4)
             ORDER BY id DESC LIMIT $5"
        );
        let rows = self.db().query(select, &params![self.id, before.unwrap_or(i64::MAX), object_kind, act, limit + 1]).await?;
        let mut events = Vec::with_capacity(rows.len());
        for mut row in rows {
            events.push(AuditEvent { id: row.take(0)?, at: row.take(1)?, actor: row.take(2)?, act: row.word(3)?, object_kind: row.take(4)?, object_id: row.take(5)?, detail: row.take(6)? });
        }
        Ok(Page::cut(events, limit, |event| event.id.0))
    }
}
