//! What the engine sends: the events that are due at an endpoint, and what became of each try.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{TenantId, WebhookEventId, WebhookId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::backoff::{FAILURES_BEFORE_PROBING, TryOutcome, is_hopeless, pause_ms};
use clarion_domain::webhooks::event::WebhookEventKind;

use crate::db::{Tx, sql};
use crate::lease::Lease;
use crate::params;
use crate::store::{Store, StoreError, Tenant};

/// An endpoint at which something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DueWebhook {
    pub id: WebhookId,
    pub tenant: TenantId,
}

/// An endpoint as it is sent to.
#[derive(Debug, Clone)]
pub struct SendingWebhook {
    pub id: WebhookId,
    pub url: String,
    /// The secret, and the one of before while it is good.
    pub secrets: Vec<Personal>,
    /// It has refused several in a row: asked with one event at a time.
    pub probing: bool,
}

/// One event for one endpoint.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    pub event: WebhookEventId,
    pub body: String,
    pub tries: i64,
    pub due_since: Instant,
}

/// One try.
#[derive(Debug, Clone)]
pub struct TryRecord {
    pub event: WebhookEventId,
    pub tried_at: Instant,
    pub duration_ms: i64,
    /// 0 when there was no answer.
    pub status: u16,
    /// A word that says what was wrong; empty when it was taken.
    pub error: &'static str,
    pub outcome: TryOutcome,
}

/// How the endpoint stands while the tries of a round are written.
struct Standing {
    failures: i64,
    failing_since: Option<Instant>,
    next_at: Instant,
    taken: bool,
    gone: bool,
    /// The longest that it asked to be left alone.
    retry_after_ms: Option<i64>,
}

impl Standing {
    /// What the round says of the endpoint: tries that were under way together and all failed are one failure. True when it takes
    /// events again after a time of probing.
    fn end_round(&mut self, now: Instant, chance: u64) -> bool {
        if self.taken {
            let recovered = self.failures >= FAILURES_BEFORE_PROBING;
            (self.failures, self.failing_since, self.next_at) = (0, None, now);
            if let Some(asked) = self.retry_after_ms {
                self.next_at = now.plus_ms(pause_ms(1, now, now, Some(asked), chance));
            }
            return recovered;
        }
        self.failures += 1;
        let since = *self.failing_since.get_or_insert(now);
        if self.failures >= FAILURES_BEFORE_PROBING || self.retry_after_ms.is_some() {
            let place = self.failures - FAILURES_BEFORE_PROBING + 1;
            self.next_at = now.plus_ms(pause_ms(place, since, now, self.retry_after_ms, chance));
        }
        false
    }
}

impl Store {
    /// Endpoints of every tenant at which something is due, those that have waited longest first.
    pub async fn due_webhooks(&self, now: Instant, limit: i64) -> Result<Vec<DueWebhook>, StoreError> {
        let select = sql!(
            "SELECT w.id, w.tenant_id FROM webhook w WHERE w.enabled = 1 AND w.next_at <= $1 AND EXISTS (
                 SELECT 1 FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'waiting' AND (d.next_at <= $1 OR w.failures >= $2))
             ORDER BY w.next_at, w.id LIMIT $3"
        );
        let rows = self.db().query(select, &params![now, FAILURES_BEFORE_PROBING, limit]).await?;
        rows.into_iter().map(|mut row| Ok(DueWebhook { id: row.take(0)?, tenant: row.take(1)? })).collect()
    }
}

impl Tenant {
    /// The endpoint as it is to be sent to now; `None` when it is gone, off, or left alone for a while.
    pub async fn sending_webhook(&self, id: WebhookId, now: Instant) -> Result<Option<SendingWebhook>, StoreError> {
        let select = sql!(
            "SELECT url, sealed_secret, sealed_old_secret, old_secret_until, failures FROM webhook WHERE tenant_id = $1 AND id = $2 AND enabled = 1 AND next_at <= $3"
        );
        let Some(mut row) = self.db().query_first(select, &params![self.id, id, now]).await? else { return Ok(None) };
        let mut secrets = vec![self.open_webhook_secret(&row.take::<Vec<u8>>(1)?)?];
        let (old, until): (Option<Vec<u8>>, Option<Instant>) = (row.take(2)?, row.take(3)?);
        if let (Some(old), Some(until)) = (old, until)
            && now < until
        {
            secrets.push(self.open_webhook_secret(&old)?);
        }
        Ok(Some(SendingWebhook { id, url: row.take(0)?, secrets, probing: row.take::<i64>(4)? >= FAILURES_BEFORE_PROBING }))
    }

