//! Holds: a person is not contacted until somebody, or a date, ends it. They stop every number of the person.

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::hold::HoldReason;
use clarion_domain::id::ContactId;
use clarion_domain::time::Instant;

use super::suppression::checked_source;
use crate::db::{Row, Tx, sql};
use crate::params;
use crate::store::{Page, StoreError, Tenant};

/// A hold to set.
#[derive(Debug, Clone, Copy)]
pub struct NewHold<'a> {
    pub reason: HoldReason,
    /// The reference of the notice or case; never what is written in it.
    pub note_reference: &'a str,
    /// When it is expected to end; whether it then ends by itself is the rule's to say.
    pub until: Option<Instant>,
}

#[derive(Debug, Clone)]
pub struct HoldEntry {
    pub id: i64,
    pub contact_id: ContactId,
    pub reason: HoldReason,
    pub note_reference: String,
    pub until: Option<Instant>,
    pub lifted_at: Option<Instant>,
    pub created_by: String,
    pub created_at: Instant,
}

fn read(mut row: Row) -> Result<HoldEntry, StoreError> {
    Ok(HoldEntry {
        id: row.take(0)?,
        contact_id: row.take(1)?,
        reason: row.word(2)?,
        note_reference: row.take(3)?,
        until: row.take(4)?,
        lifted_at: row.take(5)?,
        created_by: row.take(6)?,
        created_at: row.take(7)?,
    })
}

impl Tenant {
    /// Sets a hold within the caller's transaction.
    pub async fn hold_in_tx(&self, tx: &mut Tx, contact: ContactId, new: &NewHold<'_>, now: Instant) -> Result<i64, StoreError> {
        let known = sql!("SELECT id FROM contact WHERE id = $1 AND tenant_id = $2 AND erased_at IS NULL");
        if tx.query_first(known, &params![contact, self.id]).await?.is_none() {
            return Err(StoreError::NotFound("contact"));
        }
        let insert = sql!(
            "INSERT INTO hold (id, tenant_id, contact_id, reason, note_reference, until_at, lifted_at, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $8)"
        );
        let id = self.store.next_id(now);
        tx.execute(insert, &params![id, self.id, contact, new.reason.as_str(), new.note_reference, new.until, self.actor.to_string(), now]).await?;
        self.audit(tx, now, Act::Created, "hold", id, new.reason.as_str()).await?;
        Ok(id)
    }

    /// Holds a person until somebody has read their reply; one such hold is enough, however much they write.
    pub async fn hold_for_review_in_tx(&self, tx: &mut Tx, contact: ContactId, now: Instant) -> Result<(), StoreError> {
        let stands = sql!("SELECT id FROM hold WHERE +tenant_id = $1 AND contact_id = $2 AND reason = 'reply_review' AND lifted_at IS NULL LIMIT 1");
        if tx.query_first(stands, &params![self.id, contact]).await?.is_none() {
            let hold = NewHold { reason: HoldReason::ReplyReview, note_reference: "reply", until: None };
            self.hold_in_tx(tx, contact, &hold, now).await?;
        }
        Ok(())
    }

    pub async fn add_hold(&self, contact: ContactId, new: &NewHold<'_>, now: Instant) -> Result<i64, StoreError> {
        let new = NewHold { note_reference: checked_source(new.note_reference)?, ..*new };
        if new.until.is_some_and(|until| until <= now) {
            return Err(StoreError::Invalid("the hold would be over already: set a later end, or none".into()));
        }
        let mut tx = self.db().begin().await?;
        let id = self.hold_in_tx(&mut tx, contact, &new, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Holds everybody who has this reference; nobody is an error.
    pub async fn add_hold_by_reference(&self, reference: &str, new: &NewHold<'_>, now: Instant) -> Result<Vec<i64>, StoreError> {
        let contacts = self.contacts_by_reference(reference).await?;
        if contacts.is_empty() {
            return Err(StoreError::NotFound("contact with this reference"));
        }
        let mut ids = Vec::with_capacity(contacts.len());
        for contact in contacts {
            ids.push(self.add_hold(contact, new, now).await?);
        }
        Ok(ids)
    }

    /// Ends a hold. Lifting it twice is a conflict.
    pub async fn lift_hold(&self, id: i64, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let find = sql!("SELECT id, contact_id, reason, note_reference, until_at, lifted_at, created_by, created_at FROM hold WHERE id = $1 AND tenant_id = $2");
        let hold = read(tx.query_first(find, &params![id, self.id]).await?.ok_or(StoreError::NotFound("hold"))?)?;
        let lift = sql!("UPDATE hold SET lifted_at = $3 WHERE id = $1 AND tenant_id = $2 AND lifted_at IS NULL");
        if tx.execute(lift, &params![id, self.id, now]).await? == 0 {
            return Err(StoreError::Conflict("this hold was lifted already".into()));
        }
        self.audit(&mut tx, now, Act::Changed, "hold", id, &format!("{} lifted", hold.reason)).await?;
        Ok(tx.commit().await?)
    }

    /// Every hold of a person, also those that are over.
    pub async fn holds_of(&self, contact: ContactId) -> Result<Vec<HoldEntry>, StoreError> {
        let select = sql!(
            "SELECT id, contact_id, reason, note_reference, until_at, lifted_at, created_by, created_at FROM hold
             WHERE contact_id = $1 AND tenant_id = $2 ORDER BY id"
        );
        self.db().query(select, &params![contact, self.id]).await?.into_iter().map(read).collect()
    }

    /// The holds that stand, the newest first.
    pub async fn holds(&self, before: Option<i64>, limit: i64) -> Result<Page<HoldEntry>, StoreError> {
        let select = sql!(
            "SELECT id, contact_id, reason, note_reference, until_at, lifted_at, created_by, created_at FROM hold
             WHERE tenant_id = $1 AND id < $2 AND lifted_at IS NULL ORDER BY id DESC LIMIT $3"
        );
        let rows = self.db().query(select, &params![self.id, before.unwrap_or(i64::MAX), limit + 1]).await?;
        Ok(Page::cut(rows.into_iter().map(read).collect::<Result<_, _>>()?, limit, |hold: &HoldEntry| hold.id))
    }
}
