//! An endpoint: its address, what it asks for, and the secret that signs what it is sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clarion_domain::audit::event::Act;
use clarion_domain::id::WebhookId;
use clarion_domain::personal::Personal;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_domain::webhooks::event::WebhookEventKind;

use crate::db::{Row, Tx, sql};
use crate::params;
use crate::seal::random_bytes;
use crate::signal::Signal;
use crate::store::{FieldFault, StoreError, Tenant};

/// After a rotation what is sent is signed with both secrets for so long.
pub const OLD_SECRET_KEPT_MS: i64 = DAY_MS;
const WEBHOOKS_MAX: i64 = 20;
const SECRET_LABEL: &str = "webhook.secret";
const SECRET_BYTES: usize = 32;

/// An endpoint as its users see it: everything but its secret.
#[derive(Debug, Clone)]
pub struct WebhookRecord {
    pub id: WebhookId,
    pub url: String,
    pub events: Vec<WebhookEventKind>,
    pub enabled: bool,
    /// Why the software, or a user, switched it off; empty while it is on.
    pub disabled_why: String,
    /// Refusals in a row.
    pub failures: i64,
    pub failing_since: Option<Instant>,
    /// Until when what is sent is signed with the secret of before as well.
    pub old_secret_until: Option<Instant>,
    pub created_by: String,
    pub created_at: Instant,
    /// Events that wait to be delivered.
    pub waiting: i64,
}

/// What an endpoint is to be.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub url: String,
    pub events: Vec<WebhookEventKind>,
}

/// An endpoint that was just made, with the secret that nobody can be shown again.
#[derive(Debug, Clone)]
pub struct MadeWebhook {
    pub id: WebhookId,
    pub secret: String,
}

/// `whsec_` and base64, as Standard Webhooks writes a secret.
pub(crate) fn new_secret() -> Result<String, StoreError> {
    Ok(format!("whsec_{}", STANDARD.encode(random_bytes::<SECRET_BYTES>()?)))
}

/// Between spaces, so that a word is found whole.
fn events_text(events: &[WebhookEventKind]) -> String {
    WebhookEventKind::ALL.iter().filter(|kind| events.contains(kind)).fold(" ".to_owned(), |text, kind| format!("{text}{kind} "))
}

/// A word that this program does not know any more is left out.
fn events_of(text: &str) -> Vec<WebhookEventKind> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn read(mut row: Row) -> Result<WebhookRecord, StoreError> {
    Ok(WebhookRecord {
        id: row.take(0)?,
        url: row.take(1)?,
        events: events_of(&row.take::<String>(2)?),
        enabled: row.take(3)?,
        disabled_why: row.take(4)?,
        failures: row.take(5)?,
        failing_since: row.take(6)?,
        old_secret_until: row.take(7)?,
        created_by: row.take(8)?,
        created_at: row.take(9)?,
        waiting: row.take(10)?,
    })
}

