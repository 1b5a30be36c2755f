//! The suppression list: numbers never to contact. A number may stand on it for several reasons, each lifted by itself.

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{ContactId, SuppressionId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::WebhookEventKind;
use serde_json::{Value as Json, json};

use crate::db::{Row, Tx, sql};
use crate::outcomes::CARRIER_SOURCE;
use crate::params;
use crate::store::{Page, StoreError, Tenant};

/// The label under which a suppressed number is sealed, with the tenant's data key.
pub const SUPPRESSION_LABEL: &str = "suppression.number";
const SOURCE_CHARS_MAX: usize = 200;

/// A number to put on the list, already as E.164.
#[derive(Debug, Clone, Copy)]
pub struct NewSuppression<'a> {
    pub number: &'a Personal,
    pub scope: SuppressionScope,
    pub reason: SuppressionReason,
    /// How it came: `reply`, `list file`, a ticket's reference. Never personal data.
    pub source: &'a str,
}

/// An entry as people see it.
#[derive(Debug, Clone)]
pub struct SuppressionEntry {
    pub id: SuppressionId,
    /// Empty for the tombstone of an erased person.
    pub number: Personal,
    pub scope: SuppressionScope,
    pub reason: SuppressionReason,
    pub source: String,
    pub created_by: String,
    pub created_at: Instant,
}

impl SuppressionEntry {
    /// A tombstone stays for as long as the tenant does.
    #[must_use]
    pub fn can_be_removed(&self) -> bool {
        self.reason != SuppressionReason::Erased
    }
}

impl Tenant {
    /// Puts a number on the list within the caller's transaction. False when it stood there already for this reason.
    /// A person's own no also withdraws what they consented to: a START lifts the entry, and is no new consent.
    pub async fn suppress_in_tx(&self, tx: &mut Tx, new: &NewSuppression<'_>, now: Instant) -> Result<bool, StoreError> {
        let insert = sql!(
            "INSERT INTO suppression (id, tenant_id, number_index, scope, reason, sealed_number, source, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
        );
        let (id, scope) = (self.store.next_id(now), new.reason.stops(new.scope));
        let sealed = self.keys.data.seal(SUPPRESSION_LABEL, new.number.reveal().as_bytes())?;
        let index = self.number_index(new.number.reveal());
        let values = params![id, self.id, index, scope.as_str(), new.reason.as_str(), sealed, new.source, self.actor.to_string(), now];
        if new.reason.withdraws_consent() {
            self.withdraw_consents_in_tx(tx, &[index], scope, now).await?;
        }
        if tx.execute(insert, &values).await? == 0 {
            return Ok(false);
        }
        self.audit(tx, now, Act::Suppressed, "suppression", id, &format!("{scope} {}", new.reason)).await?;
        let said = json!({"suppression": SuppressionId(id), "scope": scope.as_str(), "reason": new.reason.as_str()});
        self.tell_of_number(tx, WebhookEventKind::SuppressionAdded, said, index, now).await?;
        Ok(true)
    }

    /// Whether anything on the list keeps texts from this number.
    pub async fn stands_for_texts_in_tx(&self, tx: &mut Tx, e164: &str) -> Result<bool, StoreError> {
        let select = sql!("SELECT id FROM suppression WHERE tenant_id = $1 AND number_index = $2 AND scope IN ('sms', 'every') LIMIT 1");
        Ok(tx.query_first(select, &params![self.id, self.number_index(e164)]).await?.is_some())
    }

    /// Tells with the contact whose number it is, who is looked up only where somebody asks.
    async fn tell_of_number(&self, tx: &mut Tx, kind: WebhookEventKind, mut said: Json, index: [u8; 16], now: Instant) -> Result<(), StoreError> {
        let to = self.endpoints_asking(tx, kind).await?;
        if to.is_empty() {
            return Ok(());
        }
        let select = sql!("SELECT contact_id FROM address WHERE tenant_id = $1 AND number_index = $2 LIMIT 1");
        let contact: Option<ContactId> = tx.query_first(select, &params![self.id, index]).await?.map(|mut row| row.take(0)).transpose()?;
        said["contact"] = json!(contact);
        self.tell_to(tx, &to, kind, said, now).await
    }

    /// Lifts the person's own opt-outs of text messages (a START by text), here and with the carrier, which lifts its own by the same word: nothing
    /// else of what stands on the list (a carrier's block that came in a file stays), and one of every channel goes on for calls. The number of entries lifted.
    pub async fn lift_opt_outs_in_tx(&self, tx: &mut Tx, number_index: [u8; 16], now: Instant) -> Result<u64, StoreError> {
        let narrow = sql!(
            "UPDATE suppression SET scope = 'voice' WHERE tenant_id = $1 AND number_index = $2 AND (reason = 'opt_out' OR reason = 'carrier_block' AND source = $3) AND scope = 'every'
             AND NOT EXISTS (SELECT 1 FROM suppression v WHERE v.tenant_id = $1 AND v.number_index = $2 AND v.reason = suppression.reason AND v.scope = 'voice')
             RETURNING reason"
        );
        let delete = sql!(
            "DELETE FROM suppression WHERE tenant_id = $1 AND number_index = $2 AND (reason = 'opt_out' OR reason = 'carrier_block' AND source = $3) AND scope IN ('sms', 'every')
             RETURNING reason"
        );
        let own = params![self.id, number_index, CARRIER_SOURCE];
        let mut rows = tx.query(narrow, &own).await?;
        rows.extend(tx.query(delete, &own).await?);
        let lifted = rows.len() as u64;
        let mut reasons = rows.into_iter().map(|mut row| row.word(0)).collect::<Result<Vec<SuppressionReason>, _>>()?;
        reasons.sort_unstable();
        reasons.dedup();
        for reason in reasons {
            self.audit(tx, now, Act::Unsuppressed, "suppression", 0, &format!("{reason} of texts, lifted by the person")).await?;
            let said = json!({"suppression": None::<SuppressionId>, "scope": "sms", "reason": reason.as_str()});
            self.tell_of_number(tx, WebhookEventKind::SuppressionLifted, said, number_index, now).await?;
        }
        Ok(lifted)
    }

