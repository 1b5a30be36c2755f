//! Somebody opens a link: where it leads, and that it was opened. Who asked is not kept.

use clarion_domain::id::{AttemptId, CampaignId, ContactId, TenantId};
use clarion_domain::links::code;
use clarion_domain::links::target::is_target;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::WebhookEventKind;
use serde_json::json;

use super::short_link::TARGET_LABEL;
use crate::db::{Row, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// Whose links stand under a name, and what its page says of them.
#[derive(Debug, Clone)]
pub struct LinkHost {
    pub tenant: TenantId,
    pub name: String,
    /// How to reach them; may be empty.
    pub contact_details: String,
}

struct Found {
    attempt: AttemptId,
    place: i64,
    campaign: CampaignId,
    contact: ContactId,
    target: String,
}

impl Store {
    /// Whose name this is, once it was seen to point here.
    pub async fn link_host(&self, host: &str) -> Result<Option<LinkHost>, StoreError> {
        if self.is_own_host(host) {
            return Ok(None);
        }
        let select = sql!("SELECT t.id, t.name, t.contact_details FROM link_domain d JOIN tenant t ON t.id = d.tenant_id WHERE d.verified_host = $1");
        let read = |mut row: Row| Ok(LinkHost { tenant: row.take(0)?, name: row.take(1)?, contact_details: row.take(2)? });
        self.db().query_first(select, &params![host]).await?.map(read).transpose()
    }
}

impl Tenant {
    /// Where a code leads; `None` when it is unknown, or leads nowhere any more. `counts` when a person opens it.
    pub async fn follow_link(&self, typed: &str, counts: bool, now: Instant) -> Result<Option<String>, StoreError> {
        let Some(code) = code::read(typed) else { return Ok(None) };
        let select = sql!(
            "SELECT s.attempt_id, s.place, s.campaign_id, s.contact_id, s.sealed_target, c.wrapped_key FROM short_link s JOIN contact c ON c.id = s.contact_id
             WHERE s.code_hash = $1 AND s.tenant_id = $2 AND s.expires_at > $3 AND c.erased_at IS NULL"
        );
        let Some(row) = self.db().query_first(select, &params![self.keys.index.link(&code), self.id, now]).await? else { return Ok(None) };
        let Some(found) = self.opened(row)? else { return Ok(None) };
        if counts {
            // A count that cannot be written keeps nobody from where they want to go.
            if let Err(error) = self.count_click(&found, now).await {
                tracing::warn!(tenant = %self.id, %error, "a click could not be counted");
            }
        }
        Ok(Some(found.target))
    }

    /// Where a link leads; `None` once that is forgotten.
    pub(crate) fn link_target(&self, sealed: Option<Vec<u8>>, wrapped: Option<Vec<u8>>) -> Result<Option<String>, StoreError> {
        let (Some(sealed), Some(key)) = (sealed, self.person_key(wrapped.as_deref())?) else { return Ok(None) };
        Ok(Some(key.open_text(TARGET_LABEL, &sealed)?))
    }

    fn opened(&self, mut row: Row) -> Result<Option<Found>, StoreError> {
        let Some(target) = self.link_target(row.take(4)?, row.take(5)?)? else { return Ok(None) };
        let found = Found { attempt: row.take(0)?, place: row.take(1)?, campaign: row.take(2)?, contact: row.take(3)?, target };
        Ok(Some(found).filter(|found| is_target(&found.target)))
    }

    /// The time and the count, of the link and of the campaign. Only the first click is told: whoever holds a link could tell without end.
    async fn count_click(&self, link: &Found, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let first = sql!("UPDATE short_link SET first_click_at = $3 WHERE attempt_id = $1 AND place = $2 AND first_click_at IS NULL");
        let first = tx.execute(first, &params![link.attempt, link.place, now]).await? == 1;
        let count = sql!("UPDATE short_link SET clicks = clicks + 1, last_click_at = $3 WHERE attempt_id = $1 AND place = $2");
        tx.execute(count, &params![link.attempt, link.place, now]).await?;
        let sum = sql!(
            "INSERT INTO link_count (campaign_id, place, tenant_id, clicks, clicked) VALUES ($1, $2, $3, 1, $4)
             ON CONFLICT (campaign_id, place) DO UPDATE SET clicks = link_count.clicks + 1, clicked = link_count.clicked + excluded.clicked"
        );
        tx.execute(sum, &params![link.campaign, link.place, self.id, i64::from(first)]).await?;
        if first {
            let data = json!({"campaign": link.campaign, "attempt": link.attempt, "contact": link.contact, "link": link.place});
            self.tell(&mut tx, WebhookEventKind::LinkClicked, data, now).await?;
        }
        tx.commit().await?;
        if first {
            self.store.signals().raise(Signal::Webhooks);
        }
        Ok(())
    }
}
