//! A legal hold stops every deletion of what is held on a person until it is lifted.

use clarion_domain::audit::event::Act;
use clarion_domain::id::ContactId;
use clarion_domain::time::Instant;

use crate::db::{DbError, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

#[derive(Debug, Clone)]
pub struct LegalHold {
    pub contact_id: ContactId,
    /// The matter, as the tenant's lawyers name it.
    pub reference: String,
    pub set_by: String,
    pub set_at: Instant,
}

impl Tenant {
    pub async fn set_legal_hold(&self, contact: ContactId, reference: &str, now: Instant) -> Result<(), StoreError> {
        let reference = reference.trim();
        if reference.is_empty() || reference.chars().count() > 100 {
            return Err(StoreError::Invalid("name the matter that the legal hold is for, in at most 100 characters".into()));
        }
        let mut tx = self.db().begin().await?;
        let known = sql!("SELECT id FROM contact WHERE tenant_id = $1 AND id = $2 AND erased_at IS NULL");
        tx.query_first(known, &params![self.id, contact]).await?.ok_or(StoreError::NotFound("contact"))?;
        let insert = sql!("INSERT INTO legal_hold (contact_id, tenant_id, reference, set_by, set_at) VALUES ($1, $2, $3, $4, $5)");
        match tx.execute(insert, &params![contact, self.id, reference, self.actor.to_string(), now]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict("this person is under a legal hold already: lift it first".into())),
            other => other?,
        };
        // The matter is often named after the person: it goes with the hold, and stands in no event.
        self.audit(&mut tx, now, Act::Created, "legal_hold", contact.0, "").await?;
        Ok(tx.commit().await?)
    }

    pub async fn lift_legal_hold(&self, contact: ContactId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM legal_hold WHERE tenant_id = $1 AND contact_id = $2"), &params![self.id, contact]).await? == 0 {
            return Err(StoreError::NotFound("legal hold"));
        }
        // The sweep went past what the hold kept: it begins anew.
        tx.execute(sql!("UPDATE sweep SET through_id = 0 WHERE tenant_id = $1"), &params![self.id]).await?;
        self.audit(&mut tx, now, Act::Deleted, "legal_hold", contact.0, "").await?;
        Ok(tx.commit().await?)
    }

    pub async fn legal_holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        let select = sql!("SELECT contact_id, reference, set_by, set_at FROM legal_hold WHERE tenant_id = $1 ORDER BY set_at DESC");
        let rows = self.db().query(select, &params![self.id]).await?;
        rows.into_iter().map(|mut row| Ok(LegalHold { contact_id: row.take(0)?, reference: row.take(1)?, set_by: row.take(2)?, set_at: row.take(3)? })).collect()
    }

    /// Fails with the hold's reference when one of these people is under a legal hold.
    pub(crate) async fn refuse_held(&self, tx: &mut Tx, contacts: &[ContactId]) -> Result<(), StoreError> {
        for contact in contacts {
            let select = sql!("SELECT reference FROM legal_hold WHERE tenant_id = $1 AND contact_id = $2");
            if let Some(mut row) = tx.query_first(select, &params![self.id, *contact]).await? {
                let reference: String = row.take(0)?;
                return Err(StoreError::Conflict(format!("a legal hold ({reference}) stops the erasure: lift the hold first, or tell the person why it must wait")));
            }
        }
        Ok(())
    }
}