    /// Puts a number as typed on the list, for the whole tenant.
    pub async fn suppress(&self, typed: &str, scope: SuppressionScope, reason: SuppressionReason, source: &str, now: Instant) -> Result<bool, StoreError> {
        if reason == SuppressionReason::Erased {
            return Err(StoreError::Invalid("a tombstone comes only from an erasure: erase the person instead".into()));
        }
        let source = checked_source(source)?;
        let number = self.number_to_suppress(typed).await?;
        let mut tx = self.db().begin().await?;
        let added = self.suppress_in_tx(&mut tx, &NewSuppression { number: &number, scope, reason, source }, now).await?;
        tx.commit().await?;
        Ok(added)
    }

    async fn number_to_suppress(&self, typed: &str) -> Result<Personal, StoreError> {
        let read = self.read_number(typed).await?;
        read.map(Personal::new).ok_or_else(|| StoreError::Invalid("this is no phone number: write it with its country code, such as +44 7700 900123".into()))
    }

    /// Takes an entry off the list; `why` is kept in the audit. A tombstone stays.
    pub async fn unsuppress(&self, id: SuppressionId, why: &str, now: Instant) -> Result<(), StoreError> {
        let why = checked_source(why)?;
        if why.is_empty() {
            return Err(StoreError::Invalid("say why this person may be contacted again: the reason is kept in the audit".into()));
        }
        let entry = self.suppression(id).await?;
        if !entry.can_be_removed() {
            return Err(StoreError::Conflict("this person was erased: the tombstone that keeps them from being contacted cannot be removed".into()));
        }
        let mut tx = self.db().begin().await?;
        let delete = sql!("DELETE FROM suppression WHERE id = $1 AND tenant_id = $2 AND reason <> 'erased'");
        if tx.execute(delete, &params![id, self.id]).await? == 0 {
            return Err(StoreError::NotFound("suppression"));
        }
        self.audit(&mut tx, now, Act::Unsuppressed, "suppression", id.0, &format!("{} {}: {why}", entry.scope, entry.reason)).await?;
        let said = json!({"suppression": id, "scope": entry.scope.as_str(), "reason": entry.reason.as_str()});
        self.tell_of_number(&mut tx, WebhookEventKind::SuppressionLifted, said, self.number_index(entry.number.reveal()), now).await?;
        Ok(tx.commit().await?)
    }

    pub async fn suppression(&self, id: SuppressionId) -> Result<SuppressionEntry, StoreError> {
        let select = sql!("SELECT id, sealed_number, scope, reason, source, created_by, created_at FROM suppression WHERE id = $1 AND tenant_id = $2");
        let row = self.db().query_first(select, &params![id, self.id]).await?;
        self.read_suppression(row.ok_or(StoreError::NotFound("suppression"))?)
    }

    /// The newest entries first; `reason` narrows the listing.
    pub async fn suppressions(&self, reason: Option<SuppressionReason>, before: Option<i64>, limit: i64) -> Result<Page<SuppressionEntry>, StoreError> {
        let select = sql!(
            "SELECT id, sealed_number, scope, reason, source, created_by, created_at FROM suppression
             WHERE tenant_id = $1 AND id < $2 AND ($3 = '' OR reason = $3) ORDER BY id DESC LIMIT $4"
        );
        let reason = reason.map_or("", SuppressionReason::as_str);
        let rows = self.db().query(select, &params![self.id, before.unwrap_or(i64::MAX), reason, limit + 1]).await?;
        let entries = rows.into_iter().map(|row| self.read_suppression(row)).collect::<Result<_, _>>()?;
        Ok(Page::cut(entries, limit, |entry: &SuppressionEntry| entry.id.0))
    }

    /// The entries of one number.
    pub async fn suppressions_of(&self, e164: &str) -> Result<Vec<SuppressionEntry>, StoreError> {
        let select = sql!(
            "SELECT id, sealed_number, scope, reason, source, created_by, created_at FROM suppression WHERE tenant_id = $1 AND number_index = $2 ORDER BY +id"
        );
        let rows = self.db().query(select, &params![self.id, self.number_index(e164)]).await?;
        rows.into_iter().map(|row| self.read_suppression(row)).collect()
    }

    fn read_suppression(&self, mut row: Row) -> Result<SuppressionEntry, StoreError> {
        let sealed: Option<Vec<u8>> = row.take(1)?;
        let number = sealed.map(|sealed| self.keys.data.open_text(SUPPRESSION_LABEL, &sealed)).transpose()?;
        Ok(SuppressionEntry {
            id: row.take(0)?,
            number: number.unwrap_or_default().into(),
            scope: row.word(2)?,
            reason: row.word(3)?,
            source: row.take(4)?,
            created_by: row.take(5)?,
            created_at: row.take(6)?,
        })
    }
}

/// A short line; what people write there is kept for years.
pub(super) fn checked_source(text: &str) -> Result<&str, StoreError> {
    let text = text.trim();
    if text.chars().nth(SOURCE_CHARS_MAX).is_some() || text.chars().any(char::is_control) {
        return Err(StoreError::Invalid(format!("write at most {SOURCE_CHARS_MAX} characters on one line")));
    }
    Ok(text)
}