impl Tenant {
    /// The endpoints, the newest first: there are few.
    pub async fn webhooks(&self) -> Result<Vec<WebhookRecord>, StoreError> {
        let select = sql!(
            "SELECT w.id, w.url, w.events, w.enabled, w.disabled_why, w.failures, w.failing_since, w.old_secret_until, w.created_by, w.created_at,
                    (SELECT COUNT(*) FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'waiting')
             FROM webhook w WHERE w.tenant_id = $1 ORDER BY w.id DESC"
        );
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    pub async fn webhook(&self, id: WebhookId) -> Result<WebhookRecord, StoreError> {
        let select = sql!(
            "SELECT w.id, w.url, w.events, w.enabled, w.disabled_why, w.failures, w.failing_since, w.old_secret_until, w.created_by, w.created_at,
                    (SELECT COUNT(*) FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'waiting')
             FROM webhook w WHERE w.tenant_id = $1 AND w.id = $2"
        );
        read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("webhook"))?)
    }

    /// The address as it will be asked, and the events; every fault at once.
    fn checked_webhook(&self, new: &NewWebhook) -> Result<(String, String), StoreError> {
        let mut faults = Vec::new();
        let url = match self.store.webhook_networks().check(&new.url) {
            Ok(url) => url.to_string(),
            Err(fault) => {
                faults.push(FieldFault { field: "url", message: fault.to_string() });
                String::new()
            }
        };
        if let Some(kind) = new.events.iter().find(|kind| !kind.can_be_wanted()) {
            faults.push(FieldFault { field: "events", message: format!("{kind} comes when it is asked for: leave it out, and choose others") });
        } else if new.events.is_empty() {
            faults.push(FieldFault { field: "events", message: "choose at least one event".into() });
        }
        if faults.is_empty() { Ok((url, events_text(&new.events))) } else { Err(StoreError::Faults(faults)) }
    }

    pub async fn create_webhook(&self, new: &NewWebhook, now: Instant) -> Result<MadeWebhook, StoreError> {
        let (url, events) = self.checked_webhook(new)?;
        let (id, secret) = (WebhookId(self.store.next_id(now)), new_secret()?);
        let sealed = self.keys.data.seal(SECRET_LABEL, secret.as_bytes())?;
        let mut tx = self.db().begin().await?;
        let held = tx.query_first(sql!("SELECT COUNT(*) FROM webhook WHERE tenant_id = $1"), &params![self.id]).await?;
        if held.map_or(Ok(0), |mut row| row.take::<i64>(0))? >= WEBHOOKS_MAX {
            return Err(StoreError::Conflict(format!("there are {WEBHOOKS_MAX} webhooks already: delete one that is not needed")));
        }
        let insert = sql!(
            "INSERT INTO webhook (id, tenant_id, url, events, sealed_secret, enabled, disabled_why, failures, next_at, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, 1, '', 0, 0, $6, $7)"
        );
        tx.execute(insert, &params![id, self.id, url, events, sealed, self.actor.to_string(), now]).await?;
        self.audit(&mut tx, now, Act::Created, "webhook", id.0, "").await?;
        tx.commit().await?;
        Ok(MadeWebhook { id, secret })
    }

    /// What waits goes to the new address, and at once: what the old one refused is not held against it. What it did not ask for before
    /// is not told afterwards.
    pub async fn change_webhook(&self, id: WebhookId, new: &NewWebhook, now: Instant) -> Result<(), StoreError> {
        let (url, events) = self.checked_webhook(new)?;
        let mut tx = self.db().begin().await?;
        let waiting = sql!(
            "UPDATE webhook_delivery SET next_at = $4 WHERE tenant_id = $1 AND webhook_id = $2 AND state = 'waiting'
             AND EXISTS (SELECT 1 FROM webhook w WHERE w.tenant_id = $1 AND w.id = $2 AND w.url <> $3)"
        );
        tx.execute(waiting, &params![self.id, id, url.as_str(), now]).await?;
        let update = sql!(
            "UPDATE webhook SET failures = CASE WHEN url = $3 THEN failures ELSE 0 END, failing_since = CASE WHEN url = $3 THEN failing_since ELSE NULL END, url = $3, events = $4, next_at = 0
             WHERE tenant_id = $1 AND id = $2"
        );
        self.touch_webhook(&mut tx, update, params![self.id, id, url, events]).await?;
        self.audit(&mut tx, now, Act::Changed, "webhook", id.0, "").await?;
        self.commit_webhook(tx).await
    }

    /// A new secret; for a day what is sent is signed with the old one as well.
    pub async fn rotate_webhook_secret(&self, id: WebhookId, now: Instant) -> Result<String, StoreError> {
        let secret = new_secret()?;
        let sealed = self.keys.data.seal(SECRET_LABEL, secret.as_bytes())?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE webhook SET sealed_old_secret = sealed_secret, old_secret_until = $4, sealed_secret = $3 WHERE tenant_id = $1 AND id = $2");
        self.touch_webhook(&mut tx, update, params![self.id, id, sealed, now.plus_ms(OLD_SECRET_KEPT_MS)]).await?;
        self.audit(&mut tx, now, Act::Changed, "webhook", id.0, "new secret").await?;
        tx.commit().await?;
        Ok(secret)
    }

    /// Switched on, what waits goes at once. Switched off, nothing is told, and what happens meanwhile is not kept for it.
    pub async fn enable_webhook(&self, id: WebhookId, on: bool, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if on {
            let update = sql!("UPDATE webhook SET enabled = 1, disabled_why = '', failures = 0, failing_since = NULL, next_at = 0 WHERE tenant_id = $1 AND id = $2");
            self.touch_webhook(&mut tx, update, params![self.id, id]).await?;
        } else {
            self.disable_webhook_in(&mut tx, id, "switched off by a user").await?;
        }
        self.audit(&mut tx, now, Act::Changed, "webhook", id.0, if on { "enabled" } else { "disabled" }).await?;
        self.commit_webhook(tx).await
    }

    /// Gives up what waits: it can be replayed.
    pub(super) async fn disable_webhook_in(&self, tx: &mut Tx, id: WebhookId, why: &str) -> Result<(), StoreError> {
        let update = sql!("UPDATE webhook SET enabled = 0, disabled_why = $3 WHERE tenant_id = $1 AND id = $2");
        self.touch_webhook(tx, update, params![self.id, id, why]).await?;
        let fail = sql!("UPDATE webhook_delivery SET state = 'failed', last_error = CASE WHEN last_error = '' THEN 'switched_off' ELSE last_error END WHERE tenant_id = $1 AND webhook_id = $2 AND state = 'waiting'");
        tx.execute(fail, &params![self.id, id]).await?;
        Ok(())
    }

    /// With its log; what waits is not told.
    pub async fn delete_webhook(&self, id: WebhookId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.touch_webhook(&mut tx, sql!("DELETE FROM webhook WHERE tenant_id = $1 AND id = $2"), params![self.id, id]).await?;
        tx.execute(sql!("DELETE FROM webhook_delivery WHERE webhook_id = $1"), &params![id]).await?;
        tx.execute(sql!("DELETE FROM webhook_try WHERE webhook_id = $1"), &params![id]).await?;
        self.audit(&mut tx, now, Act::Deleted, "webhook", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    async fn touch_webhook(&self, tx: &mut Tx, update: &'static crate::db::Statement, values: crate::db::Params) -> Result<(), StoreError> {
        if tx.execute(update, &values).await? == 0 { Err(StoreError::NotFound("webhook")) } else { Ok(()) }
    }

    async fn commit_webhook(&self, tx: Tx) -> Result<(), StoreError> {
        tx.commit().await?;
        self.store.signals().raise(Signal::Webhooks);
        Ok(())
    }

    pub(super) fn open_webhook_secret(&self, sealed: &[u8]) -> Result<Personal, StoreError> {
        Ok(self.keys.data.open_text(SECRET_LABEL, sealed)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_back() {
        let events = [WebhookEventKind::ImportLoaded, WebhookEventKind::AttemptSettled];
        assert_eq!((events_text(&events).as_str(), events_of(&events_text(&events))), (" import.loaded attempt.settled ", events.to_vec()));
        assert_eq!(events_of(" import.loaded never.heard_of "), [WebhookEventKind::ImportLoaded]);
    }
}
