//! What a person asked of when and how they are contacted (CONC 7.9.4R).

use clarion_domain::audit::event::Act;
use clarion_domain::id::ContactId;
use clarion_domain::time::Instant;

use crate::compliance::Week;
use crate::db::{DbError, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// A person's wishes; hours are in the person's own zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preference {
    /// Blank: at any hour the rules allow.
    pub hours: Week,
    pub no_sms: bool,
    pub no_voice: bool,
}

impl Tenant {
    pub async fn preference(&self, contact: ContactId) -> Result<Option<Preference>, StoreError> {
        let select = sql!("SELECT windows, no_sms, no_voice FROM preference WHERE contact_id = $1 AND tenant_id = $2");
        let Some(mut row) = self.db().query_first(select, &params![contact, self.id]).await? else { return Ok(None) };
        Ok(Some(Preference { hours: row.json(0)?, no_sms: row.take(1)?, no_voice: row.take(2)? }))
    }

    /// Sets a person's wishes; wishes for nothing remove them.
    pub async fn set_preference(&self, contact: ContactId, wishes: &Preference, now: Instant) -> Result<(), StoreError> {
        let hours = wishes.hours.hours().map_err(|error| StoreError::Invalid(error.to_string()))?;
        if hours.is_some_and(|hours| hours.is_never()) {
            return Err(StoreError::Invalid("these hours are never open: put the number on the suppression list instead".into()));
        }
        let mut tx = self.db().begin().await?;
        let known = sql!("SELECT id FROM contact WHERE id = $1 AND tenant_id = $2 AND erased_at IS NULL");
        if tx.query_first(known, &params![contact, self.id]).await?.is_none() {
            return Err(StoreError::NotFound("contact"));
        }
        if *wishes == Preference::default() {
            tx.execute(sql!("DELETE FROM preference WHERE contact_id = $1 AND tenant_id = $2"), &params![contact, self.id]).await?;
        } else {
            let upsert = sql!(
                "INSERT INTO preference (contact_id, tenant_id, windows, no_sms, no_voice, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (contact_id) DO UPDATE SET windows = excluded.windows, no_sms = excluded.no_sms, no_voice = excluded.no_voice, updated_at = excluded.updated_at"
            );
            let windows = serde_json::to_string(&wishes.hours).map_err(|error| DbError::Failed(error.to_string()))?;
            tx.execute(upsert, &params![contact, self.id, windows, wishes.no_sms, wishes.no_voice, now]).await?;
        }
        self.audit(&mut tx, now, Act::Changed, "preference", contact.0, "").await?;
        Ok(tx.commit().await?)
    }
}
