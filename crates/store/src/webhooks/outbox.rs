//! An event becomes a row in the transaction of the act that it tells of, and only when some endpoint asks for it.

use clarion_domain::id::{TenantId, WebhookEventId, WebhookId};
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::{WebhookEventKind, body};
use serde_json::Value as Json;

use crate::db::{Params, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// Writes the event and a delivery for each endpoint.
pub(super) async fn write_event(tx: &mut Tx, store: &Store, tenant: TenantId, to: &[WebhookId], kind: WebhookEventKind, data: &Json, now: Instant) -> Result<WebhookEventId, StoreError> {
    let id = WebhookEventId(store.next_id(now));
    let insert = sql!("INSERT INTO webhook_event (id, tenant_id, kind, body, created_at) VALUES ($1, $2, $3, $4, $5)");
    tx.execute(insert, &params![id, tenant, kind.as_str(), body(id, kind, now, data), now]).await?;
    let insert = sql!(
        "INSERT INTO webhook_delivery (webhook_id, event_id, tenant_id, state, tries, due_since, next_at, last_status, last_error)
         VALUES ($1, $2, $3, 'waiting', 0, $4, $4, 0, '')"
    );
    let batch: Vec<Params> = to.iter().map(|webhook| params![*webhook, id, tenant, now]).collect();
    tx.execute_many(insert, &batch).await?;
    Ok(id)
}

impl Tenant {
    /// Tells what this transaction does to the endpoints that ask for it. `data` holds identifiers and words, and nothing personal.
    pub(crate) async fn tell(&self, tx: &mut Tx, kind: WebhookEventKind, data: Json, now: Instant) -> Result<(), StoreError> {
        let to = self.endpoints_asking(tx, kind).await?;
        self.tell_to(tx, &to, kind, data, now).await
    }

    /// The endpoints that ask for such an event, for whoever must look something up for it.
    pub(crate) async fn endpoints_asking(&self, tx: &mut Tx, kind: WebhookEventKind) -> Result<Vec<WebhookId>, StoreError> {
        let select = sql!("SELECT id FROM webhook WHERE tenant_id = $1 AND enabled = 1 AND events LIKE $2 ORDER BY id");
        tx.query(select, &params![self.id, format!("% {kind} %")]).await?.into_iter().map(|mut row| Ok(row.take(0)?)).collect()
    }

    pub(crate) async fn tell_to(&self, tx: &mut Tx, to: &[WebhookId], kind: WebhookEventKind, data: Json, now: Instant) -> Result<(), StoreError> {
        if !to.is_empty() {
            write_event(tx, &self.store, self.id, to, kind, &data, now).await?;
        }
        Ok(())
    }

    /// A test event to one endpoint, whatever it asks for.
    pub async fn test_webhook(&self, id: WebhookId, now: Instant) -> Result<WebhookEventId, StoreError> {
        if !self.webhook(id).await?.enabled {
            return Err(StoreError::Conflict("this webhook is switched off: switch it on first".into()));
        }
        let mut tx = self.db().begin().await?;
        let event = write_event(&mut tx, &self.store, self.id, &[id], WebhookEventKind::WebhookTest, &serde_json::json!({"webhook": id}), now).await?;
        self.audit(&mut tx, now, clarion_domain::audit::event::Act::TestSent, "webhook", id.0, "").await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Webhooks);
        Ok(event)
    }
}
