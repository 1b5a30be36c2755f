//! The log of an endpoint, and replay.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{WebhookEventId, WebhookId};
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::{WebhookDeliveryState, WebhookEventKind};

use crate::db::sql;
use crate::params;
use crate::signal::Signal;
use crate::store::{Page, StoreError, Tenant};

/// An event at an endpoint, and how its telling stands.
#[derive(Debug, Clone)]
pub struct DeliveryRecord {
    pub event: WebhookEventId,
    pub kind: WebhookEventKind,
    pub state: WebhookDeliveryState,
    pub tries: i64,
    pub created_at: Instant,
    /// When it is tried again; only what waits.
    pub next_at: Option<Instant>,
    pub last_at: Option<Instant>,
    /// 0 when there was no answer.
    pub last_status: i64,
    pub last_error: String,
}

/// One try of the log.
#[derive(Debug, Clone)]
pub struct TryLine {
    pub tried_at: Instant,
    pub duration_ms: i64,
    pub status: i64,
    pub error: String,
}

impl Tenant {
    /// The newest events first; `state` narrows the listing.
    pub async fn webhook_deliveries(&self, id: WebhookId, state: Option<WebhookDeliveryState>, before: Option<i64>, limit: i64) -> Result<Page<DeliveryRecord>, StoreError> {
        let select = sql!(
            "SELECT d.event_id, e.kind, d.state, d.tries, e.created_at, d.next_at, d.last_at, d.last_status, d.last_error
             FROM webhook_delivery d JOIN webhook_event e ON e.id = d.event_id
             WHERE d.tenant_id = $1 AND d.webhook_id = $2 AND d.event_id < $3 AND ($4 = '' OR d.state = $4) ORDER BY d.event_id DESC LIMIT $5"
        );
        let values = params![self.id, id, before.unwrap_or(i64::MAX), state.map_or("", WebhookDeliveryState::as_str), limit + 1];
        let mut records = Vec::new();
        for mut row in self.db().query(select, &values).await? {
            let (state, next_at): (WebhookDeliveryState, Instant) = (row.word(2)?, row.take(5)?);
            records.push(DeliveryRecord {
                event: row.take(0)?,
                kind: row.word(1)?,
                state,
                tries: row.take(3)?,
                created_at: row.take(4)?,
                next_at: (state == WebhookDeliveryState::Waiting).then_some(next_at),
                last_at: row.take(6)?,
                last_status: row.take(7)?,
                last_error: row.take(8)?,
            });
        }
        Ok(Page::cut(records, limit, |record| record.event.0))
    }

    /// What was sent, or is to be sent, and every try of it, the newest first.
    pub async fn webhook_delivery(&self, id: WebhookId, event: WebhookEventId) -> Result<(String, Vec<TryLine>), StoreError> {
        let select = sql!(
            "SELECT e.body FROM webhook_delivery d JOIN webhook_event e ON e.id = d.event_id WHERE d.tenant_id = $1 AND d.webhook_id = $2 AND d.event_id = $3"
        );
        let mut body = self.db().query_first(select, &params![self.id, id, event]).await?.ok_or(StoreError::NotFound("delivery"))?;
        let select = sql!("SELECT tried_at, duration_ms, status, error FROM webhook_try WHERE webhook_id = $1 AND event_id = $2 ORDER BY id DESC LIMIT 200");
        let mut lines = Vec::new();
        for mut row in self.db().query(select, &params![id, event]).await? {
            lines.push(TryLine { tried_at: row.take(0)?, duration_ms: row.take(1)?, status: row.take(2)?, error: row.take(3)? });
        }
        Ok((body.take(0)?, lines))
    }

    /// Tells one event again, with the identifier that it had.
    pub async fn replay_webhook_event(&self, id: WebhookId, event: WebhookEventId, now: Instant) -> Result<(), StoreError> {
        self.refuse_replay_when_off(id).await?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE webhook_delivery SET state = 'waiting', tries = 0, due_since = $4, next_at = $4 WHERE tenant_id = $1 AND webhook_id = $2 AND event_id = $3");
        if tx.execute(update, &params![self.id, id, event, now]).await? == 0 {
            return Err(StoreError::NotFound("delivery"));
        }
        self.audit(&mut tx, now, Act::Resumed, "webhook", id.0, &format!("replay of {event}")).await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Webhooks);
        Ok(())
    }

    /// Tells again what happened since a time: what failed, or all of it. The number of events.
    pub async fn replay_webhook(&self, id: WebhookId, since: Instant, only_failed: bool, now: Instant) -> Result<u64, StoreError> {
        self.refuse_replay_when_off(id).await?;
        let mut tx = self.db().begin().await?;
        let update = sql!(
            "UPDATE webhook_delivery SET state = 'waiting', tries = 0, due_since = $4, next_at = $4
             WHERE tenant_id = $1 AND webhook_id = $2 AND event_id >= $3 AND (state = 'failed' OR (state = 'delivered' AND CAST($5 AS BIGINT) = 0))"
        );
        let first = clarion_domain::id::floor_at(since.ms());
        let count = tx.execute(update, &params![self.id, id, first, now, only_failed]).await?;
        self.audit(&mut tx, now, Act::Resumed, "webhook", id.0, &format!("replay of {count} events since {}", since.rfc3339())).await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Webhooks);
        Ok(count)
    }

    async fn refuse_replay_when_off(&self, id: WebhookId) -> Result<(), StoreError> {
        if self.webhook(id).await?.enabled { Ok(()) } else { Err(StoreError::Conflict("this webhook is switched off: switch it on first".into())) }
    }
}