    /// The oldest events that are due. While it probes: one, the one that was tried least, so that an event which the endpoint cannot
    /// stomach does not keep the others from being tried.
    pub async fn due_deliveries(&self, webhook: &SendingWebhook, now: Instant, limit: i64) -> Result<Vec<DueDelivery>, StoreError> {
        let due = sql!(
            "SELECT d.event_id, e.body, d.tries, d.due_since FROM webhook_delivery d JOIN webhook_event e ON e.id = d.event_id
             WHERE d.webhook_id = $1 AND d.tenant_id = $2 AND d.state = 'waiting' AND d.next_at <= $3 ORDER BY d.next_at, d.event_id LIMIT $4"
        );
        let probe = sql!(
            "SELECT d.event_id, e.body, d.tries, d.due_since FROM webhook_delivery d JOIN webhook_event e ON e.id = d.event_id
             WHERE d.webhook_id = $1 AND d.tenant_id = $2 AND d.state = 'waiting' ORDER BY d.tries, d.event_id LIMIT 1"
        );
        let rows = if webhook.probing {
            self.db().query(probe, &params![webhook.id, self.id]).await?
        } else {
            self.db().query(due, &params![webhook.id, self.id, now, limit]).await?
        };
        rows.into_iter().map(|mut row| Ok(DueDelivery { event: row.take(0)?, body: row.take(1)?, tries: row.take(2)?, due_since: row.take(3)? })).collect()
    }

    /// Writes a round of tries under the lease; `chance` spreads what is tried again. An endpoint that was deleted or switched off
    /// meanwhile stays so.
    pub async fn record_tries(&self, lease: &Lease, webhook: WebhookId, tries: &[TryRecord], now: Instant, chance: fn() -> u64) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let select = sql!("SELECT failures, failing_since, next_at FROM webhook WHERE tenant_id = $1 AND id = $2 AND enabled = 1");
        let Some(mut row) = tx.query_first(select, &params![self.id, webhook]).await? else { return Ok(tx.commit().await?) };
        let mut standing = Standing { failures: row.take(0)?, failing_since: row.take(1)?, next_at: row.take(2)?, taken: false, gone: false, retry_after_ms: None };
        for one in tries {
            self.write_try(&mut tx, webhook, one).await?;
            self.move_delivery(&mut tx, webhook, one, &mut standing, now, chance()).await?;
        }
        let recovered = standing.end_round(now, chance());
        let update = sql!("UPDATE webhook SET failures = $3, failing_since = $4, next_at = $5 WHERE tenant_id = $1 AND id = $2");
        tx.execute(update, &params![self.id, webhook, standing.failures, standing.failing_since, standing.next_at]).await?;
        if recovered {
            let update = sql!("UPDATE webhook_delivery SET next_at = $2 WHERE webhook_id = $1 AND state = 'waiting' AND next_at > $2");
            tx.execute(update, &params![webhook, now]).await?;
        }
        let hopeless = standing.failing_since.is_some_and(|since| is_hopeless(since, now));
        if standing.gone || hopeless {
            let why = if standing.gone { "the endpoint answered that it is gone for good (410)" } else { "the endpoint took nothing for three days" };
            self.disable_webhook_in(&mut tx, webhook, why).await?;
            self.audit(&mut tx, now, Act::Changed, "webhook", webhook.0, &format!("disabled: {why}")).await?;
            self.tell(&mut tx, WebhookEventKind::WebhookDisabled, serde_json::json!({"webhook": webhook, "why": why}), now).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn write_try(&self, tx: &mut Tx, webhook: WebhookId, one: &TryRecord) -> Result<(), StoreError> {
        let insert = sql!("INSERT INTO webhook_try (id, webhook_id, event_id, tried_at, duration_ms, status, error) VALUES ($1, $2, $3, $4, $5, $6, $7)");
        let id = self.store.next_id(one.tried_at);
        tx.execute(insert, &params![id, webhook, one.event, one.tried_at, one.duration_ms, i64::from(one.status), one.error]).await?;
        Ok(())
    }

    async fn move_delivery(&self, tx: &mut Tx, webhook: WebhookId, one: &TryRecord, standing: &mut Standing, now: Instant, chance: u64) -> Result<(), StoreError> {
        let select = sql!("SELECT tries, due_since FROM webhook_delivery WHERE webhook_id = $1 AND event_id = $2");
        let Some(mut row) = tx.query_first(select, &params![webhook, one.event]).await? else { return Ok(()) };
        let (tries, due_since): (i64, Instant) = (row.take::<i64>(0)? + 1, row.take(1)?);
        let (state, next_at) = match one.outcome {
            TryOutcome::Taken => {
                standing.taken = true;
                ("delivered", now)
            }
            TryOutcome::Refused { retry_after_ms } => {
                standing.retry_after_ms = standing.retry_after_ms.max(retry_after_ms);
                let state = if is_hopeless(due_since, now) { "failed" } else { "waiting" };
                (state, now.plus_ms(pause_ms(tries, due_since, now, retry_after_ms, chance)))
            }
            TryOutcome::Gone => {
                standing.gone = true;
                ("waiting", now)
            }
        };
        let update = sql!(
            "UPDATE webhook_delivery SET state = $3, tries = $4, next_at = $5, last_at = $6, last_status = $7, last_error = $8 WHERE webhook_id = $1 AND event_id = $2"
        );
        let values = params![webhook, one.event, state, tries, next_at, one.tried_at, i64::from(one.status), one.error];
        tx.execute(update, &values).await?;
        Ok(())
    }
}
